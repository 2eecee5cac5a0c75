//! The table has a number of rows in a range.

use serde::{Deserialize, Serialize};

use super::check::{Check, Context, Outcome};
use crate::Result;

/// See [`Expectation::row_count_between`](super::Expectation::row_count_between).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct RowCount {
    pub(super) min: u64,
    pub(super) max: u64,
}

impl Check for RowCount {
    fn columns(&self) -> Vec<&str> {
        Vec::new()
    }

    fn words(&self) -> String {
        format!("the table has {} to {} rows", self.min, self.max)
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        if self.min > self.max {
            return Err(context.invalid("the range is empty"));
        }
        let rows = context.table.rows() as u64;
        Ok(Outcome::Table {
            passed: (self.min..=self.max).contains(&rows),
            observed: format!("{rows} rows"),
        })
    }
}
