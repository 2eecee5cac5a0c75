//! Expectations: what must hold for a table or for each of its rows.
//!
//! One file a rule. A rule on rows answers with every row that breaks it; a rule on the table as a whole
//! answers with what it saw. Nulls are left to [`Expectation::not_null`]: the other rules on
//! rows skip them, as SQL checks and Great Expectations do.

mod check;
mod length;
mod newest;
mod not_null;
mod order;
mod pattern;
mod range;
mod row_count;
mod rule;
mod set;
mod time_range;
mod unique;

pub(crate) use check::{Context, Outcome};
pub use rule::{Expectation, OnFailure};
