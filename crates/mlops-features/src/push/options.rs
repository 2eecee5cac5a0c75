//! What is asked of a push, and what became of it.

use mlops_core::EventTime;
use serde::Serialize;

use crate::Target;

/// What became of the rows of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IngestReport {
    /// The rows that are in the store now.
    pub rows: u64,
    /// The rows that were left out because a part of their key is null: they could answer nothing.
    pub null_keys: u64,
    /// The first and the last event time of the rows taken.
    pub span: Option<(EventTime, EventTime)>,
}

/// What became of the rows of a push.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PushReport {
    /// The rows that were taken.
    pub rows: u64,
    /// The rows that were left out because a part of their key is null.
    pub null_keys: u64,
    /// The rows that were left out because an event of their id was pushed before.
    pub duplicates: u64,
    /// The rows that the online store did not need: older ones than it keeps.
    pub ignored_online: u64,
}

/// Where pushed rows go, and what tells an event that is pushed twice.
///
/// Without event ids each row of a push to the history is an event of its own, for two equal purchases are
/// two purchases; a row that goes to the online store alone replaces one of the same key, event time and
/// created time. With event ids a push can be repeated until it is acknowledged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PushOptions {
    pub(super) target: Option<Target>,
    pub(super) event_id: Option<String>,
}

impl PushOptions {
    /// To both stores if there is an online store, to the history otherwise.
    pub fn new() -> Self {
        Self::default()
    }

    /// To where the rows go.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// The column of event ids, texts or whole numbers: of rows with one id, in this push or an earlier
    /// one of the view, the first is taken. Rows without an id are always taken. An id costs 16 to 32 bytes
    /// of memory for as long as the store is open.
    #[must_use]
    pub fn event_id(mut self, column: impl Into<String>) -> Self {
        self.event_id = Some(column.into());
        self
    }
}
