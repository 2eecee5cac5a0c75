//! The distribution of one column as counts in fixed bins.

use serde::{Deserialize, Serialize};

/// Whether a column is a quantity or a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// Numbers, in bins between edges.
    Numeric,
    /// Texts or booleans, one bin a category.
    Categorical,
}

impl ColumnKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Numeric => "numeric",
            Self::Categorical => "categorical",
        }
    }
}

/// One column of the reference.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnProfile {
    pub(crate) name: String,
    pub(crate) missing: u64,
    pub(crate) distribution: Distribution,
}

/// The counts of a column's values.
#[derive(Debug, Clone, PartialEq)]
pub enum Distribution {
    /// Numbers.
    Numeric(NumericProfile),
    /// Categories.
    Categorical(CategoricalProfile),
}

/// Counts between edges, with the moments of the finite values.
///
/// Bin `i` holds the values above edge `i − 1` up to and including edge `i`; the first has no lower
/// end and the last no upper one, so values outside the reference's range fall into them.
#[derive(Debug, Clone, PartialEq)]
pub struct NumericProfile {
    pub(crate) edges: Vec<f64>,
    pub(crate) counts: Vec<u64>,
    pub(crate) mean: f64,
    pub(crate) std: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// Counts of the most frequent categories, and of all others together.
#[derive(Debug, Clone, PartialEq)]
pub struct CategoricalProfile {
    pub(crate) categories: Vec<String>,
    pub(crate) counts: Vec<u64>,
    pub(crate) other: u64,
}

impl ColumnProfile {
    /// The column's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Rows without a value: null or NaN.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// The counts of the values.
    pub fn distribution(&self) -> &Distribution {
        &self.distribution
    }

    /// Whether the column is a quantity or a label.
    pub fn kind(&self) -> ColumnKind {
        match self.distribution {
            Distribution::Numeric(_) => ColumnKind::Numeric,
            Distribution::Categorical(_) => ColumnKind::Categorical,
        }
    }

    /// All rows, those without a value too.
    pub fn rows(&self) -> u64 {
        self.counts().iter().sum::<u64>() + self.missing
    }

    /// The counts of the value bins; of a categorical column the last is that of all other categories.
    pub(crate) fn counts(&self) -> Vec<u64> {
        match &self.distribution {
            Distribution::Numeric(numeric) => numeric.counts.clone(),
            Distribution::Categorical(categorical) => {
                let mut counts = categorical.counts.clone();
                counts.push(categorical.other);
                counts
            }
        }
    }
}

impl NumericProfile {
    /// The inner edges, rising, one fewer than bins.
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// Rows in each bin.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The mean of the finite values; 0 if there are none.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The standard deviation of the finite values (divisor `n`); 0 if there are none.
    pub fn std(&self) -> f64 {
        self.std
    }

    /// The smallest finite value; 0 if there are none.
    pub fn min(&self) -> f64 {
        self.min
    }

    /// The largest finite value; 0 if there are none.
    pub fn max(&self) -> f64 {
        self.max
    }

    /// What one step of a standardised value is: the standard deviation, or something sensible without one.
    pub(crate) fn unit(&self) -> f64 {
        if self.std > 0.0 {
            self.std
        } else {
            self.mean.abs().max(1.0)
        }
    }
}

impl CategoricalProfile {
    /// The listed categories, the most frequent first.
    pub fn categories(&self) -> &[String] {
        &self.categories
    }

    /// Rows of each listed category.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Rows of all categories that are not listed. Where this is 0, the window's count of others
    /// is that of categories never seen in the reference.
    pub fn other(&self) -> u64 {
        self.other
    }
}
