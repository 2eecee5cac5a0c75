//! The usual metrics of rows that count differently.

use mlops_core::metric::weighted::{
    self,
    multiclass::{self, WeightedConfusion},
    regression,
};

use super::Measure;
use crate::{Error, Metric, Result, Truth};

/// The measure of these rows, each counting as its weight says.
pub(super) fn value(
    measure: Measure,
    truth: &Truth,
    answers: &[f64],
    weights: &[f64],
) -> Result<f64> {
    let found = match truth {
        Truth::Binary(labels) => of_two(measure, labels, answers, weights),
        Truth::Classes { labels, classes } => {
            of_several(measure, labels, answers, weights, *classes)
        }
        Truth::Number(values) => of_numbers(measure, values, answers, weights),
    };
    found.unwrap_or_else(|| {
        Err(Error::UnsupportedMetric {
            metric: measure.name(),
            labels: truth.kind(),
        })
    })
}

fn of_two(
    measure: Measure,
    labels: &[bool],
    answers: &[f64],
    weights: &[f64],
) -> Option<Result<f64>> {
    let found = match measure {
        Measure::RocAuc => weighted::roc_auc(labels, answers, weights),
        Measure::PrAuc => weighted::pr_auc(labels, answers, weights),
        Measure::LogLoss => weighted::log_loss(labels, answers, weights),
        Measure::Brier => weighted::brier(labels, answers, weights),
        Measure::Accuracy => weighted::accuracy(labels, answers, weights, 0.5),
        _ => return None,
    };
    Some(found.map_err(Error::Core))
}

fn of_several(
    measure: Measure,
    labels: &[usize],
    answers: &[f64],
    weights: &[f64],
    classes: usize,
) -> Option<Result<f64>> {
    let sums = |of: fn(&WeightedConfusion) -> f64| {
        WeightedConfusion::of(labels, answers, weights, classes).map(|sums| of(&sums))
    };
    let found = match measure {
        Measure::LogLoss => multiclass::log_loss(labels, answers, weights, classes),
        Measure::RocAuc => multiclass::roc_auc_ovr(labels, answers, weights, classes),
        Measure::Accuracy => sums(WeightedConfusion::accuracy),
        Measure::MacroF1 => sums(WeightedConfusion::macro_f1),
        Measure::WeightedF1 => sums(WeightedConfusion::weighted_f1),
        _ => return None,
    };
    Some(found.map_err(Error::Core))
}

fn of_numbers(
    measure: Measure,
    values: &[f64],
    answers: &[f64],
    weights: &[f64],
) -> Option<Result<f64>> {
    let found = match measure {
        Measure::Rmse => regression::rmse(values, answers, weights),
        Measure::Mae => regression::mae(values, answers, weights),
        Measure::MedianAbsoluteError => regression::median_absolute_error(values, answers, weights),
        Measure::R2 => regression::r2(values, answers, weights),
        Measure::Mape => regression::mape(values, answers, weights),
        Measure::Smape => regression::smape(values, answers, weights),
        Measure::Pinball { quantile } => regression::pinball(values, answers, weights, quantile),
        _ => return None,
    };
    Some(found.map_err(Error::Core))
}
