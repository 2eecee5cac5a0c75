//! Nothing that a server of MLflow answers brings an export down.
//!
//! The lines of the input are its answers, one after the other and then from the first again; a line that is no
//! JSON is a refusal.

use std::{
    io::Read,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use mlops_core::EventTime;
use mlops_registry::{
    ArtifactOwner, Batch, ExperimentId, LoggedModelId, Metric, MetricPoint, MlflowRefusal,
    MlflowRequest, MlflowServer, ModelOutput, NewLoggedModel, NewRun, Registry, RunId,
};
use serde_json::Value;

/// The most answers of one export; then the server breaks down.
const ANSWERS: usize = 64;

struct World {
    registry: Registry,
    run: RunId,
    model: LoggedModelId,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let registry = Registry::memory().expect("a registry in memory");
    let tracking = registry.tracking();
    let run = tracking.create_run(NewRun::new(ExperimentId::DEFAULT));
    let run = run.expect("a run").id;
    let mut model = NewLoggedModel::new(ExperimentId::DEFAULT);
    model.source_run = Some(run.clone());
    let model = tracking.create_logged_model(model).expect("a model").id;
    let point = MetricPoint {
        step: 1,
        time: EventTime::from_seconds(1),
        value: f64::INFINITY,
    };
    let mut metric = Metric::new("m", point);
    metric.model = Some(model.clone());
    let mut batch = Batch::of_metrics([metric]);
    batch.params = vec![("p".into(), "1".into())];
    tracking.log_batch(&run, batch).expect("a batch");
    let output = ModelOutput {
        model: model.clone(),
        step: 0,
    };
    tracking.log_outputs(&run, vec![output]).expect("an output");
    let owner = ArtifactOwner::Run(run.clone());
    let put = tracking.put_artifact(&owner, "a/b c.txt", &mut &b"text"[..]);
    put.expect("an artifact");
    World {
        registry,
        run,
        model,
    }
});

#[derive(Debug)]
struct Server {
    answers: Vec<Option<Value>>,
    next: AtomicUsize,
}

impl Server {
    fn answer(&self) -> Result<Value, MlflowRefusal> {
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        let answer = self.answers.get(at % self.answers.len().max(1));
        answer
            .filter(|_| at < ANSWERS)
            .cloned()
            .flatten()
            .ok_or_else(|| MlflowRefusal {
                status: Some(if at.is_multiple_of(2) { 404 } else { 503 }),
                code: "RESOURCE_DOES_NOT_EXIST".into(),
                message: "there is none".into(),
            })
    }
}

impl MlflowServer for Server {
    fn call(&self, _: &MlflowRequest) -> Result<Value, MlflowRefusal> {
        self.answer()
    }

    fn upload(&self, path: &str, content: &mut dyn Read) -> Result<(), MlflowRefusal> {
        assert!(path.is_ascii() && !path.contains(' '), "{path} is no path of a URL");
        std::io::copy(content, &mut std::io::sink()).expect("the artifact is there");
        self.answer().map(drop)
    }

    fn download(&self, path: &str) -> Result<Box<dyn Read + '_>, MlflowRefusal> {
        panic!("an export reads {path}")
    }
}

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let world = &*WORLD;
    let text = String::from_utf8_lossy(data)
        .replace("{run}", world.run.as_str())
        .replace("{model}", world.model.as_str());
    let answers = text.lines().take(ANSWERS);
    let server = Server {
        answers: answers.map(|line| serde_json::from_str(line).ok()).collect(),
        next: AtomicUsize::new(0),
    };
    match world.registry.export_runs([world.run.clone()], &server) {
        Ok(report) => assert_eq!(report.runs.len(), 1),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
