//! The evaluation of answers that are numbers.

use std::collections::BTreeMap;

use mlops_core::metric::Interval;
use serde::{Deserialize, Serialize};

use super::{EvaluationOptions, record, with_interval};
use crate::{Measure, Result, Truth};

/// A regression's metrics on one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NumbersEvaluation {
    /// The rows looked at.
    pub rows: u64,
    /// The mean of the labels.
    pub mean_label: f64,
    /// The mean of the answers less that of the labels; far from 0 the model leans to one side.
    pub bias: f64,
    /// The root of the mean squared error.
    pub rmse: Interval,
    /// The mean absolute error.
    pub mae: Interval,
    /// The median absolute error.
    pub median_absolute_error: Interval,
    /// The share of variance explained.
    pub r2: Interval,
    /// The mean absolute error over the label's size, as a fraction; huge where labels are 0.
    pub mape: Interval,
    /// The mean absolute error over the mean size of label and answer, 0 to 2.
    pub smape: Interval,
    /// What was said and what came true, in bins of equal numbers of rows by growing answer.
    pub bins: Vec<NumberBin>,
}

/// The rows whose answers fall into one bin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NumberBin {
    /// How many rows.
    pub rows: u64,
    /// The mean of their answers.
    pub mean_answer: f64,
    /// The mean of their labels.
    pub mean_label: f64,
}

impl NumbersEvaluation {
    pub(super) fn of(truth: &Truth, answers: &[f64], options: &EvaluationOptions) -> Result<Self> {
        let interval = |measure: Measure| with_interval(&measure, truth, answers, options);
        // refuses labels that are no numbers
        let rmse = interval(Measure::Rmse)?;
        let labels = match truth {
            Truth::Number(labels) => labels.as_slice(),
            Truth::Binary(_) | Truth::Classes { .. } => &[],
        };
        let mean_label = mean(labels.iter().copied());
        Ok(Self {
            rows: labels.len() as u64,
            mean_label,
            bias: mean(answers.iter().copied()) - mean_label,
            rmse,
            mae: interval(Measure::Mae)?,
            median_absolute_error: interval(Measure::MedianAbsoluteError)?,
            r2: interval(Measure::R2)?,
            mape: interval(Measure::Mape)?,
            smape: interval(Measure::Smape)?,
            bins: bins(labels, answers, options.calibration_bins),
        })
    }

    /// All numbers by name, as a run records them: `rmse`, `rmse_lower`, `rmse_upper`, the same for `mae`,
    /// `median_absolute_error`, `r2`, `mape` and `smape`, and `bias`, `mean_label` and `rows`.
    pub fn metrics(&self) -> BTreeMap<String, f64> {
        let mut metrics = BTreeMap::new();
        for (name, interval) in [
            ("rmse", &self.rmse),
            ("mae", &self.mae),
            ("median_absolute_error", &self.median_absolute_error),
            ("r2", &self.r2),
            ("mape", &self.mape),
            ("smape", &self.smape),
        ] {
            record(&mut metrics, name, interval);
        }
        for (name, value) in [
            ("bias", self.bias),
            ("mean_label", self.mean_label),
            ("rows", self.rows as f64),
        ] {
            metrics.insert(name.to_owned(), value);
        }
        metrics
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let rows = values.len() as f64;
    values.sum::<f64>() / rows
}

fn bins(labels: &[f64], answers: &[f64], bins: usize) -> Vec<NumberBin> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|a, b| answers[*a].total_cmp(&answers[*b]));
    let size = labels.len().div_ceil(bins).max(1);
    let runs = order.chunks(size);
    runs.map(|rows| NumberBin {
        rows: rows.len() as u64,
        mean_answer: mean(rows.iter().map(|row| answers[*row])),
        mean_label: mean(rows.iter().map(|row| labels[*row])),
    })
    .collect()
}
