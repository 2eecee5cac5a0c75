//! Experiments: made, found, tagged, renamed, deleted, restored.

use mlops_registry::{
    Error, ExperimentId, ExperimentName, ExperimentRecord, NewExperiment, TrackingError,
};
use serde::Serialize;
use serde_json::json;

use super::{
    search,
    subject::{self, experiment_id},
    view::{KeyValue, millis, pairs, read_pairs},
};
use crate::tracking::{
    access::{Object, Right},
    failure::{Failure, Outcome},
    route::{Call, Needs, Reply, Route, Verb},
};

const READ: Needs = Needs::RightOn(Right::Read, subject::experiment);
const EDIT: Needs = Needs::RightOn(Right::Edit, subject::experiment);
const MANAGE: Needs = Needs::RightOn(Right::Manage, subject::experiment);
const MAKE: Needs = Needs::RightOn(Right::Edit, subject::new_experiment);
const BY_NAME: Needs = Needs::RightOn(Right::Read, subject::experiment_by_name);
const RENAME: Needs = Needs::RightOn(Right::Manage, subject::renamed_experiment);

pub(super) const ROUTES: &[Route] = &[
    Route::v2(Verb::Post, "/experiments/create", MAKE, create),
    Route::v2(Verb::Get, "/experiments/get", READ, get),
    Route::v2(Verb::Get, "/experiments/get-by-name", BY_NAME, get_by_name),
    Route::v2(Verb::Post, "/experiments/search", Needs::Somebody, find),
    Route::v2(Verb::Get, "/experiments/search", Needs::Somebody, find),
    Route::v2(Verb::Post, "/experiments/update", RENAME, update),
    Route::v2(Verb::Post, "/experiments/delete", MANAGE, delete),
    Route::v2(Verb::Post, "/experiments/restore", MANAGE, restore),
    Route::v2(Verb::Post, "/experiments/set-experiment-tag", EDIT, set_tag),
    Route::v2(
        Verb::Post,
        "/experiments/delete-experiment-tag",
        EDIT,
        delete_tag,
    ),
];

/// Where artifacts may be kept other than here. This server never opens such a place; clients do.
const LOCATIONS: [&str; 5] = ["s3://", "gs://", "abfss://", "wasbs://", "hdfs://"];

#[derive(Debug, Serialize)]
struct ExperimentView<'a> {
    experiment_id: String,
    name: &'a str,
    artifact_location: &'a str,
    lifecycle_stage: &'static str,
    last_update_time: i64,
    creation_time: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<KeyValue<'a>>,
    /// There is one workspace, and this is its name.
    workspace: &'static str,
}

impl<'a> ExperimentView<'a> {
    fn new(experiment: &'a ExperimentRecord) -> Self {
        Self {
            experiment_id: experiment.id.to_string(),
            name: experiment.name.as_str(),
            artifact_location: &experiment.artifact_location,
            lifecycle_stage: experiment.lifecycle.as_str(),
            last_update_time: millis(experiment.updated),
            creation_time: millis(experiment.created),
            tags: pairs(&experiment.tags),
            workspace: "default",
        }
    }
}

fn told(experiment: &ExperimentRecord) -> Reply {
    #[derive(Serialize)]
    struct Told<'a> {
        experiment: ExperimentView<'a>,
    }
    Reply::json(&Told {
        experiment: ExperimentView::new(experiment),
    })
}

fn create(call: &Call<'_>) -> Outcome<Reply> {
    let name = ExperimentName::new(call.params.text("name")?)?;
    let location = match call.params.opt_text("artifact_location")? {
        None | Some("") => None,
        Some(location) => Some(check_location(location)?),
    };
    let new = NewExperiment {
        artifact_location: location,
        tags: read_pairs(call.params, "tags")?,
        ..NewExperiment::new(name)
    };
    let made = call.registry.tracking().create_experiment(new)?;
    Ok(Reply::json(&json!({"experiment_id": made.id.to_string()})))
}

pub(super) fn check_location(location: &str) -> Outcome<String> {
    let below = LOCATIONS
        .iter()
        .find_map(|scheme| location.strip_prefix(scheme))
        .ok_or_else(|| {
            Failure::invalid(
                "Invalid artifact_location: leave it out to keep artifacts on this server, or name a \
                 place by s3://, gs://, abfss://, wasbs:// or hdfs://",
            )
        })?;
    let traverses = below.split('/').any(|piece| piece == "." || piece == "..");
    if below.is_empty() || traverses || below.contains(['?', '#', ';', '%', '\\', ':']) {
        return Err(Failure::invalid(
            "Invalid artifact_location: it must be a plain path in a bucket",
        ));
    }
    Ok(location.to_owned())
}

fn get(call: &Call<'_>) -> Outcome<Reply> {
    let id = experiment_id(call.params)?;
    Ok(told(&call.registry.tracking().experiment(id)?))
}

fn get_by_name(call: &Call<'_>) -> Outcome<Reply> {
    let given = call.params.text("experiment_name")?;
    let unknown = || Failure::not_found(format!("Could not find experiment with name '{given}'"));
    // what cannot be a name is the name of nothing
    let name = ExperimentName::new(given).map_err(|_| unknown())?;
    match call.registry.tracking().experiment_named(&name) {
        Ok(experiment) => Ok(told(&experiment)),
        Err(Error::UnknownExperiment { .. }) => Err(unknown()),
        Err(error) => Err(error.into()),
    }
}

fn find(call: &Call<'_>) -> Outcome<Reply> {
    #[derive(Serialize)]
    struct Told<'a> {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        experiments: Vec<ExperimentView<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_page_token: Option<&'a str>,
    }
    let page = search::experiments(call)?;
    let may = |experiment: &&ExperimentRecord| {
        let object = Object::Experiment(experiment.name.to_string());
        call.who.may(Right::Read, &object)
    };
    Ok(Reply::json(&Told {
        experiments: page
            .items
            .iter()
            .filter(may)
            .map(ExperimentView::new)
            .collect(),
        next_page_token: page.next.as_deref(),
    }))
}

fn update(call: &Call<'_>) -> Outcome<Reply> {
    let name = ExperimentName::new(call.params.text("new_name")?)?;
    let id = experiment_id(call.params)?;
    call.registry.tracking().rename_experiment(id, name)?;
    Ok(Reply::empty())
}

fn delete(call: &Call<'_>) -> Outcome<Reply> {
    let id = experiment_id(call.params)?;
    let deleted = call.registry.tracking().delete_experiment(id);
    deleted.map_err(|error| none_in_that_state(id, error))?;
    Ok(Reply::empty())
}

fn restore(call: &Call<'_>) -> Outcome<Reply> {
    let id = experiment_id(call.params)?;
    let restored = call.registry.tracking().restore_experiment(id);
    restored.map_err(|error| none_in_that_state(id, error))?;
    Ok(Reply::empty())
}

/// The peer looks for what is to be deleted among what is there, and for what is to be restored among what is deleted.
fn none_in_that_state(id: ExperimentId, error: Error) -> Failure {
    match error {
        Error::Tracking(TrackingError::ExperimentState { .. }) => {
            Error::from(TrackingError::UnknownExperimentId { experiment: id }).into()
        }
        error => error.into(),
    }
}

fn set_tag(call: &Call<'_>) -> Outcome<Reply> {
    let (key, value) = super::view::read_pair(call.params)?;
    let id = experiment_id(call.params)?;
    call.registry
        .tracking()
        .set_experiment_tag(id, &key, &value)?;
    Ok(Reply::empty())
}

fn delete_tag(call: &Call<'_>) -> Outcome<Reply> {
    let id = experiment_id(call.params)?;
    let key = call.params.text("key")?;
    call.registry.tracking().delete_experiment_tag(id, key)?;
    Ok(Reply::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_plain_path_in_a_bucket_or_none() {
        for good in ["s3://bucket/prefix", "gs://bucket/a/b", "hdfs://host/a"] {
            assert!(check_location(good).is_ok(), "{good}");
        }
        for bad in [
            "file:///etc",
            "/etc",
            "mlruns",
            "http://169.254.169.254/",
            "https://example.com/a",
            "dbfs:/a",
            "runs:/a",
            "mlflow-artifacts:/../x",
            "s3://",
            "s3://bucket/../a",
            "s3://bucket/a?b=c",
            "s3://bucket/a#b",
            "s3://bucket/%2e%2e/a",
            "S3://bucket/a",
        ] {
            assert!(check_location(bad).is_err(), "{bad}");
        }
    }
}
