//! What a gate decides on, and what it decided, rule by rule.

use std::{collections::BTreeMap, fmt};

use mlops_core::{Digest, VersionNumber};
use serde::{Deserialize, Serialize};

use crate::{Interval, number};

/// What a candidate was measured on, and what came out. Both models saw the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateEvidence {
    /// The digest of the rows.
    pub data: Digest,
    /// The number of rows.
    pub rows: u64,
    /// The champion that the candidate was compared with, if there was one.
    pub champion: Option<VersionNumber>,
    /// What the candidate reached.
    #[serde(with = "number::map")]
    pub candidate_metrics: BTreeMap<String, f64>,
    /// What the champion reached on the same rows.
    #[serde(with = "number::map", default)]
    pub champion_metrics: BTreeMap<String, f64>,
    /// What a baseline reached on the same rows, for instance the base rate.
    #[serde(with = "number::map", default)]
    pub baseline_metrics: BTreeMap<String, f64>,
}

/// How one rule was met.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Check {
    /// The metric.
    pub metric: String,
    /// The candidate's value, if the evidence has one.
    #[serde(with = "number::optional", default)]
    pub candidate: Option<f64>,
    /// The champion's value, if there is one.
    #[serde(with = "number::optional", default)]
    pub champion: Option<f64>,
    /// The value that just passes, if there was something to be held against.
    #[serde(with = "number::optional", default)]
    pub limit: Option<f64>,
    /// The interval of the difference, if the rule is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// Whether the rule is met.
    pub passed: bool,
    /// Why, with the numbers.
    pub reason: String,
}

/// What a gate decided, rule by rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GateDecision {
    /// Whether every rule is met.
    pub passed: bool,
    /// Every rule, in the gate's order.
    pub checks: Vec<Check>,
}

impl fmt::Display for GateDecision {
    /// The failed checks, or all of them if none failed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.checks.is_empty() {
            return f.write_str("the gate has no rules");
        }
        let told = self
            .checks
            .iter()
            .filter(|check| check.passed == self.passed);
        for (i, check) in told.enumerate() {
            write!(f, "{}{}", if i > 0 { "; " } else { "" }, check.reason)?;
        }
        Ok(())
    }
}
