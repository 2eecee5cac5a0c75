//! Webhooks: addresses that are told of changes of models, and the queue of what is still to be told.
//!
//! ```text
//! NewWebhook ─▶ Webhook ◀─ events ─ queue_event ─▶ deliveries ─▶ claim ─▶ delivered
//!                                                     ▲                     or put off
//!                                                     └─────────────────────┘
//! ```
//!
//! This module keeps what is said to whom; whoever has the network sends it. A delivery that was claimed and not
//! reported on is due again after its lease, so that each is sent at least once, by whichever process lives. An event
//! is queued after the change that it tells of: a process killed in between tells nothing.
//!
//! A secret is kept as it is, since it signs what is sent; whoever reads the database reads it.

mod event;
mod queue;
mod store;

pub use event::WebhookEvent;
pub use queue::Delivery;
pub use store::{NewWebhook, Webhook, WebhookUpdate};
