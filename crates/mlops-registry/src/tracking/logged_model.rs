//! Logged models: what a run saved as a model, before anybody registers it.

use std::collections::BTreeMap;

use mlops_core::{DigestBuilder, EventTime};
use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::{
    DatasetName, Tracking,
    experiment::{check_count, check_state},
    logged_model_read::read,
    logged_model_write::check_tag,
    logged_model_write::{check_name, check_params, write_params, write_tags},
};
use crate::{
    Error, ExperimentId, Lifecycle, LoggedModelId, MetricPoint, Result, RunId, TrackingError,
    error::{During, cut},
    key::check_length,
    limits,
};

/// How a logged model stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoggedModelStatus {
    /// Its files are on the way.
    Pending,
    /// It is complete.
    Ready,
    /// Its upload failed.
    Failed,
}

impl LoggedModelStatus {
    pub(crate) const ALL: [Self; 3] = [Self::Pending, Self::Ready, Self::Failed];

    /// The status as the database and messages have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }
}

/// What a logged model is made of.
#[derive(Debug, Clone)]
pub struct NewLoggedModel {
    /// The experiment that it belongs to.
    pub experiment: ExperimentId,
    /// Its identity; a new one by default. An importer keeps the old one.
    pub id: Option<LoggedModelId>,
    /// Its name; one made of the identity by default.
    pub name: Option<String>,
    /// What sort of model it is, as the client says.
    pub model_type: Option<String>,
    /// The run that made it.
    pub source_run: Option<RunId>,
    /// Its params.
    pub params: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl NewLoggedModel {
    /// A model without params and tags.
    pub fn new(experiment: ExperimentId) -> Self {
        Self {
            experiment,
            id: None,
            name: None,
            model_type: None,
            source_run: None,
            params: BTreeMap::new(),
            tags: BTreeMap::new(),
        }
    }
}

/// A logged model, as it stood when it was read.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LoggedModel {
    /// Its identity.
    pub id: LoggedModelId,
    /// The experiment that it belongs to.
    pub experiment: ExperimentId,
    /// Its name.
    pub name: String,
    /// What sort of model it is.
    pub model_type: Option<String>,
    /// How it stands.
    pub status: LoggedModelStatus,
    /// The run that made it.
    pub source_run: Option<RunId>,
    /// Where clients are told to keep its artifacts.
    pub artifact_uri: String,
    /// When it was made.
    pub created: EventTime,
    /// When its status last changed.
    pub updated: EventTime,
    /// Its params.
    pub params: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// All points that were measured on it, by key, time and step.
    pub metrics: Vec<ModelMetric>,
}

/// A point that was measured on a logged model.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ModelMetric {
    /// The key.
    pub key: String,
    /// Step, time and value.
    pub point: MetricPoint,
    /// The run that measured.
    pub run: RunId,
    /// The name of the dataset; empty if it is not known.
    pub dataset_name: String,
    /// The digest of the dataset; empty if it is not known.
    pub dataset_digest: String,
}

impl ModelMetric {
    /// The dataset that it was measured on, if it is known.
    pub fn dataset(&self) -> Option<DatasetName> {
        (!self.dataset_name.is_empty()).then(|| DatasetName {
            name: self.dataset_name.clone(),
            digest: self.dataset_digest.clone(),
        })
    }
}

impl Tracking {
    /// Makes a logged model that is pending.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] for the name, a param or a tag, [`Error::TooLong`],
    /// [`TrackingError::TooMany`], [`TrackingError::UnknownExperimentId`],
    /// [`TrackingError::ExperimentState`], [`TrackingError::LoggedModelExists`], [`Error::Busy`] or
    /// [`Error::Database`].
    pub fn create_logged_model(&self, new: NewLoggedModel) -> Result<LoggedModel> {
        if let Some(name) = &new.name {
            check_name(name)?;
        }
        check_params(&new.params)?;
        check_count("tags", new.tags.len(), limits::CREATE_TAGS)?;
        for (tag, value) in &new.tags {
            check_tag(tag, value)?;
        }
        if let Some(model_type) = &new.model_type {
            check_length("the type of the model", model_type, limits::DATASET_NAME)?;
        }
        let registry = self.registry.clone();
        self.registry.database().write_grouped(move |tx| {
            check_state(tx, new.experiment, Lifecycle::Active)?;
            let creating = "create a logged model";
            let row: i64 = tx
                .prepare_cached("SELECT coalesce(max(id), 0) + 1 FROM logged_model")
                .during(creating)?
                .query_row([], |row| row.get(0))
                .during(creating)?;
            let now = registry.now().micros();
            let id = new.id.clone().unwrap_or_else(|| {
                let digest = DigestBuilder::new()
                    .part("logged model", &row.to_le_bytes())
                    .part("time", &now.to_le_bytes())
                    .part("actor", registry.actor().as_str().as_bytes())
                    .finish();
                LoggedModelId::from_digest(&digest)
            });
            if find(tx, &id)?.is_some() {
                return Err(TrackingError::LoggedModelExists { model: id }.into());
            }
            let name = new
                .name
                .clone()
                .unwrap_or_else(|| format!("model-{}", &id.as_str()[2..10]));
            tx.execute(
                "INSERT INTO logged_model (id, uid, experiment_id, name, model_type, status,
                    source_run, created_us, created_by, updated_us)
                 VALUES (?1, ?2, ?3, ?4, ?5, 'pending', ?6, ?7, ?8, ?7)",
                params![
                    row,
                    id.as_str(),
                    new.experiment.row(),
                    name,
                    new.model_type,
                    new.source_run.as_ref().map(RunId::as_str),
                    now,
                    registry.actor().as_str(),
                ],
            )
            .during(creating)?;
            write_params(tx, row, &id, &new.params)?;
            write_tags(tx, row, &new.tags)?;
            read(tx, row)
        })
    }

    /// The logged model of that identity.
    ///
    /// # Errors
    /// [`TrackingError::UnknownLoggedModel`], also if it is deleted; [`Error::Busy`] or
    /// [`Error::Database`].
    pub fn logged_model(&self, id: &LoggedModelId) -> Result<LoggedModel> {
        self.registry
            .database()
            .read(|tx| read(tx, active_row(tx, id)?))
    }

    /// Says how a logged model stands.
    ///
    /// # Errors
    /// As for [`logged_model`](Self::logged_model).
    pub fn finalize_logged_model(
        &self,
        id: &LoggedModelId,
        status: LoggedModelStatus,
    ) -> Result<LoggedModel> {
        let registry = self.registry.clone();
        self.change_model(id, move |tx, row| {
            tx.execute(
                "UPDATE logged_model SET status = ?2, updated_us = max(updated_us, ?3) WHERE id = ?1",
                params![row, status.as_str(), registry.now().micros()],
            )
            .during("change a logged model")
            .map(drop)
        })
    }

    /// Deletes a logged model; it is kept, hidden.
    ///
    /// # Errors
    /// As for [`logged_model`](Self::logged_model).
    pub fn delete_logged_model(&self, id: &LoggedModelId) -> Result<()> {
        let registry = self.registry.clone();
        self.change_model(id, move |tx, row| {
            let now = registry.now().micros();
            tx.execute(
                "UPDATE logged_model SET deleted_us = ?2, updated_us = max(updated_us, ?2) WHERE id = ?1",
                params![row, now],
            )
            .during("delete a logged model")
            .map(drop)
        })
        .map(drop)
    }

    /// Sets tags, over earlier values if there are any.
    ///
    /// # Errors
    /// [`Error::InvalidKey`], [`Error::TooLong`] and as for [`logged_model`](Self::logged_model).
    pub fn set_logged_model_tags(
        &self,
        id: &LoggedModelId,
        tags: BTreeMap<String, String>,
    ) -> Result<LoggedModel> {
        check_count("tags", tags.len(), limits::CREATE_TAGS)?;
        for (tag, value) in &tags {
            check_tag(tag, value)?;
        }
        self.change_model(id, move |tx, row| write_tags(tx, row, &tags))
    }

    /// Takes a tag away.
    ///
    /// # Errors
    /// [`TrackingError::UnknownTag`] and as for [`logged_model`](Self::logged_model).
    pub fn delete_logged_model_tag(&self, id: &LoggedModelId, tag: &str) -> Result<()> {
        let (owner, tag) = (format!("logged model `{id}`"), tag.to_owned());
        self.change_model(id, move |tx, row| {
            let gone = tx
                .execute(
                    "DELETE FROM logged_model_tag WHERE model_id = ?1 AND key = ?2",
                    params![row, tag],
                )
                .during("delete a tag")?;
            if gone == 0 {
                return Err(TrackingError::UnknownTag {
                    owner: owner.clone(),
                    tag: cut(&tag),
                }
                .into());
            }
            Ok(())
        })
        .map(drop)
    }

    /// Writes params, each once: the same value again is no news, another value is a conflict.
    ///
    /// # Errors
    /// [`TrackingError::LoggedModelParam`], [`Error::InvalidKey`], [`Error::TooLong`] and as for
    /// [`logged_model`](Self::logged_model).
    pub fn log_logged_model_params(
        &self,
        id: &LoggedModelId,
        params: BTreeMap<String, String>,
    ) -> Result<()> {
        check_params(&params)?;
        let model = id.clone();
        self.change_model(id, move |tx, row| write_params(tx, row, &model, &params))
            .map(drop)
    }

    fn change_model(
        &self,
        id: &LoggedModelId,
        work: impl Fn(&Transaction<'_>, i64) -> Result<()> + Send + Sync + 'static,
    ) -> Result<LoggedModel, Error> {
        let id = id.clone();
        self.registry.database().write_grouped(move |tx| {
            let row = active_row(tx, &id)?;
            work(tx, row)?;
            read(tx, row)
        })
    }
}

/// The row of a logged model that is there.
pub(super) fn active_row(tx: &Transaction<'_>, id: &LoggedModelId) -> Result<i64> {
    match find(tx, id)? {
        Some((row, false)) => Ok(row),
        _ => Err(TrackingError::UnknownLoggedModel { model: id.clone() }.into()),
    }
}

/// The row of a logged model, deleted or not.
pub(super) fn row_of(tx: &Transaction<'_>, id: &LoggedModelId) -> Result<i64> {
    match find(tx, id)? {
        Some((row, _)) => Ok(row),
        None => Err(TrackingError::UnknownLoggedModel { model: id.clone() }.into()),
    }
}

fn find(tx: &Transaction<'_>, id: &LoggedModelId) -> Result<Option<(i64, bool)>> {
    let looking = "look up a logged model";
    tx.prepare_cached("SELECT id, deleted_us IS NOT NULL FROM logged_model WHERE uid = ?1")
        .during(looking)?
        .query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .during(looking)
}
