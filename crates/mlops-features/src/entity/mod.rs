//! Entities: what features describe, and the typed key columns that identify one.
//!
//! A key part is a whole number of any width, a text, a boolean, a UUID or a calendar day. Keys compare by type
//! and value and a null key equals nothing, so two keys that merely read alike never share a feature.

mod columns;
mod definition;
mod key_type;
mod row;

pub(crate) use columns::{KeyColumns, decode, encode, uuids};
pub use definition::{Entity, KeyNote};
pub use key_type::KeyType;
pub use row::{EntityRow, KeyValue};
