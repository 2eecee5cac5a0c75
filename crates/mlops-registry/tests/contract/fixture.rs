//! What the cases share: a small model package, evidence, and a registry in a directory.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsStr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use mlops_core::{
    AliasName, Clock, Digest, EventTime, Lineage, ManualClock, ModelName, SystemClock,
    VersionNumber,
};
use mlops_model::{
    Estimator, Linear, Link, ModelPackage, ModelSpec, Output, Preprocess, Signature,
};
use mlops_registry::{
    Gate, GateEvidence, ModelVersion, Promotion, RegisteredModel, Registry, Result,
};
use mlops_store::{Location, Objects};
use tempfile::TempDir;

/// A model that answers one constant; another number makes another package.
pub(crate) fn package(number: u32) -> ModelPackage {
    let signature = Signature::new([], Output::Number).unwrap();
    let preprocess = Preprocess::new(&signature, vec![]).unwrap();
    let constant = Linear {
        weights: vec![],
        bias: vec![f64::from(number)],
        link: Link::Identity,
    };
    let spec = ModelSpec::new(signature, preprocess, Estimator::Linear(constant)).unwrap();
    ModelPackage::builder(spec)
        .created(EventTime::from_seconds(0))
        .build()
        .unwrap()
}

pub(crate) fn metrics(values: &[(&str, f64)]) -> BTreeMap<String, f64> {
    values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect()
}

/// Evidence in favour of the candidate.
pub(crate) fn evidence(champion: Option<VersionNumber>) -> GateEvidence {
    GateEvidence {
        data: Digest::of(b"test rows"),
        rows: 1_000,
        champion,
        candidate_metrics: metrics(&[("pr_auc", 0.8)]),
        champion_metrics: metrics(&[("pr_auc", 0.7)]),
        baseline_metrics: BTreeMap::new(),
    }
}

pub(crate) fn gate() -> Gate {
    Gate::no_worse_than_champion("pr_auc", 0.005)
}

pub(crate) fn name(model: &str) -> ModelName {
    ModelName::new(model).unwrap()
}

pub(crate) fn alias(alias: &str) -> AliasName {
    AliasName::new(alias).unwrap()
}

/// A clock that stands still at second 1000.
pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(EventTime::from_seconds(1_000)))
}

pub(crate) fn open(directory: &Path) -> Result<Registry> {
    Registry::open(url(directory))
}

pub(crate) fn url(directory: &Path) -> String {
    format!("sqlite://{}", directory.join("mlops.db").display())
}

pub(crate) fn in_directory() -> (TempDir, Registry) {
    let directory = tempfile::tempdir().unwrap();
    let registry = open(directory.path()).unwrap();
    (directory, registry)
}

pub(crate) fn in_memory(clock: Arc<dyn Clock>) -> Registry {
    Registry::builder("memory://").clock(clock).open().unwrap()
}

/// A registry in memory whose models lie in a commit log each, in memory too.
pub(crate) fn on_objects(clock: Arc<dyn Clock>) -> Registry {
    let location = Objects::new().locate("memory://registry").unwrap();
    let builder = Registry::builder("memory://").models_at(location);
    builder.clock(clock).open().unwrap()
}

/// A machine with an index of its own, in memory, of what lies at a location.
pub(crate) fn machine(location: &Location, clock: Arc<dyn Clock>) -> Registry {
    let builder = Registry::builder("memory://").at(location.clone());
    builder.clock(clock).open().unwrap()
}

/// A location in a memory of its own.
pub(crate) fn somewhere() -> Location {
    Objects::new().locate("memory://registry").unwrap()
}

/// A machine whose index and store lie in a directory.
pub(crate) fn shared_in(directory: &Path) -> Registry {
    let builder = Registry::builder(url(directory)).at(Location::file(directory.join("shared")));
    builder.open().unwrap()
}

/// Runs a case on every backend: SQLite in memory and in a file, and what may lie on an object store there: the
/// models or everything, in memory and in a directory.
pub(crate) fn on_every_backend(case: impl Fn(Registry)) {
    with_every_backend(&Arc::new(SystemClock), case);
}

/// Runs a case on every backend by a clock.
pub(crate) fn with_every_backend<C: Clock + 'static>(clock: &Arc<C>, case: impl Fn(Registry)) {
    let clock: Arc<dyn Clock> = clock.clone();
    case(in_memory(clock.clone()));
    case(on_objects(clock.clone()));
    case(machine(&somewhere(), clock.clone()));
    let of_directory =
        |directory: &TempDir| Registry::builder(url(directory.path())).clock(clock.clone());
    let directory = tempfile::tempdir().unwrap();
    case(of_directory(&directory).open().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let location = Location::file(directory.path().join("shared"));
    case(of_directory(&directory).at(location).open().unwrap());
}

pub(crate) fn register(model: &RegisteredModel, number: u32) -> ModelVersion {
    model
        .register(&package(number), None, &Lineage::default(), "")
        .unwrap()
}

/// A model `churn` with so many versions, none of them promoted.
pub(crate) fn with_versions(registry: &Registry, versions: u32) -> RegisteredModel {
    let model = registry.model("churn").unwrap();
    for number in 1..=versions {
        assert_eq!(register(&model, number).version, number);
    }
    model
}

/// Promotes a version against the champion of the moment.
pub(crate) fn promote(
    model: &RegisteredModel,
    registry: &Registry,
    version: VersionNumber,
) -> Promotion {
    let champion = model.champion().unwrap().map(|version| version.version);
    registry
        .promote(model.name(), version, &gate(), &evidence(champion))
        .unwrap()
}

/// These tests again in a child, which runs one that is ignored, in a directory and with its work in a variable.
pub(crate) fn child(
    test: &str,
    directory: &Path,
    (variable, work): (&str, impl AsRef<OsStr>),
    stdout: Stdio,
) -> Child {
    Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            test,
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .current_dir(directory)
        .env(variable, work)
        .stdout(stdout)
        .spawn()
        .unwrap()
}

/// How often a test kills its child: the number in the variable, where it is set, as in
/// `MLOPS_KILL_ROUNDS=1000 cargo test --release -p mlops-registry --test contract kill`.
pub(crate) fn rounds(usual: usize) -> usize {
    let said = env::var_os("MLOPS_KILL_ROUNDS");
    said.map_or(usual, |rounds| rounds.to_str().unwrap().parse().unwrap())
}
