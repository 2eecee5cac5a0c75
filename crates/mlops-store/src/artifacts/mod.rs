//! Artifacts by digest: kept once, in chunks where they are large, and removed only when nobody needs them.
//!
//! ```text
//! blobs/<2 digits>/<62 digits>     bytes under their digest: small artifacts, and chunks of large ones
//! chunked/<2 digits>/<62 digits>   the chunks of a large artifact, under the digest of its whole bytes
//! trees/<2 digits>/<62 digits>     the files of a directory, under the digest of that list
//! garbage/                         a commit log: what was condemned, and what was removed
//! staging/                         of a directory: what is being written
//! ```
//!
//! A name that was condemned is never used again: the same bytes come back as `<62 digits>.1`, `.2` and so on. What
//! is removed is therefore never what somebody has just put, however late the removal is done.

mod chunk_list;
mod collect;
mod condemned;
mod download;
mod name;
mod path;
mod store;
mod tree;
mod upload;

pub use collect::{Garbage, GarbageOptions, GarbageReport};
pub use download::ArtifactReader;
pub use path::ArtifactPath;
pub use store::ArtifactStore;
pub use tree::{Tree, TreeFile};
pub use upload::Stored;
