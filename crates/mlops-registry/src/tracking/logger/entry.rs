//! What a logger takes: one metric, param or tag, checked before it is queued.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::{
    Batch, Metric, MetricPoint, Result, RunId,
    key::{check_key, check_length},
    limits,
    tracking::check_tag,
};

/// One thing to write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Entry {
    Metric(String, MetricPoint),
    Param(String, String),
    Tag(String, String),
}

impl Entry {
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::Metric(key, point) => {
                check_key("metric", key)?;
                crate::tracking::check_time("the time of a metric", point.time)
            }
            Self::Param(key, value) => {
                check_key("param", key)?;
                check_length(format!("param `{key}`"), value, limits::PARAM_VALUE)
            }
            Self::Tag(key, value) => check_tag(key, value),
        }
    }
}

/// Entries that are written together, under a number that makes them be written once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Numbered {
    pub(super) run: RunId,
    pub(super) writer: String,
    pub(super) sequence: u64,
    pub(super) entries: Vec<Entry>,
}

impl Numbered {
    pub(super) fn batch(&self) -> Batch {
        let mut batch = Batch::default();
        for entry in self.entries.iter().cloned() {
            match entry {
                Entry::Metric(key, point) => batch.metrics.push(Metric::new(key, point)),
                // the same param twice in a batch is refused, and the same value again is no news
                Entry::Param(key, value) => {
                    let param = (key, value);
                    if !batch.params.contains(&param) {
                        batch.params.push(param);
                    }
                }
                Entry::Tag(key, value) => batch.tags.push((key, value)),
            }
        }
        batch
    }
}

/// Takes as many entries of one sort from the head of a queue as one batch may hold.
pub(super) fn take(queue: &mut VecDeque<Entry>) -> Vec<Entry> {
    let sort = |entry: &Entry| match entry {
        Entry::Metric(..) => (0, limits::BATCH_METRICS),
        Entry::Param(..) => (1, limits::BATCH_PARAMS),
        Entry::Tag(..) => (2, limits::BATCH_TAGS),
    };
    let Some(first) = queue.front().map(sort) else {
        return Vec::new();
    };
    let count = queue
        .iter()
        .take(first.1)
        .take_while(|entry| sort(entry) == first)
        .count();
    queue.drain(..count).collect()
}
