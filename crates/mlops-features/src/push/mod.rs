//! Writing to a feature store: bulk loads, pushes to the history, to the online store or to both.
//!
//! A push is checked whole, then logged, then applied, then acknowledged. Rows of one view are logged and
//! applied in one order, so that replaying the log gives the same state. The online store is written last
//! and without a lock: its rows carry their place among equal ones, so that their order does not matter.

mod options;
mod restore;
mod source;
mod write;

use std::{collections::HashSet, sync::Arc};

pub use options::{IngestReport, PushOptions, PushReport};

/// What a writer of a view knows besides its rows.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    /// Digests of the event ids that were taken.
    ids: HashSet<u128>,
    /// What arrived and is not known to be online, in order.
    pub(crate) arrivals: Vec<Arrival>,
    pub(crate) newest: Option<i64>,
}

/// Rows that arrived together in the history.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) number: u64,
    pub(crate) first: i64,
    pub(crate) last: i64,
    /// The ids of their keys in the index.
    pub(crate) keys: Arc<[u32]>,
}
