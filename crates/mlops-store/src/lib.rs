//! Bytes by digest: artifacts that are written once, kept once and checked on every read.
//!
//! ```
//! use mlops_store::ArtifactStore;
//!
//! let store = ArtifactStore::memory();
//! let digest = store.put(b"weights")?;
//! assert_eq!(store.put(b"weights")?, digest); // kept once
//! assert_eq!(store.get(&digest)?.as_ref(), b"weights");
//! # Ok::<(), mlops_store::Error>(())
//! ```
//!
//! # The types and how they relate
//!
//! ```text
//! bytes ──put──▶ Digest ──get──▶ bytes, or Error::Corrupt
//!                  │
//!                  └─ names the object `blobs/<2 digits>/<62 digits>`
//! ```
//!
//! - [`ArtifactStore`]: the store, in memory or in a directory; clones share it.
//! - [`Digest`](mlops_core::Digest): the key, and the proof of the content.
//! - [`Error`]: what went wrong, with the digest or the path.
//!
//! # Recipes
//!
//! A directory keeps what `put` acknowledged, through a crash and through a power cut:
//!
//! ```
//! # let dir = tempfile::tempdir().unwrap();
//! # let path = dir.path().join("artifacts");
//! use mlops_store::ArtifactStore;
//!
//! let digest = ArtifactStore::directory(&path)?.put(b"weights")?;
//! assert!(ArtifactStore::directory(&path)?.contains(&digest)?);
//! # Ok::<(), mlops_store::Error>(())
//! ```
//!
//! Every call blocks its thread until it is done. From an `async` function, call through
//! `spawn_blocking`; a direct call works as well, and holds up that executor thread.
//!
//! # What this crate does not do
//!
//! It knows no model and no table, gives blobs no names, and removes nothing.
//!
//! # Errors
//!
//! [`Error::NotFound`], [`Error::Corrupt`], and [`Error::Io`] or [`Error::Store`] when the disk or
//! the backend does not answer.

mod artifact_store;
mod durable;
mod error;
mod object;
mod runtime;

pub use artifact_store::ArtifactStore;
pub use bytes::Bytes;
pub use error::{BackendError, Error, Result};
#[cfg(feature = "s3")]
pub use object::S3Settings;
pub use object::{ListLimits, Listed, Location, ObjectReader, Objects, percent_decode};
