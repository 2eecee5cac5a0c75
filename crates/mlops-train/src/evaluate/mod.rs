//! What a model is worth on rows it has not seen, whatever it answers: metrics with intervals, and what
//! to draw.

mod binary;
mod classes;
mod numbers;

use std::collections::BTreeMap;

use mlops_core::{TrainingSet, metric::Interval};
use mlops_model::{Model, Output};
use serde::{Deserialize, Serialize};

pub use binary::{Curves, Evaluation, EvaluationOptions, evaluate};
pub use classes::{ClassReport, ClassesEvaluation};
pub use numbers::{NumberBin, NumbersEvaluation};

use crate::{Metric, Result, Truth, weighted_interval};

/// The evaluation that fits the model's output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assessment {
    /// Of a probability.
    Binary(Box<Evaluation>),
    /// Of a number.
    Numbers(Box<NumbersEvaluation>),
    /// Of the probabilities of several classes.
    Classes(Box<ClassesEvaluation>),
}

/// As [`evaluate`], for a model of any output. Where the set has weights, they count in all metrics.
///
/// # Errors
/// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for an option out of its range, a label that
/// does not fit the output, the model's own if the features do not fit, and those of
/// [`mlops_core::metric`].
pub fn assess(
    model: &dyn Model,
    set: &TrainingSet,
    options: &EvaluationOptions,
) -> Result<Assessment> {
    if let Output::Probability { .. } = model.signature().output() {
        return Ok(Assessment::Binary(Box::new(evaluate(model, set, options)?)));
    }
    options.check()?;
    let truth = Truth::of(set, model.signature().output())?;
    let answers = model.predict(&set.features())?.into_values();
    let judged = Judged {
        truth,
        answers,
        weights: set.weights(),
        options: *options,
    };
    Ok(match model.signature().output() {
        Output::Classes { names } => {
            let found = ClassesEvaluation::of(&judged, names)?;
            Assessment::Classes(Box::new(found))
        }
        Output::Number | Output::Numbers { .. } | Output::Probability { .. } => {
            let found = NumbersEvaluation::of(&judged)?;
            Assessment::Numbers(Box::new(found))
        }
    })
}

impl Assessment {
    /// The rows looked at.
    pub fn rows(&self) -> u64 {
        match self {
            Self::Binary(found) => found.rows,
            Self::Numbers(found) => found.rows,
            Self::Classes(found) => found.rows,
        }
    }

    /// All numbers by name, as a run records them; ends of intervals are named `_lower` and `_upper`.
    pub fn metrics(&self) -> BTreeMap<String, f64> {
        match self {
            Self::Binary(found) => found.metrics(),
            Self::Numbers(found) => found.metrics(),
            Self::Classes(found) => found.metrics(),
        }
    }
}

/// Answers, what came true, and how to hold one against the other.
struct Judged {
    truth: Truth,
    answers: Vec<f64>,
    weights: Option<Vec<f64>>,
    options: EvaluationOptions,
}

impl Judged {
    /// A metric with its interval, under the options' settings.
    fn interval(&self, metric: &dyn Metric) -> Result<Interval> {
        let EvaluationOptions {
            bootstrap,
            level,
            seed,
            ..
        } = self.options;
        weighted_interval(
            metric,
            &self.truth,
            &self.answers,
            self.weights.as_deref(),
            bootstrap,
            level,
            seed.derive(&metric.name()),
        )
    }

    /// The mean of some numbers of rows, as the rows count.
    fn mean(&self, values: &[f64]) -> f64 {
        match &self.weights {
            None => values.iter().sum::<f64>() / values.len() as f64,
            Some(weights) => {
                let terms = values.iter().zip(weights);
                let sum: f64 = terms.map(|(value, weight)| value * weight).sum();
                sum / weights.iter().sum::<f64>()
            }
        }
    }
}

/// Puts a metric and the ends of its interval on record.
fn record(metrics: &mut BTreeMap<String, f64>, name: &str, interval: &Interval) {
    metrics.insert(name.to_owned(), interval.value);
    metrics.insert(format!("{name}_lower"), interval.lower);
    metrics.insert(format!("{name}_upper"), interval.upper);
}

#[cfg(test)]
mod tests;
