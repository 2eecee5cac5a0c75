//! Experiment tracking and a model registry: from a run to the version that serves, with gates, sign-offs and
//! an audit trail, in one SQLite file or on an object store that machines share.
//!
//! ```
//! # use std::collections::BTreeMap;
//! # use mlops_core::{Digest, Lineage};
//! # use mlops_model::{Estimator, Linear, Link, ModelPackage, ModelSpec, Output, Preprocess, Signature};
//! # let signature = Signature::new([], Output::Probability { positive: "churned".into() })?;
//! # let preprocess = Preprocess::new(&signature, vec![])?;
//! # let constant = Linear { weights: vec![], bias: vec![-1.0], link: Link::Logit };
//! # let spec = ModelSpec::new(signature, preprocess, Estimator::Linear(constant))?;
//! # let package = ModelPackage::builder(spec).build()?;
//! use mlops_registry::{Gate, GateEvidence, Registry, RunStatus};
//!
//! let registry = Registry::memory()?; // or Registry::open("sqlite://mlops.db")?
//! let run = registry.experiment("churn")?.start_run("boosting")?;
//! run.log_param("trees", 300)?;
//! run.log_metric("pr_auc", 0.81, 0)?;
//! let run = run.finish(RunStatus::Finished)?;
//!
//! let model = registry.model("churn")?;
//! let version = model.register(&package, Some(&run.id), &Lineage::default(), "first")?;
//! let evidence = GateEvidence {
//!     data: Digest::of(b"test rows"),
//!     rows: 1_000,
//!     champion: None,
//!     candidate_metrics: run.metrics,
//!     champion_metrics: BTreeMap::new(),
//!     baseline_metrics: BTreeMap::from([("pr_auc".into(), 0.3)]),
//! };
//! let gate = Gate::no_worse_than_champion("pr_auc", 0.005);
//! registry.promote(model.name(), version.version, &gate, &evidence)?;
//!
//! assert_eq!(registry.resolve("churn@production")?.version, 1);
//! # registry.verify_audit()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The types and how they relate
//!
//! ```text
//! Registry ─▶ Experiment ─▶ Run: params, metric histories, tags, artifacts
//!    │                       │ RunId
//!    └─▶ RegisteredModel ─▶ ModelVersion: package by digest, signature, Lineage
//!             │ aliases       │ Stage: None ─▶ Staging ─▶ Production ─▶ Archived
//!             ▼               ▼
//!        Reference        Gate + GateEvidence ─promote▶ Promotion, AuditEntry ─▶ Anchor
//!                         Policy ─▶ TransitionRequest ─approve, complete▶ ModelVersion
//! ```
//!
//! - [`Registry`]: the file and the artifacts beside it; cheap to clone, safe from threads and processes.
//! - [`Run`] and [`RunInfo`]: what was tried, while it goes on and afterwards.
//! - [`Tracking`]: the same experiments and runs by identity, with MLflow's rules, for servers and importers:
//!   lifecycles, batches, datasets, logged models, artifacts, search.
//! - [`Logger`]: a queue before a run, so that training never waits for the registry.
//! - [`RegisteredModel`] and [`ModelVersion`]: what may serve.
//! - [`Gate`], [`GateEvidence`], [`Promotion`]: how a version gets to serve, and on what grounds.
//! - [`Policy`], [`TransitionRequest`], [`Evidence`]: who may do what, and what a transition needs.
//! - [`AuditEntry`] and [`Anchor`]: who did what, chained by digests, and the ends of the chains kept elsewhere.
//!
//! # Recipes
//!
//! - Serve what is promoted: [`Registry::resolve`] `"churn@production"`, then [`Registry::load`]; poll
//!   [`Registry::generation`] and resolve again when it has grown.
//! - Two trainers, one champion: both promote with the champion that they compared with; the second gets
//!   [`Error::StaleEvidence`], measures against the new champion and tries again.
//! - Go back to an older version: promote it again, with evidence against the present champion.
//! - Take a model out of service: [`Registry::transition`] its champion to [`Stage::Archived`].
//! - Register what is no package of ours: [`RegisteredModel::register_version`] with [`NewVersion::source`] or
//!   [`NewVersion::tree`].
//! - Ask for sign-offs: [`Registry::set_policy`] once; then [`Registry::request`], [`Registry::approve`] by each,
//!   [`Registry::complete`].
//! - Look at two versions: [`RegisteredModel::compare`].
//! - Share everything among machines: [`RegistryBuilder::at`] a location in S3; or only the models:
//!   [`RegistryBuilder::models_at`].
//! - Look at the trail from its end: [`Registry::recent_audit`]; see what a request still misses:
//!   [`Registry::prospects`].
//! - Prove the trail to somebody else: [`Registry::export_audit`], an [`Anchor`] from before, [`verify_export`].
//! - Free the disk: [`Registry::collect_garbage`], first as a dry run.
//! - Come from MLflow: [`MlflowImport`] of a database or of a running server, as often as it takes; and go back:
//!   [`Registry::export_experiments`], [`Registry::export_runs`], [`Registry::export_models`].
//! - Close the runs of a killed process: [`Registry::end_run`] with [`RunStatus::Killed`]; or let loggers beat
//!   ([`LoggerOptions::heartbeat`]) and call [`Tracking::end_abandoned`].
//! - Find runs: [`Tracking::search_runs`] with MLflow's filters, [`Tracking::query_runs`] with `OR`, parentheses and
//!   params that are numbers, [`Tracking::group_runs`] for a table of means.
//! - Log from a training loop: [`Run::logger`], and [`Logger::flush`] where an acknowledgement is wanted.
//! - Many threads or requests at once: call [`Tracking::log_batch`] from each; they share transactions.
//!
//! # What is durable when
//!
//! What a call acknowledged survives a killed process; what a [`Logger`] took is acknowledged by its flush. It
//! survives a power cut too, unless the registry was opened with [`Durability::Normal`], which gives up the last
//! moments of runs, and of runs only. Beside the database lies its write-ahead log of some 4 MiB, which a thread
//! copies into the database while others write. A promotion is one transaction: after a crash the old champion serves, or the new one.
//! On an object store it is one object, which is created or not there; what the store did not answer clearly is asked
//! again, and [`Error::Log`] says where it never did, or [`TrackingError::Log`] of experiments and runs: such a write
//! may be there, or come. Params, points, tags and numbered batches may be written again.
//!
//! # Policies on an object store
//!
//! In SQLite the policy is read in the transaction that it decides on. On an object store it has a log of its own:
//! a commit that is under way while the policy changes may still be decided by the one before, and its evidence
//! names the policy that it was decided by.
//!
//! # What this crate does not do
//!
//! It trains nothing and speaks no HTTP. A name is a name: who acts is what the caller says, and whoever can write
//! the file or the bucket is bound by no policy. On an object store MLflow's databases and servers are not imported; a
//! registry in SQLite is not moved to one. SQLite needs a local file system: over NFS neither its locks nor its
//! write-ahead log are safe.
//!
//! # Features
//!
//! | feature | brings | costs |
//! | --- | --- | --- |
//! | `sign` | trusted signatures in policies, signed anchors | p256 and cosign's key files, plain Rust |
//! | `encryption` | secrets of webhooks, encrypted with a key of the operator's | ring: C and assembly |
//!
//! # Errors
//!
//! [`Error`] names the experiment, run, model, version, alias or metric; [`Error::kind`] says what to
//! do about it: `Conflict` for a lost race, `Denied` for a gate's no, `Corrupt` for damaged artifacts.

mod alias;
mod audit;
mod backend;
mod catalogue;
mod change;
mod checkpoint;
mod compare;
mod database;
mod error;
mod experiment;
mod export;
mod gate;
mod gc;
mod governance;
mod group_commit;
mod import;
mod key;
mod metric;
mod model;
mod new_version;
mod number;
mod options;
mod pinned;
mod promotion;
mod reference;
mod registry;
mod run;
mod run_info;
mod schema;
mod search;
mod signature;
mod stage;
mod state;
mod tracking;
mod version;
mod version_edit;
mod webhook;
mod writer;

#[cfg(feature = "sign")]
pub use audit::SignedAnchor;
pub use audit::{
    Action, Anchor, AnchoredHead, AuditEntry, AuditPage, ExportedTrail, verify_export,
};
pub use compare::{Comparison, MetricSide, Side};
pub use error::{DatabaseError, Error, GovernanceError, Result};
pub use experiment::{Experiment, ExperimentInfo};
pub use export::{
    ExportError, ExportReport, MlflowRefusal, MlflowRequest, MlflowServer, MlflowVerb,
};
pub use gate::{Check, Gate, GateDecision, GateEvidence, Rule};
pub use governance::{
    Approval, DriftEvidence, Evidence, Finding, Grant, Interval, Pattern, Policy, ProtectedAlias,
    RequestState, Requirements, SignatureRule, TransitionRequest, TransitionRule, Verdict,
};
pub use import::{ImportCount, ImportError, ImportNote, ImportReport, MlflowImport};
pub use metric::MetricPoint;
pub use model::{ModelInfo, RegisteredModel};
pub use new_version::{Content, NewVersion, ParentVersion, VersionStatus};
pub use options::{Durability, RegistryBuilder};
pub use pinned::Registrations;
pub use promotion::Promotion;
pub use reference::Reference;
pub use registry::Registry;
pub use run::Run;
pub use run_info::{RunId, RunInfo, RunStatus};
pub use search::{
    Aggregate, Attribute, Condition, DatasetFilter, ExperimentSearch, Filter, Group, GroupQuery,
    LoggedModelSearch, ModelOrdering, ModelSearch, Ordered, Page, RunQuery, RunSearch, Searchable,
    Subject, page_of,
};
pub use stage::{Occupants, Stage};
pub use tracking::{
    Activity, ArtifactEntry, ArtifactOwner, Batch, Dataset, DatasetInput, DatasetName,
    ExperimentId, ExperimentName, ExperimentRecord, Flushed, HistoryPage, Lifecycle, LoggedModel,
    LoggedModelId, LoggedModelStatus, Logger, LoggerOptions, Metric, ModelMetric, ModelOutput,
    NewExperiment, NewLoggedModel, NewRun, RunRecord, RunUpdate, Tracking, TrackingError, Upload,
    View, WhenFull, limits,
};
pub use version::ModelVersion;
#[cfg(feature = "encryption")]
pub use webhook::SecretKeys;
pub use webhook::{Delivery, NewWebhook, Webhook, WebhookEvent, WebhookUpdate};
