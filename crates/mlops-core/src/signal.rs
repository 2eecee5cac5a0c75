//! The message from monitoring to the pipeline: something changed, here is the evidence.

use serde::{Deserialize, Serialize};

use crate::{EventTime, ModelName, VersionNumber};

/// What kind of change was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SignalKind {
    /// The inputs are distributed otherwise than in training.
    DataDrift,
    /// The answers are distributed otherwise than in training.
    PredictionDrift,
    /// The outcomes say that the model has become worse.
    Performance,
}

/// How sure and how large: whether to look or to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth a look.
    Warning,
    /// Reason enough to retrain.
    Alert,
}

/// One number behind a signal, with the limit that it crossed and the sample that it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The column, `prediction`, or the metric's subject.
    pub subject: String,
    /// The statistic, for instance `psi` or `pr_auc`.
    pub statistic: String,
    /// Its value.
    pub value: f64,
    /// The limit that it was held against.
    pub limit: f64,
    /// The p-value after correction for multiple tests, where there is one.
    pub p_value: Option<f64>,
    /// Rows of the reference.
    pub reference_rows: u64,
    /// Rows of the window.
    pub window_rows: u64,
}

/// A reason to look at a model or to retrain it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// The end of the window that was judged.
    pub time: EventTime,
    /// The model.
    pub model: ModelName,
    /// The version that was serving.
    pub version: VersionNumber,
    /// What kind of change.
    pub kind: SignalKind,
    /// Whether to look or to act.
    pub severity: Severity,
    /// One sentence for people.
    pub reason: String,
    /// The numbers behind it, the strongest first.
    pub evidence: Vec<Evidence>,
}
