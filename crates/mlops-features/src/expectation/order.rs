//! Numbers or instants rise from row to row.

use serde::{Deserialize, Serialize};

use super::check::{Check, Context, Outcome, bad_rows, rows};
use crate::Result;

/// See [`Expectation::increasing`](super::Expectation::increasing).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) column: String,
    pub(super) strict: bool,
}

impl Order {
    /// The rows that lie below the highest value before them.
    fn falls<T: PartialOrd + Copy>(&self, values: impl IntoIterator<Item = Option<T>>) -> Vec<u32> {
        let mut highest: Option<T> = None;
        bad_rows(values, |value| {
            let holds = highest.is_none_or(|h| if self.strict { value > h } else { value >= h });
            if holds {
                highest = Some(value);
            }
            holds
        })
    }
}

impl Check for Order {
    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn words(&self) -> String {
        let how = if self.strict {
            "rises from row to row"
        } else {
            "never falls"
        };
        format!("`{}` {how}", self.column)
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        let observed = |bad: &[u32]| format!("{} steps back", bad.len());
        if context.column(&self.column)?.data_type().is_numeric() {
            let numbers = context.numbers(&self.column)?;
            let bad = self.falls(&numbers);
            let observed = observed(&bad);
            return Ok(rows(&numbers, bad, observed));
        }
        let Ok(instants) = context.instants(&self.column) else {
            return Err(context.wrong_type(&self.column, "a number or an instant"));
        };
        let bad = self.falls(&instants);
        let observed = observed(&bad);
        Ok(rows(&instants, bad, observed))
    }
}
