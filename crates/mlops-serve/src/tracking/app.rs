//! The one way in: every request goes through [`serve`], and nothing else reaches the work.
//!
//! In this order: the gate (where was it sent, by which page), the doorkeeper (who asks), the parameters,
//! the object that they lead to, the right on it, the work. What is not allowed on the way is denied.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    body::Body,
    extract::{FromRequestParts, Path, Query, Request, State},
    http::{HeaderMap, Response, StatusCode, request::Parts},
};
use mlops_registry::{ExperimentId, Registry, RunId};

#[cfg(feature = "webhooks")]
use super::webhook::Sender;
use super::{
    access::{Doorkeeper, Who},
    artifact::Download,
    body::{BodyReader, read_all},
    failure::{Code, Failure, Outcome},
    gate::{Hosts, check_json},
    limits::TrackingLimits,
    params::Params,
    route::{Call, Family, Needs, Reply, Route, Verb, Work},
    ui,
};

/// What all requests of a tracking server share.
#[derive(Debug)]
pub(super) struct App {
    pub(super) registry: Registry,
    pub(super) doorkeeper: Doorkeeper,
    pub(super) hosts: Hosts,
    pub(super) limits: TrackingLimits,
    pub(super) runs: KnownRuns,
    /// How the server's addresses begin for its clients, if somebody said so.
    pub(super) public_url: Option<String>,
    pub(super) speaks_tls: bool,
    /// Whether versions may come from places that this server does not know.
    pub(super) sources_elsewhere: bool,
    /// Who tells webhooks, where they are on.
    #[cfg(feature = "webhooks")]
    pub(super) sender: Option<Arc<Sender>>,
}

/// Which experiment a run is of, which never changes; so that each point of a metric asks the storage only
/// for the name.
#[derive(Debug, Default)]
pub(super) struct KnownRuns(Mutex<BTreeMap<RunId, ExperimentId>>);

impl KnownRuns {
    const MOST: usize = 1 << 16;

    pub(super) fn get(&self, run: &RunId) -> Option<ExperimentId> {
        self.held().get(run).copied()
    }

    pub(super) fn put(&self, run: &RunId, experiment: ExperimentId) {
        let mut held = self.held();
        if held.len() >= Self::MOST {
            held.clear();
        }
        held.insert(run.clone(), experiment);
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<RunId, ExperimentId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the work of a request hands back.
enum Done {
    Reply(Reply),
    Download(Download),
}

/// Answers a request on a route.
pub(super) async fn serve(
    route: &'static Route,
    app: Arc<App>,
    request: Request,
) -> Response<Body> {
    match answer(route, app, request).await {
        Ok(Done::Reply(reply)) => reply.response(),
        Ok(Done::Download(download)) => download.response(),
        Err(failure) if route.family == Family::Page => ui::failure(&failure),
        Err(failure) => failure.response(),
    }
}

async fn answer(route: &'static Route, app: Arc<App>, request: Request) -> Outcome<Done> {
    let (mut parts, body) = request.into_parts();
    if route.family == Family::Page {
        app.hosts.check_visit(&parts)?;
    } else {
        app.hosts.check(&parts)?;
    }
    let who = match route.needs {
        Needs::Nobody => None,
        _ => Some(app.doorkeeper.admit(&parts.headers).await?),
    };
    let params = if route.verb == Verb::Get || matches!(route.work, Work::Upload(_)) {
        query(&mut parts).await?
    } else {
        let bytes = read_all(body, &parts.headers, app.limits.max_body_bytes()).await?;
        check_json(&parts.headers, &bytes)?;
        let params = with_path(&mut parts, Params::of_body(&bytes)?).await?;
        return work(route, &app, who.as_deref(), &params, &parts.headers);
    };
    let params = with_path(&mut parts, params).await?;
    let Work::Upload(upload) = route.work else {
        return work(route, &app, who.as_deref(), &params, &parts.headers);
    };
    let mut reader = BodyReader::of(body, &parts.headers, app.limits.max_artifact_bytes())?;
    let upload = move || {
        let done = with_call(&app, who.as_deref(), &params, &parts.headers, |call| {
            call.authorise(route.needs)?;
            upload(call, &mut reader)
        });
        // what went wrong with the body tells more than what it made go wrong
        reader.into_failure().map_or(done, Err).map(Done::Reply)
    };
    // beside the connection, which brings the rest of the body meanwhile
    tokio::task::spawn_blocking(move || guarded(upload))
        .await
        .unwrap_or_else(|_| Err(bug()))
}

fn work(
    route: &Route,
    app: &App,
    who: Option<&Who>,
    params: &Params<'_>,
    headers: &HeaderMap,
) -> Outcome<Done> {
    // in the thread of the connection: to hand the work to another one, and the answer back, takes longer than
    // most of it; other connections go on in other threads
    let answer = || {
        with_call(app, who, params, headers, |call| {
            call.authorise(route.needs)?;
            match route.work {
                Work::Answer(answer) => answer(call).map(Done::Reply),
                Work::Download(download) => download(call).map(Done::Download),
                Work::Upload(upload) => upload(call, &mut std::io::empty()).map(Done::Reply),
            }
        })
    };
    tokio::task::block_in_place(|| guarded(answer))
}

fn with_call<T>(
    app: &App,
    who: Option<&Who>,
    params: &Params,
    headers: &HeaderMap,
    work: impl FnOnce(&Call<'_>) -> Outcome<T>,
) -> Outcome<T> {
    let nobody;
    let (who, registry) = if let Some(who) = who {
        (who, app.registry.acting_as(who.principal.clone()))
    } else {
        nobody = Who::nobody(app.registry.actor().clone());
        (&nobody, app.registry.clone())
    };
    work(&Call {
        app,
        registry: &registry,
        who,
        params,
        headers,
    })
}

/// A panic is an error.
fn guarded<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(bug()))
}

fn bug() -> Failure {
    Failure::new(Code::InternalError, "the request met a bug in the server")
}

async fn query(parts: &mut Parts) -> Outcome<Params<'static>> {
    let unreadable = |_| Failure::new(Code::BadRequest, "The query cannot be read");
    let Query(pairs) = Query::<Vec<(String, String)>>::from_request_parts(parts, &())
        .await
        .map_err(unreadable)?;
    Ok(Params::of_query(pairs))
}

/// Adds the names in the path, with their percent-escapes read once.
async fn with_path(parts: &mut Parts, mut params: Params<'static>) -> Outcome<Params<'static>> {
    match Path::<Vec<(String, String)>>::from_request_parts(parts, &()).await {
        Ok(Path(names)) => {
            for (name, value) in names {
                params.set(&name, value);
            }
            Ok(params)
        }
        Err(rejection) if rejection.status() == StatusCode::INTERNAL_SERVER_ERROR => Ok(params),
        Err(_) => Err(Failure::new(
            Code::BadRequest,
            "The path is not valid UTF-8",
        )),
    }
}

/// Answers a request that no route is for: not at all, unless its sender is known.
pub(super) async fn no_route(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let nothing = Failure::new(Code::EndpointNotFound, "There is nothing at this path");
    refuse(&app, request, nothing).await
}

/// Answers a request with a verb that its path does not have.
pub(super) async fn wrong_verb(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let wrong = "The method is not allowed at this path";
    refuse(&app, request, Failure::new(Code::MethodNotAllowed, wrong)).await
}

async fn refuse(app: &App, request: Request, failure: Failure) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let refused = match app.hosts.check(&parts) {
        Ok(()) => app.doorkeeper.admit(&parts.headers).await.map(drop),
        Err(refused) => Err(refused),
    };
    let failure = refused.err().unwrap_or(failure);
    if ui::is_page(parts.uri.path()) {
        ui::failure(&failure)
    } else {
        failure.response()
    }
}
