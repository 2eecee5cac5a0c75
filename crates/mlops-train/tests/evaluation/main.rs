//! Splits, calibration, explanations and comparisons against their peers; the scripts below `golden/` wrote the
//! numbers.

#![expect(
    clippy::unwrap_used,
    reason = "a test says by panicking what it did not expect"
)]

mod calibration;
mod compare;
mod explain;
mod splits;
