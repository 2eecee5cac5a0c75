//! From numbers to a decision: when is a difference a reason to act?
//!
//! A p-value alone calls every window of a million rows; a distance alone calls every window of
//! two hundred. A column has drifted only if **both** hold: the difference is significant after
//! correction over all columns at the stated rate, **and** its PSI reaches the limit that was set
//! for it. On top of that come a least number of rows and, where wanted, several windows in a row.
//! Every column gets a verdict with its reason, also when nothing happened.

mod builder;
mod judge;
mod judgement;
mod performance_limit;

pub use builder::{Limits, Policy, PolicyBuilder};
pub use judgement::{Context, Judgement, Outcome, Streak, Verdict};
pub use performance_limit::PerformanceLimit;
