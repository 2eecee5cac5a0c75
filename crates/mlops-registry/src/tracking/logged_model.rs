//! Logged models: what a run saved as a model, before anybody registers it.

use std::collections::BTreeMap;

use mlops_core::EventTime;
use rusqlite::{OptionalExtension, Transaction};
use serde::{Deserialize, Serialize};

use super::{
    DatasetName, Tracking,
    experiment::check_count,
    log::Reach,
    logged_model_read::read,
    logged_model_write::{check_name, check_params, check_tag},
    ops::{ChangeModel, CreateModel, ModelChange},
};
use crate::{
    Error, ExperimentId, LoggedModelId, MetricPoint, Result, RunId, TrackingError, error::During,
    key::check_length, limits,
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
        self.registry.track(CreateModel {
            id: new.id,
            experiment: new.experiment,
            name: new.name,
            model_type: new.model_type,
            source_run: new.source_run,
            params: new.params,
            tags: new.tags,
            actor: self.registry.actor().clone(),
            now: self.registry.now().micros(),
        })
    }

    /// The logged model of that identity.
    ///
    /// # Errors
    /// [`TrackingError::UnknownLoggedModel`], also if it is deleted; [`Error::Busy`] or
    /// [`Error::Database`].
    pub fn logged_model(&self, id: &LoggedModelId) -> Result<LoggedModel> {
        self.registry
            .look(Reach::Model(id), |tx| read(tx, active_row(tx, id)?))
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
        self.change_model(id, ModelChange::Status(status))
    }

    /// Deletes a logged model; it is kept, hidden.
    ///
    /// # Errors
    /// As for [`logged_model`](Self::logged_model).
    pub fn delete_logged_model(&self, id: &LoggedModelId) -> Result<()> {
        self.change_model(id, ModelChange::Delete).map(drop)
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
        self.change_model(id, ModelChange::SetTags(tags))
    }

    /// Takes a tag away.
    ///
    /// # Errors
    /// [`TrackingError::UnknownTag`] and as for [`logged_model`](Self::logged_model).
    pub fn delete_logged_model_tag(&self, id: &LoggedModelId, tag: &str) -> Result<()> {
        self.change_model(id, ModelChange::DeleteTag(tag.to_owned()))
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
        self.change_model(id, ModelChange::Params(params)).map(drop)
    }

    fn change_model(&self, id: &LoggedModelId, change: ModelChange) -> Result<LoggedModel, Error> {
        self.registry.track(ChangeModel {
            model: id.clone(),
            change,
            now: self.registry.now().micros(),
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

pub(super) fn find(tx: &Transaction<'_>, id: &LoggedModelId) -> Result<Option<(i64, bool)>> {
    let looking = "look up a logged model";
    tx.prepare_cached("SELECT id, deleted_us IS NOT NULL FROM logged_model WHERE uid = ?1")
        .during(looking)?
        .query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .during(looking)
}
