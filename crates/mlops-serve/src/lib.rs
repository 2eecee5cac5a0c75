//! From a registered version to answers: endpoints that follow an alias, and the HTTP server before them.
//!
//! ```
//! # use mlops_core::{AliasName, Lineage};
//! # use mlops_model::*;
//! use mlops_registry::Registry;
//! use mlops_serve::{Endpoint, PredictionLog, Refreshed, Server};
//! # fn package(bias: f64) -> Result<ModelPackage, mlops_model::Error> {
//! #     let signature = Signature::new([Input::new("recency", InputKind::Float)], Output::Number)?;
//! #     let preprocess = Preprocess::new(&signature, vec![Encoder::plain(0)])?;
//! #     let linear = Linear { weights: vec![2.0], bias: vec![bias], link: Link::Identity };
//! #     ModelPackage::builder(ModelSpec::new(signature, preprocess, Estimator::Linear(linear))?).build()
//! # }
//!
//! let registry = Registry::memory()?;
//! let (churn, live) = (registry.model("churn")?, AliasName::new("live")?);
//! churn.register(&package(0.0)?, None, &Lineage::default(), "twice the recency")?;
//! churn.set_alias(&live, 1)?;
//!
//! let endpoint = Endpoint::open(&registry, "churn@live")?.with_log(PredictionLog::memory()?);
//! let answer = endpoint.predict_row([("recency", 12.5.into())])?;
//! assert_eq!((answer.prediction, answer.version), (25.0, 1));
//!
//! let server = Server::new().endpoint(endpoint.clone()).bind("127.0.0.1:0")?;
//! churn.register(&package(1.0)?, None, &Lineage::default(), "and one more")?;
//! churn.set_alias(&live, 2)?;
//! assert_eq!(endpoint.refresh()?, Refreshed::Swapped { from: 1, to: 2 });
//!
//! let url = format!("http://{}/v1/models/churn:predict", server.addr());
//! let mut reply = ureq::post(url).send(r#"{"instances": [{"recency": 12.5}]}"#)?;
//! let reply: serde_json::Value = reply.body_mut().read_json()?;
//! assert_eq!((&reply["predictions"][0], &reply["model_version"]), (&26.0.into(), &"2".into()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The types and how they relate
//!
//! ```text
//! Registry ─alias─▶ Endpoint ──▶ Answer ◀── Server ◀── HTTP
//!                   │   ▲ load, verify, warm, swap      Open Inference Protocol v2, KServe V1,
//!    FeatureLookup ─┘   └─ WatchGuard                   /metrics, /v1/outcomes
//!                   └─▶ PredictionLog ◀── outcomes
//! ```
//!
//! - [`Endpoint`]: one alias, answered in process by a row or by an entity key.
//! - [`FeatureLookup`]: where features come from; [`StoreLookup`] is that of `mlops-features`.
//! - [`PredictionLog`]: every answer with its inputs, and the outcomes that come true later.
//! - [`Server`]: endpoints on a port, on threads of its own; no `async` in sight.
//! - `TrackingServer` (feature `tracking`): a registry on a port, for MLflow's clients as they are; with
//!   `ServerPolicy`, who may do what there. It has pages, too: open its address in a browser. `TrackingReport`
//!   writes them as files.
//!
//! # Recipes
//!
//! - Serve by entity key: `Endpoint::with_features(store, service)`, then `{"instances":
//!   [{"customer_id": 17850}]}`. Features are those of the clock's now, by the code that built the
//!   training set; a version that was trained on other definitions of them is refused.
//! - Send the whole row: nothing is looked up, and a key beside it is only recorded. To send some
//!   features beside the key, allow it with [`RequestFeatures`].
//! - Follow promotions: keep the guard of [`Endpoint::watch`], called on the handle with the features.
//! - Lose no prediction: open the log with [`Delivery::Durable`]; answers then wait for the disk.
//! - Tell later what came true: [`PredictionLog::record_outcomes`] or `POST /v1/outcomes`
//!   `{"outcomes": [{"prediction_id": "…", "outcome": 1}]}`, as often as you like.
//! - Stop without losing requests: [`RunningServer::shutdown`], or [`Server::stop_on_signals`] and
//!   [`RunningServer::join`]; [`Server::drain_delay`] gives load balancers time.
//!
//! # What is on the wire
//!
//! | path | answer |
//! | --- | --- |
//! | `GET /v2`, `/v2/health/live`, `/v2/health/ready`, `/v2/models` | the server |
//! | `GET /v2/models/M[/versions/V]`, `…/ready` | what the model reads and answers; whether it is ready |
//! | `POST /v2/models/M[/versions/V]/infer` | predictions for tensors of shape `[n]` or `[n, 1]`; see below |
//! | `GET /`, `/v1/models`, `/v1/models/M` | KServe's first protocol |
//! | `POST /v1/models/M:predict` | predictions for `instances` |
//! | `POST /v1/outcomes` | what became of the outcomes |
//! | `GET /metrics` | OpenMetrics text |
//!
//! A model that reads lists takes tensors `[n, steps]` in V2, whose rows have one length, and lists of any length
//! up to the input's in V1.
//!
//! A model of several classes or numbers answers `[n, k]` in V2 and a list a row in V1. What the `k` numbers are
//! called stands in the output's parameter `names` (V2; a JSON list in a text) or beside the predictions as
//! `output_names` (V1). The log keeps all of them, and as the prediction the position of the most probable class;
//! an outcome for it is the position of the class that came true.
//!
//! Only the version that the alias points at is served; another one in the path is 404. Null and NaN are
//! missing values, infinity and whole numbers that do not fit are 400. Every error is
//! `{"error": "…"}`: 400 for what is wrong with a request, 404 for what is not here, 413 for what is too
//! large ([`Limits`]), 415 and 501 for what is not offered, 503 with `Retry-After` when it may help to
//! try again, 500 for our own faults.
//!
//! The metrics page counts requests by route, status, model and version, answers by version, swaps and
//! refreshes that failed, log records written, dropped and failed; it times requests and feature
//! lookups, and tells the version that serves.
//!
//! # Pages of the tracking server
//!
//! | path | page |
//! | --- | --- |
//! | `/` | experiments, how many runs, when the last one started |
//! | `/ui/experiments/ID` | runs: search by [`mlops_registry::Condition`], order, columns, a tree, boxes to compare |
//! | `/ui/runs/ID`, `/ui/logged-models/ID` | curves, params, datasets, files, relatives |
//! | `/ui/compare?run_ids=…` | what differs, who is best, curves on one chart, parallel coordinates |
//! | `/ui/models`, `/ui/models/M` | versions, aliases, champion, open requests and what they miss, history with evidence |
//! | `/ui/models/M/versions/V`, `/ui/models/M/compare?left=…&right=…` | a version; two side by side |
//! | `/ui/audit` | the trail and whether it holds |
//!
//! With a policy a browser asks for a name and a password (Basic); a page shows what that principal may read. Pages
//! run no script, set no cookie, fetch nothing and cannot be framed.
//!
//! # What this crate does not do
//!
//! It has no TLS without feature `tls` (put it behind a proxy), endpoints have no authentication, there is no gRPC, there are no
//! binary tensors, no batching across requests, no limit on connections. It serves one version of a model
//! at a time. It trains nothing and does not judge drift.
//!
//! # Features
//!
//! | feature | adds | costs |
//! | --- | --- | --- |
//! | `features` (default) | lookup by entity key in `mlops-features` | that crate: Parquet, CSV |
//! | `sign` | `Endpoint::open_trusted`: serves only what trusted keys have signed | p256, plain Rust |
//! | `tracking` | `TrackingServer`: MLflow's REST API over the registry, and pages | Argon2, SHA-256, `mlops-report`, plain Rust |
//! | `webhooks` | webhooks of that server | reqwest, rustls and ring: C and assembly |
//! | `tls` | TLS for both servers, with certificates that are read again when they change | rustls and ring: C and assembly |
//!
//! # Errors
//!
//! [`Error`] names the input, row, version, address or file; [`Error::kind`] says what to do about it.

mod endpoint;
mod error;
mod ids;
mod log;
mod metrics;
mod protocol;
mod server;
#[cfg(feature = "tracking")]
mod tracking;

#[cfg(feature = "features")]
pub use endpoint::StoreLookup;
pub use endpoint::{
    Answer, Endpoint, FeatureLookup, KeyColumn, Refreshed, RequestFeatures, WatchGuard,
};
pub use error::{DatabaseError, Error, Result, RowError};
pub use log::{Delivery, JoinedRecord, LogOptions, LogStats, OutcomeReceipt, PredictionLog};
pub use protocol::Limits;
#[cfg(feature = "tls")]
pub use server::Tls;
pub use server::{RunningServer, Server};
#[cfg(feature = "webhooks")]
pub use tracking::WebhookOptions;
#[cfg(feature = "tracking")]
pub use tracking::{
    AccessToken, Right, ServerPolicy, TrackingLimits, TrackingReport, TrackingServer, hash_password,
};
