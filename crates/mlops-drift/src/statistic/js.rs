//! The Jensen-Shannon divergence and its square root, which is a metric.

use super::cells::Cells;
use crate::Result;

/// The mean divergence of both sides from their midpoint.
///
/// # Errors
/// As for [`psi`](super::psi()).
///
/// # Units
/// Nats, in `0..=ln 2`. Divide by `ln 2` for bits.
///
/// # Reference
/// Lin 1991; the square of `scipy.spatial.distance.jensenshannon(p, q)`, to 1e-12.
#[doc(alias = "Jensen-Shannon")]
pub fn js_divergence(expected: &[f64], actual: &[f64]) -> Result<f64> {
    let cells = Cells::new(expected, actual)?;
    let part = |share: f64, middle: f64| {
        if share > 0.0 {
            share * (share / middle).ln()
        } else {
            0.0
        }
    };
    let sum: f64 = cells
        .shares()
        .map(|(p, q)| part(p, f64::midpoint(p, q)) + part(q, f64::midpoint(p, q)))
        .sum();
    Ok((sum / 2.0).clamp(0.0, std::f64::consts::LN_2))
}

/// The square root of [`js_divergence`]: it keeps the triangle inequality.
///
/// # Errors
/// As for [`psi`](super::psi()).
///
/// # Units
/// In `0..=0.8326`, the root of `ln 2`. Divide by that root for the range `0..=1` (base 2).
///
/// # Reference
/// Endres and Schindelin 2003; `scipy.spatial.distance.jensenshannon(p, q)` with its default base, to 1e-12.
#[doc(alias = "jensenshannon")]
pub fn js_distance(expected: &[f64], actual: &[f64]) -> Result<f64> {
    js_divergence(expected, actual).map(f64::sqrt)
}
