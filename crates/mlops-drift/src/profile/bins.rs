//! Counting rows into the bins of a profile: the one place that reads values, and the hot one.
//!
//! Counts add up exactly. Sums of floats do not (their last digits depend on the order), so means
//! are kept as whole numbers of 2⁻³² standard deviations: merging in any order gives the same bytes.

use arrow::array::Array;
use mlops_core::Value;

use super::{Cells, ColumnKind, ColumnProfile, Distribution};
use crate::{Error, Result};

/// Texts longer than this are no categories; they are counted with the others.
pub(crate) const LONGEST_CATEGORY: usize = 256;

const SUM_STEPS: f64 = 4_294_967_296.0;
const SQUARE_STEPS: f64 = 1_048_576.0;
/// Standardised values are cut here, so that the sums cannot overflow.
const FARTHEST: f64 = 1e6;

/// Finds the bin of a value.
#[derive(Debug, Clone)]
pub(crate) enum Binner {
    Numeric {
        edges: Vec<f64>,
        centre: f64,
        unit: f64,
    },
    /// Category and bin, sorted by category.
    Categorical { sorted: Vec<(String, usize)> },
}

/// What was counted of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counter {
    pub(crate) counts: Vec<u64>,
    pub(crate) missing: u64,
    finite: u64,
    sum: i128,
    squares: i128,
}

/// One value, found in its bin.
pub(crate) enum Place {
    Missing,
    Category(usize),
    Number { bin: usize, value: f64 },
}

impl Binner {
    pub(crate) fn new(column: &ColumnProfile) -> Self {
        match &column.distribution {
            Distribution::Numeric(numeric) => Self::Numeric {
                edges: numeric.edges.clone(),
                centre: numeric.mean,
                unit: numeric.unit(),
            },
            Distribution::Categorical(categorical) => Self::categories(&categorical.categories),
        }
    }

    pub(super) fn categories(categories: &[String]) -> Self {
        let mut sorted: Vec<(String, usize)> = categories.iter().cloned().zip(0..).collect();
        sorted.sort();
        Self::Categorical { sorted }
    }

    pub(crate) fn bins(&self) -> usize {
        match self {
            Self::Numeric { edges, .. } => edges.len() + 1,
            Self::Categorical { sorted } => sorted.len() + 1,
        }
    }

    /// The bin of a single value; an error if it is of the wrong sort.
    pub(crate) fn place(&self, column: &str, value: &Value) -> Result<Place> {
        let wrong = |kind: ColumnKind, found: &str| Error::WrongValue {
            column: column.to_owned(),
            expected: kind.as_str(),
            found: found.to_owned(),
        };
        Ok(match (self, value) {
            (_, Value::Null) => Place::Missing,
            (Self::Numeric { .. }, Value::Float(value)) => self.number(*value),
            (Self::Numeric { .. }, Value::Int(value)) => self.number(*value as f64),
            (Self::Numeric { .. }, Value::Bool(_)) => {
                return Err(wrong(ColumnKind::Numeric, "a boolean"));
            }
            (Self::Numeric { .. }, Value::Str(_)) => {
                return Err(wrong(ColumnKind::Numeric, "a text"));
            }
            (Self::Numeric { .. }, Value::Time(_)) => {
                return Err(wrong(ColumnKind::Numeric, "a time"));
            }
            (Self::Numeric { .. }, Value::List(_)) => {
                return Err(wrong(ColumnKind::Numeric, "a list"));
            }
            (Self::Numeric { .. }, Value::Map(_)) => {
                return Err(wrong(ColumnKind::Numeric, "a map"));
            }
            (Self::Categorical { .. }, Value::Str(text)) => self.category(text),
            (Self::Categorical { .. }, Value::Bool(value)) => {
                self.category(if *value { "true" } else { "false" })
            }
            (Self::Categorical { .. }, Value::Int(value)) => self.category(&value.to_string()),
            (Self::Categorical { .. }, Value::Float(_)) => {
                return Err(wrong(ColumnKind::Categorical, "a real number"));
            }
            (Self::Categorical { .. }, Value::Time(_)) => {
                return Err(wrong(ColumnKind::Categorical, "a time"));
            }
            (Self::Categorical { .. }, Value::List(_)) => {
                return Err(wrong(ColumnKind::Categorical, "a list"));
            }
            (Self::Categorical { .. }, Value::Map(_)) => {
                return Err(wrong(ColumnKind::Categorical, "a map"));
            }
        })
    }

    pub(crate) fn number(&self, value: f64) -> Place {
        match self {
            Self::Numeric { .. } if value.is_nan() => Place::Missing,
            Self::Numeric { edges, .. } => Place::Number {
                bin: bin(edges, value),
                value,
            },
            Self::Categorical { sorted } => Place::Category(sorted.len()),
        }
    }

    fn category(&self, text: &str) -> Place {
        match self {
            Self::Categorical { sorted } => Place::Category(find(sorted, text)),
            Self::Numeric { .. } => Place::Missing,
        }
    }
}

/// The number of edges below a value. Without a branch a handful of edges beats a binary search.
fn bin(edges: &[f64], value: f64) -> usize {
    edges.iter().map(|edge| usize::from(value > *edge)).sum()
}

fn find(sorted: &[(String, usize)], text: &str) -> usize {
    sorted
        .binary_search_by(|(category, _)| category.as_str().cmp(text))
        .map_or(sorted.len(), |at| sorted[at].1)
}

impl Counter {
    pub(crate) fn new(binner: &Binner) -> Self {
        Self {
            counts: vec![0; binner.bins()],
            missing: 0,
            finite: 0,
            sum: 0,
            squares: 0,
        }
    }

    pub(crate) fn add(&mut self, binner: &Binner, place: &Place) {
        match place {
            Place::Missing => self.missing += 1,
            Place::Category(bin) => self.counts[*bin] += 1,
            Place::Number { bin, value } => {
                self.counts[*bin] += 1;
                if let Binner::Numeric { centre, unit, .. } = binner {
                    self.moments(*value, *centre, *unit);
                }
            }
        }
    }

    /// Counts a whole column.
    pub(crate) fn add_all(&mut self, binner: &Binner, cells: &Cells) {
        match (cells, binner) {
            (
                Cells::Numbers(array),
                Binner::Numeric {
                    edges,
                    centre,
                    unit,
                },
            ) => {
                if array.null_count() == 0 {
                    self.numbers(edges, (*centre, *unit), array.values().iter().copied());
                } else {
                    let values = array.iter().map(|value| value.unwrap_or(f64::NAN));
                    self.numbers(edges, (*centre, *unit), values);
                }
            }
            (Cells::Texts(array), Binner::Categorical { sorted }) => {
                for text in array {
                    match text {
                        Some(text) => self.counts[find(sorted, text)] += 1,
                        None => self.missing += 1,
                    }
                }
            }
            // the cells were read as the kind of the profile
            (Cells::Numbers(_), Binner::Categorical { .. })
            | (Cells::Texts(_), Binner::Numeric { .. }) => {
                self.missing += cells.len() as u64;
            }
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.missing += other.missing;
        self.finite += other.finite;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    pub(crate) fn rows(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.missing
    }

    /// Mean and standard deviation of the finite values, in the profile's standard deviations from its mean.
    pub(crate) fn standardised(&self) -> Option<(f64, f64)> {
        (self.finite > 0).then(|| {
            let n = self.finite as f64;
            let mean = self.sum as f64 / SUM_STEPS / n;
            let variance = self.squares as f64 / SQUARE_STEPS / n - mean * mean;
            (mean, variance.max(0.0).sqrt())
        })
    }

    fn numbers(
        &mut self,
        edges: &[f64],
        (centre, unit): (f64, f64),
        values: impl Iterator<Item = f64>,
    ) {
        for value in values {
            if value.is_nan() {
                self.missing += 1;
            } else {
                self.counts[bin(edges, value)] += 1;
                self.moments(value, centre, unit);
            }
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "cut to a range that fits; the fraction is below the step"
    )]
    fn moments(&mut self, value: f64, centre: f64, unit: f64) {
        if value.is_finite() {
            let z = ((value - centre) / unit).clamp(-FARTHEST, FARTHEST);
            self.finite += 1;
            self.sum += i128::from((z * SUM_STEPS) as i64);
            self.squares += i128::from((z * z * SQUARE_STEPS) as i64);
        }
    }
}
