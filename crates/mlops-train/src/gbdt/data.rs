//! What a fit reads: columns, labels and weights of one length.

use super::{bins::Column, histogram::MAX_ROWS, settings::Settings};
use crate::{Error, Result};

/// Rows by column, with their labels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Data<'a> {
    pub(crate) columns: &'a [Column<'a>],
    pub(crate) labels: &'a [f64],
    pub(crate) weights: Option<&'a [f64]>,
}

impl Data<'_> {
    /// Refuses parts of unlike length, too many rows, and labels and weights that are none.
    pub(crate) fn check(&self, owner: &'static str, settings: &Settings) -> Result<()> {
        let rows = self.labels.len();
        let refuse = |parameter, value: String, rule| {
            Err(Error::InvalidParameter {
                owner,
                parameter,
                value,
                rule,
            })
        };
        let uneven = self.columns.iter().any(|column| column.rows() != rows)
            || self.weights.is_some_and(|weights| weights.len() != rows);
        if uneven || rows == 0 || rows > MAX_ROWS {
            let rule = "columns, labels and weights must be of one length in 1..=33554432";
            return refuse("rows", rows.to_string(), rule);
        }
        for (row, label) in self.labels.iter().enumerate() {
            if let Some(rule) = settings.objective.refuses(*label) {
                return refuse("label", format!("{label} in row {row}"), rule);
            }
        }
        for (row, weight) in self.weights.iter().copied().flatten().enumerate() {
            if !(*weight >= 0.0 && weight.is_finite()) {
                let rule = "it must be finite and at least 0";
                return refuse("weight", format!("{weight} in row {row}"), rule);
            }
        }
        if self
            .weights
            .is_some_and(|weights| weights.iter().sum::<f64>() <= 0.0)
        {
            return refuse("weights", "0 in all rows".into(), "one must be above 0");
        }
        Ok(())
    }
}
