//! What every online store must do, as named cases that run against any of them.
//!
//! ```
//! use std::sync::Arc;
//! use mlops_features::online::{MemoryStore, OnlineStore, conformance};
//!
//! let store: Arc<dyn OnlineStore> = Arc::new(MemoryStore::new());
//! for case in conformance::CASES {
//!     case.run(&store)?;
//! }
//! # Ok::<(), conformance::Failure>(())
//! ```
//!
//! A case uses tables of its own and clears them first, so that all of them can share one store. The cases
//! of `bytes` check the clauses of [`OnlineStore`], those of `rows` that rows, TTLs and nulls mean the same
//! on it as on any other.

mod bench;
mod bytes;
mod rows;

use std::{fmt, sync::Arc};

use super::OnlineStore;

/// One clause of the contract.
#[derive(Clone, Copy)]
pub struct Case {
    /// The clause as a sentence.
    pub name: &'static str,
    check: fn(&Arc<dyn OnlineStore>) -> Result<(), String>,
}

/// All cases.
pub const CASES: &[Case] = &[
    bytes::EMPTY_TABLE,
    bytes::BACK_AS_WRITTEN,
    bytes::KEEP,
    bytes::ORDER,
    bytes::NOT_GLUED,
    bytes::APART,
    bytes::MANY_KEYS,
    bytes::REFUSED,
    bytes::REMOVED,
    bytes::CLEARED,
    bytes::RACE,
    bytes::WHOLE,
    rows::OLDER_LOSES,
    rows::CREATED_BREAKS_TIES,
    rows::LAST_WRITE,
    rows::AGAIN,
    rows::ANY_ORDER,
    rows::RACING_ROWS,
    rows::TTL,
    rows::NULL_IS_NOT_MISSING,
    rows::REPEATED_KEYS,
    rows::KEY_TYPES,
    rows::BEFORE_THE_HORIZON,
    rows::FUTURE_ROWS,
    rows::WINDOWS,
    rows::DEFINITIONS,
    rows::DAMAGE,
];

impl Case {
    /// Runs the case on a store.
    ///
    /// # Errors
    /// [`Failure`] says which clause does not hold and what was seen.
    pub fn run(&self, store: &Arc<dyn OnlineStore>) -> Result<(), Failure> {
        (self.check)(store).map_err(|seen| Failure {
            store: store.kind(),
            clause: self.name,
            seen,
        })
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({})", self.name)
    }
}

/// A clause that a store does not keep.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{store} breaks the clause `{clause}`: {seen}")]
pub struct Failure {
    /// The kind of store.
    pub store: &'static str,
    /// The clause.
    pub clause: &'static str,
    /// What was seen.
    pub seen: String,
}

/// Ends a case that does not hold.
fn ensure(holds: bool, seen: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(seen()) }
}

fn text(error: impl fmt::Display) -> String {
    error.to_string()
}
