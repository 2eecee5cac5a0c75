//! What a run logs: params, metrics, tags, alone and in batches, and what it read and made.

use mlops_registry::{
    Batch, Dataset, DatasetInput, DatasetName, Metric, MetricPoint, ModelOutput, limits,
};

use super::{
    runs::TAG_VALUE,
    subject::{self, parse_logged_model, run_id},
    view::{cut, read_pair, read_pairs, time},
};
use crate::tracking::{
    access::Right,
    failure::{Failure, Outcome},
    params::Params,
    route::{Call, Needs, Reply, Route, Verb},
};

const EDIT: Needs = Needs::RightOn(Right::Edit, subject::run);
const EDIT_MODELS: Needs = Needs::RightOn(Right::Edit, subject::logged_to);

pub(super) const ROUTES: &[Route] = &[
    Route::v2(Verb::Post, "/runs/log-metric", EDIT_MODELS, log_metric),
    Route::v2(Verb::Post, "/runs/log-parameter", EDIT, log_param),
    Route::v2(Verb::Post, "/runs/set-tag", EDIT, set_tag),
    Route::v2(Verb::Post, "/runs/delete-tag", EDIT, delete_tag),
    Route::v2(Verb::Post, "/runs/log-batch", EDIT_MODELS, log_batch),
    Route::v2(Verb::Post, "/runs/log-inputs", EDIT, log_inputs),
    Route::v2(Verb::Post, "/runs/outputs", EDIT, log_outputs),
    Route::v2(Verb::Post, "/runs/log-model", EDIT, log_model),
];

/// The tag in which older clients keep the models of a run.
const LOGGED_MODELS_TAG: &str = "mlflow.log-model.history";

fn read_metric(params: &Params) -> Outcome<Metric> {
    let point = MetricPoint {
        value: params.number("value")?,
        time: time("timestamp", params.integer("timestamp")?)?,
        step: params.opt_integer("step")?.unwrap_or(0),
    };
    let model = params.opt_text("model_id")?.filter(|id| !id.is_empty());
    let dataset = params
        .opt_text("dataset_name")?
        .filter(|name| !name.is_empty());
    let digest = params.opt_text("dataset_digest")?.unwrap_or_default();
    if dataset.is_some() == digest.is_empty() {
        return Err(Failure::invalid(
            "Both dataset_name and dataset_digest must be provided if one is provided",
        ));
    }
    let mut metric = Metric::new(params.text("key")?, point);
    metric.model = model.map(parse_logged_model).transpose()?;
    metric.dataset = dataset.map(|name| DatasetName {
        name: name.to_owned(),
        digest: digest.to_owned(),
    });
    Ok(metric)
}

/// A param; a value that is too long is cut, as the peer's server cuts it.
fn read_param(params: &Params) -> Outcome<(String, String)> {
    let (key, value) = read_pair(params)?;
    Ok((key, cut(value, limits::PARAM_VALUE)))
}

fn read_tag(params: &Params) -> Outcome<(String, String)> {
    let (key, value) = read_pair(params)?;
    Ok((key, cut(value, TAG_VALUE)))
}

/// Writes a batch to the run that the request names; of several faults the one in the run's id is told.
fn write(call: &Call<'_>, read: impl FnOnce(&Params) -> Outcome<Batch>) -> Outcome<Reply> {
    let id = run_id(call.params)?;
    let batch = read(call.params)?;
    call.registry.tracking().log_batch(&id, batch)?;
    Ok(Reply::empty())
}

fn log_metric(call: &Call<'_>) -> Outcome<Reply> {
    write(call, |params| Ok(Batch::of_metrics([read_metric(params)?])))
}

fn log_param(call: &Call<'_>) -> Outcome<Reply> {
    write(call, |params| {
        Ok(Batch {
            params: vec![read_param(params)?],
            ..Batch::default()
        })
    })
}

fn set_tag(call: &Call<'_>) -> Outcome<Reply> {
    write(call, |params| {
        Ok(Batch {
            tags: vec![read_tag(params)?],
            ..Batch::default()
        })
    })
}

fn delete_tag(call: &Call<'_>) -> Outcome<Reply> {
    let id = run_id(call.params)?;
    let key = call.params.text("key")?;
    call.registry.tracking().delete_tag(&id, key)?;
    Ok(Reply::empty())
}

fn log_batch(call: &Call<'_>) -> Outcome<Reply> {
    write(call, |params| {
        let read = |list, one: fn(&Params) -> Outcome<(String, String)>| {
            params
                .objects(list)?
                .iter()
                .map(one)
                .collect::<Outcome<Vec<_>>>()
        };
        let metrics = params.objects("metrics")?;
        Ok(Batch {
            metrics: metrics.iter().map(read_metric).collect::<Outcome<_>>()?,
            params: read("params", read_param)?,
            tags: read("tags", read_tag)?,
        })
    })
}

fn log_inputs(call: &Call<'_>) -> Outcome<Reply> {
    let params = call.params;
    let datasets = params.objects("datasets")?;
    let models = params.objects("models")?.into_iter();
    let models = models.map(|model| parse_logged_model(model.text("model_id")?));
    call.registry.tracking().log_inputs(
        &run_id(params)?,
        datasets.iter().map(read_input).collect::<Outcome<_>>()?,
        models.collect::<Outcome<_>>()?,
    )?;
    Ok(Reply::empty())
}

fn read_input(params: &Params) -> Outcome<DatasetInput> {
    let dataset = params.object("dataset")?;
    let optional = |param| {
        let text = dataset.opt_text(param)?;
        Ok::<_, Failure>(text.filter(|text| !text.is_empty()).map(str::to_owned))
    };
    Ok(DatasetInput {
        dataset: Dataset {
            name: dataset.text("name")?.to_owned(),
            digest: dataset.text("digest")?.to_owned(),
            source_type: dataset.text("source_type")?.to_owned(),
            source: dataset.text("source")?.to_owned(),
            schema: optional("schema")?,
            profile: optional("profile")?,
        },
        tags: read_pairs(params, "tags")?,
    })
}

fn log_outputs(call: &Call<'_>) -> Outcome<Reply> {
    if !call.params.has("models") {
        return Err(Failure::missing("models"));
    }
    let outputs = call.params.objects("models")?.into_iter().map(|output| {
        Ok(ModelOutput {
            model: parse_logged_model(output.text("model_id")?)?,
            step: output.opt_integer("step")?.unwrap_or(0),
        })
    });
    let outputs = outputs.collect::<Outcome<_>>()?;
    let id = run_id(call.params)?;
    call.registry.tracking().log_outputs(&id, outputs)?;
    Ok(Reply::empty())
}

/// Notes a model as clients before 3.0 do: its description is added to a list in a tag.
fn log_model(call: &Call<'_>) -> Outcome<Reply> {
    let text = call.params.text("model_json")?;
    let wrong = |reason: &str| Failure::value("model_json", &text.into(), reason);
    let model: serde_json::Value =
        serde_json::from_str(text).map_err(|_| wrong("it must be JSON"))?;
    let complete = ["artifact_path", "flavors", "utc_time_created", "run_id"];
    if complete.iter().any(|key| model.get(key).is_none()) {
        return Err(wrong(
            "it must hold artifact_path, flavors, utc_time_created and run_id",
        ));
    }
    let id = run_id(call.params)?;
    let tracking = call.registry.tracking();
    let run = tracking.run(&id)?;
    let held = run.tags.get(LOGGED_MODELS_TAG).map(String::as_str);
    let mut models: Vec<serde_json::Value> =
        serde_json::from_str(held.unwrap_or("[]")).unwrap_or_default();
    models.push(model);
    let value = serde_json::to_string(&models).expect("what was JSON is JSON");
    tracking.set_tag(&id, LOGGED_MODELS_TAG, &value)?;
    Ok(Reply::empty())
}
