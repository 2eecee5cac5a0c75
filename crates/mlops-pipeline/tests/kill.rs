//! A run that is killed leaves a cache that is whole, and the next run goes on from there.
//!
//! The test starts itself again as a child and kills it with SIGKILL, which nothing can catch.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use mlops_core::{Seed, Stopwatch};
use mlops_pipeline::{Cache, Input, Outputs, Pipeline, Runner, Status, Step, Why};
use mlops_store::ArtifactStore;

const DIRECTORY: &str = "MLOPS_PIPELINE_KILL_TEST";
const STEPS: usize = 40;
/// More than a child can do before it is killed.
const GENERATIONS: u64 = 200;

fn runner(root: &Path) -> Runner {
    let store = ArtifactStore::directory(root.join("artifacts")).unwrap();
    Runner::new(store, Cache::directory(root.join("cache")).unwrap())
}

/// A chain of steps, each of which gives a few kilobytes; `before` is called as a step begins.
fn chain(
    generation: u64,
    before: impl Fn(usize) + Send + Sync + Copy + 'static,
) -> Pipeline<'static> {
    let mut builder = Pipeline::builder("chain");
    for i in 0..STEPS {
        let mut step = Step::new(format!("s{i}")).code("1").output("out");
        step = match i {
            0 => step.param("generation", i64::try_from(generation).unwrap()),
            _ => step.input("in", Input::of(format!("s{}", i - 1), "out")),
        };
        builder = builder.step(step.run(move |inputs, context| {
            before(i);
            let mut bytes = match i {
                0 => context.int("generation")?.to_le_bytes().to_vec(),
                _ => inputs.bytes("in")?.to_vec(),
            };
            bytes.extend([u8::try_from(i)?; 100]);
            Ok(Outputs::new().with("out", bytes))
        }));
    }
    builder.build().unwrap()
}

/// The directory, if this process is a child that is to be killed.
#[expect(
    clippy::disallowed_methods,
    reason = "a child is told its directory by its parent"
)]
fn child_directory() -> Option<PathBuf> {
    env::var(DIRECTORY).ok().map(PathBuf::from)
}

/// A child process that does not outlive its test.
struct Victim(Child);

impl Drop for Victim {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn child(test: &str, root: &Path) -> Victim {
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(DIRECTORY, root)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Victim(child)
}

#[test]
fn a_run_killed_inside_a_step_repeats_that_step_and_no_other() {
    if let Some(root) = child_directory() {
        let marker = Box::leak(root.join("in-step-25").into_boxed_path());
        let marker: &'static Path = marker;
        let _ = runner(&root).run(&chain(0, move |i| {
            if i == 25 {
                fs::write(marker, "").unwrap();
                thread::sleep(Duration::from_mins(10));
            }
        }));
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let child = child(
        "a_run_killed_inside_a_step_repeats_that_step_and_no_other",
        dir.path(),
    );
    let watch = Stopwatch::start();
    while !dir.path().join("in-step-25").exists() {
        assert!(
            watch.elapsed() < Duration::from_mins(1),
            "the child did not get so far"
        );
        thread::sleep(Duration::from_millis(5));
    }
    drop(child);
    let report = runner(dir.path())
        .run(&chain(0, |_| {}))
        .into_result()
        .unwrap();
    for (i, step) in report.steps.iter().enumerate() {
        let expected = if i < 25 { Status::Cached } else { Status::Ran };
        assert_eq!(step.status, expected, "{}", step.name);
    }
}

#[test]
fn runs_killed_at_any_moment_leave_no_wrong_and_no_damaged_entry() {
    if let Some(root) = child_directory() {
        for generation in 0..GENERATIONS {
            let _ = runner(&root).run(&chain(generation, |_| {}));
        }
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut rng = Seed(7).rng();
    for _ in 0..12 {
        let child = child(
            "runs_killed_at_any_moment_leave_no_wrong_and_no_damaged_entry",
            dir.path(),
        );
        thread::sleep(Duration::from_micros(30_000 + rng.below(170_000) as u64));
        drop(child);
    }
    let runner = runner(dir.path());
    let mut cached = 0;
    for generation in 0..GENERATIONS {
        let report = runner
            .run(&chain(generation, |_| {}))
            .into_result()
            .unwrap();
        cached += report.count(Status::Cached);
        for step in &report.steps {
            assert!(
                !matches!(step.why, Why::Lost { .. }),
                "{}: {}",
                step.name,
                step.why
            );
        }
        // what came from the cache is what the steps would have made
        let fresh = Runner::new(ArtifactStore::memory(), Cache::memory());
        let fresh = fresh.run(&chain(generation, |_| {})).into_result().unwrap();
        for (found, expected) in report.steps.iter().zip(&fresh.steps) {
            assert_eq!(found.outputs, expected.outputs);
        }
        if report.count(Status::Cached) == 0 {
            break;
        }
    }
    assert!(cached > 0, "the children did nothing");
}
