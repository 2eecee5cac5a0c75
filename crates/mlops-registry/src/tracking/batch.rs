//! Batches: metrics, params and tags of one run, checked whole before anything is written.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};

use super::{
    Tracking,
    experiment::check_count,
    logged_model,
    ops::{DeleteTag, LogBatch, Mode},
    run::{RUN_NAME_TAG, check_time},
    run_write::{check_param, write_param, write_tag},
};
use crate::{
    Error, LoggedModelId, MetricPoint, Result, RunId, TrackingError,
    error::{During, cut},
    key::{check_key, check_length, check_run_name},
    limits, metric,
};

/// One point of a metric, and what it was measured on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// The key.
    pub key: String,
    /// Step, time and value.
    pub point: MetricPoint,
    /// The logged model that was measured, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<LoggedModelId>,
    /// The dataset that it was measured on, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<DatasetName>,
}

impl Metric {
    /// A point of a metric of the run alone.
    pub fn new(key: impl Into<String>, point: MetricPoint) -> Self {
        Self {
            key: key.into(),
            point,
            model: None,
            dataset: None,
        }
    }
}

/// A dataset by name and digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetName {
    /// Its name.
    pub name: String,
    /// Its digest; empty if it is not known.
    pub digest: String,
}

/// Metrics, params and tags that are written together or not at all.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Batch {
    /// Points of metrics, in any order.
    pub metrics: Vec<Metric>,
    /// Params; each key once.
    pub params: Vec<(String, String)>,
    /// Tags; of the same key the last one holds.
    pub tags: Vec<(String, String)>,
}

impl Batch {
    /// A batch of metrics alone.
    pub fn of_metrics(metrics: impl IntoIterator<Item = Metric>) -> Self {
        Self {
            metrics: metrics.into_iter().collect(),
            ..Self::default()
        }
    }

    /// The number of metrics, params and tags.
    pub fn len(&self) -> usize {
        self.metrics.len() + self.params.len() + self.tags.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Checks keys, values and numbers of entries, without a look at the run.
    pub(crate) fn check(&self) -> Result<()> {
        check_count("metrics", self.metrics.len(), limits::BATCH_METRICS)?;
        check_count("params", self.params.len(), limits::BATCH_PARAMS)?;
        check_count("tags", self.tags.len(), limits::BATCH_TAGS)?;
        check_count(
            "metrics, params and tags",
            self.len(),
            limits::BATCH_ENTRIES,
        )?;
        self.check_entries()
    }

    /// Checks keys and values alone.
    pub(crate) fn check_entries(&self) -> Result<()> {
        let mut last: Option<&str> = None;
        for metric in &self.metrics {
            // the keys of a batch repeat, one after the other as a rule
            if last != Some(&metric.key) {
                check_key("metric", &metric.key)?;
                last = Some(&metric.key);
            }
            if metric.point.time.micros() < 0 {
                check_time(
                    format!("the time of metric `{}`", metric.key),
                    metric.point.time,
                )?;
            }
            if let Some(dataset) = &metric.dataset {
                check_length(
                    "the name of the dataset",
                    &dataset.name,
                    limits::DATASET_NAME,
                )?;
                check_length(
                    "the digest of the dataset",
                    &dataset.digest,
                    limits::DATASET_DIGEST,
                )?;
            }
        }
        let mut seen = BTreeSet::new();
        for (param, value) in &self.params {
            check_key("param", param)?;
            check_length(format!("param `{param}`"), value, limits::PARAM_VALUE)?;
            if !seen.insert(param) {
                return Err(TrackingError::DuplicateParam { param: cut(param) }.into());
            }
        }
        self.tags
            .iter()
            .try_for_each(|(tag, value)| check_tag(tag, value))
    }

    /// Writes the batch into the row of a run. Everything that may be refused comes first.
    pub(crate) fn write(
        &self,
        tx: &Transaction<'_>,
        row: i64,
        run: &RunId,
        mode: Mode,
    ) -> Result<()> {
        for (param, value) in &self.params {
            check_param(tx, row, run, param, value)?;
        }
        let mut keys: BTreeMap<&str, i64> = BTreeMap::new();
        let mut points = Vec::with_capacity(self.metrics.len());
        for metric in &self.metrics {
            let key = if let Some(key) = keys.get(metric.key.as_str()) {
                *key
            } else {
                let key = metric::intern(tx, &metric.key)?;
                keys.insert(&metric.key, key);
                key
            };
            points.push((key, metric.point));
            if let Some(model) = &metric.model {
                write_model_metric(tx, row, key, metric, logged_model(tx, model, mode)?)?;
            }
        }
        if !points.is_empty() {
            metric::insert_keyed(tx, row, points)?;
        }
        for (param, value) in &self.params {
            write_param(tx, row, run, param, value)?;
        }
        for (tag, value) in &self.tags {
            write_tag(tx, row, tag, value)?;
        }
        Ok(())
    }
}

/// Checks one tag of a run.
pub(crate) fn check_tag(tag: &str, value: &str) -> Result<(), Error> {
    check_key("tag", tag)?;
    check_length(format!("tag `{tag}`"), value, limits::TAG_VALUE)?;
    if tag == RUN_NAME_TAG {
        check_run_name(value)?;
    }
    Ok(())
}

impl Tracking {
    /// Writes a batch to a run, all or nothing. What is there already is no news, so that a batch may
    /// be sent again.
    ///
    /// # Errors
    /// [`TrackingError::TooMany`], [`TrackingError::DuplicateParam`], [`TrackingError::InvalidValue`]
    /// for a time before 1970, [`Error::InvalidKey`], [`Error::TooLong`], [`Error::UnknownRun`],
    /// [`TrackingError::RunState`] if the run is deleted, [`Error::ParamConflict`],
    /// [`TrackingError::UnknownLoggedModel`], [`Error::Busy`] or [`Error::Database`].
    pub fn log_batch(&self, run: &RunId, batch: Batch) -> Result<()> {
        batch.check()?;
        let op = LogBatch {
            run: run.clone(),
            batch,
            number: None,
        };
        self.registry.track(op).map(drop)
    }

    /// Writes a batch once: one whose number is not greater than the last one of the same writer was
    /// written already and is passed over. Says whether it was written now.
    ///
    /// # Errors
    /// As for [`log_batch`](Self::log_batch).
    pub fn log_batch_once(
        &self,
        run: &RunId,
        writer: &str,
        sequence: u64,
        batch: Batch,
    ) -> Result<bool> {
        batch.check()?;
        self.write_once(run, writer, sequence, batch)
    }

    pub(crate) fn write_once(
        &self,
        run: &RunId,
        writer: &str,
        sequence: u64,
        batch: Batch,
    ) -> Result<bool> {
        check_key("writer", writer)?;
        let Ok(sequence) = i64::try_from(sequence) else {
            return Err(TrackingError::InvalidValue {
                what: "the number of the batch".into(),
                reason: "it is greater than 2^63 - 1",
            }
            .into());
        };
        self.registry.track(LogBatch {
            run: run.clone(),
            batch,
            number: Some((writer.to_owned(), sequence)),
        })
    }

    /// Sets a tag, over an earlier value if there is one. `mlflow.runName` renames the run.
    ///
    /// # Errors
    /// As for [`log_batch`](Self::log_batch).
    pub fn set_tag(&self, run: &RunId, tag: &str, value: &str) -> Result<()> {
        let tags = vec![(tag.to_owned(), value.to_owned())];
        self.log_batch(
            run,
            Batch {
                tags,
                ..Batch::default()
            },
        )
    }

    /// Takes a tag away.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`TrackingError::UnknownTag`], [`TrackingError::RunState`],
    /// [`Error::Busy`] or [`Error::Database`].
    pub fn delete_tag(&self, run: &RunId, tag: &str) -> Result<()> {
        let (run, tag) = (run.clone(), tag.to_owned());
        self.registry.track(DeleteTag { run, tag })
    }
}

/// The row of a logged model that is measured now, or that the log of a run says was measured.
fn logged_model(tx: &Transaction<'_>, model: &LoggedModelId, mode: Mode) -> Result<i64> {
    match mode {
        Mode::Decide => logged_model::active_row(tx, model),
        Mode::Replay => logged_model::row_of(tx, model),
    }
}

fn write_model_metric(
    tx: &Transaction<'_>,
    run: i64,
    key: i64,
    metric: &Metric,
    model: i64,
) -> Result<()> {
    let (nan, value) = metric::columns(metric.point.value);
    let dataset = metric.dataset.as_ref();
    let writing = "write a metric of a logged model";
    tx.prepare_cached(
        "INSERT INTO logged_model_metric
            (model_id, key_id, time_us, step, run_id, is_nan, value, dataset_name, dataset_digest)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
    )
    .during(writing)?
    .execute(params![
        model,
        key,
        metric.point.time.micros(),
        metric.point.step,
        run,
        nan,
        value,
        dataset.map_or("", |dataset| &dataset.name),
        dataset.map_or("", |dataset| &dataset.digest),
    ])
    .during(writing)?;
    Ok(())
}
