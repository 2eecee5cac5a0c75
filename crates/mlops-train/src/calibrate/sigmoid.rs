//! Platt's calibration: a logistic curve through the scores.

use serde::{Deserialize, Serialize};

use super::check;
use crate::Result;

/// The probability `1 / (1 + exp(a · score + b))`; `a` is negative where higher scores are likelier positive.
///
/// ```
/// use mlops_train::Sigmoid;
///
/// let fit = Sigmoid::fit(&[false, false, true, true], &[-2.0, -1.0, 1.0, 2.0])?;
/// assert!(fit.a < 0.0 && fit.b.abs() < 1e-9);
/// assert!((fit.apply(0.0) - 0.5).abs() < 1e-9);
/// # Ok::<(), mlops_train::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[doc(alias = "Platt scaling")]
pub struct Sigmoid {
    /// The slope.
    pub a: f64,
    /// The intercept.
    pub b: f64,
}

/// Steps of Newton's method; from a good start about ten are taken.
const STEPS: usize = 100;

impl Sigmoid {
    /// The curve of highest likelihood for Platt's targets, which keep away from 0 and 1: of `p` positive
    /// and `n` negative rows, `(p + 1) / (p + 2)` and `1 / (n + 2)`.
    ///
    /// # Errors
    /// [`Error::SingleClass`](crate::Error::SingleClass), and [`mlops_core::Error`] for no rows, two lengths
    /// or a score that is not finite.
    ///
    /// # Complexity
    /// `O(rows)` a step of Newton's method.
    ///
    /// # Reference
    /// Platt 1999, with the steps of Lin, Lin and Weng 2007. Agrees with scikit-learn's
    /// `_SigmoidCalibration` to the tolerance of its solver (1e-4 of the coefficients, 1e-5 of the
    /// probabilities), and with the optimum by scipy to 1e-8.
    pub fn fit(labels: &[bool], scores: &[f64]) -> Result<Self> {
        check("sigmoid calibration", labels, scores)?;
        let rows = scores.len() as f64;
        // in units of the scores' deviation, so that no size of score hurts
        let largest = scores
            .iter()
            .fold(0.0f64, |most, score| most.max(score.abs()));
        let unit = if largest > 0.0 { largest } else { 1.0 };
        let centre = scores.iter().map(|score| score / unit).sum::<f64>() / rows;
        let squares = scores.iter().map(|score| (score / unit - centre).powi(2));
        let deviation = (squares.sum::<f64>() / rows).sqrt();
        let spread = if deviation > 0.0 { deviation } else { 1.0 };
        let scaled: Vec<f64> = scores
            .iter()
            .map(|score| (score / unit - centre) / spread)
            .collect();

        let positives = labels.iter().filter(|label| **label).count() as f64;
        let negatives = rows - positives;
        let (high, low) = (
            (positives + 1.0) / (positives + 2.0),
            1.0 / (negatives + 2.0),
        );
        let target = |label: bool| if label { high } else { low };
        let mut at = (0.0, ((negatives + 1.0) / (positives + 1.0)).ln());
        let mut loss = total_loss(labels, &scaled, at, target);
        for _ in 0..STEPS {
            let step = newton(labels, &scaled, at, target);
            let mut length = 1.0;
            let (next, reached) = loop {
                let next = (at.0 + length * step.0, at.1 + length * step.1);
                let reached = total_loss(labels, &scaled, next, target);
                if reached < loss || length < 1e-10 {
                    break (next, reached);
                }
                length /= 2.0;
            };
            if reached >= loss {
                break;
            }
            (at, loss) = (next, reached);
        }
        let a = at.0 / spread;
        Ok(Self {
            a: a / unit,
            b: at.1 - a * centre,
        })
    }

    /// The probability for a score.
    pub fn apply(&self, score: f64) -> f64 {
        1.0 / (1.0 + (self.a * score + self.b).exp())
    }
}

/// The cross entropy between targets and answers.
fn total_loss(
    labels: &[bool],
    scores: &[f64],
    (a, b): (f64, f64),
    target: impl Fn(bool) -> f64,
) -> f64 {
    let rows = labels.iter().zip(scores);
    rows.map(|(label, score)| {
        let z = a * score + b;
        // t·z + ln(1 + exp(-z)), without an exponential that overflows
        target(*label) * z + (-z.abs()).exp().ln_1p() + (-z).max(0.0)
    })
    .sum()
}

/// The full step towards the minimum.
fn newton(
    labels: &[bool],
    scores: &[f64],
    (a, b): (f64, f64),
    target: impl Fn(bool) -> f64,
) -> (f64, f64) {
    // a little on the diagonal, for scores that are all the same
    let (mut aa, mut ab, mut bb) = (1e-12, 0.0, 1e-12);
    let (mut da, mut db) = (0.0, 0.0);
    for (label, score) in labels.iter().zip(scores) {
        let p = 1.0 / (1.0 + (a * score + b).exp());
        let (slope, weight) = (target(*label) - p, p * (1.0 - p));
        da += slope * score;
        db += slope;
        aa += weight * score * score;
        ab += weight * score;
        bb += weight;
    }
    let determinant = aa * bb - ab * ab;
    (
        -(bb * da - ab * db) / determinant,
        -(aa * db - ab * da) / determinant,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_that_are_all_the_same_give_the_mean_target() {
        let fit = Sigmoid::fit(&[true, false, false, false], &[0.3; 4]).unwrap();
        let mean = (2.0 / 3.0 + 3.0 / 5.0) / 4.0;
        assert!((fit.apply(0.3) - mean).abs() < 1e-9, "{fit:?}");
    }

    #[test]
    fn the_size_of_the_scores_does_not_matter() {
        let labels = [true, false, true, false, true, false, true];
        let scores = [0.9, 0.2, 0.4, 0.5, 0.8, 0.1, 0.3];
        let plain = Sigmoid::fit(&labels, &scores).unwrap();
        for size in [1e-9, 1e6, 1e300] {
            let large: Vec<f64> = scores.iter().map(|score| score * size).collect();
            let fit = Sigmoid::fit(&labels, &large).unwrap();
            for (large, score) in large.iter().zip(scores) {
                assert!(
                    (fit.apply(*large) - plain.apply(score)).abs() < 1e-9,
                    "{size}"
                );
            }
        }
    }

    #[test]
    fn classes_that_lie_apart_stay_short_of_certain() {
        let labels: Vec<bool> = (0..20).map(|row| row >= 10).collect();
        let scores: Vec<f64> = (0..20).map(f64::from).collect();
        let fit = Sigmoid::fit(&labels, &scores).unwrap();
        assert!(fit.apply(19.0) < 0.99 && fit.apply(0.0) > 0.01);
    }
}
