//! Which path does what. Handlers are one line each; the protocols do the work.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, FromRequestParts, Path, Request, State},
    http::{Response, StatusCode, request::Parts},
    middleware::{Next, from_fn_with_state},
    routing::{get, post},
};
use mlops_core::Stopwatch;
use serde_json::json;

use super::{
    app::{App, Target},
    reply::{Label, refuse, refuse_with, respond, typed_response},
};
use crate::{
    metrics::RequestLabels,
    protocol::{Reply, kserve, oip},
};

type Answer = Response<Body>;
type Shared = State<Arc<App>>;

const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const DRAINING: &str = "the server is draining";

pub(super) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(alive))
        .route("/metrics", get(metrics))
        .route("/v1/models", get(list_v1))
        .route("/v1/models/{model}", get(ready_v1).post(predict_v1))
        .route("/v1/outcomes", post(outcomes))
        .route("/v2", get(server_v2))
        .route("/v2/health/live", get(live_v2))
        .route("/v2/health/ready", get(server_ready_v2))
        .route("/v2/models", get(list_v2))
        .route("/v2/models/{model}", get(metadata_v2))
        .route("/v2/models/{model}/ready", get(ready_v2))
        .route("/v2/models/{model}/infer", post(infer_v2))
        .route("/v2/models/{model}/versions/{version}", get(metadata_v2))
        .route("/v2/models/{model}/versions/{version}/ready", get(ready_v2))
        .route(
            "/v2/models/{model}/versions/{version}/infer",
            post(infer_v2),
        )
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(app.limits().max_body_bytes()))
        .layer(from_fn_with_state(Arc::clone(&app), count))
        .with_state(app)
}

/// Counts every request under the label that its response carries.
async fn count(State(app): Shared, request: Request, next: Next) -> Answer {
    let watch = Stopwatch::start();
    let mut response = next.run(request).await;
    let label = response
        .extensions_mut()
        .remove()
        .unwrap_or_else(|| Label::route("other"));
    let labels = RequestLabels {
        route: label.route,
        status: response.status().as_u16(),
        model: label.model,
        version: label.version,
    };
    app.metrics().finished(&labels, watch.elapsed());
    response
}

async fn alive() -> Answer {
    respond(Label::route("alive"), Ok(kserve::alive()))
}

async fn metrics(State(app): Shared) -> Answer {
    let page = app.metrics().page().into_bytes();
    typed_response(StatusCode::OK, METRICS_TYPE, page, Label::route("metrics"))
}

async fn list_v1(State(app): Shared) -> Answer {
    list("v1_models", &app)
}

async fn list_v2(State(app): Shared) -> Answer {
    list("v2_models", &app)
}

fn list(route: &'static str, app: &App) -> Answer {
    let models: Vec<&str> = app.models().collect();
    respond(
        Label::route(route),
        Ok(Reply::json(&json!({ "models": models }))),
    )
}

async fn ready_v1(State(app): Shared, target: Target) -> Answer {
    if target.model.contains(':') {
        return wrong_method().await;
    }
    model_ready("v1_ready", &app, &target)
}

async fn predict_v1(State(app): Shared, target: Target, request: Request) -> Answer {
    match target.model.rsplit_once(':') {
        Some((model, "predict")) => {
            let target = Target {
                model: model.to_owned(),
                version: None,
            };
            app.answer("v1_predict", target, request, kserve::predict)
                .await
        }
        Some((model, "explain")) => {
            let label = app.label("v1_explain", model);
            refuse(
                StatusCode::NOT_IMPLEMENTED,
                "explanations are not offered",
                label,
            )
        }
        Some(_) => not_found().await,
        None => wrong_method().await,
    }
}

async fn outcomes(State(app): Shared, request: Request) -> Answer {
    app.outcomes("outcomes", request).await
}

async fn server_v2() -> Answer {
    respond(Label::route("v2_server"), Ok(oip::server()))
}

async fn live_v2() -> Answer {
    respond(
        Label::route("v2_live"),
        Ok(Reply::json(&json!({"live": true}))),
    )
}

async fn server_ready_v2(State(app): Shared) -> Answer {
    let label = Label::route("v2_server_ready");
    if app.is_draining() {
        let body = json!({"ready": false, "live": true, "error": DRAINING});
        return refuse_with(StatusCode::SERVICE_UNAVAILABLE, &body, label);
    }
    respond(
        label,
        Ok(Reply::json(&json!({"ready": true, "live": true}))),
    )
}

async fn metadata_v2(State(app): Shared, target: Target) -> Answer {
    app.describe("v2_metadata", &target, oip::metadata)
}

async fn ready_v2(State(app): Shared, target: Target) -> Answer {
    model_ready("v2_ready", &app, &target)
}

async fn infer_v2(State(app): Shared, target: Target, request: Request) -> Answer {
    app.answer("v2_infer", target, request, oip::infer).await
}

fn model_ready(route: &'static str, app: &App, target: &Target) -> Answer {
    let answer = app.describe(route, target, oip::ready);
    if app.is_draining() && answer.status() == StatusCode::OK {
        let body = json!({"name": target.model, "ready": false, "error": DRAINING});
        return refuse_with(
            StatusCode::SERVICE_UNAVAILABLE,
            &body,
            app.label(route, &target.model),
        );
    }
    answer
}

async fn not_found() -> Answer {
    refuse(
        StatusCode::NOT_FOUND,
        "there is nothing at this path",
        Label::route("other"),
    )
}

async fn wrong_method() -> Answer {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    refuse(
        status,
        "the method is not allowed at this path",
        Label::route("other"),
    )
}

impl<S: Send + Sync> FromRequestParts<S> for Target {
    type Rejection = Answer;

    /// Takes the names from the path, with their percent-escapes read.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Answer> {
        let names = Path::<BTreeMap<String, String>>::from_request_parts(parts, state).await;
        let Ok(Path(mut names)) = names else {
            let error = "the path is not valid UTF-8";
            return Err(refuse(
                StatusCode::BAD_REQUEST,
                error,
                Label::route("other"),
            ));
        };
        Ok(Self {
            model: names.remove("model").unwrap_or_default(),
            version: names.remove("version"),
        })
    }
}
