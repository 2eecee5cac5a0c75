//! Bytes by digest, by URL and by number: artifacts that are kept once and checked on every read, objects in ranges,
//! and logs of commits.
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
//!
//! URL ──Objects──▶ Location ──open──▶ ObjectReader ──get_ranges──▶ bytes
//!                     ├──list──▶ Listed …
//!                     └──at──▶ CommitLog ──append──▶ Won, or Lost to another
//! ```
//!
//! - [`ArtifactStore`]: the store, in memory or in a directory; clones share it.
//! - [`Digest`](mlops_core::Digest): the key, and the proof of the content.
//! - [`Objects`]: how URLs are reached; [`Location`]: one of them; [`ObjectReader`]: the object there, read in ranges.
//! - [`CommitLog`]: entries in one order, by conditional writes alone; [`RequestId`]: how a writer knows its own again.
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
//! A range of an object, wherever it lies (S3 with feature `s3`):
//!
//! ```
//! use mlops_store::{ListLimits, Objects};
//!
//! let objects = Objects::new(); // Objects::new().with_s3(S3Settings::new("eu-west-2").credentials(key, secret))
//! objects.locate("memory://lake/a.bin")?.put(vec![7; 100])?;
//! for listed in objects.locate("memory://lake")?.list(ListLimits::default())? {
//!     let reader = listed.location.open()?;
//!     assert_eq!(reader.get_range(90..95)?.as_ref(), [7; 5]);
//! }
//! # Ok::<(), mlops_store::Error>(())
//! ```
//!
//! State that several processes change, each change decided on the state before it:
//!
//! ```
//! use mlops_store::{Appended, CommitLog, Objects};
//!
//! let log = CommitLog::at(&Objects::new().locate("memory://models/churn")?);
//! let change = "promote-7".parse()?;
//! loop {
//!     let head = log.head()?.map_or(0, |entry| entry.number); // and the state up to it
//!     match log.append(head, &change, b"version 7 to production")? {
//!         Appended::Won => break,
//!         Appended::Lost { .. } => {} // decide anew
//!     }
//! }
//! assert_eq!(log.read(1..=u64::MAX)?.len(), 1);
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
//! # Features
//!
//! | feature | what it brings | what it costs |
//! | --- | --- | --- |
//! | `s3` | `s3://` URLs | an HTTP client, TLS by rustls and ring (C and assembly) |
//!
//! # Errors
//!
//! [`Error::NotFound`], [`Error::Corrupt`], and [`Error::Io`] or [`Error::Store`] when the disk or
//! the backend does not answer. Of objects: [`Error::NoObject`], [`Error::Denied`], [`Error::Changed`], each with the
//! URL and never with a secret. Of logs: [`Error::LogUnknown`] where the store gave no definite answer,
//! [`Error::LogGap`], [`Error::LogFolded`], [`Error::LogCorrupt`] and [`Error::RequestReused`].

mod artifacts;
mod commit_log;
mod durable;
mod error;
mod folder;
mod object;
mod rest;
mod runtime;

pub use artifacts::{
    ArtifactPath, ArtifactReader, ArtifactStore, Garbage, GarbageOptions, GarbageReport, Stored,
    Tree, TreeFile,
};
pub use bytes::Bytes;
pub use commit_log::{
    Appended, Checkpoint, CommitLog, LogEntry, RequestId, RetryPolicy, Sleeper, ThreadSleeper,
};
pub use error::{BackendError, Error, Result};
#[cfg(feature = "s3")]
pub use object::S3Settings;
pub use object::{ListLimits, Listed, Location, ObjectReader, Objects, percent_decode};
