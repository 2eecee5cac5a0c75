//! Training sets over files that are larger than memory: one pass over each, and only what can be seen is held.
//!
//! The rows of a spine see little of a large file: the rows of their own keys, between their own instants and the
//! longest window before them. A scan reads the file once, keeps those rows alone, and asks the same join for all
//! values that a store with the whole file would be asked for.

mod feature_scan;
mod held;
mod reach;
mod report;

pub use feature_scan::FeatureScan;
pub use report::{ScanReport, ScannedSource, ScannedView};
