//! Webhooks: changes of models told to addresses that somebody registered, signed as MLflow's server signs.
//!
//! ```text
//! audit trail ─▶ queue (durable) ─▶ Sender ─▶ resolve ─▶ every address public? ─▶ POST to that address
//!                                 ▲                                            │
//!                                 └────── put off, a few times ◀── no answer ──┘
//! ```
//!
//! An address that somebody registered is one that the server is made to call: so it is https alone, the name is
//! resolved once, every address that it has must be public, the connection goes to what was checked, no redirect is
//! followed, and nothing of the answer but its status is looked at.

mod address;
mod sender;
mod signature;

pub(super) use address::check_url;
pub(super) use sender::{Refused, Sender};

/// What webhooks may reach.
///
/// ```
/// use mlops_serve::WebhookOptions;
///
/// let strict = WebhookOptions::default();
/// let for_tests = WebhookOptions::default().loopback_http();
/// assert_ne!(strict, for_tests);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WebhookOptions {
    pub(super) loopback: bool,
}

impl WebhookOptions {
    /// Also `http://` on loopback addresses, for tests.
    #[must_use]
    pub fn loopback_http(mut self) -> Self {
        self.loopback = true;
        self
    }
}
