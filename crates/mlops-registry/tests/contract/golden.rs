//! Searches come out as MLflow's own store answers them; see `golden/mlflow/search.py`.

use std::{borrow::Cow, collections::BTreeMap};

use mlops_core::EventTime;
use mlops_registry::{
    Attribute, Batch, Dataset, DatasetFilter, DatasetInput, DatasetName, ExperimentId,
    ExperimentName, ExperimentSearch, Filter, LoggedModelId, LoggedModelSearch, LoggedModelStatus,
    Metric, MetricPoint, ModelOrdering, NewExperiment, NewLoggedModel, NewRun, Ordered, Registry,
    RunId, RunSearch, RunStatus, RunUpdate, Searchable, Subject, Tracking, View, page_of,
};
use rusqlite::Connection;
use serde::Deserialize;

use crate::fixture::url;

#[derive(Deserialize)]
struct Golden {
    experiments: Vec<Experiment>,
    runs: Vec<Run>,
    run_cases: Vec<RunCase>,
    experiment_cases: Vec<ExperimentCase>,
    registered: Vec<Registered>,
    versions: Vec<Version>,
    model_cases: Vec<ModelCase>,
    version_cases: Vec<VersionCase>,
    logged: Vec<Logged>,
    logged_cases: Vec<LoggedCase>,
}

#[derive(Deserialize)]
struct Experiment {
    id: i64,
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Run {
    id: RunId,
    experiment: usize,
    user: String,
    start: i64,
    end: Option<i64>,
    status: String,
    tags: BTreeMap<String, String>,
    params: BTreeMap<String, String>,
    inputs: Vec<Input>,
    deleted: bool,
    metrics: BTreeMap<String, Vec<(i64, i64, Number)>>,
}

#[derive(Deserialize)]
struct Input {
    name: String,
    digest: String,
    context: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Finite(f64),
    Word(String),
}

#[derive(Deserialize)]
struct RunCase {
    filter: String,
    order: Vec<String>,
    experiments: Vec<usize>,
    view: String,
    runs: Option<Vec<usize>>,
}

#[derive(Deserialize)]
struct ExperimentCase {
    filter: String,
    order: Vec<String>,
    experiments: Option<Vec<i64>>,
}

#[derive(Deserialize)]
struct Registered {
    name: String,
    tags: BTreeMap<String, String>,
    updated: i64,
}

#[derive(Deserialize)]
struct Version {
    name: String,
    #[serde(rename = "version")]
    number: i64,
    source: String,
    run: Option<String>,
    tags: BTreeMap<String, String>,
    created: i64,
    updated: i64,
}

#[derive(Deserialize)]
struct ModelCase {
    filter: String,
    order: Vec<String>,
    models: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct VersionCase {
    filter: String,
    order: Vec<String>,
    versions: Option<Vec<(String, i64)>>,
}

/// Key, value, time, step, dataset.
type Measured = (String, f64, i64, i64, Option<(String, String)>);

#[derive(Deserialize)]
struct Logged {
    id: LoggedModelId,
    experiment: usize,
    name: String,
    params: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    run: RunId,
    status: String,
    metrics: Vec<Measured>,
    created: i64,
}

#[derive(Deserialize)]
struct LoggedCase {
    filter: String,
    order: Vec<LoggedOrder>,
    datasets: Option<Vec<DatasetOf>>,
    models: Option<Vec<usize>>,
}

#[derive(Deserialize)]
struct LoggedOrder {
    field_name: String,
    ascending: Option<bool>,
    dataset_name: Option<String>,
    dataset_digest: Option<String>,
}

#[derive(Deserialize)]
struct DatasetOf {
    dataset_name: String,
    dataset_digest: Option<String>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/mlflow/search.json")).unwrap()
}

fn millis(millis: i64) -> EventTime {
    EventTime::from_micros(millis * 1_000)
}

fn point(step: i64, time: i64, value: &Number) -> MetricPoint {
    let value = match value {
        Number::Finite(value) => *value,
        Number::Word(word) => match word.as_str() {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            _ => f64::NEG_INFINITY,
        },
    };
    MetricPoint {
        step,
        time: millis(time),
        value,
    }
}

fn with_experiments(golden: &Golden, tracking: &Tracking) -> Vec<ExperimentId> {
    let made = ["one", "two/deep", "Three"].map(|name| {
        let mut new = NewExperiment::new(ExperimentName::new(name).unwrap());
        new.artifact_location = Some(format!("mlflow-artifacts:/{name}"));
        tracking.create_experiment(new).unwrap().id
    });
    for (id, known) in made.iter().zip(&golden.experiments) {
        assert_eq!(id.to_string(), known.id.to_string());
        for (key, value) in &known.tags {
            tracking.set_experiment_tag(*id, key, value).unwrap();
        }
    }
    made.to_vec()
}

fn with_runs(golden: &Golden, tracking: &Tracking, experiments: &[ExperimentId]) {
    for run in &golden.runs {
        let mut new = NewRun::new(experiments[run.experiment]);
        new.id = Some(run.id.clone());
        new.user.clone_from(&run.user);
        new.started = Some(millis(run.start));
        new.tags.clone_from(&run.tags);
        tracking.create_run(new).unwrap();
        let metrics = run.metrics.iter().flat_map(|(key, points)| {
            points
                .iter()
                .map(move |(step, time, value)| Metric::new(key, point(*step, *time, value)))
        });
        let mut batch = Batch::of_metrics(metrics);
        batch.params = run.params.clone().into_iter().collect();
        tracking.log_batch(&run.id, batch).unwrap();
        let status = match run.status.as_str() {
            "RUNNING" => RunStatus::Running,
            "SCHEDULED" => RunStatus::Scheduled,
            "FINISHED" => RunStatus::Finished,
            "FAILED" => RunStatus::Failed,
            _ => RunStatus::Killed,
        };
        let update = RunUpdate {
            status: Some(status),
            ended: run.end.map(millis),
            name: None,
        };
        tracking.update_run(&run.id, &update).unwrap();
        for input in &run.inputs {
            let context = input.context.clone();
            let input = DatasetInput {
                dataset: Dataset {
                    name: input.name.clone(),
                    digest: input.digest.clone(),
                    source_type: "local".into(),
                    source: "here".into(),
                    schema: None,
                    profile: None,
                },
                tags: context
                    .map(|context| ("mlflow.data.context".to_owned(), context))
                    .into_iter()
                    .collect(),
            };
            tracking.log_inputs(&run.id, vec![input], vec![]).unwrap();
        }
        if run.deleted {
            tracking.delete_run(&run.id).unwrap();
        }
    }
}

/// All pages of a search, each of a few results.
fn paged<T>(
    mut page: impl FnMut(Option<String>) -> mlops_registry::Result<mlops_registry::Page<T>>,
) -> Option<Vec<T>> {
    let mut items = Vec::new();
    let mut token = None;
    loop {
        let found = page(token).ok()?;
        items.extend(found.items);
        token = found.next;
        if token.is_none() {
            return Some(items);
        }
    }
}

#[test]
fn runs_are_found_as_mlflow_finds_them() {
    let golden = golden();
    let tracking = Registry::memory().unwrap().tracking();
    let experiments = with_experiments(&golden, &tracking);
    with_runs(&golden, &tracking, &experiments);
    let place: BTreeMap<&RunId, usize> = golden.runs.iter().map(|run| &run.id).zip(0..).collect();
    for (case, limit) in golden
        .run_cases
        .iter()
        .zip([1000, 7, 50, 1].into_iter().cycle())
    {
        let search = RunSearch {
            experiments: case.experiments.iter().map(|at| experiments[*at]).collect(),
            filter: case.filter.clone(),
            view: match case.view.as_str() {
                "active" => View::Active,
                "deleted" => View::Deleted,
                _ => View::All,
            },
            order_by: case.order.clone(),
            limit: Some(limit),
            page_token: None,
        };
        let found = paged(|page_token| {
            tracking.search_runs(&RunSearch {
                page_token,
                ..search.clone()
            })
        });
        let found: Option<Vec<usize>> =
            found.map(|runs| runs.iter().map(|run| place[&run.id]).collect());
        assert_eq!(found, case.runs, "{search:?}");
    }
}

#[test]
fn experiments_are_found_as_mlflow_finds_them() {
    let golden = golden();
    let directory = tempfile::tempdir().unwrap();
    let registry = Registry::open(url(directory.path())).unwrap();
    let tracking = registry.tracking();
    let experiments = with_experiments(&golden, &tracking);
    let raw = Connection::open(directory.path().join("mlops.db")).unwrap();
    let times = |row: i64, created: i64, updated: i64| {
        raw.execute(
            "UPDATE experiment SET created_us = ?2 * 1000, updated_us = ?3 * 1000 WHERE id = ?1",
            [row, created, updated],
        )
        .unwrap();
    };
    for (place, id) in (0..).zip(&experiments) {
        times(
            id.to_string().parse().unwrap(),
            100 + place / 2,
            300 - place,
        );
    }
    times(0, 50, 299);
    for case in &golden.experiment_cases {
        let found = paged(|page_token| {
            tracking.search_experiments(&ExperimentSearch {
                filter: case.filter.clone(),
                view: View::All,
                order_by: case.order.clone(),
                limit: Some(2),
                page_token,
            })
        });
        let found: Option<Vec<i64>> = found.map(|experiments| {
            experiments
                .iter()
                .map(|experiment| experiment.id.to_string().parse().unwrap())
                .collect()
        });
        assert_eq!(found, case.experiments, "{} {:?}", case.filter, case.order);
    }
}

impl Subject for &Registered {
    fn attribute(&self, name: &str) -> Option<Attribute<'_>> {
        match name {
            "name" => Some(Attribute::Text(Cow::Borrowed(&self.name))),
            "last_updated_timestamp" => Some(Attribute::Integer(self.updated)),
            _ => None,
        }
    }

    fn tag(&self, key: &str) -> Option<&str> {
        self.tags.get(key).map(String::as_str)
    }
}

impl Subject for &Version {
    fn attribute(&self, name: &str) -> Option<Attribute<'_>> {
        match name {
            "name" => Some(Attribute::Text(Cow::Borrowed(&self.name))),
            "version_number" => Some(Attribute::Integer(self.number)),
            "run_id" => self.run.as_deref().map(|run| Attribute::Text(run.into())),
            "source_path" => Some(Attribute::Text(Cow::Borrowed(&self.source))),
            "creation_timestamp" => Some(Attribute::Integer(self.created)),
            "last_updated_timestamp" => Some(Attribute::Integer(self.updated)),
            _ => None,
        }
    }

    fn tag(&self, key: &str) -> Option<&str> {
        self.tags.get(key).map(String::as_str)
    }
}

fn found<T: Subject + Copy>(
    searched: Searchable,
    values: &[T],
    filter: &str,
    order: &[String],
) -> Option<Vec<T>> {
    let filter = Filter::parse(searched, filter).ok()?;
    let ordered = Ordered::parse(searched, order).ok()?;
    paged(|token| {
        page_of(
            values.iter().copied(),
            &filter,
            &ordered,
            3,
            token.as_deref(),
        )
    })
}

#[test]
fn registered_models_and_versions_are_found_as_mlflow_finds_them() {
    let golden = golden();
    let models: Vec<&Registered> = golden.registered.iter().collect();
    for case in &golden.model_cases {
        let found = found(
            Searchable::RegisteredModels,
            &models,
            &case.filter,
            &case.order,
        );
        let names = found.map(|models| models.iter().map(|model| model.name.clone()).collect());
        assert_eq!(names, case.models, "{} {:?}", case.filter, case.order);
    }
    let versions: Vec<&Version> = golden.versions.iter().collect();
    for case in &golden.version_cases {
        let found = found(
            Searchable::ModelVersions,
            &versions,
            &case.filter,
            &case.order,
        );
        let names = found.map(|versions| {
            versions
                .iter()
                .map(|version| (version.name.clone(), version.number))
                .collect()
        });
        assert_eq!(names, case.versions, "{} {:?}", case.filter, case.order);
    }
}

#[test]
fn logged_models_are_found_as_mlflow_finds_them() {
    let golden = golden();
    let directory = tempfile::tempdir().unwrap();
    let registry = Registry::open(url(directory.path())).unwrap();
    let tracking = registry.tracking();
    let experiments = with_experiments(&golden, &tracking);
    with_runs(&golden, &tracking, &experiments);
    let raw = Connection::open(directory.path().join("mlops.db")).unwrap();
    for model in &golden.logged {
        tracking
            .create_logged_model(NewLoggedModel {
                id: Some(model.id.clone()),
                name: Some(model.name.clone()),
                model_type: Some("sklearn".into()),
                source_run: Some(model.run.clone()),
                params: model.params.clone(),
                tags: model.tags.clone(),
                ..NewLoggedModel::new(experiments[model.experiment])
            })
            .unwrap();
        let status = match model.status.as_str() {
            "PENDING" => LoggedModelStatus::Pending,
            "READY" => LoggedModelStatus::Ready,
            _ => LoggedModelStatus::Failed,
        };
        tracking.finalize_logged_model(&model.id, status).unwrap();
        let metrics = model
            .metrics
            .iter()
            .map(|(key, value, time, step, dataset)| Metric {
                model: Some(model.id.clone()),
                dataset: dataset
                    .clone()
                    .map(|(name, digest)| DatasetName { name, digest }),
                ..Metric::new(key, point(*step, *time, &Number::Finite(*value)))
            });
        tracking
            .log_batch(&model.run, Batch::of_metrics(metrics))
            .unwrap();
        raw.execute(
            "UPDATE logged_model SET created_us = ?2 * 1000, updated_us = (?2 + 5) * 1000 WHERE uid = ?1",
            rusqlite::params![model.id.as_str(), model.created],
        )
        .unwrap();
    }
    let place: BTreeMap<&LoggedModelId, usize> = golden
        .logged
        .iter()
        .map(|model| &model.id)
        .zip(0..)
        .collect();
    for case in &golden.logged_cases {
        let search = LoggedModelSearch {
            experiments: experiments.clone(),
            filter: case.filter.clone(),
            datasets: case
                .datasets
                .iter()
                .flatten()
                .map(|dataset| DatasetFilter {
                    name: dataset.dataset_name.clone(),
                    digest: dataset.dataset_digest.clone(),
                })
                .collect(),
            order_by: case
                .order
                .iter()
                .map(|order| ModelOrdering {
                    field_name: order.field_name.clone(),
                    ascending: order.ascending.unwrap_or(true),
                    dataset: order.dataset_name.clone().map(|name| DatasetFilter {
                        name,
                        digest: order.dataset_digest.clone(),
                    }),
                })
                .collect(),
            limit: Some(4),
            page_token: None,
        };
        let found = paged(|page_token| {
            tracking.search_logged_models(&LoggedModelSearch {
                page_token,
                ..search.clone()
            })
        });
        let found: Option<Vec<usize>> =
            found.map(|models| models.iter().map(|model| place[&model.id]).collect());
        assert_eq!(found, case.models, "{search:?}");
    }
}
