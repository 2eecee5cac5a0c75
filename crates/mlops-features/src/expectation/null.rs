//! No row has a value: a column that is reserved or retired.

use serde::{Deserialize, Serialize};

use super::check::{Check, Context, Outcome};
use crate::Result;

/// See [`Expectation::null`](super::Expectation::null).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Null {
    pub(super) column: String,
}

impl Check for Null {
    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn words(&self) -> String {
        format!("`{}` is null", self.column)
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        let array = context.column(&self.column)?;
        let rows = context.rows();
        let bad: Vec<u32> = rows.clone().with_values(array).rows().collect();
        Ok(Outcome::Rows {
            checked: rows.count(),
            observed: format!("{} values", bad.len()),
            bad,
        })
    }
}
