//! The other side of an export and of an import: requests, answers, and who carries them.

use std::{fmt::Debug, io::Read};

use mlops_core::ErrorKind;
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
    /// The body is JSON.
    Delete,
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

impl MlflowRefusal {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self.status {
            Some(401 | 403) => ErrorKind::Denied,
            Some(404) => ErrorKind::NotFound,
            Some(409) => ErrorKind::Conflict,
            Some(501) => ErrorKind::Unsupported,
            Some(400..=499) => ErrorKind::Invalid,
            _ => ErrorKind::Unavailable,
        }
    }
}

/// A server of MLflow's REST API.
///
/// Order: a request is answered before the next one is sent. Idempotence: a caller that got no answer may export or
/// import again, so an implementation need not repeat requests. Bounds: an implementation limits how long an answer
/// may be and how long it takes; a refusal says so.
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

    /// Downloads a file by GET; the reader gives its bytes as they come. The path is that of a URL.
    ///
    /// # Errors
    /// [`MlflowRefusal`] if it says no, or nothing.
    fn download(&self, path: &str) -> Result<Box<dyn Read + '_>, MlflowRefusal>;
}
