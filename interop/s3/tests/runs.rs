//! Runs on S3: machines share them, a server that errs loses nothing that was acknowledged, and an index is made anew
//! with few requests.

use std::{collections::BTreeSet, path::Path, thread, time::Duration};

use mlops_core::{ErrorKind, EventTime};
use mlops_interop_s3::{Faults, Server};
use mlops_registry::{
    Batch, ExperimentId, Metric, MetricPoint, NewRun, Registry, RunId, RunSearch, RunStatus,
    Tracking,
};
use mlops_store::Objects;

const PATIENT: Duration = Duration::from_secs(10);

fn server(root: &Path) -> Server {
    Server::with_bucket(root, "shared")
}

/// A machine of its own: its own connections, its own index, the same runs.
fn machine(server: &Server, timeout: Duration, retries: usize) -> Registry {
    let settings = server.settings().retries(retries).timeout(timeout);
    let objects = Objects::new().with_s3(settings);
    let location = objects.locate("s3://shared/registry").unwrap();
    Registry::builder("memory://").at(location).open().unwrap()
}

fn metric(key: &str, step: i64) -> Metric {
    let point = MetricPoint {
        step,
        time: EventTime::from_seconds(step),
        value: 0.5,
    };
    Metric::new(key, point)
}

fn steps(tracking: &Tracking, run: &RunId, key: &str) -> Vec<i64> {
    let history = tracking.history(run, key, None, None).unwrap();
    history.points.iter().map(|point| point.step).collect()
}

fn new_run(tracking: &Tracking) -> mlops_registry::Result<RunId> {
    let new = NewRun::new(ExperimentId::DEFAULT);
    Ok(tracking.create_run(new)?.id)
}

#[test]
fn what_one_machine_logs_another_sees_and_ends() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let (one, two) = (machine(&server, PATIENT, 0), machine(&server, PATIENT, 0));
    let run = one.experiment("churn").unwrap().start_run("r").unwrap();
    run.log_metric("loss", f64::NAN, 1).unwrap();
    run.log_artifact("a.txt", b"hello").unwrap();
    let seen = two.run(run.id()).unwrap();
    assert!(seen.metrics["loss"].is_nan());
    assert_eq!(
        two.artifact(run.id(), "a.txt").unwrap(),
        b"hello".as_slice()
    );
    two.end_run(run.id(), RunStatus::Killed).unwrap();
    assert_eq!(
        run.log_metric("loss", 0.1, 2).unwrap_err().kind(),
        ErrorKind::Conflict
    );
    one.tracking().set_tag(run.id(), "late", "yes").unwrap();
    assert_eq!(two.run(run.id()).unwrap().tags["late"], "yes");
}

/// What a machine was told is done.
#[derive(Debug)]
struct Acknowledged {
    run: RunId,
    steps: Vec<i64>,
    ended: bool,
    tagged: bool,
}

/// Logs to a run of its own, and to one that all share.
fn write(registry: &Registry, shared: &RunId, writer: i64) -> (Vec<Acknowledged>, Vec<i64>) {
    let tracking = registry.tracking();
    let (mut own, mut theirs) = (Vec::new(), Vec::new());
    let done = |answer: mlops_registry::Result<()>| match answer {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            false
        }
    };
    for round in 0..3 {
        let run = match new_run(&tracking) {
            Ok(run) => run,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                continue;
            }
        };
        let mut steps = Vec::new();
        for step in 0..4 {
            let both = ["a", "b"].map(|key| metric(key, step));
            if done(tracking.log_batch(&run, Batch::of_metrics(both))) {
                steps.push(step);
            }
        }
        let step = 100 * writer + round;
        if done(tracking.log_batch(shared, Batch::of_metrics([metric("a", step)]))) {
            theirs.push(step);
        }
        let ended = match registry.end_run(&run, RunStatus::Finished) {
            Ok(_) => true,
            Err(error) => {
                // an end that was not acknowledged may have been one
                let kind = error.kind();
                assert!(
                    matches!(kind, ErrorKind::Unavailable | ErrorKind::Conflict),
                    "{error}"
                );
                false
            }
        };
        let tagged = done(tracking.set_tag(&run, "late", "yes"));
        own.push(Acknowledged {
            run,
            steps,
            ended,
            tagged,
        });
    }
    (own, theirs)
}

#[test]
fn on_a_server_that_errs_what_was_acknowledged_is_there_for_all_and_batches_are_whole() {
    let mut misdeeds = 0;
    for seed in 0..4 {
        let dir = tempfile::tempdir().unwrap();
        let server = server(dir.path());
        let shared = new_run(&machine(&server, PATIENT, 0).tracking()).unwrap();
        let part = ["/runs/", "/experiments/", "/registry/", "/registry/"][seed as usize];
        let faults = Faults::new(seed, 15, part, Duration::from_millis(600));
        // they are opened on a sound server
        let machines: Vec<Registry> = (0..3)
            .map(|_| machine(&server, Duration::from_millis(400), 2))
            .collect();
        server.log().misbehave(Some(faults));
        let told: Vec<_> = thread::scope(|scope| {
            let writers: Vec<_> = machines
                .iter()
                .zip(0..)
                .map(|(registry, writer)| {
                    let shared = &shared;
                    scope.spawn(move || write(registry, shared, writer))
                })
                .collect();
            writers
                .into_iter()
                .map(|writer| writer.join().unwrap())
                .collect()
        });
        misdeeds += server.log().misdeeds();
        server.log().misbehave(None);
        let fresh = machine(&server, PATIENT, 0);
        let views: Vec<Tracking> = machines
            .iter()
            .chain([&fresh])
            .map(Registry::tracking)
            .collect();
        for tracking in &views {
            for (own, theirs) in &told {
                for done in own {
                    let run = tracking.run(&done.run).unwrap();
                    let seen = steps(tracking, &done.run, "a");
                    assert_eq!(steps(tracking, &done.run, "b"), seen, "half a batch");
                    assert!(done.steps.iter().all(|step| seen.contains(step)));
                    assert!(!done.ended || run.status == RunStatus::Finished);
                    assert!(!done.tagged || run.tags["late"] == "yes");
                }
                let seen = steps(tracking, &shared, "a");
                assert!(theirs.iter().all(|step| seen.contains(step)));
            }
        }
        // all see the same, whoever wrote it and whether it was acknowledged or not
        let search = RunSearch {
            experiments: vec![ExperimentId::DEFAULT],
            ..RunSearch::default()
        };
        let found: Vec<_> = views
            .iter()
            .map(|tracking| format!("{:?}", tracking.search_runs(&search).unwrap().items))
            .collect();
        assert!(found.iter().all(|items| *items == found[0]));
        let acknowledged: usize = told.iter().map(|(own, _)| own.len()).sum();
        assert!(acknowledged >= 3, "{told:?}");
    }
    assert!(misdeeds > 20, "{misdeeds} misdeeds say little");
}

#[test]
fn a_param_that_two_machines_write_at_once_has_one_value() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let machines = [machine(&server, PATIENT, 0), machine(&server, PATIENT, 0)];
    let run = new_run(&machines[0].tracking()).unwrap();
    for round in 0..8 {
        let key = format!("p{round}");
        let answers: Vec<_> = thread::scope(|scope| {
            let racers: Vec<_> = machines
                .iter()
                .zip(["one", "two"])
                .map(|(registry, value)| {
                    let (run, key) = (&run, &key);
                    scope.spawn(move || {
                        let batch = Batch {
                            params: vec![(key.clone(), value.into())],
                            ..Batch::default()
                        };
                        let answer = registry.tracking().log_batch(run, batch);
                        (value, answer.map_err(|error| error.kind()))
                    })
                })
                .collect();
            racers
                .into_iter()
                .map(|racer| racer.join().unwrap())
                .collect()
        });
        let won: BTreeSet<_> = answers
            .iter()
            .filter(|(_, answer)| answer.is_ok())
            .map(|(value, _)| *value)
            .collect();
        assert_eq!(won.len(), 1, "{answers:?}");
        assert!(
            answers
                .iter()
                .all(|(_, answer)| answer.is_ok() || *answer == Err(ErrorKind::Conflict))
        );
        for registry in &machines {
            let seen = registry.tracking().run(&run).unwrap();
            assert!(won.contains(seen.params[&key].as_str()));
        }
    }
}

#[test]
fn a_new_index_reads_two_objects_for_each_run_that_has_ended() {
    const RUNS: usize = 120;
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let writer = machine(&server, PATIENT, 0);
    let tracking = writer.tracking();
    for run in 0..RUNS {
        let id = new_run(&tracking).unwrap();
        for step in 0..5 {
            tracking
                .log_batch(&id, Batch::of_metrics([metric("m", step)]))
                .unwrap();
        }
        if run > 0 {
            writer.end_run(&id, RunStatus::Finished).unwrap();
        }
    }
    server.log().clear();
    let fresh = machine(&server, PATIENT, 0);
    let search = RunSearch {
        experiments: vec![ExperimentId::DEFAULT],
        filter: "metrics.m > 0".into(),
        ..RunSearch::default()
    };
    let found = |registry: &Registry| {
        registry
            .tracking()
            .search_runs(&search)
            .unwrap()
            .items
            .len()
    };
    assert_eq!(found(&fresh), RUNS);
    let requests = server.log().requests().len();
    // two of each run, and the log of experiments since its checkpoint
    assert!(requests < 2 * RUNS + 120, "{requests} requests");
    // and nothing more for those that have ended
    server.log().clear();
    assert_eq!(found(&fresh), RUNS);
    let again = server.log().requests().len();
    assert!(again <= 8, "{again} requests for one run that goes on");
}

#[test]
fn writes_and_reads_cost_the_requests_that_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let registry = machine(&server, PATIENT, 0);
    let tracking = registry.tracking();
    let run = new_run(&tracking).unwrap();
    let cost = |work: &dyn Fn()| {
        // what is known from the first time on is no part of it
        work();
        server.log().clear();
        work();
        server.log().requests().len()
    };
    let log = |run: &RunId| {
        let batch = Batch::of_metrics([metric("m", 1), metric("m", 2)]);
        tracking.log_batch(run, batch).unwrap();
    };
    assert_eq!(cost(&|| drop(new_run(&tracking).unwrap())), 2);
    assert_eq!(cost(&|| log(&run)), 5);
    assert_eq!(cost(&|| drop(tracking.run(&run).unwrap())), 6);
    registry.end_run(&run, RunStatus::Finished).unwrap();
    assert_eq!(cost(&|| drop(tracking.run(&run).unwrap())), 3);
    let late = cost(&|| log(&run));
    assert!(late <= 10, "{late} requests");
}
