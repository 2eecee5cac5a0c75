//! A run there: found by our identity or made, then filled.

use mlops_core::EventTime;
use serde_json::{Value, json};

use super::{
    MlflowVerb,
    driver::{Export, ID_TAG, number, pairs, text},
    logged_models,
};
use crate::{
    ArtifactEntry, ArtifactOwner, Error, Lifecycle, MetricPoint, Result, RunId, RunRecord, limits,
};

/// The tag that names the parent of a run.
const PARENT_TAG: &str = "mlflow.parentRunId";

/// Sends a run, unless it is deleted there: then somebody has dealt with it.
pub(super) fn send(export: &mut Export<'_>, run: &RunRecord) -> Result<()> {
    let what = format!("run `{}`", run.id);
    let experiment = export.experiment(run.experiment)?;
    let mut info = search(export, &experiment, &run.id)?;
    let mut known = Value::Null;
    if info.is_null() {
        let mut tags = run.tags.clone();
        tags.insert(ID_TAG.to_owned(), run.id.to_string());
        if let Some(parent) = &run.parent {
            let there = parent
                .parse()
                .ok()
                .and_then(|id| export.report.runs.get(&id));
            match there {
                Some(there) => drop(tags.insert(PARENT_TAG.to_owned(), there.clone())),
                None => note(
                    export,
                    &what,
                    "its parent is not exported: the tag names it as here",
                ),
            }
        }
        let body = json!({
            "experiment_id": experiment,
            "user_id": run.user,
            "run_name": run.name,
            "start_time": millis(run.started),
            "tags": pairs(&tags),
        });
        info = export.post("/runs/create", &what, body)?["run"]["info"].clone();
        export.report.new_runs += 1;
    } else {
        // the server takes no link twice
        let id = text(&info, "run_id", &what)?;
        known = export.call(MlflowVerb::Get, "/runs/get", &what, json!({ "run_id": id }))?["run"]
            .clone();
    }
    let id = text(&info, "run_id", &what)?;
    export.report.runs.insert(run.id.clone(), id.clone());
    if info["lifecycle_stage"] == "deleted" {
        return Ok(());
    }
    params(export, run, &id, &what)?;
    inputs(export, run, &id, &what)?;
    logged_models::send(export, run, &id, &known)?;
    metrics(export, run, &id, &what)?;
    let owner = ArtifactOwner::Run(run.id.clone());
    artifacts(export, &owner, &text(&info, "artifact_uri", &what)?, &what)?;
    let mut update = json!({ "run_id": id, "status": run.status.as_str().to_uppercase() });
    if let Some(ended) = run.ended {
        update["end_time"] = json!(millis(ended));
    }
    export.post("/runs/update", &what, update)?;
    if run.lifecycle == Lifecycle::Deleted {
        export.post("/runs/delete", &what, json!({ "run_id": id }))?;
    }
    Ok(())
}

/// What the server tells of the run that carries our identity; null if there is none.
fn search(export: &Export<'_>, experiment: &str, id: &RunId) -> Result<Value> {
    let body = json!({
        "experiment_ids": [experiment],
        "filter": format!("tags.`{ID_TAG}` = '{id}'"),
        "run_view_type": "ALL",
        "max_results": 1,
    });
    let found = export.post("/runs/search", &format!("run `{id}`"), body)?;
    Ok(found["runs"][0]["info"].clone())
}

/// The identity of a run there and where it keeps its files; `None` if it was not exported.
pub(super) fn find(export: &mut Export<'_>, id: &RunId) -> Result<Option<(String, String)>> {
    let Ok(run) = export.registry.tracking().run(id) else {
        // one of another machine
        return Ok(None);
    };
    let experiment = export.registry.tracking().experiment(run.experiment)?;
    let Some(experiment) = export.find_experiment(&experiment)? else {
        return Ok(None);
    };
    let info = search(export, &experiment.id, id)?;
    if info.is_null() {
        return Ok(None);
    }
    let what = format!("run `{id}`");
    Ok(Some((
        text(&info, "run_id", &what)?,
        text(&info, "artifact_uri", &what)?,
    )))
}

fn params(export: &Export<'_>, run: &RunRecord, id: &str, what: &str) -> Result<()> {
    for params in pairs(&run.params).chunks(limits::BATCH_PARAMS) {
        export.post(
            "/runs/log-batch",
            what,
            json!({ "run_id": id, "params": params }),
        )?;
    }
    Ok(())
}

fn inputs(export: &mut Export<'_>, run: &RunRecord, id: &str, what: &str) -> Result<()> {
    if run.datasets.is_empty() {
        return Ok(());
    }
    let datasets: Vec<Value> = run
        .datasets
        .iter()
        .map(|input| {
            let mut dataset = serde_json::to_value(&input.dataset).expect("texts are JSON");
            if let Some(fields) = dataset.as_object_mut() {
                fields.retain(|_, value| !value.is_null());
            }
            json!({ "tags": pairs(&input.tags), "dataset": dataset })
        })
        .collect();
    export.post(
        "/runs/log-inputs",
        what,
        json!({ "run_id": id, "datasets": datasets }),
    )?;
    Ok(())
}

fn metrics(export: &mut Export<'_>, run: &RunRecord, id: &str, what: &str) -> Result<()> {
    let tracking = export.registry.tracking();
    for key in run.metrics.keys() {
        let mut token = None;
        loop {
            let page = tracking.history(&run.id, key, None, token.as_deref())?;
            for points in page.points.chunks(limits::BATCH_METRICS) {
                let metrics: Vec<Value> = points.iter().map(|at| point(key, at)).collect();
                export.report.metric_points += metrics.len() as u64;
                export.post(
                    "/runs/log-batch",
                    what,
                    json!({ "run_id": id, "metrics": metrics }),
                )?;
            }
            token = page.next;
            if token.is_none() {
                break;
            }
        }
    }
    Ok(())
}

/// A point as MLflow takes it.
pub(super) fn point(key: &str, point: &MetricPoint) -> Value {
    json!({
        "key": key,
        "value": number(point.value),
        "timestamp": millis(point.time),
        "step": point.step,
    })
}

/// Sends the files of an owner; a note says so if the server keeps them where it cannot be reached.
pub(super) fn artifacts(
    export: &mut Export<'_>,
    owner: &ArtifactOwner,
    root: &str,
    what: &str,
) -> Result<()> {
    let tracking = export.registry.tracking();
    let mut folders: Vec<Option<String>> = vec![None];
    while let Some(folder) = folders.pop() {
        for ArtifactEntry { path, file, .. } in tracking.artifacts(owner, folder.as_deref())? {
            let Some((digest, _)) = file else {
                folders.push(Some(path));
                continue;
            };
            let reader = export.registry.store().get(&digest);
            let content = reader.map_err(|source| Error::NotKept {
                artifact: path.clone(),
                source: Box::new(source),
            })?;
            if !export.upload(root, &path, what, &mut &content[..])? {
                note(
                    export,
                    what,
                    "its artifacts are not sent: the server does not take them itself",
                );
                return Ok(());
            }
            export.report.artifacts += 1;
        }
    }
    Ok(())
}

pub(super) fn millis(time: EventTime) -> i64 {
    time.micros().div_euclid(1_000)
}

pub(super) fn note(export: &mut Export<'_>, what: &str, text: &str) {
    export.report.notes.push((what.to_owned(), text.to_owned()));
}

/// Sends a change of a logged model.
pub(super) fn patch(export: &Export<'_>, path: &str, what: &str, body: Value) -> Result<Value> {
    export.call(MlflowVerb::Patch, path, what, body)
}
