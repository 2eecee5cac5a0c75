//! A number lies in a range; NaN lies in none.

use std::ops::Bound;

use serde::{Deserialize, Serialize};

use super::{
    check::{Check, Context, Outcome, rows},
    limit::{Interval, Limit},
    live::Live,
    values::{Integer, Real, Values, each_whole},
};
use crate::Result;

/// See [`Expectation::within`](super::Expectation::within).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Range {
    pub(super) column: String,
    pub(super) lower: Bound<Limit>,
    pub(super) upper: Bound<Limit>,
}

impl Range {
    fn interval(&self) -> Interval {
        Interval {
            lower: self.lower,
            upper: self.upper,
        }
    }
}

impl Check for Range {
    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn words(&self) -> String {
        self.interval().words(&format!("`{}`", self.column))
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        let interval = self.interval();
        if !interval.is_possible() {
            return Err(context.invalid("the range is empty"));
        }
        let (values, live) = context.values(&self.column)?;
        let extent = Extent::of(&values, &live)
            .ok_or_else(|| context.wrong_type(&self.column, "a number"))?;
        // where the least and the greatest are inside, all are
        let bad = if extent.is_inside(&interval) {
            Vec::new()
        } else {
            interval.outside(&values, &live).unwrap_or_default()
        };
        Ok(rows(&live, bad, extent.words()))
    }
}

/// The least and the greatest number of a column.
enum Extent {
    Nothing,
    Whole(i128, i128),
    /// And whether none is NaN.
    Real(f64, f64, bool),
}

impl Extent {
    /// `None` if the column is not numeric.
    fn of(values: &Values, live: &Live) -> Option<Self> {
        Some(match values {
            Values::Whole(whole) => each_whole!(whole, values => whole_extent(values, live)),
            Values::Real(Real::F32(values)) => {
                let (low, high, numbers) = live.extent(values, f32::INFINITY, f32::NEG_INFINITY);
                Self::Real(low.into(), high.into(), numbers)
            }
            Values::Real(Real::F64(values)) => {
                let (low, high, numbers) = live.extent(values, f64::INFINITY, f64::NEG_INFINITY);
                Self::Real(low, high, numbers)
            }
            _ => return None,
        })
    }

    fn is_inside(&self, interval: &Interval) -> bool {
        match self {
            Self::Nothing => true,
            Self::Whole(low, high) => {
                interval.contains_whole(*low) && interval.contains_whole(*high)
            }
            Self::Real(low, high, numbers) => {
                *numbers && interval.contains(*low) && interval.contains(*high)
            }
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Whole(low, high) => format!("values from {low} to {high}"),
            Self::Real(low, high, _) if low <= high => format!("values from {low} to {high}"),
            Self::Nothing | Self::Real(..) => "no number".to_owned(),
        }
    }
}

fn whole_extent<T: Integer>(values: &[T], live: &Live) -> Extent {
    match live.extent(values, T::MOST, T::LEAST) {
        (low, high, _) if low <= high => Extent::Whole(low.into(), high.into()),
        _ => Extent::Nothing,
    }
}
