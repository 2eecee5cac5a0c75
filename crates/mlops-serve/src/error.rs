//! What can go wrong between a request and its answer.
//!
//! A caller matches on [`Error::kind`]; the HTTP server maps that kind to a status, and has a status of
//! its own for sizes and content encodings alone.

use std::sync::Arc;

use mlops_core::{ErrorKind, ModelName, VersionNumber};

/// An error of loading, predicting, logging or serving.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A shared noun refused its input.
    #[error(transparent)]
    Core(#[from] mlops_core::Error),
    /// The model or its package refused.
    #[error(transparent)]
    Model(#[from] mlops_model::Error),
    /// The registry refused or did not answer.
    #[error(transparent)]
    Registry(#[from] mlops_registry::Error),
    /// The feature store refused.
    #[cfg(feature = "features")]
    #[error(transparent)]
    Features(#[from] mlops_features::Error),
    /// The stored package is not the one that was registered.
    #[error("model `{model}` version {version}: the package's digest is not the registered one")]
    WrongPackage {
        /// The model.
        model: ModelName,
        /// The version that was to be loaded.
        version: VersionNumber,
    },
    /// A version was loaded and does not answer as it must, so it does not get to serve.
    #[error("model `{model}` version {version} is not fit to serve: {reason}")]
    Unfit {
        /// The model.
        model: ModelName,
        /// The version that was to be loaded.
        version: VersionNumber,
        /// What it did wrong.
        reason: String,
    },
    /// The feature service lacks inputs that the model needs.
    #[error(
        "model `{model}` version {version} needs {inputs}, which the feature service does not provide"
    )]
    Uncovered {
        /// The model.
        model: ModelName,
        /// The version.
        version: VersionNumber,
        /// The inputs without a feature.
        inputs: String,
    },
    /// A feature is not defined as it was when the model was trained.
    #[error(
        "model `{model}` version {version} was trained on another definition of feature `{feature}`"
    )]
    FeatureChanged {
        /// The model.
        model: ModelName,
        /// The version.
        version: VersionNumber,
        /// The feature.
        feature: String,
    },
    /// A prediction by entity key was asked of an endpoint without a feature service.
    #[error("model `{model}` is served without features: a request must carry every input")]
    NoFeatures {
        /// The model.
        model: ModelName,
    },
    /// An entity key has another number of parts than the entity has key columns.
    #[error("the key has {found} parts, the entity's are {columns}")]
    WrongKey {
        /// The entity's key columns.
        columns: String,
        /// The parts given.
        found: usize,
    },
    /// A request names an input that the model does not have.
    #[error("`{input}` is not an input of the model; it takes {accepted}")]
    UnknownInput {
        /// The name given.
        input: String,
        /// The names that are accepted.
        accepted: String,
    },
    /// A request lacks inputs or parts of the entity key.
    #[error("{missing} missing; the model takes {accepted}")]
    MissingInputs {
        /// The names that are missing.
        missing: String,
        /// The names that are accepted.
        accepted: String,
    },
    /// A value cannot be an input of the model.
    #[error("`{input}`: {reason}")]
    BadInput {
        /// The input, tensor or key column.
        input: String,
        /// What is wrong with the value.
        reason: String,
    },
    /// A request replaces a feature that the service looks up.
    #[error("`{input}` is looked up by key and may not be given beside it")]
    OverrideRefused {
        /// The feature.
        input: String,
    },
    /// One row of a request is at fault.
    #[error("row {row}")]
    Row {
        /// The row, counted from 0.
        row: usize,
        /// What is wrong with it.
        source: RowError,
    },
    /// A request cannot be read.
    #[error("the request cannot be read: {reason}")]
    Malformed {
        /// What stands where it must not.
        reason: String,
    },
    /// A request asks for more than the server's limits allow.
    #[error("{what} is limited to {limit}")]
    TooLarge {
        /// What is limited, with its unit.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A model is asked for that is not served here.
    #[error("model `{model}` is not served here")]
    UnknownModel {
        /// The name asked for.
        model: String,
    },
    /// A version is asked for that is not the one served.
    #[error("version `{asked}` of model `{model}` is not served here; version {serving} is")]
    UnknownVersion {
        /// The model.
        model: ModelName,
        /// The version asked for.
        asked: String,
        /// The version that serves now.
        serving: VersionNumber,
    },
    /// Something is asked for that this server does not offer.
    #[error("{what} is not offered")]
    Unsupported {
        /// What was asked for.
        what: &'static str,
    },
    /// A request is compressed in a way that this server does not read.
    #[error("content encoding `{encoding}` is not offered")]
    ContentEncoding {
        /// The encoding that the request states.
        encoding: String,
    },
    /// An address is taken.
    #[error("address `{address}` is in use")]
    AddressInUse {
        /// The address.
        address: String,
    },
    /// An address cannot be listened on.
    #[error("could not listen on `{address}`")]
    Bind {
        /// The address.
        address: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A thread or runtime cannot be started.
    #[error("could not start {what}")]
    Start {
        /// What was to be started.
        what: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A setting of the server contradicts another.
    #[error("the server's `{setting}` is not valid: {reason}")]
    InvalidSetting {
        /// The setting.
        setting: &'static str,
        /// Why not.
        reason: String,
    },
    /// The prediction log's database refused.
    #[error("prediction log `{path}`: could not {action}")]
    Log {
        /// The file, or `:memory:`.
        path: String,
        /// What was being done.
        action: &'static str,
        /// The database's answer.
        source: DatabaseError,
    },
    /// A row of the prediction log does not read back.
    #[error("prediction log `{path}`: record `{id}` is damaged")]
    DamagedRecord {
        /// The file, or `:memory:`.
        path: String,
        /// The record's id.
        id: String,
    },
    /// A file is not a prediction log, or one of a later layout.
    #[error("`{path}` is not a prediction log that this version reads: {reason}")]
    ForeignLog {
        /// The file.
        path: String,
        /// What it is instead.
        reason: String,
    },
    /// The prediction log's writer has stopped.
    #[error("prediction log `{path}` has stopped")]
    LogStopped {
        /// The file, or `:memory:`.
        path: String,
    },
    /// A certificate or its key cannot be used.
    #[cfg(feature = "tls")]
    #[error("`{}` cannot be used for TLS: {reason}", path.display())]
    Tls {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A bug: the code that answers a request panicked.
    #[error("the request met a bug in the server")]
    Panicked,
}

/// The result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is wrong with one row; boxed, because errors are rare and results are many.
pub type RowError = Box<Error>;

impl Error {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Core(e) => e.kind(),
            Self::Model(e) => e.kind(),
            Self::Registry(e) => e.kind(),
            #[cfg(feature = "features")]
            Self::Features(e) => e.kind(),
            #[cfg(feature = "tls")]
            Self::Tls { .. } => ErrorKind::Invalid,
            Self::Row { source, .. } => source.kind(),
            Self::WrongPackage { .. } | Self::DamagedRecord { .. } => ErrorKind::Corrupt,
            Self::ForeignLog { .. } => ErrorKind::Unsupported,
            Self::Unfit { .. }
            | Self::Uncovered { .. }
            | Self::FeatureChanged { .. }
            | Self::NoFeatures { .. }
            | Self::WrongKey { .. }
            | Self::UnknownInput { .. }
            | Self::MissingInputs { .. }
            | Self::BadInput { .. }
            | Self::OverrideRefused { .. }
            | Self::Malformed { .. }
            | Self::TooLarge { .. }
            | Self::InvalidSetting { .. } => ErrorKind::Invalid,
            Self::UnknownModel { .. } | Self::UnknownVersion { .. } => ErrorKind::NotFound,
            Self::Unsupported { .. } | Self::ContentEncoding { .. } => ErrorKind::Unsupported,
            Self::AddressInUse { .. } => ErrorKind::Conflict,
            Self::Bind { .. } | Self::Start { .. } | Self::LogStopped { .. } => {
                ErrorKind::Unavailable
            }
            Self::Log { source, .. } => source.kind(),
            Self::Panicked => ErrorKind::Internal,
        }
    }

    /// Names the row at fault.
    pub(crate) fn in_row(self, row: usize) -> Self {
        Self::Row {
            row,
            source: Box::new(self),
        }
    }
}

/// The text of an error and of all its sources, joined by `: `.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

/// An answer of the log's database; its text names the cause.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct DatabaseError(Arc<rusqlite::Error>);

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        Self(Arc::new(error))
    }
}

impl DatabaseError {
    fn kind(&self) -> ErrorKind {
        use rusqlite::ErrorCode as Code;
        match self.0.sqlite_error_code() {
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => ErrorKind::Corrupt,
            Some(
                Code::PermissionDenied | Code::ReadOnly | Code::AuthorizationForStatementDenied,
            ) => ErrorKind::Denied,
            Some(_) => ErrorKind::Unavailable,
            None => ErrorKind::Internal,
        }
    }
}
