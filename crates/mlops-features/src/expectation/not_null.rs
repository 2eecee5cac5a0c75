//! Every row has a value.

use serde::{Deserialize, Serialize};

use super::check::{Check, Context, Outcome};
use crate::Result;

/// See [`Expectation::not_null`](super::Expectation::not_null).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
        let nulls = array.logical_nulls();
        let bad: Vec<u32> = match &nulls {
            Some(nulls) => (0..)
                .zip(nulls.iter())
                .filter(|(_, valid)| !valid)
                .map(|(r, _)| r)
                .collect(),
            None => Vec::new(),
        };
        Ok(Outcome::Rows {
            checked: array.len(),
            observed: format!("{} nulls", bad.len()),
            bad,
        })
    }
}
