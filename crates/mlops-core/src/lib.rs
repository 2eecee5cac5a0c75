//! The nouns of the mlops SDK: what travels from raw events to a retrained model.
//!
//! ```
//! use mlops_core::{EventTime, Span, metric};
//!
//! let cutoff = EventTime::parse("2011-07-01T00:00:00Z")?;
//! assert_eq!((cutoff + Span::days(90)).date(), "2011-09-29");
//!
//! let auc = metric::roc_auc(&[false, false, true, true], &[0.1, 0.4, 0.35, 0.8])?;
//! assert_eq!(auc, 0.75);
//! # Ok::<(), mlops_core::Error>(())
//! ```
//!
//! # The types and how they relate
//!
//! ```text
//! events ─▶ Table ─▶ TrainingSet ─▶ model ─▶ PredictionRecord ─┐
//!            │ TableSchema, Role     │ Lineage                 ├─▶ Signal
//!            │ EventTime, EntityKey  │ Digest    OutcomeRecord ┘
//! ```
//!
//! - [`Table`]: a checked Arrow batch whose columns have a [`Role`].
//! - [`TrainingSet`]: a table with features, a label and its [`Lineage`].
//! - [`PredictionRecord`] and [`OutcomeRecord`]: what was answered and what came true.
//! - [`Signal`]: the reason to retrain, with its evidence.
//! - [`EventTime`], [`Span`], [`Clock`], [`Seed`], [`Digest`]: time, randomness and identity as arguments.
//! - [`metric`]: classification metrics that training, drift and gates share.
//!
//! # What this crate does not do
//!
//! It opens no file and no socket, starts no thread and knows no trainer.
//!
//! # Errors
//!
//! [`Error`] names the column, row or text at fault; [`ErrorKind`] is shared by all crates.

pub use arrow;

mod authorizer;
mod cell;
mod clock;
mod date;
mod digest;
mod error;
pub mod ipc;
mod key;
pub mod metric;
mod name;
mod prediction;
mod principal;
mod schema;
mod seed;
mod signal;
mod table;
mod target;
mod time;
mod training_set;
mod uuid;
mod value;

pub use authorizer::{Access, Action, Authorizer, Decision, Masking};
pub use clock::{Clock, ManualClock, Stopwatch, SystemClock};
pub use date::Date;
pub use digest::{Digest, DigestBuilder};
pub use error::{Error, ErrorKind, Result};
pub use key::{EntityKey, KeyPart};
pub use name::{AliasName, EntityName, FeatureName, ModelName, ServiceName, StepName, ViewName};
pub use prediction::{OutcomeRecord, PredictionRecord, Probability, VersionNumber};
pub use principal::Principal;
pub use schema::{Column, Role, TableSchema};
pub use seed::{Rng, Seed};
pub use signal::{Evidence, Severity, Signal, SignalKind};
pub use table::Table;
pub use target::Target;
pub use time::{EventTime, Span};
pub use training_set::{Lineage, TrainingSet};
pub use uuid::Uuid;
pub use value::Value;
