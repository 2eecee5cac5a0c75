//! What a route is: a verb and a path, whom it serves, and the work it does.
//!
//! A route without a permission is not a route: the field has no default, so it does not compile.

use std::io::Read;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, StatusCode, header},
    routing::MethodFilter,
};
use mlops_registry::{Registry, WebhookEvent};
use serde::Serialize;

use super::{
    access::{Object, Right, Who},
    app::App,
    artifact::Download,
    failure::{Failure, Outcome},
    params::Params,
};

/// The verbs in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    pub(super) fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }
}

/// Where a path begins; all but the root have a twin under `/ajax-api`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Root,
    V2,
    V3,
    Artifacts,
}

impl Family {
    /// The beginnings of the path.
    pub(super) fn prefixes(self) -> &'static [&'static str] {
        match self {
            Self::Root => &[""],
            Self::V2 => &["/api/2.0/mlflow", "/ajax-api/2.0/mlflow"],
            Self::V3 => &["/api/3.0/mlflow", "/ajax-api/3.0/mlflow"],
            Self::Artifacts => &[
                "/api/2.0/mlflow-artifacts",
                "/ajax-api/2.0/mlflow-artifacts",
            ],
        }
    }
}

/// Finds what a request is about, in the storage and not in what the request claims.
pub(super) type Subject = fn(&Call<'_>) -> Outcome<Vec<Object>>;

/// Whom a route serves.
#[derive(Debug, Clone, Copy)]
pub(super) enum Needs {
    /// Everybody, unknown callers too: it tells nothing.
    Nobody,
    /// Every known caller; the work shows them only what they may read.
    Somebody,
    /// Who has a right on every object that the request is about.
    RightOn(Right, Subject),
}

/// What a route does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Work {
    /// Answers from the parameters.
    Answer(fn(&Call<'_>) -> Outcome<Reply>),
    /// Takes the body as bytes.
    Upload(fn(&Call<'_>, &mut dyn Read) -> Outcome<Reply>),
    /// Sends bytes.
    Download(fn(&Call<'_>) -> Outcome<Download>),
}

/// One route.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route {
    pub(super) verb: Verb,
    pub(super) family: Family,
    pub(super) path: &'static str,
    pub(super) needs: Needs,
    pub(super) work: Work,
}

impl Route {
    /// A route of MLflow's second API that answers from its parameters.
    pub(super) const fn v2(
        verb: Verb,
        path: &'static str,
        needs: Needs,
        work: fn(&Call<'_>) -> Outcome<Reply>,
    ) -> Self {
        Self {
            verb,
            family: Family::V2,
            path,
            needs,
            work: Work::Answer(work),
        }
    }
}

/// One request that was let in, on its way through the work.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) app: &'a App,
    /// The registry, in the name of the caller.
    pub(super) registry: &'a Registry,
    pub(super) who: &'a Who,
    pub(super) params: &'a Params<'a>,
}

impl Call<'_> {
    /// Refuses who lacks what a route needs.
    pub(super) fn authorise(&self, needs: Needs) -> Outcome<()> {
        let Needs::RightOn(right, subject) = needs else {
            return Ok(());
        };
        if self.who.may_everything() {
            return Ok(());
        }
        subject(self)?
            .iter()
            .try_for_each(|object| self.require(right, object))
    }

    /// Tells webhooks of a change that has happened, where they are on.
    #[cfg_attr(
        not(feature = "webhooks"),
        expect(clippy::unused_self, reason = "builds without webhooks tell nobody")
    )]
    pub(super) fn tell(&self, event: WebhookEvent, data: impl FnOnce() -> serde_json::Value) {
        #[cfg(feature = "webhooks")]
        if let Some(sender) = &self.app.sender {
            sender.tell(event, &data());
        }
        #[cfg(not(feature = "webhooks"))]
        let _ = (event, data);
    }

    /// Refuses who has not got a right.
    pub(super) fn require(&self, right: Right, object: &Object) -> Outcome<()> {
        if self.who.may(right, object) {
            return Ok(());
        }
        Err(Failure::denied(format!(
            "Permission denied: '{}' may not {right} {object}",
            self.who.principal
        )))
    }
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    content_type: &'static str,
    body: Vec<u8>,
}

impl Reply {
    pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Self {
        Self {
            content_type: "application/json",
            body: serde_json::to_vec(value).expect("texts, numbers and lists are JSON"),
        }
    }

    /// What a change that has nothing to tell answers.
    pub(super) fn empty() -> Self {
        Self {
            content_type: "application/json",
            body: b"{}".to_vec(),
        }
    }

    /// What an upload answers: no body at all.
    pub(super) fn nothing() -> Self {
        Self {
            content_type: "text/plain; charset=utf-8",
            body: Vec::new(),
        }
    }

    pub(super) fn text(text: &str) -> Self {
        Self {
            content_type: "text/plain; charset=utf-8",
            body: text.as_bytes().to_vec(),
        }
    }

    pub(super) fn response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::OK;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(self.content_type),
        );
        headers.insert(
            HeaderName::from_static("x-content-type-options"),
            HeaderValue::from_static("nosniff"),
        );
        response
    }
}
