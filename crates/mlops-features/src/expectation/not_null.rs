//! Every row has a value.

use serde::{Deserialize, Serialize};

use super::check::{Check, Context, Outcome};
use crate::Result;

/// See [`Expectation::not_null`](super::Expectation::not_null).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NotNull {
    pub(super) column: String,
}

impl Check for NotNull {
    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn words(&self) -> String {
        format!("`{}` is not null", self.column)
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        let array = context.column(&self.column)?;
        let rows = context.rows();
        let bad: Vec<u32> = match array.logical_nulls() {
            Some(nulls) if nulls.null_count() > 0 => {
                let nulls = !nulls.inner();
                rows.clone().and(&nulls).rows().collect()
            }
            _ => Vec::new(),
        };
        Ok(Outcome::Rows {
            checked: rows.count(),
            observed: format!("{} nulls", bad.len()),
            bad,
        })
    }
}
