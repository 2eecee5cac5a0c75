//! The t-test over folds, corrected for the rows that the folds share.

use mlops_core::metric::Interval;
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{Comparison, PairedTest, check_level, delong::variance};
use crate::{CrossValidation, Error, Result, error::require};

/// The mean of a metric's differences over folds, its interval and p-value.
///
/// Folds are fitted on overlapping rows, so their differences vary less than those of fresh data; the
/// variance is multiplied by `1 / folds + test rows / train rows` instead of `1 / folds`.
///
/// # Errors
/// [`Error::InvalidParameter`] for fewer than two folds, no rows, or a level that is not between 0 and 1, and
/// [`mlops_core::Error::InvalidScore`] for a difference that is not finite.
///
/// # Reference
/// Nadeau and Bengio 2003. Agrees with its formula on `scipy.stats.t` to 1e-9.
pub fn corrected_t_test(
    differences: &[f64],
    train_rows: u64,
    test_rows: u64,
    level: f64,
) -> Result<Comparison> {
    check_level("corrected t-test", level)?;
    let folds = differences.len();
    let rule = "there must be at least 2";
    require(folds >= 2, "corrected t-test", "folds", &folds, rule)?;
    let rule = "both sides of a fold have rows";
    let rows = train_rows.min(test_rows);
    require(rows > 0, "corrected t-test", "rows", &rows, rule)?;
    if let Some(row) = differences.iter().position(|value| !value.is_finite()) {
        return Err(Error::Core(mlops_core::Error::InvalidScore {
            metric: "corrected t-test",
            row,
            value: differences[row],
        }));
    }
    let mean = differences.iter().sum::<f64>() / folds as f64;
    let scale = 1.0 / folds as f64 + test_rows as f64 / train_rows as f64;
    let error = (scale * variance(differences)).sqrt();
    let law = StudentsT::new(0.0, 1.0, (folds - 1) as f64).expect("folds are at least 2");
    let p_value = if error > 0.0 {
        2.0 * law.sf((mean / error).abs())
    } else {
        f64::from(u8::from(mean == 0.0))
    };
    let reach = error * law.inverse_cdf(f64::midpoint(1.0, level));
    Ok(Comparison {
        test: PairedTest::CorrectedT,
        difference: Interval {
            value: mean,
            lower: mean - reach,
            upper: mean + reach,
            level,
        },
        p_value,
    })
}

/// [`corrected_t_test`] of a metric of two cross-validations over the same folds.
///
/// # Errors
/// [`Error::UnlikeFolds`] if the folds are not the same or either lacks the metric, and those of
/// [`corrected_t_test`].
pub fn corrected_t_test_of(
    metric: &str,
    first: &CrossValidation,
    second: &CrossValidation,
    level: f64,
) -> Result<Comparison> {
    let unlike = |reason: &str| Error::UnlikeFolds {
        first: first.trainer.clone(),
        second: second.trainer.clone(),
        reason: reason.to_owned(),
    };
    let (a, b) = (&first.out_of_fold, &second.out_of_fold);
    if a.rows != b.rows || a.folds != b.folds || a.truth != b.truth {
        return Err(unlike("they leave out other rows"));
    }
    let (x, y) = (first.values(metric), second.values(metric));
    if x.len() != first.folds.len() || y.len() != second.folds.len() {
        return Err(unlike(&format!("`{metric}` was not asked for")));
    }
    let differences: Vec<f64> = x.iter().zip(&y).map(|(x, y)| x - y).collect();
    let rows = |count: fn(&crate::FoldResult) -> u64| first.folds.iter().map(count).sum::<u64>();
    corrected_t_test(
        &differences,
        rows(|fold| fold.train_rows),
        rows(|fold| fold.test_rows),
        level,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_rows_widen_the_interval() {
        let differences = [0.02, 0.03, 0.01, 0.025, 0.015];
        let folds = corrected_t_test(&differences, 80, 20, 0.95).unwrap();
        let fresh = corrected_t_test(&differences, 80_000_000, 1, 0.95).unwrap();
        assert!(folds.p_value > fresh.p_value);
        let width = |found: &Comparison| found.difference.upper - found.difference.lower;
        assert!((width(&folds) / width(&fresh) - (0.45f64 / 0.2).sqrt()).abs() < 1e-6);
    }

    #[test]
    fn folds_that_all_say_the_same_need_no_law() {
        assert_eq!(corrected_t_test(&[0.0; 4], 3, 1, 0.9).unwrap().p_value, 1.0);
        assert_eq!(corrected_t_test(&[0.5; 4], 3, 1, 0.9).unwrap().p_value, 0.0);
    }

    #[test]
    fn what_cannot_be_tested_is_named() {
        for (differences, train, test, level) in [
            (&[0.1][..], 3, 1, 0.9),
            (&[0.1, 0.2], 0, 1, 0.9),
            (&[0.1, 0.2], 3, 1, 1.0),
        ] {
            let error = corrected_t_test(differences, train, test, level);
            assert!(matches!(error, Err(Error::InvalidParameter { .. })));
        }
        assert!(corrected_t_test(&[0.1, f64::NAN], 3, 1, 0.9).is_err());
    }
}
