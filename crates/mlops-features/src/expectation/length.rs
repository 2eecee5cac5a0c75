//! A text has a number of characters in a range.

use serde::{Deserialize, Serialize};

use super::check::{Check, Context, Outcome, bad_rows, rows};
use crate::Result;

/// See [`Expectation::length_between`](super::Expectation::length_between).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Length {
    pub(super) column: String,
    pub(super) min: usize,
    pub(super) max: usize,
}

impl Check for Length {
    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn words(&self) -> String {
        format!(
            "`{}` has {} to {} characters",
            self.column, self.min, self.max
        )
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        if self.min > self.max {
            return Err(context.invalid("the range is empty"));
        }
        let texts = context.texts(&self.column)?;
        let (mut shortest, mut longest) = (usize::MAX, 0);
        let bad = bad_rows(&texts, |text| {
            let length = text.chars().count();
            (shortest, longest) = (shortest.min(length), longest.max(length));
            (self.min..=self.max).contains(&length)
        });
        let observed = format!("lengths from {} to {longest}", shortest.min(longest));
        Ok(rows(&texts, bad, observed))
    }
}
