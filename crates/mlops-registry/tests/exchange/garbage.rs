//! Nothing that is referred to is lost to a collection, and what nobody refers to goes in the end.

use std::{
    collections::BTreeMap,
    env,
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use mlops_core::{
    Clock, Digest, ErrorKind, EventTime, Lineage, ManualClock, Principal, Seed, Span, Stopwatch,
    SystemClock,
};
use mlops_model::{
    Estimator, Linear, Link, ModelPackage, ModelSpec, Output, Preprocess, Signature,
};
use mlops_registry::{
    ArtifactOwner, DriftEvidence, Evidence, GateEvidence, NewLoggedModel, NewRun, NewVersion,
    Policy, Registry, RunStatus, Stage,
};
use mlops_store::{GarbageOptions, GarbageReport, Objects, Tree, TreeFile};

const GRACE: Span = Span::hours(1);
const TWICE: Span = Span::hours(2);
const WORK: &str = "MLOPS_REGISTRY_GARBAGE_CHILD";
const ME: &str = "garbage::the_child_of_the_garbage_tests";

/// A model that answers one constant; another number makes another package.
fn package(number: u32) -> ModelPackage {
    let signature = Signature::new([], Output::Number).unwrap();
    let preprocess = Preprocess::new(&signature, vec![]).unwrap();
    let constant = Linear {
        weights: vec![],
        bias: vec![f64::from(number)],
        link: Link::Identity,
    };
    let spec = ModelSpec::new(signature, preprocess, Estimator::Linear(constant)).unwrap();
    let builder = ModelPackage::builder(spec).created(EventTime::from_seconds(0));
    builder.build().unwrap()
}

/// A registry in memory whose clock is moved by hand; the store dates what it keeps by the wall clock.
fn registry() -> (Registry, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let builder = Registry::builder("memory://").clock(clock.clone());
    (builder.open().unwrap(), clock)
}

fn collect(registry: &Registry) -> GarbageReport {
    registry
        .collect_garbage([], GarbageOptions::new(GRACE))
        .unwrap()
}

/// Collects until all that is garbage now is gone.
fn collect_all(registry: &Registry, clock: &ManualClock) -> GarbageReport {
    clock.advance(TWICE);
    collect(registry);
    clock.advance(TWICE);
    collect(registry)
}

#[test]
fn every_sort_of_reference_keeps_its_artifacts() {
    let (registry, clock) = registry();
    let store = registry.store().clone();
    let tracking = registry.tracking();
    let experiment = registry.experiment("churn").unwrap();

    let run = tracking
        .create_run(NewRun::new(experiment.id()))
        .unwrap()
        .id;
    let gone = tracking
        .create_run(NewRun::new(experiment.id()))
        .unwrap()
        .id;
    let model = tracking
        .create_logged_model(NewLoggedModel::new(experiment.id()))
        .unwrap()
        .id;
    let mut kept: Vec<Digest> = [
        ArtifactOwner::Run(run.clone()),
        ArtifactOwner::Run(gone.clone()),
        ArtifactOwner::Model(model.clone()),
    ]
    .iter()
    .map(|owner| {
        let bytes = owner.to_string().into_bytes();
        tracking.put_artifact(owner, "file", &bytes[..]).unwrap()
    })
    .collect();
    // what is deleted can be restored
    tracking.delete_run(&gone).unwrap();
    tracking.delete_logged_model(&model).unwrap();

    let churn = registry.model("churn").unwrap();
    let version = churn
        .register(&package(1), None, &Lineage::default(), "")
        .unwrap();
    kept.extend(version.files.values());
    let file = store.put(b"in a tree").unwrap();
    let path = "file".parse().unwrap();
    let tree = Tree::new([TreeFile {
        path,
        digest: file,
        size: 9,
    }])
    .unwrap();
    let tree = store.put_tree(&tree).unwrap();
    churn.register_version(NewVersion::tree(tree)).unwrap();
    kept.extend([tree, file]);
    let signature = br#"{"signed": true}"#;
    churn.add_signature(1, "ci.sig", signature).unwrap();
    kept.push(Digest::of(signature));
    churn
        .rename(&mlops_core::ModelName::new("leavers").unwrap())
        .unwrap();

    // evidence of a request, that of an earlier champion's profile
    let profile = store.put(b"profile of long ago").unwrap();
    let leavers = registry.model("leavers").unwrap();
    let measured = GateEvidence {
        data: Digest::of(b"rows"),
        rows: 7,
        champion: None,
        candidate_metrics: BTreeMap::new(),
        champion_metrics: BTreeMap::new(),
        baseline_metrics: BTreeMap::new(),
    };
    let drift = DriftEvidence {
        candidate: profile,
        champion: profile,
        measures: BTreeMap::new(),
    };
    let evidence = Evidence::from(measured).drift(drift);
    registry
        .request(leavers.name(), 1, Stage::Staging, Some(&evidence), "")
        .unwrap();
    kept.push(profile);

    let elsewhere = store.put(b"of somebody else").unwrap();
    let garbage = store.put(b"of nobody").unwrap();
    clock.advance(TWICE);
    let options = || GarbageOptions::new(GRACE);
    let dry = registry
        .collect_garbage([elsewhere], options().dry_run())
        .unwrap();
    let condemned: Vec<Digest> = dry.condemned.iter().map(|garbage| garbage.digest).collect();
    assert_eq!(condemned, [garbage]);
    assert!(dry.missing.is_empty(), "{dry:?}");
    for _ in 0..3 {
        registry.collect_garbage([elsewhere], options()).unwrap();
        clock.advance(TWICE);
    }
    for digest in kept.iter().chain([&elsewhere]) {
        assert!(store.contains(digest).unwrap(), "{digest} is gone");
    }
    assert!(!store.contains(&garbage).unwrap());
    assert_eq!(
        registry.load(leavers.name(), 1).unwrap().digest(),
        version.digest
    );
    assert_eq!(store.tree(&tree).unwrap().files().count(), 1);
}

#[test]
fn a_deleted_version_stays_for_the_grace_period_and_no_longer() {
    let (registry, clock) = registry();
    let (one, two) = (
        registry.model("one").unwrap(),
        registry.model("two").unwrap(),
    );
    let version = one
        .register(&package(1), None, &Lineage::default(), "")
        .unwrap();
    let whole = two
        .register(&package(2), None, &Lineage::default(), "")
        .unwrap();
    let own = |version: &mlops_registry::ModelVersion, other: &mlops_registry::ModelVersion| {
        let files = version
            .files
            .values()
            .filter(|file| !other.files.values().any(|o| o == *file));
        files.copied().collect::<Vec<Digest>>()
    };
    let files = [own(&version, &whole), own(&whole, &version)].concat();
    assert!(!files.is_empty());
    clock.advance(TWICE);
    one.delete_version(1, "").unwrap();
    two.delete("").unwrap();
    assert!(collect(&registry).condemned.is_empty());
    clock.advance(TWICE);
    let report = registry
        .collect_garbage([], GarbageOptions::new(GRACE).dry_run())
        .unwrap();
    let condemned: Vec<Digest> = report
        .condemned
        .iter()
        .map(|garbage| garbage.digest)
        .collect();
    assert!(
        files.iter().all(|file| condemned.contains(file)),
        "{report:?}"
    );
    collect_all(&registry, &clock);
    for file in &files {
        assert!(!registry.store().contains(file).unwrap());
    }
}

#[test]
fn what_is_registered_again_after_it_was_condemned_is_there() {
    let (registry, clock) = registry();
    let model = registry.model("churn").unwrap();
    model
        .register(&package(1), None, &Lineage::default(), "")
        .unwrap();
    model.delete_version(1, "").unwrap();
    clock.advance(TWICE);
    assert!(!collect(&registry).condemned.is_empty());
    let again = model
        .register(&package(1), None, &Lineage::default(), "")
        .unwrap();
    collect_all(&registry, &clock);
    collect_all(&registry, &clock);
    assert!(registry.load(model.name(), again.version).is_ok());
}

#[test]
fn only_an_administrator_collects_and_only_where_all_runs_are_known() {
    let (registry, _) = registry();
    let policy = r#"{"format": 1, "roles": {"admin": ["root"]},
        "grants": [{"role": "admin", "models": ["*", ".registry"], "may": ["read", "administer"]}]}"#;
    let root = registry.acting_as(Principal::new("root").unwrap());
    root.set_policy(&Policy::from_json(policy).unwrap(), "")
        .unwrap();
    let refused = registry
        .collect_garbage([], GarbageOptions::new(GRACE))
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Denied);
    assert!(root.collect_garbage([], GarbageOptions::new(GRACE)).is_ok());

    let models = Objects::new().locate("memory://bucket/models").unwrap();
    let shared = Registry::builder("memory://")
        .models_at(models)
        .open()
        .unwrap();
    let refused = shared
        .collect_garbage([], GarbageOptions::new(GRACE))
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert!(shared.garbage_roots(GRACE).unwrap().is_empty());
}

#[test]
fn what_another_machine_logged_to_a_shared_run_is_kept() {
    let location = Objects::new().locate("memory://bucket/all").unwrap();
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let machine = || {
        // a collection does not trust what was read a while ago
        let builder = Registry::builder("memory://").at(location.clone());
        let builder = builder
            .clock(clock.clone())
            .refresh_every(Span::days(1_000));
        builder.open().unwrap()
    };
    let (one, two) = (machine(), machine());
    assert!(two.tracked_digests().unwrap().is_empty());
    let run = one.experiment("churn").unwrap().start_run("r").unwrap();
    run.log_artifact("kept", b"kept").unwrap();
    let ended = run.finish(RunStatus::Finished).unwrap().id;
    let owner = ArtifactOwner::Run(ended.clone());
    let tracking = one.tracking();
    tracking.put_artifact(&owner, "late", &b"late"[..]).unwrap();
    tracking.put_artifact(&owner, "gone", &b"gone"[..]).unwrap();
    tracking.delete_artifact(&owner, "gone").unwrap();
    for _ in 0..2 {
        assert_eq!(collect_all(&two, &clock).missing, []);
    }
    let kept = two.store().list().unwrap();
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert_eq!(one.artifact(&ended, "kept").unwrap(), b"kept".as_slice());
    assert_eq!(one.artifact(&ended, "late").unwrap(), b"late".as_slice());
}

/// Long enough for a registration on a busy machine, short enough for a test.
const SHORT: Span = Span::seconds(1);

fn open(directory: &Path) -> Registry {
    let url = format!("sqlite://{}", directory.join("mlops.db").display());
    Registry::open(url).unwrap()
}

/// Registers and deletes versions of the packages of one group after another, so that the same files die, are
/// removed, and come back; says what is there.
fn register_for_ever(
    registry: &Registry,
    seed: u64,
    group: &dyn Fn() -> u32,
    go_on: &dyn Fn() -> bool,
    say: &mut dyn FnMut(String),
) {
    let model = registry.model("churn").unwrap();
    let mut rng = Seed(seed).rng();
    let mut kept = None;
    while go_on() {
        let number = 3 * group() + u32::try_from(rng.below(3)).unwrap();
        let version = model
            .register(&package(number), None, &Lineage::default(), "")
            .unwrap();
        say(format!("have {}", version.version));
        // one of them stays for a while
        let gone = if rng.below(4) > 0 {
            Some(version.version)
        } else {
            kept.replace(version.version)
        };
        if let Some(gone) = gone {
            say(format!("delete {gone}"));
            model.delete_version(gone, "").unwrap();
        }
    }
}

fn collect_for_ever(registry: &Registry, go_on: &dyn Fn() -> bool) -> usize {
    let mut removed = 0;
    while go_on() {
        let report = registry
            .collect_garbage([], GarbageOptions::new(SHORT))
            .unwrap();
        assert_eq!(report.missing, []);
        removed += report.removed.len();
        thread::sleep(Duration::from_millis(100));
    }
    removed
}

/// Every version loads, byte for byte as it was registered.
fn assert_whole(registry: &Registry) -> usize {
    let model = registry.model("churn").unwrap();
    let versions = model.versions().unwrap();
    for version in &versions {
        let package = registry.load(model.name(), version.version).unwrap();
        assert_eq!(package.digest(), version.digest);
    }
    versions.len()
}

#[test]
fn registrations_and_collections_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let registry = open(folder.path());
    let started = Stopwatch::start();
    let go_on = || started.elapsed() < Duration::from_secs(13);
    // each of three groups works for two seconds and rests for four
    let group = || u32::try_from(started.elapsed().as_secs() / 2 % 3).unwrap();
    let said = Mutex::new(0);
    thread::scope(|scope| {
        for seed in 0..2 {
            let (registry, said) = (registry.clone(), &said);
            scope.spawn(move || {
                register_for_ever(&registry, seed, &group, &go_on, &mut |_| {
                    *said.lock().unwrap() += 1;
                });
            });
        }
        let collectors: Vec<_> = (0..2)
            .map(|_| {
                let registry = open(folder.path());
                scope.spawn(move || collect_for_ever(&registry, &go_on))
            })
            .collect();
        let removed: usize = collectors.into_iter().map(|c| c.join().unwrap()).sum();
        assert!(removed > 0);
    });
    assert!(assert_whole(&registry) > 0 && said.into_inner().unwrap() > 10);
    registry.verify_audit().unwrap();
}

#[test]
#[ignore = "does nothing unless a garbage test starts it"]
fn the_child_of_the_garbage_tests() {
    let Some(work) = env::var_os(WORK) else {
        return;
    };
    let registry = Registry::open("sqlite://mlops.db").unwrap();
    let mut say = |line: String| {
        let mut out = io::stdout().lock();
        writeln!(out, "\n{line}").unwrap();
        out.flush().unwrap();
    };
    say("ready".to_owned());
    match work.to_str().unwrap().split_once(' ') {
        Some(("register", seed)) => {
            let seed: u64 = seed.parse().unwrap();
            let group = u32::try_from(seed / 4 % 2).unwrap();
            register_for_ever(&registry, seed, &|| group, &|| true, &mut say);
        }
        _ => drop(collect_for_ever(&registry, &|| true)),
    }
}

fn child(directory: &Path, work: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            ME,
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .current_dir(directory)
        .env(WORK, work)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn writers_and_collectors_that_are_killed_lose_nothing_that_was_acknowledged() {
    const ROUNDS: u64 = 12;
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let mut rng = Seed(11).rng();
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        let mut writer = child(folder.path(), &format!("register {round}"));
        let mut collector = child(folder.path(), "collect");
        let mut output = BufReader::new(writer.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("ready") {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0);
        }
        thread::sleep(Duration::from_millis(200 + rng.below(800) as u64));
        // now the writer first, now the collector
        let mut victims = [&mut writer, &mut collector];
        victims.rotate_left(rng.below(2));
        for victim in victims {
            victim.kill().unwrap();
            victim.wait().unwrap();
        }
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        let registry = open(folder.path());
        registry.verify_audit().unwrap();
        assert_whole(&registry);
        let model = registry.model("churn").unwrap();
        let whole = &rest[..rest.rfind('\n').map_or(0, |end| end + 1)];
        let numbers = |word: &'static str| {
            let lines = whole
                .lines()
                .filter_map(move |line| line.strip_prefix(word));
            lines
                .map(|number| number.parse::<u32>().unwrap())
                .collect::<Vec<_>>()
        };
        let deleted = numbers("delete ");
        for version in numbers("have ")
            .into_iter()
            .filter(|v| !deleted.contains(v))
        {
            assert!(
                registry.load(model.name(), version).is_ok(),
                "version {version} is lost"
            );
            acknowledged += 1;
        }
    }
    assert!(acknowledged > 0);

    // the garbage of all that goes in the end
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let url = format!("sqlite://{}", folder.path().join("mlops.db").display());
    let registry = Registry::builder(url).clock(clock.clone()).open().unwrap();
    let model = registry.model("churn").unwrap();
    for version in model.versions().unwrap() {
        model.delete_version(version.version, "").unwrap();
    }
    for _ in 0..4 {
        collect_all(&registry, &clock);
    }
    assert_eq!(registry.store().list().unwrap(), []);
}
