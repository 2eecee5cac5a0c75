//! On-demand transforms: one expression, the same over training rows and inside a request.
//!
//! ```
//! use std::collections::BTreeMap;
//! use mlops_features::{days, DataType, Entity, EventTime, Feature, FeatureService, FeatureStore, FeatureView, Value};
//! use mlops_features::transform::col;
//!
//! let customer = Entity::new("customer", [("customer_id", DataType::Int64)])?;
//! let purchase = FeatureView::builder("purchase").entity(customer).event_time("at")
//!     .field("amount", DataType::Float64).build()?;
//! let store = FeatureStore::new();
//! store.register(purchase.clone())?;
//!
//! let service = FeatureService::named("fraud")?
//!     .feature(Feature::sum(&purchase, "amount").over(days(30)))
//!     .feature(Feature::count(&purchase, "amount").over(days(30)))
//!     .request("amount_now", DataType::Float64)
//!     .transform("mean_30d", "amount_sum_30d / nullif(amount_count_30d, 0)")
//!     .transform("times_mean", col("amount_now").ratio(col("mean_30d"), 1.0))
//!     .hidden("amount_sum_30d")
//!     .build()?;
//! assert_eq!(service.names(), ["amount_count_30d", "mean_30d", "times_mean"]);
//!
//! let request = BTreeMap::from([("amount_now".to_owned(), Value::Float(80.0))]);
//! let row = store.online_with(&service, &7.into(), EventTime::parse("2011-07-02T00:00:00Z")?, &request)?;
//! assert_eq!(row.get("times_mean"), Some(&Value::Float(1.0))); // nothing is known of this customer
//! # Ok::<(), mlops_features::Error>(())
//! ```
//!
//! Offline the spine has the request columns; [`FeatureStore::join`](crate::FeatureStore::join) computes the
//! transforms after the features. One that is missing there or in the request is an error before anything is
//! computed. A transform can read other transforms, key columns, and [`at()`](at), the instant of the question.
//!
//! # Text
//!
//! ```text
//! 1  0.5  'text'  true  null  nan  inf        constants; '' is a quote inside a text
//! amount_sum_30d  "a-name.with signs"         columns
//! - * / % + -                                 numbers
//! = != < <= > >=   [not] in (1, 2)   [not] between 1 and 2   is [not] null
//! not  and  or
//! if(c, a, b)   case when c then a when d then b else e end   cast(a as int)
//! ```
//!
//! # Functions
//!
//! | of | functions |
//! | --- | --- |
//! | numbers | `+ - * / %` `div` (quotient cut to zero) `abs` `sign` `sqrt` `ln` `log10` `exp` `pow` `round(x)` `round(x, digits)` `floor` `ceil` `clip(x, low, high)` `is_nan` `ratio(a, b, default)` |
//! | several | `min(a, b, …)` `max(a, b, …)` `coalesce(a, b, …)` (or `fill_null`) `nullif(a, b)` `is_null` `if` `case` `in` |
//! | texts | `lower` `upper` `trim` `length` `concat(a, b, …)` `substring(t, start, length)` `contains` `starts_with` `ends_with` `replace(t, from, to)` `split_part(t, separator, n)` |
//! | times | `year` `quarter` `month` `week` `day` `day_of_year` `weekday` `hour` `minute` `second` and `truncate(t, unit)`, each with a zone as last argument (UTC without one), `seconds_between(from, to)` `days_between` `add_seconds` `add_days` `unix_seconds` `from_unix_seconds` `at()` |
//! | categories | `bucketize(x, edge, edge, …)` `hash_bucket(x, n)` |
//! | places | `haversine(lat1, lon1, lat2, lon2)`: kilometres from degrees, on a sphere of radius 6371.0088 km |
//! | types | `int` `float` `text` `bool` `time`; `try_int` and `try_float` give null for what does not fit |
//!
//! Others are one's own: a [`UserFunction`].
//!
//! # Rules
//!
//! - **Types** are `Boolean`, `Int64`, `Float64`, `Utf8` and instants, and are checked when the service is built.
//!   Columns of other widths and units are read as these, days as their midnight in UTC, durations as the count of
//!   their unit; bytes, decimals, lists and maps are not read. Nothing becomes another type by itself, but a whole constant among real numbers. `/` always gives a real
//!   number; `int` of a real number that is not whole is an error.
//! - **Null** in gives null out, with these exceptions: `and` and `or` know three values, `is_null`, `coalesce`,
//!   `min` and `max` (which pass over nulls), and a condition that is null counts as false.
//! - **Whole numbers** that leave 64 bits are an error that names the transform and the row. Divided by a whole
//!   zero, everything is null.
//! - **Real numbers** follow IEEE 754: by a real zero there are infinities and NaN, NaN equals nothing, not even
//!   itself. `min`, `max` and `clip` of NaN are NaN, its bucket is null. Every NaN that leaves is the same one.
//! - **Not computed** is what no one asks for: the branch not taken, what follows the deciding side of `and`,
//!   `or` and `coalesce`, the default of a `ratio` that needs none. An error there is none.
//! - **Texts** count characters (Unicode scalar values) from 1. A function makes no text of more than 1 MiB: that is
//!   an error.
//! - **Hashes** are XXH64 with seed 0 of the UTF-8 bytes, or of the eight bytes of a number or of microseconds,
//!   the lowest first; modulo the number of buckets.
//! - **Bounds**: 100 levels, 4096 parts and 64 KiB of text an expression.
//!
//! # Stored
//!
//! [`Expr`] has a JSON form with a version and a [`digest`](Expr::digest). A [`Transform`]'s digest covers the
//! definitions of all that it reads and the versions of the functions that it calls; it goes into the digest of
//! the service and into the lineage of a training set.

mod apply;
mod batch;
mod catalogue;
mod check;
mod expr;
mod fault;
mod json;
mod kernel;
mod kind;
mod lane;
mod lex;
mod op;
mod operators;
mod parse;
mod plan;
mod print;
mod program;
mod row;
mod select;
mod special;
mod typed;
mod user;
mod wide;

pub use expr::{Expr, at, call, case, col, lit, null, when};
pub use plan::{IntoExpr, Transform};
pub use program::Program;
pub use user::UserFunction;

pub(crate) use apply::{apply_batch, apply_row, check_request, check_spine, without_requests};
pub(crate) use plan::{OnDemand, OnDemandBuilder};
