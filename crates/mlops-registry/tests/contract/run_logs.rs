//! Runs at a location: several machines with an index each, races, indexes that are lost, writers that are killed.

use std::{
    collections::BTreeMap,
    env, fs,
    io::Write,
    path::Path,
    process::{Child, Stdio},
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use mlops_core::{ErrorKind, EventTime, Seed, Span, SystemClock};
use mlops_registry::{
    ArtifactOwner, Batch, Error, ExperimentId, Flushed, LoggedModelStatus, LoggerOptions, Metric,
    MetricPoint, MlflowImport, NewExperiment, NewLoggedModel, NewRun, Registry, RunId, RunSearch,
    RunStatus, RunUpdate, Tracking, TrackingError, View,
};
use mlops_store::Location;

use crate::{
    fixture::{child, clock, machine, shared_in, somewhere, url},
    run_logs_oracle::tables,
};

const WORK: &str = "MLOPS_REGISTRY_TEST_RUN_LOGS";
const ME: &str = "run_logs::the_child_of_the_run_log_tests";

fn machines<const N: usize>(location: &Location) -> [Registry; N] {
    std::array::from_fn(|_| machine(location, Arc::new(SystemClock)))
}

fn new_run(tracking: &Tracking) -> RunId {
    let new = NewRun::new(ExperimentId::DEFAULT);
    tracking.create_run(new).unwrap().id
}

fn metric(key: &str, step: i64) -> Metric {
    let point = MetricPoint {
        step,
        time: EventTime::from_seconds(step),
        value: 0.5,
    };
    Metric::new(key, point)
}

fn params(key: &str, value: &str) -> Batch {
    Batch {
        params: vec![(key.into(), value.into())],
        ..Batch::default()
    }
}

fn steps(tracking: &Tracking, run: &RunId, key: &str) -> Vec<i64> {
    let history = tracking.history(run, key, None, None).unwrap();
    history.points.iter().map(|point| point.step).collect()
}

#[test]
fn what_one_machine_acknowledged_the_others_see_at_their_next_read() {
    let location = somewhere();
    let [one, two] = machines(&location);
    let experiment = one.experiment("churn").unwrap();
    let run = experiment.start_run("boosting").unwrap();
    let id = run.id().clone();
    assert_eq!(two.run(&id).unwrap().status, RunStatus::Running);
    let (ours, theirs) = (one.tracking(), two.tracking());
    run.log_metric("loss", 0.5, 1).unwrap();
    theirs.log_batch(&id, params("seed", "7")).unwrap();
    assert_eq!(one.run(&id).unwrap().params["seed"], "7");
    assert_eq!(two.metric_history(&id, "loss").unwrap().len(), 1);
    let owner = ArtifactOwner::Run(id.clone());
    theirs
        .put_artifact(&owner, "a/b.txt", &b"hello"[..])
        .unwrap();
    assert_eq!(
        ours.read_artifact(&owner, "a/b.txt").unwrap(),
        b"hello".as_slice()
    );
    // somebody else ends it
    two.end_run(&id, RunStatus::Killed).unwrap();
    let late = run.log_metric("loss", 0.4, 2).unwrap_err();
    assert!(matches!(
        late,
        Error::RunEnded {
            status: RunStatus::Killed,
            ..
        }
    ));
    assert_eq!(
        run.finish(RunStatus::Finished).unwrap_err().kind(),
        ErrorKind::Conflict
    );
    // MLflow's clients write to runs that have ended
    ours.set_tag(&id, "checked", "yes").unwrap();
    assert_eq!(theirs.run(&id).unwrap().tags["checked"], "yes");
    theirs.set_tag(&id, "checked", "twice").unwrap();
    assert_eq!(ours.run(&id).unwrap().tags["checked"], "twice");
    // and open them again
    let again = RunUpdate {
        status: Some(RunStatus::Running),
        ..RunUpdate::default()
    };
    ours.update_run(&id, &again).unwrap();
    ours.log_batch(&id, Batch::of_metrics([metric("m", 1)]))
        .unwrap();
    assert_eq!(steps(&theirs, &id, "m"), [1]);
    let search = RunSearch {
        experiments: vec![experiment.id()],
        filter: "params.seed = '7' AND tags.checked = 'twice'".into(),
        ..RunSearch::default()
    };
    assert_eq!(theirs.search_runs(&search).unwrap().items.len(), 1);
    ours.delete_run(&id).unwrap();
    assert!(theirs.search_runs(&search).unwrap().items.is_empty());
    assert_eq!(
        theirs.set_tag(&id, "a", "b").unwrap_err().kind(),
        ErrorKind::Conflict
    );
    theirs.restore_run(&id).unwrap();
    theirs.delete_experiment(experiment.id()).unwrap();
    assert_eq!(
        ours.set_tag(&id, "a", "b").unwrap_err().kind(),
        ErrorKind::Conflict
    );
    assert_eq!(
        experiment.start_run("another").unwrap_err().kind(),
        ErrorKind::Conflict
    );
}

#[test]
fn logged_models_are_shared_with_what_was_measured_on_them() {
    let location = somewhere();
    let [one, two] = machines(&location);
    let (ours, theirs) = (one.tracking(), two.tracking());
    let run = new_run(&ours);
    let mut new = NewLoggedModel::new(ExperimentId::DEFAULT);
    new.source_run = Some(run.clone());
    let model = ours.create_logged_model(new).unwrap().id;
    let owner = ArtifactOwner::Model(model.clone());
    theirs
        .put_artifact(&owner, "model.bin", &b"weights"[..])
        .unwrap();
    let measured = Metric {
        model: Some(model.clone()),
        ..metric("auc", 1)
    };
    ours.log_batch(&run, Batch::of_metrics([measured.clone()]))
        .unwrap();
    assert_eq!(theirs.logged_model(&model).unwrap().metrics.len(), 1);
    assert_eq!(ours.find_artifact(&owner, "model.bin").unwrap().1, 7);
    theirs
        .finalize_logged_model(&model, LoggedModelStatus::Ready)
        .unwrap();
    let tags = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
    ours.set_logged_model_tags(&model, tags).unwrap();
    let seen = theirs.logged_model(&model).unwrap();
    assert_eq!(
        (seen.status, seen.tags.len()),
        (LoggedModelStatus::Ready, 1)
    );
    theirs.delete_logged_model(&model).unwrap();
    assert_eq!(
        ours.logged_model(&model).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let refused = ours.log_batch(&run, Batch::of_metrics([measured]));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
    // whoever comes later applies the points in spite of that
    let [three] = machines(&location);
    let run = three.tracking().run(&run).unwrap();
    assert_eq!(run.metrics.len(), 1);
}

#[test]
fn of_machines_that_write_a_param_at_once_one_wins_and_the_others_are_told() {
    let location = somewhere();
    let machines: [Registry; 6] = machines(&location);
    let run = new_run(&machines[0].tracking());
    for round in 0..10 {
        let key = format!("p{round}");
        let barrier = Barrier::new(machines.len());
        let answers: Vec<_> = thread::scope(|scope| {
            let racers: Vec<_> = machines
                .iter()
                .enumerate()
                .map(|(at, registry)| {
                    let (run, key, barrier) = (&run, &key, &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        let batch = params(key, &at.to_string());
                        registry.tracking().log_batch(run, batch)
                    })
                })
                .collect();
            racers
                .into_iter()
                .map(|racer| racer.join().unwrap())
                .collect()
        });
        let won: Vec<usize> = (0..answers.len())
            .filter(|at| answers[*at].is_ok())
            .collect();
        assert_eq!(won.len(), 1, "{answers:?}");
        for lost in answers.into_iter().filter_map(Result::err) {
            let Error::ParamConflict { stored, .. } = &lost else {
                panic!("{lost:?}");
            };
            assert_eq!(*stored, won[0].to_string());
        }
        for registry in &machines {
            let seen = registry.tracking().run(&run).unwrap();
            assert_eq!(seen.params[&key], won[0].to_string());
        }
    }
}

#[test]
fn of_machines_that_make_an_experiment_at_once_one_wins() {
    let location = somewhere();
    let machines: [Registry; 6] = machines(&location);
    let answers: Vec<_> = thread::scope(|scope| {
        let racers: Vec<_> = machines
            .iter()
            .map(|registry| {
                scope.spawn(move || {
                    let new = NewExperiment::new("churn".parse().unwrap());
                    let made = registry.tracking().create_experiment(new);
                    // whoever asks for it by name has it in any case
                    (made.is_ok(), registry.experiment("churn").unwrap().id())
                })
            })
            .collect();
        racers
            .into_iter()
            .map(|racer| racer.join().unwrap())
            .collect()
    });
    assert_eq!(answers.iter().filter(|(made, _)| *made).count(), 1);
    assert!(answers.iter().all(|(_, id)| *id == answers[0].1));
}

#[test]
fn many_writers_of_one_run_and_many_runs_at_once_lose_nothing() {
    let location = somewhere();
    let machines: [Registry; 4] = machines(&location);
    let shared = new_run(&machines[0].tracking());
    let own: Vec<RunId> = thread::scope(|scope| {
        let writers: Vec<_> = (0..16_i64)
            .map(|writer| {
                let tracking = machines[usize::try_from(writer).unwrap() % 4].tracking();
                let shared = &shared;
                scope.spawn(move || {
                    let own = new_run(&tracking);
                    for step in 0..6 {
                        let batch = Batch::of_metrics([metric("m", 100 * writer + step)]);
                        tracking.log_batch(shared, batch).unwrap();
                        tracking
                            .log_batch(&own, Batch::of_metrics([metric("m", step)]))
                            .unwrap();
                        assert_eq!(steps(&tracking, &own, "m").last(), Some(&step));
                    }
                    own
                })
            })
            .collect();
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .collect()
    });
    let fresh = machine(&location, Arc::new(SystemClock));
    for registry in machines.iter().chain([&fresh]) {
        let tracking = registry.tracking();
        assert_eq!(steps(&tracking, &shared, "m").len(), 16 * 6);
        for run in &own {
            assert_eq!(steps(&tracking, run, "m"), [0, 1, 2, 3, 4, 5]);
        }
    }
}

#[test]
fn within_its_time_a_read_may_miss_what_others_wrote_and_never_what_is_our_own() {
    let location = somewhere();
    let clock = clock();
    let lazy = Registry::builder("memory://")
        .at(location.clone())
        .clock(clock.clone())
        .refresh_every(Span::seconds(10))
        .open()
        .unwrap()
        .tracking();
    let eager = machine(&location, clock.clone()).tracking();
    let run = new_run(&lazy);
    assert!(lazy.run(&run).unwrap().params.is_empty());
    eager.log_batch(&run, params("theirs", "1")).unwrap();
    assert!(lazy.run(&run).unwrap().params.is_empty());
    // to write, the state that the entry follows is read
    lazy.log_batch(&run, params("ours", "1")).unwrap();
    assert_eq!(lazy.run(&run).unwrap().params.len(), 2);
    eager.log_batch(&run, params("more", "1")).unwrap();
    assert_eq!(lazy.run(&run).unwrap().params.len(), 2);
    clock.advance(Span::seconds(10));
    assert_eq!(lazy.run(&run).unwrap().params.len(), 3);
    // what is refused is refused for what is there now
    eager.log_batch(&run, params("again", "1")).unwrap();
    let refused = lazy.log_batch(&run, params("again", "2")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
}

#[test]
fn an_index_that_is_deleted_or_lags_behind_is_made_good() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let shared = Location::file(path.join("shared"));
    let index = |name: &str| {
        let url = format!("sqlite://{}", path.join(name).display());
        Registry::builder(url).at(shared.clone()).open().unwrap()
    };
    let first = index("first.db");
    let old = index("old.db");
    let run = new_run(&first.tracking());
    old.tracking().run(&run).unwrap();
    // more than a checkpoint's worth
    for step in 0..150 {
        let batch = Batch::of_metrics([metric("m", step)]);
        first.tracking().log_batch(&run, batch).unwrap();
        if step % 2 == 0 {
            new_run(&first.tracking());
        }
    }
    first.end_run(&run, RunStatus::Finished).unwrap();
    first.tracking().set_tag(&run, "late", "yes").unwrap();
    let fresh = index("fresh.db");
    for registry in [&first, &old, &fresh] {
        assert_eq!(steps(&registry.tracking(), &run, "m").len(), 150);
        let search = RunSearch {
            experiments: vec![ExperimentId::DEFAULT],
            view: View::All,
            ..RunSearch::default()
        };
        let found = registry.tracking().search_runs(&search).unwrap();
        assert_eq!(found.items.len(), 76);
        assert_eq!(registry.tracking().run(&run).unwrap().tags["late"], "yes");
    }
    let told = tables(&path.join("first.db"));
    assert_eq!(tables(&path.join("old.db")), told);
    assert_eq!(tables(&path.join("fresh.db")), told);
    // two processes of a machine may share an index
    let twin = index("fresh.db");
    let run = new_run(&twin.tracking());
    fresh.tracking().set_tag(&run, "a", "b").unwrap();
    twin.tracking().set_tag(&run, "c", "d").unwrap();
    assert_eq!(fresh.tracking().run(&run).unwrap().tags.len(), 3);
}

#[test]
fn a_database_is_the_index_of_one_location_and_holds_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let at = |name: &str| {
        let location = Location::file(path.join(name));
        Registry::builder(url(path)).at(location).open()
    };
    let refused = |result: mlops_registry::Result<Registry>| {
        let error = result.unwrap_err();
        assert!(
            matches!(error, Error::Tracking(TrackingError::NotAnIndex { .. })),
            "{error:?}"
        );
        error.to_string()
    };
    let registry = at("shared").unwrap();
    let run = new_run(&registry.tracking());
    drop(registry);
    let error = refused(at("elsewhere"));
    assert!(error.contains("elsewhere"), "{error}");
    // the location was emptied, and then filled by somebody else
    fs::remove_dir_all(path.join("shared")).unwrap();
    let registry = at("shared").unwrap();
    assert_eq!(registry.run(&run).unwrap_err().kind(), ErrorKind::NotFound);
    let other = new_run(&registry.tracking());
    drop(registry);
    assert!(at("shared").unwrap().run(&other).is_ok());

    let own = tempfile::tempdir().unwrap();
    let registry = Registry::open(url(own.path())).unwrap();
    new_run(&registry.tracking());
    drop(registry);
    let location = Location::file(path.join("shared"));
    let error = refused(Registry::builder(url(own.path())).at(location).open());
    assert!(error.contains("of its own"), "{error}");
    // and it is left as it was
    assert!(Registry::open(url(own.path())).is_ok());
}

#[test]
fn an_import_is_refused_where_machines_share_the_runs() {
    let registry = machine(&somewhere(), clock());
    let refused = MlflowImport::from_sqlite("absent.db").into_registry(&registry);
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[test]
fn an_entry_that_is_too_large_is_refused_and_nothing_is_written() {
    let registry = machine(&somewhere(), clock());
    let run = registry
        .experiment("churn")
        .unwrap()
        .start_run("r")
        .unwrap();
    let error = run
        .log_history("m", &vec![0.123_456_789; 400_000])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    run.log_history("n", &vec![0.5; 50_000]).unwrap();
    let info = run.finish(RunStatus::Finished).unwrap();
    assert_eq!(info.metrics.len(), 1);
}

#[test]
fn a_logger_keeps_a_journal_while_the_store_is_away() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let registry = shared_in(path);
    let tracking = registry.tracking();
    let run = new_run(&tracking);
    let options = LoggerOptions {
        journal: Some(path.join("journal")),
        retry: Duration::from_millis(5),
        ..LoggerOptions::default()
    };
    let logger = tracking.logger(&run, &options).unwrap();
    logger.log_metric("m", 0.5, 1).unwrap();
    assert_eq!(logger.flush().unwrap(), Flushed::Registry);
    let (shared, away) = (path.join("shared"), path.join("away"));
    fs::rename(&shared, &away).unwrap();
    fs::write(&shared, b"no directory").unwrap();
    logger.log_metric("m", 0.5, 2).unwrap();
    assert_eq!(logger.flush().unwrap(), Flushed::Journal);
    fs::remove_file(&shared).unwrap();
    fs::rename(&away, &shared).unwrap();
    logger.log_metric("m", 0.5, 3).unwrap();
    assert_eq!(logger.close().unwrap(), Flushed::Registry);
    assert_eq!(steps(&tracking, &run, "m"), [1, 2, 3]);
}

#[test]
#[ignore = "does nothing unless a test starts it"]
fn the_child_of_the_run_log_tests() {
    let Some(round) = env::var_os(WORK) else {
        return;
    };
    let round = round.into_string().unwrap();
    log_for_ever(&shared_in(Path::new(".")), &round);
}

/// Logs batches of three metrics to a run after another, and notes each acknowledged step.
fn log_for_ever(registry: &Registry, round: &str) {
    let tracking = registry.tracking();
    let mut acknowledged = fs::File::create(format!("{round}.acks")).unwrap();
    for number in 0.. {
        let run = new_run(&tracking);
        let length = 2 + 3 * (number % 3);
        for step in 0..length {
            let metrics = ["a", "b", "c"].map(|key| metric(key, step));
            tracking
                .log_batch(&run, Batch::of_metrics(metrics))
                .unwrap();
            writeln!(acknowledged, "{run} {step}").unwrap();
        }
        registry.end_run(&run, RunStatus::Finished).unwrap();
        tracking.set_tag(&run, "after", "the end").unwrap();
        writeln!(acknowledged, "{run} tagged").unwrap();
    }
}

fn start(directory: &Path, round: &str) -> Child {
    child(ME, directory, (WORK, round), Stdio::null())
}

#[test]
fn a_killed_writer_leaves_what_it_acknowledged_and_nothing_half_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    drop(shared_in(path));
    let mut rng = Seed(3).rng();
    let mut acknowledged = 0;
    for round in 0..8 {
        // two at once, which share an index
        let mut children = [
            start(path, &format!("{round}a")),
            start(path, &format!("{round}b")),
        ];
        let acks = path.join(format!("{round}a.acks"));
        while round % 2 == 0
            && children[0].try_wait().unwrap().is_none()
            && !fs::metadata(&acks).is_ok_and(|acks| acks.len() > 0)
        {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(20 + rng.below(300) as u64));
        for child in &mut children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let tracking = shared_in(path).tracking();
        for writer in ["a", "b"] {
            let acks = path.join(format!("{round}{writer}.acks"));
            let acks = fs::read_to_string(acks).unwrap_or_default();
            // half a line at the end tells nothing
            let whole = acks.rsplit_once('\n').map_or("", |(whole, _)| whole);
            for line in whole.lines() {
                acknowledged += 1;
                let (run, what) = line.split_once(' ').unwrap();
                let run = run.parse().unwrap();
                match what.parse::<i64>() {
                    Ok(step) => assert!(steps(&tracking, &run, "c").contains(&step)),
                    Err(_) => {
                        assert_eq!(tracking.run(&run).unwrap().tags["after"], "the end");
                    }
                }
            }
        }
        let all = tracking
            .query_runs(&mlops_registry::RunQuery::default())
            .unwrap();
        for run in all.items {
            let steps = ["a", "b", "c"].map(|key| steps(&tracking, &run.id, key));
            assert!(steps.iter().all(|other| *other == steps[0]), "{steps:?}");
        }
    }
    assert!(acknowledged > 0, "nothing was acknowledged");
    // the index that was there all along is the one that is made anew
    shared_in(path).tracked_digests().unwrap();
    let told = tables(&path.join("mlops.db"));
    fs::rename(path.join("mlops.db"), path.join("old.db")).unwrap();
    for rest in ["mlops.db-wal", "mlops.db-shm"] {
        let _ = fs::remove_file(path.join(rest));
    }
    shared_in(path).tracked_digests().unwrap();
    assert_eq!(tables(&path.join("mlops.db")), told);
}
