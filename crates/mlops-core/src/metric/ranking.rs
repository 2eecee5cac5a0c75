//! Metrics that look at the order of the scores only: areas under curves and the top of the list.
//!
//! Rows of equal score have no order among themselves. The areas treat them as scikit-learn does;
//! the top-of-list metrics give the mean over all orders of the tied rows, so that no answer
//! depends on how the rows happened to be stored.

use super::input::{Step, check, check_classes, steps};
use crate::{Error, Result};

/// The chance that a positive row scores higher than a negative one, ties counting half.
///
/// # Errors
/// [`Error::SingleClass`] if all labels are the same, [`Error::InvalidScore`] for a score that is not
/// finite, [`Error::LengthMismatch`], and [`Error::EmptyTable`] without rows.
///
/// # Complexity
/// `O(n log n)`; the pairs are counted in whole numbers, so the only rounding is the last division.
///
/// # Reference
/// Agrees with `sklearn.metrics.roc_auc_score` to 1e-12. Hanley and McNeil 1982.
#[doc(alias = "AUC")]
#[doc(alias = "roc_auc_score")]
pub fn roc_auc(labels: &[bool], scores: &[f64]) -> Result<f64> {
    check_classes("roc_auc", labels, scores)?;
    let steps = steps(labels, scores);
    let last = steps[steps.len() - 1];
    // pairs are counted twice, so that half a pair is a whole number
    let mut won: u128 = 0;
    let mut before = Step::default();
    for step in &steps {
        let positives = step.positives - before.positives;
        let level = step.negatives - before.negatives;
        let below = last.negatives - step.negatives;
        won += u128::from(positives) * u128::from(2 * below + level);
        before = *step;
    }
    let pairs = u128::from(last.positives) * u128::from(last.negatives);
    Ok(won as f64 / (2 * pairs) as f64)
}

/// The average precision: precision at each distinct score, weighted by the recall gained there.
///
/// A model that ranks at random reaches the share of positives.
///
/// # Errors
/// As for [`roc_auc`].
///
/// # Reference
/// Agrees with `sklearn.metrics.average_precision_score` to 1e-12. There is no interpolation between
/// the points, which would flatter the model (Davis and Goadrich 2006).
#[doc(alias = "average_precision_score")]
#[doc(alias = "AP")]
pub fn pr_auc(labels: &[bool], scores: &[f64]) -> Result<f64> {
    check_classes("pr_auc", labels, scores)?;
    let steps = steps(labels, scores);
    let positives = steps[steps.len() - 1].positives;
    let mut area = 0.0;
    let mut above = 0;
    for step in &steps {
        let precision = step.positives as f64 / (step.positives + step.negatives) as f64;
        area += precision * (step.positives - above) as f64;
        above = step.positives;
    }
    Ok(area / positives as f64)
}

/// The share of positives among the `k` rows with the highest scores.
///
/// Where the `k`-th score is shared by several rows, the mean over the choices among them.
///
/// # Errors
/// [`Error::InvalidParameter`] if `k` is 0 or more than the rows, and those of [`roc_auc`] apart from
/// [`Error::SingleClass`].
///
/// # Reference
/// Without ties, `sklearn.metrics.precision_score` of "is among the top `k`".
pub fn precision_at_k(labels: &[bool], scores: &[f64], k: usize) -> Result<f64> {
    Ok(hits("precision_at_k", labels, scores, k)?.0 / k as f64)
}

/// The share of all positives that are among the `k` rows with the highest scores.
///
/// Ties are treated as in [`precision_at_k`].
///
/// # Errors
/// [`Error::SingleClass`] if no row is positive, and those of [`precision_at_k`].
pub fn recall_at_k(labels: &[bool], scores: &[f64], k: usize) -> Result<f64> {
    let (hits, positives) = hits("recall_at_k", labels, scores, k)?;
    if positives == 0 {
        return Err(Error::SingleClass {
            metric: "recall_at_k",
            rows: labels.len(),
            class: false,
        });
    }
    Ok(hits / positives as f64)
}

/// How many rows a share of them makes, rounded up and at least 1; a share outside `0..=1` is clamped.
///
/// ```
/// use mlops_core::metric::top_k;
///
/// assert_eq!((top_k(95, 0.1), top_k(30, 0.1), top_k(3, 0.0)), (10, 3, 1));
/// ```
pub fn top_k(rows: usize, share: f64) -> usize {
    // 0.1 * 30 is a little more than 3, and 3 rows are meant
    let wanted = (share.clamp(0.0, 1.0) * rows as f64 - 1e-9).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole, and between -0 and the number of rows"
    )]
    let k = wanted as usize;
    k.clamp(1, rows.max(1))
}

/// Expected positives among the top `k`, and all positives.
fn hits(metric: &'static str, labels: &[bool], scores: &[f64], k: usize) -> Result<(f64, u64)> {
    check(metric, labels, scores)?;
    if k == 0 || k > labels.len() {
        return Err(Error::InvalidParameter {
            parameter: "k",
            value: k.to_string(),
            rule: "it must be at least 1 and at most the number of rows",
        });
    }
    let steps = steps(labels, scores);
    let positives = steps[steps.len() - 1].positives;
    let k = k as u64;
    let mut before = Step::default();
    for step in &steps {
        let rows = step.positives + step.negatives;
        if rows >= k {
            let seen = before.positives + before.negatives;
            let share = (k - seen) as f64 / (rows - seen) as f64;
            let tied = (step.positives - before.positives) as f64;
            return Ok((before.positives as f64 + tied * share, positives));
        }
        before = *step;
    }
    Ok((positives as f64, positives))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every pair by hand.
    fn slow_auc(labels: &[bool], scores: &[f64]) -> f64 {
        let (mut won, mut pairs) = (0.0, 0.0);
        for (i, positive) in labels.iter().enumerate() {
            for (j, other) in labels.iter().enumerate() {
                if *positive && !*other {
                    pairs += 1.0;
                    if scores[i] > scores[j] {
                        won += 1.0;
                    } else if scores[i] == scores[j] {
                        won += 0.5;
                    }
                }
            }
        }
        won / pairs
    }

    /// Precision at every distinct threshold by hand.
    fn slow_average_precision(labels: &[bool], scores: &[f64]) -> f64 {
        let positives = labels.iter().filter(|l| **l).count() as f64;
        let mut thresholds = scores.to_vec();
        thresholds.sort_by(|a, b| b.partial_cmp(a).unwrap());
        thresholds.dedup();
        let (mut area, mut last) = (0.0, 0.0);
        for threshold in thresholds {
            let named: Vec<usize> = (0..scores.len())
                .filter(|i| scores[*i] >= threshold)
                .collect();
            let hits = named.iter().filter(|i| labels[**i]).count() as f64;
            area += (hits / positives - last) * hits / named.len() as f64;
            last = hits / positives;
        }
        area
    }

    #[test]
    fn ties_count_half_and_signed_zeros_tie() {
        assert_eq!(roc_auc(&[true, false], &[0.5, 0.5]).unwrap(), 0.5);
        assert_eq!(roc_auc(&[true, false], &[0.0, -0.0]).unwrap(), 0.5);
        assert_eq!(pr_auc(&[true, false], &[0.5, 0.5]).unwrap(), 0.5);
        assert_eq!(
            precision_at_k(&[true, false, false], &[1.0, 1.0, 0.0], 1).unwrap(),
            0.5
        );
    }

    #[test]
    fn the_top_of_the_list_is_bounded() {
        let (labels, scores) = ([true, false, true], [0.9, 0.8, 0.1]);
        assert!(precision_at_k(&labels, &scores, 0).is_err());
        assert!(precision_at_k(&labels, &scores, 4).is_err());
        assert_eq!(recall_at_k(&labels, &scores, 1).unwrap(), 0.5);
        assert_eq!(recall_at_k(&labels, &scores, 3).unwrap(), 1.0);
        assert_eq!(precision_at_k(&[false], &[0.1], 1).unwrap(), 0.0);
        assert!(matches!(
            recall_at_k(&[false], &[0.1], 1),
            Err(Error::SingleClass { class: false, .. })
        ));
        assert_eq!(top_k(10, 2.0), 10);
        assert_eq!(top_k(0, 0.5), 1);
        assert_eq!(top_k(1_000_000, 0.1), 100_000);
    }

    #[test]
    fn input_that_means_nothing_is_named() {
        for metric in [roc_auc, pr_auc] {
            assert!(matches!(metric(&[], &[]), Err(Error::EmptyTable { .. })));
            assert!(matches!(
                metric(&[true], &[]),
                Err(Error::LengthMismatch { .. })
            ));
            assert!(matches!(
                metric(&[true, true], &[0.1, 0.2]),
                Err(Error::SingleClass {
                    class: true,
                    rows: 2,
                    ..
                })
            ));
            for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                assert!(matches!(
                    metric(&[true, false], &[0.1, bad]),
                    Err(Error::InvalidScore { row: 1, .. })
                ));
            }
        }
    }

    fn rows() -> impl Strategy<Value = (Vec<bool>, Vec<f64>)> {
        // few distinct scores, so that ties are the rule
        prop::collection::vec((any::<bool>(), 0u8..12), 2..60).prop_map(|rows| {
            rows.into_iter()
                .map(|(label, score)| (label, f64::from(score) / 10.0))
                .unzip()
        })
    }

    proptest! {
        #[test]
        fn areas_equal_the_slow_oracles((labels, scores) in rows()) {
            prop_assume!(labels.contains(&true) && labels.contains(&false));
            let fast = roc_auc(&labels, &scores).unwrap();
            prop_assert!((fast - slow_auc(&labels, &scores)).abs() < 1e-12);
            let fast = pr_auc(&labels, &scores).unwrap();
            prop_assert!((fast - slow_average_precision(&labels, &scores)).abs() < 1e-12);
        }

        #[test]
        fn the_order_of_the_rows_does_not_matter((labels, scores) in rows(), k in 1usize..60) {
            let back = |v: &[bool]| v.iter().rev().copied().collect::<Vec<_>>();
            let turned: Vec<f64> = scores.iter().rev().copied().collect();
            let k = k.min(labels.len());
            prop_assert_eq!(
                precision_at_k(&labels, &scores, k).unwrap(),
                precision_at_k(&back(&labels), &turned, k).unwrap()
            );
        }

        #[test]
        fn turning_the_scores_turns_the_area((labels, scores) in rows()) {
            prop_assume!(labels.contains(&true) && labels.contains(&false));
            let turned: Vec<f64> = scores.iter().map(|s| -s).collect();
            let sum = roc_auc(&labels, &scores).unwrap() + roc_auc(&labels, &turned).unwrap();
            prop_assert!((sum - 1.0).abs() < 1e-12);
        }
    }
}
