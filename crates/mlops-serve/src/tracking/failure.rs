//! What a request gets when it does not get what it asked for: MLflow's error codes and their statuses.
//!
//! MLflow's client decides by the code and, for whether to try again, by the status: so a status of 500 or
//! above is kept for what may pass, and everything permanent is below it. The one exception is 501, which
//! the client does not try again.

use std::fmt::Display;

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use serde::Serialize;

use super::params::shown;

/// The codes that this server answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    InvalidParameterValue,
    BadRequest,
    ResourceAlreadyExists,
    Unauthenticated,
    PermissionDenied,
    ResourceDoesNotExist,
    EndpointNotFound,
    MethodNotAllowed,
    ResourceConflict,
    TooLarge,
    UnsupportedMediaType,
    DataLoss,
    RequestLimitExceeded,
    InternalError,
    NotImplemented,
    TemporarilyUnavailable,
}

impl Code {
    /// The name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::InvalidParameterValue => "INVALID_PARAMETER_VALUE",
            Self::BadRequest
            | Self::MethodNotAllowed
            | Self::TooLarge
            | Self::UnsupportedMediaType => "BAD_REQUEST",
            Self::ResourceAlreadyExists => "RESOURCE_ALREADY_EXISTS",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceDoesNotExist => "RESOURCE_DOES_NOT_EXIST",
            Self::EndpointNotFound => "ENDPOINT_NOT_FOUND",
            Self::ResourceConflict => "RESOURCE_CONFLICT",
            Self::DataLoss => "DATA_LOSS",
            Self::RequestLimitExceeded => "REQUEST_LIMIT_EXCEEDED",
            Self::InternalError => "INTERNAL_ERROR",
            Self::NotImplemented => "NOT_IMPLEMENTED",
            Self::TemporarilyUnavailable => "TEMPORARILY_UNAVAILABLE",
        }
    }

    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::InvalidParameterValue | Self::BadRequest | Self::ResourceAlreadyExists => {
                StatusCode::BAD_REQUEST
            }
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::PermissionDenied => StatusCode::FORBIDDEN,
            Self::ResourceDoesNotExist | Self::EndpointNotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::ResourceConflict => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            // MLflow has 500 for it, which its client tries again for minutes; what is damaged stays so
            Self::DataLoss => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RequestLimitExceeded => StatusCode::TOO_MANY_REQUESTS,
            Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            Self::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// An answer that is an error: a code for the client and a text for its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) code: Code,
    pub(super) message: String,
}

/// What the work of a route results in.
pub(super) type Outcome<T> = Result<T, Failure>;

impl Failure {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidParameterValue, message)
    }

    pub(super) fn missing(param: &str) -> Self {
        Self::invalid(format!(
            "Missing value for required parameter '{param}'. See the API docs for more information \
             about request parameters."
        ))
    }

    /// A value that cannot be what the parameter asks for.
    pub(super) fn value(param: &str, value: &serde_json::Value, reason: impl Display) -> Self {
        Self::invalid(format!(
            "Invalid value {} for parameter '{param}' supplied: {reason}",
            shown(value)
        ))
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::ResourceDoesNotExist, message)
    }

    pub(super) fn denied(message: impl Into<String>) -> Self {
        Self::new(Code::PermissionDenied, message)
    }

    /// The response that tells of it.
    pub(super) fn response(&self) -> Response<Body> {
        #[derive(Serialize)]
        struct Told<'a> {
            error_code: &'static str,
            message: &'a str,
        }
        let told = Told {
            error_code: self.code.name(),
            message: &self.message,
        };
        let body = serde_json::to_vec(&told).expect("texts are JSON");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.code.status();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        if self.may_pass() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    /// Whether it is worth trying again in a moment.
    pub(super) fn may_pass(&self) -> bool {
        matches!(
            self.code,
            Code::TemporarilyUnavailable | Code::RequestLimitExceeded
        )
    }
}
