//! A text matches a regular expression.

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::check::{Check, Context, Outcome, bad_rows, rows};
use crate::Result;

/// See [`Expectation::matches`](super::Expectation::matches).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Pattern {
    pub(super) column: String,
    pub(super) pattern: String,
}

impl Check for Pattern {
    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn words(&self) -> String {
        format!("`{}` matches `{}`", self.column, self.pattern)
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        let regex = Regex::new(&self.pattern).map_err(|e| context.invalid(e.to_string()))?;
        let texts = context.texts(&self.column)?;
        let bad = bad_rows(&texts, |text| regex.is_match(text));
        let observed = format!("{} texts do not match", bad.len());
        Ok(rows(&texts, bad, observed))
    }
}
