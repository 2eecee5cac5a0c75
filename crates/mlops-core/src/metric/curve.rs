//! The two curves behind the areas, as points to draw.

use super::input::{Step, check_classes, steps};
use crate::Result;

/// The points `(false positive rate, true positive rate)` from `(0, 0)` to `(1, 1)`.
///
/// Points on a straight line between their neighbours are left out.
///
/// # Errors
/// As for [`roc_auc`](super::roc_auc).
///
/// # Reference
/// Agrees with `sklearn.metrics.roc_curve` (with its default `drop_intermediate=True`) to 1e-12.
pub fn roc_curve(labels: &[bool], scores: &[f64]) -> Result<Vec<(f64, f64)>> {
    check_classes("roc_curve", labels, scores)?;
    let all = steps(labels, scores);
    let last = all[all.len() - 1];
    let corner = |at: usize| {
        let Some((before, after)) = at.checked_sub(1).map(|b| all[b]).zip(all.get(at + 1)) else {
            return true;
        };
        let here = all[at];
        let bends = |f: fn(&Step) -> u64| f(&here) - f(&before) != f(after) - f(&here);
        bends(|s| s.positives) || bends(|s| s.negatives)
    };
    let corners = (0..all.len()).filter(|at| corner(*at)).map(|at| {
        let fpr = all[at].negatives as f64 / last.negatives as f64;
        (fpr, all[at].positives as f64 / last.positives as f64)
    });
    Ok(std::iter::once((0.0, 0.0)).chain(corners).collect())
}

/// The points `(recall, precision)` from `(0, 1)` on, by growing recall.
///
/// # Errors
/// As for [`roc_auc`](super::roc_auc).
///
/// # Reference
/// Agrees with `sklearn.metrics.precision_recall_curve`, read from its end, to 1e-12.
pub fn pr_curve(labels: &[bool], scores: &[f64]) -> Result<Vec<(f64, f64)>> {
    check_classes("pr_curve", labels, scores)?;
    let steps = steps(labels, scores);
    let positives = steps[steps.len() - 1].positives as f64;
    let points = steps.iter().map(|step| {
        let named = step.positives + step.negatives;
        (
            step.positives as f64 / positives,
            step.positives as f64 / named as f64,
        )
    });
    Ok(std::iter::once((0.0, 1.0)).chain(points).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metric::{pr_auc, roc_auc};

    #[test]
    fn curves_begin_and_end_where_they_must() {
        let labels = [false, false, true, true];
        let scores = [0.1, 0.4, 0.35, 0.8];
        let roc = roc_curve(&labels, &scores).unwrap();
        assert_eq!(
            roc,
            [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0)]
        );
        let pr = pr_curve(&labels, &scores).unwrap();
        assert_eq!((pr[0], pr[4]), ((0.0, 1.0), (1.0, 0.5)));
    }

    proptest! {
        #[test]
        fn areas_under_the_curves_are_the_metrics(
            rows in prop::collection::vec((any::<bool>(), 0u8..20), 2..80),
        ) {
            let (labels, scores): (Vec<bool>, Vec<f64>) =
                rows.into_iter().map(|(l, s)| (l, f64::from(s))).unzip();
            prop_assume!(labels.contains(&true) && labels.contains(&false));
            let roc = roc_curve(&labels, &scores).unwrap();
            let trapezoids: f64 =
                roc.windows(2).map(|w| (w[1].0 - w[0].0) * (w[0].1 + w[1].1) / 2.0).sum();
            prop_assert!((trapezoids - roc_auc(&labels, &scores).unwrap()).abs() < 1e-12);
            let pr = pr_curve(&labels, &scores).unwrap();
            let bars: f64 = pr.windows(2).map(|w| (w[1].0 - w[0].0) * w[1].1).sum();
            prop_assert!((bars - pr_auc(&labels, &scores).unwrap()).abs() < 1e-12);
        }
    }
}
