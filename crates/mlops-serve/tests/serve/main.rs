//! Endpoints, the prediction log and the HTTP server, tested as their users see them.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests, which clippy does not count as tests"
)]

mod crash;
mod endpoint;
mod golden;
mod hot_swap;
mod http;
mod outputs;
mod prediction_log;
mod sequences;
mod support;
#[cfg(feature = "sign")]
mod trust;
