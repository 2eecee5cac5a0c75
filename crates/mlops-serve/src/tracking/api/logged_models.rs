//! Logged models: made, read, finished, tagged, deleted, searched; their artifacts listed.

use mlops_registry::{
    ArtifactOwner, LoggedModel, LoggedModelStatus, ModelMetric, NewLoggedModel, Registrations,
    RunId,
};
use serde::Serialize;

use super::{
    artifacts::{FilesTold, whole_paths},
    registered_models::may_read,
    search,
    subject::{self, experiment_id, logged_model_id, parse_run},
    view::{KeyValue, MetricView, millis, pairs, read_pairs},
};
use crate::tracking::{
    access::Right,
    artifact::check_below,
    failure::{Failure, Outcome},
    route::{Call, Needs, Reply, Route, Verb},
};

const READ: Needs = Needs::RightOn(Right::Read, subject::logged_model);
const EDIT: Needs = Needs::RightOn(Right::Edit, subject::logged_model);
const MANAGE: Needs = Needs::RightOn(Right::Manage, subject::logged_model);
const MAKE: Needs = Needs::RightOn(Right::Edit, subject::experiment);
const SEARCH: Needs = Needs::RightOn(Right::Read, subject::searched_experiments);

pub(super) const ROUTES: &[Route] = &[
    Route::v2(Verb::Post, "/logged-models", MAKE, create),
    Route::v2(Verb::Post, "/logged-models/search", SEARCH, find),
    Route::v2(Verb::Get, "/logged-models/{model_id}", READ, get),
    Route::v2(Verb::Patch, "/logged-models/{model_id}", EDIT, finalize),
    Route::v2(Verb::Delete, "/logged-models/{model_id}", MANAGE, delete),
    Route::v2(
        Verb::Patch,
        "/logged-models/{model_id}/tags",
        EDIT,
        set_tags,
    ),
    Route::v2(
        Verb::Delete,
        "/logged-models/{model_id}/tags/{tag_key}",
        EDIT,
        delete_tag,
    ),
    Route::v2(
        Verb::Post,
        "/logged-models/{model_id}/params",
        EDIT,
        log_params,
    ),
    Route::v2(
        Verb::Get,
        "/logged-models/{model_id}/artifacts/directories",
        READ,
        list,
    ),
];

#[derive(Debug, Serialize)]
struct RegistrationView<'a> {
    name: &'a str,
    version: String,
}

#[derive(Debug, Serialize)]
struct InfoView<'a> {
    model_id: &'a str,
    experiment_id: String,
    name: &'a str,
    creation_timestamp_ms: i64,
    last_updated_timestamp_ms: i64,
    artifact_uri: &'a str,
    status: &'static str,
    model_type: &'a str,
    source_run_id: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<KeyValue<'a>>,
    /// The versions of registered models that were made from it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    registrations: Vec<RegistrationView<'a>>,
}

#[derive(Debug, Serialize)]
struct DataView<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    params: Vec<KeyValue<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metrics: Vec<MetricView<'a>>,
}

#[derive(Debug, Serialize)]
struct LoggedModelView<'a> {
    info: InfoView<'a>,
    data: DataView<'a>,
}

impl<'a> LoggedModelView<'a> {
    fn new(model: &'a LoggedModel, registrations: &'a Registrations) -> Self {
        let versions = registrations.get(&model.id).into_iter().flatten();
        Self {
            info: InfoView {
                model_id: model.id.as_str(),
                experiment_id: model.experiment.to_string(),
                name: &model.name,
                creation_timestamp_ms: millis(model.created),
                last_updated_timestamp_ms: millis(model.updated),
                artifact_uri: &model.artifact_uri,
                status: status_name(model.status),
                model_type: model.model_type.as_deref().unwrap_or_default(),
                source_run_id: model.source_run.as_ref().map_or("", RunId::as_str),
                tags: pairs(&model.tags),
                registrations: versions
                    .map(|(name, version)| RegistrationView {
                        name: name.as_str(),
                        version: version.to_string(),
                    })
                    .collect(),
            },
            data: DataView {
                params: pairs(&model.params),
                metrics: model
                    .metrics
                    .iter()
                    .map(|metric| metric_view(model, metric))
                    .collect(),
            },
        }
    }
}

fn metric_view<'a>(model: &'a LoggedModel, metric: &'a ModelMetric) -> MetricView<'a> {
    let known = |text: &'a String| Some(text.as_str()).filter(|text| !text.is_empty());
    MetricView {
        model_id: Some(model.id.as_str()),
        dataset_name: known(&metric.dataset_name),
        dataset_digest: known(&metric.dataset_digest),
        run_id: Some(metric.run.as_str()),
        ..MetricView::new(&metric.key, metric.point)
    }
}

fn status_name(status: LoggedModelStatus) -> &'static str {
    match status {
        LoggedModelStatus::Pending => "LOGGED_MODEL_PENDING",
        LoggedModelStatus::Ready => "LOGGED_MODEL_READY",
        LoggedModelStatus::Failed => "LOGGED_MODEL_UPLOAD_FAILED",
    }
}

/// In the order of their numbers on the wire, from 1 on.
const STATUSES: [LoggedModelStatus; 3] = [
    LoggedModelStatus::Pending,
    LoggedModelStatus::Ready,
    LoggedModelStatus::Failed,
];

/// The versions that were made from logged models, of those that the caller may read.
fn registrations(call: &Call<'_>, models: &[LoggedModel]) -> Outcome<Registrations> {
    let ids: Vec<_> = models.iter().map(|model| &model.id).collect();
    let mut found = call.registry.registrations(&ids)?;
    for versions in found.values_mut() {
        versions.retain(|(name, _)| may_read(call, name));
    }
    Ok(found)
}

fn told(call: &Call<'_>, model: &LoggedModel) -> Outcome<Reply> {
    #[derive(Serialize)]
    struct Told<'a> {
        model: LoggedModelView<'a>,
    }
    let registrations = registrations(call, std::slice::from_ref(model))?;
    Ok(Reply::json(&Told {
        model: LoggedModelView::new(model, &registrations),
    }))
}

fn create(call: &Call<'_>) -> Outcome<Reply> {
    let params = call.params;
    let optional =
        |param| Ok::<_, Failure>(params.opt_text(param)?.filter(|text| !text.is_empty()));
    let source_run = optional("source_run_id")?.map(parse_run).transpose()?;
    let new = NewLoggedModel {
        name: optional("name")?.map(str::to_owned),
        model_type: optional("model_type")?.map(str::to_owned),
        source_run,
        params: read_pairs(params, "params")?,
        tags: read_pairs(params, "tags")?,
        ..NewLoggedModel::new(experiment_id(params)?)
    };
    told(call, &call.registry.tracking().create_logged_model(new)?)
}

fn get(call: &Call<'_>) -> Outcome<Reply> {
    let id = logged_model_id(call.params)?;
    told(call, &call.registry.tracking().logged_model(&id)?)
}

fn finalize(call: &Call<'_>) -> Outcome<Reply> {
    let id = logged_model_id(call.params)?;
    let names = STATUSES.map(status_name);
    let status = call.params.opt_name("status", &names)?;
    let status = STATUSES[status.ok_or_else(|| Failure::missing("status"))?];
    let tracking = call.registry.tracking();
    told(call, &tracking.finalize_logged_model(&id, status)?)
}

fn delete(call: &Call<'_>) -> Outcome<Reply> {
    let id = logged_model_id(call.params)?;
    call.registry.tracking().delete_logged_model(&id)?;
    Ok(Reply::empty())
}

fn set_tags(call: &Call<'_>) -> Outcome<Reply> {
    let id = logged_model_id(call.params)?;
    let tags = read_pairs(call.params, "tags")?;
    call.registry.tracking().set_logged_model_tags(&id, tags)?;
    Ok(Reply::empty())
}

fn delete_tag(call: &Call<'_>) -> Outcome<Reply> {
    let id = logged_model_id(call.params)?;
    let key = call.params.text("tag_key")?;
    call.registry.tracking().delete_logged_model_tag(&id, key)?;
    Ok(Reply::empty())
}

fn log_params(call: &Call<'_>) -> Outcome<Reply> {
    let id = logged_model_id(call.params)?;
    let params = read_pairs(call.params, "params")?;
    let tracking = call.registry.tracking();
    tracking.log_logged_model_params(&id, params)?;
    Ok(Reply::empty())
}

fn list(call: &Call<'_>) -> Outcome<Reply> {
    let id = logged_model_id(call.params)?;
    let path = call
        .params
        .opt_text("artifact_directory_path")?
        .unwrap_or_default();
    check_below(path)?;
    let tracking = call.registry.tracking();
    let model = tracking.logged_model(&id)?;
    let entries = tracking.artifacts(&ArtifactOwner::Model(id), Some(path))?;
    Ok(Reply::json(&FilesTold {
        root_uri: Some(&model.artifact_uri),
        files: whole_paths(&entries, path),
    }))
}

fn find(call: &Call<'_>) -> Outcome<Reply> {
    #[derive(Serialize)]
    struct Told<'a> {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        models: Vec<LoggedModelView<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_page_token: Option<&'a str>,
    }
    let page = search::logged_models(call)?;
    let registrations = registrations(call, &page.items)?;
    let view = |model| LoggedModelView::new(model, &registrations);
    Ok(Reply::json(&Told {
        models: page.items.iter().map(view).collect(),
        next_page_token: page.next.as_deref(),
    }))
}
