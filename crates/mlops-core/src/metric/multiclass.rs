//! Metrics of answers that give each of several classes a probability.
//!
//! Labels are positions of classes; answers are `[rows, classes]`, row-major.

use serde::{Deserialize, Serialize};

use super::input::{paired, refuse};
use crate::{Error, Result};

/// The mean negative logarithm of the probability given to the class that came true, in nats.
///
/// Probabilities are clipped as in the [log-loss of two classes](super::log_loss).
///
/// # Shapes
/// `labels` `[rows]`, `answers` `[rows, classes]`.
///
/// # Errors
/// [`Error::InvalidScore`] for a label that is no class or an answer outside `0..=1`; the row is then
/// that of the label, [`Error::LengthMismatch`], [`Error::EmptyTable`] without rows, and
/// [`Error::InvalidParameter`] for fewer than two classes.
///
/// # Reference
/// Agrees with `sklearn.metrics.log_loss` to 1e-12.
pub fn log_loss(labels: &[usize], answers: &[f64], classes: usize) -> Result<f64> {
    check("log_loss", labels, answers, classes)?;
    let rows = labels.iter().zip(answers.chunks_exact(classes));
    let total: f64 = rows
        .map(|(label, row)| -row[*label].clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln())
        .sum();
    Ok(total / labels.len() as f64)
}

/// The mean over the classes of the area under the ROC curve of one class against the rest.
///
/// # Shapes
/// As for [`log_loss`].
///
/// # Errors
/// [`Error::SingleClass`] if a class has no rows, and those of [`log_loss`].
///
/// # Reference
/// Agrees with `sklearn.metrics.roc_auc_score` (`multi_class="ovr"`, `average="macro"`) to 1e-12.
pub fn roc_auc_ovr(labels: &[usize], answers: &[f64], classes: usize) -> Result<f64> {
    check("roc_auc_ovr", labels, answers, classes)?;
    let mut sum = 0.0;
    for class in 0..classes {
        let (ours, scores) = against_the_rest(labels, answers, classes, class);
        sum += super::roc_auc(&ours, &scores)?;
    }
    Ok(sum / classes as f64)
}

/// As [`roc_auc_ovr`], each class weighted by its rows.
///
/// # Errors
/// As for [`roc_auc_ovr`].
///
/// # Reference
/// Agrees with `sklearn.metrics.roc_auc_score` (`multi_class="ovr"`, `average="weighted"`) to 1e-12.
pub fn roc_auc_ovr_weighted(labels: &[usize], answers: &[f64], classes: usize) -> Result<f64> {
    check("roc_auc_ovr_weighted", labels, answers, classes)?;
    let mut sum = 0.0;
    for class in 0..classes {
        let (ours, scores) = against_the_rest(labels, answers, classes, class);
        let rows = ours.iter().filter(|ours| **ours).count();
        sum += rows as f64 * super::roc_auc(&ours, &scores)?;
    }
    Ok(sum / labels.len() as f64)
}

/// How often each class was called each class.
///
/// ```
/// use mlops_core::metric::multiclass::ConfusionMatrix;
///
/// let answers = [0.7, 0.2, 0.1, 0.1, 0.8, 0.1, 0.5, 0.3, 0.2];
/// let counts = ConfusionMatrix::of(&[0, 1, 2], &answers, 3)?;
/// assert_eq!(counts.count(2, 0), 1);
/// assert_eq!(counts.accuracy(), 2.0 / 3.0);
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire")]
pub struct ConfusionMatrix {
    classes: usize,
    /// `[classes, classes]`: came true, called.
    counts: Vec<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    classes: usize,
    counts: Vec<u64>,
}

impl TryFrom<Wire> for ConfusionMatrix {
    type Error = Error;

    fn try_from(wire: Wire) -> Result<Self> {
        let cells = wire.classes.saturating_mul(wire.classes);
        paired("confusion_matrix", cells, wire.counts.len())?;
        Ok(Self {
            classes: wire.classes,
            counts: wire.counts,
        })
    }
}

impl ConfusionMatrix {
    /// Counts, each row being called the class of the highest answer; of equal ones the first.
    ///
    /// # Errors
    /// As for [`log_loss`].
    ///
    /// # Reference
    /// Agrees with `sklearn.metrics.confusion_matrix`.
    pub fn of(labels: &[usize], answers: &[f64], classes: usize) -> Result<Self> {
        check("confusion_matrix", labels, answers, classes)?;
        let mut counts = vec![0; classes * classes];
        for (label, row) in labels.iter().zip(answers.chunks_exact(classes)) {
            counts[label * classes + best(row)] += 1;
        }
        Ok(Self { classes, counts })
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How many rows of the class `truth` were called `called`; 0 for what is no class.
    pub fn count(&self, truth: usize, called: usize) -> u64 {
        if truth < self.classes && called < self.classes {
            self.counts[truth * self.classes + called]
        } else {
            0
        }
    }

    /// The share of rows that were called rightly.
    pub fn accuracy(&self) -> f64 {
        let right: u64 = (0..self.classes)
            .map(|class| self.count(class, class))
            .sum();
        right as f64 / self.counts.iter().sum::<u64>() as f64
    }

    /// The share of the rows called `class` that are; `None` if none was called so.
    pub fn precision(&self, class: usize) -> Option<f64> {
        share(self.count(class, class), self.called(class))
    }

    /// The share of the rows of `class` that were called so; `None` if there are none.
    pub fn recall(&self, class: usize) -> Option<f64> {
        share(self.count(class, class), self.came_true(class))
    }

    /// The harmonic mean of precision and recall; `None` if the class neither came true nor was called.
    pub fn f1(&self, class: usize) -> Option<f64> {
        let rows = self.called(class) + self.came_true(class);
        share(2 * self.count(class, class), rows)
    }

    /// The mean F1 of the classes that came true or were called.
    ///
    /// # Reference
    /// Agrees with `sklearn.metrics.f1_score` (`average="macro"`) to 1e-12.
    pub fn macro_f1(&self) -> f64 {
        let all: Vec<f64> = (0..self.classes)
            .filter_map(|class| self.f1(class))
            .collect();
        all.iter().sum::<f64>() / all.len() as f64
    }

    /// The mean F1 of the classes, each weighted by its rows.
    ///
    /// # Reference
    /// Agrees with `sklearn.metrics.f1_score` (`average="weighted"`) to 1e-12.
    pub fn weighted_f1(&self) -> f64 {
        let weighted = |class| self.f1(class).unwrap_or(0.0) * self.came_true(class) as f64;
        let sum: f64 = (0..self.classes).map(weighted).sum();
        sum / self.counts.iter().sum::<u64>() as f64
    }

    fn called(&self, class: usize) -> u64 {
        (0..self.classes)
            .map(|truth| self.count(truth, class))
            .sum()
    }

    fn came_true(&self, class: usize) -> u64 {
        (0..self.classes)
            .map(|called| self.count(class, called))
            .sum()
    }
}

fn share(part: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| part as f64 / all as f64)
}

/// The first position of the highest number.
pub(super) fn best(row: &[f64]) -> usize {
    (1..row.len()).fold(0, |best, at| if row[at] > row[best] { at } else { best })
}

pub(super) fn against_the_rest(
    labels: &[usize],
    answers: &[f64],
    classes: usize,
    class: usize,
) -> (Vec<bool>, Vec<f64>) {
    let ours = labels.iter().map(|label| *label == class).collect();
    let scores = answers
        .iter()
        .skip(class)
        .step_by(classes)
        .copied()
        .collect();
    (ours, scores)
}

pub(super) fn check(
    metric: &'static str,
    labels: &[usize],
    answers: &[f64],
    classes: usize,
) -> Result<()> {
    if classes < 2 {
        return Err(Error::InvalidParameter {
            parameter: "classes",
            value: classes.to_string(),
            rule: "it must be at least 2",
        });
    }
    paired(metric, labels.len().saturating_mul(classes), answers.len())?;
    if let Some(row) = labels.iter().position(|label| *label >= classes) {
        return Err(Error::InvalidScore {
            metric,
            row,
            value: labels[row] as f64,
        });
    }
    refuse(metric, answers, classes, |answer| {
        !(0.0..=1.0).contains(&answer)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_that_never_occur_are_left_out_of_the_macro_mean() {
        let answers = [0.9, 0.1, 0.0, 0.2, 0.8, 0.0];
        let counts = ConfusionMatrix::of(&[0, 1], &answers, 3).unwrap();
        assert_eq!((counts.macro_f1(), counts.weighted_f1()), (1.0, 1.0));
        assert_eq!(
            (counts.f1(2), counts.recall(2), counts.precision(2)),
            (None, None, None)
        );
        assert_eq!(counts.count(7, 0), 0);
        let text = serde_json::to_string(&counts).unwrap();
        assert_eq!(
            serde_json::from_str::<ConfusionMatrix>(&text).unwrap(),
            counts
        );
        assert!(serde_json::from_str::<ConfusionMatrix>(&text.replace('3', "4")).is_err());
    }

    #[test]
    fn equal_answers_call_the_first_class() {
        let counts = ConfusionMatrix::of(&[1], &[0.4, 0.4, 0.2], 3).unwrap();
        assert_eq!(counts.count(1, 0), 1);
    }

    #[test]
    fn two_classes_give_the_binary_numbers() {
        let answers: Vec<f64> = [0.1, 0.4, 0.35, 0.8]
            .iter()
            .flat_map(|p| [1.0 - p, *p])
            .collect();
        let labels = [0, 0, 1, 1];
        assert!((roc_auc_ovr(&labels, &answers, 2).unwrap() - 0.75).abs() < 1e-12);
        let binary = super::super::log_loss(&[false, false, true, true], &[0.1, 0.4, 0.35, 0.8]);
        let found = log_loss(&labels, &answers, 2).unwrap();
        assert!((found - binary.unwrap()).abs() < 1e-12);
    }

    #[test]
    fn input_that_means_nothing_is_named() {
        for metric in [log_loss, roc_auc_ovr, roc_auc_ovr_weighted] {
            assert!(matches!(metric(&[], &[], 2), Err(Error::EmptyTable { .. })));
            assert!(matches!(
                metric(&[0], &[1.0], 1),
                Err(Error::InvalidParameter { .. })
            ));
            assert!(matches!(
                metric(&[0], &[1.0], 2),
                Err(Error::LengthMismatch { .. })
            ));
            let found = metric(&[0, 2], &[0.5; 4], 2);
            assert!(matches!(found, Err(Error::InvalidScore { row: 1, .. })));
            let found = metric(&[0, 1], &[0.5, 0.5, 0.5, 1.5], 2);
            assert!(matches!(found, Err(Error::InvalidScore { row: 1, .. })));
        }
        let found = roc_auc_ovr(&[0, 0], &[0.5; 4], 2);
        assert!(matches!(found, Err(Error::SingleClass { .. })));
    }
}
