//! Weighted metrics of answers that are numbers.

use super::{check, mean};
use crate::{Error, Result, metric::input};

/// As [`rmse`](crate::metric::regression::rmse).
///
/// # Errors
/// [`Error::InvalidParameter`] for weights that are none, and those of [`rmse`](crate::metric::regression::rmse).
pub fn rmse(truth: &[f64], answers: &[f64], weights: &[f64]) -> Result<f64> {
    let squares = averaged("rmse", truth, answers, weights, |y, p| (y - p) * (y - p))?;
    Ok(squares.sqrt())
}

/// As [`mae`](crate::metric::regression::mae).
///
/// # Errors
/// As for [`rmse`].
pub fn mae(truth: &[f64], answers: &[f64], weights: &[f64]) -> Result<f64> {
    averaged("mae", truth, answers, weights, |y, p| (y - p).abs())
}

/// As [`median_absolute_error`](crate::metric::regression::median_absolute_error): half of the weight has no larger error.
///
/// # Errors
/// As for [`rmse`].
pub fn median_absolute_error(truth: &[f64], answers: &[f64], weights: &[f64]) -> Result<f64> {
    let total = checked("median_absolute_error", truth, answers, weights)?;
    let rows = truth.iter().zip(answers).zip(weights);
    let counted = rows.filter(|(_, weight)| **weight > 0.0);
    let mut off: Vec<(f64, f64)> = counted.map(|((y, p), w)| ((y - p).abs(), *w)).collect();
    off.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut below = 0.0;
    for (at, (value, weight)) in off.iter().enumerate() {
        below += weight;
        if below - total / 2.0 > f64::EPSILON {
            return Ok(*value);
        }
        if below >= total / 2.0 {
            let next = off.get(at + 1).map_or(*value, |next| next.0);
            return Ok(f64::midpoint(*value, next));
        }
    }
    // sums in another order may stay a little below
    Ok(off[off.len() - 1].0)
}

/// As [`r2`](crate::metric::regression::r2).
///
/// # Errors
/// As for [`rmse`].
pub fn r2(truth: &[f64], answers: &[f64], weights: &[f64]) -> Result<f64> {
    let unexplained = averaged("r2", truth, answers, weights, |y, p| (y - p) * (y - p))?;
    let centre = averaged("r2", truth, answers, weights, |y, _| y)?;
    let all = averaged("r2", truth, answers, weights, |y, _| {
        (y - centre) * (y - centre)
    })?;
    Ok(if all > 0.0 {
        1.0 - unexplained / all
    } else {
        f64::from(u8::from(unexplained == 0.0))
    })
}

/// As [`mape`](crate::metric::regression::mape).
///
/// # Errors
/// As for [`rmse`].
pub fn mape(truth: &[f64], answers: &[f64], weights: &[f64]) -> Result<f64> {
    averaged("mape", truth, answers, weights, |y, p| {
        (y - p).abs() / y.abs().max(f64::EPSILON)
    })
}

/// As [`smape`](crate::metric::regression::smape).
///
/// # Errors
/// As for [`rmse`].
pub fn smape(truth: &[f64], answers: &[f64], weights: &[f64]) -> Result<f64> {
    averaged("smape", truth, answers, weights, |y, p| {
        let size = y.abs() / 2.0 + p.abs() / 2.0;
        let off = (y - p).abs();
        if size > 0.0 { off / size } else { 0.0 }
    })
}

/// As [`pinball`](crate::metric::regression::pinball).
///
/// # Errors
/// [`Error::InvalidParameter`] if `quantile` is not between 0 and 1, and those of [`rmse`].
pub fn pinball(truth: &[f64], answers: &[f64], weights: &[f64], quantile: f64) -> Result<f64> {
    if !(quantile > 0.0 && quantile < 1.0) {
        return Err(Error::InvalidParameter {
            parameter: "quantile",
            value: quantile.to_string(),
            rule: "it must lie between 0 and 1",
        });
    }
    averaged("pinball", truth, answers, weights, |y, p| {
        if y >= p {
            quantile * (y - p)
        } else {
            (1.0 - quantile) * (p - y)
        }
    })
}

fn checked(metric: &'static str, truth: &[f64], answers: &[f64], weights: &[f64]) -> Result<f64> {
    input::paired(metric, truth.len(), answers.len())?;
    input::finite(metric, truth)?;
    input::finite(metric, answers)?;
    check(metric, truth.len(), weights)
}

fn averaged(
    metric: &'static str,
    truth: &[f64],
    answers: &[f64],
    weights: &[f64],
    loss: impl Fn(f64, f64) -> f64,
) -> Result<f64> {
    let total = checked(metric, truth, answers, weights)?;
    Ok(mean(weights, total, |row| loss(truth[row], answers[row])))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metric::regression;

    type Weighted = fn(&[f64], &[f64], &[f64]) -> Result<f64>;
    type Plain = fn(&[f64], &[f64]) -> Result<f64>;

    proptest! {
        #[test]
        fn a_row_of_weight_n_counts_as_n_rows(
            rows in prop::collection::vec((-9i8..9, -9i8..9, 0usize..4), 1..40),
        ) {
            prop_assume!(rows.iter().any(|row| row.2 > 0));
            let column = |f: fn(&(i8, i8, usize)) -> f64| rows.iter().map(f).collect::<Vec<f64>>();
            let (y, p) = (column(|row| f64::from(row.0)), column(|row| f64::from(row.1)));
            let w = column(|row| row.2 as f64);
            let all = rows.iter().flat_map(|row| std::iter::repeat_n(row, row.2));
            let (ys, ps): (Vec<f64>, Vec<f64>) =
                all.map(|row| (f64::from(row.0), f64::from(row.1))).unzip();
            let pairs: [(Weighted, Plain); 6] = [
                (rmse, regression::rmse),
                (mae, regression::mae),
                (median_absolute_error, regression::median_absolute_error),
                (r2, regression::r2),
                (mape, regression::mape),
                (smape, regression::smape),
            ];
            for (weighted, plain) in pairs {
                let (found, expected) = (weighted(&y, &p, &w).unwrap(), plain(&ys, &ps).unwrap());
                prop_assert!((found - expected).abs() <= 1e-12 * expected.abs().max(1.0));
            }
            let found = pinball(&y, &p, &w, 0.3).unwrap();
            let expected = regression::pinball(&ys, &ps, 0.3).unwrap();
            prop_assert!((found - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn input_that_means_nothing_is_named() {
        assert!(pinball(&[1.0], &[1.0], &[1.0], 1.0).is_err());
        assert!(matches!(
            rmse(&[1.0], &[f64::NAN], &[1.0]),
            Err(Error::InvalidScore { row: 0, .. })
        ));
        assert!(matches!(rmse(&[], &[], &[]), Err(Error::EmptyTable { .. })));
        assert!(matches!(
            rmse(&[1.0], &[1.0], &[-1.0]),
            Err(Error::InvalidParameter { .. })
        ));
    }
}
