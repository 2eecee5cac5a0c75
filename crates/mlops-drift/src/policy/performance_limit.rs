//! How far a metric may fall below its reference, and when outcomes are enough to say so.

use mlops_core::{SignalKind, metric::Interval};
use serde::{Deserialize, Serialize};

use super::{Outcome, Verdict, builder::check};
use crate::{Metric, Performance, Result};

/// Calls a metric worse if the whole of its interval lies beyond the reference by more than a tolerance.
///
/// At the interval's level 0.95 a model exactly at the edge of the tolerance is called 2.5 % of the
/// time, one at its reference far less. The reference is best a value on held-out rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerformanceLimit {
    metric: Metric,
    reference: f64,
    tolerance: f64,
    #[serde(default = "default_completeness")]
    min_completeness: f64,
    #[serde(default = "default_rows")]
    min_rows: u64,
}

fn default_completeness() -> f64 {
    0.9
}

fn default_rows() -> u64 {
    100
}

impl PerformanceLimit {
    /// A limit on a metric with its reference value, a tolerance of 0, 90 % of the outcomes and at
    /// least 100 of them.
    pub fn new(metric: Metric, reference: f64) -> Self {
        Self {
            metric,
            reference,
            tolerance: 0.0,
            min_completeness: default_completeness(),
            min_rows: default_rows(),
        }
    }

    /// A limit on a metric whose reference was itself measured on a sample: the worse end of its interval
    /// is the reference, so that two samples are compared and not a sample and a truth.
    pub fn against(metric: Metric, reference: &Interval) -> Self {
        let worse_end = if metric.is_higher_better() {
            reference.lower
        } else {
            reference.upper
        };
        Self::new(metric, worse_end)
    }

    /// How much worse than the reference is still all right, in the metric's unit.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The share of predictions whose outcome must be known, `0..=1`.
    #[must_use]
    pub fn min_completeness(mut self, share: f64) -> Self {
        self.min_completeness = share;
        self
    }

    /// The least number of outcomes.
    #[must_use]
    pub fn min_rows(mut self, rows: u64) -> Self {
        self.min_rows = rows;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        let (reference, tolerance) = (self.reference, self.tolerance);
        let share = self.min_completeness;
        check(
            reference.is_finite(),
            "performance.reference",
            reference,
            "it must be finite",
        )?;
        check(
            tolerance >= 0.0 && tolerance.is_finite(),
            "performance.tolerance",
            tolerance,
            "it must be finite and not negative",
        )?;
        check(
            (0.0..=1.0).contains(&share),
            "performance.min_completeness",
            share,
            "it must lie in 0..=1",
        )
    }

    pub(super) fn judge(&self, performance: &Performance, reference_rows: u64) -> Verdict {
        let higher = self.metric.is_higher_better();
        let limit = if higher {
            self.reference - self.tolerance
        } else {
            self.reference + self.tolerance
        };
        let interval = performance.metrics.get(&self.metric);
        let (metric, rows) = (self.metric, performance.outcomes);
        let completeness = performance.completeness();
        let (outcome, reason) = match interval {
            _ if rows < self.min_rows => (
                Outcome::TooFewRows,
                format!("{rows} outcomes are known, {} are needed", self.min_rows),
            ),
            _ if completeness < self.min_completeness => (
                Outcome::Incomplete,
                format!(
                    "{:.1} % of the outcomes are known, {:.1} % are needed",
                    100.0 * completeness,
                    100.0 * self.min_completeness
                ),
            ),
            None => (
                Outcome::Unavailable,
                performance
                    .unavailable
                    .get(&self.metric)
                    .map_or_else(|| format!("{metric} was not measured"), Clone::clone),
            ),
            Some(interval) => {
                let text = format!(
                    "{metric} is {:.4} ({:.4} to {:.4}), the limit is {limit:.4}",
                    interval.value, interval.lower, interval.upper
                );
                let (all, point) = if higher {
                    (interval.upper < limit, interval.value < limit)
                } else {
                    (interval.lower > limit, interval.value > limit)
                };
                match (all, point) {
                    (true, _) => (
                        Outcome::Drifted,
                        format!("{text}: the whole interval is worse"),
                    ),
                    (false, true) => (
                        Outcome::NotSignificant,
                        format!("{text}: the interval reaches the limit"),
                    ),
                    (false, false) => (Outcome::BelowLimit, format!("{text}: good enough")),
                }
            }
        };
        Verdict {
            kind: SignalKind::Performance,
            subject: metric.as_str().to_owned(),
            statistic: metric.as_str().to_owned(),
            value: interval.map(|interval| interval.value),
            limit,
            p_value: None,
            adjusted_p: None,
            reference_rows,
            window_rows: rows,
            streak: super::Streak::default(),
            outcome,
            reason,
        }
    }
}
