//! Time as an argument: library code never reads the wall clock by itself.
//!
//! [`SystemClock`] is the one place that does. Tests and simulations hand in a [`ManualClock`] and
//! move it. [`Stopwatch`] measures how long something took, which is not an instant.

use std::{
    fmt::Debug,
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{EventTime, Span};

/// Tells the present instant. Two calls never run backwards more than the machine's clock does.
pub trait Clock: Send + Sync + Debug {
    /// The present instant.
    fn now(&self) -> EventTime;
}

/// The wall clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    fn now(&self) -> EventTime {
        let now = SystemTime::now();
        let micros = now
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX));
        EventTime::from_micros(micros)
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `start`.
    pub fn new(start: EventTime) -> Self {
        Self(AtomicI64::new(start.micros()))
    }

    /// Moves the clock to `time`.
    pub fn set(&self, time: EventTime) {
        self.0.store(time.micros(), Ordering::SeqCst);
    }

    /// Moves the clock forward.
    pub fn advance(&self, span: Span) {
        self.set(self.now() + span);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> EventTime {
        EventTime::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// Measures how long something takes.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the monotonic clock"
    )]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::new(EventTime::from_seconds(10));
        assert_eq!(clock.now(), clock.now());
        clock.advance(Span::seconds(5));
        assert_eq!(clock.now(), EventTime::from_seconds(15));
        assert!(SystemClock.now() > EventTime::from_seconds(1_700_000_000));
    }
}
