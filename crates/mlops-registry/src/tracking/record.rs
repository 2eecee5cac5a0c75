//! What was written of a run, as a client sees it: its data, its inputs and its outputs.

use std::collections::BTreeMap;

use mlops_core::EventTime;
use rusqlite::{Transaction, params};
use serde::Serialize;

use super::{DatasetInput, ModelOutput, dataset, location_of, texts};
use crate::{
    ExperimentId, Lifecycle, LoggedModelId, MetricPoint, Result, RunId, RunStatus,
    error::{During, stored},
    metric,
};

/// A run, as it stood when it was read: everything but the histories of its metrics.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunRecord {
    /// Its identity.
    pub id: RunId,
    /// The experiment that it belongs to.
    pub experiment: ExperimentId,
    /// Its name.
    pub name: String,
    /// Who it is for.
    pub user: String,
    /// How it stands.
    pub status: RunStatus,
    /// Whether it is there or was deleted.
    pub lifecycle: Lifecycle,
    /// When it started.
    pub started: EventTime,
    /// When it ended, if it did.
    pub ended: Option<EventTime>,
    /// Where clients are told to keep its artifacts.
    pub artifact_uri: String,
    /// What its tag `mlflow.parentRunId` says.
    pub parent: Option<String>,
    /// The latest point of each metric: the greatest step, then time, then value.
    pub metrics: BTreeMap<String, MetricPoint>,
    /// The params.
    pub params: BTreeMap<String, String>,
    /// The tags.
    pub tags: BTreeMap<String, String>,
    /// The datasets that it read.
    pub datasets: Vec<DatasetInput>,
    /// The logged models that it read.
    pub model_inputs: Vec<LoggedModelId>,
    /// The logged models that it made.
    pub outputs: Vec<ModelOutput>,
}

/// Reads one run by its row.
pub(crate) fn read(tx: &Transaction<'_>, row: i64) -> Result<RunRecord> {
    let reading = "read a run";
    let mut record = tx
        .prepare_cached(
            "SELECT uid, experiment_id, run.name, user, status, run.deleted_us, started_us, ended_us,
                parent, artifact_location
             FROM run JOIN experiment ON experiment.id = experiment_id WHERE run.id = ?1",
        )
        .during(reading)?
        .query_row(params![row], |row| {
            let experiment = ExperimentId::of_row(row.get(1)?);
            let id: String = row.get(0)?;
            let location = location_of(experiment, row.get(9)?);
            let artifact_uri = format!("{}/{id}/artifacts", location.trim_end_matches('/'));
            let status: String = row.get(4)?;
            Ok(id.parse::<RunId>().and_then(|id| {
                Ok(RunRecord {
                    id,
                    experiment,
                    name: row.get(2).during(reading)?,
                    user: row.get(3).during(reading)?,
                    status: RunStatus::read(&status)?,
                    lifecycle: Lifecycle::of(row.get(5).during(reading)?),
                    started: EventTime::from_micros(row.get(6).during(reading)?),
                    ended: row
                        .get::<_, Option<i64>>(7)
                        .during(reading)?
                        .map(EventTime::from_micros),
                    artifact_uri,
                    parent: row.get(8).during(reading)?,
                    metrics: BTreeMap::new(),
                    params: BTreeMap::new(),
                    tags: BTreeMap::new(),
                    datasets: Vec::new(),
                    model_inputs: Vec::new(),
                    outputs: Vec::new(),
                })
            }))
        })
        .during(reading)??;
    record.metrics = metric::latest(tx, row)?;
    record.params = texts(tx, "SELECT key, value FROM param WHERE run_id = ?1", row)?;
    record.tags = texts(tx, "SELECT key, value FROM tag WHERE run_id = ?1", row)?;
    record.datasets = dataset::inputs(tx, row)?;
    record.model_inputs = tx
        .prepare_cached("SELECT model FROM run_model_input WHERE run_id = ?1")
        .during(reading)?
        .query_map([row], |row| row.get::<_, String>(0))
        .during(reading)?
        .map(|id| stored("logged model", id.during(reading)?.parse()))
        .collect::<Result<_>>()?;
    record.outputs = tx
        .prepare_cached("SELECT model, step FROM run_output WHERE run_id = ?1 ORDER BY step, model")
        .during(reading)?
        .query_map([row], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))
        .during(reading)?
        .map(|output| {
            let (model, step) = output.during(reading)?;
            Ok(ModelOutput {
                model: stored("logged model", model.parse())?,
                step,
            })
        })
        .collect::<Result<_>>()?;
    Ok(record)
}

/// Reads runs by their rows, in that order.
pub(crate) fn read_all(tx: &Transaction<'_>, rows: &[i64]) -> Result<Vec<RunRecord>> {
    rows.iter().map(|row| read(tx, *row)).collect()
}
