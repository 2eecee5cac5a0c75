//! The Hellinger distance.

use super::cells::Cells;
use crate::Result;

/// The distance between the square roots of the shares, `√(Σ (√p − √q)² / 2)`.
///
/// # Errors
/// As for [`psi`](super::psi()).
///
/// # Units
/// In `0..=1`.
///
/// # Reference
/// Equals `√(1 − Σ √(pq))`, held to the written-out formula in numpy to 1e-12.
pub fn hellinger(expected: &[f64], actual: &[f64]) -> Result<f64> {
    let cells = Cells::new(expected, actual)?;
    let sum: f64 = cells
        .shares()
        .map(|(p, q)| (p.sqrt() - q.sqrt()).powi(2))
        .sum();
    Ok((sum / 2.0).sqrt().min(1.0))
}
