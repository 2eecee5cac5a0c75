//! The catalog: which definitions there are, which there were, who answers for them, and what rests on what.
//!
//! ```
//! use std::sync::Arc;
//! use mlops_core::{EventTime, ManualClock, Span};
//! use mlops_features::{Catalog, DataType, Entity, FeatureView, Outcome, days};
//!
//! let catalog = Catalog::in_memory(Arc::new(ManualClock::new(EventTime::parse("2026-01-01T00:00:00Z")?)));
//! let view = |ttl: Span| FeatureView::builder("purchase")
//!     .entity(Entity::new("customer", [("customer_id", DataType::Int64)]).unwrap())
//!     .event_time("at").ttl(ttl)
//!     .field("amount", DataType::Float64)
//!     .owner("sales")
//!     .build().unwrap();
//!
//! assert_eq!(catalog.apply_view(&view(days(30)))?, Outcome::Created { version: 1 });
//! assert_eq!(catalog.apply_view(&view(days(30)))?, Outcome::Unchanged { version: 1 });
//! let changed = catalog.apply_view(&view(days(60)))?;
//! assert_eq!(changed.to_string(), "version 2: ttl was 30d, is 60d");
//! assert_eq!(catalog.view("purchase@v1")?.ttl(), Some(days(30)));
//! assert_eq!(catalog.search("sales")[0].name, "purchase");
//! # Ok::<(), mlops_features::Error>(())
//! ```
//!
//! ```text
//! source ─▶ view@vN ─▶ feature ─▶ service@vN ─▶ training set     upstream ◀── trace ──▶ downstream
//! ```
//!
//! - A version of a view or service is its content digest. The same content again is the same version; changed content
//!   is the next one, with the list of what changed; content that was there before is that version again.
//! - What people read (owner, descriptions, tags, personal data flags, sources) changes in place and is listed as
//!   a change, for it changes no value.
//! - A catalog lives in memory or in one JSON file. Processes that share the file lose nothing: each change is
//!   made under a lock, to what the file holds then, and replaces the file as a whole.

mod diff;
mod file;
mod listing;
mod record;
mod search;
mod service;
mod state;
mod store;
mod trace;
mod training;

pub use diff::{Change, Outcome};
pub use listing::Listing;
pub use search::{Hit, HitKind};
pub use service::{FeatureEntry, ServiceEntry, TransformEntry};
pub use store::{Catalog, ViewEntry};
pub use trace::{Node, Trace};
pub use training::TrainingEntry;
