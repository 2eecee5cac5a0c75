//! The format of the logs of runs is frozen: what this build writes is what it always wrote, and what was ever written is
//! read.

use std::{collections::BTreeMap, fmt::Write, path::Path, sync::Arc};

use mlops_core::{Digest, EventTime, ManualClock, Span};
use mlops_registry::{
    ArtifactOwner, Batch, Dataset, DatasetInput, DatasetName, ExperimentId, LoggedModelStatus,
    Metric, MetricPoint, ModelOutput, NewExperiment, NewLoggedModel, NewRun, Registry, RunStatus,
    RunUpdate,
};
use mlops_store::{ArtifactStore, CommitLog, Location};

use crate::{
    fixture::{clock, somewhere, url},
    run_logs_oracle::tables,
};

/// Lines of a log, a number and what the entry holds.
const FROZEN: &str = include_str!("../fixtures/run_logs_v1.txt");

fn open(directory: &Path, location: &Location, clock: &Arc<ManualClock>) -> Registry {
    let store = ArtifactStore::memory();
    store.put(b"kept").unwrap();
    let builder = Registry::builder(url(directory)).at(location.clone());
    let builder = builder.clock(clock.clone()).artifacts(store);
    builder.open().unwrap()
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

/// Each sort of write once, and every field of it; returns the logs.
#[expect(clippy::too_many_lines, reason = "one call for each sort")]
fn write_everything(registry: &Registry, clock: &ManualClock) -> Vec<String> {
    let tracking = registry.tracking();
    let mut new = NewExperiment::new("churn".parse().unwrap());
    new.artifact_location = Some("s3://elsewhere/churn".into());
    new.tags = texts(&[("team", "red")]);
    let experiment = tracking.create_experiment(new).unwrap().id;
    tracking
        .rename_experiment(experiment, "churn 2".parse().unwrap())
        .unwrap();
    tracking.set_experiment_tag(experiment, "a", "1").unwrap();
    tracking.delete_experiment_tag(experiment, "a").unwrap();
    tracking.delete_experiment(experiment).unwrap();
    tracking.restore_experiment(experiment).unwrap();

    let mut new = NewRun::new(experiment);
    new.user = "ada".into();
    new.started = Some(EventTime::from_seconds(7));
    new.tags = texts(&[("mlflow.source.name", "train.py")]);
    let run = tracking.create_run(new).unwrap().id;
    tracking.delete_run(&run).unwrap();
    tracking.restore_run(&run).unwrap();
    let input = DatasetInput {
        dataset: Dataset {
            name: "iris".into(),
            digest: "d1".into(),
            source_type: "local".into(),
            source: "{}".into(),
            schema: Some("[]".into()),
            profile: None,
        },
        tags: texts(&[("mlflow.data.context", "training")]),
    };
    let mut new = NewLoggedModel::new(ExperimentId::DEFAULT);
    new.name = Some("forest".into());
    new.model_type = Some("tree".into());
    new.source_run = Some(run.clone());
    new.params = texts(&[("depth", "3")]);
    new.tags = texts(&[("a", "1")]);
    let model = tracking.create_logged_model(new).unwrap().id;
    tracking
        .log_inputs(&run, vec![input], vec![model.clone()])
        .unwrap();

    let values = [
        0.1,
        -0.0,
        5e-324,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    let points = (0..).zip(values).map(|(step, value)| {
        let time = EventTime::from_micros(1_234_567);
        Metric::new("loss", MetricPoint { step, time, value })
    });
    let mut metrics: Vec<Metric> = points.collect();
    metrics[0].model = Some(model.clone());
    metrics[0].dataset = Some(DatasetName {
        name: "iris".into(),
        digest: "d1".into(),
    });
    let batch = Batch {
        metrics,
        params: vec![("seed".into(), "7\n\"é".into())],
        tags: vec![("t".into(), "1".into())],
    };
    tracking.log_batch_once(&run, "writer", 1, batch).unwrap();
    tracking.delete_tag(&run, "t").unwrap();
    let output = ModelOutput {
        model: model.clone(),
        step: 3,
    };
    tracking.log_outputs(&run, vec![output]).unwrap();
    let owner = ArtifactOwner::Run(run.clone());
    let kept = Digest::of(b"kept");
    tracking.link_artifact(&owner, "a/b", kept, 4).unwrap();
    tracking.delete_artifact(&owner, "a").unwrap();
    tracking.beat(&run).unwrap();
    clock.advance(Span::minutes(1));
    tracking
        .end_abandoned(Span::seconds(5), RunStatus::Killed)
        .unwrap();
    let update = RunUpdate {
        status: Some(RunStatus::Scheduled),
        ended: Some(EventTime::from_seconds(99)),
        name: Some("again".into()),
    };
    tracking.update_run(&run, &update).unwrap();

    let handle = registry.experiment("churn 2").unwrap();
    let handle = handle.start_run("by handle").unwrap();
    handle.log_params(&texts(&[("seed", "7")])).unwrap();
    handle.log_history("loss", &[0.5, f64::NAN]).unwrap();
    handle.set_tag("t", "1").unwrap();
    handle.log_artifact("kept", b"kept").unwrap();
    let second = handle.id().clone();
    handle.finish(RunStatus::Finished).unwrap();

    tracking
        .set_logged_model_tags(&model, texts(&[("b", "2")]))
        .unwrap();
    tracking.delete_logged_model_tag(&model, "b").unwrap();
    tracking
        .log_logged_model_params(&model, texts(&[("seed", "1")]))
        .unwrap();
    let owner = ArtifactOwner::Model(model.clone());
    tracking.link_artifact(&owner, "m", kept, 4).unwrap();
    tracking
        .finalize_logged_model(&model, LoggedModelStatus::Ready)
        .unwrap();
    tracking.delete_logged_model(&model).unwrap();
    vec![
        "experiments".to_owned(),
        format!("runs/{run}"),
        format!("runs/{second}"),
        format!("logged_models/{model}"),
    ]
}

#[test]
fn what_is_written_is_what_was_always_written_and_what_was_ever_written_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let (location, clock) = (somewhere(), clock());
    let registry = open(directory.path(), &location, &clock);
    let mut lines = String::new();
    for name in write_everything(&registry, &clock) {
        let log = CommitLog::at(&location.join(&name).unwrap());
        for entry in log.read_after(0) {
            let entry = entry.unwrap();
            let text = std::str::from_utf8(&entry.bytes).unwrap();
            writeln!(lines, "{name} {} {text}", entry.number).unwrap();
        }
    }
    assert_eq!(lines, FROZEN);
    for write in [
        "CreateExperiment",
        "ChangeExperiment",
        "CreateRun",
        "StartRun",
        "SetLifecycle",
        "LogInputs",
        "CreateModel",
        "Touch",
        "UpdateRun",
        "EndRun",
        "EndAbandoned",
        "Beat",
        "LogBatch",
        "LogByHandle",
        "DeleteTag",
        "LogOutputs",
        "LinkArtifact",
        "UnlinkArtifact",
        "ChangeModel",
    ] {
        assert!(lines.contains(&format!("{{\"{write}\":")), "{write}");
    }

    let copy = somewhere();
    for line in FROZEN.lines() {
        let (name, rest) = line.split_once(' ').unwrap();
        let (number, text) = rest.split_once(' ').unwrap();
        let number: u64 = number.parse().unwrap();
        let log = CommitLog::at(&copy.join(name).unwrap());
        let request = number.to_string().parse().unwrap();
        let appended = log.append(number - 1, &request, text.as_bytes()).unwrap();
        assert_eq!(appended, mlops_store::Appended::Won);
    }
    let read = tempfile::tempdir().unwrap();
    let other = open(read.path(), &copy, &clock);
    other.tracked_digests().unwrap();
    assert_eq!(
        tables(&read.path().join("mlops.db")),
        tables(&directory.path().join("mlops.db"))
    );
}
