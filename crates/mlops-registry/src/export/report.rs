//! What an export sent.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::RunId;

/// The outcome of an export.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct ExportReport {
    /// The identities that the runs have there.
    pub runs: BTreeMap<RunId, String>,
    /// The runs that were not there yet.
    pub new_runs: u64,
    /// The logged models that were not there yet.
    pub new_logged_models: u64,
    /// The registered models that were not there yet.
    pub new_models: u64,
    /// The versions of registered models that were not there yet.
    pub new_versions: u64,
    /// The points of metrics that were sent.
    pub metric_points: u64,
    /// The files that were sent.
    pub artifacts: u64,
    /// What could not be sent as it is, by what it is about.
    pub notes: Vec<(String, String)>,
}
