//! What can be wrong with a database or a server of strangers.

use std::{io, path::PathBuf};

use mlops_core::ErrorKind;

use crate::{DatabaseError, MlflowRefusal};

/// An error of an import; nothing that was written before it is undone, and the import may be run again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The database does not open.
    #[error("MLflow database `{}` does not open", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: DatabaseError,
    },
    /// The file is no database of a schema that is known here.
    #[error("`{}` is no database of MLflow 3: {reason}", path.display())]
    NotMlflow {
        /// The file.
        path: PathBuf,
        /// What is missing or strange.
        reason: String,
    },
    /// A table does not read: the file is damaged, or somebody holds a lock on it.
    #[error("table `{table}` of the MLflow database does not read")]
    Read {
        /// The table.
        table: &'static str,
        /// The cause.
        source: DatabaseError,
    },
    /// A value is of a type that MLflow never writes there.
    #[error("column `{column}` of table `{table}` holds {found}, expected is {expected}")]
    Value {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What is there.
        found: &'static str,
        /// What belongs there.
        expected: &'static str,
    },
    /// What a server answered does not fit into a file of our own.
    #[error("the answers of the server cannot be kept for the moment")]
    Stage {
        /// The cause.
        source: DatabaseError,
    },
    /// The server said no, or nothing.
    #[error("the server does not tell {what}")]
    Refused {
        /// What was asked for, for instance "run `0123…`".
        what: String,
        /// What the server said.
        source: MlflowRefusal,
    },
    /// A field of a server's answer is of a type that MLflow never gives it.
    #[error(
        "field `{field}` of the server's answer about {what} holds {found}, expected is {expected}"
    )]
    Answer {
        /// What it is about.
        what: String,
        /// The field.
        field: &'static str,
        /// What is there.
        found: &'static str,
        /// What belongs there.
        expected: &'static str,
    },
    /// A server's answers do not go together.
    #[error("the server's answer about {what} makes no sense: {reason}")]
    Server {
        /// What it is about.
        what: String,
        /// Why.
        reason: String,
    },
    /// A download breaks off.
    #[error("{what} does not arrive")]
    Download {
        /// The artifact and its owner.
        what: String,
        /// The cause.
        source: io::Error,
    },
    /// A folder of artifacts that the caller named is not there.
    #[error("folder `{}` does not read", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl ImportError {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Open { source, .. } | Self::Read { source, .. } => match source.kind() {
                // what the database cannot make sense of is its damage and no bug of ours
                ErrorKind::Internal => ErrorKind::Corrupt,
                kind => kind,
            },
            Self::NotMlflow { .. } => ErrorKind::Unsupported,
            Self::Stage { source } => source.kind(),
            Self::Refused { source, .. } => source.kind(),
            Self::Value { .. } | Self::Answer { .. } | Self::Server { .. } => ErrorKind::Corrupt,
            Self::Download { .. } => ErrorKind::Unavailable,
            Self::Folder { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => ErrorKind::NotFound,
                io::ErrorKind::PermissionDenied => ErrorKind::Denied,
                _ => ErrorKind::Unavailable,
            },
        }
    }
}
