//! Turns structs into entities and feature views: `#[derive(Entity)]` and `#[derive(FeatureView)]`.
//!
//! Used through `mlops-features` (or the facade `mlops`), which re-exports both macros beside the types
//! that they implement:
//!
//! ```ignore
//! #[derive(Entity)]
//! struct Customer { customer_id: i64 }
//!
//! #[derive(FeatureView)]
//! #[view(entity = Customer, time = invoice_date, ttl = "365d")]
//! struct Purchase { customer_id: i64, invoice_date: EventTime, amount: f64, country: Option<String> }
//!
//! let spend = Purchase::amount().sum().over(days(30))?; // a misspelt column does not compile
//! ```
//!
//! # The macros and how they relate
//!
//! ```text
//! struct Customer ─ derive(Entity) ──────▶ impl EntityRow: NAME, KEYS, key()
//!                                             ▲ checked when the crate is compiled
//! struct Purchase ─ derive(FeatureView) ─▶ impl ViewRow: view(), table() + a handle per field
//! ```
//!
//! # What this crate does not do
//!
//! It computes nothing at run time and depends on no other crate of the SDK.
//!
//! # Errors
//!
//! What is wrong with a struct is a compile error at the place that is wrong: a bad TTL at its text, an
//! unknown option at its name, a field with a type that no column has at that type.

mod entity;
mod field;
mod names;
mod view;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct an entity whose fields are its key columns, in order.
///
/// Options, all optional: `#[entity(name = "customer", crate = "mlops::features")]`. The name is the
/// struct's in snake case by default; `crate` is where the generated code finds `mlops-features`, by
/// default what the manifest says: `mlops-features` itself, or the facade `mlops`. On a field:
/// `#[entity(pii, description = "…")]`. Doc comments are the descriptions by default.
#[proc_macro_derive(Entity, attributes(entity))]
pub fn derive_entity(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    entity::expand(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a struct a feature view: one value of it is one event, and each field becomes a typed handle.
///
/// Options of `#[view(…)]` on the struct:
///
/// - `entity = Customer` (needed): the struct with `#[derive(Entity)]`; its keys must be fields here.
/// - `time = invoice_date` (needed): the field with the event time.
/// - `created = loaded_at`: the field that says when a row became known; it breaks ties.
/// - `ttl = "365d"`: for how long the latest row is valid; a whole number and `us`, `ms`, `s`, `m`, `h`,
///   `d` or `w`.
/// - `boundary = "inclusive"` or `"exclusive"`: whether an event at the very instant is seen.
/// - `cutoff = "event_time"` or `"created_time"`: whether rows that became known later are hidden.
/// - `name = "purchase"`: the struct's name in snake case by default.
/// - `owner = "sales@example.org"`, `description = "…"` (the doc comment by default),
///   `tags(domain = "retail", tier = "gold")`: what people read; it changes no value.
/// - `source = "s3://lake/lines.parquet"`: where rows come from, also `"push:NAME"` or `"request:NAME"`; may be stated
///   more than once.
/// - `crate = "mlops::features"`: where the generated code finds `mlops-features`.
///
/// On a field: `#[field(unit = "GBP", from = "SourceColumn", description = "…", pii)]`; the doc comment is the
/// description by default.
///
/// Whole numbers and floats keep their width: a `u16` becomes a `UInt16` column, an `f32` a `Float32` one.
///
/// Besides a handle per field the struct gets `time_since_last()` and `events()`.
#[proc_macro_derive(FeatureView, attributes(view, field))]
pub fn derive_feature_view(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    view::expand(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
