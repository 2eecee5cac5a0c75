//! How runs stand: ended, silent, deleted, restored.

use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};

use super::{Mode, Op, Write};
use crate::{
    Lifecycle, Result, RunId, RunInfo, RunRecord, RunStatus,
    error::During,
    run_info::{self, row_of, running_row},
    tracking::{
        heartbeat::is_silent,
        log::LogName,
        record,
        run::{RUN_NAME_TAG, writable_row},
        run_write::write_tag,
    },
};

/// Changes how a run stands, when it ended, and its name; what is `None` stays.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UpdateRun {
    pub(crate) run: RunId,
    pub(crate) status: Option<RunStatus>,
    pub(crate) ended: Option<i64>,
    pub(crate) name: Option<String>,
}

impl Op for UpdateRun {
    type Answer = RunRecord;

    fn log(&self) -> LogName {
        LogName::Run(self.run.clone())
    }

    fn apply(&self, tx: &Transaction<'_>, mode: Mode) -> Result<RunRecord> {
        let row = writable_row(tx, &self.run, mode)?;
        let updating = "update a run";
        tx.prepare_cached(
            "UPDATE run SET status = coalesce(?2, status), ended_us = coalesce(?3, ended_us)
             WHERE id = ?1",
        )
        .during(updating)?
        .execute(params![row, self.status.map(RunStatus::as_str), self.ended])
        .during(updating)?;
        if let Some(name) = &self.name {
            write_tag(tx, row, RUN_NAME_TAG, name)?;
        }
        record::read(tx, row)
    }
}

/// Ends a run that goes on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EndRun {
    pub(crate) run: RunId,
    pub(crate) status: RunStatus,
    pub(crate) now: i64,
}

impl Op for EndRun {
    type Answer = RunInfo;

    fn log(&self) -> LogName {
        LogName::Run(self.run.clone())
    }

    fn apply(&self, tx: &Transaction<'_>, mode: Mode) -> Result<RunInfo> {
        let row = running_row(tx, &self.run, mode)?;
        let ending = "end a run";
        tx.prepare_cached("UPDATE run SET status = ?2, ended_us = ?3 WHERE id = ?1")
            .during(ending)?
            .execute(params![row, self.status.as_str(), self.now])
            .during(ending)?;
        run_info::read(tx, row)
    }
}

/// Ends a run at its last heartbeat, if that was before a time and nobody did it yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EndAbandoned {
    pub(crate) run: RunId,
    pub(crate) before: i64,
    pub(crate) status: RunStatus,
}

impl Op for EndAbandoned {
    /// Whether it was ended.
    type Answer = bool;

    fn log(&self) -> LogName {
        LogName::Run(self.run.clone())
    }

    fn apply(&self, tx: &Transaction<'_>, mode: Mode) -> Result<bool> {
        let row = row_of(tx, &self.run)?;
        if !is_silent(tx, row, self.before, mode)? {
            return Ok(false);
        }
        let ending = "end a run";
        tx.prepare_cached(
            "UPDATE run SET status = ?2, ended_us = max(beat_us, started_us) WHERE id = ?1",
        )
        .during(ending)?
        .execute(params![row, self.status.as_str()])
        .during(ending)?;
        Ok(true)
    }

    fn settled(&self, ended: &bool) -> Option<Write> {
        ended.then(|| self.clone().into())
    }
}

/// Says that a run goes on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Beat {
    pub(crate) run: RunId,
    pub(crate) now: i64,
}

impl Op for Beat {
    type Answer = ();

    fn log(&self) -> LogName {
        LogName::Run(self.run.clone())
    }

    fn apply(&self, tx: &Transaction<'_>, mode: Mode) -> Result<()> {
        let row = writable_row(tx, &self.run, mode)?;
        let beating = "note a heartbeat";
        tx.prepare_cached("UPDATE run SET beat_us = max(coalesce(beat_us, 0), ?2) WHERE id = ?1")
            .during(beating)?
            .execute(params![row, self.now])
            .during(beating)?;
        Ok(())
    }
}

/// Deletes or restores a run; one that is in that state stays there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SetLifecycle {
    pub(crate) run: RunId,
    pub(crate) to: Lifecycle,
    pub(crate) now: i64,
}

impl Op for SetLifecycle {
    type Answer = ();

    fn log(&self) -> LogName {
        LogName::Experiments
    }

    fn apply(&self, tx: &Transaction<'_>, _mode: Mode) -> Result<()> {
        let row = row_of(tx, &self.run)?;
        match self.to {
            Lifecycle::Deleted => tx.execute(
                "UPDATE run SET deleted_us = coalesce(deleted_us, ?2) WHERE id = ?1",
                params![row, self.now],
            ),
            Lifecycle::Active => {
                tx.execute("UPDATE run SET deleted_us = NULL WHERE id = ?1", [row])
            }
        }
        .during("delete or restore a run")
        .map(drop)
    }
}
