//! The trait of online stores: bytes by table and key, changed atomically.
//!
//! A backend knows nothing of events, times or features. What a row means, which of two wins and what
//! is expired is decided in one place, [`OnlineTable`](super::OnlineTable), on top of the one thing that
//! a backend must do well: change the bytes of a key in one step, whoever else is writing.

use std::{fmt, fmt::Debug, sync::Arc};

use super::StoreKey;
use crate::Result;

/// The name of a table in a backend: letters, digits, `_`, `-`, `.` and `@`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(Arc<str>);

impl TableId {
    /// A table of that name; the names that views make are [checked](mlops_core::ViewName).
    pub(crate) fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What becomes of the bytes of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// They stay as they are.
    Keep,
    /// They are replaced, or written for the first time.
    Put(Vec<u8>),
}

/// What a call to [`OnlineStore::read`] is given for each key: its position, and its bytes if there are any.
pub type Found<'a> = dyn FnMut(usize, Option<&[u8]>) -> Result<()> + 'a;

/// What a call to [`OnlineStore::update`] asks for each key: its position and present bytes, for what
/// they become.
pub type Decide<'a> = dyn FnMut(usize, Option<&[u8]>) -> Result<Change> + 'a;

/// Keeps bytes by table and key.
///
/// # Contract
/// - **Reads** answer every position exactly once, in order; a key that is asked for twice is answered
///   twice. A key that was never written has `None`, which is not the same as empty bytes. The bytes of
///   one key are those of one write, never a mixture. Nothing is expired or hidden by a backend.
/// - **Updates** are atomic per key: between the bytes that the decision saw and the bytes that it put
///   there was no other write. A backend that finds out too late asks again with the newer bytes, so a
///   decision must depend on its arguments alone. The keys of a call are different from each other.
/// - **Failure.** If a decision fails, the call ends with its error; keys that were put before may stay
///   put, each whole. An error of the backend leaves each key with its old or its new bytes.
/// - **Tables** share nothing. A table needs no creation; one that nobody wrote to is empty.
/// - **Visibility.** A read that starts after an update returned sees it, in every handle on the store.
/// - **Durability** is what [`is_durable`](Self::is_durable) says, from the return of `update` on.
///
/// Keys and bytes are opaque and may hold any byte. [`conformance`](super::conformance) has a case for
/// each clause.
pub trait OnlineStore: Send + Sync + Debug {
    /// What it is, for messages: `memory`, `SQLite`, `Redis`.
    fn kind(&self) -> &'static str;

    /// Whether what was written is there after the process ended.
    fn is_durable(&self) -> bool;

    /// Reads keys, in order, all in one round trip where there is one.
    ///
    /// # Errors
    /// [`Error::OnlineStore`](crate::Error::OnlineStore) if the backend fails, or the first error of `found`.
    fn read(&self, table: &TableId, keys: &[StoreKey], found: &mut Found<'_>) -> Result<()>;

    /// Changes keys, each atomically.
    ///
    /// # Errors
    /// [`Error::OnlineStore`](crate::Error::OnlineStore) if the backend fails,
    /// [`Error::OnlineContention`](crate::Error::OnlineContention) if a key was changed by others so often
    /// that the backend gave up, or the first error of `decide`.
    fn update(&self, table: &TableId, keys: &[StoreKey], decide: &mut Decide<'_>) -> Result<()>;

    /// Forgets keys; how many there were.
    ///
    /// # Errors
    /// [`Error::OnlineStore`](crate::Error::OnlineStore) if the backend fails.
    fn remove(&self, table: &TableId, keys: &[StoreKey]) -> Result<u64>;

    /// Forgets a table. Writes that run at the same time may survive it.
    ///
    /// # Errors
    /// [`Error::OnlineStore`](crate::Error::OnlineStore) if the backend fails.
    fn clear(&self, table: &TableId) -> Result<()>;

    /// The keys of a table, in no stated order; those written while it runs may be left out.
    ///
    /// # Errors
    /// [`Error::OnlineStore`](crate::Error::OnlineStore) if the backend fails.
    fn keys(&self, table: &TableId) -> Result<Vec<StoreKey>>;
}
