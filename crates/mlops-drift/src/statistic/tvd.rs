//! The total variation distance.

use super::cells::Cells;
use crate::Result;

/// The share of rows that would have to move to another cell, `Σ |p − q| / 2`.
///
/// # Errors
/// As for [`psi`](super::psi()).
///
/// # Units
/// In `0..=1`.
///
/// # Reference
/// Held to the written-out formula in numpy to 1e-12.
#[doc(alias = "total variation")]
pub fn tvd(expected: &[f64], actual: &[f64]) -> Result<f64> {
    let cells = Cells::new(expected, actual)?;
    let sum: f64 = cells.shares().map(|(p, q)| (p - q).abs()).sum();
    Ok((sum / 2.0).min(1.0))
}
