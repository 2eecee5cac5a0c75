//! What can go wrong with an artifact.
//!
//! The backend's own error type stays private behind [`BackendError`], so that a new release of
//! `object_store` is not a new release of this crate.

use std::{fmt, io, path::PathBuf};

use mlops_core::{Digest, ErrorKind};

/// An error of the artifact store.
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
    /// The backend did not do what was asked.
    #[error("could not {action} `{key}`")]
    Store {
        /// What was being done.
        action: &'static str,
        /// The key of the object, or the prefix of several.
        key: String,
        /// The backend's own error.
        source: BackendError,
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
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::Io { .. } | Self::Store { .. } => ErrorKind::Unavailable,
            Self::Runtime { .. } => ErrorKind::Internal,
        }
    }
}

/// The error of a backend, as text and source alone.
#[derive(Debug)]
pub struct BackendError(object_store::Error);

impl BackendError {
    pub(crate) fn new(error: object_store::Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for BackendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0)
    }
}
