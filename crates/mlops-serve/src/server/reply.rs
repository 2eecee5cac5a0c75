//! From answers and errors to HTTP responses. Every error is a JSON object with the key `error`.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use mlops_core::{ErrorKind, VersionNumber};
use serde_json::json;

use crate::{Error, Result, error::chain, protocol::Reply};

/// What the metrics say about a response; travels with it.
#[derive(Debug, Clone)]
pub(super) struct Label {
    pub(super) route: &'static str,
    pub(super) model: String,
    pub(super) version: Option<VersionNumber>,
}

impl Label {
    pub(super) fn route(route: &'static str) -> Self {
        Self {
            route,
            model: String::new(),
            version: None,
        }
    }
}

/// The response to a request on a route.
pub(super) fn respond(label: Label, result: Result<Reply>) -> Response<Body> {
    match result {
        Ok(reply) => {
            let label = Label {
                version: reply.version,
                ..label
            };
            json_response(StatusCode::OK, reply.body, label)
        }
        Err(error) => refuse(status(&error), &chain(&error), label),
    }
}

/// An error response.
pub(super) fn refuse(status: StatusCode, error: &str, label: Label) -> Response<Body> {
    refuse_with(status, &json!({ "error": error }), label)
}

/// An error response with more fields than `error`.
pub(super) fn refuse_with(
    status: StatusCode,
    body: &serde_json::Value,
    label: Label,
) -> Response<Body> {
    let mut response = json_response(status, body.to_string().into_bytes(), label);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

fn json_response(status: StatusCode, body: Vec<u8>, label: Label) -> Response<Body> {
    typed_response(status, "application/json", body, label)
}

/// A response of some content type.
pub(super) fn typed_response(
    status: StatusCode,
    content_type: &'static str,
    body: Vec<u8>,
    label: Label,
) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.extensions_mut().insert(label);
    response
}

fn status(error: &Error) -> StatusCode {
    match error {
        Error::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Error::ContentEncoding { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        _ => match error.kind() {
            ErrorKind::Invalid => StatusCode::BAD_REQUEST,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::Conflict => StatusCode::CONFLICT,
            ErrorKind::Denied => StatusCode::FORBIDDEN,
            ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Unsupported => StatusCode::NOT_IMPLEMENTED,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        },
    }
}
