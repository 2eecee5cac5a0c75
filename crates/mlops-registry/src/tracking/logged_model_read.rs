//! Reading logged models back.

use mlops_core::EventTime;
use rusqlite::Transaction;

use super::{LoggedModel, LoggedModelStatus, ModelMetric, location_of, texts};
use crate::{
    Error, ExperimentId, MetricPoint, Result, RunId,
    error::{During, cut, stored},
};

/// Reads one logged model by its row.
pub(super) fn read(tx: &Transaction<'_>, row: i64) -> Result<LoggedModel> {
    let reading = "read a logged model";
    let (id, experiment, name, model_type, status, source_run, created, updated, location) = tx
        .prepare_cached(
            "SELECT uid, experiment_id, logged_model.name, model_type, status, source_run,
                logged_model.created_us, logged_model.updated_us, artifact_location
             FROM logged_model JOIN experiment ON experiment.id = experiment_id
             WHERE logged_model.id = ?1",
        )
        .during(reading)?
        .query_row([row], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, i64>(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get::<_, String>(4)?,
                row.get::<_, Option<String>>(5)?,
                row.get::<_, i64>(6)?,
                row.get::<_, i64>(7)?,
                row.get(8)?,
            ))
        })
        .during(reading)?;
    let experiment = ExperimentId::of_row(experiment);
    let location = location_of(experiment, location);
    Ok(LoggedModel {
        artifact_uri: format!("{}/models/{id}/artifacts", location.trim_end_matches('/')),
        id: stored("logged model", id.parse())?,
        experiment,
        name,
        model_type,
        status: LoggedModelStatus::ALL
            .into_iter()
            .find(|known| known.as_str() == status)
            .ok_or_else(|| Error::Stored {
                what: "status of a logged model",
                reason: format!("`{}` is none", cut(&status)),
            })?,
        source_run: source_run
            .map(|run| stored("run", run.parse::<RunId>()))
            .transpose()?,
        created: EventTime::from_micros(created),
        updated: EventTime::from_micros(updated),
        params: texts(
            tx,
            "SELECT key, value FROM logged_model_param WHERE model_id = ?1",
            row,
        )?,
        tags: texts(
            tx,
            "SELECT key, value FROM logged_model_tag WHERE model_id = ?1",
            row,
        )?,
        metrics: metrics(tx, row)?,
    })
}

/// Reads logged models by their rows, in that order.
pub(crate) fn read_all(tx: &Transaction<'_>, rows: &[i64]) -> Result<Vec<LoggedModel>> {
    rows.iter().map(|row| read(tx, *row)).collect()
}

fn metrics(tx: &Transaction<'_>, row: i64) -> Result<Vec<ModelMetric>> {
    let reading = "read the metrics of a logged model";
    tx.prepare_cached(
        "SELECT metric_key.key, step, time_us, is_nan, value, run.uid, dataset_name, dataset_digest
         FROM logged_model_metric m
            JOIN metric_key ON metric_key.id = m.key_id
            JOIN run ON run.id = m.run_id
         WHERE model_id = ?1 ORDER BY metric_key.key, time_us, step, run.uid",
    )
    .during(reading)?
    .query_map([row], |row| {
        Ok((
            row.get(0)?,
            MetricPoint::read(row, 1)?,
            row.get::<_, String>(5)?,
            row.get(6)?,
            row.get(7)?,
        ))
    })
    .during(reading)?
    .map(|metric| {
        let (key, point, run, dataset_name, dataset_digest) = metric.during(reading)?;
        Ok(ModelMetric {
            key,
            point,
            run: stored("run", run.parse())?,
            dataset_name,
            dataset_digest,
        })
    })
    .collect()
}
