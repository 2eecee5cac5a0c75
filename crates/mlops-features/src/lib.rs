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
//! - [`SourceSchema`] says what is taken from a [`Source`] and how it is read; [`Csv`], [`JsonLines`], [`ParquetFile`],
//!   [`ParquetDirectory`], [`ArrowIpc`] and [`from_batches`] read by it into an [`Ingest`]: a table, and every row that is
//!   not in it with its reason.
//! - [`Contract`]: a list of [`Expectation`]s; its [`Validation`] names every row that breaks one. [`Inference`] writes
//!   one from data, [`Quarantine`] holds the rows that break one.
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
//! - *JSON lines*, with keys inside of objects: [`JsonLines`] and dotted names, `user.id`.
//! - *A directory of Parquet files*, partitioned by `country=UK/year=2011`: [`ParquetDirectory`]; only some of its
//!   rows: [`RowFilter`].
//! - *A file larger than memory*: `stream` of every source, and [`from_stream`] for batches of one's own. *Training sets
//!   over it*: [`FeatureStore::scan`], with windows and transforms; [`PointInTimeJoin`] from files to a file, for the
//!   newest rows alone.
//! - *A source in S3* or in memory: `ParquetFile::open_at(&objects.locate("s3://lake/orders.parquet")?)?`, and so of every
//!   source; [`Objects`] holds the settings, and S3 needs feature `s3`. Of Parquet, only the wanted columns and row
//!   groups are fetched.
//! - *A file from somebody else*: what it may unpack to is bounded by [`UnpackLimit`].
//! - *Times without a zone*: they are local times of the zone that [`TimeFormat`] states. One that exists
//!   twice or never is rejected.
//! - *Bad rows out, all others on*: [`Contract::split`]. *Stop if the contract is broken*: [`Validation::require`].
//! - *Bad rows to a file, with their reasons*: [`Validation::quarantine`] and [`Quarantine::write_parquet`].
//! - *A first contract*: [`Inference::contract`], then read and edited. *Only some rows*: [`Expectation::when`].
//! - *Foreign keys, freshness, threads, going on past a missing column*: [`Contract::inspect`].
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
//! - *Who answers for a feature, what changed, what rests on what*: a [`Catalog`] of every version.
//! - *Columns for some eyes only, personal data masked, files encrypted*: [`access`].
//! - *Columns that are called otherwise in the source*: [`FeatureViewBuilder::from_column`] and
//!   [`FeatureView::table_from`](struct@FeatureView#method.table_from).
//! - *A feature of the request and of others*, such as this amount by the mean of 30 days: [`transform`].
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
//! most the TTL old, and its nulls stay nulls. Aggregates skip nulls. Counts of nothing are 0, maps by category
//! empty, all other aggregates of nothing null; whole numbers stay whole, and a sum that does not fit 64 bits is an
//! error. Sums, means and variances are exact to the last step and rounded once ([`Function`]): the same events give
//! the same bits, however they arrived and by whichever way the value was computed.
//!
//! # What this crate does not do
//!
//! It guesses no types, no zones and no formats. A [`FeatureStore`] has its events in memory, also those of a
//! directory; only [`FeatureStore::scan`] and [`PointInTimeJoin`] go past them. It trains nothing and serves nothing over a network.
//!
//! # Errors
//!
//! [`Error`] names the file, column, view or expectation at fault, and [`Error::kind`] says what can be done.
//! A single bad row is never an error: it is listed.

pub mod access;
mod aggregate;
mod builder;
pub mod catalog;
mod contract;
mod derived;
mod engine;
mod entity;
mod error;
mod expectation;
mod expectation_result;
mod feature;
mod field_value;
mod handle;
mod index;
mod infer;
mod inspection;
mod join;
mod materialize;
mod offline;
pub mod online;
mod plan;
#[doc(hidden)]
pub mod private;
mod push;
mod quarantine;
mod replay;
mod scan;
mod service;
mod serving;
pub mod sketch;
mod source;
mod store;
pub mod transform;
mod validation;
mod view;
mod window;

pub use arrow::datatypes::DataType;
pub use mlops_core::{Date, EntityKey, EventTime, KeyPart, Span, Table, TrainingSet, Uuid, Value};
pub use mlops_derive::{Entity, FeatureView};
#[cfg(feature = "s3")]
pub use mlops_store::S3Settings;
pub use mlops_store::{ListLimits, Location, Objects};

pub use access::{
    AccessPolicy, Columns, Guard, GuardedStore, Permit, Personal, RoleGrants, SecretKey,
};
#[cfg(feature = "encryption")]
pub use access::{EncryptedParquet, KeyPlan, KeyRing, SealedStore, Sealer};
pub use aggregate::State as PartialAggregate;
pub use builder::FeatureStoreBuilder;
pub use catalog::{
    Catalog, Change, FeatureEntry, Hit, HitKind, Listing, Node, Outcome, ServiceEntry, Trace,
    TrainingEntry, TransformEntry, ViewEntry,
};
pub use contract::Contract;
pub use derived::{with_column, with_computed};
pub use engine::{JoinProgress, JoinSummary, PointInTimeJoin, SpineFile, ViewFile, ViewSummary};
pub use entity::{Entity, EntityRow, KeyNote, KeyType, KeyValue};
pub use error::{Error, Result};
pub use expectation::{
    Comparison, Condition, Direction, Distance, Expectation, Kind, Limit, Nulls, OnFailure,
    SetRelation, Shares, Statistic,
};
pub use expectation_result::{Example, ExpectationResult, Frequent};
pub use feature::{
    Accuracy, Aggregate, Divisor, Feature, Filter, FilterField, Function, Rank, days, hours,
    minutes,
};
pub use handle::{Base, FieldValue, Handle, Number, Ordered, ViewRow};
pub use infer::Inference;
pub use inspection::Inspection;
pub use materialize::{Freshness, Materialize, MaterializeReport, Progress};
pub use offline::{Durability, Target};
pub use online::{OnlineBatch, OnlineRow, Status};
pub use push::{IngestReport, PushOptions, PushReport};
pub use quarantine::Quarantine;
pub use replay::{Disagreement, FeatureReplay, ReplayReport};
pub use scan::{FeatureScan, ScanReport, ScannedSource, ScannedView};
pub use service::{FeatureService, FeatureServiceBuilder, IntoFeature};
pub use source::{
    ArrowIpc, Chunk, Chunks, Csv, Ingest, JsonLines, ParquetDirectory, ParquetFile, Parse,
    Partition, Rejected, RejectionCount, RejectionKind, Rejections, RowFilter, Source,
    SourceSchema, SourceSchemaBuilder, TimeFormat, UnpackLimit, from_batches, from_stream,
};
pub use store::FeatureStore;
pub use validation::{Detail, Statistics, Validation};
pub use view::{Boundary, Cutoff, FeatureView, FeatureViewBuilder, Field, FieldKind, ViewSource};
