//! A text matches a regular expression, or does not.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::check::{Check, Context, Outcome, rows};
use crate::Result;

/// How large a compiled pattern may become, in bytes: patterns come from outside.
const SIZE_LIMIT: usize = 4 << 20;

/// See [`Expectation::matches`](super::Expectation::matches).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pattern {
    pub(super) column: String,
    #[serde(rename = "pattern")]
    pub(super) regex: String,
    /// False if no text may match.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub(super) allowed: bool,
}

fn yes() -> bool {
    true
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
fn is_yes(allowed: &bool) -> bool {
    *allowed
}

impl Pattern {
    fn compiled(&self, context: &Context<'_>) -> Result<Regex> {
        RegexBuilder::new(&self.regex)
            .size_limit(SIZE_LIMIT)
            .build()
            .map_err(|e| context.invalid(e.to_string()))
    }
}

impl Check for Pattern {
    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn words(&self) -> String {
        let verb = if self.allowed {
            "matches"
        } else {
            "does not match"
        };
        format!("`{}` {verb} `{}`", self.column, self.regex)
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        let regex = self.compiled(context)?;
        let (texts, live) = context.texts(&self.column)?;
        let bad = context.bad_texts(&self.column, &texts, &live, |text| {
            regex.is_match(text) == self.allowed
        })?;
        let not = if self.allowed { " not" } else { "" };
        let observed = format!("{} texts do{not} match", bad.len());
        Ok(rows(&live, bad, observed))
    }

    fn effort(&self) -> u32 {
        50
    }
}
