//! A text has a number of characters in a range.

use serde::{Deserialize, Serialize};

use super::{
    check::{Check, Context, Outcome, rows},
    values::each_text,
};
use crate::Result;

/// See [`Expectation::length_between`](super::Expectation::length_between).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
        let (texts, live) = context.texts(&self.column)?;
        let (mut shortest, mut longest) = (usize::MAX, 0);
        let bad = each_text!(&texts, texts => live.bad_at(|row| {
            let text = texts.value(row);
            // a text of ASCII alone has as many characters as bytes
            let length = if text.is_ascii() { text.len() } else { text.chars().count() };
            (shortest, longest) = (shortest.min(length), longest.max(length));
            self.min <= length && length <= self.max
        }));
        let observed = format!("lengths from {} to {longest}", shortest.min(longest));
        Ok(rows(&live, bad, observed))
    }

    fn effort(&self) -> u32 {
        4
    }
}
