//! No bytes in place of a cache record make a runner panic or hand out what the step did not give.
//!
//! The input stands in for either record of a step that ran: as it is, and as the content of a record
//! whose check fits, so that the fuzzer sees past the check.

use std::{fs, path::PathBuf, sync::LazyLock};

use mlops_core::Digest;
use mlops_pipeline::{Cache, Outputs, Pipeline, Planned, Runner, Step};
use mlops_store::ArtifactStore;
use tempfile::TempDir;

struct Bench {
    _dir: TempDir,
    records: [PathBuf; 2],
    runner: Runner,
    pipeline: Pipeline<'static>,
}

static BENCH: LazyLock<Bench> = LazyLock::new(bench);

fn bench() -> Bench {
    let dir = tempfile::tempdir().expect("a directory");
    let cache = Cache::directory(dir.path()).expect("a cache");
    let runner = Runner::new(ArtifactStore::memory(), cache);
    let step = Step::new("s")
        .code("1")
        .param("p", 1)
        .output("o")
        .run(|_, _| Ok(Outputs::new().with("o", "right")));
    let pipeline = Pipeline::builder("p").step(step).build().expect("one step");
    runner.run(&pipeline).into_result().expect("it runs");
    // an artifact that is there, and is not what the step gave
    runner.store().put(b"wrong").expect("memory");
    let record = |folder: &str| {
        let mut files = fs::read_dir(dir.path().join(folder)).expect("a folder");
        files.next().expect("a record").expect("a file").path()
    };
    Bench {
        records: [record("entries"), record("last")],
        _dir: dir,
        runner,
        pipeline,
    }
}

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let mut checked = format!(
        "{{\"schema\":1,\"check\":\"{}\",\"content\":",
        Digest::of(data)
    );
    checked.push_str(&String::from_utf8_lossy(data));
    checked.push('}');
    let bench = &*BENCH;
    for bytes in [data, checked.as_bytes()] {
        for record in &bench.records {
            for other in &bench.records {
                let _ = fs::remove_file(other);
            }
            fs::write(record, bytes).expect("a file");
            let plan = bench.runner.plan(&bench.pipeline);
            let plan = plan.expect("the store answers");
            let _ = plan.to_string();
            // a record whose check fits is believed: who can write it could run the step as well
            if bytes == data && plan.steps[0].action == Planned::Cached {
                let report = bench.runner.run(&bench.pipeline);
                let output = bench.runner.read(&report, "s", "o");
                assert_eq!(output.expect("it was cached").as_ref(), b"right");
            }
        }
    }
}
