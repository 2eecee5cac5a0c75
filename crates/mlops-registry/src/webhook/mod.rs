//! Webhooks: addresses that are told of changes of models, and the queue of what is still to be told.
//!
//! ```text
//! NewWebhook ─▶ Webhook ◀─ events ─ queue_events ─▶ deliveries ─▶ claim ─▶ delivered
//!                                   ▲ audit trail       ▲                     or put off
//!                                   └ cursor            └─────────────────────┘
//! ```
//!
//! This module keeps what is said to whom; whoever has the network sends it. What is told is read from the audit
//! trail, behind a cursor that moves in the transaction that queues: a change that was acknowledged has its event in
//! the queue once, whoever was killed when. A delivery that was claimed and not reported on is due again after its
//! lease, so that each is sent at least once, under one identity.
//!
//! Secrets are encrypted in the database with a key that the operator gives; without one there are none.

mod event;
mod queue;
mod sealing;
#[cfg(feature = "encryption")]
mod secret;
mod store;
mod told;
mod trail;

pub use event::WebhookEvent;
pub use queue::Delivery;
pub(crate) use sealing::Sealing;
#[cfg(feature = "encryption")]
pub use secret::SecretKeys;
pub use store::{NewWebhook, Webhook, WebhookUpdate};
