//! The functions that features compute.

use serde::{Serialize, Serializer};

use crate::{FieldKind, view::Keeps};

/// What a feature computes.
///
/// Nulls are skipped by every aggregate. A window that holds no value gives 0 for counts, an empty map for
/// aggregates by category and null for all others. NaN is a value: it makes sum, mean, variance, min, max
/// and quantiles NaN and counts once as distinct.
///
/// Sums are exact and rounded once: sum, mean and variance are the reals nearest to their formulas, whatever
/// the order of events. The sum of zeros is `0.0`; where `-0.0` and `0.0` are compared, the first is less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Function {
    /// The field in the newest visible row, null if it is null there or the row is older than the TTL.
    Latest,
    /// The sum, in the field's own type.
    Sum,
    /// The number of values that are not null, or of events if no field is given.
    Count,
    /// The sum divided by the count, as a real number.
    Mean,
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
    /// The number of different values; `0.0` and `-0.0` are one value.
    DistinctCount,
    /// The time from the newest visible event to the instant of the question, in days.
    TimeSinceLast,
    /// The mean squared distance from the mean; null where the divisor is zero, NaN of infinite values.
    Variance(Divisor),
    /// The square root of the variance.
    StdDev(Divisor),
    /// The value of the oldest event that has one.
    First,
    /// The value of the newest event that has one; unlike [`Latest`](Self::Latest) it skips nulls.
    Last,
    /// The values of the newest events that have one, at most so many, oldest first.
    LastK(u16),
    /// The distinct count by a HyperLogLog sketch of this precision.
    ApproxDistinctCount(u8),
    /// The quantile at a rank, interpolated between the two nearest values.
    Quantile(Rank),
    /// The quantile at a rank by a KLL sketch of this size.
    ApproxQuantile(Rank, u16),
    /// One aggregate over another of the same window; null if either is null or the second is zero.
    Ratio,
}

/// What a variance is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Divisor {
    /// By the count less one (ddof 1): the unbiased estimate from a sample. Null of one value.
    #[default]
    Sample,
    /// By the count (ddof 0): the variance of the values themselves.
    Population,
}

impl Divisor {
    /// The delta degrees of freedom, as NumPy calls it.
    pub const fn ddof(self) -> u8 {
        match self {
            Self::Sample => 1,
            Self::Population => 0,
        }
    }
}

/// A rank from 0, the smallest value, to 1, the largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank(u64);

impl Rank {
    /// The rank, if it is between 0 and 1.
    pub fn new(rank: f64) -> Option<Self> {
        // bits of reals that are not negative are ordered as they are; `-0.0` becomes `0.0`
        (0.0..=1.0)
            .contains(&rank)
            .then(|| Self((rank + 0.0).to_bits()))
    }

    /// The rank as a fraction.
    pub const fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl Serialize for Rank {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.get())
    }
}

impl Function {
    /// The function's name, for instance `distinct_count`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::Sum => "sum",
            Self::Count => "count",
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
            Self::DistinctCount => "distinct_count",
            Self::TimeSinceLast => "time_since_last",
            Self::Variance(Divisor::Sample) => "variance",
            Self::Variance(Divisor::Population) => "population_variance",
            Self::StdDev(Divisor::Sample) => "std",
            Self::StdDev(Divisor::Population) => "population_std",
            Self::First => "first",
            Self::Last | Self::LastK(_) => "last",
            Self::ApproxDistinctCount(_) => "approx_distinct_count",
            Self::Quantile(_) => "quantile",
            Self::ApproxQuantile(..) => "approx_quantile",
            Self::Ratio => "ratio",
        }
    }

    /// The name with its parameter, as default feature names carry it: `last_5`, `quantile_0.5`.
    pub(crate) fn label(self) -> String {
        match self {
            Self::LastK(k) => format!("{}_{k}", self.name()),
            Self::Quantile(rank) | Self::ApproxQuantile(rank, _) => {
                format!("{}_{}", self.name(), rank.get())
            }
            _ => self.name().to_owned(),
        }
    }

    /// What it makes of a field's values.
    pub(crate) fn keeps(self) -> Keeps {
        match self {
            Self::Latest | Self::Min | Self::Max | Self::First | Self::Last => Keeps::Value,
            Self::Sum => Keeps::Sum,
            _ => Keeps::Measure,
        }
    }

    /// The kind of its values for a field of some kind.
    pub(crate) fn output(self, field: Option<FieldKind>) -> Option<FieldKind> {
        use FieldKind::{Float, Int, Time};
        match (self, field) {
            (Self::Latest | Self::First | Self::Last | Self::LastK(_), Some(kind))
            | (Self::Sum, Some(kind @ (Int | Float)))
            | (Self::Min | Self::Max, Some(kind @ (Int | Float | Time))) => Some(kind),
            (
                Self::Mean
                | Self::Variance(_)
                | Self::StdDev(_)
                | Self::Quantile(_)
                | Self::ApproxQuantile(..),
                Some(Int | Float),
            )
            | (Self::TimeSinceLast | Self::Ratio, None) => Some(Float),
            (Self::Count, _) | (Self::DistinctCount | Self::ApproxDistinctCount(_), Some(_)) => {
                Some(Int)
            }
            _ => None,
        }
    }

    /// Whether an event can be taken out of it again at once, so that it can be kept by category.
    pub(crate) fn is_invertible(self) -> bool {
        matches!(
            self,
            Self::Count | Self::Sum | Self::Mean | Self::Variance(_) | Self::StdDev(_)
        )
    }

    /// What keeps its parameter from being used.
    pub(crate) fn problem(self) -> Option<&'static str> {
        match self {
            Self::LastK(k) if !(1..=1024).contains(&k) => Some("it keeps 1 to 1024 values"),
            Self::ApproxDistinctCount(p) if !(4..=16).contains(&p) => {
                Some("the precision of a HyperLogLog sketch is 4 to 16")
            }
            Self::ApproxQuantile(_, size) if !(8..=4096).contains(&size) => {
                Some("the size of a KLL sketch is 8 to 4096")
            }
            _ => None,
        }
    }
}
