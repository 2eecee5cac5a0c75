//! What a run read and made: datasets with the part that each played, and logged models.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::{
    Tracking,
    experiment::check_count,
    ops::{LogInputs, LogOutputs},
};
use crate::{
    Error, LoggedModelId, Result, RunId, TrackingError, error::During, key::check_length, limits,
};

/// A dataset: what it is called, what is in it, where it came from. Name and digest name it inside an
/// experiment; the first one that was logged under them stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    /// Its name.
    pub name: String,
    /// Its digest, as the client computed it.
    pub digest: String,
    /// What sort of source it has, for instance `local`.
    pub source_type: String,
    /// Where it came from, as its source type writes it.
    pub source: String,
    /// Its columns, as JSON.
    pub schema: Option<String>,
    /// Its size and statistics, as JSON.
    pub profile: Option<String>,
}

/// A dataset that a run read, and as what: the tag `mlflow.data.context` says `training` and the like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetInput {
    /// The dataset.
    pub dataset: Dataset,
    /// The tags of this input.
    pub tags: BTreeMap<String, String>,
}

/// A logged model that a run made, and at which step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelOutput {
    /// The model.
    pub model: LoggedModelId,
    /// The step.
    pub step: i64,
}

impl DatasetInput {
    pub(crate) fn check(&self) -> Result<(), Error> {
        let Dataset {
            name,
            digest,
            source_type,
            source,
            schema,
            profile,
        } = &self.dataset;
        for (what, text) in [
            ("the name of the dataset", name),
            ("the digest of the dataset", digest),
            ("the source type of the dataset", source_type),
            ("the source of the dataset", source),
        ] {
            if text.is_empty() {
                return Err(TrackingError::InvalidValue {
                    what: what.into(),
                    reason: "it is empty",
                }
                .into());
            }
        }
        let empty = String::new();
        for (what, text, limit) in [
            ("the name of the dataset", name, limits::DATASET_NAME),
            ("the digest of the dataset", digest, limits::DATASET_DIGEST),
            (
                "the source type of the dataset",
                source_type,
                limits::DATASET_DIGEST,
            ),
            ("the source of the dataset", source, limits::DATASET_SOURCE),
            (
                "the schema of the dataset",
                schema.as_ref().unwrap_or(&empty),
                limits::DATASET_SCHEMA,
            ),
            (
                "the profile of the dataset",
                profile.as_ref().unwrap_or(&empty),
                limits::DATASET_PROFILE,
            ),
        ] {
            check_length(what, text, limit)?;
        }
        for (key, value) in &self.tags {
            check_length("the key of the input tag", key, limits::INPUT_TAG_KEY)?;
            check_length(format!("input tag `{key}`"), value, limits::INPUT_TAG_VALUE)?;
        }
        Ok(())
    }
}

impl Tracking {
    /// Notes which datasets and logged models a run reads. An input that is there already keeps its tags.
    ///
    /// # Errors
    /// [`TrackingError::TooMany`], [`TrackingError::InvalidValue`], [`Error::TooLong`],
    /// [`Error::UnknownRun`], [`TrackingError::RunState`], [`Error::Busy`] or [`Error::Database`].
    pub fn log_inputs(
        &self,
        run: &RunId,
        datasets: Vec<DatasetInput>,
        models: Vec<LoggedModelId>,
    ) -> Result<()> {
        check_count("datasets", datasets.len(), limits::DATASETS)?;
        check_count("models", models.len(), limits::DATASETS)?;
        datasets.iter().try_for_each(DatasetInput::check)?;
        self.registry.track(LogInputs {
            run: run.clone(),
            datasets,
            models,
        })
    }

    /// Notes which logged models a run made. The same output again is no news.
    ///
    /// # Errors
    /// [`TrackingError::TooMany`], [`Error::UnknownRun`], [`TrackingError::RunState`],
    /// [`Error::Busy`] or [`Error::Database`].
    pub fn log_outputs(&self, run: &RunId, outputs: Vec<ModelOutput>) -> Result<()> {
        check_count("outputs", outputs.len(), limits::DATASETS)?;
        let run = run.clone();
        self.registry.track(LogOutputs { run, outputs })
    }
}

pub(crate) fn write_input(tx: &Transaction<'_>, run: i64, input: &DatasetInput) -> Result<()> {
    let writing = "write the inputs of a run";
    let Dataset {
        name,
        digest,
        source_type,
        source,
        schema,
        profile,
    } = &input.dataset;
    tx.prepare_cached(
        "INSERT INTO dataset (experiment_id, name, digest, source_type, source, schema, profile)
         SELECT experiment_id, ?2, ?3, ?4, ?5, ?6, ?7 FROM run WHERE id = ?1
         ON CONFLICT DO NOTHING",
    )
    .during(writing)?
    .execute(params![
        run,
        name,
        digest,
        source_type,
        source,
        schema,
        profile
    ])
    .during(writing)?;
    let dataset: i64 = tx
        .prepare_cached(
            "SELECT dataset.id FROM dataset JOIN run ON run.experiment_id = dataset.experiment_id
             WHERE run.id = ?1 AND dataset.name = ?2 AND digest = ?3",
        )
        .during(writing)?
        .query_row(params![run, name, digest], |row| row.get(0))
        .during(writing)?;
    let new = tx
        .prepare_cached(
            "INSERT INTO run_input (run_id, dataset_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        )
        .during(writing)?
        .execute(params![run, dataset])
        .during(writing)?;
    if new == 0 {
        return Ok(());
    }
    for (key, value) in &input.tags {
        tx.prepare_cached(
            "INSERT INTO run_input_tag (run_id, dataset_id, key, value) VALUES (?1, ?2, ?3, ?4)",
        )
        .during(writing)?
        .execute(params![run, dataset, key, value])
        .during(writing)?;
    }
    Ok(())
}

/// The datasets that a run read, in the order in which they were first logged.
pub(super) fn inputs(tx: &Transaction<'_>, run: i64) -> Result<Vec<DatasetInput>> {
    let reading = "read the inputs of a run";
    // most runs of most users have none
    let first: Option<i64> = tx
        .prepare_cached("SELECT dataset_id FROM run_input WHERE run_id = ?1 LIMIT 1")
        .during(reading)?
        .query_row([run], |row| row.get(0))
        .optional()
        .during(reading)?;
    if first.is_none() {
        return Ok(Vec::new());
    }
    let datasets: Vec<(i64, Dataset)> = tx
        .prepare_cached(
            "SELECT dataset.id, name, digest, source_type, source, schema, profile
             FROM run_input JOIN dataset ON dataset.id = dataset_id
             WHERE run_id = ?1 ORDER BY dataset.id",
        )
        .during(reading)?
        .query_map([run], |row| {
            Ok((
                row.get(0)?,
                Dataset {
                    name: row.get(1)?,
                    digest: row.get(2)?,
                    source_type: row.get(3)?,
                    source: row.get(4)?,
                    schema: row.get(5)?,
                    profile: row.get(6)?,
                },
            ))
        })
        .during(reading)?
        .collect::<rusqlite::Result<_>>()
        .during(reading)?;
    datasets
        .into_iter()
        .map(|(id, dataset)| {
            let tags = tx
                .prepare_cached(
                    "SELECT key, value FROM run_input_tag WHERE run_id = ?1 AND dataset_id = ?2",
                )
                .during(reading)?
                .query_map([run, id], |row| Ok((row.get(0)?, row.get(1)?)))
                .during(reading)?
                .collect::<rusqlite::Result<_>>()
                .during(reading)?;
            Ok(DatasetInput { dataset, tags })
        })
        .collect()
}
