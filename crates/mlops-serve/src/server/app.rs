//! What all requests of a server share, and the way from a request to its answer.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::{Response, StatusCode, header},
};
use mlops_core::{Clock, SystemClock};

use super::reply::{Label, respond};
use crate::{
    Delivery, Endpoint, Error, Limits, PredictionLog, Result,
    endpoint::Session,
    metrics::ServerMetrics,
    protocol::{Reply, outcomes},
};

/// Bodies larger than this are worked on beside the threads that serve the network.
const LARGE_BODY: usize = 64 << 10;
/// States that raw tensors follow the JSON of a body.
const BINARY_HEADER: &str = "inference-header-content-length";
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(30);

/// What a protocol does with a request.
pub(super) type Work = fn(&Session<'_>, &[u8], &Limits) -> Result<Reply>;

/// The model, and perhaps the version, that a path names.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) model: String,
    pub(super) version: Option<String>,
}

#[derive(Debug)]
pub(super) struct App {
    endpoints: BTreeMap<String, Endpoint>,
    limits: Limits,
    metrics: ServerMetrics,
    draining: AtomicBool,
}

impl App {
    pub(super) fn new(endpoints: &[Endpoint], limits: Limits) -> Result<Self> {
        let invalid = |reason: String| Error::InvalidSetting {
            setting: "endpoint",
            reason,
        };
        let mut by_name = BTreeMap::new();
        for endpoint in endpoints {
            let name = endpoint.model().to_string();
            if by_name.insert(name, endpoint.clone()).is_some() {
                return Err(invalid(format!(
                    "model `{}` is given twice",
                    endpoint.model()
                )));
            }
        }
        if by_name.is_empty() {
            return Err(invalid("a server needs at least one".into()));
        }
        let metrics = ServerMetrics::new(by_name.values().cloned().collect());
        Ok(Self {
            endpoints: by_name,
            limits,
            metrics,
            draining: AtomicBool::new(false),
        })
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn metrics(&self) -> &ServerMetrics {
        &self.metrics
    }

    pub(super) fn models(&self) -> impl Iterator<Item = &str> {
        self.endpoints.keys().map(String::as_str)
    }

    /// From now on the server reports that it is not ready.
    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    fn endpoint(&self, model: &str) -> Result<&Endpoint> {
        self.endpoints
            .get(model)
            .ok_or_else(|| Error::UnknownModel {
                model: model.chars().take(128).collect(),
            })
    }

    /// A label that names the model only if it is one of ours, so that labels stay few.
    pub(super) fn label(&self, route: &'static str, model: &str) -> Label {
        let mut label = Label::route(route);
        if self.endpoints.contains_key(model) {
            model.clone_into(&mut label.model);
        }
        label
    }

    /// Answers from what is known about a model, without a body.
    pub(super) fn describe(
        &self,
        route: &'static str,
        target: &Target,
        work: fn(&Session<'_>) -> Reply,
    ) -> Response<Body> {
        let result = self.endpoint(&target.model).and_then(|endpoint| {
            let session = endpoint.session();
            check_version(&session, target)?;
            Ok(work(&session))
        });
        respond(self.label(route, &target.model), result)
    }

    /// Reads the body of a request and lets a protocol answer it.
    pub(super) async fn answer(
        self: Arc<Self>,
        route: &'static str,
        target: Target,
        request: Request,
        work: Work,
    ) -> Response<Body> {
        let label = self.label(route, &target.model);
        let result = self.try_answer(target, request, work).await;
        respond(label, result)
    }

    async fn try_answer(&self, target: Target, request: Request, work: Work) -> Result<Reply> {
        let endpoint = self.endpoint(&target.model)?.clone();
        let limits = self.limits;
        let body = self.body(request).await?;
        let durable = endpoint
            .log()
            .is_some_and(|log| log.delivery() == Delivery::Durable);
        run(durable || body.len() > LARGE_BODY, move || {
            let session = endpoint.session();
            check_version(&session, &target)?;
            work(&session, &body, &limits)
        })
        .await
    }

    /// Stores the outcomes that a request brings.
    pub(super) async fn outcomes(
        self: Arc<Self>,
        route: &'static str,
        request: Request,
    ) -> Response<Body> {
        let result = match self.body(request).await {
            // it waits for the disk
            Ok(body) => {
                let app = Arc::clone(&self);
                run(true, move || {
                    let log_of = |model: Option<&str>| app.log_of(model);
                    outcomes::record(log_of, app.clock(), &body, &app.limits)
                })
                .await
            }
            Err(error) => Err(error),
        };
        respond(Label::route(route), result)
    }

    fn clock(&self) -> &dyn Clock {
        self.endpoints
            .values()
            .next()
            .map_or(&SystemClock, |endpoint| &**endpoint.clock())
    }

    /// The log of a model, or the only log there is.
    fn log_of(&self, model: Option<&str>) -> Result<&PredictionLog> {
        let mut logs = match model {
            Some(model) => vec![self.endpoint(model)?.log()],
            None => self.endpoints.values().map(Endpoint::log).collect(),
        }
        .into_iter()
        .flatten();
        let first = logs.next().ok_or(Error::Unsupported {
            what: "a prediction log",
        })?;
        if logs.any(|log| !log.is_same(first)) {
            return Err(Error::Malformed {
                reason: "the models keep different logs: `model` must say which is meant".into(),
            });
        }
        Ok(first)
    }

    async fn body(&self, request: Request) -> Result<Bytes> {
        if let Some(encoding) = request.headers().get(header::CONTENT_ENCODING)
            && encoding != "identity"
        {
            return Err(Error::ContentEncoding {
                encoding: String::from_utf8_lossy(encoding.as_bytes())
                    .chars()
                    .take(32)
                    .collect(),
            });
        }
        if request.headers().contains_key(BINARY_HEADER) {
            return Err(Error::Unsupported {
                what: "binary tensor data",
            });
        }
        let broken = |reason: &str| Error::Malformed {
            reason: reason.to_owned(),
        };
        let read = tokio::time::timeout(BODY_TIME, Bytes::from_request(request, &())).await;
        match read {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Error::TooLarge {
                    what: "the size of a request in bytes",
                    limit: self.limits.max_body_bytes(),
                })
            }
            Ok(Err(_)) => Err(broken("its body broke off")),
            Err(_) => Err(broken("its body did not arrive in time")),
        }
    }
}

fn check_version(session: &Session<'_>, target: &Target) -> Result<()> {
    match &target.version {
        Some(asked) if *asked != session.version().to_string() => Err(Error::UnknownVersion {
            model: session.endpoint().model().clone(),
            asked: asked.chars().take(128).collect(),
            serving: session.version(),
        }),
        _ => Ok(()),
    }
}

/// Does some work here, or beside the network threads if it may take long. A panic is an error.
async fn run<T: Send + 'static>(
    beside: bool,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let guarded = move || catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Error::Panicked));
    if beside {
        tokio::task::spawn_blocking(guarded)
            .await
            .unwrap_or(Err(Error::Panicked))
    } else {
        guarded()
    }
}
