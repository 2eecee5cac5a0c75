//! No two rows agree in all of the given columns.

use std::collections::HashSet;

use arrow::row::{RowConverter, SortField};
use serde::{Deserialize, Serialize};

use super::check::{Check, Context, Outcome};
use crate::{Error, Result};

/// See [`Expectation::unique`](super::Expectation::unique).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Unique {
    pub(super) columns: Vec<String>,
}

impl Check for Unique {
    fn columns(&self) -> Vec<&str> {
        self.columns.iter().map(String::as_str).collect()
    }

    fn words(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|c| format!("`{c}`")).collect();
        format!("{} is unique", names.join(" with "))
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
        let fields = arrays
            .iter()
            .map(|a| SortField::new(a.data_type().clone()))
            .collect();
        let compare = "compare rows for uniqueness";
        let converter = RowConverter::new(fields).map_err(Error::arrow(compare))?;
        let rows = converter
            .convert_columns(&arrays)
            .map_err(Error::arrow(compare))?;
        // membership alone is asked, so the order of the set is never seen
        let mut seen = HashSet::with_capacity(rows.num_rows());
        let (mut checked, mut bad) = (0, Vec::new());
        for (row, content) in (0_u32..).zip(rows.iter()) {
            if arrays.iter().all(|a| a.is_null(row as usize)) {
                continue;
            }
            checked += 1;
            if !seen.insert(content) {
                bad.push(row);
            }
        }
        Ok(Outcome::Rows {
            checked,
            observed: format!("{} repeats of an earlier row", bad.len()),
            bad,
        })
    }
}
