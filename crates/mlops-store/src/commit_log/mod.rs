//! A log of commits in a directory of any store, ordered by nothing but "create if it is not there".
//!
//! Entry `n + 1` is an object that is created once; of two writers one wins and the other learns it. Names are
//! `u64::MAX - n` in twenty digits, so that the newest entry is the first key of a listing. An entry holds the id of
//! the request that wrote it: a writer whose answer was lost reads the entry and knows whether it was its own.
//!
//! ```text
//! log/<20 digits>         entries, never overwritten
//! checkpoints/<20 digits> the state after an entry
//! seals/<20 digits>       who wrote the entries of one segment, made before these are deleted
//! probe                   what the store's conditional writes were tried on
//! ```

mod append;
mod envelope;
mod fold;
mod log;
mod names;
mod probe;
mod request_id;
mod retry;

pub use append::Appended;
pub use log::{Checkpoint, CommitLog, LogEntry};
pub use request_id::RequestId;
pub use retry::{RetryPolicy, Sleeper, ThreadSleeper};
