//! DeLong's test of two areas under ROC curves on the same rows.

use mlops_core::metric::{self, Interval};
use statrs::distribution::{ContinuousCDF, Normal};

use super::{Comparison, PairedTest, check_level};
use crate::Result;

/// The difference of two areas under ROC curves, its normal interval and p-value.
///
/// Where both candidates order every pair alike there is no variance; the p-value is then 1 for equal areas
/// and 0 otherwise.
///
/// # Errors
/// Those of [`metric::roc_auc`] for either candidate, and
/// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for a level that is not between 0 and 1.
///
/// # Complexity
/// `O(n log n)`, by midranks.
///
/// # Reference
/// DeLong, DeLong and Clarke-Pearson 1988; Sun and Xu 2014. Agrees with the definition over all pairs to
/// 1e-9.
pub fn delong(labels: &[bool], first: &[f64], second: &[f64], level: f64) -> Result<Comparison> {
    check_level("DeLong's test", level)?;
    let (a, b) = (
        metric::roc_auc(labels, first)?,
        metric::roc_auc(labels, second)?,
    );
    let (x, y) = (placements(labels, first), placements(labels, second));
    let part = |x: &[f64], y: &[f64]| {
        let differences: Vec<f64> = x.iter().zip(y).map(|(x, y)| x - y).collect();
        variance(&differences) / differences.len() as f64
    };
    let error = (part(&x.0, &y.0) + part(&x.1, &y.1)).sqrt();
    let difference = a - b;
    let normal = Normal::standard();
    let p_value = if error > 0.0 {
        2.0 * normal.sf((difference / error).abs())
    } else {
        f64::from(u8::from(difference == 0.0))
    };
    let reach = error * normal.inverse_cdf(f64::midpoint(1.0, level));
    Ok(Comparison {
        test: PairedTest::DeLong,
        difference: Interval {
            value: difference,
            lower: difference - reach,
            upper: difference + reach,
            level,
        },
        p_value,
    })
}

/// For each positive row the share of negatives below it, for each negative row the share of positives
/// above it; ties count half.
fn placements(labels: &[bool], scores: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let all = midranks(scores);
    let side = |class: bool| {
        let rows: Vec<usize> = (0..labels.len())
            .filter(|row| labels[*row] == class)
            .collect();
        let own = midranks(&rows.iter().map(|row| scores[*row]).collect::<Vec<_>>());
        let others = (labels.len() - rows.len()) as f64;
        // how many rows of the other class lie below
        let below = rows
            .iter()
            .zip(own)
            .map(|(row, own)| (all[*row] - own) / others);
        below.collect::<Vec<f64>>()
    };
    let above = side(false).into_iter().map(|below| 1.0 - below).collect();
    (side(true), above)
}

/// Ranks from 1; equal numbers share the mean of theirs.
fn midranks(scores: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    // 0.0 and -0.0 are one score
    order.sort_by(|a, b| (scores[*a] + 0.0).total_cmp(&(scores[*b] + 0.0)));
    let mut ranks = vec![0.0; scores.len()];
    let mut before = 0;
    for tied in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let middle = before as f64 + f64::midpoint(1.0, tied.len() as f64);
        for row in tied {
            ranks[*row] = middle;
        }
        before += tied.len();
    }
    ranks
}

/// With one degree of freedom less than values; 0 for a single value.
pub(super) fn variance(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    squares / (values.len().max(2) - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rankings_do_not_differ() {
        let labels = [true, false, true, false];
        let scores = [0.9, 0.8, 0.7, 0.1];
        let halves = scores.map(|score| score / 2.0);
        let found = delong(&labels, &scores, &halves, 0.95).unwrap();
        assert_eq!((found.difference.value, found.p_value), (0.0, 1.0));
        let turned = scores.map(|score| -score);
        let perfect = [0.9, 0.1, 0.8, 0.2];
        let worst = perfect.map(|score| -score);
        assert_eq!(
            delong(&labels, &perfect, &worst, 0.95).unwrap().p_value,
            0.0
        );
        assert!(delong(&labels, &scores, &turned, 1.0).is_err());
        assert!(delong(&[true; 4], &scores, &turned, 0.9).is_err());
    }

    #[test]
    fn the_mean_of_the_placements_is_the_area() {
        let labels = [true, false, true, false, true, false, false];
        let scores = [0.3, 0.3, 0.7, 0.1, 0.5, 0.5, 0.9];
        let (positives, negatives) = placements(&labels, &scores);
        let area = metric::roc_auc(&labels, &scores).unwrap();
        assert!((positives.iter().sum::<f64>() / 3.0 - area).abs() < 1e-15);
        assert!((negatives.iter().sum::<f64>() / 4.0 - area).abs() < 1e-15);
    }
}
