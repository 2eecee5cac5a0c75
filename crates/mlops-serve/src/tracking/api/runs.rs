//! Runs: made, read, updated, deleted, restored, searched.

use mlops_registry::{Dataset, DatasetInput, NewRun, RunRecord, RunStatus, RunUpdate};
use serde::Serialize;

use super::{
    search,
    subject::{self, experiment_id, run_id},
    view::{KeyValue, MetricView, cut, millis, opt_time, pairs, read_pairs},
};
use crate::tracking::{
    access::Right,
    failure::Outcome,
    route::{Call, Needs, Reply, Route, Verb},
};

const READ: Needs = Needs::RightOn(Right::Read, subject::run);
const EDIT: Needs = Needs::RightOn(Right::Edit, subject::run);
const MANAGE: Needs = Needs::RightOn(Right::Manage, subject::run);
const MAKE: Needs = Needs::RightOn(Right::Edit, subject::experiment);
const SEARCH: Needs = Needs::RightOn(Right::Read, subject::searched_experiments);

pub(super) const ROUTES: &[Route] = &[
    Route::v2(Verb::Post, "/runs/create", MAKE, create),
    Route::v2(Verb::Get, "/runs/get", READ, get),
    Route::v2(Verb::Post, "/runs/update", EDIT, update),
    Route::v2(Verb::Post, "/runs/delete", MANAGE, delete),
    Route::v2(Verb::Post, "/runs/restore", MANAGE, restore),
    Route::v2(Verb::Post, "/runs/search", SEARCH, find),
];

/// The longest value of a tag; longer ones are cut, as the peer's server cuts them.
pub(super) const TAG_VALUE: usize = mlops_registry::limits::TAG_VALUE;

#[derive(Debug, Serialize)]
struct InfoView<'a> {
    run_uuid: &'a str,
    run_id: &'a str,
    experiment_id: String,
    run_name: &'a str,
    user_id: &'a str,
    status: &'static str,
    start_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<i64>,
    artifact_uri: &'a str,
    lifecycle_stage: &'static str,
}

#[derive(Debug, Serialize)]
struct DataView<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metrics: Vec<MetricView<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    params: Vec<KeyValue<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<KeyValue<'a>>,
}

#[derive(Debug, Serialize)]
struct DatasetView<'a> {
    name: &'a str,
    digest: &'a str,
    source_type: &'a str,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct DatasetInputView<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<KeyValue<'a>>,
    dataset: DatasetView<'a>,
}

#[derive(Debug, Serialize)]
struct ModelInputView<'a> {
    model_id: &'a str,
}

#[derive(Debug, Serialize)]
struct ModelOutputView<'a> {
    model_id: &'a str,
    step: i64,
}

#[derive(Debug, Serialize)]
struct InputsView<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dataset_inputs: Vec<DatasetInputView<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    model_inputs: Vec<ModelInputView<'a>>,
}

#[derive(Debug, Serialize)]
struct OutputsView<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    model_outputs: Vec<ModelOutputView<'a>>,
}

/// A run; `inputs` and `outputs` are there even if they hold nothing.
#[derive(Debug, Serialize)]
struct RunView<'a> {
    info: InfoView<'a>,
    data: DataView<'a>,
    inputs: InputsView<'a>,
    outputs: OutputsView<'a>,
}

impl<'a> InfoView<'a> {
    fn new(run: &'a RunRecord) -> Self {
        Self {
            run_uuid: run.id.as_str(),
            run_id: run.id.as_str(),
            experiment_id: run.experiment.to_string(),
            run_name: &run.name,
            user_id: &run.user,
            status: status_name(run.status),
            start_time: millis(run.started),
            end_time: run.ended.map(millis),
            artifact_uri: &run.artifact_uri,
            lifecycle_stage: run.lifecycle.as_str(),
        }
    }
}

impl<'a> RunView<'a> {
    fn new(run: &'a RunRecord) -> Self {
        let metrics = run.metrics.iter();
        let outputs = run.outputs.iter();
        Self {
            info: InfoView::new(run),
            data: DataView {
                metrics: metrics
                    .map(|(key, point)| MetricView::new(key, *point))
                    .collect(),
                params: pairs(&run.params),
                tags: pairs(&run.tags),
            },
            inputs: InputsView {
                dataset_inputs: run.datasets.iter().map(input_view).collect(),
                model_inputs: run
                    .model_inputs
                    .iter()
                    .map(|id| ModelInputView {
                        model_id: id.as_str(),
                    })
                    .collect(),
            },
            outputs: OutputsView {
                model_outputs: outputs
                    .map(|output| ModelOutputView {
                        model_id: output.model.as_str(),
                        step: output.step,
                    })
                    .collect(),
            },
        }
    }
}

fn input_view(input: &DatasetInput) -> DatasetInputView<'_> {
    let Dataset {
        name,
        digest,
        source_type,
        source,
        schema,
        profile,
    } = &input.dataset;
    DatasetInputView {
        tags: pairs(&input.tags),
        dataset: DatasetView {
            name,
            digest,
            source_type,
            source,
            schema: schema.as_deref(),
            profile: profile.as_deref(),
        },
    }
}

/// In the order of their numbers on the wire, from 1 on.
const STATUSES: [(RunStatus, &str); 5] = [
    (RunStatus::Running, "RUNNING"),
    (RunStatus::Scheduled, "SCHEDULED"),
    (RunStatus::Finished, "FINISHED"),
    (RunStatus::Failed, "FAILED"),
    (RunStatus::Killed, "KILLED"),
];

fn status_name(status: RunStatus) -> &'static str {
    STATUSES
        .iter()
        .find(|(one, _)| *one == status)
        .map_or("RUNNING", |(_, name)| name)
}

fn told(run: &RunRecord) -> Reply {
    #[derive(Serialize)]
    struct Told<'a> {
        run: RunView<'a>,
    }
    Reply::json(&Told {
        run: RunView::new(run),
    })
}

fn create(call: &Call<'_>) -> Outcome<Reply> {
    let params = call.params;
    let name = params.opt_text("run_name")?.filter(|name| !name.is_empty());
    let tags = read_pairs(params, "tags")?.into_iter();
    let new = NewRun {
        name: name.map(str::to_owned),
        user: params.opt_text("user_id")?.unwrap_or_default().to_owned(),
        started: opt_time(params, "start_time")?,
        tags: tags
            .map(|(key, value)| (key, cut(value, TAG_VALUE)))
            .collect(),
        ..NewRun::new(experiment_id(params)?)
    };
    Ok(told(&call.registry.tracking().create_run(new)?))
}

fn get(call: &Call<'_>) -> Outcome<Reply> {
    let id = run_id(call.params)?;
    Ok(told(&call.registry.tracking().run(&id)?))
}

fn update(call: &Call<'_>) -> Outcome<Reply> {
    #[derive(Serialize)]
    struct Told<'a> {
        run_info: InfoView<'a>,
    }
    let params = call.params;
    let status = params.opt_name("status", &STATUSES.map(|(_, name)| name))?;
    let update = RunUpdate {
        status: status.map(|at| STATUSES[at].0),
        ended: opt_time(params, "end_time")?,
        name: params.opt_text("run_name")?.map(str::to_owned),
    };
    let id = run_id(params)?;
    let run = call.registry.tracking().update_run(&id, &update)?;
    Ok(Reply::json(&Told {
        run_info: InfoView::new(&run),
    }))
}

fn delete(call: &Call<'_>) -> Outcome<Reply> {
    let id = run_id(call.params)?;
    call.registry.tracking().delete_run(&id)?;
    Ok(Reply::empty())
}

fn restore(call: &Call<'_>) -> Outcome<Reply> {
    let id = run_id(call.params)?;
    call.registry.tracking().restore_run(&id)?;
    Ok(Reply::empty())
}

fn find(call: &Call<'_>) -> Outcome<Reply> {
    #[derive(Serialize)]
    struct Told<'a> {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        runs: Vec<RunView<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_page_token: Option<&'a str>,
    }
    let page = search::runs(call)?;
    Ok(Reply::json(&Told {
        runs: page.items.iter().map(RunView::new).collect(),
        next_page_token: page.next.as_deref(),
    }))
}
