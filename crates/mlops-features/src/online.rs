//! What an online read answers: values with the reason where one is missing.

use std::collections::BTreeMap;

use mlops_core::{EventTime, FeatureName, Value};
use serde::Serialize;

/// Why a feature has the value that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// There is a value.
    Present,
    /// There are events, and the value is null: the newest row has none, or the window holds none.
    Null,
    /// No event of this key is visible at that instant. Counts are 0, all else is null.
    NotFound,
    /// The newest event is older than the view's TTL.
    Expired,
}

/// The features of one key at one instant, in the order of the service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OnlineRow {
    /// The values, the same that a point-in-time join gives for this key and instant.
    pub values: Vec<(FeatureName, Value)>,
    /// Why each value is as it is.
    pub statuses: Vec<Status>,
    /// The time of the newest event that each value rests on, where there is one.
    pub event_times: Vec<Option<EventTime>>,
}

impl OnlineRow {
    /// The value of a feature.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let found = self.values.iter().find(|(known, _)| known.as_str() == name);
        found.map(|(_, value)| value)
    }

    /// The values by name: the form that a model's signature and JSON take.
    pub fn into_map(self) -> BTreeMap<String, Value> {
        let values = self.values.into_iter();
        values.map(|(name, value)| (name.into(), value)).collect()
    }
}
