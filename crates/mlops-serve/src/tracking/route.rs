//! What a route is: a verb and a path, whom it serves, and the work it does.
//!
//! A route without a permission is not a route: the field has no default, so it does not compile.

use std::io::Read;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header},
    routing::MethodFilter,
};
use mlops_core::{Digest, ModelName};
use mlops_registry::Registry;
use serde::Serialize;

use super::{
    access::{Object, Right, Who},
    app::App,
    artifact::Download,
    failure::{Failure, Outcome},
    params::Params,
    ui,
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
    /// Pages for people.
    Page,
}

impl Family {
    /// The beginnings of the path.
    pub(super) fn prefixes(self) -> &'static [&'static str] {
        match self {
            Self::Root | Self::Page => &[""],
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

    /// A route of the proxied artifacts.
    pub(super) const fn artifacts(
        verb: Verb,
        path: &'static str,
        needs: Needs,
        work: Work,
    ) -> Self {
        Self {
            verb,
            family: Family::Artifacts,
            path,
            needs,
            work,
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
    /// The headers of the request.
    pub(super) headers: &'a HeaderMap,
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

    /// How the addresses begin under which the caller reaches this server, if that is known for sure.
    pub(super) fn public_url(&self) -> Option<String> {
        if let Some(url) = &self.app.public_url {
            return Some(url.clone());
        }
        let host = self.headers.get(header::HOST)?.to_str().ok()?;
        let name = super::gate::name_of(host);
        let scheme = if self.app.speaks_tls {
            "https"
        } else if super::gate::is_loopback(name) {
            // nobody's secret leaves this machine
            "http"
        } else {
            return None;
        };
        Some(format!("{scheme}://{host}"))
    }

    /// Says that a model has changed, so that webhooks are told of it soon, where they are on.
    #[cfg_attr(
        not(feature = "webhooks"),
        expect(clippy::unused_self, reason = "builds without webhooks tell nobody")
    )]
    pub(super) fn changed(&self, model: &ModelName) {
        #[cfg(feature = "webhooks")]
        if let Some(sender) = &self.app.sender {
            sender.ring(model);
        }
        #[cfg(not(feature = "webhooks"))]
        let _ = model;
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

/// What a page is sent as.
const PAGE: &str = "text/html; charset=utf-8";

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    content_type: &'static str,
    etag: Option<HeaderValue>,
    body: Vec<u8>,
}

impl Reply {
    pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Self {
        Self {
            content_type: "application/json",
            etag: None,
            body: serde_json::to_vec(value).expect("texts, numbers and lists are JSON"),
        }
    }

    /// What a change that has nothing to tell answers.
    pub(super) fn empty() -> Self {
        Self {
            content_type: "application/json",
            etag: None,
            body: b"{}".to_vec(),
        }
    }

    /// What an upload answers: no body at all.
    pub(super) fn nothing() -> Self {
        Self {
            content_type: "text/plain; charset=utf-8",
            etag: None,
            body: Vec::new(),
        }
    }

    /// A page for a browser.
    pub(super) fn page(html: String) -> Self {
        Self {
            content_type: PAGE,
            etag: None,
            body: html.into_bytes(),
        }
    }

    pub(super) fn text(text: &str) -> Self {
        Self {
            content_type: "text/plain; charset=utf-8",
            etag: None,
            body: text.as_bytes().to_vec(),
        }
    }

    /// Tells the digest of what was sent.
    pub(super) fn with_etag(mut self, digest: &Digest) -> Self {
        self.etag = HeaderValue::try_from(format!("\"{digest}\"")).ok();
        self
    }

    pub(super) fn response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::OK;
        let headers = response.headers_mut();
        if self.content_type == PAGE {
            ui::guard(headers);
        }
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(self.content_type),
        );
        headers.insert(
            HeaderName::from_static("x-content-type-options"),
            HeaderValue::from_static("nosniff"),
        );
        if let Some(etag) = self.etag {
            headers.insert(header::ETAG, etag);
        }
        response
    }
}
