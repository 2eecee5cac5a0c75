//! The trigger: turns a signal from monitoring into the decision whether to run a pipeline.
//!
//! Monitoring repeats itself: the same window is judged again, and until a new model serves every
//! window says the same. A trigger lets one run through for a window and kind of signal, and no
//! two runs for a model within its cooldown.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use mlops_core::{Clock, EventTime, ModelName, Severity, Signal, SignalKind, Span};
use serde::{Deserialize, Serialize};

/// Decides for each signal whether it is a reason to run now.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::{EventTime, ManualClock, ModelName, Severity, Signal, SignalKind, Span};
/// use mlops_pipeline::{Decision, Trigger};
///
/// let clock = Arc::new(ManualClock::new(EventTime::parse("2011-10-01T00:00:00Z")?));
/// let trigger = Trigger::new(clock.clone()).cooldown(Span::days(7));
/// let mut signal = Signal {
///     time: EventTime::parse("2011-09-30T00:00:00Z")?,
///     model: ModelName::new("churn")?,
///     version: 2,
///     kind: SignalKind::DataDrift,
///     severity: Severity::Alert,
///     reason: "psi of recency_days is 0.31".into(),
///     evidence: vec![],
/// };
/// assert!(trigger.decide(&signal).is_run());
/// assert_eq!(trigger.decide(&signal), Decision::AlreadyActed { on: signal.time });
/// signal.time = signal.time + Span::days(1); // the next window says the same
/// assert!(matches!(trigger.decide(&signal), Decision::CoolingDown { .. }));
/// clock.advance(Span::days(8));
/// assert!(trigger.decide(&signal).is_run());
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Trigger {
    clock: Arc<dyn Clock>,
    cooldown: Span,
    least: Severity,
    state: Mutex<TriggerState>,
}

/// What a trigger remembers, to be stored over a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerState {
    models: BTreeMap<ModelName, Acted>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Acted {
    /// When the last run was let through.
    at: EventTime,
    /// The end of the latest window that was acted on, by kind of signal.
    windows: BTreeMap<SignalKind, EventTime>,
}

/// Whether to run, and if not, why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "decision")]
#[non_exhaustive]
pub enum Decision {
    /// Run now.
    Run {
        /// One sentence for people: the signal's own reason.
        reason: String,
    },
    /// The signal is worth a look and no reason to run.
    BelowSeverity {
        /// The signal's severity.
        severity: Severity,
        /// The least severity that is acted on.
        least: Severity,
    },
    /// A run was let through for this or a later window and this kind of signal.
    AlreadyActed {
        /// The end of the window that was acted on.
        on: EventTime,
    },
    /// The last run for this model was too short a time ago. The signal may be sent again later.
    CoolingDown {
        /// When the cooldown ends.
        until: EventTime,
    },
}

impl Decision {
    /// Whether to run.
    pub fn is_run(&self) -> bool {
        matches!(self, Self::Run { .. })
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run { reason } => write!(f, "run: {reason}"),
            Self::BelowSeverity { severity, least } => {
                write!(
                    f,
                    "no run: the severity is {severity:?}, {least:?} is needed"
                )
            }
            Self::AlreadyActed { on } => write!(f, "no run: the window to {on} was acted on"),
            Self::CoolingDown { until } => write!(f, "no run: cooling down until {until}"),
        }
    }
}

impl Trigger {
    /// A trigger that acts on alerts and has no cooldown.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            cooldown: Span::ZERO,
            least: Severity::Alert,
            state: Mutex::default(),
        }
    }

    /// States how much time must lie between two runs for one model.
    #[must_use]
    pub fn cooldown(mut self, cooldown: Span) -> Self {
        self.cooldown = cooldown;
        self
    }

    /// States the least severity that is acted on.
    #[must_use]
    pub fn at_least(mut self, severity: Severity) -> Self {
        self.least = severity;
        self
    }

    /// Goes on from what an earlier trigger remembered.
    #[must_use]
    pub fn restore(mut self, state: TriggerState) -> Self {
        self.state = Mutex::new(state);
        self
    }

    /// What the trigger remembers.
    pub fn state(&self) -> TriggerState {
        self.lock().clone()
    }

    /// Decides, and remembers a signal that it lets through. Of several threads with one signal,
    /// one is told to run.
    pub fn decide(&self, signal: &Signal) -> Decision {
        if signal.severity < self.least {
            return Decision::BelowSeverity {
                severity: signal.severity,
                least: self.least,
            };
        }
        let now = self.clock.now();
        let mut state = self.lock();
        if let Some(acted) = state.models.get(&signal.model) {
            if let Some(on) = acted
                .windows
                .get(&signal.kind)
                .filter(|on| signal.time <= **on)
            {
                return Decision::AlreadyActed { on: *on };
            }
            let until = acted.at + self.cooldown;
            // a clock that was set back must not stretch the cooldown
            if acted.at <= now && now < until {
                return Decision::CoolingDown { until };
            }
        }
        let acted = state
            .models
            .entry(signal.model.clone())
            .or_insert_with(|| Acted {
                at: now,
                windows: BTreeMap::new(),
            });
        acted.at = now;
        acted.windows.insert(signal.kind, signal.time);
        Decision::Run {
            reason: signal.reason.clone(),
        }
    }

    /// Forgets what was let through for a model, for instance because that run failed, so that
    /// the next signal runs at once.
    pub fn rearm(&self, model: &ModelName) {
        self.lock().models.remove(model);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, TriggerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::ManualClock;

    use super::*;

    const DAY: i64 = 86_400;

    fn signal(day: i64) -> Signal {
        Signal {
            time: EventTime::from_seconds(day * DAY),
            model: ModelName::new("churn").unwrap(),
            version: 1,
            kind: SignalKind::DataDrift,
            severity: Severity::Alert,
            reason: "drift".into(),
            evidence: vec![],
        }
    }

    fn clock(day: i64) -> Arc<ManualClock> {
        Arc::new(ManualClock::new(EventTime::from_seconds(day * DAY)))
    }

    #[test]
    fn the_same_or_an_older_window_does_not_run_twice() {
        let trigger = Trigger::new(clock(100));
        assert!(trigger.decide(&signal(90)).is_run());
        for day in [90, 89] {
            let on = signal(90).time;
            assert_eq!(trigger.decide(&signal(day)), Decision::AlreadyActed { on });
        }
        assert!(trigger.decide(&signal(91)).is_run());
        let performance = Signal {
            kind: SignalKind::Performance,
            ..signal(80)
        };
        assert!(
            trigger.decide(&performance).is_run(),
            "another kind has its own windows"
        );
    }

    #[test]
    fn the_cooldown_holds_back_every_kind_and_no_other_model() {
        let clock = clock(100);
        let trigger = Trigger::new(clock.clone()).cooldown(Span::days(7));
        assert!(trigger.decide(&signal(90)).is_run());
        let performance = Signal {
            kind: SignalKind::Performance,
            ..signal(91)
        };
        let until = EventTime::from_seconds(107 * DAY);
        assert_eq!(
            trigger.decide(&performance),
            Decision::CoolingDown { until }
        );
        let other = Signal {
            model: ModelName::new("fraud").unwrap(),
            ..signal(90)
        };
        assert!(trigger.decide(&other).is_run());
        clock.advance(Span::days(7));
        assert!(
            trigger.decide(&performance).is_run(),
            "what was held back may come again"
        );
    }

    #[test]
    fn a_warning_is_no_reason_unless_asked_for() {
        let warning = Signal {
            severity: Severity::Warning,
            ..signal(1)
        };
        let decision = Trigger::new(clock(2)).decide(&warning);
        assert_eq!(
            decision.to_string(),
            "no run: the severity is Warning, Alert is needed"
        );
        assert!(
            Trigger::new(clock(2))
                .at_least(Severity::Warning)
                .decide(&warning)
                .is_run()
        );
    }

    #[test]
    fn memory_survives_a_restart_and_rearming_clears_it() {
        let trigger = Trigger::new(clock(100)).cooldown(Span::days(7));
        assert!(trigger.decide(&signal(90)).is_run());
        let json = serde_json::to_string(&trigger.state()).unwrap();
        let again = Trigger::new(clock(101))
            .cooldown(Span::days(7))
            .restore(serde_json::from_str(&json).unwrap());
        assert!(matches!(
            again.decide(&signal(90)),
            Decision::AlreadyActed { .. }
        ));
        again.rearm(&signal(90).model);
        assert!(again.decide(&signal(90)).is_run());
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stretch_the_cooldown() {
        let clock = clock(100);
        let trigger = Trigger::new(clock.clone()).cooldown(Span::days(7));
        assert!(trigger.decide(&signal(90)).is_run());
        clock.set(EventTime::from_seconds(10 * DAY));
        assert!(trigger.decide(&signal(91)).is_run());
    }
}
