//! The decision itself.

use std::collections::BTreeMap;

use mlops_core::{Severity, Signal, SignalKind};

use super::{Context, Judgement, Limits, Outcome, Policy, Streak, Verdict, builder::PolicyBuilder};
use crate::{ColumnDrift, DriftReport, Performance, Result};

impl Policy {
    /// The verdict on every column, the predictions and the metrics, and the signals that follow.
    ///
    /// The family of tests is all columns with enough rows, and the predictions with them.
    /// Without drift the chance of any call is at most [`Policy::window_rate`]. A performance
    /// limit without a `performance` gives no verdict.
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) if the policy names a column that the report does not have, and
    /// [`Error::InvalidPValue`](crate::Error::InvalidPValue) if the report was not made by [`DriftReport::compare`].
    pub fn judge(
        &self,
        report: &DriftReport,
        performance: Option<&Performance>,
        context: &Context,
    ) -> Result<Judgement> {
        let settings = self.settings();
        settings.check_names(report)?;
        let columns = report
            .columns
            .iter()
            .map(|column| (SignalKind::DataDrift, column));
        let prediction = report
            .prediction
            .iter()
            .map(|drift| (SignalKind::PredictionDrift, drift));
        let subjects: Vec<(SignalKind, &ColumnDrift)> = columns.chain(prediction).collect();

        let tested: Vec<bool> = subjects
            .iter()
            .map(|(kind, drift)| settings.is_tested(*kind, drift))
            .collect();
        let family: Vec<f64> = subjects
            .iter()
            .zip(&tested)
            .filter(|(_, tested)| **tested)
            .map(|((_, drift), _)| drift.p_value)
            .collect();
        let mut adjusted = settings.correction.adjust(&family)?.into_iter();

        let (mut verdicts, mut streaks) = (Vec::new(), BTreeMap::new());
        for ((kind, drift), tested) in subjects.into_iter().zip(tested) {
            let key = streak_key(kind, &drift.name);
            let before = context.streaks.get(&key).copied().unwrap_or_default();
            let verdict = if tested {
                let adjusted_p = adjusted.next().unwrap_or(1.0);
                self.verdict(kind, drift, adjusted_p, before)
            } else {
                settings.untested(kind, drift, before)
            };
            if verdict.streak != Streak::default() {
                streaks.insert(key, verdict.streak);
            }
            verdicts.push(verdict);
        }
        let limits = performance.iter().flat_map(|performance| {
            settings
                .performance
                .iter()
                .map(|limit| limit.judge(performance, report.reference_rows))
        });
        verdicts.extend(limits);
        Ok(Judgement {
            signals: [
                SignalKind::DataDrift,
                SignalKind::PredictionDrift,
                SignalKind::Performance,
            ]
            .into_iter()
            .filter_map(|kind| settings.signal(kind, &verdicts, context))
            .collect(),
            verdicts,
            streaks,
            window_rate: self.window_rate(),
        })
    }

    fn verdict(
        &self,
        kind: SignalKind,
        drift: &ColumnDrift,
        adjusted_p: f64,
        before: Streak,
    ) -> Verdict {
        let settings = self.settings();
        let limits = settings.limits_of(kind, drift);
        let significant = adjusted_p <= self.window_rate();
        let next = |over: f64, streak: u32| {
            if significant && drift.psi >= over {
                streak.saturating_add(1)
            } else {
                0
            }
        };
        let streak = Streak {
            warn: next(limits.warn, before.warn),
            drift: next(limits.drift, before.drift),
        };
        let needed = settings.consecutive;
        let limit = if drift.psi >= limits.drift {
            limits.drift
        } else {
            limits.warn
        };
        let value = format!("PSI {:.3}", drift.psi);
        let rows = format!(
            "{} window rows against {} in the reference (adjusted p {})",
            drift.window_rows,
            drift.reference_rows,
            short(adjusted_p)
        );
        let (outcome, reason) = if streak.drift >= needed {
            (
                Outcome::Drifted,
                format!("{value} reaches {limit} with {rows}"),
            )
        } else if streak.warn >= needed {
            let limit = limits.warn;
            (
                Outcome::Warned,
                format!("{value} reaches {limit} with {rows}"),
            )
        } else if streak.warn > 0 {
            let seen = streak.warn;
            (
                Outcome::Waiting,
                format!("{value} reaches {limit} in window {seen} of {needed} with {rows}"),
            )
        } else if drift.psi >= limits.warn {
            (
                Outcome::NotSignificant,
                format!("{value} is within chance for {rows}"),
            )
        } else {
            (
                Outcome::BelowLimit,
                format!("{value} is below {} with {rows}", limits.warn),
            )
        };
        Verdict {
            value: Some(drift.psi),
            limit: if outcome == Outcome::Warned {
                limits.warn
            } else {
                limit
            },
            p_value: Some(drift.p_value),
            adjusted_p: Some(adjusted_p),
            streak,
            outcome,
            reason,
            ..blank(kind, drift)
        }
    }
}

impl PolicyBuilder {
    fn check_names(&self, report: &DriftReport) -> Result<()> {
        let named = self.exclude.iter().chain(self.column_limits.keys());
        for name in named {
            if report.column(name).is_none() {
                let names: Vec<String> = report
                    .columns
                    .iter()
                    .map(|c| format!("`{}`", c.name))
                    .collect();
                return Err(mlops_core::Error::UnknownColumn {
                    column: name.clone(),
                    available: names.join(", "),
                }
                .into());
            }
        }
        Ok(())
    }

    fn is_excluded(&self, kind: SignalKind, drift: &ColumnDrift) -> bool {
        kind == SignalKind::DataDrift && self.exclude.contains(&drift.name)
    }

    fn is_tested(&self, kind: SignalKind, drift: &ColumnDrift) -> bool {
        let rows = drift.window_rows.min(drift.reference_rows);
        !self.is_excluded(kind, drift) && rows >= self.min_rows
    }

    fn limits_of(&self, kind: SignalKind, drift: &ColumnDrift) -> Limits {
        let own = match kind {
            SignalKind::PredictionDrift => self.prediction_limits.as_ref(),
            _ => self.column_limits.get(&drift.name),
        };
        own.copied().unwrap_or(self.limits)
    }

    /// Nothing was learnt, so a streak neither grows nor ends.
    fn untested(&self, kind: SignalKind, drift: &ColumnDrift, before: Streak) -> Verdict {
        let (outcome, reason) = if self.is_excluded(kind, drift) {
            (Outcome::Excluded, "the policy leaves it out".to_owned())
        } else {
            let (window, reference, needed) =
                (drift.window_rows, drift.reference_rows, self.min_rows);
            let reason = format!(
                "{window} window rows against {reference} in the reference, {needed} are needed"
            );
            (Outcome::TooFewRows, reason)
        };
        Verdict {
            value: Some(drift.psi),
            limit: self.limits_of(kind, drift).warn,
            streak: before,
            outcome,
            reason,
            ..blank(kind, drift)
        }
    }

    fn signal(&self, kind: SignalKind, verdicts: &[Verdict], context: &Context) -> Option<Signal> {
        let ours: Vec<&Verdict> = verdicts.iter().filter(|v| v.kind == kind).collect();
        let mut calls: Vec<&Verdict> = ours
            .iter()
            .copied()
            .filter(|v| v.outcome.is_call())
            .collect();
        if calls.is_empty() {
            return None;
        }
        // drifted before warned, then by how far beyond the limit
        let excess =
            |v: &Verdict| (v.value.unwrap_or_default() - v.limit).abs() / v.limit.abs().max(1e-12);
        calls.sort_by(|a, b| {
            a.outcome
                .cmp(&b.outcome)
                .then(excess(b).total_cmp(&excess(a)))
        });
        let drifted = calls
            .iter()
            .filter(|v| v.outcome == Outcome::Drifted)
            .count();
        let judged = ours.iter().filter(|v| v.adjusted_p.is_some()).count();
        let share = if kind == SignalKind::DataDrift {
            self.alert_share
        } else {
            0.0
        };
        let is_alert = drifted > 0 && drifted as f64 >= share * judged as f64;
        let head = match kind {
            SignalKind::DataDrift => format!(
                "{} of {judged} columns differ from the reference",
                calls.len()
            ),
            SignalKind::PredictionDrift => "the predictions differ from the reference".to_owned(),
            _ => "outcomes show a worse model".to_owned(),
        };
        let named: Vec<String> = calls
            .iter()
            .take(3)
            .map(|v| match kind {
                SignalKind::DataDrift => format!("`{}`: {}", v.subject, v.reason),
                _ => v.reason.clone(),
            })
            .collect();
        let rest = calls.len() - named.len();
        let more = if rest > 0 {
            format!("; and {rest} more")
        } else {
            String::new()
        };
        Some(Signal {
            time: context.time,
            model: context.model.clone(),
            version: context.version,
            kind,
            severity: if is_alert {
                Severity::Alert
            } else {
                Severity::Warning
            },
            reason: format!("{head}: {}{more}", named.join("; ")),
            evidence: calls.iter().map(|v| v.evidence()).collect(),
        })
    }
}

fn blank(kind: SignalKind, drift: &ColumnDrift) -> Verdict {
    Verdict {
        kind,
        subject: drift.name.clone(),
        statistic: "psi".to_owned(),
        value: None,
        limit: 0.0,
        p_value: None,
        adjusted_p: None,
        reference_rows: drift.reference_rows,
        window_rows: drift.window_rows,
        streak: Streak::default(),
        outcome: Outcome::Excluded,
        reason: String::new(),
    }
}

/// A column named `prediction` is not the predictions.
fn streak_key(kind: SignalKind, name: &str) -> String {
    match kind {
        SignalKind::PredictionDrift => "prediction".to_owned(),
        _ => format!("column:{name}"),
    }
}

fn short(p: f64) -> String {
    if p < 1e-300 {
        "below 1e-300".to_owned()
    } else if p < 1e-3 {
        format!("{p:.0e}")
    } else {
        format!("{p:.3}")
    }
}
