//! Features: one value per entity and instant, defined once over a view and used offline and online.
//!
//! A feature is the latest row's value of a field, an aggregate of a field over a sliding window, or the
//! time since the last event. Building it checks that the field exists and that the function fits its
//! type, so that an error names the feature and not a row of a join.

mod accuracy;
mod builder;
mod definition;
mod filter;
mod function;
#[cfg(test)]
mod tests;

pub use accuracy::Accuracy;
pub(crate) use accuracy::{Window, tile_of};
pub use builder::Aggregate;
pub use definition::Feature;
pub(crate) use filter::Test;
pub use filter::{Filter, FilterField};
pub use function::{Divisor, Function, Rank};

use mlops_core::Span;

/// A length of some days of 24 hours.
pub const fn days(days: u32) -> Span {
    Span::days(days)
}

/// A length of some hours.
pub const fn hours(hours: u32) -> Span {
    Span::hours(hours)
}

/// A length of some minutes.
pub const fn minutes(minutes: u32) -> Span {
    Span::minutes(minutes)
}
