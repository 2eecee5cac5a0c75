//! Cross-validation: fits on each fold, judges by the rows left out, and keeps their answers.

mod nested;

use std::{collections::BTreeMap, ops::ControlFlow};

use mlops_core::TrainingSet;
use mlops_model::Model;
use serde::{Deserialize, Serialize};

pub use nested::{Nested, NestedFold, nested_cross_validate};

use crate::{Error, Fold, Metric, Result, Splitter, Trainer, Truth, measure::judged};

/// How far a longer piece of work has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The steps that are finished.
    pub done: usize,
    /// All steps.
    pub total: usize,
}

/// Is told of every finished step and says whether to go on.
pub type Watch<'w> = &'w mut dyn FnMut(Progress) -> ControlFlow<()>;

/// Goes on to the end.
pub(crate) fn unwatched(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// What cross-validation found; the serde form is what a run keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CrossValidation {
    /// The trainer's name.
    pub trainer: String,
    /// The folds in order.
    pub folds: Vec<FoldResult>,
    /// The answers to the rows that were left out.
    pub out_of_fold: OutOfFold,
}

/// One fold's numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoldResult {
    /// The rows that were fitted on.
    pub train_rows: u64,
    /// The rows that were judged by.
    pub test_rows: u64,
    /// The metrics by name.
    pub metrics: BTreeMap<String, f64>,
}

/// Answers of models that had not seen the rows, fold after fold; what a calibration is fitted on.
///
/// With repeats a row has several answers, and with a walk forward in time the earliest rows have none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutOfFold {
    /// The row numbers in the set.
    pub rows: Vec<u32>,
    /// The fold that left each row out.
    pub folds: Vec<u32>,
    /// What came true.
    pub truth: Truth,
    /// `[rows, outputs]`, row-major.
    pub answers: Vec<f64>,
    /// `[rows]`: how much each row counts, where the set says so.
    #[serde(default)]
    pub weights: Option<Vec<f64>>,
}

impl CrossValidation {
    /// The values of a metric, fold by fold; empty if it was not asked for.
    pub fn values(&self, metric: &str) -> Vec<f64> {
        let folds = self.folds.iter();
        folds
            .filter_map(|fold| fold.metrics.get(metric).copied())
            .collect()
    }

    /// The mean of a metric over the folds; `None` if it was not asked for.
    pub fn mean(&self, metric: &str) -> Option<f64> {
        mean(&self.values(metric))
    }

    /// The standard deviation of a metric over the folds, with one degree of freedom less than folds.
    ///
    /// Folds share rows, so it is no standard error; a paired test over folds must correct for that.
    pub fn deviation(&self, metric: &str) -> Option<f64> {
        let values = self.values(metric);
        let centre = mean(&values)?;
        let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
        (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt())
    }
}

impl OutOfFold {
    /// The labels and scores of two classes, as calibrations and thresholds are fitted on.
    ///
    /// ```
    /// use mlops_train::{DecisionTree, Isotonic, KFold, conformance, cross_validate};
    ///
    /// let set = conformance::planted(400, 1);
    /// let found = cross_validate(&DecisionTree::builder().build()?, &set, &KFold::new(4), &[])?;
    /// let (labels, scores) = found.out_of_fold.binary()?;
    /// let calibration = Isotonic::fit(labels, scores)?;
    /// assert!((0.0..=1.0).contains(&calibration.apply(0.3)));
    /// # Ok::<(), mlops_train::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnsupportedModel`] for answers of another kind.
    pub fn binary(&self) -> Result<(&[bool], &[f64])> {
        match &self.truth {
            Truth::Binary(labels) => Ok((labels, &self.answers)),
            other => Err(Error::UnsupportedModel {
                function: "calibration",
                expected: "the probability of one of two classes",
                found: format!("answers {}", other.kind()),
            }),
        }
    }
}

/// Fits and judges fold by fold. Where the set has weights, they count in the fit and in the metrics.
///
/// ```
/// use mlops_train::{DecisionTree, Measure, TimeSeries, conformance, cross_validate};
///
/// let set = conformance::planted(400, 1);
/// let trainer = DecisionTree::builder().build()?;
/// let found = cross_validate(&trainer, &set, &TimeSeries::expanding(3), &[&Measure::RocAuc])?;
/// assert_eq!((found.folds.len(), found.out_of_fold.rows.len()), (3, 300));
/// assert!(found.mean("roc_auc").is_some_and(|area| area > 0.5));
/// # Ok::<(), mlops_train::Error>(())
/// ```
///
/// # Errors
/// Those of the splitter; [`Error::Fold`] with the trainer's or the metric's own, for instance if a fold
/// has one class only.
pub fn cross_validate(
    trainer: &dyn Trainer,
    set: &TrainingSet,
    splitter: &dyn Splitter,
    metrics: &[&dyn Metric],
) -> Result<CrossValidation> {
    cross_validate_watched(trainer, set, splitter, metrics, &mut unwatched)
}

/// As [`cross_validate`], telling `watch` of every finished fold.
///
/// # Errors
/// [`Error::Cancelled`] if `watch` breaks off, and those of [`cross_validate`].
pub fn cross_validate_watched(
    trainer: &dyn Trainer,
    set: &TrainingSet,
    splitter: &dyn Splitter,
    metrics: &[&dyn Metric],
    watch: Watch<'_>,
) -> Result<CrossValidation> {
    let folds = splitter.folds(set)?;
    let total = folds.len();
    let mut results = Vec::with_capacity(total);
    let mut all: Option<OutOfFold> = None;
    for (at, fold) in folds.enumerate() {
        let judged = judge(trainer, set, &fold, metrics);
        let (left_out, found) = judged.map_err(in_fold(at))?;
        results.push(found);
        collect(&mut all, at, fold.test, left_out)?;
        advance(watch, "cross-validation", at + 1, total)?;
    }
    Ok(CrossValidation {
        trainer: trainer.name().to_owned(),
        folds: results,
        out_of_fold: all.expect("a splitter makes at least one fold"),
    })
}

/// The rows of one fold that were left out.
struct LeftOut {
    truth: Truth,
    answers: Vec<f64>,
    weights: Option<Vec<f64>>,
}

/// Fits on one side and judges by the other.
fn judge(
    trainer: &dyn Trainer,
    set: &TrainingSet,
    fold: &Fold,
    metrics: &[&dyn Metric],
) -> Result<(LeftOut, FoldResult)> {
    let (train, test) = fold.sets(set)?;
    let spec = trainer.fit(&train)?.spec;
    let truth = Truth::of(&test, spec.signature().output())?;
    let answers = spec.predict(&test.features())?.into_values();
    let weights = test.weights();
    let mut values = BTreeMap::new();
    for metric in metrics {
        let value = judged(*metric, &truth, &answers, weights.as_deref())?;
        values.insert(metric.name(), value);
    }
    let result = FoldResult {
        train_rows: train.rows() as u64,
        test_rows: test.rows() as u64,
        metrics: values,
    };
    let left_out = LeftOut {
        truth,
        answers,
        weights,
    };
    Ok((left_out, result))
}

fn collect(
    all: &mut Option<OutOfFold>,
    at: usize,
    rows: Vec<u32>,
    left_out: LeftOut,
) -> Result<()> {
    let fold = u32::try_from(at).expect("splitters bound their folds");
    let folds = vec![fold; rows.len()];
    let LeftOut {
        truth,
        answers,
        weights,
    } = left_out;
    match all {
        None => {
            *all = Some(OutOfFold {
                rows,
                folds,
                truth,
                answers,
                weights,
            });
        }
        Some(all) => {
            all.truth.append(truth).map_err(in_fold(at))?;
            all.rows.extend(rows);
            all.folds.extend(folds);
            all.answers.extend(answers);
            // all folds are of one set
            if let (Some(all), Some(weights)) = (&mut all.weights, weights) {
                all.extend(weights);
            }
        }
    }
    Ok(())
}

fn in_fold(fold: usize) -> impl FnOnce(Error) -> Error {
    move |source| Error::Fold {
        fold,
        source: Box::new(source),
    }
}

/// Tells of a finished step; stops if asked to, unless it was the last.
pub(crate) fn advance(
    watch: Watch<'_>,
    work: &'static str,
    done: usize,
    total: usize,
) -> Result<()> {
    let stop = watch(Progress { done, total }).is_break();
    if stop && done < total {
        return Err(Error::Cancelled { work, done });
    }
    Ok(())
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests;
