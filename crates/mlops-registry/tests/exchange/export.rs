//! What is exported is what was there: held to a server that keeps MLflow's rules over another registry.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    sync::Mutex,
};

use mlops_core::{ErrorKind, EventTime};
use mlops_registry::{
    ArtifactOwner, Batch, DatasetInput, ExperimentName, LoggedModelId, LoggedModelStatus, Metric,
    MetricPoint, MlflowRefusal, MlflowRequest, MlflowServer, ModelOutput, NewExperiment,
    NewLoggedModel, NewRun, Registry, Result, RunId, RunRecord, RunSearch, RunStatus, RunUpdate,
    Tracking, View,
};
use serde_json::{Value, json};

use crate::mlflow::Mlflow;

/// The answers of a server of MLflow 3.17 to what an export asks, over a registry in memory.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) registry: Registry,
    /// How many requests it takes before it breaks down.
    pub(crate) strength: Mutex<usize>,
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub(crate) fn pairs(value: &Value) -> Vec<(String, String)> {
    let pairs = value.as_array().into_iter().flatten();
    pairs
        .map(|pair| (text(&pair["key"]), text(&pair["value"])))
        .collect()
}

fn metric(value: &Value) -> Metric {
    let number = value["value"]
        .as_f64()
        .unwrap_or_else(|| value["value"].as_str().unwrap().parse().unwrap());
    let point = MetricPoint {
        step: value["step"].as_i64().unwrap(),
        time: EventTime::from_micros(value["timestamp"].as_i64().unwrap() * 1_000),
        value: number,
    };
    let mut metric = Metric::new(text(&value["key"]), point);
    metric.model = value["model_id"].as_str().map(|id| id.parse().unwrap());
    metric
}

impl Server {
    pub(crate) fn new() -> Self {
        Self {
            registry: Registry::memory().unwrap(),
            strength: Mutex::new(usize::MAX),
        }
    }

    pub(crate) fn tracking(&self) -> Tracking {
        self.registry.tracking()
    }

    /// The run or model whose tag is in a filter.
    fn tagged(filter: &Value) -> String {
        filter
            .as_str()
            .unwrap()
            .split('\'')
            .nth(1)
            .unwrap()
            .to_owned()
    }

    fn info(&self, id: &RunId) -> Value {
        let run = self.tracking().run(id).unwrap();
        json!({
            "run_id": id, "artifact_uri": format!("mlflow-artifacts:/runs/{id}"),
            "lifecycle_stage": run.lifecycle.as_str(),
        })
    }

    #[expect(clippy::too_many_lines, reason = "a table of routes, each a few lines")]
    fn answer(&self, path: &str, body: &Value) -> Result<Value> {
        let tracking = self.tracking();
        let run = || text(&body["run_id"]).parse::<RunId>();
        Ok(match path.trim_start_matches("/api/2.0/mlflow") {
            "/experiments/get-by-name" => {
                let name = ExperimentName::new(text(&body["experiment_name"]))?;
                let found = tracking.experiment_named(&name)?;
                json!({ "experiment": { "experiment_id": found.id, "lifecycle_stage": found.lifecycle.as_str() } })
            }
            "/experiments/create" => {
                let mut new = NewExperiment::new(ExperimentName::new(text(&body["name"]))?);
                new.tags = pairs(&body["tags"]).into_iter().collect();
                json!({ "experiment_id": tracking.create_experiment(new)?.id })
            }
            "/experiments/delete" => {
                tracking.delete_experiment(text(&body["experiment_id"]).parse()?)?;
                json!({})
            }
            "/runs/search" => {
                let wanted = Self::tagged(&body["filter"]);
                let experiments = vec![text(&body["experiment_ids"][0]).parse()?];
                let search = RunSearch {
                    experiments,
                    view: View::All,
                    ..RunSearch::default()
                };
                let runs = tracking.search_runs(&search)?.items.into_iter();
                let mut runs = runs.filter(|run| run.tags.get("mlops.id") == Some(&wanted));
                match runs.next() {
                    Some(run) => json!({ "runs": [{ "info": self.info(&run.id) }] }),
                    None => json!({}),
                }
            }
            "/runs/get" => {
                let found = tracking.run(&run()?)?;
                let outputs: Vec<Value> = found
                    .outputs
                    .iter()
                    .map(|o| json!({ "model_id": o.model }))
                    .collect();
                json!({ "run": { "outputs": { "model_outputs": outputs } } })
            }
            "/runs/create" => {
                let mut new = NewRun::new(text(&body["experiment_id"]).parse()?);
                new.name = body["run_name"].as_str().map(str::to_owned);
                new.user = text(&body["user_id"]);
                new.started = body["start_time"]
                    .as_i64()
                    .map(|ms| EventTime::from_micros(ms * 1_000));
                new.tags = pairs(&body["tags"]).into_iter().collect();
                let made = tracking.create_run(new)?;
                json!({ "run": { "info": self.info(&made.id) } })
            }
            "/runs/log-batch" => {
                let metrics = body["metrics"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(metric)
                    .collect();
                let (params, tags) = (pairs(&body["params"]), pairs(&body["tags"]));
                tracking.log_batch(
                    &run()?,
                    Batch {
                        metrics,
                        params,
                        tags,
                    },
                )?;
                json!({})
            }
            "/runs/log-inputs" => {
                let datasets = body["datasets"].as_array().into_iter().flatten();
                let datasets = datasets.map(|input| DatasetInput {
                    dataset: serde_json::from_value(input["dataset"].clone()).unwrap(),
                    tags: pairs(&input["tags"]).into_iter().collect(),
                });
                let models = body["models"].as_array().into_iter().flatten();
                let models = models.map(|model| text(&model["model_id"]).parse().unwrap());
                tracking.log_inputs(&run()?, datasets.collect(), models.collect())?;
                json!({})
            }
            "/runs/outputs" => {
                let known = tracking.run(&run()?)?.outputs;
                let models = body["models"].as_array().into_iter().flatten();
                let outputs: Vec<ModelOutput> = models
                    .map(|model| ModelOutput {
                        model: text(&model["model_id"]).parse().unwrap(),
                        step: model["step"].as_i64().unwrap(),
                    })
                    .collect();
                assert!(
                    !outputs.iter().any(|output| known.contains(output)),
                    "a link twice is refused"
                );
                tracking.log_outputs(&run()?, outputs)?;
                json!({})
            }
            "/runs/update" => {
                let status = text(&body["status"]).to_lowercase();
                let all = [
                    RunStatus::Running,
                    RunStatus::Scheduled,
                    RunStatus::Finished,
                    RunStatus::Failed,
                    RunStatus::Killed,
                ];
                let update = RunUpdate {
                    status: all.into_iter().find(|known| known.as_str() == status),
                    ended: body["end_time"]
                        .as_i64()
                        .map(|ms| EventTime::from_micros(ms * 1_000)),
                    name: None,
                };
                tracking.update_run(&run()?, &update)?;
                json!({})
            }
            "/runs/delete" => {
                tracking.delete_run(&run()?)?;
                json!({})
            }
            "/logged-models/search" => {
                let wanted = Self::tagged(&body["filter"]);
                let search = mlops_registry::LoggedModelSearch {
                    experiments: vec![text(&body["experiment_ids"][0]).parse()?],
                    ..mlops_registry::LoggedModelSearch::default()
                };
                let models = tracking.search_logged_models(&search)?.items.into_iter();
                let mut models = models.filter(|model| model.tags.get("mlops.id") == Some(&wanted));
                match models.next() {
                    Some(model) => {
                        json!({ "models": [{ "info": model_info(&model.id, model.status) }] })
                    }
                    None => json!({}),
                }
            }
            "/logged-models" => {
                let mut new = NewLoggedModel::new(text(&body["experiment_id"]).parse()?);
                new.name = body["name"].as_str().map(str::to_owned);
                new.model_type = body["model_type"].as_str().map(str::to_owned);
                new.source_run = body["source_run_id"].as_str().map(|id| id.parse().unwrap());
                new.params = pairs(&body["params"]).into_iter().collect();
                new.tags = pairs(&body["tags"]).into_iter().collect();
                let made = tracking.create_logged_model(new)?;
                json!({ "model": { "info": model_info(&made.id, made.status) } })
            }
            other => {
                let id: LoggedModelId = other.rsplit('/').next().unwrap().parse()?;
                let status = match body["status"].as_str().unwrap() {
                    "LOGGED_MODEL_READY" => LoggedModelStatus::Ready,
                    _ => LoggedModelStatus::Failed,
                };
                tracking.finalize_logged_model(&id, status)?;
                json!({})
            }
        })
    }
}

fn model_info(id: &LoggedModelId, status: LoggedModelStatus) -> Value {
    json!({
        "model_id": id, "artifact_uri": format!("mlflow-artifacts://host/models/{id}"),
        "status": format!("LOGGED_MODEL_{}", status.as_str().to_uppercase()),
    })
}

impl MlflowServer for Server {
    fn call(&self, request: &MlflowRequest) -> Result<Value, MlflowRefusal> {
        let mut strength = self.strength.lock().unwrap();
        let Some(left) = strength.checked_sub(1) else {
            return Err(MlflowRefusal {
                status: Some(503),
                code: "TEMPORARILY_UNAVAILABLE".into(),
                message: "later".into(),
            });
        };
        *strength = left;
        self.answer(&request.path, &request.body)
            .map_err(|error| MlflowRefusal {
                status: Some(if error.kind() == ErrorKind::NotFound {
                    404
                } else {
                    400
                }),
                code: format!("{:?}", error.kind()),
                message: error.to_string(),
            })
    }

    fn upload(&self, path: &str, content: &mut dyn Read) -> Result<(), MlflowRefusal> {
        let path = mlops_store::percent_decode(path).unwrap().into_owned();
        let path = path.trim_start_matches("/api/2.0/mlflow-artifacts/artifacts/");
        let mut parts = path.splitn(3, '/');
        let (kind, id, artifact) = (
            parts.next().unwrap(),
            parts.next().unwrap(),
            parts.next().unwrap(),
        );
        let owner = match kind {
            "runs" => ArtifactOwner::Run(id.parse().unwrap()),
            _ => ArtifactOwner::Model(id.parse().unwrap()),
        };
        self.tracking()
            .put_artifact(&owner, artifact, content)
            .unwrap();
        Ok(())
    }

    fn download(&self, path: &str) -> Result<Box<dyn Read + '_>, MlflowRefusal> {
        panic!("an export does not ask for {path}")
    }
}

/// A registry with what MLflow's own database holds, and its runs in the order of their start.
fn imported() -> (Registry, Vec<RunId>) {
    let mlflow = Mlflow::new();
    let registry = Registry::memory().unwrap();
    mlflow.import().into_registry(&registry).unwrap();
    let runs = mlflow.answers["runs"].as_object().unwrap();
    let mut runs: Vec<RunRecord> = runs
        .keys()
        .map(|id| registry.tracking().run(&id.parse().unwrap()).unwrap())
        .collect();
    runs.retain(|run| run.name != "inside");
    runs.sort_by_key(|run| std::cmp::Reverse(run.started));
    (registry, runs.into_iter().map(|run| run.id).collect())
}

/// A run without what differs from one server to the other.
fn plain(run: &RunRecord, ids: &BTreeMap<String, String>) -> Value {
    let mut run = serde_json::to_value(run).unwrap();
    for field in ["id", "experiment", "artifact_uri"] {
        run[field] = Value::Null;
    }
    run["tags"].as_object_mut().unwrap().remove("mlops.id");
    let mut text = run.to_string();
    for (ours, theirs) in ids {
        text = text.replace(theirs, ours);
    }
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_run_arrives_with_all_that_it_has() {
    let (registry, runs) = imported();
    let server = Server::new();
    let report = registry.export_runs(runs.clone(), &server).unwrap();
    assert_eq!(
        (report.new_runs, report.new_logged_models),
        (runs.len() as u64, 1)
    );
    assert!(report.notes.is_empty(), "{:?}", report.notes);
    let there = server.tracking();
    let mut ids: BTreeMap<String, String> = report
        .runs
        .iter()
        .map(|(ours, theirs)| (ours.to_string(), theirs.clone()))
        .collect();
    let (mut models, mut files) = (BTreeSet::new(), 0);
    for (ours, theirs) in &report.runs {
        let (one, other) = (
            registry.tracking().run(ours).unwrap(),
            there.run(&theirs.parse().unwrap()).unwrap(),
        );
        for (ours, theirs) in one.outputs.iter().zip(&other.outputs) {
            ids.insert(ours.model.to_string(), theirs.model.to_string());
            models.insert((ours.model.clone(), theirs.model.clone()));
        }
    }
    for (ours, theirs) in &report.runs {
        let (one, other) = (
            registry.tracking().run(ours).unwrap(),
            there.run(&theirs.parse().unwrap()).unwrap(),
        );
        assert_eq!(plain(&one, &ids), plain(&other, &ids));
        for key in one.metrics.keys() {
            let history = |tracking: Tracking, run: &RunId| {
                let points = tracking.history(run, key, None, None).unwrap().points;
                serde_json::to_value(points).unwrap()
            };
            assert_eq!(
                history(registry.tracking(), ours),
                history(there.clone(), &other.id),
                "{key}"
            );
        }
        let listed = |tracking: Tracking, run: &RunId| {
            tracking
                .artifacts(&ArtifactOwner::Run(run.clone()), None)
                .unwrap()
        };
        let (own, arrived) = (
            listed(registry.tracking(), ours),
            listed(there.clone(), &other.id),
        );
        files += own.len();
        assert_eq!(own, arrived);
    }
    assert!(files > 1);
    for (ours, theirs) in models {
        let (one, other) = (
            registry.tracking().logged_model(&ours).unwrap(),
            there.logged_model(&theirs).unwrap(),
        );
        assert_eq!(
            (one.status, &one.name, &one.params),
            (other.status, &other.name, &other.params)
        );
        assert_eq!(one.metrics.len(), other.metrics.len());
        let root = |tracking: Tracking, id: &LoggedModelId| {
            tracking
                .artifacts(&ArtifactOwner::Model(id.clone()), None)
                .unwrap()
        };
        assert_eq!(
            root(registry.tracking(), &ours),
            root(there.clone(), &theirs)
        );
    }
}

#[test]
fn a_second_export_sends_nothing_new_and_one_that_was_cut_off_goes_on() {
    let (registry, runs) = imported();
    let server = Server::new();
    let mut tries = 0;
    let report = loop {
        *server.strength.lock().unwrap() = 10 + tries;
        match registry.export_runs(runs.clone(), &server) {
            Ok(report) => break report,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}"),
        }
        tries += 3;
    };
    assert!(tries > 3);
    *server.strength.lock().unwrap() = usize::MAX;
    let again = registry.export_runs(runs.clone(), &server).unwrap();
    assert_eq!((again.new_runs, again.new_logged_models), (0, 0));
    assert_eq!(again.runs, report.runs);
    let one = registry.tracking().run(&runs[0]).unwrap();
    let other = server
        .tracking()
        .run(&report.runs[&runs[0]].parse().unwrap())
        .unwrap();
    assert_eq!(one.status, other.status);
}
