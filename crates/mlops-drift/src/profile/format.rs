//! The JSON form of a profile, schema 1, and the checks on reading it.
//!
//! A profile may come out of somebody else's artifact store. It is read as hostile: its size and
//! the length of every list are bounded, unknown fields are refused, and every number is checked
//! against its neighbours, so that a [`ReferenceProfile`] that exists can be counted into.

use std::collections::BTreeSet;

use mlops_core::Probability;
use serde::{Deserialize, Serialize};

use super::{
    CategoricalProfile, ColumnProfile, Distribution, NumericProfile, ReferenceProfile,
    bins::LONGEST_CATEGORY,
};
use crate::{Error, Result};

pub(super) const MAX_COLUMNS: usize = 10_000;
pub(super) const MAX_BINS: usize = 20;
pub(super) const MAX_CATEGORIES: usize = 100;
pub(super) const MAX_NAME: usize = 256;
const MAX_BYTES: usize = 64 << 20;
/// Counts up to here are exact as floats.
const MAX_ROWS: u64 = 1 << 53;

/// What stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    schema_version: u64,
    rows: u64,
    columns: Vec<StoredColumn>,
    prediction: Option<StoredColumn>,
    label_rate: Option<f64>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum StoredColumn {
    Numeric {
        name: String,
        missing: u64,
        edges: Vec<f64>,
        counts: Vec<u64>,
        mean: f64,
        std: f64,
        min: f64,
        max: f64,
    },
    Categorical {
        name: String,
        missing: u64,
        categories: Vec<String>,
        counts: Vec<u64>,
        other: u64,
    },
}

/// Only the version, whatever else there is.
#[derive(Deserialize)]
struct Versioned {
    schema_version: u64,
}

pub(super) fn write(profile: &ReferenceProfile) -> Vec<u8> {
    serde_json::to_vec(profile).expect("a profile holds finite numbers and texts")
}

pub(super) fn read(bytes: &[u8]) -> Result<ReferenceProfile> {
    if bytes.len() > MAX_BYTES {
        return Err(Error::ProfileTooLarge {
            bytes: bytes.len(),
            limit: MAX_BYTES,
        });
    }
    let broken = |error: serde_json::Error| invalid(error.to_string());
    let Versioned { schema_version } = serde_json::from_slice(bytes).map_err(broken)?;
    check_version(schema_version)?;
    serde_json::from_slice::<Stored>(bytes)
        .map_err(broken)?
        .try_into()
}

impl From<ReferenceProfile> for Stored {
    fn from(profile: ReferenceProfile) -> Self {
        Self {
            schema_version: ReferenceProfile::SCHEMA_VERSION,
            rows: profile.rows,
            columns: profile
                .columns
                .into_iter()
                .map(StoredColumn::from)
                .collect(),
            prediction: profile.prediction.map(StoredColumn::from),
            label_rate: profile.label_rate.map(Probability::get),
        }
    }
}

impl From<ColumnProfile> for StoredColumn {
    fn from(column: ColumnProfile) -> Self {
        let ColumnProfile {
            name,
            missing,
            distribution,
        } = column;
        match distribution {
            Distribution::Numeric(n) => Self::Numeric {
                name,
                missing,
                edges: n.edges,
                counts: n.counts,
                mean: n.mean,
                std: n.std,
                min: n.min,
                max: n.max,
            },
            Distribution::Categorical(c) => Self::Categorical {
                name,
                missing,
                categories: c.categories,
                counts: c.counts,
                other: c.other,
            },
        }
    }
}

impl TryFrom<Stored> for ReferenceProfile {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        check_version(stored.schema_version)?;
        if !(1..=MAX_ROWS).contains(&stored.rows) {
            return Err(invalid(format!(
                "{} rows; 1 to 2^53 are possible",
                stored.rows
            )));
        }
        if stored.columns.len() > MAX_COLUMNS {
            return Err(invalid(format!(
                "{} columns; {MAX_COLUMNS} are allowed",
                stored.columns.len()
            )));
        }
        let rows = stored.rows;
        let read = |column: StoredColumn| column.check(Some(rows));
        let columns: Vec<ColumnProfile> = stored
            .columns
            .into_iter()
            .map(read)
            .collect::<Result<_>>()?;
        let mut names = BTreeSet::new();
        if let Some(twice) = columns
            .iter()
            .find(|column| !names.insert(column.name.as_str()))
        {
            return Err(Error::DuplicateColumn {
                column: twice.name.clone(),
            });
        }
        let prediction = stored
            .prediction
            .map(|column| column.check(None))
            .transpose()?;
        if let Some(prediction) = &prediction
            && !matches!(prediction.distribution, Distribution::Numeric(_))
        {
            return Err(invalid("the predictions are not numeric"));
        }
        Ok(Self {
            rows,
            columns,
            prediction,
            label_rate: stored.label_rate.map(Probability::new).transpose()?,
        })
    }
}

impl StoredColumn {
    /// Checks the column by itself, and against the rows of the profile if it must have as many.
    fn check(self, rows: Option<u64>) -> Result<ColumnProfile> {
        let (name, missing, distribution, counted) = match self {
            Self::Numeric {
                name,
                missing,
                edges,
                counts,
                mean,
                std,
                min,
                max,
            } => {
                let numeric = NumericProfile {
                    edges,
                    counts,
                    mean,
                    std,
                    min,
                    max,
                };
                check_numeric(&name, &numeric)?;
                let counted = sum(&numeric.counts, 0);
                (name, missing, Distribution::Numeric(numeric), counted)
            }
            Self::Categorical {
                name,
                missing,
                categories,
                counts,
                other,
            } => {
                let categorical = CategoricalProfile {
                    categories,
                    counts,
                    other,
                };
                check_categorical(&name, &categorical)?;
                let counted = sum(&categorical.counts, other);
                (
                    name,
                    missing,
                    Distribution::Categorical(categorical),
                    counted,
                )
            }
        };
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(invalid(format!("a column name has {} bytes", name.len())));
        }
        let counted = counted
            .and_then(|c| c.checked_add(missing))
            .filter(|c| (1..=MAX_ROWS).contains(c));
        if counted.is_none() || rows.is_some() && counted != rows {
            let rows = rows.map_or_else(|| "1 to 2^53".to_owned(), |rows| rows.to_string());
            return Err(invalid(format!(
                "the counts of column `{name}` do not sum to {rows} rows"
            )));
        }
        Ok(ColumnProfile {
            name,
            missing,
            distribution,
        })
    }
}

fn check_numeric(name: &str, numeric: &NumericProfile) -> Result<()> {
    let NumericProfile {
        edges,
        counts,
        mean,
        std,
        min,
        max,
    } = numeric;
    let reason = if edges.len() >= MAX_BINS {
        "has too many edges"
    } else if counts.len() != edges.len() + 1 {
        "needs one count more than edges"
    } else if !edges
        .iter()
        .chain([mean, std, min, max])
        .all(|value| value.is_finite())
    {
        "holds a number that is not finite"
    } else if !edges.windows(2).all(|pair| pair[0] < pair[1]) {
        "has edges that do not rise"
    } else if min > max || *std < 0.0 {
        "has a range or a deviation below zero"
    } else {
        return Ok(());
    };
    Err(invalid(format!("column `{}` {reason}", cut(name))))
}

fn check_categorical(name: &str, categorical: &CategoricalProfile) -> Result<()> {
    let CategoricalProfile {
        categories, counts, ..
    } = categorical;
    let distinct: BTreeSet<&String> = categories.iter().collect();
    let reason = if categories.len() > MAX_CATEGORIES {
        "has too many categories"
    } else if counts.len() != categories.len() {
        "needs one count a category"
    } else if distinct.len() != categories.len() {
        "lists a category twice"
    } else if categories
        .iter()
        .any(|category| category.len() > LONGEST_CATEGORY)
    {
        "lists a category of more than 256 bytes"
    } else {
        return Ok(());
    };
    Err(invalid(format!("column `{}` {reason}", cut(name))))
}

fn check_version(found: u64) -> Result<()> {
    match found {
        ReferenceProfile::SCHEMA_VERSION => Ok(()),
        0 => Err(invalid("schema 0 does not exist")),
        _ => Err(Error::UnsupportedSchema {
            found,
            supported: ReferenceProfile::SCHEMA_VERSION,
        }),
    }
}

fn sum(counts: &[u64], start: u64) -> Option<u64> {
    counts
        .iter()
        .try_fold(start, |sum, count| sum.checked_add(*count))
}

fn cut(name: &str) -> String {
    name.chars().take(80).collect()
}

fn invalid(reason: impl AsRef<str>) -> Error {
    Error::InvalidProfile {
        reason: reason.as_ref().chars().take(300).collect(),
    }
}
