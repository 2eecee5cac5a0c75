//! Nested cross-validation: what the choice among candidates is worth, not only the one chosen.

use mlops_core::TrainingSet;
use serde::{Deserialize, Serialize};

use super::{OutOfFold, Watch, advance, collect, cross_validate, in_fold, judge, mean};
use crate::{Metric, Result, Splitter, Trainer, error::require};

/// What nested cross-validation found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Nested {
    /// The metric that was chosen by.
    pub metric: String,
    /// The outer folds in order.
    pub folds: Vec<NestedFold>,
    /// The answers of the chosen candidates to the rows that were left out.
    pub out_of_fold: OutOfFold,
}

/// One outer fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NestedFold {
    /// The position of the candidate that was best inside the fold's training rows.
    pub chosen: usize,
    /// Each candidate's mean over the inner folds.
    pub inner: Vec<f64>,
    /// The chosen candidate's metric on the rows left out.
    pub value: f64,
    /// The rows that were fitted on.
    pub train_rows: u64,
    /// The rows that were judged by.
    pub test_rows: u64,
}

impl Nested {
    /// The mean over the outer folds: an honest guess of what choosing like this will reach.
    pub fn mean(&self) -> f64 {
        let values: Vec<f64> = self.folds.iter().map(|fold| fold.value).collect();
        mean(&values).unwrap_or(f64::NAN)
    }
}

/// In each outer fold, chooses among the candidates by inner folds of its training rows, fits the chosen
/// one on all of them and judges it by the rows left out. Of equal candidates the first is taken.
///
/// # Errors
/// [`Error::InvalidParameter`](crate::Error::InvalidParameter) without candidates,
/// [`Error::Cancelled`](crate::Error::Cancelled) if `watch` breaks off after a fold, and those of
/// [`cross_validate`].
///
/// # Complexity
/// `outer · (candidates · inner + 1)` fits.
///
/// # Reference
/// Varma and Simon 2006.
pub fn nested_cross_validate(
    candidates: &[&dyn Trainer],
    set: &TrainingSet,
    outer: &dyn Splitter,
    inner: &dyn Splitter,
    metric: &dyn Metric,
    watch: Watch<'_>,
) -> Result<Nested> {
    require(
        !candidates.is_empty(),
        "nested cross-validation",
        "candidates",
        &0,
        "there must be at least one",
    )?;
    let name = metric.name();
    let folds = outer.folds(set)?;
    let total = folds.len();
    let mut results = Vec::with_capacity(total);
    let mut all: Option<OutOfFold> = None;
    for (at, fold) in folds.enumerate() {
        let run = || {
            let (train, _) = fold.sets(set)?;
            let mut means = Vec::with_capacity(candidates.len());
            for candidate in candidates {
                let found = cross_validate(*candidate, &train, inner, &[metric])?;
                means.push(found.mean(&name).expect("the metric was asked for"));
            }
            let chosen = (1..means.len()).fold(0, |best, at| {
                if metric.goal().gain(means[at], means[best]) > 0.0 {
                    at
                } else {
                    best
                }
            });
            let judged = judge(candidates[chosen], set, &fold, &[metric])?;
            Ok((means, chosen, judged))
        };
        let (means, chosen, (left_out, found)) = run().map_err(in_fold(at))?;
        results.push(NestedFold {
            chosen,
            inner: means,
            value: found.metrics[&name],
            train_rows: found.train_rows,
            test_rows: found.test_rows,
        });
        collect(&mut all, at, fold.test, left_out)?;
        advance(watch, "nested cross-validation", at + 1, total)?;
    }
    Ok(Nested {
        metric: name,
        folds: results,
        out_of_fold: all.expect("a splitter makes at least one fold"),
    })
}
