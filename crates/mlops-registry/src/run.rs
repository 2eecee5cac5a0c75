//! Runs: what was tried, with which params, and how it went.
//!
//! A [`Run`] writes; a [`RunInfo`] is what was written. Each call is all or nothing, and what it
//! acknowledged survives a killed process; calls of several threads share a transaction. A run whose handle is dropped without
//! [`finish`](Run::finish) stays `running`, which is what a crash leaves behind;
//! [`Registry::end_run`] closes it.

use std::{collections::BTreeMap, fmt};

use mlops_core::Digest;

use crate::{
    Error, ExperimentName, MetricPoint, Registry, Result, RunId, RunInfo, RunStatus,
    key::{check_artifact, check_key, check_length, size_of},
    limits,
    tracking::ops::{LogByHandle, Logged},
};

/// A run that goes on.
#[derive(Debug)]
pub struct Run {
    registry: Registry,
    id: RunId,
    experiment: ExperimentName,
    name: String,
}

impl Run {
    pub(crate) fn new(
        registry: Registry,
        id: RunId,
        experiment: ExperimentName,
        name: String,
    ) -> Self {
        Self {
            registry,
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
        self.write(Logged::Params(params.clone()))
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
        let point = |value: &f64| MetricPoint {
            step,
            time,
            value: *value,
        };
        let points = metrics
            .iter()
            .map(|(metric, value)| (metric.clone(), vec![point(value)]));
        self.write(Logged::Points(points.collect()))
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
        let points = vec![(metric.to_owned(), points.to_vec())];
        self.write(Logged::Points(points))
    }

    /// Sets a tag, over an earlier value if there is one.
    ///
    /// # Errors
    /// [`Error::InvalidKey`], [`Error::TooLong`], [`Error::RunEnded`], [`Error::Busy`] or
    /// [`Error::Database`].
    pub fn set_tag(&self, tag: &str, value: &str) -> Result<()> {
        check_key("tag", tag)?;
        check_length(format!("tag `{tag}`"), value, limits::TAG_VALUE)?;
        self.write(Logged::Tag(tag.to_owned(), value.to_owned()))
    }

    /// Keeps bytes under a name, once: the same bytes again are no news, others are a conflict.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] for the name, [`Error::NotKept`] if the store fails,
    /// [`Error::ArtifactConflict`], [`Error::RunEnded`], [`Error::Busy`] or [`Error::Database`].
    pub fn log_artifact(&self, artifact: &str, bytes: &[u8]) -> Result<Digest> {
        check_artifact(artifact)?;
        let digest = self.registry.keep(artifact, bytes)?;
        self.write(Logged::Artifact {
            path: artifact.to_owned(),
            digest,
            size: size_of(bytes),
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

    fn write(&self, what: Logged) -> Result<(), Error> {
        let run = self.id.clone();
        self.registry.track(LogByHandle { run, what })
    }
}
