//! What can go wrong in the registry, by name: which experiment, run, model, version, alias, metric.
//!
//! The variants stand here, those of governance in `governance.rs`, what a caller can do about each in `kind.rs`, and the database's own error type
//! stays private behind [`DatabaseError`] in `database.rs`.

mod database;
mod governance;
mod kind;

use std::path::PathBuf;

use mlops_core::{AliasName, Digest, ModelName, Uuid, VersionNumber};

use crate::{
    Content, ExperimentName, ExportError, GateDecision, ImportError, RunId, RunStatus, Stage,
    TrackingError,
};

pub use database::DatabaseError;
pub(crate) use database::{During, stored};
pub use governance::GovernanceError;

/// An error of the registry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name or another noun is not valid.
    #[error(transparent)]
    Core(#[from] mlops_core::Error),
    /// Tracking by identity says no.
    #[error(transparent)]
    Tracking(#[from] TrackingError),
    /// An import fails.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// An export to a server of MLflow fails.
    #[error(transparent)]
    Mlflow(#[from] ExportError),
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
    /// There are more of something than there may be.
    #[error("there are {found} {what}, {limit} are allowed")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// There is no such webhook.
    #[error("webhook `{webhook}` does not exist")]
    UnknownWebhook {
        /// The webhook that was asked for.
        webhook: Uuid,
    },
    /// The secret of a webhook cannot be kept or used, for want of a key.
    #[error("the secret of webhook `{webhook}` cannot be used: {reason}")]
    SecretKey {
        /// The webhook.
        webhook: Uuid,
        /// What is wanting.
        reason: &'static str,
    },
    /// A model of that name, or of one that is hard to tell from it, is there already.
    #[error("model `{model}` cannot be made: `{existing}` already exists")]
    ModelExists {
        /// The name that was asked for.
        model: ModelName,
        /// The name that is taken.
        existing: ModelName,
    },
    /// A name that the registry keeps for itself.
    #[error("model name `{model}` is kept for the registry itself")]
    ReservedName {
        /// The name.
        model: ModelName,
    },
    /// The artifact store has no such tree.
    #[error("the artifacts of model `{model}` hold no tree `{manifest}`")]
    UnknownTree {
        /// The model that was to get a version.
        model: ModelName,
        /// The digest that was asked for.
        manifest: Digest,
    },
    /// The commit log of a model did not answer, or is not what was written.
    #[error("the log of model `{model}` cannot be used")]
    Log {
        /// The model.
        model: ModelName,
        /// What the store says.
        source: Box<mlops_store::Error>,
    },
    /// Others changed a model again and again, each time just before this call could.
    #[error("model `{model}` was changed by others {attempts} times in a row")]
    Contended {
        /// The model.
        model: ModelName,
        /// How often it was tried.
        attempts: u32,
    },
    /// Understood, and not offered here.
    #[error("{what} is not offered {place}")]
    Unsupported {
        /// What was asked for.
        what: &'static str,
        /// Where it is not offered.
        place: &'static str,
    },
    /// A version or a model that is in use cannot be deleted.
    #[error("version {version} of model `{model}` cannot be deleted: {reason}")]
    InUse {
        /// The model.
        model: ModelName,
        /// The version.
        version: VersionNumber,
        /// What it is used for.
        reason: &'static str,
    },
    /// A version that is no package of ours cannot be loaded.
    #[error(
        "version {version} of model `{model}` is a {content} and no package that can be loaded"
    )]
    NoPackage {
        /// The model.
        model: ModelName,
        /// The version.
        version: VersionNumber,
        /// What it is instead.
        content: Content,
    },
    /// The policy of the registry, or a request under it, says no.
    #[error(transparent)]
    Governance(#[from] GovernanceError),
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
    /// A chain of the audit trail was cut or written anew since the anchor was taken.
    #[error("{chain} is not the one that was anchored: {reason}")]
    AnchorBroken {
        /// Which chain, or the anchor itself.
        chain: String,
        /// What does not fit.
        reason: String,
    },
    /// An anchor is not signed by the key that was given.
    #[error("the anchor is not to be trusted")]
    AnchorUntrusted {
        /// What speaks against the signature.
        source: Box<mlops_model::Error>,
    },
    /// An exported trail could not be written or read.
    #[error("the exported audit trail could not be written or read")]
    Export {
        /// The system's own error.
        source: std::io::Error,
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
    /// Something was written, and the disk did not confirm it: a power cut may take it away. To write it again is safe.
    #[error("`{}` was written and may not be on the disk", path.display())]
    Flush {
        /// The file that was not flushed.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
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

fn champion_text(version: Option<&VersionNumber>) -> String {
    version.map_or_else(
        || "no champion".into(),
        |version| format!("version {version}"),
    )
}

/// The head of a text, for messages.
pub(crate) fn cut(text: &str) -> String {
    const READABLE: usize = 80;
    text.chars().take(READABLE).collect()
}
