//! Bytes by digest and bytes by URL: artifacts that are kept once and checked on every read, and objects in ranges.
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
//!                     └──list──▶ Listed …
//! ```
//!
//! - [`ArtifactStore`]: the store, in memory or in a directory; clones share it.
//! - [`Digest`](mlops_core::Digest): the key, and the proof of the content.
//! - [`Objects`]: how URLs are reached; [`Location`]: one of them; [`ObjectReader`]: the object there, read in ranges.
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
//! URL and never with a secret.

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
