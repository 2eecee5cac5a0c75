//! Calibration: what turns a score into the share of rows that come true, fitted on rows that the model had
//! not seen.
//!
//! Fit on [out-of-fold answers](crate::OutOfFold) or on a held-out set, never on the training rows: there a
//! model looks surer than it is. [`Sigmoid`] has two numbers and suits few rows; [`Isotonic`] follows any
//! ascending shape and wants a thousand rows or more.

mod isotonic;
mod sigmoid;

use mlops_core::metric::{self, CalibrationBin};
use serde::{Deserialize, Serialize};

pub use isotonic::{Isotonic, Knot};
pub use sigmoid::Sigmoid;

use crate::{Error, Result};

/// What probabilities are worth as probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// What was said and what came true, by bin.
    pub bins: Vec<CalibrationBin>,
    /// The mean distance between both, weighted by rows (ECE).
    pub expected_error: f64,
    /// The largest distance of a bin (MCE).
    pub largest_error: f64,
    /// The log-loss in nats.
    pub log_loss: f64,
    /// The Brier score.
    pub brier: f64,
}

/// Holds probabilities against what came true, in bins of equal width.
///
/// # Errors
/// Those of [`metric::calibration_curve`] and [`metric::log_loss`].
///
/// # Reference
/// Naeini, Cooper and Hauskrecht 2015; the bins are those of `sklearn.calibration.calibration_curve`.
#[doc(alias = "ECE")]
#[doc(alias = "reliability diagram")]
pub fn reliability(labels: &[bool], scores: &[f64], bins: usize) -> Result<Reliability> {
    let bins = metric::calibration_curve(labels, scores, bins)?;
    let distance = |bin: &CalibrationBin| (bin.mean_score - bin.positive_share).abs();
    Ok(Reliability {
        expected_error: metric::calibration_error(&bins),
        largest_error: bins.iter().map(distance).fold(0.0, f64::max),
        bins,
        log_loss: metric::log_loss(labels, scores)?,
        brier: metric::brier(labels, scores)?,
    })
}

/// Refuses no rows, two lengths, a score that is not finite and one class only.
fn check(what: &'static str, labels: &[bool], scores: &[f64]) -> Result<()> {
    if labels.len() != scores.len() {
        return Err(Error::Core(mlops_core::Error::LengthMismatch {
            what,
            left: labels.len(),
            right: scores.len(),
        }));
    }
    let Some(class) = labels.first().copied() else {
        return Err(Error::Core(mlops_core::Error::EmptyTable {
            table: what.to_owned(),
        }));
    };
    if let Some(row) = scores.iter().position(|score| !score.is_finite()) {
        return Err(Error::Core(mlops_core::Error::InvalidScore {
            metric: what,
            row,
            value: scores[row],
        }));
    }
    if labels.iter().all(|label| *label == class) {
        return Err(Error::SingleClass {
            rows: labels.len(),
            class: class.to_string(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use mlops_core::Seed;
    use proptest::prelude::*;

    use super::*;

    /// Scores that are the square of the truth, so that a model says too little.
    fn sample(rows: usize, seed: u64) -> (Vec<bool>, Vec<f64>) {
        let mut rng = Seed(seed).rng();
        (0..rows)
            .map(|_| {
                let chance = rng.unit();
                (rng.unit() < chance, chance * chance)
            })
            .unzip()
    }

    #[test]
    fn both_ways_make_probabilities_truer_on_fresh_rows() {
        let (labels, scores) = sample(4000, 1);
        let (fresh, raw) = sample(4000, 2);
        let before = reliability(&fresh, &raw, 10).unwrap();
        let sigmoid = Sigmoid::fit(&labels, &scores).unwrap();
        let isotonic = Isotonic::fit(&labels, &scores).unwrap();
        let sigmoid: Vec<f64> = raw.iter().map(|score| sigmoid.apply(*score)).collect();
        let isotonic: Vec<f64> = raw.iter().map(|score| isotonic.apply(*score)).collect();
        let sigmoid = reliability(&fresh, &sigmoid, 10).unwrap();
        let isotonic = reliability(&fresh, &isotonic, 10).unwrap();
        assert!(before.expected_error > 0.1, "{before:?}");
        assert!(sigmoid.expected_error < 0.6 * before.expected_error);
        assert!(isotonic.expected_error < 0.3 * before.expected_error);
        assert!(isotonic.brier < sigmoid.brier && sigmoid.brier < before.brier);
        assert!(isotonic.largest_error >= isotonic.expected_error);
    }

    #[test]
    fn what_cannot_be_fitted_is_named() {
        type Fit = fn(&[bool], &[f64]) -> Result<()>;
        let fits: [Fit; 2] = [
            |labels, scores| Sigmoid::fit(labels, scores).map(drop),
            |labels, scores| Isotonic::fit(labels, scores).map(drop),
        ];
        for fit in fits {
            assert!(matches!(fit(&[], &[]), Err(Error::Core(_))));
            assert!(matches!(fit(&[true], &[]), Err(Error::Core(_))));
            assert!(matches!(
                fit(&[true, false], &[0.1, f64::NAN]),
                Err(Error::Core(_))
            ));
            assert!(matches!(
                fit(&[true, true], &[0.1, 0.2]),
                Err(Error::SingleClass { .. })
            ));
        }
    }

    proptest! {
        #[test]
        fn an_isotonic_fit_is_the_best_of_all_ascending_ones(
            rows in prop::collection::vec((any::<bool>(), 0u8..8), 2..40),
        ) {
            let (labels, scores): (Vec<bool>, Vec<f64>) =
                rows.into_iter().map(|(label, score)| (label, f64::from(score))).unzip();
            prop_assume!(labels.contains(&true) && labels.contains(&false));
            let fit = Isotonic::fit(&labels, &scores).unwrap();
            // the max-min formula of Barlow and Brunk, level by level
            let mean = |from: f64, to: f64| {
                let inside = |score: &f64| (from..=to).contains(score);
                let rows = labels.iter().zip(&scores).filter(|(_, score)| inside(score));
                let (hits, all) = rows.fold((0.0, 0.0), |(hits, all), (label, _)| {
                    (hits + f64::from(u8::from(*label)), all + 1.0)
                });
                if all > 0.0 { Some(hits / all) } else { None }
            };
            for score in &scores {
                let lowest = |from: f64| {
                    let means = scores.iter().filter(|to| **to >= *score).filter_map(|to| mean(from, *to));
                    means.fold(f64::INFINITY, f64::min)
                };
                let best = scores.iter().filter(|from| **from <= *score).map(|from| lowest(*from));
                let best = best.fold(f64::NEG_INFINITY, f64::max);
                prop_assert!((fit.apply(*score) - best).abs() < 1e-12);
            }
        }
    }
}
