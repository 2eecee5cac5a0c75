//! Weighted metrics of two classes.

use super::{check, mean};
use crate::{
    Error, Result,
    metric::{
        CalibrationBin, calibration_curve,
        input::{self, check_probabilities, descending},
    },
};

/// Rows that share one score, seen from the highest score down, with the weights so far.
#[derive(Debug, Clone, Copy, Default)]
struct Step {
    positives: f64,
    negatives: f64,
}

/// The weights after each distinct score, from the highest down; both classes have some.
fn steps(
    metric: &'static str,
    labels: &[bool],
    scores: &[f64],
    weights: &[f64],
) -> Result<Vec<Step>> {
    input::check(metric, labels, scores)?;
    check(metric, labels.len(), weights)?;
    let mut order = descending(scores);
    order.retain(|row| weights[*row] > 0.0);
    let class = labels[order[0]];
    if order.iter().all(|row| labels[*row] == class) {
        return Err(Error::SingleClass {
            metric,
            rows: order.len(),
            class,
        });
    }
    let (mut steps, mut step) = (Vec::new(), Step::default());
    for (at, row) in order.iter().enumerate() {
        if labels[*row] {
            step.positives += weights[*row];
        } else {
            step.negatives += weights[*row];
        }
        let next = order.get(at + 1);
        if next.is_none_or(|next| scores[*next] != scores[*row]) {
            steps.push(step);
        }
    }
    Ok(steps)
}

/// As [`roc_auc`](crate::metric::roc_auc).
///
/// # Errors
/// [`Error::InvalidParameter`] for weights that are none, [`Error::SingleClass`] if all rows that count are
/// of one class, and those of [`roc_auc`](crate::metric::roc_auc).
pub fn roc_auc(labels: &[bool], scores: &[f64], weights: &[f64]) -> Result<f64> {
    let steps = steps("roc_auc", labels, scores, weights)?;
    let last = steps[steps.len() - 1];
    let (mut won, mut before) = (0.0, Step::default());
    for step in &steps {
        let width = step.negatives - before.negatives;
        won += width * (step.positives + before.positives) / 2.0;
        before = *step;
    }
    Ok(won / (last.positives * last.negatives))
}

/// As [`pr_auc`](crate::metric::pr_auc).
///
/// # Errors
/// As for [`roc_auc`].
pub fn pr_auc(labels: &[bool], scores: &[f64], weights: &[f64]) -> Result<f64> {
    let steps = steps("pr_auc", labels, scores, weights)?;
    let last = steps[steps.len() - 1];
    let (mut area, mut above) = (0.0, 0.0);
    for step in &steps {
        let precision = step.positives / (step.positives + step.negatives);
        area += precision * (step.positives - above);
        above = step.positives;
    }
    Ok(area / last.positives)
}

/// As [`roc_curve`](crate::metric::roc_curve), with the points on straight lines.
///
/// # Errors
/// As for [`roc_auc`].
pub fn roc_curve(labels: &[bool], scores: &[f64], weights: &[f64]) -> Result<Vec<(f64, f64)>> {
    let steps = steps("roc_curve", labels, scores, weights)?;
    let last = steps[steps.len() - 1];
    let share = |step: &Step| {
        (
            step.negatives / last.negatives,
            step.positives / last.positives,
        )
    };
    Ok(std::iter::once((0.0, 0.0))
        .chain(steps.iter().map(share))
        .collect())
}

/// As [`pr_curve`](crate::metric::pr_curve).
///
/// # Errors
/// As for [`roc_auc`].
pub fn pr_curve(labels: &[bool], scores: &[f64], weights: &[f64]) -> Result<Vec<(f64, f64)>> {
    let steps = steps("pr_curve", labels, scores, weights)?;
    let last = steps[steps.len() - 1];
    let share = |step: &Step| {
        let named = step.positives + step.negatives;
        (step.positives / last.positives, step.positives / named)
    };
    Ok(std::iter::once((0.0, 1.0))
        .chain(steps.iter().map(share))
        .collect())
}

/// As [`log_loss`](crate::metric::log_loss).
///
/// # Errors
/// [`Error::InvalidParameter`] for weights that are none, and those of
/// [`log_loss`](crate::metric::log_loss).
pub fn log_loss(labels: &[bool], scores: &[f64], weights: &[f64]) -> Result<f64> {
    check_probabilities("log_loss", labels, scores)?;
    let total = check("log_loss", labels.len(), weights)?;
    Ok(mean(weights, total, |row| {
        let score = scores[row];
        let chance = if labels[row] { score } else { 1.0 - score };
        -chance.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
    }))
}

/// As [`brier`](crate::metric::brier).
///
/// # Errors
/// As for [`log_loss`].
pub fn brier(labels: &[bool], scores: &[f64], weights: &[f64]) -> Result<f64> {
    check_probabilities("brier", labels, scores)?;
    let total = check("brier", labels.len(), weights)?;
    Ok(mean(weights, total, |row| {
        (f64::from(u8::from(labels[row])) - scores[row]).powi(2)
    }))
}

/// As [`accuracy`](crate::metric::accuracy).
///
/// # Errors
/// [`Error::InvalidParameter`] for weights that are none, and those of
/// [`accuracy`](crate::metric::accuracy).
pub fn accuracy(labels: &[bool], scores: &[f64], weights: &[f64], threshold: f64) -> Result<f64> {
    input::check("accuracy", labels, scores)?;
    let total = check("accuracy", labels.len(), weights)?;
    Ok(mean(weights, total, |row| {
        f64::from(u8::from((scores[row] >= threshold) == labels[row]))
    }))
}

/// The weighted share of positives among the `k` rows with the highest scores; of the rows that share the
/// `k`-th score, each counts by the chance to be among them.
///
/// # Errors
/// [`Error::InvalidParameter`] if `k` is 0 or more than the rows, or if the top rows do not count, and those
/// of [`accuracy`].
///
/// # Reference
/// Without ties, `sklearn.metrics.precision_score` of "is among the top `k`".
pub fn precision_at_k(labels: &[bool], scores: &[f64], weights: &[f64], k: usize) -> Result<f64> {
    let (hits, named, _) = hits("precision_at_k", labels, scores, weights, k)?;
    if named > 0.0 {
        return Ok(hits / named);
    }
    Err(Error::InvalidParameter {
        parameter: "weights",
        value: format!("0 in all of the top {k} rows"),
        rule: "one must be above 0",
    })
}

/// The weighted share of all positives that are among the `k` rows with the highest scores.
///
/// # Errors
/// [`Error::SingleClass`] if no positive row counts, and those of [`precision_at_k`].
pub fn recall_at_k(labels: &[bool], scores: &[f64], weights: &[f64], k: usize) -> Result<f64> {
    let (hits, _, positives) = hits("recall_at_k", labels, scores, weights, k)?;
    if positives > 0.0 {
        return Ok(hits / positives);
    }
    Err(Error::SingleClass {
        metric: "recall_at_k",
        rows: labels.len(),
        class: false,
    })
}

/// The weights of the positives among the top `k`, of all among the top `k`, and of all positives.
fn hits(
    metric: &'static str,
    labels: &[bool],
    scores: &[f64],
    weights: &[f64],
    k: usize,
) -> Result<(f64, f64, f64)> {
    input::check(metric, labels, scores)?;
    check(metric, labels.len(), weights)?;
    if k == 0 || k > labels.len() {
        return Err(Error::InvalidParameter {
            parameter: "k",
            value: k.to_string(),
            rule: "it must be at least 1 and at most the number of rows",
        });
    }
    let order = descending(scores);
    let last = scores[order[k - 1]];
    let sure = order.iter().take_while(|row| scores[**row] > last).count();
    let tied = order[sure..].iter().take_while(|row| scores[**row] == last);
    let chance = (k - sure) as f64 / tied.clone().count() as f64;
    let (mut hits, mut named) = (0.0, 0.0);
    let sure = order[..sure].iter().map(|row| (row, 1.0));
    for (row, chance) in sure.chain(tied.map(|row| (row, chance))) {
        named += chance * weights[*row];
        hits += if labels[*row] {
            chance * weights[*row]
        } else {
            0.0
        };
    }
    let all = labels.iter().zip(weights).filter(|(label, _)| **label);
    Ok((hits, named, all.map(|(_, weight)| weight).sum()))
}

/// As [`calibration_curve`], with weighted means, and as
/// [`calibration_error`](crate::metric::calibration_error), with bins weighted by what their rows count.
///
/// # Errors
/// [`Error::InvalidParameter`] for weights that are none, and those of [`calibration_curve`].
pub fn calibration(
    labels: &[bool],
    scores: &[f64],
    weights: &[f64],
    bins: usize,
) -> Result<(Vec<CalibrationBin>, f64)> {
    let mut curve = calibration_curve(labels, scores, bins)?;
    let total = check("calibration_curve", labels.len(), weights)?;
    let mut sums = vec![(0.0, 0.0, 0.0); curve.len()];
    for (row, score) in scores.iter().enumerate() {
        let at = curve.partition_point(|bin| bin.upper < *score);
        let (weight, said, positives) = &mut sums[at];
        *weight += weights[row];
        *said += weights[row] * score;
        *positives += if labels[row] { weights[row] } else { 0.0 };
    }
    let mut error = 0.0;
    for (bin, (weight, said, positives)) in curve.iter_mut().zip(&sums) {
        if *weight > 0.0 {
            (bin.mean_score, bin.positive_share) = (said / weight, positives / weight);
            error += (said - positives).abs();
        }
    }
    let mut counted = sums.iter();
    curve.retain(|_| counted.next().is_some_and(|(weight, ..)| *weight > 0.0));
    Ok((curve, error / total))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metric;

    type Rows = (Vec<bool>, Vec<f64>, Vec<usize>);

    fn rows() -> impl Strategy<Value = Rows> {
        // few distinct scores, so that ties are the rule
        prop::collection::vec((any::<bool>(), 0u8..12, 0usize..4), 2..50).prop_map(|rows| {
            let score = |score| f64::from(score) / 12.0;
            let rows = rows.into_iter().map(|(l, s, w)| ((l, score(s)), w));
            let (pairs, weights): (Vec<_>, Vec<_>) = rows.unzip();
            let (labels, scores) = pairs.into_iter().unzip();
            (labels, scores, weights)
        })
    }

    proptest! {
        #[test]
        fn a_row_of_weight_n_counts_as_n_rows((labels, scores, times) in rows()) {
            let weights: Vec<f64> = times.iter().map(|times| *times as f64).collect();
            let repeated = times.iter().enumerate();
            let repeated = repeated.flat_map(|(row, times)| std::iter::repeat_n(row, *times));
            let (l, s): (Vec<bool>, Vec<f64>) = repeated.map(|row| (labels[row], scores[row])).unzip();
            prop_assume!(l.contains(&true) && l.contains(&false));
            let close = |a: Result<f64>, b: Result<f64>| (a.unwrap() - b.unwrap()).abs() < 1e-12;
            prop_assert!(close(roc_auc(&labels, &scores, &weights), metric::roc_auc(&l, &s)));
            prop_assert!(close(pr_auc(&labels, &scores, &weights), metric::pr_auc(&l, &s)));
            prop_assert!(close(log_loss(&labels, &scores, &weights), metric::log_loss(&l, &s)));
            prop_assert!(close(brier(&labels, &scores, &weights), metric::brier(&l, &s)));
            prop_assert!(close(
                accuracy(&labels, &scores, &weights, 0.5),
                metric::accuracy(&l, &s, 0.5)
            ));
            let (bins, error) = calibration(&labels, &scores, &weights, 5).unwrap();
            let plain = calibration_curve(&l, &s, 5).unwrap();
            prop_assert!((error - metric::calibration_error(&plain)).abs() < 1e-12);
            prop_assert_eq!(bins.len(), plain.len());
            for (bin, plain) in bins.iter().zip(&plain) {
                prop_assert!((bin.mean_score - plain.mean_score).abs() < 1e-12);
                prop_assert!((bin.positive_share - plain.positive_share).abs() < 1e-12);
            }
            let roc = roc_curve(&labels, &scores, &weights).unwrap();
            let under = roc.windows(2).map(|w| (w[1].0 - w[0].0) * (w[0].1 + w[1].1) / 2.0);
            prop_assert!((under.sum::<f64>() - metric::roc_auc(&l, &s).unwrap()).abs() < 1e-12);
            let pr = pr_curve(&labels, &scores, &weights).unwrap();
            let under = pr.windows(2).map(|w| (w[1].0 - w[0].0) * w[1].1);
            prop_assert!((under.sum::<f64>() - metric::pr_auc(&l, &s).unwrap()).abs() < 1e-12);
        }

        #[test]
        fn rows_that_count_the_same_are_at_the_top_as_without_weights((labels, scores, _) in rows(), k in 1usize..50) {
            let k = k.min(labels.len());
            let weights = vec![0.5; labels.len()];
            let found = precision_at_k(&labels, &scores, &weights, k).unwrap();
            let plain = metric::precision_at_k(&labels, &scores, k).unwrap();
            prop_assert!((found - plain).abs() < 1e-12);
            if let Ok(plain) = metric::recall_at_k(&labels, &scores, k) {
                let found = recall_at_k(&labels, &scores, &weights, k).unwrap();
                prop_assert!((found - plain).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn weights_that_are_none_are_refused() {
        let (labels, scores) = ([true, false], [0.4, 0.6]);
        for metric in [roc_auc, pr_auc, log_loss, brier] {
            for bad in [
                [-1.0, 1.0],
                [f64::NAN, 1.0],
                [0.0, 0.0],
                [f64::MAX, f64::MAX],
            ] {
                let error = metric(&labels, &scores, &bad).unwrap_err();
                assert!(error.to_string().contains("weights"), "{error}");
            }
            assert!(matches!(
                metric(&labels, &scores, &[1.0]),
                Err(Error::LengthMismatch { .. })
            ));
        }
        for metric in [roc_auc, pr_auc] {
            assert!(matches!(
                metric(&labels, &scores, &[1.0, 0.0]),
                Err(Error::SingleClass { class: true, .. })
            ));
        }
        assert!(precision_at_k(&labels, &scores, &[1.0, 0.0], 1).is_err());
        assert!(recall_at_k(&labels, &scores, &[0.0, 1.0], 1).is_err());
    }
}
