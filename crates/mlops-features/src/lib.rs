//! From raw events to feature values, point-in-time correct, the same offline and online.
//!
//! ```
//! use mlops_features::*;
//!
//! #[derive(Entity)]
//! struct Customer { customer_id: i64 }
//!
//! #[derive(FeatureView)]
//! #[view(entity = Customer, time = at)]
//! struct Purchase { customer_id: i64, at: EventTime, amount: f64 }
//!
//! let schema = SourceSchema::builder()
//!     .key("customer_id", "CustomerID", Parse::Int)
//!     .event_time("at", "InvoiceDate", TimeFormat::local("Europe/London")?)
//!     .value("amount", "Amount", Parse::Float).unit("GBP").required()
//!     .build()?;
//! let lines = "CustomerID,InvoiceDate,Amount\n7.0,2011-07-01 12:00:00,9.5\n,2011-07-01 12:30:00,2\n";
//! let ingest = Csv::from_bytes("lines", lines.as_bytes()).read(&schema)?; // or Csv::open("lines.csv.gz")?
//! assert_eq!(ingest.rejected.to_string(), "1 rows rejected (1 `CustomerID` missing)");
//!
//! let store = FeatureStore::new();
//! store.register(Purchase::view())?;
//! store.ingest("purchase", &ingest.table)?;
//! let spend = FeatureService::named("spend")?.feature(Purchase::amount().sum().over(days(30))).build()?;
//! let row = store.online(&spend, &Customer { customer_id: 7 }.key(), EventTime::parse("2011-07-02T00:00:00Z")?)?;
//! assert_eq!(row.get("amount_sum_30d"), Some(&Value::Float(9.5)));
//! # Ok::<(), mlops_features::Error>(())
//! ```
//!
//! # The types and how they relate
//!
//! ```text
//! file, batches ─SourceSchema─▶ Ingest { Table, Rejections } ─Contract─▶ Validation, good rows
//!                                          │
//!                                          ▼
//! FeatureView ─▶ FeatureStore ◀──── events of a view        Entity, EntityKey
//!      │              │
//!   Feature ─▶ FeatureService ─▶ training set (spine joined as of each row) │ online row (one key, one time)
//! ```
//!
//! - [`SourceSchema`] says what is taken from a source and how it is read; [`Csv`], [`ParquetFile`] and
//!   [`from_batches`] read by it into an [`Ingest`]: a table, and every row that is not in it with its reason.
//! - [`Contract`]: a list of [`Expectation`]s; its [`Validation`] names every row that breaks one.
//! - [`FeatureView`](struct@FeatureView), [`Feature`] and [`FeatureService`]: what is computed from which events.
//! - [`FeatureStore`]: the events, in memory or in a directory, and both ways to ask for features over the
//!   same state; [`online`] for stores that serve them elsewhere.
//!
//! # Recipes
//!
//! - *A column computed from others*, such as quantity times price: [`with_computed`], or [`with_column`] for
//!   an array of one's own.
//! - *A file without a header, with other separators, with `NA` for nothing*: [`Csv::column_names`],
//!   [`Csv::delimiter`], [`Csv::null_token`].
//! - *Times without a zone*: they are local times of the zone that [`TimeFormat`] states. One that exists
//!   twice or never is rejected.
//! - *Bad rows out, all others on*: [`Contract::split`]. *Stop if the contract is broken*: [`Validation::require`].
//! - *What was wrong with a file*: [`Rejections::counts`] for the sums, [`Rejections::rows`] for row, column,
//!   value and reason.
//!
//! - *Labels with features as of each row's time*: [`FeatureStore::training_set`]; the spine has the keys, a time
//!   and a label. *The same values for one key now*: [`FeatureStore::online`]; [`OnlineRow`] says why one is missing.
//! - *Backfilled rows must not leak into training*: a created time and [`Cutoff::CreatedTime`].
//! - *An event at the very instant must not count*: [`Boundary::Exclusive`].
//! - *One view in two roles*, such as origin and destination: [`Feature::keyed_by`].
//! - *A view that is known at run time only*: [`FeatureView::builder`] and the constructors of [`Feature`].
//! - *An event that just happened*: [`FeatureStore::push_rows`]; late ones find their place.
//! - *A push that can be repeated until it is acknowledged*: [`PushOptions::event_id`].
//! - *A store that is there again after a restart*: [`FeatureStore::open`] and [`FeatureStore::compact`].
//! - *Serving from memory, SQLite or Redis*: [`FeatureStoreBuilder::online`], [`FeatureStore::materialize`] and
//!   [`FeatureStore::materialize_incremental`]; [`FeatureStore::online_batch`] for many keys at once.
//! - *Was what we served right?*: [`FeatureStore::replay`] over a log of served rows.
//!
//! # What a feature sees
//!
//! At `t`, the events of its key with `ts <= t` (`ts < t` if the view's boundary is exclusive), and of these the
//! ones in its window, `t - w < ts <= t` (or `t - w <= ts < t`): adjacent windows share none. Among rows of one
//! event time the newest created time comes last, then the later arrival. The latest row answers while it is at
//! most the TTL old, and its nulls stay nulls. Counts of nothing are 0, all other aggregates of nothing are null;
//! whole numbers stay whole, and a sum that does not fit 64 bits is an error.
//!
//! # What this crate does not do
//!
//! It guesses no types, no zones and no formats. A [`FeatureStore`] has its events in memory, also those of a
//! directory. It trains nothing and serves nothing over a network.
//!
//! # Errors
//!
//! [`Error`] names the file, column, view or expectation at fault, and [`Error::kind`] says what can be done.
//! A single bad row is never an error: it is listed.

mod aggregate;
mod builder;
mod contract;
mod derived;
mod entity;
mod error;
mod expectation;
mod feature;
mod handle;
mod index;
mod join;
mod materialize;
mod offline;
pub mod online;
mod plan;
mod push;
mod replay;
mod service;
mod serving;
pub mod sketch;
mod source;
mod store;
mod validation;
mod view;
mod window;

pub use arrow::datatypes::DataType;
pub use mlops_core::{EntityKey, EventTime, KeyPart, Span, Table, TrainingSet, Value};
pub use mlops_derive::{Entity, FeatureView};

pub use aggregate::State as PartialAggregate;
pub use builder::FeatureStoreBuilder;
pub use contract::Contract;
pub use derived::{with_column, with_computed};
pub use entity::{Entity, EntityRow, KeyType, KeyValue};
pub use error::{Error, Result};
pub use expectation::{Expectation, OnFailure};
pub use feature::{
    Accuracy, Aggregate, Divisor, Feature, Filter, FilterField, Function, Rank, days, hours,
    minutes,
};
#[doc(hidden)]
pub use handle::private;
pub use handle::{Base, FieldValue, Handle, Number, Ordered, ViewRow};
pub use materialize::{Freshness, Materialize, MaterializeReport, Progress};
pub use offline::{Durability, Target};
pub use online::{OnlineBatch, OnlineRow, Status};
pub use push::{IngestReport, PushOptions, PushReport};
pub use replay::{Disagreement, FeatureReplay, ReplayReport};
pub use service::{FeatureService, FeatureServiceBuilder, IntoFeature};
pub use source::{
    Csv, Ingest, ParquetFile, Parse, Rejected, RejectionCount, RejectionKind, Rejections,
    SourceSchema, SourceSchemaBuilder, TimeFormat, from_batches,
};
pub use store::FeatureStore;
pub use validation::{Example, ExpectationResult, Validation};
pub use view::{Boundary, Cutoff, FeatureView, FeatureViewBuilder, Field, FieldKind};
