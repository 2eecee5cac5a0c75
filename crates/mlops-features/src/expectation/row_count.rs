//! The table has a number of rows in a range, or as many as another table.

use mlops_core::Value;
use serde::{Deserialize, Serialize};

use super::check::{Check, Context, Outcome, whole};
use crate::Result;

/// See [`Expectation::row_count_between`](super::Expectation::row_count_between).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RowCount {
    pub(super) min: u64,
    pub(super) max: u64,
}

/// See [`Expectation::row_count_equals_table`](super::Expectation::row_count_equals_table).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SameRowCount {
    pub(super) table: String,
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
        let rows = context.rows().count();
        let passed = (self.min..=self.max).contains(&(rows as u64));
        Ok(whole(passed, format!("{rows} rows"), Some(count(rows))))
    }
}

impl Check for SameRowCount {
    fn columns(&self) -> Vec<&str> {
        Vec::new()
    }

    fn words(&self) -> String {
        format!("the table has as many rows as table `{}`", self.table)
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        let rows = context.rows().count();
        let other = context.other(&self.table)?.rows();
        let observed = format!("{rows} rows here, {other} there");
        Ok(whole(rows == other, observed, Some(count(rows))))
    }
}

/// A count as a value.
pub(super) fn count(rows: usize) -> Value {
    Value::Int(i64::try_from(rows).unwrap_or(i64::MAX))
}
