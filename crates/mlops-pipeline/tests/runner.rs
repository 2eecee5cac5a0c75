//! What runs, what is skipped, what is reported: one small pipeline in many situations.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use std::{
    fs,
    num::NonZeroUsize,
    path::Path,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use mlops_core::{Digest, ErrorKind};
use mlops_pipeline::{
    Cache, Error, Input, Outputs, Pipeline, Planned, Progress, Result, RunReport, Runner, Status,
    Step, StepError,
};
use mlops_store::ArtifactStore;

/// What may be varied in the pipeline `clean → features → train`, with `audit` beside it.
#[derive(Clone)]
struct Setup {
    events: &'static str,
    clean_code: &'static str,
    window: i64,
    trees: i64,
    fail: Option<&'static str>,
}

const SETUP: Setup = Setup {
    events: "events 1",
    clean_code: "1",
    window: 30,
    trees: 200,
    fail: None,
};

/// `clean` gives the same bytes whatever its code id, so that the steps after it need not run.
fn pipeline(setup: &Setup) -> Result<Pipeline<'_>> {
    let guard = |name: &'static str| match setup.fail {
        Some("panic") if name == "features" => panic!("out of features"),
        Some(fail) if fail == name => Err(StepError::new(ErrorKind::Denied, "told to fail")),
        _ => Ok(()),
    };
    let clean = Step::new("clean")
        .code(setup.clean_code)
        .input("events", Digest::of(setup.events.as_bytes()))
        .output("rows")
        .run(move |_, _| {
            guard("clean")?;
            Ok(Outputs::new().with("rows", setup.events))
        });
    let features = Step::new("features")
        .code("1")
        .param("window", setup.window)
        .input("rows", Input::of("clean", "rows"))
        .output("set")
        .output("log")
        .run(move |inputs, context| {
            guard("features")?;
            let mut rows = inputs.bytes("rows")?.to_vec();
            rows.extend(context.int("window")?.to_le_bytes());
            Ok(Outputs::new().with("set", rows).with("log", "done"))
        });
    let train = Step::new("train")
        .code("1")
        .param("trees", setup.trees)
        .input("set", Input::of("features", "set"))
        .output("model")
        .run(move |inputs, context| {
            guard("train")?;
            let mut model = inputs.bytes("set")?.to_vec();
            model.extend(context.int("trees")?.to_le_bytes());
            Ok(Outputs::new().with("model", model))
        });
    let audit = Step::new("audit")
        .code("1")
        .output("text")
        .run(move |_, _| {
            guard("audit")?;
            Ok(Outputs::new().with("text", "audited"))
        });
    Pipeline::builder("churn")
        .step(train)
        .step(features)
        .step(clean)
        .step(audit)
        .build()
}

fn statuses(report: &RunReport) -> String {
    let steps: Vec<String> = report
        .steps
        .iter()
        .map(|s| format!("{} {}", s.name, s.status))
        .collect();
    steps.join(", ")
}

fn directory(path: &Path) -> Runner {
    let store = ArtifactStore::directory(path.join("artifacts")).unwrap();
    Runner::new(store, Cache::directory(path.join("cache")).unwrap())
}

fn memory() -> Runner {
    Runner::new(ArtifactStore::memory(), Cache::memory())
}

const ALL_CACHED: &str = "clean cached, features cached, train cached, audit cached";

#[test]
fn only_what_changed_and_what_sees_the_change_runs() {
    type Edit = fn(&mut Setup);
    let cases: [(Edit, &str, &str, &str); 5] = [
        (|_| {}, ALL_CACHED, "train", "unchanged"),
        (
            |s| s.trees = 300,
            "clean cached, features cached, train ran, audit cached",
            "train",
            "changed: parameter `trees`: 200 → 300",
        ),
        (
            |s| s.window = 60,
            "clean cached, features ran, train ran, audit cached",
            "features",
            "changed: parameter `window`: 30 → 60",
        ),
        (
            |s| s.events = "events 2",
            "clean ran, features ran, train ran, audit cached",
            "clean",
            "changed: input `events`: ",
        ),
        // the step runs and gives the same bytes: nothing after it runs
        (
            |s| s.clean_code = "2",
            "clean ran, features cached, train cached, audit cached",
            "clean",
            "changed: code `1` → `2`",
        ),
    ];
    for (edit, expected, step, why) in cases {
        let runner = memory();
        let first = runner
            .run(&pipeline(&SETUP).unwrap())
            .into_result()
            .unwrap();
        assert_eq!(
            statuses(&first),
            "clean ran, features ran, train ran, audit ran"
        );
        let mut setup = SETUP;
        edit(&mut setup);
        let report = runner
            .run(&pipeline(&setup).unwrap())
            .into_result()
            .unwrap();
        assert_eq!(statuses(&report), expected);
        let found = report.step(step).unwrap().why.to_string();
        assert!(found.starts_with(why), "{found}");
        let again = runner
            .run(&pipeline(&setup).unwrap())
            .into_result()
            .unwrap();
        assert_eq!(statuses(&again), ALL_CACHED);
        assert_eq!(again.step(step).unwrap().why.to_string(), "unchanged");
    }
}

#[test]
fn going_back_to_an_earlier_setting_finds_the_earlier_result() {
    let runner = memory();
    let changed = Setup {
        trees: 300,
        ..SETUP
    };
    let first = runner
        .run(&pipeline(&SETUP).unwrap())
        .into_result()
        .unwrap();
    runner
        .run(&pipeline(&changed).unwrap())
        .into_result()
        .unwrap();
    let back = runner
        .run(&pipeline(&SETUP).unwrap())
        .into_result()
        .unwrap();
    assert_eq!(statuses(&back), ALL_CACHED);
    let why = back.step("train").unwrap().why.to_string();
    assert_eq!(why, "changed: parameter `trees`: 300 → 200");
    assert_eq!(
        back.output("train", "model").unwrap(),
        first.output("train", "model").unwrap()
    );
}

#[test]
fn a_failure_stops_the_run_and_the_next_one_goes_on_from_there() {
    let runner = memory();
    let failing = Setup {
        fail: Some("features"),
        ..SETUP
    };
    let report = runner.run(&pipeline(&failing).unwrap());
    assert_eq!(
        statuses(&report),
        "clean ran, features failed, train skipped, audit skipped"
    );
    let why = |step| report.step(step).unwrap().why.to_string();
    assert_eq!(why("train"), "it reads from `features`, which failed");
    assert_eq!(why("audit"), "the run stopped when `features` failed");
    let text = report.step("features").unwrap().error.clone().unwrap();
    assert_eq!(text, "step `features` failed: told to fail");
    assert!(!report.succeeded() && report.failure().is_some());
    let error = report.into_result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    let report = runner
        .run(&pipeline(&SETUP).unwrap())
        .into_result()
        .unwrap();
    assert_eq!(
        statuses(&report),
        "clean cached, features ran, train ran, audit ran"
    );
}

#[test]
fn a_panic_is_a_failure_that_names_the_step() {
    let setup = Setup {
        fail: Some("panic"),
        ..SETUP
    };
    for threads in [1, 3] {
        let runner = memory().threads(NonZeroUsize::new(threads).unwrap());
        let error = runner
            .run(&pipeline(&setup).unwrap())
            .into_result()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "step `features` panicked: out of features"
        );
    }
}

#[test]
fn a_listener_that_panics_fails_the_step_and_does_not_hang_the_run() {
    for threads in [1, 3] {
        let runner = memory()
            .threads(NonZeroUsize::new(threads).unwrap())
            .on_progress(|progress| {
                assert!(!matches!(progress, Progress::Started { step, .. } if step == "features"));
            });
        let report = runner.run(&pipeline(&SETUP).unwrap());
        assert_eq!(report.step("features").unwrap().status, Status::Failed);
    }
}

#[test]
fn outputs_must_be_the_declared_ones() {
    let step = Step::new("a")
        .output("x")
        .output("y")
        .run(|_, _| Ok(Outputs::new().with("x", "1").with("z", "2")));
    let pipeline = Pipeline::builder("p").step(step).build().unwrap();
    let error = memory().run(&pipeline).into_result().unwrap_err();
    assert_eq!(
        error.to_string(),
        "step `a` declares the outputs `x`, `y` and returned `x`, `z`"
    );
}

#[test]
fn an_input_that_is_not_there_is_named() {
    let external = Digest::of(b"never stored");
    let cases: [(&str, ErrorKind, &str); 2] = [
        ("events", ErrorKind::NotFound, "is not in the store"),
        (
            "other",
            ErrorKind::Invalid,
            "step `a` has no input `other`; it has `events`",
        ),
    ];
    for (name, kind, text) in cases {
        let step = Step::new("a")
            .input("events", external)
            .run(move |inputs, _| {
                inputs.bytes(name)?;
                Ok(Outputs::new())
            });
        let pipeline = Pipeline::builder("p").step(step).build().unwrap();
        let report = memory().run(&pipeline);
        let found = report.step("a").unwrap().error.clone().unwrap();
        assert!(found.contains(text), "{found}");
        assert_eq!(report.into_result().unwrap_err().kind(), kind);
    }
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn a_lost_or_corrupt_artifact_is_made_again() {
    type Damage = fn(&Path);
    let damages: [(Damage, &str); 2] = [
        (|path| fs::remove_file(path).unwrap(), "is not in the store"),
        (|path| fs::write(path, "rotten").unwrap(), "is corrupt"),
    ];
    for (damage, text) in damages {
        let dir = tempfile::tempdir().unwrap();
        let runner = directory(dir.path());
        let first = runner
            .run(&pipeline(&SETUP).unwrap())
            .into_result()
            .unwrap();
        let digest = first.output("features", "set").unwrap().to_string();
        damage(
            &dir.path()
                .join("artifacts/blobs")
                .join(&digest[..2])
                .join(&digest[2..]),
        );
        let plan = runner.plan(&pipeline(&SETUP).unwrap()).unwrap();
        assert_eq!(plan.steps[1].action, Planned::Run);
        let report = runner
            .run(&pipeline(&SETUP).unwrap())
            .into_result()
            .unwrap();
        assert_eq!(
            statuses(&report),
            "clean cached, features ran, train cached, audit cached"
        );
        let why = report.step("features").unwrap().why.to_string();
        assert!(
            why.starts_with("lost: output `set`: artifact") && why.contains(text),
            "{why}"
        );
        assert!(runner.read(&report, "features", "set").is_ok());
        let again = runner
            .run(&pipeline(&SETUP).unwrap())
            .into_result()
            .unwrap();
        assert_eq!(statuses(&again), ALL_CACHED);
    }
}

#[test]
fn a_damaged_cache_costs_a_rerun_and_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let runner = directory(dir.path());
    let first = runner
        .run(&pipeline(&SETUP).unwrap())
        .into_result()
        .unwrap();
    let fingerprint = first.step("train").unwrap().fingerprint.unwrap();
    let entry = dir
        .path()
        .join("cache/entries")
        .join(format!("{fingerprint}.json"));
    for (content, text) in [
        (Some("{"), "lost: the cache entry is corrupt"),
        (None, "lost: the cache has no entry"),
    ] {
        match content {
            Some(content) => fs::write(&entry, content).unwrap(),
            None => fs::remove_file(&entry).unwrap(),
        }
        let report = runner
            .run(&pipeline(&SETUP).unwrap())
            .into_result()
            .unwrap();
        assert_eq!(
            statuses(&report),
            "clean cached, features cached, train ran, audit cached"
        );
        let why = report.step("train").unwrap().why.to_string();
        assert!(why.starts_with(text), "{why}");
    }
    // the records of the last runs only explain: without them results are still found
    for file in files(&dir.path().join("cache/last")) {
        fs::write(file, "rotten").unwrap();
    }
    let report = runner
        .run(&pipeline(&SETUP).unwrap())
        .into_result()
        .unwrap();
    assert_eq!(statuses(&report), ALL_CACHED);
    fs::remove_dir_all(dir.path().join("cache")).unwrap();
    let report = directory(dir.path())
        .run(&pipeline(&SETUP).unwrap())
        .into_result()
        .unwrap();
    assert_eq!(report.count(Status::Ran), 4);
}

#[test]
fn a_cache_that_cannot_be_written_fails_the_step_and_names_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let runner = directory(dir.path());
    fs::remove_dir_all(dir.path().join("cache/entries")).unwrap();
    let error = runner
        .run(&pipeline(&SETUP).unwrap())
        .into_result()
        .unwrap_err();
    assert!(
        matches!(&error, Error::Io { path, .. } if path.starts_with(dir.path())),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[test]
fn a_step_that_always_runs_reruns_those_after_it_only_for_new_bytes() {
    let runner = memory();
    let day = AtomicUsize::new(1);
    let build = || {
        let look = Step::new("look")
            .code("1")
            .always_run()
            .output("day")
            .run(|_, _| Ok(Outputs::new().with_json("day", &day.load(Ordering::SeqCst))?));
        let act = Step::new("act")
            .code("1")
            .input("day", Input::of("look", "day"))
            .output("day")
            .run(|inputs, _| Ok(Outputs::new().with_json("day", &inputs.json::<usize>("day")?)?));
        Pipeline::builder("p").step(look).step(act).build().unwrap()
    };
    let run = || statuses(&runner.run(&build()).into_result().unwrap());
    assert_eq!(run(), "look ran, act ran");
    assert_eq!(run(), "look ran, act cached");
    assert!(!runner.plan(&build()).unwrap().is_up_to_date());
    day.store(2, Ordering::SeqCst);
    assert_eq!(run(), "look ran, act ran");
}

#[test]
fn pipelines_that_share_a_cache_do_not_share_results() {
    let runner = memory();
    let run = |pipeline: &str, text: &'static str| {
        let step = Step::new("a")
            .code("1")
            .output("x")
            .run(move |_, _| Ok(Outputs::new().with("x", text)));
        let pipeline = Pipeline::builder(pipeline).step(step).build().unwrap();
        let report = runner.run(&pipeline).into_result().unwrap();
        runner.read(&report, "a", "x").unwrap()
    };
    assert_eq!(run("one", "1").as_ref(), b"1");
    assert_eq!(run("two", "2").as_ref(), b"2");
    assert_eq!(run("one", "unused").as_ref(), b"1");
}

#[test]
fn a_plan_says_what_a_run_then_does() {
    let runner = memory();
    let plan = |setup: &Setup| runner.plan(&pipeline(setup).unwrap()).unwrap();
    assert_eq!(
        plan(&SETUP).to_string(),
        "clean     run      first run\n\
         features  depends  depends on what `clean` will give\n\
         train     depends  depends on what `features` will give\n\
         audit     run      first run\n"
    );
    runner
        .run(&pipeline(&SETUP).unwrap())
        .into_result()
        .unwrap();
    assert!(plan(&SETUP).is_up_to_date());
    let changed = plan(&Setup {
        window: 60,
        ..SETUP
    });
    assert_eq!(
        changed.to_string(),
        "clean     cached   unchanged\n\
         features  run      changed: parameter `window`: 30 → 60\n\
         train     depends  depends on what `features` will give\n\
         audit     cached   unchanged\n"
    );
    assert!(plan(&SETUP).is_up_to_date(), "a plan changes nothing");
}

#[test]
fn independent_steps_run_at_the_same_time() {
    // each step waits for the other; one at a time they would wait for ever
    let barrier = Barrier::new(2);
    let step = |name: &str| {
        Step::new(name).code("1").run(|_, _| {
            barrier.wait();
            Ok(Outputs::new())
        })
    };
    let pipeline = Pipeline::builder("p")
        .step(step("a"))
        .step(step("b"))
        .build()
        .unwrap();
    let report = memory()
        .threads(NonZeroUsize::new(2).unwrap())
        .run(&pipeline);
    assert_eq!(statuses(&report), "a ran, b ran");
}

#[test]
fn a_listener_hears_everything_in_order() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ears = heard.clone();
    let runner = memory().on_progress(move |progress| {
        ears.lock().unwrap().push(match progress {
            Progress::Started {
                step,
                position,
                of,
                why,
            } => format!("{position}/{of} {step}: {why}"),
            Progress::Message { step, text } => format!("{step} says {text}"),
            Progress::Finished(report) => format!("{} {}", report.name, report.status),
            _ => "?".to_owned(),
        });
    });
    let build = || {
        let step = Step::new("a").code("1").run(|_, context| {
            context.progress("half way");
            Ok(Outputs::new())
        });
        let fails = Step::new("b")
            .code("1")
            .run(|_, _| Err(StepError::new(ErrorKind::Invalid, "no")));
        let last = Step::new("c").code("1").run(|_, _| Ok(Outputs::new()));
        Pipeline::builder("p")
            .step(step)
            .step(fails)
            .step(last)
            .build()
            .unwrap()
    };
    for _ in 0..2 {
        assert!(!runner.run(&build()).succeeded());
    }
    assert_eq!(
        *heard.lock().unwrap(),
        [
            "1/3 a: first run",
            "a says half way",
            "a ran",
            "2/3 b: first run",
            "b failed",
            "c skipped",
            "a cached",
            "2/3 b: first run",
            "b failed",
            "c skipped",
        ]
    );
}

#[test]
fn a_report_survives_json() {
    let report = memory().run(&pipeline(&SETUP).unwrap());
    let json = serde_json::to_string(&report).unwrap();
    let read: RunReport = serde_json::from_str(&json).unwrap();
    assert_eq!(read.steps, report.steps);
    assert_eq!(read.to_string(), report.to_string());
}
