//! Gates: the rules that a candidate has to meet before it may serve, and the evidence it brings.
//!
//! A gate decides on numbers that were measured on the same rows for candidate and champion. A
//! number that is missing, NaN or infinite passes no rule. A limit is met by the number that lies
//! exactly on it; a few units in the last place are forgiven, because 0.81 - 0.005 is not quite 0.805
//! in binary.

use std::{collections::BTreeMap, fmt};

use mlops_core::{Digest, VersionNumber};
use serde::{Deserialize, Serialize};

use crate::{Error, Evidence, Interval, Result, number};

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

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(values: &[(&str, f64)]) -> BTreeMap<String, f64> {
        values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), *value))
            .collect()
    }

    fn evidence(
        candidate: &[(&str, f64)],
        champion: Option<&[(&str, f64)]>,
        baseline: &[(&str, f64)],
    ) -> GateEvidence {
        GateEvidence {
            data: Digest::of(b"rows"),
            rows: 100,
            champion: champion.map(|_| 1),
            candidate_metrics: metrics(candidate),
            champion_metrics: champion.map(metrics).unwrap_or_default(),
            baseline_metrics: metrics(baseline),
        }
    }

    fn passes(gate: &Gate, candidate: f64, champion: f64) -> bool {
        let evidence = evidence(&[("m", candidate)], Some(&[("m", champion)]), &[]);
        gate.decide(&evidence).unwrap().passed
    }

    #[test]
    fn a_candidate_exactly_on_the_limit_passes_and_one_below_it_does_not() {
        let higher = Gate::no_worse_than_champion("m", 0.005);
        let lower = Gate::no_higher_than_champion("m", 0.005);
        for thousandths in 5..=995_i32 {
            // decimal numbers, most of which have no exact binary form
            let champion = f64::from(thousandths) / 1000.0;
            let under = f64::from(thousandths - 5) / 1000.0;
            let over = f64::from(thousandths + 5) / 1000.0;
            assert!(
                passes(&higher, under, champion),
                "{under} against {champion}"
            );
            assert!(passes(&lower, over, champion), "{over} against {champion}");
            assert!(
                !passes(&higher, under - 1e-12, champion),
                "{under} against {champion}"
            );
            assert!(
                !passes(&lower, over + 1e-12, champion),
                "{over} against {champion}"
            );
        }
    }

    #[test]
    fn without_a_tolerance_equal_passes_and_worse_does_not() {
        let gate = Gate::no_higher_than_champion("m", 0.0);
        assert!(passes(&gate, 0.31, 0.31) && passes(&gate, 0.30, 0.31));
        assert!(!passes(&gate, 0.310_000_1, 0.31));
        assert!(passes(&gate, 0.0, 0.0) && !passes(&gate, f64::MIN_POSITIVE, 0.0));
        assert!(passes(&gate, -2.0, -1.0) && !passes(&gate, -1.0, -2.0));
    }

    #[test]
    fn what_is_no_finite_number_passes_no_rule() {
        let gates = [
            Gate::no_worse_than_champion("m", 1e9),
            Gate::no_higher_than_champion("m", 1e9),
            Gate::no_worse_than_baseline("m"),
            Gate::no_higher_than_baseline("m"),
            Gate::at_least("m", f64::MIN),
            Gate::at_most("m", f64::MAX),
        ];
        for gate in gates {
            for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                let with = evidence(&[("m", bad)], Some(&[("m", 0.5)]), &[("m", 0.5)]);
                let decision = gate.decide(&with).unwrap();
                assert!(!decision.passed, "{gate:?} let {bad} through");
                assert!(decision.to_string().contains("`m` is"), "{decision}");
                let without = evidence(&[("m", bad)], None, &[]);
                assert!(
                    !gate.decide(&without).unwrap().passed,
                    "{gate:?} let {bad} through"
                );
            }
        }
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(!passes(&Gate::no_worse_than_champion("m", 0.1), 0.9, bad));
            assert!(!passes(&Gate::no_higher_than_champion("m", 0.1), 0.9, bad));
        }
    }

    #[test]
    fn a_metric_that_is_missing_passes_no_rule_and_is_named() {
        let gate = Gate::no_worse_than_champion("pr_auc", 0.005);
        let cases = [
            (
                evidence(&[], Some(&[("pr_auc", 0.5)]), &[]),
                "the candidate has no `pr_auc`",
            ),
            (
                evidence(&[("pr_auc", 0.5)], Some(&[]), &[]),
                "the champion has no `pr_auc`",
            ),
            (evidence(&[], None, &[]), "the candidate has no `pr_auc`"),
        ];
        for (evidence, reason) in cases {
            let decision = gate.decide(&evidence).unwrap();
            assert!(!decision.passed);
            assert_eq!(decision.to_string(), reason);
        }
    }

    #[test]
    fn without_a_champion_the_baseline_counts_if_there_is_one() {
        let gate = Gate::no_worse_than_champion("m", 0.005);
        let decide = |evidence: &GateEvidence| gate.decide(evidence).unwrap();
        assert!(decide(&evidence(&[("m", 0.4)], None, &[("m", 0.4)])).passed);
        assert!(!decide(&evidence(&[("m", 0.3)], None, &[("m", 0.4)])).passed);
        let alone = decide(&evidence(&[("m", 0.3)], None, &[]));
        assert!(
            alone.passed && alone.to_string().contains("no champion"),
            "{alone}"
        );
        // numbers of a champion that the evidence does not name do not count
        let mut nameless = evidence(&[("m", 0.3)], Some(&[("m", 0.9)]), &[]);
        nameless.champion = None;
        assert!(decide(&nameless).passed);
    }

    #[test]
    fn every_rule_has_to_be_met_and_the_broken_ones_are_told() {
        let gate = Gate::no_worse_than_champion("pr_auc", 0.005)
            .and(Gate::no_higher_than_champion("log_loss", 0.0))
            .and(Gate::at_least("rows", 10.0));
        let champion: &[_] = &[("pr_auc", 0.5), ("log_loss", 0.3)];
        let good = [("pr_auc", 0.6), ("log_loss", 0.29), ("rows", 10.0)];
        assert!(
            gate.decide(&evidence(&good, Some(champion), &[]))
                .unwrap()
                .passed
        );
        let bad = [("pr_auc", 0.6), ("log_loss", 0.31), ("rows", 10.0)];
        let decision = gate.decide(&evidence(&bad, Some(champion), &[])).unwrap();
        assert!(!decision.passed);
        assert_eq!(decision.checks.iter().filter(|c| c.passed).count(), 2);
        assert_eq!(
            decision.to_string(),
            "`log_loss` is 0.310000, above 0.300000 (the champion)"
        );
        assert!(
            Gate::open()
                .decide(&evidence(&[], None, &[]))
                .unwrap()
                .passed
        );
    }

    #[test]
    fn a_gate_that_makes_no_sense_is_refused_by_metric() {
        for gate in [
            Gate::no_worse_than_champion("m", -0.1),
            Gate::no_worse_than_champion("m", f64::NAN),
            Gate::no_higher_than_champion("m", f64::INFINITY),
            Gate::at_least("m", f64::NAN),
        ] {
            let error = gate
                .decide(&evidence(&[("m", 1.0)], None, &[]))
                .unwrap_err();
            assert!(
                matches!(&error, Error::InvalidGate { metric, .. } if metric == "m"),
                "{error}"
            );
        }
    }

    #[test]
    fn gates_and_evidence_survive_json() {
        let gate = Gate::no_worse_than_champion("m", 0.005).and(Gate::at_most("n", 1.0));
        let json = serde_json::to_string(&gate).unwrap();
        assert_eq!(serde_json::from_str::<Gate>(&json).unwrap(), gate);
        let nan = evidence(&[("m", f64::NAN)], Some(&[("m", 0.5)]), &[]);
        let json = serde_json::to_string(&nan).unwrap();
        let back: GateEvidence = serde_json::from_str(&json).unwrap();
        assert!(back.candidate_metrics["m"].is_nan());
        assert_eq!(back.champion_metrics, nan.champion_metrics);
    }
}
