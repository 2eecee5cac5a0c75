//! What a policy says about a window: signals, and a verdict with its reason for every subject.

use std::{collections::BTreeMap, fmt};

use mlops_core::{EventTime, Evidence, ModelName, Signal, SignalKind, VersionNumber};
use serde::{Deserialize, Serialize};

/// What is being judged, and what was found in the windows before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// The model.
    pub model: ModelName,
    /// The version that was serving.
    pub version: VersionNumber,
    /// The end of the window.
    pub time: EventTime,
    /// How many windows in a row each subject was over its limits, up to the window before.
    pub streaks: BTreeMap<String, Streak>,
}

impl Context {
    /// A first window.
    pub fn new(model: ModelName, version: VersionNumber, time: EventTime) -> Self {
        Self {
            model,
            version,
            time,
            streaks: BTreeMap::new(),
        }
    }

    /// A window that follows an earlier judgement; needed where a policy asks for several in a row.
    #[must_use]
    pub fn after(mut self, earlier: &Judgement) -> Self {
        self.streaks.clone_from(&earlier.streaks);
        self
    }
}

/// Windows in a row in which a subject was significant and over a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Streak {
    /// Over the lower limit.
    pub warn: u32,
    /// Over the upper limit.
    pub drift: u32,
}

/// What became of one subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Significant and over the upper limit, in as many windows as asked for.
    Drifted,
    /// Significant and over the lower limit, in as many windows as asked for.
    Warned,
    /// Over a limit now, but not yet in enough windows in a row.
    Waiting,
    /// Over a limit, but no more than chance gives samples of this size.
    NotSignificant,
    /// The effect is below the limits, significant or not.
    BelowLimit,
    /// Too few rows to say.
    TooFewRows,
    /// Too few of the outcomes are known to say.
    Incomplete,
    /// The metric could not be worked out.
    Unavailable,
    /// Left out by the policy.
    Excluded,
}

impl Outcome {
    /// Whether it is part of a signal.
    pub fn is_call(self) -> bool {
        matches!(self, Self::Drifted | Self::Warned)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Drifted => "drifted",
            Self::Warned => "warned",
            Self::Waiting => "waiting",
            Self::NotSignificant => "not significant",
            Self::BelowLimit => "below limit",
            Self::TooFewRows => "too few rows",
            Self::Incomplete => "incomplete",
            Self::Unavailable => "unavailable",
            Self::Excluded => "excluded",
        })
    }
}

/// The decision about one column, the predictions or a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Which sort of signal it can be part of.
    pub kind: SignalKind,
    /// The column, `prediction`, or the metric.
    pub subject: String,
    /// `psi`, or the metric.
    pub statistic: String,
    /// Its value, where it could be worked out.
    pub value: Option<f64>,
    /// The limit that it was held against: the upper one where that was reached, the lower one else.
    pub limit: f64,
    /// The chance of this without drift, for the subject alone.
    pub p_value: Option<f64>,
    /// The same, corrected for all that was tested in the window.
    pub adjusted_p: Option<f64>,
    /// Rows of the reference.
    pub reference_rows: u64,
    /// Rows of the window, or outcomes.
    pub window_rows: u64,
    /// Windows in a row over the limits, this one included.
    pub streak: Streak,
    /// The decision.
    pub outcome: Outcome,
    /// Why, in words.
    pub reason: String,
}

impl Verdict {
    pub(super) fn evidence(&self) -> Evidence {
        Evidence {
            subject: self.subject.clone(),
            statistic: self.statistic.clone(),
            value: self.value.unwrap_or_default(),
            limit: self.limit,
            p_value: self.adjusted_p,
            reference_rows: self.reference_rows,
            window_rows: self.window_rows,
        }
    }
}

/// The outcome of [`Policy::judge`](crate::Policy::judge).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// At most one of each kind; none if there is nothing to look at.
    pub signals: Vec<Signal>,
    /// One a column in the report's order, then the predictions, then the metrics.
    pub verdicts: Vec<Verdict>,
    /// What the next window's [`Context::after`] needs.
    pub streaks: BTreeMap<String, Streak>,
    /// The chance that was promised for a call without drift.
    pub window_rate: f64,
}

impl Judgement {
    /// The verdict about a column.
    pub fn column(&self, name: &str) -> Option<&Verdict> {
        let is_it = |v: &&Verdict| v.kind == SignalKind::DataDrift && v.subject == name;
        self.verdicts.iter().find(is_it)
    }

    /// The verdict about the predictions.
    pub fn prediction(&self) -> Option<&Verdict> {
        self.verdicts
            .iter()
            .find(|v| v.kind == SignalKind::PredictionDrift)
    }
}
