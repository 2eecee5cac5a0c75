//! Writes of experiments.

use std::collections::BTreeMap;

use mlops_core::Principal;
use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};

use super::{Mode, Op, Write};
use crate::{
    Error, ExperimentId, ExperimentName, ExperimentRecord, Lifecycle, Result, TrackingError,
    error::{During, cut},
    tracking::{
        experiment::{check_state, find, free_name, read, write_tag},
        log::LogName,
    },
};

const CHANGING: &str = "change an experiment";

/// Makes an experiment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CreateExperiment {
    /// Its number; the next one if it is not known yet.
    pub(crate) id: Option<ExperimentId>,
    pub(crate) name: ExperimentName,
    pub(crate) location: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) actor: Principal,
    pub(crate) now: i64,
}

impl CreateExperiment {
    fn insert(&self, tx: &Transaction<'_>) -> Result<ExperimentId> {
        tx.execute(
            "INSERT INTO experiment (id, name, created_us, created_by, artifact_location, updated_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?3)",
            params![
                self.id.map(ExperimentId::row),
                self.name.as_str(),
                self.now,
                self.actor.as_str(),
                self.location
            ],
        )
        .during("create an experiment")?;
        let row = tx.last_insert_rowid();
        for (key, value) in &self.tags {
            write_tag(tx, row, key, value)?;
        }
        Ok(ExperimentId::of_row(row))
    }
}

impl Op for CreateExperiment {
    type Answer = ExperimentRecord;

    fn log(&self) -> LogName {
        LogName::Experiments
    }

    fn apply(&self, tx: &Transaction<'_>, _mode: Mode) -> Result<ExperimentRecord> {
        free_name(tx, &self.name)?;
        read(tx, self.insert(tx)?)
    }

    fn settled(&self, answer: &ExperimentRecord) -> Option<Write> {
        let id = Some(answer.id);
        Some(Self { id, ..self.clone() }.into())
    }
}

/// Finds an experiment by its name, or makes it.
#[derive(Debug, Clone)]
pub(crate) struct EnsureExperiment(pub(crate) CreateExperiment);

impl From<EnsureExperiment> for Write {
    fn from(op: EnsureExperiment) -> Self {
        op.0.into()
    }
}

impl Op for EnsureExperiment {
    /// Which it is, and whether it was made now.
    type Answer = (ExperimentId, bool);

    fn log(&self) -> LogName {
        self.0.log()
    }

    fn apply(&self, tx: &Transaction<'_>, _mode: Mode) -> Result<Self::Answer> {
        Ok(match find(tx, &self.0.name)? {
            Some((id, _)) => (id, false),
            None => (self.0.insert(tx)?, true),
        })
    }

    fn settled(&self, (id, new): &Self::Answer) -> Option<Write> {
        let id = Some(*id);
        new.then(|| {
            CreateExperiment {
                id,
                ..self.0.clone()
            }
            .into()
        })
    }
}

/// Changes an experiment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ChangeExperiment {
    pub(crate) id: ExperimentId,
    pub(crate) change: ExperimentChange,
    pub(crate) now: i64,
}

/// What becomes of an experiment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum ExperimentChange {
    Rename(ExperimentName),
    /// With all its runs.
    Delete,
    /// With all its runs.
    Restore,
    SetTag(String, String),
    DeleteTag(String),
}

impl Op for ChangeExperiment {
    type Answer = ();

    fn log(&self) -> LogName {
        LogName::Experiments
    }

    fn apply(&self, tx: &Transaction<'_>, _mode: Mode) -> Result<()> {
        let Self { id, change, now } = self;
        let (id, now) = (*id, *now);
        let needed = match change {
            ExperimentChange::Restore => Lifecycle::Deleted,
            _ => Lifecycle::Active,
        };
        check_state(tx, id, needed)?;
        match change {
            ExperimentChange::Rename(name) => {
                match find(tx, name)? {
                    Some((other, _)) if other == id => {}
                    _ => free_name(tx, name)?,
                }
                tx.execute(
                    "UPDATE experiment SET name = ?2, updated_us = ?3 WHERE id = ?1",
                    params![id.row(), name.as_str(), now],
                )
                .during(CHANGING)?;
                Ok(())
            }
            ExperimentChange::Delete => {
                tx.execute(
                    "UPDATE run SET deleted_us = ?2 WHERE experiment_id = ?1 AND deleted = 0",
                    params![id.row(), now],
                )
                .during("delete the runs of an experiment")?;
                tx.execute(
                    "UPDATE experiment SET deleted_us = ?2, updated_us = ?2 WHERE id = ?1",
                    params![id.row(), now],
                )
                .during(CHANGING)?;
                Ok(())
            }
            ExperimentChange::Restore => {
                tx.execute(
                    "UPDATE run SET deleted_us = NULL WHERE experiment_id = ?1 AND deleted = 1",
                    params![id.row()],
                )
                .during("restore the runs of an experiment")?;
                tx.execute(
                    "UPDATE experiment SET deleted_us = NULL, updated_us = ?2 WHERE id = ?1",
                    params![id.row(), now],
                )
                .during(CHANGING)?;
                Ok(())
            }
            ExperimentChange::SetTag(tag, value) => write_tag(tx, id.row(), tag, value),
            ExperimentChange::DeleteTag(tag) => {
                let gone = tx
                    .execute(
                        "DELETE FROM experiment_tag WHERE experiment_id = ?1 AND key = ?2",
                        params![id.row(), tag],
                    )
                    .during("delete a tag")?;
                if gone == 0 {
                    return Err(unknown_tag(id, tag));
                }
                Ok(())
            }
        }
    }
}

fn unknown_tag(id: ExperimentId, tag: &str) -> Error {
    TrackingError::UnknownTag {
        owner: format!("experiment {id}"),
        tag: cut(tag),
    }
    .into()
}
