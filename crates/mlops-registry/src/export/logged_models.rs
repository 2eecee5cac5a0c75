//! Logged models that a run made or read: found by our identity or made, and named by the run.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    driver::{Export, ID_TAG, pairs, text},
    runs::{artifacts, note, patch, point},
};
use crate::{ArtifactOwner, Error, LoggedModelId, Result, RunRecord, limits};

/// The tag in which a server lists the versions that a logged model is.
const VERSIONS_TAG: &str = "mlflow.modelVersions";

/// Sends the models that a run made or read, but for the links that are `known` there.
pub(super) fn send(
    export: &mut Export<'_>,
    run: &RunRecord,
    id: &str,
    known: &Value,
) -> Result<()> {
    let what = format!("run `{}`", run.id);
    let is_known = |list: &Value, model: &str| {
        let links = list.as_array().into_iter().flatten();
        links.into_iter().any(|link| link["model_id"] == model)
    };
    let mut outputs = Vec::new();
    for output in &run.outputs {
        match model(export, &output.model)? {
            Some(there) if !is_known(&known["outputs"]["model_outputs"], &there) => {
                outputs.push(json!({ "model_id": there, "step": output.step }));
            }
            _ => {}
        }
    }
    if !outputs.is_empty() {
        let body = json!({ "run_id": id, "models": outputs });
        export.post("/runs/outputs", &what, body)?;
    }
    let mut inputs = Vec::new();
    for input in &run.model_inputs {
        match model(export, input)? {
            Some(there) if !is_known(&known["inputs"]["model_inputs"], &there) => {
                inputs.push(json!({ "model_id": there }));
            }
            _ => {}
        }
    }
    if !inputs.is_empty() {
        let body = json!({ "run_id": id, "models": inputs });
        export.post("/runs/log-inputs", &what, body)?;
    }
    let linked = run.outputs.iter().map(|output| &output.model);
    let linked: BTreeSet<&LoggedModelId> = linked.chain(&run.model_inputs).collect();
    for model in linked {
        measured(export, model, run, id)?;
    }
    Ok(())
}

/// Sends what the run measured on a model.
fn measured(
    export: &mut Export<'_>,
    id: &LoggedModelId,
    run: &RunRecord,
    there: &str,
) -> Result<()> {
    let what = format!("logged model `{id}`");
    let Some((model, waiting)) = export.models.get(id) else {
        return Ok(());
    };
    let (model, before) = (model.clone(), *waiting);
    let metrics = export.registry.tracking().logged_model(id)?.metrics;
    let own: Vec<Value> = metrics
        .iter()
        .filter(|metric| metric.run == run.id)
        .map(|metric| {
            let mut sent = point(&metric.key, &metric.point);
            sent["model_id"] = json!(model);
            sent["run_id"] = json!(there);
            if let Some(dataset) = metric.dataset() {
                sent["dataset_name"] = json!(dataset.name);
                sent["dataset_digest"] = json!(dataset.digest);
            }
            sent
        })
        .collect();
    for metrics in own.chunks(limits::BATCH_METRICS) {
        export.report.metric_points += metrics.len() as u64;
        let body = json!({ "run_id": there, "metrics": metrics });
        export.post("/runs/log-batch", &what, body)?;
    }
    export
        .models
        .insert(id.clone(), (model, before.saturating_sub(own.len())));
    Ok(())
}

/// The identity of a model there; `None` if it is deleted here.
pub(super) fn model(export: &mut Export<'_>, id: &LoggedModelId) -> Result<Option<String>> {
    if let Some((known, _)) = export.models.get(id) {
        return Ok(Some(known.clone()));
    }
    let what = format!("logged model `{id}`");
    let model = match export.registry.tracking().logged_model(id) {
        Ok(model) => model,
        Err(Error::Tracking(_)) => {
            note(export, &what, "it is not here any more: left out");
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let experiment = export.experiment(model.experiment)?;
    let mut info = search(export, &experiment, id)?;
    let new = info.is_null();
    if new {
        let mut tags = model.tags.clone();
        // the server tells by itself which versions it is
        tags.remove(VERSIONS_TAG);
        tags.insert(ID_TAG.to_owned(), id.to_string());
        let source = model.source_run.as_ref();
        let source = source.map(|id| {
            export
                .report
                .runs
                .get(id)
                .map_or(id.as_str(), String::as_str)
        });
        let mut body = json!({
            "experiment_id": experiment,
            "name": model.name,
            "params": pairs(&model.params),
            "tags": pairs(&tags),
        });
        for (field, value) in [
            ("model_type", model.model_type.as_deref()),
            ("source_run_id", source),
        ] {
            if let Some(value) = value {
                body[field] = json!(value);
            }
        }
        info = export.post("/logged-models", &what, body)?["model"]["info"].clone();
        export.report.new_logged_models += 1;
    }
    let there = text(&info, "model_id", &what)?;
    export
        .models
        .insert(id.clone(), (there.clone(), model.metrics.len()));
    let owner = ArtifactOwner::Model(id.clone());
    artifacts(export, &owner, &text(&info, "artifact_uri", &what)?, &what)?;
    let status = match model.status.as_str() {
        "pending" => return Ok(Some(there)),
        status => status.to_uppercase(),
    };
    // a status that is final is not set twice
    if new || info["status"] == "LOGGED_MODEL_PENDING" {
        let body =
            json!({ "model_id": there, "status": format!("LOGGED_MODEL_{}", status_of(&status)) });
        patch(export, &format!("/logged-models/{there}"), &what, body)?;
    }
    Ok(Some(there))
}

/// The identity of a model there; `None` if it was not exported.
pub(super) fn find(export: &mut Export<'_>, id: &LoggedModelId) -> Result<Option<String>> {
    let model = match export.registry.tracking().logged_model(id) {
        Ok(model) => model,
        Err(Error::Tracking(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let experiment = export.registry.tracking().experiment(model.experiment)?;
    let Some(experiment) = export.find_experiment(&experiment)? else {
        return Ok(None);
    };
    let info = search(export, &experiment.id, id)?;
    if info.is_null() {
        return Ok(None);
    }
    text(&info, "model_id", &format!("logged model `{id}`")).map(Some)
}

/// What the server tells of the model that carries our identity; null if there is none.
fn search(export: &Export<'_>, experiment: &str, id: &LoggedModelId) -> Result<Value> {
    let body = json!({
        "experiment_ids": [experiment],
        "filter": format!("tags.`{ID_TAG}` = '{id}'"),
        "max_results": 1,
    });
    let found = export.post(
        "/logged-models/search",
        &format!("logged model `{id}`"),
        body,
    )?;
    Ok(found["models"][0]["info"].clone())
}

/// MLflow's word for a status.
fn status_of(status: &str) -> &str {
    match status {
        "FAILED" => "UPLOAD_FAILED",
        other => other,
    }
}
