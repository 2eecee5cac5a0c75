//! Metrics that hold probabilities against what came true: log-loss and the Brier score.
//!
//! Both are proper: they are lowest in expectation for the true probabilities, so they punish a
//! model that ranks well and is badly calibrated. Both are defined for a single class.

use super::input::check_probabilities;
use crate::Result;

/// The mean negative logarithm of the probability given to what came true, in nats.
///
/// Probabilities are clipped to `[eps, 1 - eps]`, with the machine precision of `f64` for `eps`, so a
/// certain and wrong answer costs about 36 and not infinity.
///
/// # Errors
/// [`Error::InvalidScore`](crate::Error::InvalidScore) for a score outside `0..=1`,
/// [`Error::LengthMismatch`](crate::Error::LengthMismatch), and
/// [`Error::EmptyTable`](crate::Error::EmptyTable) without rows.
///
/// # Reference
/// Agrees with `sklearn.metrics.log_loss` to 1e-12.
#[doc(alias = "cross entropy")]
pub fn log_loss(labels: &[bool], scores: &[f64]) -> Result<f64> {
    check_probabilities("log_loss", labels, scores)?;
    let total: f64 = labels
        .iter()
        .zip(scores)
        .map(|(label, score)| {
            let chance = if *label { *score } else { 1.0 - score };
            -chance.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
        })
        .sum();
    Ok(total / labels.len() as f64)
}

/// The mean squared difference between the probability and what came true, 0 to 1.
///
/// # Errors
/// As for [`log_loss`].
///
/// # Reference
/// Agrees with `sklearn.metrics.brier_score_loss` to 1e-12. Brier 1950, halved as is usual for two
/// classes.
pub fn brier(labels: &[bool], scores: &[f64]) -> Result<f64> {
    check_probabilities("brier", labels, scores)?;
    let total: f64 = labels
        .iter()
        .zip(scores)
        .map(|(label, score)| (f64::from(u8::from(*label)) - score).powi(2))
        .sum();
    Ok(total / labels.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn certainty_is_clipped() {
        assert!(log_loss(&[true], &[1.0]).unwrap() < 1e-15);
        let wrong = log_loss(&[true], &[0.0]).unwrap();
        assert!((wrong - 36.043_653_389_117_15).abs() < 1e-12);
        assert_eq!(brier(&[true, false], &[0.0, 0.0]).unwrap(), 0.5);
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        for metric in [log_loss, brier] {
            for bad in [-0.1, 1.1, f64::NAN] {
                assert!(matches!(
                    metric(&[true, false], &[0.5, bad]),
                    Err(Error::InvalidScore { row: 1, .. })
                ));
            }
            assert!(matches!(metric(&[], &[]), Err(Error::EmptyTable { .. })));
        }
    }
}
