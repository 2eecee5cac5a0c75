//! Whether a probability of 0.3 comes true three times in ten.

use serde::{Deserialize, Serialize};

use super::input::check_probabilities;
use crate::{Error, Result};

/// The rows whose scores fall into one bin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// The lower edge, outside the bin except for 0.
    pub lower: f64,
    /// The upper edge, inside the bin.
    pub upper: f64,
    /// How many rows.
    pub rows: u64,
    /// The mean of their scores.
    pub mean_score: f64,
    /// The share of them that is positive.
    pub positive_share: f64,
}

/// Bins of equal width over `0..=1`, each with what was said and what came true; empty ones are left out.
///
/// # Errors
/// [`Error::InvalidParameter`] if `bins` is 0 or above 10,000, and those of
/// [`log_loss`](super::log_loss).
///
/// # Reference
/// Agrees with `sklearn.calibration.calibration_curve` (strategy `uniform`) to 1e-12.
#[doc(alias = "reliability diagram")]
pub fn calibration_curve(
    labels: &[bool],
    scores: &[f64],
    bins: usize,
) -> Result<Vec<CalibrationBin>> {
    check_probabilities("calibration_curve", labels, scores)?;
    if !(1..=10_000).contains(&bins) {
        return Err(Error::InvalidParameter {
            parameter: "bins",
            value: bins.to_string(),
            rule: "it must lie in 1..=10000",
        });
    }
    let width = 1.0 / bins as f64;
    let edge = |at: usize| if at == bins { 1.0 } else { at as f64 * width };
    let inner: Vec<f64> = (1..bins).map(edge).collect();
    let mut sums = vec![(0u64, 0.0, 0u64); bins];
    for (label, score) in labels.iter().zip(scores) {
        let (rows, said, positives) = &mut sums[inner.partition_point(|edge| edge < score)];
        *rows += 1;
        *said += score;
        *positives += u64::from(*label);
    }
    let bins = sums.into_iter().enumerate().filter(|(_, sum)| sum.0 > 0);
    Ok(bins
        .map(|(at, (rows, said, positives))| CalibrationBin {
            lower: edge(at),
            upper: edge(at + 1),
            rows,
            mean_score: said / rows as f64,
            positive_share: positives as f64 / rows as f64,
        })
        .collect())
}

/// The mean distance between what was said and what came true over the bins, weighted by rows.
///
/// # Reference
/// The expected calibration error of Naeini, Cooper and Hauskrecht 2015.
#[doc(alias = "ECE")]
pub fn calibration_error(bins: &[CalibrationBin]) -> f64 {
    let rows: u64 = bins.iter().map(|bin| bin.rows).sum();
    let distance = |bin: &CalibrationBin| (bin.mean_score - bin.positive_share).abs();
    let total: f64 = bins.iter().map(|bin| bin.rows as f64 * distance(bin)).sum();
    if rows == 0 { 0.0 } else { total / rows as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_belongs_to_the_bin_below_it() {
        let bins = calibration_curve(&[true, false, true], &[0.0, 0.5, 1.0], 2).unwrap();
        assert_eq!(bins.iter().map(|b| b.rows).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(
            (bins[0].lower, bins[0].upper, bins[1].upper),
            (0.0, 0.5, 1.0)
        );
        assert_eq!(calibration_error(&bins), (2.0 * 0.25 + 0.0) / 3.0);
        assert_eq!(calibration_error(&[]), 0.0);
    }

    #[test]
    fn the_number_of_bins_is_bounded() {
        for bad in [0, 10_001] {
            assert!(calibration_curve(&[true], &[0.5], bad).is_err());
        }
    }
}
