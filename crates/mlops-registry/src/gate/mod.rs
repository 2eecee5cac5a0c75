//! Gates: the rules that a candidate has to meet before it may serve, and the evidence it brings.
//!
//! A gate decides on numbers that were measured on the same rows for candidate and champion. A
//! number that is missing, NaN or infinite passes no rule. A limit is met by the number that lies
//! exactly on it; a few units in the last place are forgiven, because 0.81 - 0.005 is not quite 0.805
//! in binary.

mod decision;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Error, Evidence, Interval, Result};

pub use decision::{Check, GateDecision, GateEvidence};

/// Which way a metric gets better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Better {
    Higher,
    Lower,
}

/// What a candidate is held against.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Against {
    Champion,
    Baseline,
    Value(f64),
}

/// One rule of a gate: a metric, what it is held against, and how much worse it may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    metric: String,
    better: Better,
    against: Against,
    tolerance: f64,
    /// Whether the worse end of the difference's interval counts instead of the value.
    #[serde(default, skip_serializing_if = "is_false")]
    surely: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_false(value: &bool) -> bool {
    !*value
}

impl Rule {
    /// The metric that it looks at.
    pub fn metric(&self) -> &str {
        &self.metric
    }
}

/// A list of rules that all have to be met.
///
/// ```
/// use mlops_registry::Gate;
///
/// let gate = Gate::no_worse_than_champion("pr_auc", 0.005)
///     .and(Gate::no_higher_than_champion("log_loss", 0.0))
///     .and(Gate::at_least("roc_auc", 0.6));
/// assert_eq!(gate.rules().len(), 3);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    rules: Vec<Rule>,
}

impl Gate {
    /// A gate without rules, which everything passes. The evidence is kept all the same.
    pub fn open() -> Self {
        Self { rules: Vec::new() }
    }

    /// The metric, where higher is better, is at least the champion's less `tolerance`. Without a
    /// champion it is held against the baseline, if the evidence has one.
    #[must_use]
    pub fn no_worse_than_champion(metric: impl Into<String>, tolerance: f64) -> Self {
        Self::rule(metric, Better::Higher, Against::Champion, tolerance)
    }

    /// The metric, where lower is better, is at most the champion's plus `tolerance`. Without a
    /// champion it is held against the baseline, if the evidence has one.
    #[must_use]
    pub fn no_higher_than_champion(metric: impl Into<String>, tolerance: f64) -> Self {
        Self::rule(metric, Better::Lower, Against::Champion, tolerance)
    }

    /// The metric, where higher is better, is surely no worse than the champion's less `tolerance`: the lower end of
    /// the interval of the difference lies above that. Without a champion it is
    /// [`no_worse_than_champion`](Self::no_worse_than_champion).
    ///
    /// The evidence brings the interval along ([`Evidence::difference`]); without one the rule is not met.
    #[must_use]
    pub fn surely_no_worse_than_champion(metric: impl Into<String>, tolerance: f64) -> Self {
        Self::rule(metric, Better::Higher, Against::Champion, tolerance).surely()
    }

    /// The metric, where lower is better, is surely no higher than the champion's plus `tolerance`: the upper end of
    /// the interval of the difference lies below that.
    #[must_use]
    pub fn surely_no_higher_than_champion(metric: impl Into<String>, tolerance: f64) -> Self {
        Self::rule(metric, Better::Lower, Against::Champion, tolerance).surely()
    }

    fn surely(mut self) -> Self {
        for rule in &mut self.rules {
            rule.surely = true;
        }
        self
    }

    /// The metric, where higher is better, is at least the baseline's.
    #[must_use]
    pub fn no_worse_than_baseline(metric: impl Into<String>) -> Self {
        Self::rule(metric, Better::Higher, Against::Baseline, 0.0)
    }

    /// The metric, where lower is better, is at most the baseline's.
    #[must_use]
    pub fn no_higher_than_baseline(metric: impl Into<String>) -> Self {
        Self::rule(metric, Better::Lower, Against::Baseline, 0.0)
    }

    /// The metric is at least `limit`.
    #[must_use]
    pub fn at_least(metric: impl Into<String>, limit: f64) -> Self {
        Self::rule(metric, Better::Higher, Against::Value(limit), 0.0)
    }

    /// The metric is at most `limit`.
    #[must_use]
    pub fn at_most(metric: impl Into<String>, limit: f64) -> Self {
        Self::rule(metric, Better::Lower, Against::Value(limit), 0.0)
    }

    /// These rules and those of another gate.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.rules.extend(other.rules);
        self
    }

    /// The rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Holds the evidence against every rule.
    ///
    /// # Errors
    /// [`Error::InvalidGate`] if a tolerance is negative, or a tolerance or limit is not a finite number.
    pub fn decide(&self, evidence: &GateEvidence) -> Result<GateDecision> {
        self.decide_with(evidence, &BTreeMap::new())
    }

    /// Holds evidence that may have intervals against every rule.
    ///
    /// # Errors
    /// Those of [`decide`](Self::decide).
    pub fn decide_on(&self, evidence: &Evidence) -> Result<GateDecision> {
        self.decide_with(&evidence.measured, &evidence.differences)
    }

    fn decide_with(
        &self,
        evidence: &GateEvidence,
        differences: &BTreeMap<String, Interval>,
    ) -> Result<GateDecision> {
        self.check()?;
        let checks: Vec<Check> = self
            .rules
            .iter()
            .map(|rule| {
                let check = rule.judge(evidence);
                if rule.surely && evidence.champion.is_some() {
                    rule.judge_interval(check, differences.get(&rule.metric))
                } else {
                    check
                }
            })
            .collect();
        Ok(GateDecision {
            passed: checks.iter().all(|check| check.passed),
            checks,
        })
    }

    pub(crate) fn check(&self) -> Result<()> {
        self.rules.iter().try_for_each(Rule::check)
    }

    fn rule(metric: impl Into<String>, better: Better, against: Against, tolerance: f64) -> Self {
        Self {
            rules: vec![Rule {
                metric: metric.into(),
                better,
                against,
                tolerance,
                surely: false,
            }],
        }
    }
}

impl Rule {
    fn check(&self) -> Result<()> {
        let reason = match self.against {
            Against::Value(limit) if !limit.is_finite() => "the limit is not a finite number",
            _ if !self.tolerance.is_finite() => "the tolerance is not a finite number",
            _ if self.tolerance < 0.0 => "the tolerance is negative",
            _ => return Ok(()),
        };
        Err(Error::InvalidGate {
            metric: self.metric.clone(),
            reason,
        })
    }

    fn judge(&self, evidence: &GateEvidence) -> Check {
        let metric = &self.metric;
        let candidate = evidence.candidate_metrics.get(metric).copied();
        let champion = evidence.champion_metrics.get(metric).copied();
        let baseline = evidence.baseline_metrics.get(metric).copied();
        let mut check = Check {
            metric: metric.clone(),
            candidate,
            champion: champion.filter(|_| evidence.champion.is_some()),
            limit: None,
            interval: None,
            passed: false,
            reason: String::new(),
        };
        let Some(candidate) = candidate else {
            check.reason = format!("the candidate has no `{metric}`");
            return check;
        };
        if !candidate.is_finite() {
            check.reason = format!("the candidate's `{metric}` is {candidate}");
            return check;
        }
        let (whose, reference) = match (self.against, evidence.champion, baseline) {
            (Against::Value(limit), ..) => ("the limit", Some(limit)),
            (Against::Champion, Some(_), _) => ("the champion", champion),
            (Against::Champion, None, None) => {
                check.passed = true;
                check.reason = format!("`{metric}` is {candidate}; no champion to be held against");
                return check;
            }
            (Against::Champion, None, baseline) | (Against::Baseline, _, baseline) => {
                ("the baseline", baseline)
            }
        };
        match reference {
            None => check.reason = format!("{whose} has no `{metric}`"),
            Some(value) if !value.is_finite() => {
                check.reason = format!("`{metric}` of {whose} is {value}");
            }
            Some(value) => self.compare(&mut check, candidate, whose, value),
        }
        check
    }

    /// Holds the worse end of the interval of the difference against the tolerance. The numbers themselves must be
    /// there as well, so that an interval of nothing passes nothing.
    fn judge_interval(&self, mut check: Check, interval: Option<&Interval>) -> Check {
        let metric = &self.metric;
        let (Some(candidate), Some(champion)) = (check.candidate, check.champion) else {
            check.passed = false;
            return check;
        };
        check.passed = false;
        let Some(interval) = interval else {
            check.reason = format!("there is no interval of the difference in `{metric}`");
            return check;
        };
        check.interval = Some(*interval);
        let difference = candidate - champion;
        let slack = 4.0 * f64::EPSILON * (candidate.abs() + champion.abs() + self.tolerance);
        let inside = interval.lower - slack <= difference && difference <= interval.upper + slack;
        if !interval.is_sound() || !inside {
            check.reason = format!(
                "the interval of the difference in `{metric}` is none: {} to {} at {} about {difference:.6}",
                interval.lower, interval.upper, interval.level
            );
            return check;
        }
        let (worse, passed) = match self.better {
            Better::Higher => (interval.lower, interval.lower >= -self.tolerance - slack),
            Better::Lower => (interval.upper, interval.upper <= self.tolerance + slack),
        };
        check.passed = passed;
        let word = if passed { "within" } else { "beyond" };
        check.reason = format!(
            "the difference in `{metric}` is {difference:.6} ({:.6} to {:.6} at {}), and {worse:.6} is {word} the \
             tolerance {}",
            interval.lower, interval.upper, interval.level, self.tolerance
        );
        check
    }

    fn compare(&self, check: &mut Check, candidate: f64, whose: &str, reference: f64) {
        let tolerance = self.tolerance;
        // what rounding four decimal numbers to binary may add up to
        let slack = 2.0 * f64::EPSILON * (reference.abs() + tolerance + candidate.abs());
        let (limit, passed, words) = match self.better {
            Better::Higher => {
                let limit = reference - tolerance;
                (limit, candidate >= limit - slack, ["at least", "below"])
            }
            Better::Lower => {
                let limit = reference + tolerance;
                (limit, candidate <= limit + slack, ["at most", "above"])
            }
        };
        let word = words[usize::from(!passed)];
        check.limit = Some(limit);
        check.passed = passed;
        let tolerated = if tolerance > 0.0 {
            format!("{whose}: {reference:.6}, tolerance {tolerance}")
        } else {
            whose.to_owned()
        };
        check.reason = format!(
            "`{}` is {candidate:.6}, {word} {limit:.6} ({tolerated})",
            check.metric
        );
    }
}
