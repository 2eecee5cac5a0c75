//! Settings of the prediction log, and what it reports about itself.

use std::time::Duration;

/// What a request does when the prediction log cannot keep up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delivery {
    /// The answer never waits; a record that finds the queue full is dropped and counted. A crash of
    /// the machine loses the records of the last moments.
    #[default]
    BestEffort,
    /// The answer waits until its record is on disk.
    Durable,
}

/// Settings of a prediction log.
///
/// ```
/// use mlops_serve::{Delivery, LogOptions};
///
/// let options = LogOptions::default().delivery(Delivery::Durable).capacity(1_000);
/// assert_eq!(options, LogOptions::default().capacity(1_000).delivery(Delivery::Durable));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogOptions {
    delivery: Delivery,
    capacity: usize,
    linger: Duration,
}

impl Default for LogOptions {
    /// Best effort, a queue of 16,384 records, commits at most every ten milliseconds.
    fn default() -> Self {
        Self {
            delivery: Delivery::BestEffort,
            capacity: 16_384,
            linger: Duration::from_millis(10),
        }
    }
}

impl LogOptions {
    /// What a request does when the log cannot keep up.
    #[must_use]
    pub fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// How many records may wait for the writer; at least one.
    #[must_use]
    pub fn capacity(mut self, records: usize) -> Self {
        self.capacity = records.max(1);
        self
    }

    /// How long the writer gathers records that nobody waits for before it commits them.
    #[must_use]
    pub fn linger(mut self, time: Duration) -> Self {
        self.linger = time;
        self
    }

    pub(super) fn delivery_mode(&self) -> Delivery {
        self.delivery
    }

    pub(super) fn queue_length(&self) -> usize {
        self.capacity
    }

    pub(super) fn linger_time(&self) -> Duration {
        self.linger
    }
}

/// What a prediction log has done since it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogStats {
    /// Records committed.
    pub written: u64,
    /// Records dropped because the queue was full.
    pub dropped: u64,
    /// Records lost because a commit failed.
    pub failed: u64,
    /// Commits.
    pub commits: u64,
    /// The last failed commit, as text.
    pub last_error: Option<String>,
}

/// What became of the outcomes of one call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct OutcomeReceipt {
    /// Stored for the first time.
    pub stored: u64,
    /// Known already, with the same outcome.
    pub unchanged: u64,
    /// Replaced another outcome that was known earlier.
    pub corrected: u64,
    /// Ignored, because another outcome became known later or at the same time.
    pub stale: u64,
    /// Of all these, how many name a prediction that is not in the log (yet).
    pub unmatched: u64,
}
