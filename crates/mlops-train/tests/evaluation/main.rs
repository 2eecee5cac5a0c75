//! Splits, calibration, explanations and comparisons against their peers; the scripts below `golden/` wrote the
//! numbers.

mod calibration;
mod explain;
mod splits;
