//! What a scan met in its sources.

use crate::Rejections;

/// The account of a scan: each view that was read, in the order of the service.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ScanReport {
    /// The views; those that the store answered are none of them.
    pub views: Vec<ScannedView>,
}

/// A view whose rows came from sources.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ScannedView {
    /// Its name.
    pub view: String,
    /// The rows that were held in the end.
    pub rows_held: usize,
    /// Its sources in the order in which they were read.
    pub sources: Vec<ScannedSource>,
}

/// One source of a view.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ScannedSource {
    /// Its path, URL or name.
    pub source: String,
    /// The data rows that were met, those of row groups that could be passed over apart.
    pub rows_read: u64,
    /// The rows that were taken because some row of the spine might see them. Of those of which only the newest matters
    /// the others are let go again.
    pub rows_seen: u64,
    /// The rows whose key has a null part, which nothing can see.
    pub null_keys: u64,
    /// The rows that were not taken because of what is in them.
    pub rejected: Rejections,
}
