//! A text starts with, ends with or contains another.

use serde::{Deserialize, Serialize};

use super::check::{Check, Context, Outcome, rows};
use crate::Result;

/// See [`Expectation::starts_with`](super::Expectation::starts_with).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    pub(super) column: String,
    pub(super) place: Place,
    pub(super) text: String,
}

/// Where the part stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    Start,
    End,
    Anywhere,
}

impl Check for Part {
    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn words(&self) -> String {
        let verb = match self.place {
            Place::Start => "starts with",
            Place::End => "ends with",
            Place::Anywhere => "contains",
        };
        format!("`{}` {verb} {:?}", self.column, self.text)
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        let part = self.text.as_str();
        let (texts, live) = context.texts(&self.column)?;
        let bad = context.bad_texts(&self.column, &texts, &live, |text| match self.place {
            Place::Start => text.starts_with(part),
            Place::End => text.ends_with(part),
            Place::Anywhere => text.contains(part),
        })?;
        let observed = format!("{} texts do not", bad.len());
        Ok(rows(&live, bad, observed))
    }

    fn effort(&self) -> u32 {
        5
    }
}
