//! How good the answers were, once it is known what came true.
//!
//! Outcomes come late, twice, out of order, and for some predictions never. [`OutcomeJoin`] takes
//! both streams in any order; [`Performance`] says for a span of predictions what share has an
//! outcome, and the metrics of that share with their intervals.

mod join;
mod measure;

pub use join::{Added, OutcomeJoin};
pub use measure::{Metric, Performance, PerformanceQuery};
