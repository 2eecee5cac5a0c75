//! The evaluation of answers that are the probabilities of several classes.

use std::collections::BTreeMap;

use mlops_core::metric::{
    Interval, multiclass::ConfusionMatrix, weighted::multiclass::WeightedConfusion,
};
use serde::{Deserialize, Serialize};

use super::{Judged, record};
use crate::{Error, Measure, Result, Truth};

/// The metrics of a model of several classes on one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassesEvaluation {
    /// The rows looked at.
    pub rows: u64,
    /// The log-loss in nats.
    pub log_loss: Interval,
    /// The share of rows that were called rightly.
    pub accuracy: Interval,
    /// The mean F1 over the classes.
    pub macro_f1: Interval,
    /// The F1 of the classes, weighted by their rows.
    pub weighted_f1: Interval,
    /// The mean area under the ROC curve of one class against the rest; `None` if a class has no rows.
    pub roc_auc: Option<Interval>,
    /// How often each class was called each class, whatever the rows count.
    pub confusion: ConfusionMatrix,
    /// The classes in the order of the answer.
    pub classes: Vec<ClassReport>,
}

/// One class's numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassReport {
    /// The class's name.
    pub name: String,
    /// The rows of the class.
    pub rows: u64,
    /// The share of the rows called so that are; `None` if none was.
    pub precision: Option<f64>,
    /// The share of its rows that were called so; `None` if there are none.
    pub recall: Option<f64>,
    /// The harmonic mean of both; `None` if neither says anything.
    pub f1: Option<f64>,
}

impl ClassesEvaluation {
    pub(super) fn of(judged: &Judged, names: &[String]) -> Result<Self> {
        let interval = |measure: Measure| judged.interval(&measure);
        // refuses labels that are no classes
        let macro_f1 = interval(Measure::MacroF1)?;
        let (labels, count) = match &judged.truth {
            Truth::Classes { labels, classes } => (labels.as_slice(), *classes),
            Truth::Binary(_) | Truth::Number(_) => (&[][..], 0),
        };
        let confusion = ConfusionMatrix::of(labels, &judged.answers, count)?;
        let even = vec![1.0; labels.len()];
        let weights = judged.weights.as_ref().unwrap_or(&even);
        let sums = WeightedConfusion::of(labels, &judged.answers, weights, count)?;
        let roc_auc = match interval(Measure::RocAuc) {
            Ok(found) => Some(found),
            Err(Error::Core(mlops_core::Error::SingleClass { .. })) => None,
            Err(error) => return Err(error),
        };
        let classes = names.iter().enumerate().map(|(class, name)| ClassReport {
            name: name.clone(),
            rows: labels.iter().filter(|label| **label == class).count() as u64,
            precision: sums.precision(class),
            recall: sums.recall(class),
            f1: sums.f1(class),
        });
        Ok(Self {
            rows: labels.len() as u64,
            log_loss: interval(Measure::LogLoss)?,
            accuracy: interval(Measure::Accuracy)?,
            macro_f1,
            weighted_f1: interval(Measure::WeightedF1)?,
            roc_auc,
            classes: classes.collect(),
            confusion,
        })
    }

    /// All numbers by name, as a run records them: `log_loss`, `log_loss_lower`, `log_loss_upper`, the same
    /// for `accuracy`, `macro_f1`, `weighted_f1` and `roc_auc`, and `rows`.
    pub fn metrics(&self) -> BTreeMap<String, f64> {
        let mut metrics = BTreeMap::new();
        for (name, interval) in [
            ("log_loss", &self.log_loss),
            ("accuracy", &self.accuracy),
            ("macro_f1", &self.macro_f1),
            ("weighted_f1", &self.weighted_f1),
        ] {
            record(&mut metrics, name, interval);
        }
        if let Some(interval) = &self.roc_auc {
            record(&mut metrics, "roc_auc", interval);
        }
        metrics.insert("rows".to_owned(), self.rows as f64);
        metrics
    }
}
