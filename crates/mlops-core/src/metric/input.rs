//! Checks that every metric makes before it counts, and the walk down the ranking that most share.

use std::cmp::Ordering;

use crate::{Error, Result};

/// Rows that share one score, seen from the highest score down, with the counts so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// Positive rows with this score or a higher one.
    pub(super) positives: u64,
    /// Negative rows with this score or a higher one.
    pub(super) negatives: u64,
}

/// Refuses no rows, two lengths and scores that are not finite.
pub(super) fn check(metric: &'static str, labels: &[bool], scores: &[f64]) -> Result<()> {
    paired(metric, labels.len(), scores.len())?;
    finite(metric, scores)
}

/// Refuses two lengths and no rows.
pub(super) fn paired(metric: &'static str, left: usize, right: usize) -> Result<()> {
    if left != right {
        return Err(Error::LengthMismatch {
            what: metric,
            left,
            right,
        });
    }
    if left == 0 {
        return Err(Error::EmptyTable {
            table: metric.to_owned(),
        });
    }
    Ok(())
}

/// Refuses numbers that are not finite.
pub(super) fn finite(metric: &'static str, numbers: &[f64]) -> Result<()> {
    refuse(metric, numbers, 1, |number| !number.is_finite())
}

/// As [`check`], and refuses scores outside `0..=1`.
pub(super) fn check_probabilities(
    metric: &'static str,
    labels: &[bool],
    scores: &[f64],
) -> Result<()> {
    check(metric, labels, scores)?;
    refuse(metric, scores, 1, |score| !(0.0..=1.0).contains(&score))
}

/// As [`check`], and refuses labels of one class only.
pub(super) fn check_classes(metric: &'static str, labels: &[bool], scores: &[f64]) -> Result<()> {
    check(metric, labels, scores)?;
    let class = labels[0];
    if labels.iter().all(|label| *label == class) {
        return Err(Error::SingleClass {
            metric,
            rows: labels.len(),
            class,
        });
    }
    Ok(())
}

/// Row numbers from the highest score to the lowest; equal scores keep their order.
pub(super) fn descending(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    // 0.0 and -0.0 are one score, so `total_cmp` would not do
    order.sort_by(|a, b| {
        scores[*b]
            .partial_cmp(&scores[*a])
            .unwrap_or(Ordering::Equal)
    });
    order
}

/// The counts after each distinct score, from the highest down. The scores are checked already.
pub(super) fn steps(labels: &[bool], scores: &[f64]) -> Vec<Step> {
    let order = descending(scores);
    let mut steps = Vec::new();
    let mut step = Step::default();
    for (at, row) in order.iter().enumerate() {
        if labels[*row] {
            step.positives += 1;
        } else {
            step.negatives += 1;
        }
        if order
            .get(at + 1)
            .is_none_or(|next| scores[*next] != scores[*row])
        {
            steps.push(step);
        }
    }
    steps
}

/// Refuses a number that is `bad`; each row has `width` of them.
pub(super) fn refuse(
    metric: &'static str,
    numbers: &[f64],
    width: usize,
    bad: impl Fn(f64) -> bool,
) -> Result<()> {
    match numbers.iter().position(|number| bad(*number)) {
        None => Ok(()),
        Some(at) => Err(Error::InvalidScore {
            metric,
            row: at / width,
            value: numbers[at],
        }),
    }
}
