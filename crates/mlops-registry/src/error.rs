//! What can go wrong in the registry, by name: which experiment, run, model, version, alias, metric.
//!
//! The database's own error type stays private behind [`DatabaseError`].

use std::{fmt, path::PathBuf};

use mlops_core::{AliasName, Digest, ErrorKind, ExperimentName, ModelName, VersionNumber};

use crate::{GateDecision, RunId, RunStatus, Stage};

/// An error of the registry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name or another noun is not valid.
    #[error(transparent)]
    Core(#[from] mlops_core::Error),
    /// A registry URL is not one.
    #[error("registry url `{url}` is not valid: {reason}")]
    InvalidUrl {
        /// The URL, cut to a readable length.
        url: String,
        /// What is expected.
        reason: &'static str,
    },
    /// A registry URL names a store that is not offered.
    #[error("registry url `{url}` is not supported: only `sqlite://` is")]
    UnsupportedUrl {
        /// The URL, cut to a readable length.
        url: String,
    },
    /// The key of a param, metric, tag or artifact breaks the rule for keys.
    #[error("{kind} key `{key}` is not valid: {reason}")]
    InvalidKey {
        /// Which sort of key, for instance `metric`.
        kind: &'static str,
        /// The key, cut to a readable length.
        key: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// A text is longer than it may be.
    #[error("{what} has {length} characters, {limit} are allowed")]
    TooLong {
        /// Which text, for instance "param `seed`".
        what: String,
        /// Its length in characters.
        length: usize,
        /// The greatest length.
        limit: usize,
    },
    /// A text is neither `model@alias` nor `model/version`.
    #[error("`{text}` is no reference to a model version: {reason}")]
    InvalidReference {
        /// The text, cut to a readable length.
        text: String,
        /// What is expected.
        reason: String,
    },
    /// There is no such experiment.
    #[error("experiment `{experiment}` does not exist")]
    UnknownExperiment {
        /// The name that was asked for.
        experiment: ExperimentName,
    },
    /// There is no such run.
    #[error("run `{run}` does not exist")]
    UnknownRun {
        /// The run that was asked for.
        run: RunId,
    },
    /// A run has no such metric.
    #[error("run `{run}` has no metric `{metric}`")]
    UnknownMetric {
        /// The run.
        run: RunId,
        /// The metric that was asked for.
        metric: String,
    },
    /// A run has no such artifact.
    #[error("run `{run}` has no artifact `{artifact}`")]
    UnknownArtifact {
        /// The run.
        run: RunId,
        /// The artifact that was asked for.
        artifact: String,
    },
    /// There is no such model.
    #[error("model `{model}` does not exist")]
    UnknownModel {
        /// The name that was asked for.
        model: ModelName,
    },
    /// A model has no such version.
    #[error("model `{model}` has no version {version}")]
    UnknownVersion {
        /// The model.
        model: ModelName,
        /// The version that was asked for.
        version: VersionNumber,
    },
    /// A model has no such alias.
    #[error("model `{model}` has no alias `{alias}`")]
    UnknownAlias {
        /// The model.
        model: ModelName,
        /// The alias that was asked for.
        alias: AliasName,
    },
    /// A param is written once, and holds something else already.
    #[error("param `{param}` of run `{run}` is `{stored}` and cannot become `{given}`")]
    ParamConflict {
        /// The run.
        run: RunId,
        /// The param.
        param: String,
        /// The value that it has, cut to a readable length.
        stored: String,
        /// The value that it was to get, cut to a readable length.
        given: String,
    },
    /// An artifact of a run is written once, and holds something else already.
    #[error("artifact `{artifact}` of run `{run}` is `{stored}` and cannot become `{given}`")]
    ArtifactConflict {
        /// The run.
        run: RunId,
        /// The artifact.
        artifact: String,
        /// The digest that it has.
        stored: Digest,
        /// The digest that it was to get.
        given: Digest,
    },
    /// A run has ended already.
    #[error("run `{run}` has ended as {status}")]
    RunEnded {
        /// The run.
        run: RunId,
        /// How it ended.
        status: RunStatus,
    },
    /// A run cannot end by going on.
    #[error("run `{run}` cannot end as {status}")]
    InvalidStatus {
        /// The run.
        run: RunId,
        /// The status that was given.
        status: RunStatus,
    },
    /// An alias that the registry keeps for itself.
    #[error("alias `{alias}` of model `{model}` cannot be changed by hand: {reason}")]
    ReservedAlias {
        /// The model.
        model: ModelName,
        /// The alias.
        alias: AliasName,
        /// What it is kept for.
        reason: &'static str,
    },
    /// A stage cannot follow the one that the version is in.
    #[error("version {version} of model `{model}` cannot go from {from} to {to}: {reason}")]
    IllegalTransition {
        /// The model.
        model: ModelName,
        /// The version.
        version: VersionNumber,
        /// The stage that it is in.
        from: Stage,
        /// The stage that it was to enter.
        to: Stage,
        /// What is possible instead.
        reason: &'static str,
    },
    /// The champion has changed since the candidate was compared with it: somebody else was first.
    #[error(
        "version {version} of model `{model}` was compared with {}, but {} is in production now",
        champion_text(.compared.as_ref()),
        champion_text(.champion.as_ref())
    )]
    StaleEvidence {
        /// The model.
        model: ModelName,
        /// The candidate.
        version: VersionNumber,
        /// The champion that the evidence names.
        compared: Option<VersionNumber>,
        /// The champion that was found at the moment of the commit.
        champion: Option<VersionNumber>,
    },
    /// The candidate is the champion.
    #[error("version {version} of model `{model}` is in production already")]
    AlreadyInProduction {
        /// The model.
        model: ModelName,
        /// The version.
        version: VersionNumber,
    },
    /// A rule of a gate makes no sense.
    #[error("the gate's rule on metric `{metric}` is not valid: {reason}")]
    InvalidGate {
        /// The metric of the rule.
        metric: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The evidence proves nothing.
    #[error("the evidence for version {version} of model `{model}` is not valid: {reason}")]
    InvalidEvidence {
        /// The model.
        model: ModelName,
        /// The candidate.
        version: VersionNumber,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The gate said no. The refusal is in the audit trail.
    #[error("version {version} of model `{model}` does not pass the gate: {decision}")]
    GateRefused {
        /// The model.
        model: ModelName,
        /// The candidate.
        version: VersionNumber,
        /// Every check with its numbers.
        decision: Box<GateDecision>,
    },
    /// A signature cannot be laid beside a version.
    #[error("signature `{name}` of model `{model}` version {version} is refused: {reason}")]
    InvalidSignature {
        /// The model.
        model: ModelName,
        /// The version.
        version: VersionNumber,
        /// The signature.
        name: String,
        /// What speaks against it.
        reason: &'static str,
    },
    /// A file of a version is gone or is not what was registered.
    #[error("artifact `{artifact}` of model `{model}` version {version} cannot be used")]
    Artifact {
        /// The model.
        model: ModelName,
        /// The version.
        version: VersionNumber,
        /// The file inside the package.
        artifact: String,
        /// What the store says.
        source: Box<mlops_store::Error>,
    },
    /// The files of a version are sound but make no package.
    #[error("the package of model `{model}` version {version} cannot be used")]
    Package {
        /// The model.
        model: ModelName,
        /// The version.
        version: VersionNumber,
        /// What the package reader says.
        source: Box<mlops_model::Error>,
    },
    /// The files of a version make another package than was registered.
    #[error(
        "the package of model `{model}` version {version} is `{found}`, registered was `{digest}`"
    )]
    PackageMismatch {
        /// The model.
        model: ModelName,
        /// The version.
        version: VersionNumber,
        /// The digest that was registered.
        digest: Digest,
        /// The digest of what the files make.
        found: Digest,
    },
    /// An artifact of a run is gone or is not what was logged.
    #[error("artifact `{artifact}` of run `{run}` cannot be used")]
    RunArtifact {
        /// The run.
        run: RunId,
        /// The artifact.
        artifact: String,
        /// What the store says.
        source: Box<mlops_store::Error>,
    },
    /// Bytes could not be kept.
    #[error("artifact `{artifact}` could not be kept")]
    NotKept {
        /// The artifact.
        artifact: String,
        /// What the store says.
        source: Box<mlops_store::Error>,
    },
    /// The artifact store beside the database did not open.
    #[error("the artifacts in `{path}` did not open")]
    Artifacts {
        /// The directory.
        path: PathBuf,
        /// What the store says.
        source: Box<mlops_store::Error>,
    },
    /// The audit trail was changed or cut by other hands.
    #[error("audit entry {entry} is broken: {reason}")]
    AuditBroken {
        /// The first bad entry.
        entry: u64,
        /// What does not fit.
        reason: String,
    },
    /// The audit trail is sound, but the registry is not in the state that the trail leads to.
    #[error("{subject} of model `{model}` is {found}, the audit trail leads to {audited}")]
    AuditDisagrees {
        /// The model.
        model: ModelName,
        /// A version or an alias.
        subject: String,
        /// What the audit trail says.
        audited: String,
        /// What the registry says.
        found: String,
    },
    /// The database file is not a registry.
    #[error("`{path}` is not a registry: {reason}")]
    NotARegistry {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        reason: &'static str,
    },
    /// The database was written by a newer version of this crate.
    #[error("the registry has schema version {found}, this build knows versions up to {known}")]
    SchemaTooNew {
        /// The schema version that was found.
        found: u32,
        /// The newest schema version of this build.
        known: u32,
    },
    /// The directory of the database could not be made.
    #[error("could not create the directory `{path}`")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The system's own error.
        source: std::io::Error,
    },
    /// The database file did not open.
    #[error("could not open the database `{path}`")]
    Open {
        /// The file.
        path: PathBuf,
        /// The database's own error.
        source: DatabaseError,
    },
    /// Others kept the database busy for longer than the time limit.
    #[error("could not {action}: others kept the database busy for too long")]
    Busy {
        /// What was being done.
        action: &'static str,
    },
    /// The database did not do what was asked.
    #[error("could not {action}")]
    Database {
        /// What was being done.
        action: &'static str,
        /// The database's own error.
        source: DatabaseError,
    },
    /// Something stored does not read back.
    #[error("the stored {what} does not read back: {reason}")]
    Stored {
        /// What was read.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// The result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Core(error) => error.kind(),
            Self::InvalidUrl { .. }
            | Self::InvalidKey { .. }
            | Self::TooLong { .. }
            | Self::InvalidReference { .. }
            | Self::InvalidStatus { .. }
            | Self::InvalidGate { .. }
            | Self::InvalidSignature { .. }
            | Self::InvalidEvidence { .. } => ErrorKind::Invalid,
            Self::UnsupportedUrl { .. } | Self::SchemaTooNew { .. } => ErrorKind::Unsupported,
            Self::UnknownExperiment { .. }
            | Self::UnknownRun { .. }
            | Self::UnknownMetric { .. }
            | Self::UnknownArtifact { .. }
            | Self::UnknownModel { .. }
            | Self::UnknownVersion { .. }
            | Self::UnknownAlias { .. } => ErrorKind::NotFound,
            Self::ParamConflict { .. }
            | Self::ArtifactConflict { .. }
            | Self::RunEnded { .. }
            | Self::IllegalTransition { .. }
            | Self::StaleEvidence { .. }
            | Self::AlreadyInProduction { .. } => ErrorKind::Conflict,
            Self::ReservedAlias { .. } | Self::GateRefused { .. } => ErrorKind::Denied,
            Self::Artifact { source, .. } | Self::RunArtifact { source, .. } => {
                // a registered artifact that is gone is damage, not a question of a wrong name
                match source.kind() {
                    ErrorKind::NotFound => ErrorKind::Corrupt,
                    kind => kind,
                }
            }
            Self::NotKept { source, .. } | Self::Artifacts { source, .. } => source.kind(),
            Self::Package { source, .. } => match source.kind() {
                // a newer format is not damage
                ErrorKind::Unsupported => ErrorKind::Unsupported,
                _ => ErrorKind::Corrupt,
            },
            Self::PackageMismatch { .. }
            | Self::AuditBroken { .. }
            | Self::AuditDisagrees { .. }
            | Self::NotARegistry { .. }
            | Self::Stored { .. } => ErrorKind::Corrupt,
            Self::Directory { .. } | Self::Busy { .. } => ErrorKind::Unavailable,
            Self::Open { source, .. } | Self::Database { source, .. } => source.kind(),
        }
    }
}

fn champion_text(version: Option<&VersionNumber>) -> String {
    version.map_or_else(
        || "no champion".into(),
        |version| format!("version {version}"),
    )
}

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

    fn kind(&self) -> ErrorKind {
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

/// The head of a text, for messages.
pub(crate) fn cut(text: &str) -> String {
    const READABLE: usize = 80;
    text.chars().take(READABLE).collect()
}
