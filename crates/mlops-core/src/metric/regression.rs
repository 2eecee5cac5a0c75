//! Metrics of numbers that were predicted: how far the answers lie from what came true.
//!
//! All take what came true and what was answered, row by row, and refuse a number that is not finite.

use super::input::{finite, paired};
use crate::{Error, Result};

/// The root of the mean squared error, in the unit of the label.
///
/// # Errors
/// [`Error::InvalidScore`] for a number that is not finite, [`Error::LengthMismatch`], and
/// [`Error::EmptyTable`] without rows.
///
/// # Reference
/// Agrees with `sklearn.metrics.root_mean_squared_error` to 1e-12.
pub fn rmse(truth: &[f64], answers: &[f64]) -> Result<f64> {
    Ok(mean("rmse", truth, answers, |y, p| (y - p) * (y - p))?.sqrt())
}

/// The mean absolute error, in the unit of the label.
///
/// # Errors
/// As for [`rmse`].
///
/// # Reference
/// Agrees with `sklearn.metrics.mean_absolute_error` to 1e-12.
pub fn mae(truth: &[f64], answers: &[f64]) -> Result<f64> {
    mean("mae", truth, answers, |y, p| (y - p).abs())
}

/// The median absolute error, in the unit of the label; a few wild rows do not move it.
///
/// # Errors
/// As for [`rmse`].
///
/// # Complexity
/// `O(n)` on average.
///
/// # Reference
/// Agrees with `sklearn.metrics.median_absolute_error` to 1e-12.
pub fn median_absolute_error(truth: &[f64], answers: &[f64]) -> Result<f64> {
    check("median_absolute_error", truth, answers)?;
    let mut off: Vec<f64> = truth
        .iter()
        .zip(answers)
        .map(|(y, p)| (y - p).abs())
        .collect();
    let middle = off.len() / 2;
    let (below, upper, _) = off.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    if truth.len() % 2 == 1 {
        return Ok(upper);
    }
    let lower = below.iter().copied().fold(0.0, f64::max);
    Ok(f64::midpoint(lower, upper))
}

/// The share of the label's variance that the answers explain: 1 is perfect, 0 is the mean's, below is worse.
///
/// Where the label is constant there is no variance to explain: 1 for answers that are all exact, otherwise 0.
///
/// # Errors
/// As for [`rmse`].
///
/// # Reference
/// Agrees with `sklearn.metrics.r2_score` to 1e-12, from two rows on.
#[doc(alias = "coefficient of determination")]
pub fn r2(truth: &[f64], answers: &[f64]) -> Result<f64> {
    let unexplained = mean("r2", truth, answers, |y, p| (y - p) * (y - p))?;
    let centre = truth.iter().sum::<f64>() / truth.len() as f64;
    let all = mean("r2", truth, answers, |y, _| (y - centre) * (y - centre))?;
    Ok(if all > 0.0 {
        1.0 - unexplained / all
    } else {
        f64::from(u8::from(unexplained == 0.0))
    })
}

/// The mean of the absolute error over the size of the label, as a fraction; a label of 0 makes it huge.
///
/// # Errors
/// As for [`rmse`].
///
/// # Reference
/// Agrees with `sklearn.metrics.mean_absolute_percentage_error` to 1e-12 of its size.
pub fn mape(truth: &[f64], answers: &[f64]) -> Result<f64> {
    mean("mape", truth, answers, |y, p| {
        (y - p).abs() / y.abs().max(f64::EPSILON)
    })
}

/// The mean of the absolute error over the mean size of label and answer, 0 to 2; two zeros count 0.
///
/// # Errors
/// As for [`rmse`].
///
/// # Reference
/// `2 |y - p| / (|y| + |p|)`, the form of the M4 competition (Makridakis et al. 2020), as a fraction.
pub fn smape(truth: &[f64], answers: &[f64]) -> Result<f64> {
    mean("smape", truth, answers, |y, p| {
        // halves, so that the sum of two huge numbers stays finite
        let size = y.abs() / 2.0 + p.abs() / 2.0;
        if size > 0.0 {
            (y - p).abs() / size
        } else {
            0.0
        }
    })
}

/// The mean pinball loss: lowest for answers that are the label's quantile of that level.
///
/// # Errors
/// [`Error::InvalidParameter`] if `quantile` is not between 0 and 1, and those of [`rmse`].
///
/// # Reference
/// Agrees with `sklearn.metrics.mean_pinball_loss` to 1e-12.
#[doc(alias = "quantile loss")]
pub fn pinball(truth: &[f64], answers: &[f64], quantile: f64) -> Result<f64> {
    if !(quantile > 0.0 && quantile < 1.0) {
        return Err(Error::InvalidParameter {
            parameter: "quantile",
            value: quantile.to_string(),
            rule: "it must lie between 0 and 1",
        });
    }
    mean("pinball", truth, answers, |y, p| {
        if y >= p {
            quantile * (y - p)
        } else {
            (1.0 - quantile) * (p - y)
        }
    })
}

fn check(metric: &'static str, truth: &[f64], answers: &[f64]) -> Result<()> {
    paired(metric, truth.len(), answers.len())?;
    finite(metric, truth)?;
    finite(metric, answers)
}

fn mean(
    metric: &'static str,
    truth: &[f64],
    answers: &[f64],
    loss: impl Fn(f64, f64) -> f64,
) -> Result<f64> {
    check(metric, truth, answers)?;
    let total: f64 = truth.iter().zip(answers).map(|(y, p)| loss(*y, *p)).sum();
    Ok(total / truth.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_label_has_no_variance_to_explain() {
        assert_eq!(r2(&[2.0, 2.0], &[2.0, 2.0]).unwrap(), 1.0);
        assert_eq!(r2(&[2.0, 2.0], &[2.0, 3.0]).unwrap(), 0.0);
        assert_eq!(r2(&[1.0, 3.0], &[2.0, 2.0]).unwrap(), 0.0);
    }

    #[test]
    fn two_zeros_are_no_error() {
        assert_eq!(smape(&[0.0, 1.0], &[0.0, -1.0]).unwrap(), 1.0);
        assert_eq!(smape(&[f64::MAX], &[f64::MAX]).unwrap(), 0.0);
    }

    #[test]
    fn an_even_number_of_rows_has_two_middles() {
        assert_eq!(
            median_absolute_error(&[0.0; 4], &[4.0, 1.0, 3.0, 2.0]).unwrap(),
            2.5
        );
        assert_eq!(
            median_absolute_error(&[0.0; 3], &[4.0, 1.0, 3.0]).unwrap(),
            3.0
        );
    }

    #[test]
    fn input_that_means_nothing_is_named() {
        for metric in [rmse, mae, median_absolute_error, r2, mape, smape] {
            assert!(matches!(metric(&[], &[]), Err(Error::EmptyTable { .. })));
            assert!(matches!(
                metric(&[1.0], &[]),
                Err(Error::LengthMismatch { .. })
            ));
            for bad in [f64::NAN, f64::INFINITY] {
                let found = metric(&[1.0, 2.0], &[1.0, bad]);
                assert!(matches!(found, Err(Error::InvalidScore { row: 1, .. })));
                let found = metric(&[bad, 2.0], &[1.0, 1.0]);
                assert!(matches!(found, Err(Error::InvalidScore { row: 0, .. })));
            }
        }
        for bad in [0.0, 1.0, f64::NAN] {
            let found = pinball(&[1.0], &[1.0], bad);
            assert!(matches!(found, Err(Error::InvalidParameter { .. })));
        }
    }
}
