//! Metrics of the predictions whose outcome is known, with their intervals and their completeness.

use std::{collections::BTreeMap, fmt};

use mlops_core::{
    EventTime, Seed, VersionNumber,
    metric::{Interval, bootstrap, brier, log_loss, pr_auc, roc_auc},
};
use serde::{Deserialize, Serialize};

use super::OutcomeJoin;

/// A metric of a binary classifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Metric {
    /// The area under precision over recall (average precision). Moves with the base rate.
    PrAuc,
    /// The area under the receiver operating characteristic.
    RocAuc,
    /// The mean negative log-likelihood, in nats; lower is better.
    LogLoss,
    /// The mean squared error of the probabilities; lower is better.
    Brier,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::PrAuc, Self::RocAuc, Self::LogLoss, Self::Brier];

    /// The name that runs, gates and reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PrAuc => "pr_auc",
            Self::RocAuc => "roc_auc",
            Self::LogLoss => "log_loss",
            Self::Brier => "brier",
        }
    }

    /// Whether a larger value is a better one.
    pub const fn is_higher_better(self) -> bool {
        matches!(self, Self::PrAuc | Self::RocAuc)
    }

    fn of(self, labels: &[bool], scores: &[f64]) -> mlops_core::Result<f64> {
        match self {
            Self::PrAuc => pr_auc(labels, scores),
            Self::RocAuc => roc_auc(labels, scores),
            Self::LogLoss => log_loss(labels, scores),
            Self::Brier => brier(labels, scores),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which predictions to measure, with what was known when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PerformanceQuery {
    from: EventTime,
    until: EventTime,
    known_by: Option<EventTime>,
    version: Option<VersionNumber>,
    resamples: usize,
    level: f64,
    seed: Seed,
}

impl PerformanceQuery {
    /// The predictions made from `from` on and before `until`, with all that is known now.
    ///
    /// Intervals are at level 0.95 from 200 resamples with seed 0.
    pub fn between(from: EventTime, until: EventTime) -> Self {
        Self {
            from,
            until,
            known_by: None,
            version: None,
            resamples: 200,
            level: 0.95,
            seed: Seed(0),
        }
    }

    /// Only with outcomes that were known by a time, to see what could have been seen then.
    #[must_use]
    pub fn known_by(mut self, time: EventTime) -> Self {
        self.known_by = Some(time);
        self
    }

    /// Only the answers of one version.
    #[must_use]
    pub fn version(mut self, version: VersionNumber) -> Self {
        self.version = Some(version);
        self
    }

    /// Another interval: its level in `0..1`, and the resamples and seed of its bootstrap.
    #[must_use]
    pub fn interval(mut self, level: f64, resamples: usize, seed: Seed) -> Self {
        (self.level, self.resamples, self.seed) = (level, resamples, seed);
        self
    }
}

/// How good the predictions of a span were, as far as outcomes are known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Performance {
    /// The first time of a prediction that counts.
    pub from: EventTime,
    /// The time from which predictions do not count any more.
    pub until: EventTime,
    /// Outcomes known later were left out.
    pub known_by: Option<EventTime>,
    /// The version, if only one was looked at.
    pub version: Option<VersionNumber>,
    /// Predictions in the span.
    pub predictions: u64,
    /// Those with an outcome.
    pub outcomes: u64,
    /// Those whose outcome is positive.
    pub positives: u64,
    /// The metrics that could be worked out.
    pub metrics: BTreeMap<Metric, Interval>,
    /// Why the others could not.
    pub unavailable: BTreeMap<Metric, String>,
}

impl Performance {
    /// The share of predictions whose outcome is known, `0..=1`; 0 without predictions.
    ///
    /// Outcomes that need time (no purchase in 90 days) are not missing at random: an incomplete
    /// window holds too many of the class that is known early. Judge complete ones.
    pub fn completeness(&self) -> f64 {
        self.outcomes as f64 / self.predictions.max(1) as f64
    }

    /// The share of positive outcomes; absent without outcomes.
    pub fn base_rate(&self) -> Option<f64> {
        (self.outcomes > 0).then(|| self.positives as f64 / self.outcomes as f64)
    }

    pub(super) fn measure(join: &OutcomeJoin, query: &PerformanceQuery) -> Self {
        let (mut predictions, mut labels, mut scores) = (0, Vec::new(), Vec::new());
        for (answer, outcome) in join.joined(query.known_by) {
            let in_span = query.from <= answer.time && answer.time < query.until;
            if !in_span
                || query
                    .version
                    .is_some_and(|version| version != answer.version)
            {
                continue;
            }
            predictions += 1;
            if let Some(outcome) = outcome {
                labels.push(outcome);
                scores.push(answer.prediction.get());
            }
        }
        let (mut metrics, mut unavailable) = (BTreeMap::new(), BTreeMap::new());
        for metric in Metric::ALL {
            let seed = query.seed.derive(metric.as_str());
            let of = |labels: &[bool], scores: &[f64]| metric.of(labels, scores);
            match bootstrap(&labels, &scores, of, query.resamples, query.level, seed) {
                Ok(interval) => {
                    metrics.insert(metric, interval);
                }
                Err(error) => {
                    unavailable.insert(metric, error.to_string());
                }
            }
        }
        Self {
            from: query.from,
            until: query.until,
            known_by: query.known_by,
            version: query.version,
            predictions,
            outcomes: labels.len() as u64,
            positives: labels.iter().filter(|label| **label).count() as u64,
            metrics,
            unavailable,
        }
    }
}
