//! The tracking server, as its clients and its attackers meet it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agreement;
mod recorded;
mod security;
mod support;
#[cfg(feature = "webhooks")]
mod webhooks;
