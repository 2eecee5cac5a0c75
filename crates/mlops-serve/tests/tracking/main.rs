//! The tracking server, as its clients and its attackers meet it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agreement;
mod multipart;
mod pages;
mod pinned;
mod recorded;
mod security;
mod support;
#[cfg(feature = "webhooks")]
mod webhooks;
