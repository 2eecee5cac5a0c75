//! The Kullback-Leibler divergence.

use super::cells::Cells;
use crate::Result;

/// The divergence of the expected shares from the actual ones, `Σ p ln(p / q)`.
///
/// Never negative and not symmetric: it weighs by the reference, so what the window has lost
/// counts more than what it has gained.
///
/// # Errors
/// As for [`psi`](super::psi()).
///
/// # Units
/// Nats, from counts of rows.
///
/// # Reference
/// Kullback and Leibler 1951; agrees with `scipy.stats.entropy(p, q)` to 1e-12 where no cell is empty.
#[doc(alias = "relative entropy")]
#[doc(alias = "Kullback-Leibler")]
pub fn kl(expected: &[f64], actual: &[f64]) -> Result<f64> {
    let cells = Cells::new(expected, actual)?;
    let sum: f64 = cells.smoothed().map(|(p, q)| p * (p / q).ln()).sum();
    Ok(sum.max(0.0))
}
