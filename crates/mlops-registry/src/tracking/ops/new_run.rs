//! Runs that are made.

use std::collections::BTreeMap;

use mlops_core::{DigestBuilder, Principal};
use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};

use super::{Mode, Op, Write};
use crate::{
    ExperimentId, ExperimentName, Lifecycle, Result, RunId, RunRecord, RunStatus, TrackingError,
    error::During,
    tracking::{
        experiment::check_state,
        log::LogName,
        record,
        run::{RUN_NAME_TAG, is_taken},
        run_write::write_tag,
    },
};

const STARTING: &str = "start a run";

/// Makes a run as a client says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CreateRun {
    /// Its identity; one of its own if it is not known yet.
    pub(crate) id: Option<RunId>,
    pub(crate) experiment: ExperimentId,
    /// Its name; one made of the identity if there is none.
    pub(crate) name: Option<String>,
    pub(crate) user: String,
    pub(crate) started: i64,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) actor: Principal,
    pub(crate) now: i64,
}

impl Op for CreateRun {
    type Answer = RunRecord;

    fn log(&self) -> LogName {
        LogName::Experiments
    }

    fn apply(&self, tx: &Transaction<'_>, _mode: Mode) -> Result<RunRecord> {
        check_state(tx, self.experiment, Lifecycle::Active)?;
        let row = next_row(tx)?;
        let id = self.id.clone().unwrap_or_else(|| {
            // the row number makes it unique here, the rest tells it from another registry's
            let digest = DigestBuilder::new()
                .part("run", &row.to_le_bytes())
                .part("experiment", &self.experiment.row().to_le_bytes())
                .part("time", &self.now.to_le_bytes())
                .part("actor", self.actor.as_str().as_bytes())
                .part("user", self.user.as_bytes())
                .finish();
            RunId::from_digest(&digest)
        });
        if is_taken(tx, &id)? {
            return Err(TrackingError::RunExists { run: id }.into());
        }
        let name = self
            .name
            .clone()
            .unwrap_or_else(|| format!("run-{}", &id.as_str()[..8]));
        let run = Row {
            number: row,
            id: &id,
            experiment: self.experiment,
            name: &name,
            started: self.started,
            actor: &self.actor,
            user: &self.user,
        };
        run.insert(tx)?;
        write_tag(tx, row, RUN_NAME_TAG, &name)?;
        for (tag, value) in self.tags.iter().filter(|(tag, _)| *tag != RUN_NAME_TAG) {
            write_tag(tx, row, tag, value)?;
        }
        record::read(tx, row)
    }

    fn settled(&self, answer: &RunRecord) -> Option<Write> {
        let id = Some(answer.id.clone());
        Some(Self { id, ..self.clone() }.into())
    }
}

/// Starts a run for the process that trains.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StartRun {
    /// Its identity; one of its own if it is not known yet.
    pub(crate) id: Option<RunId>,
    pub(crate) experiment: ExperimentId,
    /// What the experiment is called by whoever starts the run.
    pub(crate) experiment_name: ExperimentName,
    pub(crate) name: String,
    pub(crate) actor: Principal,
    pub(crate) now: i64,
}

impl Op for StartRun {
    type Answer = RunId;

    fn log(&self) -> LogName {
        LogName::Experiments
    }

    fn apply(&self, tx: &Transaction<'_>, _mode: Mode) -> Result<RunId> {
        check_state(tx, self.experiment, Lifecycle::Active)?;
        let row = next_row(tx)?;
        let id = self.id.clone().unwrap_or_else(|| {
            let digest = DigestBuilder::new()
                .part("run", &row.to_le_bytes())
                .part("experiment", self.experiment_name.as_str().as_bytes())
                .part("time", &self.now.to_le_bytes())
                .part("actor", self.actor.as_str().as_bytes())
                .finish();
            RunId::from_digest(&digest)
        });
        let run = Row {
            number: row,
            id: &id,
            experiment: self.experiment,
            name: &self.name,
            started: self.now,
            actor: &self.actor,
            user: self.actor.as_str(),
        };
        run.insert(tx)?;
        Ok(id)
    }

    fn settled(&self, answer: &RunId) -> Option<Write> {
        let id = Some(answer.clone());
        Some(Self { id, ..self.clone() }.into())
    }
}

fn next_row(tx: &Transaction<'_>) -> Result<i64> {
    tx.prepare_cached("SELECT coalesce(max(id), 0) + 1 FROM run")
        .during(STARTING)?
        .query_row([], |row| row.get(0))
        .during(STARTING)
}

/// The row of a run that goes on.
struct Row<'a> {
    number: i64,
    id: &'a RunId,
    experiment: ExperimentId,
    name: &'a str,
    started: i64,
    actor: &'a Principal,
    user: &'a str,
}

impl Row<'_> {
    fn insert(&self, tx: &Transaction<'_>) -> Result<()> {
        tx.prepare_cached(
            "INSERT INTO run
                (id, uid, experiment_id, name, status, started_us, started_by, user)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .during(STARTING)?
        .execute(params![
            self.number,
            self.id.as_str(),
            self.experiment.row(),
            self.name,
            RunStatus::Running.as_str(),
            self.started,
            self.actor.as_str(),
            self.user,
        ])
        .during(STARTING)?;
        Ok(())
    }
}
