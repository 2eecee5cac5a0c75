//! Models on S3: several machines share them, and a server that errs loses nothing that was acknowledged.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Barrier,
    thread,
    time::Duration,
};

use mlops_core::{AliasName, Digest, ErrorKind, EventTime, Lineage, ModelName};
use mlops_interop_s3::{Faults, Server};
use mlops_model::{
    Estimator, Linear, Link, ModelPackage, ModelSpec, Output, Preprocess, Signature,
};
use mlops_registry::{Error, Gate, GateEvidence, NewVersion, Registry};
use mlops_store::Objects;

fn server(root: &Path) -> Server {
    Server::with_bucket(root, "shared")
}

/// A machine of its own: its own connections, its own database for runs, the same models.
fn machine(server: &Server, timeout: Duration, retries: usize) -> Registry {
    let settings = server.settings().retries(retries).timeout(timeout);
    let objects = Objects::new().with_s3(settings);
    let location = objects.locate("s3://shared/registry").unwrap();
    let builder = Registry::builder("memory://").models_at(location);
    builder.open().unwrap()
}

fn package(number: u32) -> ModelPackage {
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

fn evidence(champion: Option<u32>) -> GateEvidence {
    let metrics = |value| BTreeMap::from([("pr_auc".to_owned(), value)]);
    GateEvidence {
        data: Digest::of(b"rows"),
        rows: 100,
        champion,
        candidate_metrics: metrics(0.8),
        champion_metrics: metrics(0.7),
        baseline_metrics: BTreeMap::new(),
    }
}

const PATIENT: Duration = Duration::from_secs(10);

#[test]
fn what_one_machine_registers_and_promotes_another_loads() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let one = machine(&server, PATIENT, 0);
    let two = machine(&server, PATIENT, 0);
    let model = one.model("Churn Modell").unwrap();
    for number in 1..=2 {
        let lineage = Lineage::default();
        model
            .register(&package(number), None, &lineage, "")
            .unwrap();
    }
    let generation = two.generation().unwrap();
    let gate = Gate::no_worse_than_champion("pr_auc", 0.0);
    one.promote(model.name(), 1, &gate, &evidence(None))
        .unwrap();
    let champion = two.resolve("Churn Modell@production").unwrap();
    assert_eq!(champion.version, 1);
    assert!(two.generation().unwrap() > generation);
    let loaded = two.load(&champion.model, champion.version).unwrap();
    assert_eq!(loaded.digest(), package(1).digest());
    two.promote(model.name(), 2, &gate, &evidence(Some(1)))
        .unwrap();
    assert_eq!(model.champion().unwrap().unwrap().version, 2);
    let stale = one.promote(model.name(), 1, &gate, &evidence(Some(1)));
    assert!(matches!(stale.unwrap_err(), Error::StaleEvidence { .. }));
    let canary = AliasName::new("canary").unwrap();
    model.set_alias(&canary, 1).unwrap();
    for value in 0..70 {
        model.set_tag("k", &value.to_string()).unwrap();
    }
    // a third begins from the checkpoint
    let three = machine(&server, PATIENT, 0);
    assert_eq!(three.resolve("Churn Modell@canary").unwrap().version, 1);
    let anchor = three.anchor().unwrap();
    for registry in [one, two, three] {
        registry.verify_anchor(&anchor).unwrap();
        assert_eq!(registry.models().unwrap().len(), 1);
    }
}

#[test]
fn of_two_machines_that_promote_at_once_one_wins_and_the_other_is_told_why() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let machines = [machine(&server, PATIENT, 0), machine(&server, PATIENT, 0)];
    let model = machines[0].model("churn").unwrap();
    for number in 1..=3 {
        let new = NewVersion::source(format!("runs:/{number}"));
        model.register_version(&new).unwrap();
    }
    let gate = Gate::open();
    let mut champion = None;
    for _ in 0..12 {
        let candidates: Vec<u32> = (1..=3).filter(|v| Some(*v) != champion).collect();
        let barrier = Barrier::new(2);
        let answers: Vec<_> = thread::scope(|scope| {
            let racers: Vec<_> = machines
                .iter()
                .zip(&candidates)
                .map(|(registry, version)| {
                    let (barrier, gate) = (&barrier, &gate);
                    let name = ModelName::new("churn").unwrap();
                    scope.spawn(move || {
                        barrier.wait();
                        registry.promote(&name, *version, gate, &evidence(champion))
                    })
                })
                .collect();
            racers
                .into_iter()
                .map(|racer| racer.join().unwrap())
                .collect()
        });
        let won: Vec<u32> = answers.iter().flatten().map(|p| p.version).collect();
        assert_eq!(won.len(), 1, "{answers:?}");
        let lost = answers.into_iter().find_map(Result::err).unwrap();
        assert!(
            matches!(&lost, Error::StaleEvidence { champion: Some(now), .. } if *now == won[0]),
            "{lost}"
        );
        champion = Some(won[0]);
    }
    machines[0].verify_audit().unwrap();
}

#[test]
fn on_a_server_that_errs_every_acknowledged_version_is_there_once() {
    let mut misdeeds = 0;
    for seed in 0..4 {
        let dir = tempfile::tempdir().unwrap();
        let server = server(dir.path());
        machine(&server, PATIENT, 0).model("churn").unwrap();
        let faults = Faults::new(seed, 20, "/models/", Duration::from_millis(600));
        server.log().misbehave(Some(faults));
        let acknowledged: Vec<(u32, String)> = thread::scope(|scope| {
            let writers: Vec<_> = ["a", "b", "c"]
                .into_iter()
                .map(|name| {
                    let registry = machine(&server, Duration::from_millis(400), 2);
                    scope.spawn(move || write(&registry, name))
                })
                .collect();
            writers
                .into_iter()
                .flat_map(|writer| writer.join().unwrap())
                .collect()
        });
        misdeeds += server.log().misdeeds();
        server.log().misbehave(None);
        let registry = machine(&server, PATIENT, 0);
        registry.verify_audit().unwrap();
        let versions = registry.model("churn").unwrap().versions().unwrap();
        let numbers: BTreeSet<u32> = acknowledged.iter().map(|(number, _)| *number).collect();
        assert_eq!(
            numbers.len(),
            acknowledged.len(),
            "a number was given twice"
        );
        for (number, tag) in &acknowledged {
            let version = versions.iter().find(|version| version.version == *number);
            assert_eq!(&version.unwrap().tags["by"], tag);
        }
        assert!(acknowledged.len() >= 3, "{acknowledged:?}");
    }
    assert!(misdeeds > 20, "{misdeeds} misdeeds say little");
}

/// Registers versions, and says which were acknowledged.
fn write(registry: &Registry, name: &str) -> Vec<(u32, String)> {
    let mut acknowledged = Vec::new();
    for number in 0..8 {
        let tag = format!("{name}-{number}");
        let new = NewVersion::source("runs:/x").tag("by", &tag);
        let answer = registry
            .model("churn")
            .and_then(|model| model.register_version(&new));
        match answer {
            Ok(version) => acknowledged.push((version.version, tag)),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}"),
        }
    }
    acknowledged
}

#[test]
fn on_a_server_that_errs_a_model_that_is_renamed_has_one_name_and_all_its_versions() {
    let mut misdeeds = 0;
    for seed in 0..4 {
        let dir = tempfile::tempdir().unwrap();
        let server = server(dir.path());
        machine(&server, PATIENT, 0).model("name 0").unwrap();
        let faults = Faults::new(seed, 12, "/models/", Duration::from_millis(600));
        server.log().misbehave(Some(faults));
        let acknowledged: Vec<u32> = thread::scope(|scope| {
            let writers: Vec<_> = (0..2)
                .map(|_| {
                    let registry = machine(&server, Duration::from_millis(400), 2);
                    scope.spawn(move || rename_and_write(&registry))
                })
                .collect();
            writers
                .into_iter()
                .flat_map(|writer| writer.join().unwrap())
                .collect()
        });
        misdeeds += server.log().misdeeds();
        server.log().misbehave(None);
        let registry = machine(&server, PATIENT, 0);
        registry.verify_audit().unwrap();
        let names = registry.models().unwrap();
        assert_eq!(names.len(), 1, "{names:?}");
        let versions = registry.existing_model(&names[0]).unwrap().versions();
        let found: BTreeSet<u32> = versions.unwrap().iter().map(|v| v.version).collect();
        let given: BTreeSet<u32> = acknowledged.iter().copied().collect();
        assert_eq!(given.len(), acknowledged.len(), "a number was given twice");
        assert!(given.is_subset(&found), "{given:?} {found:?}");
        let mut trail = Vec::new();
        registry.export_audit(&mut trail).unwrap();
        mlops_registry::verify_export(&mut trail.as_slice(), &[]).unwrap();
    }
    assert!(misdeeds > 10, "{misdeeds} misdeeds say little");
}

/// Registers versions of the only model, whatever it is called, and gives it other names; says what was acknowledged.
fn rename_and_write(registry: &Registry) -> Vec<u32> {
    let mut acknowledged = Vec::new();
    for round in 0..8 {
        let step = || {
            let Some(name) = registry.models()?.pop() else {
                return Ok(None);
            };
            let model = registry.existing_model(&name)?;
            if round % 2 == 0 {
                let new = NewVersion::source("runs:/x");
                return Ok(Some(model.register_version(&new)?.version));
            }
            let number: u32 = name.as_str()[5..].parse().unwrap();
            let to = format!("name {}", (number + 1) % 3);
            model.rename(&ModelName::new(to).unwrap())?;
            Ok::<_, Error>(None)
        };
        match step() {
            Ok(version) => acknowledged.extend(version),
            // the other one was faster, or the server errs
            Err(error) => assert!(
                matches!(
                    error.kind(),
                    ErrorKind::Unavailable | ErrorKind::NotFound | ErrorKind::Conflict
                ),
                "{error}"
            ),
        }
    }
    acknowledged
}
