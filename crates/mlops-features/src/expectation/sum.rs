//! The columns of a row add up to a total: shares to one, parts to the whole.

use serde::{Deserialize, Serialize};

use super::{
    check::{Check, Context, Outcome, list, rows},
    values::{Values, each_whole},
};
use crate::Result;

/// See [`Expectation::sums_to`](super::Expectation::sums_to).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sum {
    pub(super) columns: Vec<String>,
    pub(super) total: f64,
    pub(super) tolerance: f64,
}

impl Check for Sum {
    fn columns(&self) -> Vec<&str> {
        self.columns.iter().map(String::as_str).collect()
    }

    fn words(&self) -> String {
        let within = match self.tolerance {
            0.0 => String::new(),
            tolerance => format!(" ± {tolerance}"),
        };
        let parts = list(&self.columns, " + ");
        format!("{parts} = {}{within}", self.total)
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        if self.columns.is_empty() {
            return Err(context.invalid("no column is named"));
        }
        if !self.total.is_finite() || !(0.0..f64::INFINITY).contains(&self.tolerance) {
            return Err(context.invalid("the total or the tolerance is no number that can be met"));
        }
        let mut live = context.rows();
        let mut sums = vec![0.0; context.table.rows()];
        for name in &self.columns {
            let (values, _) = context.values(name)?;
            live = live.with_values(context.column(name)?);
            match &values {
                Values::Whole(whole) => each_whole!(whole, values => {
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *sum += i128::from(*value) as f64;
                    }
                }),
                Values::Real(real) => {
                    for (sum, value) in sums.iter_mut().zip(real.wide().iter()) {
                        *sum += value;
                    }
                }
                _ => return Err(context.wrong_type(name, "a number")),
            }
        }
        let bad = live.bad(&sums, |sum| (sum - self.total).abs() <= self.tolerance);
        let (low, high, _) = live.extent(&sums, f64::INFINITY, f64::NEG_INFINITY);
        let observed = if low <= high {
            format!("sums from {low} to {high}")
        } else {
            "no sum".to_owned()
        };
        Ok(rows(&live, bad, observed))
    }

    fn effort(&self) -> u32 {
        4
    }
}
