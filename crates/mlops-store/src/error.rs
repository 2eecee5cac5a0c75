//! What can go wrong with an artifact or an object.
//!
//! The backend's own error type stays private behind [`BackendError`], so that a new release of
//! `object_store` is not a new release of this crate.

use std::{fmt, io, path::PathBuf};

use mlops_core::{Digest, ErrorKind};

use crate::RequestId;

/// An error of the artifact store, or of objects by URL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no artifact with this digest.
    #[error("artifact `{digest}` is not in the store")]
    NotFound {
        /// The digest that was asked for.
        digest: Digest,
    },
    /// The stored bytes are not the ones that were written.
    #[error("artifact `{digest}` is corrupt: its {size} stored bytes have the digest `{found}`")]
    Corrupt {
        /// The digest that was asked for.
        digest: Digest,
        /// The digest of what is stored.
        found: Digest,
        /// How many bytes are stored.
        size: usize,
    },
    /// A file or directory did not do what was asked.
    #[error("could not {action} `{path}`")]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's own error.
        source: io::Error,
    },
    /// A URL makes no sense.
    #[error("`{url}` is not a URL that can be used: {reason}")]
    InvalidUrl {
        /// The URL, without credentials.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A URL names a sort of store that is not at hand.
    #[error("`{url}` cannot be reached: {reason}")]
    UnsupportedUrl {
        /// The URL, without credentials.
        url: String,
        /// What is missing.
        reason: &'static str,
    },
    /// There is no object, file or directory at this URL.
    #[error("there is nothing at `{url}`")]
    NoObject {
        /// The URL or path.
        url: String,
    },
    /// The store does not let these credentials do that.
    #[error("`{url}` is not open to these credentials: could not {action} it")]
    Denied {
        /// What was being done.
        action: &'static str,
        /// The URL.
        url: String,
        /// The store's own error.
        source: BackendError,
    },
    /// A store did not do what was asked of an object.
    #[error("could not {action} `{url}`")]
    Object {
        /// What was being done.
        action: &'static str,
        /// The URL.
        url: String,
        /// The store's own error.
        source: BackendError,
    },
    /// An object was replaced or cut short after it was opened.
    #[error("`{url}` has changed since it was opened")]
    Changed {
        /// The URL or path.
        url: String,
    },
    /// A range is not inside its object.
    #[error("`{url}` has {size} bytes: {start} to {end} is no range of it")]
    Range {
        /// The URL or path.
        url: String,
        /// The first byte that was asked for.
        start: u64,
        /// The byte after the last one.
        end: u64,
        /// The size of the object.
        size: u64,
    },
    /// A directory holds more than a listing may.
    #[error("there are more than {limit} {what} below `{url}`")]
    ListLimit {
        /// The URL or path of the directory.
        url: String,
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// An object has more bytes than is allowed.
    #[error("`{url}` has {size} bytes, and {most} is the most")]
    TooLarge {
        /// The URL or path of the object, or of the log that it was to be part of.
        url: String,
        /// Its size.
        size: u64,
        /// The limit.
        most: u64,
    },
    /// What was to be kept could not be read.
    #[error("could not read what is to be kept")]
    Read {
        /// The reader's own error.
        source: io::Error,
    },
    /// An artifact could not be written to where it was wanted.
    #[error("could not write artifact `{digest}` out")]
    Write {
        /// The artifact.
        digest: Digest,
        /// The writer's own error.
        source: io::Error,
    },
    /// A list of chunks or of files is not what was written.
    #[error("`{url}` is malformed: {reason}")]
    Malformed {
        /// The URL or path of the list.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A path cannot be that of a file in a tree.
    #[error("`{path}` cannot be the path of a file in a tree: {reason}")]
    InvalidPath {
        /// The path, or its beginning.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A text is no id of a request.
    #[error("`{text}` is no request id: 1 to 128 visible ASCII characters")]
    InvalidRequestId {
        /// The text, or its beginning.
        text: String,
    },
    /// An entry was to follow one that is not in the log.
    #[error("log `{url}` has no entry {after}: nothing can follow it")]
    LogGap {
        /// The URL or path of the log.
        url: String,
        /// The number that is missing.
        after: u64,
    },
    /// An entry was folded into a checkpoint and deleted.
    #[error("entry {number} of log `{url}` is folded away: the first that is left is {first}")]
    LogFolded {
        /// The URL or path of the log.
        url: String,
        /// The number that was asked for.
        number: u64,
        /// The oldest entry.
        first: u64,
    },
    /// An object of a log is not what was written.
    #[error("`{url}` is corrupt: {reason}")]
    LogCorrupt {
        /// The URL or path of the object.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The store gave no definite answer: an entry may be in the log, or come into it.
    #[error("whether request `{request}` has become entry {number} of log `{url}` is not known")]
    LogUnknown {
        /// The URL or path of the log.
        url: String,
        /// The number that the entry would have.
        number: u64,
        /// The request.
        request: RequestId,
        /// The last answer, if there was one.
        source: Option<Box<Error>>,
    },
    /// A request has an entry already, with other bytes.
    #[error("request `{request}` has entry {number} of log `{url}` already, with other bytes")]
    RequestReused {
        /// The URL or path of the log.
        url: String,
        /// The number of the entry.
        number: u64,
        /// The request.
        request: RequestId,
    },
    /// A store does not keep the promise of conditional writes.
    #[error("`{url}` cannot hold a log: {reason}")]
    Unconditional {
        /// The URL or path of the log.
        url: String,
        /// What it did.
        reason: &'static str,
    },
    /// The private runtime did not start, or lost a task.
    #[error("the store's runtime failed: {reason}")]
    Runtime {
        /// What happened.
        reason: String,
    },
}

/// The result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } | Self::NoObject { .. } | Self::LogFolded { .. } => {
                ErrorKind::NotFound
            }
            Self::Corrupt { .. } | Self::LogCorrupt { .. } | Self::Malformed { .. } => {
                ErrorKind::Corrupt
            }
            Self::Io { .. }
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::Object { .. }
            | Self::LogUnknown { .. } => ErrorKind::Unavailable,
            Self::InvalidUrl { .. }
            | Self::Range { .. }
            | Self::ListLimit { .. }
            | Self::TooLarge { .. }
            | Self::InvalidPath { .. }
            | Self::InvalidRequestId { .. }
            | Self::LogGap { .. } => ErrorKind::Invalid,
            Self::UnsupportedUrl { .. } | Self::Unconditional { .. } => ErrorKind::Unsupported,
            Self::Denied { .. } => ErrorKind::Denied,
            Self::Changed { .. } | Self::RequestReused { .. } => ErrorKind::Conflict,
            Self::Runtime { .. } => ErrorKind::Internal,
        }
    }
}

/// The error of a backend, as text and source alone.
#[derive(Debug)]
pub struct BackendError(Box<object_store::Error>);

impl BackendError {
    pub(crate) fn new(error: object_store::Error) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for BackendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.0)
    }
}

/// What a backend's error means for the object that was asked for.
pub(crate) fn backend(
    action: &'static str,
    url: &str,
) -> impl FnOnce(object_store::Error) -> Error {
    use object_store::Error as Failure;
    let url = url.to_owned();
    move |error| match error {
        Failure::NotFound { .. } => Error::NoObject { url },
        Failure::Precondition { .. } => Error::Changed { url },
        Failure::PermissionDenied { .. } | Failure::Unauthenticated { .. } => Error::Denied {
            action,
            url,
            source: BackendError::new(error),
        },
        _ => Error::Object {
            action,
            url,
            source: BackendError::new(error),
        },
    }
}
