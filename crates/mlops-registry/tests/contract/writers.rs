//! Many writers at once, and writers that are killed: nobody is told that the database is locked, what
//! was acknowledged is there, and batches are whole.
//!
//! As in `crash.rs`, the test runs itself again as a child with its work in an environment variable.

use std::{
    collections::BTreeMap,
    env, fs,
    io::Write,
    path::Path,
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use mlops_core::Seed;
use mlops_registry::{
    Batch, Durability, ExperimentId, Flushed, LoggerOptions, Metric, MetricPoint, NewRun, Registry,
    RunId, Tracking,
};

use crate::fixture::{child, rounds};

const WORK: &str = "MLOPS_REGISTRY_TEST_WRITER";
const ME: &str = "writers::the_child_of_the_writers_tests";
const BATCHES: i64 = 25;
/// So many points of each key that the log is copied into the database several times meanwhile.
const POINTS: i64 = 400;

fn open(directory: &Path, durability: Durability) -> Tracking {
    let url = format!("sqlite://{}", directory.join("mlops.db").display());
    Registry::builder(url)
        .durability(durability)
        .open()
        .unwrap()
        .tracking()
}

fn new_run(tracking: &Tracking) -> RunId {
    tracking
        .create_run(NewRun::new(ExperimentId::DEFAULT))
        .unwrap()
        .id
}

fn point(step: i64) -> MetricPoint {
    MetricPoint {
        step,
        time: mlops_core::EventTime::from_seconds(step),
        value: 0.5,
    }
}

fn start(directory: &Path, work: &str) -> Child {
    child(ME, directory, (WORK, work), Stdio::null())
}

#[test]
#[ignore = "does nothing unless a test starts it"]
fn the_child_of_the_writers_tests() {
    let Some(work) = env::var_os(WORK) else {
        return;
    };
    let work = work.into_string().unwrap();
    let directory = Path::new(".");
    match work.split_once(' ').unwrap() {
        ("write", writer) => {
            let tracking = open(directory, Durability::Normal);
            let run = new_run(&tracking);
            fs::write(format!("{writer}.run"), run.as_str()).unwrap();
            write(&tracking, &run);
        }
        ("log", round) => log_for_ever(directory, round),
        other => panic!("{other:?} is no work"),
    }
}

fn write(tracking: &Tracking, run: &RunId) {
    for batch in 0..BATCHES {
        let steps = batch * POINTS..(batch + 1) * POINTS;
        let metrics = steps.flat_map(|step| ["a", "b"].map(|key| Metric::new(key, point(step))));
        tracking.log_batch(run, Batch::of_metrics(metrics)).unwrap();
    }
}

/// Logs batches of three metrics, and notes each acknowledged step in a file of its own.
fn log_for_ever(directory: &Path, round: &str) {
    let tracking = open(directory, Durability::Full);
    let run = new_run(&tracking);
    fs::write(format!("{round}.run"), run.as_str()).unwrap();
    let options = LoggerOptions {
        journal: Some("journal".into()),
        ..LoggerOptions::default()
    };
    let logger = tracking.logger(&run, &options).unwrap();
    let mut acknowledged = fs::File::create(format!("{round}.acks")).unwrap();
    for step in 0.. {
        let values = ["a", "b", "c"].map(|key| (key.to_owned(), 0.5));
        logger.log_metrics(&BTreeMap::from(values), step).unwrap();
        if step % 3 == 0 {
            assert_eq!(logger.flush().unwrap(), Flushed::Registry);
            writeln!(acknowledged, "{step}").unwrap();
        }
    }
}

#[test]
fn of_32_writers_in_threads_and_processes_none_is_locked_out_while_the_log_is_copied() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let tracking = open(path, Durability::Normal);
    let children: Vec<Child> = (0..8)
        .map(|child| start(path, &format!("write {child}")))
        .collect();
    let runs: Vec<RunId> = (0..24).map(|_| new_run(&tracking)).collect();
    thread::scope(|scope| {
        for (at, run) in runs.iter().enumerate() {
            let own = tracking.clone();
            scope.spawn(move || {
                // half of them through a registry of their own, as processes have
                let own = if at % 2 == 0 {
                    own
                } else {
                    open(path, Durability::Normal)
                };
                write(&own, run);
            });
        }
    });
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    // nobody has closed the last connection yet: what lies in the database was copied beside the writers
    let copied = fs::metadata(path.join("mlops.db")).unwrap().len();
    assert!(copied > 8 << 20, "{copied} bytes were copied");
    let mut all = runs;
    for child in 0..8 {
        let id = fs::read_to_string(path.join(format!("{child}.run"))).unwrap();
        all.push(id.parse().unwrap());
    }
    for run in all {
        for key in ["a", "b"] {
            let points = tracking.history(&run, key, None, None).unwrap().points;
            assert_eq!(points.len(), usize::try_from(BATCHES * POINTS).unwrap());
        }
    }
}

#[test]
fn a_killed_logger_loses_nothing_that_was_flushed_and_leaves_no_half_batch() {
    let directory = tempfile::tempdir().unwrap();
    let mut rng = Seed(6).rng();
    let mut acknowledged = 0;
    for round in 0..rounds(12) {
        let mut child = start(directory.path(), &format!("log {round}"));
        let acks = directory.path().join(format!("{round}.acks"));
        // half of the kills fall into the work however slow the start is
        while round.is_multiple_of(2)
            && child.try_wait().unwrap().is_none()
            && !fs::metadata(&acks).is_ok_and(|acks| acks.len() > 0)
        {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(20 + rng.below(150) as u64));
        child.kill().unwrap();
        child.wait().unwrap();
        let tracking = open(directory.path(), Durability::Full);
        let Ok(id) = fs::read_to_string(directory.path().join(format!("{round}.run"))) else {
            continue;
        };
        let Ok(id) = id.parse::<RunId>() else {
            continue;
        };
        let steps = ["a", "b", "c"].map(|key| -> Vec<i64> {
            let history = tracking.history(&id, key, None, None).unwrap();
            history.points.iter().map(|point| point.step).collect()
        });
        // a step is in the queue as one, but its metrics may fall into two batches of a thousand
        assert!(
            steps[0]
                .iter()
                .zip(0..)
                .all(|(step, expected)| *step == expected)
        );
        assert!(
            steps
                .iter()
                .all(|other| other.len().abs_diff(steps[0].len()) <= 1)
        );
        let acks = fs::read_to_string(&acks).unwrap_or_default();
        let whole = acks.lines().filter_map(|line| line.parse::<i64>().ok());
        // half a line at the end is half a number, which is no greater than the whole
        if let Some(last) = whole.max() {
            acknowledged += last + 1;
            for steps in &steps {
                assert!(steps.last() >= Some(&last), "{:?} of {last}", steps.last());
            }
        }
        let options = LoggerOptions {
            journal: Some(directory.path().join("journal")),
            ..LoggerOptions::default()
        };
        // the journal is whole as well
        tracking.logger(&id, &options).unwrap().close().unwrap();
    }
    println!("{acknowledged} steps acknowledged");
    assert!(acknowledged > 0, "nothing was acknowledged");
}
