//! What a transition rests on: metrics, intervals of their differences, drift of the reference profile.

use std::collections::BTreeMap;

use mlops_core::Digest;
use serde::{Deserialize, Serialize};

use crate::{GateEvidence, number};

/// The measurements behind a transition. [`GateEvidence`] alone is evidence without intervals and drift.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Evidence {
    /// The metrics of candidate, champion and baseline.
    #[serde(flatten)]
    pub measured: GateEvidence,
    /// By metric, the interval of the candidate's value less the champion's, paired over the same rows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub differences: BTreeMap<String, Interval>,
    /// How far the candidate's reference profile lies from the champion's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftEvidence>,
}

/// An interval with its confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    #[serde(with = "number::plain")]
    pub lower: f64,
    /// The upper end.
    #[serde(with = "number::plain")]
    pub upper: f64,
    /// The confidence, for instance 0.95.
    #[serde(with = "number::plain")]
    pub level: f64,
}

impl Interval {
    /// Whether it is one: finite ends in order, a level between 0 and 1.
    pub fn is_sound(&self) -> bool {
        self.lower.is_finite()
            && self.upper.is_finite()
            && self.lower <= self.upper
            && self.level > 0.0
            && self.level < 1.0
    }
}

/// The drift between two reference profiles, named by their digests so that it cannot be that of others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftEvidence {
    /// The digest of the candidate's `reference_profile.json`.
    pub candidate: Digest,
    /// The digest of the champion's.
    pub champion: Digest,
    /// The greatest value over the columns, by measure, for instance `psi`.
    #[serde(with = "number::map")]
    pub measures: BTreeMap<String, f64>,
}

impl From<GateEvidence> for Evidence {
    fn from(measured: GateEvidence) -> Self {
        Self {
            measured,
            differences: BTreeMap::new(),
            drift: None,
        }
    }
}

impl Evidence {
    /// Adds the interval of a metric's difference, candidate less champion.
    #[must_use]
    pub fn difference(mut self, metric: impl Into<String>, interval: Interval) -> Self {
        self.differences.insert(metric.into(), interval);
        self
    }

    /// Adds the drift between the reference profiles.
    #[must_use]
    pub fn drift(mut self, drift: DriftEvidence) -> Self {
        self.drift = Some(drift);
        self
    }
}
