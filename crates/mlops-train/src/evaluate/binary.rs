//! The evaluation of answers that are the probability of one of two classes.

use std::collections::BTreeMap;

use mlops_core::{
    Seed, TrainingSet,
    metric::{self, CalibrationBin, Interval, weighted},
};
use mlops_model::Model;
use serde::{Deserialize, Serialize};

use super::{Judged, record};
use crate::{Measure, Metric, Result, Truth, error::require};

/// How to evaluate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationOptions {
    /// How many bootstrap resamples stand behind each interval.
    pub bootstrap: usize,
    /// The share of resamples that an interval covers.
    pub level: f64,
    /// Where the resampling begins.
    pub seed: Seed,
    /// The share of rows at the top of the list that precision and recall look at.
    pub top_share: f64,
    /// The number of calibration bins.
    pub calibration_bins: usize,
    /// How many points of a curve are kept at most.
    pub curve_points: usize,
}

impl Default for EvaluationOptions {
    /// 1000 resamples, level 0.95, the top 10 percent, 10 bins, 200 points a curve.
    fn default() -> Self {
        Self {
            bootstrap: 1000,
            level: 0.95,
            seed: Seed(0),
            top_share: 0.1,
            calibration_bins: 10,
            curve_points: 200,
        }
    }
}

impl EvaluationOptions {
    /// Refuses an option out of its range.
    pub(super) fn check(&self) -> Result<()> {
        let share = self.top_share;
        let inside = share > 0.0 && share <= 1.0;
        require(
            inside,
            "evaluation",
            "top_share",
            &share,
            "it must lie above 0 and at most at 1",
        )?;
        require(
            self.curve_points >= 2,
            "evaluation",
            "curve_points",
            &self.curve_points,
            "it must be at least 2",
        )?;
        require(
            (1..=10_000).contains(&self.calibration_bins),
            "evaluation",
            "calibration_bins",
            &self.calibration_bins,
            "it must lie in 1..=10000",
        )
    }
}

/// The metrics of a model of two classes on one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The rows looked at.
    pub rows: u64,
    /// The positive ones among them.
    pub positives: u64,
    /// The share of positives, which is the average precision of a guess.
    pub base_rate: f64,
    /// The average precision.
    pub pr_auc: Interval,
    /// The area under the ROC curve.
    pub roc_auc: Interval,
    /// The log-loss in nats.
    pub log_loss: Interval,
    /// The Brier score.
    pub brier: Interval,
    /// The expected calibration error over the bins.
    pub calibration_error: f64,
    /// The share of rows at the top of the list.
    pub top_share: f64,
    /// That share as a number of rows.
    pub top_rows: u64,
    /// The share of positives among them.
    pub precision_at_k: f64,
    /// The share of all positives that are among them.
    pub recall_at_k: f64,
    /// The curves, to draw.
    pub curves: Curves,
}

/// Curves as points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    /// `(recall, precision)` by growing recall.
    pub pr: Vec<(f64, f64)>,
    /// `(false positive rate, true positive rate)`.
    pub roc: Vec<(f64, f64)>,
    /// What was said and what came true, by bin.
    pub calibration: Vec<CalibrationBin>,
}

/// Lets a model answer all rows of a set and holds the answers against the labels.
///
/// The set's features are matched with the model's inputs by name. The model answers a probability;
/// [`assess`](crate::assess) takes any model. Where the set has weights, they count in all metrics and curves;
/// `top_share` is a share of the rows.
///
/// # Errors
/// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for an option out of its range, the
/// model's own if the features do not fit, and those of [`mlops_core::metric`] for a single class.
pub fn evaluate(
    model: &dyn Model,
    set: &TrainingSet,
    options: &EvaluationOptions,
) -> Result<Evaluation> {
    options.check()?;
    let (share, points) = (options.top_share, options.curve_points);
    let labels = set.label_classes()?;
    let scores = model.predict_values(&set.features())?;

    let k = metric::top_k(labels.len(), share);
    let rows = labels.len() as u64;
    let positives = labels.iter().filter(|label| **label).count() as u64;
    let ranked = match set.weights() {
        None => Ranked::of(&labels, &scores, k, options)?,
        Some(weights) => Ranked::weighted(&labels, &scores, &weights, k, options)?,
    };
    let judged = Judged {
        truth: Truth::Binary(labels),
        answers: scores,
        weights: set.weights(),
        options: *options,
    };
    let interval = |measure: Measure| match (&judged.weights, &judged.truth) {
        // the same numbers, without a copy a resample
        (None, Truth::Binary(labels)) => {
            let metric = match measure {
                Measure::PrAuc => metric::pr_auc,
                Measure::RocAuc => metric::roc_auc,
                Measure::LogLoss => metric::log_loss,
                _ => metric::brier,
            };
            let (resamples, level) = (options.bootstrap, options.level);
            let seed = options.seed.derive(&measure.name());
            let found = metric::bootstrap(labels, &judged.answers, metric, resamples, level, seed);
            Ok(found?)
        }
        _ => judged.interval(&measure),
    };
    Ok(Evaluation {
        rows,
        positives,
        base_rate: ranked.base_rate,
        pr_auc: interval(Measure::PrAuc)?,
        roc_auc: interval(Measure::RocAuc)?,
        log_loss: interval(Measure::LogLoss)?,
        brier: interval(Measure::Brier)?,
        calibration_error: ranked.calibration_error,
        top_share: share,
        top_rows: k as u64,
        precision_at_k: ranked.precision_at_k,
        recall_at_k: ranked.recall_at_k,
        curves: Curves {
            pr: thin(ranked.curves.pr, points),
            roc: thin(ranked.curves.roc, points),
            calibration: ranked.curves.calibration,
        },
    })
}

/// What has no interval.
struct Ranked {
    base_rate: f64,
    calibration_error: f64,
    precision_at_k: f64,
    recall_at_k: f64,
    curves: Curves,
}

impl Ranked {
    fn of(labels: &[bool], scores: &[f64], k: usize, options: &EvaluationOptions) -> Result<Self> {
        let positives = labels.iter().filter(|label| **label).count();
        let calibration = metric::calibration_curve(labels, scores, options.calibration_bins)?;
        Ok(Self {
            base_rate: positives as f64 / labels.len() as f64,
            calibration_error: metric::calibration_error(&calibration),
            precision_at_k: metric::precision_at_k(labels, scores, k)?,
            recall_at_k: metric::recall_at_k(labels, scores, k)?,
            curves: Curves {
                pr: metric::pr_curve(labels, scores)?,
                roc: metric::roc_curve(labels, scores)?,
                calibration,
            },
        })
    }

    fn weighted(
        labels: &[bool],
        scores: &[f64],
        weights: &[f64],
        k: usize,
        options: &EvaluationOptions,
    ) -> Result<Self> {
        let bins = options.calibration_bins;
        let (calibration, error) = weighted::calibration(labels, scores, weights, bins)?;
        let rows = labels.iter().zip(weights);
        let positives: f64 = rows.filter(|(label, _)| **label).map(|(_, w)| w).sum();
        Ok(Self {
            base_rate: positives / weights.iter().sum::<f64>(),
            calibration_error: error,
            precision_at_k: weighted::precision_at_k(labels, scores, weights, k)?,
            recall_at_k: weighted::recall_at_k(labels, scores, weights, k)?,
            curves: Curves {
                pr: weighted::pr_curve(labels, scores, weights)?,
                roc: weighted::roc_curve(labels, scores, weights)?,
                calibration,
            },
        })
    }
}

impl Evaluation {
    /// All numbers by name, as a run records them: `pr_auc`, `pr_auc_lower`, `pr_auc_upper`, the same for
    /// `roc_auc`, `log_loss` and `brier`, `precision_at_10pct` and `recall_at_10pct` with the share asked
    /// for, `calibration_error`, `base_rate`, `rows` and `positives`.
    pub fn metrics(&self) -> BTreeMap<String, f64> {
        let mut metrics = BTreeMap::new();
        for (name, interval) in [
            ("pr_auc", &self.pr_auc),
            ("roc_auc", &self.roc_auc),
            ("log_loss", &self.log_loss),
            ("brier", &self.brier),
        ] {
            record(&mut metrics, name, interval);
        }
        // 0.07 * 100 is not quite 7
        let percent = (self.top_share * 1e8).round() / 1e6;
        metrics.insert(format!("precision_at_{percent}pct"), self.precision_at_k);
        metrics.insert(format!("recall_at_{percent}pct"), self.recall_at_k);
        for (name, value) in [
            ("calibration_error", self.calibration_error),
            ("base_rate", self.base_rate),
            ("rows", self.rows as f64),
            ("positives", self.positives as f64),
        ] {
            metrics.insert(name.to_owned(), value);
        }
        metrics
    }
}

/// Keeps about `most` points, evenly along the list, with both ends.
fn thin(points: Vec<(f64, f64)>, most: usize) -> Vec<(f64, f64)> {
    if points.len() <= most {
        return points;
    }
    let last = points.len() - 1;
    (0..most).map(|at| points[at * last / (most - 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Error, baseline,
        conformance::{planted, table},
    };

    fn quick() -> EvaluationOptions {
        EvaluationOptions {
            bootstrap: 50,
            ..EvaluationOptions::default()
        }
    }

    #[test]
    fn the_base_rate_is_what_a_guess_reaches() {
        let set = planted(300, 1);
        let model = baseline(&set).unwrap();
        let found = evaluate(&model, &set, &quick()).unwrap();
        assert_eq!((found.rows, found.top_rows), (300, 30));
        assert!((found.pr_auc.value - found.base_rate).abs() < 1e-12);
        assert!((found.precision_at_k - found.base_rate).abs() < 1e-12);
        assert!((found.recall_at_k - 0.1).abs() < 1e-12);
        assert_eq!(found.roc_auc.value, 0.5);
        assert!(found.calibration_error < 1e-12);
        assert!(found.log_loss.lower < found.log_loss.value);
        let names: Vec<String> = found.metrics().into_keys().collect();
        for name in [
            "pr_auc",
            "pr_auc_lower",
            "pr_auc_upper",
            "roc_auc",
            "log_loss",
            "brier",
        ] {
            assert!(names.iter().any(|n| n == name), "{name}");
        }
        assert!(names.contains(&"precision_at_10pct".to_owned()));
        assert!(names.contains(&"recall_at_10pct".to_owned()));
        let text = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<Evaluation>(&text).unwrap(), found);
    }

    #[test]
    fn shares_are_named_without_rounding_noise() {
        let set = planted(300, 1);
        let model = baseline(&set).unwrap();
        let options = EvaluationOptions {
            top_share: 0.07,
            ..quick()
        };
        let metrics = evaluate(&model, &set, &options).unwrap().metrics();
        assert!(metrics.contains_key("precision_at_7pct"), "{metrics:?}");
    }

    #[test]
    fn curves_are_thinned_and_keep_their_ends() {
        let points: Vec<(f64, f64)> = (0..1001).map(|i| (f64::from(i), 0.0)).collect();
        let thinned = thin(points, 11);
        assert_eq!(
            (thinned.len(), thinned[0].0, thinned[10].0),
            (11, 0.0, 1000.0)
        );
    }

    #[test]
    fn what_cannot_be_evaluated_is_refused() {
        let set = planted(50, 1);
        let model = baseline(&set).unwrap();
        for share in [0.0, 1.5, f64::NAN] {
            let options = EvaluationOptions {
                top_share: share,
                ..quick()
            };
            assert!(matches!(
                evaluate(&model, &set, &options),
                Err(Error::InvalidParameter {
                    parameter: "top_share",
                    ..
                })
            ));
        }
        let other = table(vec![("x", vec![Some(1.0), Some(2.0)])], &[true, false]);
        assert!(matches!(
            evaluate(&model, &other, &quick()),
            Err(Error::Model(_))
        ));
        let one = table(vec![("x", vec![Some(1.0), Some(2.0)])], &[true, true]);
        let model = baseline(&one).unwrap();
        assert!(matches!(
            evaluate(&model, &one, &quick()),
            Err(Error::Core(mlops_core::Error::SingleClass { .. }))
        ));
    }
}
