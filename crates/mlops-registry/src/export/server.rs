//! The other side of an export: requests, answers, and who carries them.

use std::{fmt::Debug, io::Read};

use serde_json::Value;

/// How a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MlflowVerb {
    /// The fields of the body are parameters of the URL.
    Get,
    /// The body is JSON.
    Post,
    /// The body is JSON.
    Patch,
}

/// A request of MLflow's REST API.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MlflowRequest {
    /// How it is sent.
    pub verb: MlflowVerb,
    /// The path from the server's root, for instance `/api/2.0/mlflow/runs/create`.
    pub path: String,
    /// An object of fields.
    pub body: Value,
}

/// Why a server did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct MlflowRefusal {
    /// The HTTP status; `None` if there was no answer.
    pub status: Option<u16>,
    /// MLflow's error code, for instance `RESOURCE_DOES_NOT_EXIST`; a word for the failure if there is none.
    pub code: String,
    /// What the server said.
    pub message: String,
}

/// A server of MLflow's REST API.
///
/// Order: a request is answered before the next one is sent. Idempotence: a caller that got no answer may export
/// again, so an implementation need not repeat requests.
pub trait MlflowServer: Send + Sync + Debug {
    /// Sends a request and returns the object that the server answers.
    ///
    /// # Errors
    /// [`MlflowRefusal`] if it says no, or nothing.
    fn call(&self, request: &MlflowRequest) -> Result<Value, MlflowRefusal>;

    /// Uploads a file by PUT. The path is that of a URL: segments with percent signs where they are needed.
    ///
    /// # Errors
    /// [`MlflowRefusal`] if it says no, or nothing.
    fn upload(&self, path: &str, content: &mut dyn Read) -> Result<(), MlflowRefusal>;
}
