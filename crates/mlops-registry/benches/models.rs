//! How fast models are found and changed: by alias among many, by version, promotions, new versions, on SQLite and
//! on an object store in memory.
//!
//! `cargo bench -p mlops-registry --bench models -- [MODELS]`. Each of 10,000 models has a version with an alias. What
//! is asked for at random is read from the storage as a rule; what is asked for again comes from memory, once the
//! storage has said that it is still so. Changes of models in a file are flushed to its disk, each of them.

#![expect(clippy::print_stdout, reason = "it reports on standard output")]

use std::collections::BTreeMap;

use mlops_core::{AliasName, Digest, EventTime, Lineage, ModelName, Rng, Seed, Stopwatch};
use mlops_model::{
    Estimator, Linear, Link, ModelPackage, ModelSpec, Output, Preprocess, Signature,
};
use mlops_registry::{Gate, GateEvidence, NewVersion, Registry};
use mlops_store::Objects;

const READS: usize = 20_000;
const WRITES: usize = 500;

fn main() {
    let models = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(10_000);
    let directory = tempfile::tempdir().expect("a directory for the bench");
    let url = format!("sqlite://{}", directory.path().join("mlops.db").display());
    run(
        "SQLite, on disk",
        &Registry::open(url).expect("a new registry"),
        models,
    );
    let location = Objects::new()
        .locate("memory://bench")
        .expect("a place in memory");
    let registry = Registry::builder("memory://").models_at(location);
    run(
        "objects in memory",
        &registry.open().expect("a new registry"),
        models,
    );
}

fn run(name: &str, registry: &Registry, models: usize) {
    println!("{name}, {models} models");
    let alias = AliasName::new("live").expect("an alias");
    let names: Vec<ModelName> = (0..models)
        .map(|at| ModelName::new(format!("model-{at}")).expect("a name"))
        .collect();
    let watch = Stopwatch::start();
    for model in &names {
        let model = registry.model(model.as_str()).expect("the model");
        let version = NewVersion::source("runs:/0123/model");
        let version = model.register_version(version).expect("a version");
        model.set_alias(&alias, version.version).expect("the alias");
    }
    let made = watch.elapsed().as_secs_f64() / (2 * models) as f64;
    println!(
        "  {:<44} {:>9.1} µs",
        "a change, while they are made",
        made * 1e6
    );
    let mut rng = Seed(1).rng();
    let references: Vec<String> = names.iter().map(|name| format!("{name}@live")).collect();
    times("by alias, any model", READS, || {
        let at = rng.below(models);
        registry.resolve(&references[at]).expect("the version");
    });
    times("by alias, the same model", READS, || {
        registry.resolve(&references[0]).expect("the version");
    });
    times("by number, any model", READS, || {
        let reference = format!("{}/1", names[rng.below(models)]);
        registry.resolve(&reference).expect("the version");
    });
    // an object store has to be asked for every model
    times("has anything changed", READS / 200, || {
        registry.generation().expect("a number");
    });
    changes(registry, &alias, &mut rng);
}

fn changes(registry: &Registry, alias: &AliasName, rng: &mut Rng) {
    let model = registry.model("churn").expect("the model");
    let mut number = 0;
    times("register a version, a source", WRITES, || {
        let version = NewVersion::source("runs:/0123/model").tag("k", "v");
        number = model.register_version(version).expect("a version").version;
    });
    times("set an alias", WRITES, || {
        let to = u32::try_from(1 + rng.below(number as usize)).expect("a number");
        model.set_alias(alias, to).expect("the alias");
    });
    let packages = [1, 2].map(|at| {
        let registered = model.register(&package(at), None, &Lineage::default(), "");
        registered.expect("a version").version
    });
    let gate = Gate::no_worse_than_champion("auc", 0.0);
    let mut champion = None;
    times("promote, with gate, package and trail", WRITES, || {
        let next = packages[usize::from(champion == Some(packages[0]))];
        let metrics = BTreeMap::from([("auc".to_owned(), 0.8)]);
        let evidence = GateEvidence {
            data: Digest::of(b"test rows"),
            rows: 1_000,
            champion,
            candidate_metrics: metrics.clone(),
            champion_metrics: metrics,
            baseline_metrics: BTreeMap::new(),
        };
        let promoted = registry.promote(model.name(), next, &gate, &evidence);
        champion = Some(promoted.expect("a promotion").version);
    });
}

/// A model that answers one constant.
fn package(constant: u32) -> ModelPackage {
    let signature = Signature::new([], Output::Number).expect("a signature");
    let preprocess = Preprocess::new(&signature, vec![]).expect("nothing to prepare");
    let linear = Linear {
        weights: vec![],
        bias: vec![f64::from(constant)],
        link: Link::Identity,
    };
    let spec = ModelSpec::new(signature, preprocess, Estimator::Linear(linear));
    ModelPackage::builder(spec.expect("a model"))
        .created(EventTime::from_seconds(0))
        .build()
        .expect("a package")
}

/// The median and the 99th percentile of the calls.
fn times(name: &str, calls: usize, mut call: impl FnMut()) {
    let mut times: Vec<f64> = (0..calls)
        .map(|_| {
            let watch = Stopwatch::start();
            call();
            watch.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let (median, late) = (times[calls / 2], times[calls * 99 / 100]);
    println!("  {name:<44} {median:>9.1} µs, p99 {late:>9.1} µs");
}
