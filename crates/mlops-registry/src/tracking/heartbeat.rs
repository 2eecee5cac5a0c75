//! Heartbeats: how a run whose process died is told from one that goes on.
//!
//! Only runs that ever gave a sign of life are judged by its absence: a run that a notebook started
//! yesterday and never beat is left alone.

use mlops_core::{EventTime, Span};
use rusqlite::{Transaction, params};

use super::{
    Tracking,
    log::Reach,
    ops::{Beat, EndAbandoned, Mode},
};
use crate::{Error, Result, RunId, RunStatus, error::During, error::stored, run_info::row_of};

impl Tracking {
    /// Says that a run goes on.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::Tracking`] if it is deleted, [`Error::Busy`] or
    /// [`Error::Database`].
    pub fn beat(&self, run: &RunId) -> Result<()> {
        self.registry.track(Beat {
            run: run.clone(),
            now: self.registry.now().micros(),
        })
    }

    /// When a run last said that it goes on, if it ever did.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::Busy`] or [`Error::Database`].
    pub fn last_beat(&self, run: &RunId) -> Result<Option<EventTime>> {
        let reading = "read a heartbeat";
        self.registry.look(Reach::Run(run), |tx| {
            let beat: Option<i64> = tx
                .prepare_cached("SELECT beat_us FROM run WHERE id = ?1")
                .during(reading)?
                .query_row([row_of(tx, run)?], |row| row.get(0))
                .during(reading)?;
            Ok(beat.map(EventTime::from_micros))
        })
    }

    /// The runs that still count as running but were silent for longer than that, the longest first.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`].
    pub fn abandoned(&self, silence: Span) -> Result<Vec<RunId>> {
        let before = self.registry.now() - silence;
        self.registry
            .look(Reach::Everything, |tx| silent(tx, before))
    }

    /// Ends the runs that were silent for longer than that, at their last heartbeat, and says which.
    ///
    /// # Errors
    /// [`Error::InvalidStatus`] for [`RunStatus::Running`] or [`RunStatus::Scheduled`],
    /// [`Error::Busy`] or [`Error::Database`].
    pub fn end_abandoned(&self, silence: Span, status: RunStatus) -> Result<Vec<RunId>> {
        let before = self.registry.now() - silence;
        let mut ended = Vec::new();
        for run in self.abandoned(silence)? {
            if status.is_open() {
                return Err(Error::InvalidStatus { run, status });
            }
            // it may have given a sign of life, or been ended, since it was found
            let op = EndAbandoned {
                run: run.clone(),
                before: before.micros(),
                status,
            };
            if self.registry.track(op)? {
                ended.push(run);
            }
        }
        Ok(ended)
    }
}

/// Whether a run still counts as running and was silent since before a time.
pub(super) fn is_silent(tx: &Transaction<'_>, row: i64, before: i64, mode: Mode) -> Result<bool> {
    let reading = "look for an abandoned run";
    tx.prepare_cached(
        "SELECT status = 'running' AND beat_us IS NOT NULL AND beat_us < ?2
            AND (?3 OR deleted_us IS NULL)
         FROM run WHERE id = ?1",
    )
    .during(reading)?
    .query_row(params![row, before, mode == Mode::Replay], |row| row.get(0))
    .during(reading)
}

fn silent(tx: &Transaction<'_>, before: EventTime) -> Result<Vec<RunId>> {
    let reading = "look for abandoned runs";
    tx.prepare_cached(
        "SELECT uid FROM run
         WHERE status = 'running' AND beat_us IS NOT NULL AND beat_us < ?1 AND deleted_us IS NULL
         ORDER BY beat_us, uid",
    )
    .during(reading)?
    .query_map([before.micros()], |row| row.get::<_, String>(0))
    .during(reading)?
    .map(|id| stored("run", id.during(reading)?.parse()))
    .collect()
}
