//! One form for all metrics, so that folds, segments, permutations and leaderboards take any.

mod weighted;

use std::{fmt, fmt::Debug};

use mlops_core::{
    Seed,
    metric::{
        self, Interval,
        multiclass::{self, ConfusionMatrix},
        regression,
    },
};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Truth};

/// Which end of a metric is the good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// More is better.
    Highest,
    /// Less is better.
    Lowest,
}

impl Goal {
    /// How much better `value` is than `other`, above 0 if it is.
    pub fn gain(self, value: f64, other: f64) -> f64 {
        match self {
            Self::Highest => value - other,
            Self::Lowest => other - value,
        }
    }
}

/// A number that says how good answers are. [`Measure`] has the usual ones; a business has its own.
///
/// # Contract
/// The value does not depend on the order of the rows.
pub trait Metric: Send + Sync + Debug {
    /// The name by which it is recorded, for instance `roc_auc`.
    fn name(&self) -> String;

    /// Which end is the good one.
    fn goal(&self) -> Goal;

    /// The metric of these rows.
    ///
    /// # Shapes
    /// `answers` `[rows, truth.width()]`, row-major.
    ///
    /// # Errors
    /// [`Error::UnsupportedMetric`] for labels that it is not made for, and what the metric is not
    /// defined for, for instance one class only.
    fn value(&self, truth: &Truth, answers: &[f64]) -> Result<f64>;

    /// The metric of rows that count differently: one of weight 2 as two rows. It is asked for where a set has
    /// weights.
    ///
    /// # Shapes
    /// `weights` `[rows]`, finite and at least 0.
    ///
    /// # Errors
    /// [`Error::UnsupportedMetric`] unless it is written, and those of [`Metric::value`].
    fn weighted(&self, truth: &Truth, answers: &[f64], weights: &[f64]) -> Result<f64> {
        let _ = (truth, answers, weights);
        Err(Error::UnsupportedMetric {
            metric: self.name(),
            labels: "rows that count differently",
        })
    }
}

/// The metric of rows with weights or without.
pub(crate) fn judged(
    metric: &dyn Metric,
    truth: &Truth,
    answers: &[f64],
    weights: Option<&[f64]>,
) -> Result<f64> {
    match weights {
        None => metric.value(truth, answers),
        Some(weights) => metric.weighted(truth, answers, weights),
    }
}

/// The metrics of [`mlops_core::metric`] by name.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Measure {
    /// The area under the ROC curve; of several classes the mean of each against the rest.
    RocAuc,
    /// The average precision.
    PrAuc,
    /// The log-loss in nats, of two or several classes.
    LogLoss,
    /// The Brier score.
    Brier,
    /// The share of rows that were called rightly: of two classes at 0.5, of several the highest.
    Accuracy,
    /// The mean F1 over the classes.
    MacroF1,
    /// The F1 of the classes, weighted by their rows.
    WeightedF1,
    /// The root of the mean squared error.
    Rmse,
    /// The mean absolute error.
    Mae,
    /// The median absolute error.
    MedianAbsoluteError,
    /// The share of variance explained.
    R2,
    /// The mean absolute error over the label's size, as a fraction.
    Mape,
    /// The mean absolute error over the mean size of label and answer.
    Smape,
    /// The pinball loss of a quantile.
    Pinball {
        /// The quantile that was asked of the model, between 0 and 1.
        quantile: f64,
    },
}

impl Measure {
    /// The metrics that fit these labels, the one that candidates are ranked by first.
    pub fn all_for(truth: &Truth) -> &'static [Self] {
        match truth {
            Truth::Binary(_) => &[
                Self::PrAuc,
                Self::RocAuc,
                Self::LogLoss,
                Self::Brier,
                Self::Accuracy,
            ],
            Truth::Number(_) => &[
                Self::Rmse,
                Self::Mae,
                Self::MedianAbsoluteError,
                Self::R2,
                Self::Mape,
                Self::Smape,
            ],
            Truth::Classes { .. } => &[
                Self::LogLoss,
                Self::Accuracy,
                Self::MacroF1,
                Self::WeightedF1,
                Self::RocAuc,
            ],
        }
    }
}

impl Metric for Measure {
    fn name(&self) -> String {
        self.to_string()
    }

    fn goal(&self) -> Goal {
        match self {
            Self::RocAuc
            | Self::PrAuc
            | Self::Accuracy
            | Self::MacroF1
            | Self::WeightedF1
            | Self::R2 => Goal::Highest,
            _ => Goal::Lowest,
        }
    }

    fn value(&self, truth: &Truth, answers: &[f64]) -> Result<f64> {
        let found = match (self, truth) {
            (Self::RocAuc, Truth::Binary(labels)) => metric::roc_auc(labels, answers),
            (Self::PrAuc, Truth::Binary(labels)) => metric::pr_auc(labels, answers),
            (Self::LogLoss, Truth::Binary(labels)) => metric::log_loss(labels, answers),
            (Self::Brier, Truth::Binary(labels)) => metric::brier(labels, answers),
            (Self::Accuracy, Truth::Binary(labels)) => metric::accuracy(labels, answers, 0.5),
            (Self::LogLoss, Truth::Classes { labels, classes }) => {
                multiclass::log_loss(labels, answers, *classes)
            }
            (Self::RocAuc, Truth::Classes { labels, classes }) => {
                multiclass::roc_auc_ovr(labels, answers, *classes)
            }
            (Self::Accuracy, Truth::Classes { labels, classes }) => {
                ConfusionMatrix::of(labels, answers, *classes).map(|counts| counts.accuracy())
            }
            (Self::MacroF1, Truth::Classes { labels, classes }) => {
                ConfusionMatrix::of(labels, answers, *classes).map(|counts| counts.macro_f1())
            }
            (Self::WeightedF1, Truth::Classes { labels, classes }) => {
                ConfusionMatrix::of(labels, answers, *classes).map(|counts| counts.weighted_f1())
            }
            (Self::Rmse, Truth::Number(values)) => regression::rmse(values, answers),
            (Self::Mae, Truth::Number(values)) => regression::mae(values, answers),
            (Self::MedianAbsoluteError, Truth::Number(values)) => {
                regression::median_absolute_error(values, answers)
            }
            (Self::R2, Truth::Number(values)) => regression::r2(values, answers),
            (Self::Mape, Truth::Number(values)) => regression::mape(values, answers),
            (Self::Smape, Truth::Number(values)) => regression::smape(values, answers),
            (Self::Pinball { quantile }, Truth::Number(values)) => {
                regression::pinball(values, answers, *quantile)
            }
            _ => {
                return Err(Error::UnsupportedMetric {
                    metric: self.name(),
                    labels: truth.kind(),
                });
            }
        };
        Ok(found?)
    }

    fn weighted(&self, truth: &Truth, answers: &[f64], weights: &[f64]) -> Result<f64> {
        weighted::value(*self, truth, answers, weights)
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RocAuc => "roc_auc",
            Self::PrAuc => "pr_auc",
            Self::LogLoss => "log_loss",
            Self::Brier => "brier",
            Self::Accuracy => "accuracy",
            Self::MacroF1 => "macro_f1",
            Self::WeightedF1 => "weighted_f1",
            Self::Rmse => "rmse",
            Self::Mae => "mae",
            Self::MedianAbsoluteError => "median_absolute_error",
            Self::R2 => "r2",
            Self::Mape => "mape",
            Self::Smape => "smape",
            Self::Pinball { quantile } => return write!(f, "pinball_{quantile}"),
        })
    }
}

/// A metric with its bootstrap interval; see [`mlops_core::metric::bootstrap`].
///
/// # Shapes
/// `answers` `[rows, truth.width()]`, row-major.
///
/// # Errors
/// The metric's own, a length that does not fit, and settings out of their range.
///
/// # Complexity
/// `resamples` times `O(rows)` and the metric.
pub fn interval(
    metric: &dyn Metric,
    truth: &Truth,
    answers: &[f64],
    resamples: usize,
    level: f64,
    seed: Seed,
) -> Result<Interval> {
    weighted_interval(metric, truth, answers, None, resamples, level, seed)
}

/// As [`interval`], of rows that may count differently; rows are drawn alike and keep their weights.
///
/// # Shapes
/// `answers` `[rows, truth.width()]`, row-major; `weights` `[rows]`.
///
/// # Errors
/// Those of [`interval`], and of [`Metric::weighted`].
///
/// # Complexity
/// `resamples` times `O(rows)` and the metric.
pub fn weighted_interval(
    metric: &dyn Metric,
    truth: &Truth,
    answers: &[f64],
    weights: Option<&[f64]>,
    resamples: usize,
    level: f64,
    seed: Seed,
) -> Result<Interval> {
    check_shape(truth, answers)?;
    if let Some(weights) = weights
        && weights.len() != truth.rows()
    {
        return Err(Error::Core(mlops_core::Error::LengthMismatch {
            what: "labels and weights",
            left: truth.rows(),
            right: weights.len(),
        }));
    }
    let width = truth.width();
    // as core's bootstrap: rows in the order of their scores, so that a ranking metric meets sorted input
    let mut order: Vec<usize> = (0..truth.rows()).collect();
    order.sort_by(|a, b| answers[b * width].total_cmp(&answers[a * width]));
    let mut rows = Vec::with_capacity(order.len());
    let statistic = |drawn: &[usize]| {
        rows.clear();
        rows.extend(drawn.iter().map(|at| order[*at]));
        let weights = weights.map(|weights| take_rows(weights, 1, &rows));
        let (truth, answers) = (truth.take(&rows), take_rows(answers, width, &rows));
        judged(metric, &truth, &answers, weights.as_deref())
    };
    metric::bootstrap_rows(truth.rows(), statistic, resamples, level, seed)
}

/// The answers of the given rows.
pub(crate) fn take_rows(answers: &[f64], width: usize, rows: &[usize]) -> Vec<f64> {
    let mut taken = Vec::with_capacity(rows.len() * width);
    for row in rows {
        taken.extend_from_slice(&answers[row * width..(row + 1) * width]);
    }
    taken
}

/// Refuses answers that do not fit the labels in number.
pub(crate) fn check_shape(truth: &Truth, answers: &[f64]) -> Result<()> {
    let wanted = truth.rows().saturating_mul(truth.width());
    if answers.len() == wanted {
        return Ok(());
    }
    Err(Error::Core(mlops_core::Error::LengthMismatch {
        what: "labels and answers",
        left: wanted,
        right: answers.len(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_two_classes_is_that_of_core() {
        let labels = vec![true, false, true, true, false, false, true, false];
        let scores = [0.9, 0.2, 0.4, 0.8, 0.45, 0.1, 0.7, 0.3];
        let truth = Truth::Binary(labels.clone());
        let found = interval(&Measure::RocAuc, &truth, &scores, 200, 0.9, Seed(3)).unwrap();
        let core = metric::bootstrap(&labels, &scores, metric::roc_auc, 200, 0.9, Seed(3)).unwrap();
        assert_eq!(found, core);
        let error = interval(&Measure::RocAuc, &truth, &scores[1..], 9, 0.9, Seed(3));
        assert!(matches!(
            error,
            Err(Error::Core(mlops_core::Error::LengthMismatch { .. }))
        ));
    }

    #[test]
    fn every_measure_is_named_and_fits_its_labels_only() {
        let truths = [
            (Truth::Binary(vec![true, false, true]), vec![0.9, 0.2, 0.4]),
            (Truth::Number(vec![1.0, 2.0, 4.0]), vec![0.9, 2.2, 4.0]),
            (
                Truth::Classes {
                    labels: vec![0, 1, 2],
                    classes: 3,
                },
                vec![0.5, 0.25, 0.25, 0.25, 0.5, 0.25, 0.25, 0.25, 0.5],
            ),
        ];
        for (truth, answers) in &truths {
            for measure in Measure::all_for(truth) {
                let value = measure.value(truth, answers).unwrap();
                assert!(value.is_finite(), "{measure}");
                let json = serde_json::to_string(measure).unwrap();
                assert_eq!(json, format!("\"{measure}\""));
            }
        }
        for (truth, answers) in &truths {
            for measure in Measure::all_for(truth) {
                // rows that count the same
                let weighted = measure.weighted(truth, answers, &[0.5; 3]).unwrap();
                let plain = measure.value(truth, answers).unwrap();
                assert!((weighted - plain).abs() < 1e-12, "{measure}");
            }
        }
        let pinball = Measure::Pinball { quantile: 0.9 };
        assert!(
            pinball
                .weighted(&truths[0].0, &truths[0].1, &[1.0; 3])
                .is_err()
        );
        assert_eq!(pinball.name(), "pinball_0.9");
        let error = pinball.value(&truths[0].0, &truths[0].1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "metric `pinball_0.9` is not defined for two classes"
        );
    }

    #[test]
    fn a_gain_has_the_sign_of_the_goal() {
        assert!(Goal::Highest.gain(0.9, 0.8) > 0.0);
        assert!(Goal::Lowest.gain(0.9, 0.8) < 0.0);
    }
}
