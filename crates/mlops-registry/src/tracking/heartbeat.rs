//! Heartbeats: how a run whose process died is told from one that goes on.
//!
//! Only runs that ever gave a sign of life are judged by its absence: a run that a notebook started
//! yesterday and never beat is left alone.

use mlops_core::{EventTime, Span};
use rusqlite::params;

use super::{Tracking, run::active_row};
use crate::{Error, Result, RunId, RunStatus, error::During, error::stored, run_info::row_of};

impl Tracking {
    /// Says that a run goes on.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::Tracking`] if it is deleted, [`Error::Busy`] or
    /// [`Error::Database`].
    pub fn beat(&self, run: &RunId) -> Result<()> {
        let (run, registry) = (run.clone(), self.registry.clone());
        self.registry.database().write_grouped(move |tx| {
            let row = active_row(tx, &run)?;
            let beating = "note a heartbeat";
            tx.prepare_cached(
                "UPDATE run SET beat_us = max(coalesce(beat_us, 0), ?2) WHERE id = ?1",
            )
            .during(beating)?
            .execute(params![row, registry.now().micros()])
            .during(beating)?;
            Ok(())
        })
    }

    /// When a run last said that it goes on, if it ever did.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::Busy`] or [`Error::Database`].
    pub fn last_beat(&self, run: &RunId) -> Result<Option<EventTime>> {
        let reading = "read a heartbeat";
        self.registry.database().read(|tx| {
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
        self.registry.database().read(|tx| silent(tx, before))
    }

    /// Ends the runs that were silent for longer than that, at their last heartbeat, and says which.
    ///
    /// # Errors
    /// [`Error::InvalidStatus`] for [`RunStatus::Running`] or [`RunStatus::Scheduled`],
    /// [`Error::Busy`] or [`Error::Database`].
    pub fn end_abandoned(&self, silence: Span, status: RunStatus) -> Result<Vec<RunId>> {
        let registry = self.registry.clone();
        self.registry.database().write_grouped(move |tx| {
            let runs = silent(tx, registry.now() - silence)?;
            for run in &runs {
                if matches!(status, RunStatus::Running | RunStatus::Scheduled) {
                    return Err(Error::InvalidStatus {
                        run: run.clone(),
                        status,
                    });
                }
                tx.execute(
                    "UPDATE run SET status = ?2, ended_us = max(beat_us, started_us) WHERE id = ?1",
                    params![row_of(tx, run)?, status.as_str()],
                )
                .during("end a run")?;
            }
            Ok(runs)
        })
    }
}

fn silent(tx: &rusqlite::Transaction<'_>, before: EventTime) -> Result<Vec<RunId>> {
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
