//! A number lies in a range; NaN lies in none.

use std::ops::{Bound, RangeBounds};

use serde::{Deserialize, Serialize};

use super::check::{Check, Context, Outcome, bad_rows, rows};
use crate::Result;

/// See [`Expectation::within`](super::Expectation::within).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Range {
    pub(super) column: String,
    pub(super) lower: Bound<f64>,
    pub(super) upper: Bound<f64>,
}

impl Range {
    fn is_possible(&self) -> bool {
        use Bound::{Excluded, Included, Unbounded};
        match (self.lower, self.upper) {
            (Unbounded, Unbounded) => true,
            (Included(a) | Excluded(a), Unbounded) | (Unbounded, Included(a) | Excluded(a)) => {
                !a.is_nan()
            }
            (Included(a), Included(b)) => a <= b,
            (Included(a) | Excluded(a), Included(b) | Excluded(b)) => a < b,
        }
    }
}

impl Check for Range {
    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn words(&self) -> String {
        use Bound::{Excluded, Included, Unbounded};
        let column = &self.column;
        match (self.lower, self.upper) {
            (Unbounded, Unbounded) => format!("`{column}` is a number"),
            (Included(a), Included(b)) => format!("`{column}` lies in {a}..={b}"),
            (lower, upper) => {
                let lower = match lower {
                    Included(a) => Some(format!("at least {a}")),
                    Excluded(a) => Some(format!("above {a}")),
                    Unbounded => None,
                };
                let upper = match upper {
                    Included(b) => Some(format!("at most {b}")),
                    Excluded(b) => Some(format!("below {b}")),
                    Unbounded => None,
                };
                let both: Vec<String> = lower.into_iter().chain(upper).collect();
                format!("`{column}` is {}", both.join(" and "))
            }
        }
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        if !self.is_possible() {
            return Err(context.invalid("the range is empty"));
        }
        let numbers = context.numbers(&self.column)?;
        let range = (self.lower, self.upper);
        let bad = bad_rows(&numbers, |n| range.contains(&n) && !n.is_nan());
        let seen = || numbers.iter().flatten();
        let (low, high) = (
            seen().fold(f64::NAN, f64::min),
            seen().fold(f64::NAN, f64::max),
        );
        Ok(rows(&numbers, bad, format!("values from {low} to {high}")))
    }
}
