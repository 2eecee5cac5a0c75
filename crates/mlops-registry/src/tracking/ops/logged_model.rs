//! Writes of logged models.

use std::collections::BTreeMap;

use mlops_core::{DigestBuilder, Principal};
use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};

use super::{Mode, Op, Write};
use crate::{
    ExperimentId, Lifecycle, LoggedModel, LoggedModelId, LoggedModelStatus, Result, RunId,
    TrackingError,
    error::{During, cut},
    tracking::{
        experiment::check_state,
        log::LogName,
        logged_model::{active_row, find},
        logged_model_read::read,
        logged_model_write::{write_params, write_tags},
    },
};

const CHANGING: &str = "change a logged model";

/// Makes a logged model that is pending.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CreateModel {
    /// Its identity; one of its own if it is not known yet.
    pub(crate) id: Option<LoggedModelId>,
    pub(crate) experiment: ExperimentId,
    /// Its name; one made of the identity if there is none.
    pub(crate) name: Option<String>,
    pub(crate) model_type: Option<String>,
    pub(crate) source_run: Option<RunId>,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) actor: Principal,
    pub(crate) now: i64,
}

impl Op for CreateModel {
    type Answer = LoggedModel;

    fn log(&self) -> LogName {
        LogName::Experiments
    }

    fn apply(&self, tx: &Transaction<'_>, _mode: Mode) -> Result<LoggedModel> {
        check_state(tx, self.experiment, Lifecycle::Active)?;
        let creating = "create a logged model";
        let row: i64 = tx
            .prepare_cached("SELECT coalesce(max(id), 0) + 1 FROM logged_model")
            .during(creating)?
            .query_row([], |row| row.get(0))
            .during(creating)?;
        let id = self.id.clone().unwrap_or_else(|| {
            let digest = DigestBuilder::new()
                .part("logged model", &row.to_le_bytes())
                .part("time", &self.now.to_le_bytes())
                .part("actor", self.actor.as_str().as_bytes())
                .finish();
            LoggedModelId::from_digest(&digest)
        });
        if find(tx, &id)?.is_some() {
            return Err(TrackingError::LoggedModelExists { model: id }.into());
        }
        let name = self
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
                self.experiment.row(),
                name,
                self.model_type,
                self.source_run.as_ref().map(RunId::as_str),
                self.now,
                self.actor.as_str(),
            ],
        )
        .during(creating)?;
        write_params(tx, row, &id, &self.params)?;
        write_tags(tx, row, &self.tags)?;
        read(tx, row)
    }

    fn settled(&self, answer: &LoggedModel) -> Option<Write> {
        let id = Some(answer.id.clone());
        Some(Self { id, ..self.clone() }.into())
    }
}

/// Changes a logged model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ChangeModel {
    pub(crate) model: LoggedModelId,
    pub(crate) change: ModelChange,
    pub(crate) now: i64,
}

/// What becomes of a logged model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum ModelChange {
    Status(LoggedModelStatus),
    Delete,
    SetTags(BTreeMap<String, String>),
    DeleteTag(String),
    Params(BTreeMap<String, String>),
}

impl Op for ChangeModel {
    type Answer = LoggedModel;

    fn log(&self) -> LogName {
        LogName::Model(self.model.clone())
    }

    fn apply(&self, tx: &Transaction<'_>, _mode: Mode) -> Result<LoggedModel> {
        let row = active_row(tx, &self.model)?;
        match &self.change {
            ModelChange::Status(status) => {
                tx.execute(
                    "UPDATE logged_model SET status = ?2, updated_us = max(updated_us, ?3) WHERE id = ?1",
                    params![row, status.as_str(), self.now],
                )
                .during(CHANGING)?;
            }
            ModelChange::Delete => {
                tx.execute(
                    "UPDATE logged_model SET deleted_us = ?2, updated_us = max(updated_us, ?2) WHERE id = ?1",
                    params![row, self.now],
                )
                .during("delete a logged model")?;
            }
            ModelChange::SetTags(tags) => write_tags(tx, row, tags)?,
            ModelChange::DeleteTag(tag) => {
                let gone = tx
                    .execute(
                        "DELETE FROM logged_model_tag WHERE model_id = ?1 AND key = ?2",
                        params![row, tag],
                    )
                    .during("delete a tag")?;
                if gone == 0 {
                    return Err(TrackingError::UnknownTag {
                        owner: format!("logged model `{}`", self.model),
                        tag: cut(tag),
                    }
                    .into());
                }
            }
            ModelChange::Params(params) => write_params(tx, row, &self.model, params)?,
        }
        read(tx, row)
    }
}
