//! No two rows agree in all of the given columns.

use serde::{Deserialize, Serialize};

use super::{
    check::{Check, Context, Outcome, list, rows},
    distinct::{any_value, keys, repeats},
    group::group,
};
use crate::Result;

/// See [`Expectation::unique`](super::Expectation::unique).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unique {
    pub(super) columns: Vec<String>,
}

impl Check for Unique {
    fn columns(&self) -> Vec<&str> {
        self.columns.iter().map(String::as_str).collect()
    }

    fn words(&self) -> String {
        format!("{} is unique", list(&self.columns, " with "))
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        if self.columns.is_empty() {
            return Err(context.invalid("no column is named"));
        }
        let arrays = self
            .columns
            .iter()
            .map(|name| context.column(name).cloned())
            .collect::<Result<Vec<_>>>()?;
        let live = match any_value(&arrays, context.table.rows()) {
            Some(some) => context.rows().and(&some),
            None => context.rows(),
        };
        let keys = match &arrays[..] {
            [array] => keys(array)?,
            _ => None,
        };
        let keys = match keys {
            Some(keys) => keys,
            None => group(context, &self.columns)?,
        };
        let bad = repeats(&keys, &live);
        let observed = format!("{} repeats of an earlier row", bad.len());
        Ok(rows(&live, bad, observed))
    }

    fn effort(&self) -> u32 {
        30 * u32::try_from(self.columns.len()).unwrap_or(u32::MAX / 30)
    }
}
