//! The evaluation of answers that are numbers.

use std::collections::BTreeMap;

use mlops_core::metric::Interval;
use serde::{Deserialize, Serialize};

use super::{Judged, record};
use crate::{Measure, Result, Truth, measure::take_rows};

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
    pub(super) fn of(judged: &Judged) -> Result<Self> {
        let interval = |measure: Measure| judged.interval(&measure);
        // refuses labels that are no numbers
        let rmse = interval(Measure::Rmse)?;
        let labels = match &judged.truth {
            Truth::Number(labels) => labels.as_slice(),
            Truth::Binary(_) | Truth::Classes { .. } => &[],
        };
        let mean_label = judged.mean(labels);
        Ok(Self {
            rows: labels.len() as u64,
            mean_label,
            bias: judged.mean(&judged.answers) - mean_label,
            rmse,
            mae: interval(Measure::Mae)?,
            median_absolute_error: interval(Measure::MedianAbsoluteError)?,
            r2: interval(Measure::R2)?,
            mape: interval(Measure::Mape)?,
            smape: interval(Measure::Smape)?,
            bins: bins(labels, judged),
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

fn bins(labels: &[f64], judged: &Judged) -> Vec<NumberBin> {
    let Judged {
        answers, weights, ..
    } = judged;
    let weight = |row: usize| weights.as_ref().map_or(1.0, |weights| weights[row]);
    // what does not count has no mean
    let mut order: Vec<usize> = (0..labels.len()).filter(|row| weight(*row) > 0.0).collect();
    order.sort_by(|a, b| answers[*a].total_cmp(&answers[*b]));
    let size = order.len().div_ceil(judged.options.calibration_bins).max(1);
    let runs = order.chunks(size);
    runs.map(|rows| {
        let total: f64 = rows.iter().map(|row| weight(*row)).sum();
        let mean = |values: &[f64]| {
            let terms = rows.iter().zip(take_rows(values, 1, rows));
            terms.map(|(row, x)| weight(*row) * x).sum::<f64>() / total
        };
        NumberBin {
            rows: rows.len() as u64,
            mean_answer: mean(answers),
            mean_label: mean(labels),
        }
    })
    .collect()
}
