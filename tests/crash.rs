//! kill -9 in the middle of promotions: the endpoint goes on answering, and what it answers with is the champion.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeMap,
    env,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use mlops::{
    core::{Digest, Lineage, ModelName, Seed, Value},
    model::{
        Estimator, Input, InputKind, Linear, Link, ModelPackage, ModelSpec, Output, Preprocess,
        Signature,
    },
    prelude::*,
    registry::GateEvidence,
};

const MODEL: &str = "churn";
/// Set in the child: the folder of the registry that it promotes in until it is killed.
const CHILD: &str = "MLOPS_CRASH_TEST_FOLDER";
const ROUNDS: u64 = 12;

fn registry(folder: &Path) -> Registry {
    Registry::open(format!("sqlite://{}", folder.join("mlops.db").display())).unwrap()
}

/// A model that answers the same number whatever it is asked.
fn constant(answer: f64) -> ModelPackage {
    let output = Output::Probability {
        positive: "churned".into(),
    };
    let signature = Signature::new([Input::new("orders", InputKind::Int)], output).unwrap();
    let preprocess = Preprocess::new(&signature, vec![]).unwrap();
    let linear = Linear {
        weights: vec![],
        bias: vec![answer],
        link: Link::Identity,
    };
    let spec = ModelSpec::new(signature, preprocess, Estimator::Linear(linear)).unwrap();
    ModelPackage::builder(spec).build().unwrap()
}

/// Version `n` answers `n / 10`.
fn answer_of(version: u32) -> f64 {
    f64::from(version) / 10.0
}

fn promote_the_other(registry: &Registry) {
    let model = ModelName::new(MODEL).unwrap();
    let champion = registry
        .model(MODEL)
        .unwrap()
        .champion()
        .unwrap()
        .map(|c| c.version);
    let evidence = GateEvidence {
        data: Digest::of(b"test rows"),
        rows: 1,
        champion,
        candidate_metrics: BTreeMap::new(),
        champion_metrics: BTreeMap::new(),
        baseline_metrics: BTreeMap::new(),
    };
    let other = if champion == Some(1) { 2 } else { 1 };
    registry
        .promote(&model, other, &Gate::open(), &evidence)
        .unwrap();
}

/// What the child does: promotes back and forth until it is killed.
#[test]
fn child_that_promotes_until_it_is_killed() {
    let Some(folder) = env::var_os(CHILD) else {
        return;
    };
    let registry = registry(Path::new(&folder));
    loop {
        promote_the_other(&registry);
    }
}

fn start_child(folder: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "child_that_promotes_until_it_is_killed",
            "--nocapture",
        ])
        .env(CHILD, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn the_endpoint_serves_on_while_promoters_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(folder.path());
    for version in [1, 2] {
        let package = constant(answer_of(version));
        let model = registry.model(MODEL).unwrap();
        let registered = model
            .register(&package, None, &Lineage::default(), "constant")
            .unwrap();
        assert_eq!(registered.version, version);
    }
    promote_the_other(&registry);
    let endpoint = Endpoint::open(&registry, &format!("{MODEL}@production")).unwrap();
    let ask = || endpoint.predict_row([("orders", Value::Int(3))]).unwrap();

    let mut rng = Seed(9).rng();
    let mut promotions = registry.audit(None).unwrap().len();
    for _ in 0..ROUNDS {
        let mut child = start_child(folder.path());
        // wait until it promotes, then let it get into the middle of something
        let before = promotions;
        while promotions == before {
            promotions = registry.audit(None).unwrap().len();
        }
        thread::sleep(Duration::from_micros(rng.next_u64() % 20_000));
        let during = ask();
        assert_eq!(during.prediction, answer_of(during.version));
        child.kill().unwrap();
        child.wait().unwrap();

        // what was serving still serves, before anything is looked up again
        let after = ask();
        assert_eq!(after.prediction, answer_of(after.version));
        registry.verify_audit().unwrap();
        let champion = registry.model(MODEL).unwrap().champion().unwrap().unwrap();
        endpoint.refresh().unwrap();
        assert_eq!(ask().version, champion.version);
        let production = registry.model(MODEL).unwrap().versions().unwrap();
        let production = production
            .iter()
            .filter(|v| v.stage == Stage::Production)
            .count();
        assert_eq!(production, 1);
        promotions = registry.audit(None).unwrap().len();
    }
}
