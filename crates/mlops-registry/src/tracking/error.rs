//! What can go wrong in tracking, beyond what a run of our own meets: experiments and runs by
//! identity, lifecycles, limits, searches, journals.

use std::{path::PathBuf, sync::Arc};

use mlops_core::{ErrorKind, Uuid};
use mlops_store::Error as StoreError;

use crate::{ExperimentId, ExperimentName, Lifecycle, LoggedModelId, RunId};

/// An error of tracking; reaches callers as [`Error::Tracking`](crate::Error::Tracking).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrackingError {
    /// There is no experiment of that identity.
    #[error("no experiment with id {experiment} exists")]
    UnknownExperimentId {
        /// The experiment that was asked for.
        experiment: ExperimentId,
    },
    /// Another experiment has the name, or had it and was deleted.
    #[error("experiment `{name}` already exists{}", if *.deleted { ", in the deleted state" } else { "" })]
    ExperimentExists {
        /// The name.
        name: ExperimentName,
        /// Whether the other one is deleted and could be restored.
        deleted: bool,
    },
    /// An experiment is not in the state that the call needs.
    #[error("experiment {experiment} is {state}, it must be {needed}")]
    ExperimentState {
        /// The experiment.
        experiment: ExperimentId,
        /// How it stands.
        state: Lifecycle,
        /// How it would have to stand.
        needed: Lifecycle,
    },
    /// A run is not in the state that the call needs.
    #[error("run `{run}` is {state}, it must be {needed}")]
    RunState {
        /// The run.
        run: RunId,
        /// How it stands.
        state: Lifecycle,
        /// How it would have to stand.
        needed: Lifecycle,
    },
    /// Another run has the identity.
    #[error("run `{run}` already exists")]
    RunExists {
        /// The identity.
        run: RunId,
    },
    /// The name of a run and its tag `mlflow.runName` differ.
    #[error("the run is to be named `{name}` and its tag `mlflow.runName` says `{tag}`")]
    TwoNames {
        /// The name, cut to a readable length.
        name: String,
        /// The tag, cut to a readable length.
        tag: String,
    },
    /// There is no such logged model, or it is deleted.
    #[error("logged model `{model}` does not exist")]
    UnknownLoggedModel {
        /// The model that was asked for.
        model: LoggedModelId,
    },
    /// Another logged model has the identity.
    #[error("logged model `{model}` already exists")]
    LoggedModelExists {
        /// The identity.
        model: LoggedModelId,
    },
    /// A param of a logged model is written once, and holds something else already.
    #[error("param `{param}` of logged model `{model}` is written already")]
    LoggedModelParam {
        /// The model.
        model: LoggedModelId,
        /// The param.
        param: String,
    },
    /// There is no such tag.
    #[error("{owner} has no tag `{tag}`")]
    UnknownTag {
        /// Whose tag, for instance "run `…`".
        owner: String,
        /// The tag.
        tag: String,
    },
    /// There is no such artifact.
    #[error("{owner} has no artifact `{artifact}`")]
    UnknownArtifact {
        /// Whose artifact, for instance "run `…`".
        owner: String,
        /// The path that was asked for.
        artifact: String,
    },
    /// An artifact is a file where a directory is needed, or the other way round.
    #[error("artifact `{artifact}` of {owner} cannot be kept: `{other}` is a file there")]
    ArtifactInTheWay {
        /// Whose artifact.
        owner: String,
        /// The path that was given.
        artifact: String,
        /// The path that it collides with.
        other: String,
    },
    /// A batch names the same param twice.
    #[error("param `{param}` is given twice in one batch")]
    DuplicateParam {
        /// The param.
        param: String,
    },
    /// A call carries more than it may.
    #[error("{count} {what} were given, at most {limit} are allowed in one call")]
    TooMany {
        /// Of what, in the plural.
        what: &'static str,
        /// How many.
        count: usize,
        /// The greatest number.
        limit: usize,
    },
    /// A value is out of its range.
    #[error("{what} is not valid: {reason}")]
    InvalidValue {
        /// Which value, for instance "the time of metric `loss`".
        what: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A filter, an ordering or a grouping does not parse or asks for what is not offered.
    #[error("{part} `{text}` is not valid: {reason}")]
    InvalidSearch {
        /// Which part of the search, for instance `filter`.
        part: &'static str,
        /// The text, cut to a readable length.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A page token is not one that this search gave.
    #[error("the page token is not valid: {reason}")]
    InvalidPageToken {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A logger does not take any more.
    #[error("the logger of run `{run}` is closed")]
    LoggerClosed {
        /// The run.
        run: RunId,
    },
    /// There is no upload of that identity, or it was given up.
    #[error("upload `{upload}` does not exist")]
    UnknownUpload {
        /// The upload that was asked for.
        upload: Uuid,
    },
    /// A part of an upload is not what the upload needs.
    #[error("part {part} of upload `{upload}`: {reason}")]
    UploadPart {
        /// The upload.
        upload: Uuid,
        /// The part, counted from 1.
        part: u32,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// What a logger took could not be written, and there is no journal to keep it.
    #[error("{lost} entries of run `{run}` were not written: {reason}")]
    NotLogged {
        /// The run.
        run: RunId,
        /// How many entries are lost.
        lost: usize,
        /// What the backend said.
        reason: String,
    },
    /// The journal of a logger cannot be written or read.
    #[error("could not {action} the journal `{path}`")]
    Journal {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's own error.
        source: std::io::Error,
    },
    /// The log of experiments, of a run or of a logged model did not answer, or is not what was written.
    #[error("the log `{log}` of tracking cannot be used")]
    Log {
        /// The log, for instance `runs/…`, below the location of the runs.
        log: String,
        /// What the store says; shared by all whose writes were to be in one entry.
        source: Arc<StoreError>,
    },
    /// Others wrote to a log again and again, each time just before this call could.
    #[error("the log `{log}` of tracking was written to by others {attempts} times in a row")]
    Contended {
        /// The log.
        log: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// A database cannot be the index of the runs at a location.
    #[error("the database cannot be the index of the runs at `{location}`: {reason}")]
    NotAnIndex {
        /// The location.
        location: String,
        /// What the database is instead.
        reason: &'static str,
    },
    /// A file is no journal of a logger, or of a newer build.
    #[error("`{path}` is no journal that can be read: {reason}")]
    NotAJournal {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        reason: &'static str,
    },
}

impl TrackingError {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownExperimentId { .. }
            | Self::UnknownLoggedModel { .. }
            | Self::UnknownTag { .. }
            | Self::UnknownUpload { .. }
            | Self::UnknownArtifact { .. } => ErrorKind::NotFound,
            Self::ExperimentExists { .. }
            | Self::ExperimentState { .. }
            | Self::RunState { .. }
            | Self::RunExists { .. }
            | Self::LoggedModelExists { .. }
            | Self::LoggedModelParam { .. }
            | Self::ArtifactInTheWay { .. }
            | Self::NotAnIndex { .. }
            | Self::LoggerClosed { .. } => ErrorKind::Conflict,
            Self::TwoNames { .. }
            | Self::DuplicateParam { .. }
            | Self::TooMany { .. }
            | Self::UploadPart { .. }
            | Self::InvalidValue { .. }
            | Self::InvalidSearch { .. }
            | Self::InvalidPageToken { .. } => ErrorKind::Invalid,
            // whoever writes to a run has neither the bucket's rights nor its history in his hands
            Self::Log { source, .. } => match **source {
                StoreError::TooLarge { .. } => ErrorKind::Invalid,
                _ if source.kind() == ErrorKind::Corrupt => ErrorKind::Corrupt,
                _ => ErrorKind::Unavailable,
            },
            Self::Contended { .. } | Self::NotLogged { .. } | Self::Journal { .. } => {
                ErrorKind::Unavailable
            }
            Self::NotAJournal { .. } => ErrorKind::Corrupt,
        }
    }
}
