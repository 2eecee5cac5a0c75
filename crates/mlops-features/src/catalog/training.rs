//! Training sets that were made: which rows of which definitions.

use std::collections::BTreeMap;

use mlops_core::{Digest, EventTime, ServiceName, TrainingSet};
use serde::{Deserialize, Serialize};

use crate::{FeatureService, store::SPINE};

/// What is known of one training set: enough to find everything that it rests on, and nothing of its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingEntry {
    /// What somebody called it.
    pub name: String,
    /// The digest of its rows.
    pub digest: Digest,
    /// The digest of the spine, if its lineage says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spine: Option<Digest>,
    /// The service that gave the features.
    pub service: ServiceName,
    /// The version of the service, by content.
    pub service_digest: Digest,
    /// The definition of each feature, by name.
    pub features: BTreeMap<String, Digest>,
    /// The content of each view at that time, by name.
    pub data: BTreeMap<String, Digest>,
    /// The revision of the code that ran, if somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_revision: Option<String>,
    /// The number of rows.
    pub rows: u64,
    /// The first event time.
    pub first: EventTime,
    /// The last event time.
    pub last: EventTime,
    /// When it was recorded.
    pub recorded_at: EventTime,
}

impl TrainingEntry {
    pub(super) fn new(
        name: &str,
        set: &TrainingSet,
        service: &FeatureService,
        recorded_at: EventTime,
    ) -> Self {
        let times = set.event_times();
        let lineage = set.lineage();
        let mut data = lineage.data.clone();
        Self {
            name: name.to_owned(),
            digest: set.digest(),
            spine: data.remove(SPINE),
            service: service.name().clone(),
            service_digest: service.digest(),
            features: lineage.features.clone(),
            data,
            code_revision: lineage.code_revision.clone(),
            rows: set.rows() as u64,
            first: times.iter().min().copied().unwrap_or(EventTime::MIN),
            last: times.iter().max().copied().unwrap_or(EventTime::MAX),
            recorded_at,
        }
    }
}
