//! The online store: the newest values by key, equal to the offline ones.
//!
//! ```text
//! push, materialise ─rows─▶ OnlineTable ─bytes by key─▶ OnlineStore: memory │ SQLite │ Redis
//! service, keys, instant ─▶ read ─states─▶ the code of the offline join ─▶ OnlineBatch
//! ```
//!
//! An [`OnlineStore`] keeps bytes and changes them atomically; [`OnlineTable`] decides what a row means
//! and which of two wins, so that every backend has the same rules; [`read`] judges what is visible,
//! expired or unknown at the instant that it is given.
//!
//! | Backend | Durable | Written | Use |
//! |---|---|---|---|
//! | [`MemoryStore`] | no | nanoseconds | one process, refilled at start |
//! | `SqliteStore`, feature `sqlite` | yes | a transaction a call | one machine |
//! | `RedisStore`, feature `redis` | as the server is | one round trip a key and attempt | many machines |

mod answer;
mod buffer;
mod codec;
pub mod conformance;
mod key;
mod ledger;
mod memory;
mod read;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;
mod state;
mod store;
mod table;
mod tiles;
mod words;

pub(crate) use answer::Cell;
pub use answer::{OnlineBatch, OnlineRow, OnlineRowRef, Status};
pub use key::StoreKey;
pub(crate) use ledger::{Interval, Lease, Ledger};
pub use memory::MemoryStore;
pub use read::read;
#[cfg(feature = "redis")]
pub use redis::RedisStore;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteStore, SqliteSync};
pub use store::{Change, Decide, Found, OnlineStore, TableId};
pub use table::{OnlineTable, WriteReport};
pub(crate) use table::{ordinals_of, ordinals_to_be};
