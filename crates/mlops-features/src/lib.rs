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
//! - [`FeatureStore`]: the events, and both ways to ask for features over the same state.
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
//! - *Only some events*: [`Aggregate::only`] with a [`Filter`]. *A value for each category*: [`Aggregate::by`]. *One
//!   aggregate over another*: [`Aggregate::per`]. *Days since the last event of a kind*: [`Feature::time_since_last_of`].
//! - *Windows that move in hops*: [`Aggregate::accuracy`]. *Counts and quantiles in little memory*: [`sketch`].
//! - *Windows from sums of hours or days in a store of one's own*: [`PartialAggregate`].
//! - *A view that is known at run time only*: [`FeatureView::builder`] and the constructors of [`Feature`].
//! - *An event that just happened*: [`FeatureStore::push_rows`]; late ones find their place.
//!
//! # What a feature sees
//!
//! At `t`, the events of its key with `ts <= t` (`ts < t` if the view's boundary is exclusive), and of these the
//! ones in its window, `t - w < ts <= t` (or `t - w <= ts < t`): adjacent windows share none. Among rows of one
//! event time the newest created time comes last, then the later arrival. The latest row answers while it is at
//! most the TTL old, and its nulls stay nulls. Aggregates skip nulls. Counts of nothing are 0, maps by category
//! empty, all other aggregates of nothing null; whole numbers stay whole, and a sum that does not fit 64 bits is an
//! error. Sums, means and variances are exact to the last step and rounded once ([`Function`]): the same events give
//! the same bits, however they arrived and by whichever way the value was computed.
//!
//! # What this crate does not do
//!
//! It keeps events in memory and not on disk: fill the store from its sources at start. It guesses no types, no
//! zones and no formats, and opens nothing but local files. It trains nothing and serves nothing over a network.
//!
//! # Errors
//!
//! [`Error`] names the file, column, view or expectation at fault, and [`Error::kind`] says what can be done.
//! A single bad row is never an error: it is listed.

mod aggregate;
mod contract;
mod derived;
mod entity;
mod error;
mod expectation;
mod feature;
mod handle;
mod index;
mod join;
mod online;
mod plan;
mod service;
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
pub use online::{OnlineRow, Status};
pub use service::{FeatureService, FeatureServiceBuilder, IntoFeature};
pub use source::{
    Csv, Ingest, ParquetFile, Parse, Rejected, RejectionCount, RejectionKind, Rejections,
    SourceSchema, SourceSchemaBuilder, TimeFormat, from_batches,
};
pub use store::{FeatureStore, IngestReport};
pub use validation::{Example, ExpectationResult, Validation};
pub use view::{Boundary, Cutoff, FeatureView, FeatureViewBuilder, Field, FieldKind};
