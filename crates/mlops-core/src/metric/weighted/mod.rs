//! The metrics of rows that count differently: a row of weight 2 counts as two rows, one of weight 0 as none.
//!
//! `weights` are `[rows]`, finite and at least 0, and one is above 0. Weights that are all the same give the
//! metric without weights, but for rounding.
//!
//! # Reference
//! `sample_weight` of the functions of `sklearn.metrics` that the unweighted metric names, to 1e-12.

mod binary;
pub mod multiclass;
pub mod regression;

pub use binary::{
    accuracy, brier, calibration, log_loss, pr_auc, pr_curve, precision_at_k, recall_at_k, roc_auc,
    roc_curve,
};

use crate::{Error, Result};

/// Refuses weights that are not one a row, or are none.
fn check(metric: &'static str, rows: usize, weights: &[f64]) -> Result<f64> {
    super::input::paired(metric, rows, weights.len())?;
    let refuse = |value: String, rule| {
        Err(Error::InvalidParameter {
            parameter: "weights",
            value,
            rule,
        })
    };
    let good = |weight: &f64| *weight >= 0.0 && weight.is_finite();
    if let Some(row) = weights.iter().position(|weight| !good(weight)) {
        let value = format!("{} in row {row}", weights[row]);
        return refuse(value, "it must be finite and at least 0");
    }
    let total: f64 = weights.iter().sum();
    if total > 0.0 && total.is_finite() {
        return Ok(total);
    }
    refuse(format!("{total} in all"), "it must be finite and above 0")
}

/// The weighted mean of what `loss` says of each row.
fn mean(weights: &[f64], total: f64, loss: impl Fn(usize) -> f64) -> f64 {
    let rows = weights.iter().enumerate();
    // a row that does not count may be as wrong as it likes
    let counted = rows.filter(|(_, weight)| **weight > 0.0);
    counted.map(|(row, weight)| weight * loss(row)).sum::<f64>() / total
}
