//! What can go wrong with an artifact or an object.
//!
//! The backend's own error type stays private behind [`BackendError`], so that a new release of
//! `object_store` is not a new release of this crate.

use std::{fmt, io, path::PathBuf};

use mlops_core::{Digest, ErrorKind};

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
            Self::NotFound { .. } | Self::NoObject { .. } => ErrorKind::NotFound,
            Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::Io { .. } | Self::Store { .. } | Self::Object { .. } => ErrorKind::Unavailable,
            Self::InvalidUrl { .. } | Self::Range { .. } | Self::ListLimit { .. } => {
                ErrorKind::Invalid
            }
            Self::UnsupportedUrl { .. } => ErrorKind::Unsupported,
            Self::Denied { .. } => ErrorKind::Denied,
            Self::Changed { .. } => ErrorKind::Conflict,
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
