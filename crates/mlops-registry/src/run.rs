//! Runs: what was tried, with which params, and how it went.
//!
//! A [`Run`] writes; a [`RunInfo`] is what was written. Each call is all or nothing, and what it
//! acknowledged survives a killed process; calls of several threads share a transaction. A run whose handle is dropped without
//! [`finish`](Run::finish) stays `running`, which is what a crash leaves behind;
//! [`Registry::end_run`] closes it.

use std::{collections::BTreeMap, fmt};

use mlops_core::Digest;
use rusqlite::{OptionalExtension, Transaction, params};

use crate::{
    Error, ExperimentName, MetricPoint, Registry, Result, RunId, RunInfo, RunStatus,
    error::{During, stored},
    key::{check_artifact, check_key, check_length, size_of},
    limits, metric,
    run_info::still_running,
    tracking::{write_param, write_tag},
};

/// A run that goes on.
#[derive(Debug)]
pub struct Run {
    registry: Registry,
    row: i64,
    id: RunId,
    experiment: ExperimentName,
    name: String,
}

impl Run {
    pub(crate) fn new(
        registry: Registry,
        row: i64,
        id: RunId,
        experiment: ExperimentName,
        name: String,
    ) -> Self {
        Self {
            registry,
            row,
            id,
            experiment,
            name,
        }
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Its identity.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// The experiment that it belongs to.
    pub fn experiment(&self) -> &ExperimentName {
        &self.experiment
    }

    /// Its name, for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes a param once: the same value again is no news, another value is a conflict.
    ///
    /// # Errors
    /// [`Error::InvalidKey`], [`Error::TooLong`], [`Error::ParamConflict`], [`Error::RunEnded`],
    /// [`Error::Busy`] or [`Error::Database`].
    pub fn log_param(&self, param: &str, value: impl fmt::Display) -> Result<()> {
        self.log_params(&BTreeMap::from([(param.to_owned(), value.to_string())]))
    }

    /// Writes several params, all or none.
    ///
    /// # Errors
    /// As for [`log_param`](Self::log_param).
    pub fn log_params(&self, params: &BTreeMap<String, String>) -> Result<()> {
        for (param, value) in params {
            check_key("param", param)?;
            check_length(format!("param `{param}`"), value, limits::PARAM_VALUE)?;
        }
        let (params, row, id) = (params.clone(), self.row, self.id.clone());
        self.write(move |tx| {
            params
                .iter()
                .try_for_each(|(param, value)| write_param(tx, row, &id, param, value))
        })
    }

    /// Adds a point to a metric's history, stamped with the registry's clock. Steps need not grow.
    ///
    /// # Errors
    /// [`Error::InvalidKey`], [`Error::RunEnded`], [`Error::Busy`] or [`Error::Database`].
    pub fn log_metric(&self, metric: &str, value: f64, step: i64) -> Result<()> {
        let time = self.registry.now();
        self.log_points(metric, &[MetricPoint { step, time, value }])
    }

    /// Adds one point to each of several metrics, all or none.
    ///
    /// # Errors
    /// As for [`log_metric`](Self::log_metric).
    pub fn log_metrics(&self, metrics: &BTreeMap<String, f64>, step: i64) -> Result<()> {
        for metric in metrics.keys() {
            check_key("metric", metric)?;
        }
        let time = self.registry.now();
        let (metrics, row) = (metrics.clone(), self.row);
        self.write(move |tx| {
            let points = metrics
                .iter()
                .map(|(metric, value)| {
                    let point = MetricPoint {
                        step,
                        time,
                        value: *value,
                    };
                    Ok((metric::intern(tx, metric)?, point))
                })
                .collect::<Result<_>>()?;
            metric::insert_keyed(tx, row, points)
        })
    }

    /// Adds a whole history, the first value at step 0.
    ///
    /// # Errors
    /// As for [`log_metric`](Self::log_metric).
    pub fn log_history(&self, metric: &str, values: &[f64]) -> Result<()> {
        let time = self.registry.now();
        let points: Vec<_> = (0..)
            .zip(values)
            .map(|(step, value)| MetricPoint {
                step,
                time,
                value: *value,
            })
            .collect();
        self.log_points(metric, &points)
    }

    /// Adds points as they are, all or none. A point that is there already is no news.
    ///
    /// # Errors
    /// As for [`log_metric`](Self::log_metric).
    pub fn log_points(&self, metric: &str, points: &[MetricPoint]) -> Result<()> {
        check_key("metric", metric)?;
        if points.is_empty() {
            return Ok(());
        }
        let (metric, points, row) = (metric.to_owned(), points.to_vec(), self.row);
        self.write(move |tx| metric::insert(tx, row, &metric, &points))
    }

    /// Sets a tag, over an earlier value if there is one.
    ///
    /// # Errors
    /// [`Error::InvalidKey`], [`Error::TooLong`], [`Error::RunEnded`], [`Error::Busy`] or
    /// [`Error::Database`].
    pub fn set_tag(&self, tag: &str, value: &str) -> Result<()> {
        check_key("tag", tag)?;
        check_length(format!("tag `{tag}`"), value, limits::TAG_VALUE)?;
        let (tag, value, row) = (tag.to_owned(), value.to_owned(), self.row);
        self.write(move |tx| write_tag(tx, row, &tag, &value))
    }

    /// Keeps bytes under a name, once: the same bytes again are no news, others are a conflict.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] for the name, [`Error::NotKept`] if the store fails,
    /// [`Error::ArtifactConflict`], [`Error::RunEnded`], [`Error::Busy`] or [`Error::Database`].
    pub fn log_artifact(&self, artifact: &str, bytes: &[u8]) -> Result<Digest> {
        check_artifact(artifact)?;
        let digest = self.registry.keep(artifact, bytes)?;
        let writing = "write an artifact";
        let size = size_of(bytes);
        let (artifact, row, id) = (artifact.to_owned(), self.row, self.id.clone());
        self.write(move |tx| {
            let found: Option<String> = tx
                .prepare_cached("SELECT digest FROM run_artifact WHERE run_id = ?1 AND path = ?2")
                .during(writing)?
                .query_row(params![row, artifact], |row| row.get(0))
                .optional()
                .during(writing)?;
            let found = found
                .map(|text| stored("digest", text.parse::<Digest>()))
                .transpose()?;
            match found {
                Some(found) if found == digest => Ok(()),
                Some(found) => Err(Error::ArtifactConflict {
                    run: id.clone(),
                    artifact: artifact.clone(),
                    stored: found,
                    given: digest,
                }),
                None => {
                    tx.prepare_cached(
                        "INSERT INTO run_artifact (run_id, path, digest, size) VALUES (?1, ?2, ?3, ?4)",
                    )
                    .during(writing)?
                    .execute(params![row, artifact, digest.to_string(), size])
                    .during(writing)?;
                    Ok(())
                }
            }
        })?;
        Ok(digest)
    }

    /// Ends the run and returns what it wrote.
    ///
    /// # Errors
    /// [`Error::InvalidStatus`] for a status that is open, [`Error::RunEnded`] if somebody else
    /// ended it, [`Error::Busy`] or [`Error::Database`].
    pub fn finish(self, status: RunStatus) -> Result<RunInfo> {
        self.registry.end_run(&self.id, status)
    }

    fn write(
        &self,
        work: impl Fn(&Transaction<'_>) -> Result<()> + Send + Sync + 'static,
    ) -> Result<()> {
        let (row, id) = (self.row, self.id.clone());
        self.registry.database().write_grouped(move |tx| {
            still_running(tx, row, &id)?;
            work(tx)
        })
    }
}
