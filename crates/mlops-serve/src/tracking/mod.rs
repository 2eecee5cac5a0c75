//! MLflow's REST API over the registry, for its clients as they are.
//!
//! ```text
//! request ─▶ gate ─▶ doorkeeper ─▶ params ─▶ subject ─▶ right ─▶ work ─▶ Registry
//!            Host,   who asks      query,    whose is   may      api/
//!            Origin                body      it         they
//! ```
//!
//! Pages for people (ui/) are routes like the others.
//!
//! The protocol is that of MLflow 3.17. Where its server is weak, this one is not bound to it: infinity comes
//! back as infinity, a body that is not JSON is an error, errors tell nothing of the storage.

mod access;
mod api;
mod app;
mod artifact;
mod body;
mod convert;
mod failure;
mod gate;
mod limits;
mod params;
mod route;
mod server;
#[cfg(test)]
mod tests;
mod ui;
#[cfg(feature = "webhooks")]
mod webhook;

pub use access::{AccessToken, Right, ServerPolicy, hash_password};
pub use limits::TrackingLimits;
pub use server::TrackingServer;
pub use ui::TrackingReport;
#[cfg(feature = "webhooks")]
pub use webhook::WebhookOptions;
