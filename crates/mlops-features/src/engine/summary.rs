//! What a join did, and what it says while it does it.

use serde::Serialize;

/// What became of each spine row, view by view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JoinSummary {
    /// The rows of the spine, which are the rows of the output.
    pub rows: u64,
    /// The views in the order in which they were named.
    pub views: Vec<ViewSummary>,
}

/// What one view answered. `matched`, `null` and `expired` add up to the rows of the spine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ViewSummary {
    /// The view.
    pub view: String,
    /// The columns of the spine that it was joined on.
    pub keys: Vec<String>,
    /// The rows of the view, those that were left out unread included.
    pub rows: u64,
    /// The rows that were read and have no event time; they answer nothing.
    pub without_time: u64,
    /// Spine rows that have a row of the view, whose values may be null.
    pub matched: u64,
    /// Spine rows of which the view has no visible row; all features are null.
    pub null: u64,
    /// Spine rows whose newest visible row is older than the TTL; all features are null.
    pub expired: u64,
}

/// How far a join is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinProgress<'a> {
    /// What is being done, for instance `reading driver`.
    pub stage: &'a str,
    /// How much of the stage is done, in rows or columns.
    pub done: u64,
    /// How much there is in all, where it is known.
    pub total: Option<u64>,
}
