//! Materialisation: from the history into the online store, by event time and by arrival.
//!
//! A run writes rows that carry their place among equal ones, so that rows that are there already change
//! nothing: a run that was killed half way is simply run again. The ledger in the online store is written
//! at the end; until then it says what it said before.

mod job;
mod run;

use mlops_core::{EventTime, Span, ViewName};
use serde::Serialize;

/// What is to be materialised.
///
/// ```
/// use mlops_features::{EventTime, Materialize, hours};
///
/// let noon = EventTime::parse("2011-07-01T12:00:00Z")?;
/// let nightly = Materialize::until(noon).lateness(hours(48));
/// let backfill = Materialize::between(noon - hours(24), noon);
/// # let _ = (nightly, backfill);
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Materialize {
    start: Option<EventTime>,
    end: EventTime,
    lateness: Option<Span>,
}

impl Materialize {
    /// All rows with an event time in that range, both ends included.
    pub fn between(start: EventTime, end: EventTime) -> Self {
        Self {
            start: Some(start),
            end,
            lateness: None,
        }
    }

    /// What is new up to that event time, inclusive: rows from the end of the last run on, which reads the
    /// boundary twice, and older rows that arrived since.
    ///
    /// The first run begins as far back as the TTL or the longest window that is served, or with the first
    /// row if the online store has had every row from the beginning.
    pub fn until(end: EventTime) -> Self {
        Self {
            start: None,
            end,
            lateness: None,
        }
    }

    /// How old a row may be, before the end of the last run, to be brought in when it arrives late; any age
    /// unless said otherwise. Values that an older one would change are
    /// [`Status::NotRetained`](crate::Status::NotRetained) from then on.
    #[must_use]
    pub fn lateness(mut self, lateness: Span) -> Self {
        self.lateness = Some(lateness);
        self
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The keys that are done.
    pub keys: u64,
    /// The keys that the run has to look at.
    pub of: u64,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MaterializeReport {
    /// The view.
    pub view: ViewName,
    /// From which event time on rows were read; nothing new was if it is after `end`.
    pub start: EventTime,
    /// Up to which event time rows were read, inclusive.
    pub end: EventTime,
    /// The rows that were read from the history.
    pub read: u64,
    /// Those of them that are in the online store now.
    pub written: u64,
    /// Those of them that the online store did not need: older ones than it keeps.
    pub ignored: u64,
    /// Those of them that had arrived late: their event time lies before `start`.
    pub late: u64,
    /// Rows that arrived later than the allowed lateness and were left out. A row counts as often as a run
    /// leaves it out.
    pub too_late: u64,
    /// The different keys that were written.
    pub keys: u64,
}

/// How fresh the online values of a view are, at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Freshness {
    /// The newest event that is in the history.
    pub newest_event: Option<EventTime>,
    /// How old that is: how far behind the world the features are.
    pub event_age: Option<Span>,
    /// Up to which event time the view was materialised.
    pub materialized_until: Option<EventTime>,
    /// How long ago the last run ended.
    pub materialized_age: Option<Span>,
}
