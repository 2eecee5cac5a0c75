//! From the training features to their profile.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, ArrayRef, Float64Array, RecordBatch, StringArray};
use mlops_core::Probability;

use super::{
    Binner, CategoricalProfile, Cells, ColumnKind, ColumnProfile, Counter, Distribution,
    NumericProfile, ReferenceProfile,
    bins::LONGEST_CATEGORY,
    cells, edges,
    format::{MAX_BINS, MAX_CATEGORIES, MAX_COLUMNS, MAX_NAME},
    read::natural_kind,
};
use crate::{Error, Result};

/// Settings of a profile; see [`ReferenceProfile::builder`].
#[derive(Debug, Clone)]
pub struct ProfileBuilder {
    bins: usize,
    categories: usize,
    category_rows: u64,
    exclude: BTreeSet<String>,
    categorical: BTreeSet<String>,
    label_rate: Option<Probability>,
}

impl Default for ProfileBuilder {
    fn default() -> Self {
        Self {
            bins: 10,
            categories: 20,
            category_rows: 20,
            exclude: BTreeSet::new(),
            categorical: BTreeSet::new(),
            label_rate: None,
        }
    }
}

impl ProfileBuilder {
    /// At most so many bins of about equal mass in a numeric column: 2 to 20, 10 if not stated.
    ///
    /// The lines 0.1 and 0.2 for PSI were drawn for ten bins; more bins give larger values.
    #[must_use]
    pub fn bins(mut self, bins: usize) -> Self {
        self.bins = bins;
        self
    }

    /// At most so many categories by name: 1 to 100, 20 if not stated. All others share one bin.
    #[must_use]
    pub fn categories(mut self, categories: usize) -> Self {
        self.categories = categories;
        self
    }

    /// A category is listed by name from so many rows on, 20 if not stated; rarer ones are "other".
    /// So no single person's text goes into the profile.
    #[must_use]
    pub fn category_rows(mut self, rows: u64) -> Self {
        self.category_rows = rows;
        self
    }

    /// Leaves a column out, for instance an id or a time.
    #[must_use]
    pub fn exclude(mut self, column: impl Into<String>) -> Self {
        self.exclude.insert(column.into());
        self
    }

    /// Takes a column of whole numbers as labels.
    #[must_use]
    pub fn categorical(mut self, column: impl Into<String>) -> Self {
        self.categorical.insert(column.into());
        self
    }

    /// States the share of positive labels.
    #[must_use]
    pub fn label_rate(mut self, rate: Probability) -> Self {
        self.label_rate = Some(rate);
        self
    }

    /// Counts the features and, where given, the model's predictions on rows of any number that it has
    /// not been fitted on.
    ///
    /// # Errors
    /// [`Error::Empty`] without rows or predictions; [`Error::DuplicateColumn`]; [`Error::UnsupportedColumn`] for a type
    /// without a distribution (exclude it); [`Error::Core`] for a setting out of its range, a column
    /// named in a setting that is not there.
    pub fn build(
        &self,
        features: &RecordBatch,
        predictions: Option<&[f64]>,
    ) -> Result<ReferenceProfile> {
        self.check(features)?;
        if features.num_rows() == 0 {
            return Err(Error::Empty {
                what: "reference batch",
            });
        }
        if predictions.is_some_and(<[f64]>::is_empty) {
            return Err(Error::Empty {
                what: "reference predictions",
            });
        }
        let schema = features.schema();
        let mut columns: Vec<ColumnProfile> = Vec::new();
        for (field, array) in schema.fields().iter().zip(features.columns()) {
            let name = field.name();
            if self.exclude.contains(name) {
                continue;
            }
            if columns.iter().any(|column| column.name == *name) {
                return Err(Error::DuplicateColumn {
                    column: name.clone(),
                });
            }
            columns.push(self.column(name, array)?);
        }
        Ok(ReferenceProfile {
            rows: features.num_rows() as u64,
            columns,
            prediction: predictions
                .map(|p| self.numeric("prediction".to_owned(), &Float64Array::from(p.to_vec()))),
            label_rate: self.label_rate,
        })
    }

    fn check(&self, features: &RecordBatch) -> Result<()> {
        let out_of_range = |parameter, value: usize, rule| {
            Err(mlops_core::Error::InvalidParameter {
                parameter,
                value: value.to_string(),
                rule,
            }
            .into())
        };
        if !(2..=MAX_BINS).contains(&self.bins) {
            return out_of_range("bins", self.bins, "it must lie in 2..=20");
        }
        if !(1..=MAX_CATEGORIES).contains(&self.categories) {
            return out_of_range("categories", self.categories, "it must lie in 1..=100");
        }
        let schema = features.schema();
        if schema.fields().len() > MAX_COLUMNS {
            return out_of_range("columns", schema.fields().len(), "there may be 10,000");
        }
        let is_bad = |name: &str| name.is_empty() || name.len() > MAX_NAME;
        if let Some(field) = schema.fields().iter().find(|field| is_bad(field.name())) {
            return out_of_range(
                "column name length",
                field.name().len(),
                "it must lie in 1..=256",
            );
        }
        for name in self.exclude.iter().chain(&self.categorical) {
            if schema.index_of(name).is_err() {
                let names: Vec<String> = schema
                    .fields()
                    .iter()
                    .map(|f| format!("`{}`", f.name()))
                    .collect();
                return Err(mlops_core::Error::UnknownColumn {
                    column: name.clone(),
                    available: names.join(", "),
                }
                .into());
            }
        }
        Ok(())
    }

    fn column(&self, name: &str, array: &ArrayRef) -> Result<ColumnProfile> {
        let natural = natural_kind(array.data_type()).unwrap_or(ColumnKind::Numeric);
        let kind = if self.categorical.contains(name) {
            ColumnKind::Categorical
        } else {
            natural
        };
        Ok(match cells(name, array, kind)? {
            Cells::Numbers(array) => self.numeric(name.to_owned(), &array),
            Cells::Texts(array) => self.texts(name.to_owned(), &array),
        })
    }

    fn numeric(&self, name: String, array: &Float64Array) -> ColumnProfile {
        let finite = array.iter().flatten().filter(|value| value.is_finite());
        let mut sorted: Vec<f64> = finite.map(|value| value + 0.0).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let (mean, std) = moments(&sorted);
        let mut numeric = NumericProfile {
            edges: edges::choose(&sorted, self.bins),
            counts: Vec::new(),
            mean,
            std,
            min: sorted.first().copied().unwrap_or_default(),
            max: sorted.last().copied().unwrap_or_default(),
        };
        let binner = Binner::Numeric {
            edges: numeric.edges.clone(),
            centre: numeric.mean,
            unit: numeric.unit(),
        };
        let mut counter = Counter::new(&binner);
        counter.add_all(&binner, &Cells::Numbers(array.clone()));
        numeric.counts = counter.counts;
        ColumnProfile {
            name,
            missing: counter.missing,
            distribution: Distribution::Numeric(numeric),
        }
    }

    fn texts(&self, name: String, array: &StringArray) -> ColumnProfile {
        let mut tally: BTreeMap<&str, u64> = BTreeMap::new();
        for text in array.iter().flatten() {
            *tally.entry(text).or_default() += 1;
        }
        let is_listed = |(text, rows): &(&str, u64)| {
            *rows >= self.category_rows && text.len() <= LONGEST_CATEGORY
        };
        let mut listed: Vec<(&str, u64)> = tally.into_iter().filter(is_listed).collect();
        // the sort is stable, so equal counts stay in the order of their names
        listed.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
        listed.truncate(self.categories);
        let counts: Vec<u64> = listed.iter().map(|(_, rows)| *rows).collect();
        let missing = array.null_count() as u64;
        ColumnProfile {
            name,
            missing,
            distribution: Distribution::Categorical(CategoricalProfile {
                other: array.len() as u64 - missing - counts.iter().sum::<u64>(),
                categories: listed.iter().map(|(text, _)| (*text).to_owned()).collect(),
                counts,
            }),
        }
    }
}

/// Mean and standard deviation, summed in sorted order so that the rows' own order leaves no trace.
fn moments(sorted: &[f64]) -> (f64, f64) {
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
        return (0.0, 0.0);
    };
    let n = sorted.len() as f64;
    let range = last - first;
    // from the first value on, so that a constant stays itself; the other form is for sums that overflow
    let mean: f64 = if (range * n).is_finite() {
        first + sorted.iter().map(|value| value - first).sum::<f64>() / n
    } else {
        sorted.iter().map(|value| value / n).sum()
    };
    let spread = (last - mean).max(mean - first);
    if range == 0.0 || !spread.is_finite() {
        return (mean, 0.0);
    }
    let variance: f64 = sorted
        .iter()
        .map(|value| ((value - mean) / spread).powi(2) / n)
        .sum();
    (mean, variance.sqrt() * spread)
}
