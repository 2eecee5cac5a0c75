//! What can go wrong between us and a server of MLflow.

use mlops_core::ErrorKind;

use super::MlflowRefusal;

/// An error of an export; what was logged before it stays there, and the export may be run again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The server said no.
    #[error("the server does not take {what}")]
    Refused {
        /// What was sent, for instance "run `0123…`".
        what: String,
        /// What the server said.
        source: MlflowRefusal,
    },
    /// The server's answer lacks what it must hold.
    #[error("the server's answer about {what} has no `{field}`")]
    Answer {
        /// What it is about.
        what: String,
        /// The field.
        field: &'static str,
    },
    /// An experiment of that name was deleted there.
    #[error(
        "experiment `{experiment}` was deleted on the server; restore it or remove it for good"
    )]
    Deleted {
        /// The experiment.
        experiment: String,
    },
}

impl ExportError {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused { source, .. } => source.kind(),
            Self::Answer { .. } => ErrorKind::Corrupt,
            Self::Deleted { .. } => ErrorKind::Conflict,
        }
    }
}
