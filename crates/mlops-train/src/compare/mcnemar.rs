//! McNemar's test: of the rows that one candidate calls rightly and the other wrongly, are both sides
//! equally many?

use mlops_core::metric::Interval;
use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, Normal};

use super::{Comparison, PairedTest, check_level};
use crate::{Error, Result};

/// The difference of two shares of right calls on the same rows, its normal interval and exact p-value.
///
/// # Errors
/// [`mlops_core::Error::LengthMismatch`], [`mlops_core::Error::EmptyTable`] without rows, and
/// [`Error::InvalidParameter`] for a level that is not between 0 and 1.
///
/// # Reference
/// McNemar 1947; the p-value agrees with `statsmodels.stats.contingency_tables.mcnemar` (`exact=True`) to
/// 1e-9. Interval: Wald for paired shares (Agresti 2013, section 11.1).
pub fn mcnemar(first_right: &[bool], second_right: &[bool], level: f64) -> Result<Comparison> {
    check_level("McNemar's test", level)?;
    if first_right.len() != second_right.len() {
        return Err(Error::Core(mlops_core::Error::LengthMismatch {
            what: "McNemar's test",
            left: first_right.len(),
            right: second_right.len(),
        }));
    }
    if first_right.is_empty() {
        return Err(Error::Core(mlops_core::Error::EmptyTable {
            table: "McNemar's test".into(),
        }));
    }
    let pairs = || first_right.iter().zip(second_right);
    let first_only = pairs()
        .filter(|(first, second)| **first && !**second)
        .count() as u64;
    let second_only = pairs()
        .filter(|(first, second)| !**first && **second)
        .count() as u64;
    let apart = first_only + second_only;
    let p_value = match Binomial::new(0.5, apart) {
        Ok(law) if apart > 0 => (2.0 * law.cdf(first_only.min(second_only))).min(1.0),
        _ => 1.0,
    };
    let rows = first_right.len() as f64;
    let difference = (first_only as f64 - second_only as f64) / rows;
    let error = ((apart as f64 / rows - difference * difference) / rows)
        .max(0.0)
        .sqrt();
    let reach = error * Normal::standard().inverse_cdf(f64::midpoint(1.0, level));
    Ok(Comparison {
        test: PairedTest::McNemar,
        difference: Interval {
            value: difference,
            lower: difference - reach,
            upper: difference + reach,
            level,
        },
        p_value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rows_that_are_called_otherwise_count() {
        let first = [true, true, true, true, true, true, false, false];
        let second = [false, false, false, false, false, true, false, true];
        let found = mcnemar(&first, &second, 0.95).unwrap();
        // 5 against 1: twice the chance of 0 or 1 in 6
        assert!(
            (found.p_value - 2.0 * 7.0 / 64.0).abs() < 1e-12,
            "{found:?}"
        );
        assert_eq!(found.difference.value, 0.5);
        assert_eq!(mcnemar(&first, &first, 0.95).unwrap().p_value, 1.0);
        assert!(mcnemar(&first, &second[1..], 0.95).is_err());
        assert!(mcnemar(&[], &[], 0.95).is_err());
    }
}
