//! Weighted metrics of answers that give each of several classes a probability.
//!
//! Labels are positions of classes; answers are `[rows, classes]`, row-major.

use super::{check, mean};
use crate::{
    Result,
    metric::multiclass::{self, against_the_rest, best},
};

/// As [`log_loss`](multiclass::log_loss).
///
/// # Errors
/// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for weights that are none, and those of
/// [`log_loss`](multiclass::log_loss).
pub fn log_loss(labels: &[usize], answers: &[f64], weights: &[f64], classes: usize) -> Result<f64> {
    multiclass::check("log_loss", labels, answers, classes)?;
    let total = check("log_loss", labels.len(), weights)?;
    Ok(mean(weights, total, |row| {
        let chance = answers[row * classes + labels[row]];
        -chance.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
    }))
}

/// As [`roc_auc_ovr`](multiclass::roc_auc_ovr).
///
/// # Errors
/// [`Error::SingleClass`](crate::Error::SingleClass) if no row of a class counts, and those of [`log_loss`].
pub fn roc_auc_ovr(
    labels: &[usize],
    answers: &[f64],
    weights: &[f64],
    classes: usize,
) -> Result<f64> {
    multiclass::check("roc_auc_ovr", labels, answers, classes)?;
    let mut sum = 0.0;
    for class in 0..classes {
        let (ours, scores) = against_the_rest(labels, answers, classes, class);
        sum += super::roc_auc(&ours, &scores, weights)?;
    }
    Ok(sum / classes as f64)
}

/// What rows of each class that were called each class count, each row being called the class of the highest
/// answer.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightedConfusion {
    classes: usize,
    /// `[classes, classes]`: came true, called.
    sums: Vec<f64>,
}

impl WeightedConfusion {
    /// Sums the weights, as [`ConfusionMatrix::of`](multiclass::ConfusionMatrix::of) counts rows.
    ///
    /// # Errors
    /// As for [`log_loss`].
    pub fn of(labels: &[usize], answers: &[f64], weights: &[f64], classes: usize) -> Result<Self> {
        multiclass::check("confusion_matrix", labels, answers, classes)?;
        check("confusion_matrix", labels.len(), weights)?;
        let mut sums = vec![0.0; classes * classes];
        for (row, label) in labels.iter().enumerate() {
            let called = best(&answers[row * classes..(row + 1) * classes]);
            sums[label * classes + called] += weights[row];
        }
        Ok(Self { classes, sums })
    }

    fn sum(&self, truth: usize, called: usize) -> f64 {
        self.sums[truth * self.classes + called]
    }

    fn total(&self) -> f64 {
        self.sums.iter().sum()
    }

    fn called(&self, class: usize) -> f64 {
        (0..self.classes).map(|truth| self.sum(truth, class)).sum()
    }

    fn came_true(&self, class: usize) -> f64 {
        (0..self.classes)
            .map(|called| self.sum(class, called))
            .sum()
    }

    /// The share that was called rightly.
    pub fn accuracy(&self) -> f64 {
        let right: f64 = (0..self.classes).map(|class| self.sum(class, class)).sum();
        right / self.total()
    }

    /// The share of what was called `class` that is; `None` if nothing was, or for what is no class.
    pub fn precision(&self, class: usize) -> Option<f64> {
        self.share(class, 1.0, |class| self.called(class))
    }

    /// The share of `class` that was called so; `None` if there is none.
    pub fn recall(&self, class: usize) -> Option<f64> {
        self.share(class, 1.0, |class| self.came_true(class))
    }

    /// The harmonic mean of precision and recall; `None` if the class neither came true nor was called.
    pub fn f1(&self, class: usize) -> Option<f64> {
        self.share(class, 2.0, |class| {
            self.called(class) + self.came_true(class)
        })
    }

    fn share(&self, class: usize, times: f64, of: impl Fn(usize) -> f64) -> Option<f64> {
        let all = (class < self.classes).then(|| of(class))?;
        (all > 0.0).then(|| times * self.sum(class, class) / all)
    }

    /// The mean F1 of the classes that came true or were called.
    pub fn macro_f1(&self) -> f64 {
        let all: Vec<f64> = (0..self.classes)
            .filter_map(|class| self.f1(class))
            .collect();
        all.iter().sum::<f64>() / all.len() as f64
    }

    /// The mean F1 of the classes, each weighted by what its rows count.
    pub fn weighted_f1(&self) -> f64 {
        let weighted = |class| self.f1(class).unwrap_or(0.0) * self.came_true(class);
        (0..self.classes).map(weighted).sum::<f64>() / self.total()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metric::multiclass::ConfusionMatrix;

    proptest! {
        #[test]
        fn a_row_of_weight_n_counts_as_n_rows(
            rows in prop::collection::vec((0usize..3, 1u8..9, 1u8..9, 1u8..9, 0usize..4), 3..40),
        ) {
            let labels: Vec<usize> = rows.iter().map(|row| row.0).collect();
            let weights: Vec<f64> = rows.iter().map(|row| row.4 as f64).collect();
            let answers = rows.iter().flat_map(|(_, a, b, c, _)| {
                let all = [a, b, c].map(|x| f64::from(*x));
                all.map(|x| x / all.iter().sum::<f64>())
            });
            let answers: Vec<f64> = answers.collect();
            let repeated = (0..rows.len()).flat_map(|row| std::iter::repeat_n(row, rows[row].4));
            let (mut l, mut a) = (Vec::new(), Vec::new());
            for row in repeated {
                l.push(labels[row]);
                a.extend_from_slice(&answers[row * 3..][..3]);
            }
            prop_assume!((0..3).all(|class| l.contains(&class)));
            let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
            prop_assert!(close(
                log_loss(&labels, &answers, &weights, 3).unwrap(),
                multiclass::log_loss(&l, &a, 3).unwrap()
            ));
            prop_assert!(close(
                roc_auc_ovr(&labels, &answers, &weights, 3).unwrap(),
                multiclass::roc_auc_ovr(&l, &a, 3).unwrap()
            ));
            let found = WeightedConfusion::of(&labels, &answers, &weights, 3).unwrap();
            let plain = ConfusionMatrix::of(&l, &a, 3).unwrap();
            prop_assert!(close(found.accuracy(), plain.accuracy()));
            prop_assert!(close(found.macro_f1(), plain.macro_f1()));
            prop_assert!(close(found.weighted_f1(), plain.weighted_f1()));
            for class in 0..4 {
                let same = |a: Option<f64>, b: Option<f64>| match (a, b) {
                    (Some(a), Some(b)) => close(a, b),
                    (a, b) => a == b,
                };
                prop_assert!(same(found.precision(class), plain.precision(class)));
                prop_assert!(same(found.recall(class), plain.recall(class)));
                prop_assert!(same(found.f1(class), plain.f1(class)));
            }
        }
    }
}
