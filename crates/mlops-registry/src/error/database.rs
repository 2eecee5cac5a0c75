//! The database's error behind a type of ours, and the words for what was being done.

use std::fmt;

use mlops_core::ErrorKind;

use super::{Error, Result};

/// The error of the database, as text and kind alone.
#[derive(Debug)]
pub struct DatabaseError(rusqlite::Error);

impl DatabaseError {
    pub(crate) fn new(error: rusqlite::Error) -> Self {
        Self(error)
    }

    /// Whether the file is something else than a SQLite database.
    pub(crate) fn is_foreign(&self) -> bool {
        self.0.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase)
    }

    pub(super) fn kind(&self) -> ErrorKind {
        use rusqlite::ErrorCode;
        match self.0.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => ErrorKind::Corrupt,
            Some(ErrorCode::ConstraintViolation) | None => ErrorKind::Internal,
            Some(_) => ErrorKind::Unavailable,
        }
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for DatabaseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0)
    }
}

/// Says what was being done when the database failed.
pub(crate) trait During<T> {
    /// Turns the database's error into ours.
    fn during(self, action: &'static str) -> Result<T>;
}

impl<T> During<T> for rusqlite::Result<T> {
    fn during(self, action: &'static str) -> Result<T> {
        use rusqlite::ErrorCode;
        self.map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Busy { action },
            _ => Error::Database {
                action,
                source: DatabaseError(error),
            },
        })
    }
}

/// Reads back a stored text by its own parser.
pub(crate) fn stored<T, E: fmt::Display>(
    what: &'static str,
    result: std::result::Result<T, E>,
) -> Result<T> {
    result.map_err(|error| Error::Stored {
        what,
        reason: error.to_string(),
    })
}
