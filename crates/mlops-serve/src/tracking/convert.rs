//! From the registry's errors to MLflow's: codes and texts that its client and its users match on.

use mlops_core::ErrorKind;
use mlops_registry::{Error, TrackingError};

use super::failure::{Code, Failure};
use crate::error::chain;

impl From<mlops_core::Error> for Failure {
    fn from(error: mlops_core::Error) -> Self {
        of_kind(error.kind(), &error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = match &error {
            Error::Tracking(tracking) => return of_tracking(tracking, &error),
            Error::UnknownExperiment { experiment } => {
                format!("Could not find experiment with name '{experiment}'")
            }
            Error::UnknownRun { run } => format!("Run with id={run} not found"),
            Error::UnknownModel { model } => {
                format!("Registered Model with name={model} not found")
            }
            Error::UnknownVersion { model, version } => {
                format!("Model Version (name={model}, version={version}) not found")
            }
            Error::UnknownWebhook { webhook } => {
                format!("Webhook with ID {webhook} not found.")
            }
            Error::UnknownArtifact { artifact, .. } => format!("No such artifact: '{artifact}'"),
            // the peer's client expects 400 for an alias that is not there
            Error::UnknownAlias { alias, .. } => {
                return Self::invalid(format!("Registered model alias {alias} not found."));
            }
            Error::ParamConflict { .. } => {
                return Self::invalid(format!(
                    "Changing param values is not allowed: {}",
                    chain(&error)
                ));
            }
            Error::ModelExists { model, existing } => {
                let message = if model == existing {
                    format!("Registered Model (name={model}) already exists.")
                } else {
                    format!(
                        "Registered Model (name={existing}) already exists, and '{model}' is hard to tell \
                         from it."
                    )
                };
                return Self::new(Code::ResourceAlreadyExists, message);
            }
            // what breaks a rule of MLflow's is a wrong parameter there, and not a lost race
            Error::ReservedAlias { .. }
            | Error::RunEnded { .. }
            | Error::IllegalTransition { .. }
            | Error::ArtifactConflict { .. } => return Self::invalid(chain(&error)),
            _ => return of_kind(error.kind(), &error),
        };
        Self::not_found(message)
    }
}

fn of_tracking(tracking: &TrackingError, error: &Error) -> Failure {
    use TrackingError as T;
    let exists = |message| Failure::new(Code::ResourceAlreadyExists, message);
    match tracking {
        T::UnknownExperimentId { experiment } => {
            Failure::not_found(format!("No Experiment with id={experiment} exists"))
        }
        T::ExperimentExists { name, deleted } => exists(format!(
            "Experiment(name={name}) already exists{}.",
            if *deleted { " in deleted state" } else { "" }
        )),
        T::RunExists { run } => exists(format!("Run (id={run}) already exists")),
        T::LoggedModelExists { model } => {
            exists(format!("Logged model (id={model}) already exists"))
        }
        T::RunState { run, state, needed } => Failure::invalid(format!(
            "The run {run} must be in the '{needed}' state. Current state is {state}."
        )),
        T::ExperimentState {
            experiment,
            state,
            needed,
        } => Failure::invalid(format!(
            "The experiment {experiment} must be in the '{needed}' state. Current state is {state}."
        )),
        T::UnknownLoggedModel { model } => {
            Failure::not_found(format!("Logged model with ID '{model}' not found."))
        }
        T::UnknownTag { owner, tag } => {
            Failure::not_found(format!("No tag with name: {tag} in {owner}"))
        }
        T::UnknownArtifact { artifact, .. } => {
            Failure::not_found(format!("No such artifact: '{artifact}'"))
        }
        T::LoggedModelParam { .. } | T::ArtifactInTheWay { .. } => Failure::invalid(chain(error)),
        _ => of_kind(error.kind(), error),
    }
}

/// What is the caller's business is told; what is ours is logged, and the caller learns only what to do.
fn of_kind(kind: ErrorKind, error: &(dyn std::error::Error + 'static)) -> Failure {
    let (code, message) = match kind {
        ErrorKind::Invalid => (Code::InvalidParameterValue, chain(error)),
        ErrorKind::NotFound => (Code::ResourceDoesNotExist, chain(error)),
        ErrorKind::Conflict => (Code::ResourceConflict, chain(error)),
        ErrorKind::Denied => (Code::PermissionDenied, chain(error)),
        ErrorKind::Unsupported => (Code::NotImplemented, chain(error)),
        ErrorKind::Corrupt => {
            tracing::error!(error = %chain(error), "damaged data");
            let told = "what was asked for is stored here and damaged";
            (Code::DataLoss, told.to_owned())
        }
        ErrorKind::Unavailable => {
            tracing::warn!(error = %chain(error), "the storage does not answer");
            let told = "the storage does not answer just now";
            (Code::TemporarilyUnavailable, told.to_owned())
        }
        _ => {
            tracing::error!(error = %chain(error), "a request met a bug");
            let told = "the request met a bug in the server";
            (Code::InternalError, told.to_owned())
        }
    };
    Failure::new(code, message)
}
