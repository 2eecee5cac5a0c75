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
//! bytes, Read ──put──▶ Digest ──get, reader──▶ bytes, or Error::Corrupt
//! directory ────put──▶   │    ──download──▶ file, directory
//!                        └─ a root of collect ──▶ GarbageReport
//!
//! URL ──Objects──▶ Location ──open──▶ ObjectReader ──get_ranges──▶ bytes
//!                     ├──list──▶ Listed …
//!                     └──at──▶ CommitLog ──append──▶ Won, or Lost to another
//! ```
//!
//! - [`ArtifactStore`]: the store, in memory, in a directory or at a [`Location`]; clones share it.
//! - [`ArtifactReader`]: an artifact, read from any place on; [`Tree`]: the files of a directory, each an artifact.
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
//! Large artifacts are kept in chunks, and what near-identical ones have in common is kept once. A directory is a
//! [`Tree`] of artifacts:
//!
//! ```
//! # let dir = tempfile::tempdir().unwrap();
//! # let (source, target) = (dir.path().join("source"), dir.path().join("target"));
//! # std::fs::create_dir(&source).unwrap();
//! # std::fs::write(source.join("weights.bin"), b"weights").unwrap();
//! use mlops_store::ArtifactStore;
//!
//! let store = ArtifactStore::memory();
//! let stored = store.put_directory(&source)?;
//! assert_eq!(store.put_directory(&source)?.sent, 0); // it is there already
//! let tree = store.download_tree(&stored.digest, &target)?;
//! assert_eq!(tree.files().next().map(|file| file.path.as_str()), Some("weights.bin"));
//! # Ok::<(), mlops_store::Error>(())
//! ```
//!
//! What no root needs is condemned by one collection and removed by one that comes two grace periods later; `dry_run`
//! tells what that would be:
//!
//! ```
//! use mlops_core::{Clock, ManualClock, Span, SystemClock};
//! use mlops_store::{ArtifactStore, GarbageOptions};
//!
//! let store = ArtifactStore::memory();
//! let (needed, dead) = (store.put(b"needed")?, store.put(b"dead")?);
//! let clock = ManualClock::new(SystemClock.now());
//! for _ in 0..3 {
//!     clock.advance(Span::hours(2));
//!     store.collect([needed], GarbageOptions::new(Span::hours(1)), &clock)?;
//! }
//! assert_eq!(store.list()?, [needed]);
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
//! It knows no model and no table, gives artifacts no names, and does not know which are needed: that is told by the
//! roots of a collection.
//!
//! # Features
//!
//! | feature | what it brings | what it costs |
//! | --- | --- | --- |
//! | `s3` | `s3://` URLs | an HTTP client, TLS by rustls and ring (C and assembly) |
//!
//! # Errors
//!
//! Of artifacts: [`Error::NotFound`], [`Error::Corrupt`], [`Error::Malformed`], [`Error::InvalidPath`], and
//! [`Error::Io`] or [`Error::Object`] when the disk or the store does not answer. Of objects: [`Error::NoObject`],
//! [`Error::Denied`], [`Error::Changed`], each with the URL and never with a secret. Of logs: [`Error::LogUnknown`] where the store gave no definite answer,
//! [`Error::LogGap`], [`Error::LogFolded`], [`Error::LogCorrupt`] and [`Error::RequestReused`].
//!
//! # Papers
//!
//! - Xia et al., *The design of fast content-defined chunking for data deduplication based storage systems*, IEEE TPDS 2020.
//! - O'Connor et al., *BLAKE3: one function, fast everywhere*, 2020.

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
