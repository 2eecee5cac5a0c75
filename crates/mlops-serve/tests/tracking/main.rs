//! The tracking server, as its clients and its attackers meet it.

mod recorded;
mod security;
mod support;
#[cfg(feature = "webhooks")]
mod webhooks;
