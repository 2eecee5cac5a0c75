//! What a request is about: from its parameters, through the storage, to experiments and models by name.
//!
//! A right is looked up on what is found here, and the work of a route reads the same parameters in the same
//! way; nothing is taken from what a request merely claims.

use std::collections::BTreeSet;

use mlops_core::ModelName;
use mlops_registry::{ArtifactOwner, ExperimentId, LoggedModelId, RunId};

use super::registered_models;
use crate::tracking::{
    access::Object,
    artifact::{ArtifactPlace, Owner},
    failure::{Failure, Outcome},
    params::Params,
    route::Call,
};

/// The identity of the experiment that a request names.
pub(in crate::tracking) fn experiment_id(params: &Params) -> Outcome<ExperimentId> {
    parse_experiment(&params.id("experiment_id")?)
}

pub(super) fn parse_experiment(id: &str) -> Outcome<ExperimentId> {
    id.parse().map_err(|_| {
        let digits = id.strip_prefix('-').unwrap_or(id);
        // a whole number could be one, if not one of ours
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Failure::not_found(format!("No Experiment with id={} exists", shown(id)));
        }
        Failure::invalid(format!(
            "Invalid experiment ID '{}'. Experiment ID must be a valid integer.",
            shown(id)
        ))
    })
}

/// The identity of the run that a request names; older clients say `run_uuid`.
pub(in crate::tracking) fn run_id(params: &Params) -> Outcome<RunId> {
    let id = match params.opt_text("run_id")? {
        Some(id) if !id.is_empty() => id,
        _ => params
            .opt_text("run_uuid")?
            .filter(|id| !id.is_empty())
            .ok_or_else(|| Failure::missing("run_id"))?,
    };
    parse_run(id)
}

pub(in crate::tracking) fn parse_run(id: &str) -> Outcome<RunId> {
    id.parse()
        .map_err(|_| Failure::not_found(format!("Run with id={} not found", shown(id))))
}

/// The identity of the logged model that a request names.
pub(in crate::tracking) fn logged_model_id(params: &Params) -> Outcome<LoggedModelId> {
    parse_logged_model(params.text("model_id")?)
}

pub(super) fn parse_logged_model(id: &str) -> Outcome<LoggedModelId> {
    id.parse()
        .map_err(|_| Failure::not_found(format!("Logged model with ID '{}' not found.", shown(id))))
}

fn shown(id: &str) -> String {
    id.chars().take(64).collect()
}

/// The server itself.
#[cfg(feature = "webhooks")]
#[expect(clippy::unnecessary_wraps, reason = "one of many subjects")]
pub(super) fn server(_: &Call<'_>) -> Outcome<Vec<Object>> {
    Ok(vec![Object::Server])
}

/// The experiment that a request names by identity.
pub(in crate::tracking) fn experiment(call: &Call<'_>) -> Outcome<Vec<Object>> {
    named(call, experiment_id(call.params)?)
}

/// The experiment that a request is about to make.
pub(super) fn new_experiment(call: &Call<'_>) -> Outcome<Vec<Object>> {
    Ok(vec![Object::Experiment(
        call.params.text("name")?.to_owned(),
    )])
}

/// The experiment that a request names by name.
pub(super) fn experiment_by_name(call: &Call<'_>) -> Outcome<Vec<Object>> {
    let name = call.params.text("experiment_name")?;
    Ok(vec![Object::Experiment(name.to_owned())])
}

/// The experiment, by its old and its new name.
pub(super) fn renamed_experiment(call: &Call<'_>) -> Outcome<Vec<Object>> {
    let mut objects = experiment(call)?;
    objects.push(Object::Experiment(call.params.text("new_name")?.to_owned()));
    Ok(objects)
}

/// The experiments whose runs or logged models a request searches; at least one must be named.
pub(super) fn searched_experiments(call: &Call<'_>) -> Outcome<Vec<Object>> {
    let mut objects = Vec::new();
    for id in call.params.texts("experiment_ids")? {
        objects.extend(named(call, parse_experiment(&id)?)?);
    }
    Ok(objects)
}

/// The experiment of the run that a request names.
pub(in crate::tracking) fn run(call: &Call<'_>) -> Outcome<Vec<Object>> {
    of_run(call, &run_id(call.params)?)
}

/// The experiment of the run that a request logs to, and those of the logged models that its metrics are
/// written to as well.
pub(super) fn logged_to(call: &Call<'_>) -> Outcome<Vec<Object>> {
    let mut objects = run(call)?;
    let mut metrics = call.params.objects("metrics")?;
    metrics.push(call.params.clone());
    let mut models = BTreeSet::new();
    for metric in &metrics {
        models.extend(metric.opt_text("model_id")?.filter(|id| !id.is_empty()));
    }
    for model in models {
        objects.extend(of_logged_model(call, &parse_logged_model(model)?)?);
    }
    Ok(objects)
}

/// The experiments of all runs that a request names.
pub(in crate::tracking) fn runs(call: &Call<'_>) -> Outcome<Vec<Object>> {
    let mut objects = Vec::new();
    for id in call.params.texts("run_ids")? {
        objects.extend(of_run(call, &parse_run(&id)?)?);
    }
    Ok(objects)
}

/// The experiment of the logged model that a request names.
pub(in crate::tracking) fn logged_model(call: &Call<'_>) -> Outcome<Vec<Object>> {
    of_logged_model(call, &logged_model_id(call.params)?)
}

/// The name of the registered model that a request names.
pub(in crate::tracking) fn model_name(params: &Params) -> Outcome<ModelName> {
    registered_models::name(params)
}

/// The registered model that a request names.
pub(in crate::tracking) fn model(call: &Call<'_>) -> Outcome<Vec<Object>> {
    // by the name in its one form, as the storage looks it up
    Ok(vec![Object::Model(
        registered_models::name(call.params)?.to_string(),
    )])
}

/// The registered model, by its old and its new name.
pub(super) fn renamed_model(call: &Call<'_>) -> Outcome<Vec<Object>> {
    let mut objects = model(call)?;
    let to = ModelName::new(call.params.text("new_name")?)?;
    objects.push(Object::Model(to.to_string()));
    Ok(objects)
}

/// The experiment of whoever has the artifact that the path leads to, or the registered model.
pub(in crate::tracking) fn artifact(call: &Call<'_>) -> Outcome<Vec<Object>> {
    let place = ArtifactPlace::parse(call.params.text("path")?)?;
    if let Owner::Version(model, _) = &place.owner {
        return Ok(vec![Object::Model(model.to_string())]);
    }
    match owner_of(&place)? {
        ArtifactOwner::Run(id) => of_run(call, &id),
        ArtifactOwner::Model(id) => of_logged_model(call, &id),
    }
}

/// Whose artifact a path leads to; a version of a registered model owns none that could be changed.
pub(super) fn owner_of(place: &ArtifactPlace) -> Outcome<ArtifactOwner> {
    Ok(match &place.owner {
        Owner::Run(id) => ArtifactOwner::Run(parse_run(id)?),
        Owner::LoggedModel(id) => ArtifactOwner::Model(parse_logged_model(id)?),
        Owner::Version(..) => {
            return Err(Failure::invalid(
                "The content of a version of a model does not change",
            ));
        }
    })
}

pub(super) fn of_run(call: &Call<'_>, id: &RunId) -> Outcome<Vec<Object>> {
    if let Some(experiment) = call.app.runs.get(id) {
        return named(call, experiment);
    }
    let experiment = call.registry.tracking().run(id)?.experiment;
    call.app.runs.put(id, experiment);
    named(call, experiment)
}

pub(super) fn of_logged_model(call: &Call<'_>, id: &LoggedModelId) -> Outcome<Vec<Object>> {
    let model = call.registry.tracking().logged_model(id)?;
    named(call, model.experiment)
}

fn named(call: &Call<'_>, id: ExperimentId) -> Outcome<Vec<Object>> {
    let experiment = call.registry.tracking().experiment(id)?;
    Ok(vec![Object::Experiment(experiment.name.to_string())])
}
