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
        let bad = interval
            .outside(&values, &live)
            .ok_or_else(|| context.wrong_type(&self.column, "a number"))?;
        Ok(rows(&live, bad, extent(&values, &live)))
    }
}

/// The least and the greatest number, in words.
fn extent(values: &Values, live: &Live) -> String {
    match values {
        Values::Whole(whole) => each_whole!(whole, values => whole_extent(values, live)),
        Values::Real(Real::F32(values)) => {
            let (low, high) = live.extent(values, f32::INFINITY, f32::NEG_INFINITY);
            words(low <= high, low, high)
        }
        Values::Real(Real::F64(values)) => {
            let (low, high) = live.extent(values, f64::INFINITY, f64::NEG_INFINITY);
            words(low <= high, low, high)
        }
        _ => words(false, 0, 0),
    }
}

fn whole_extent<T: Integer>(values: &[T], live: &Live) -> String {
    let (low, high) = live.extent(values, T::MOST, T::LEAST);
    words::<i128>(low <= high, low.into(), high.into())
}

fn words<T: std::fmt::Display>(any: bool, low: T, high: T) -> String {
    if any {
        format!("values from {low} to {high}")
    } else {
        "no number".to_owned()
    }
}
