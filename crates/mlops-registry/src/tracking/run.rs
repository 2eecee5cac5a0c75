//! Runs by identity: made as a client says, updated, deleted and restored.

use std::collections::BTreeMap;

use mlops_core::EventTime;
use rusqlite::{OptionalExtension, Transaction};

use super::{
    Tracking,
    experiment::check_count,
    log::Reach,
    ops::{CreateRun, Mode, SetLifecycle, UpdateRun},
};
use crate::{
    Error, ExperimentId, Lifecycle, Result, RunId, RunRecord, RunStatus, TrackingError,
    error::{During, cut},
    key::{check_key, check_length, check_run_name},
    limits,
    run_info::row_of,
};

/// The tag that names a run.
pub(super) const RUN_NAME_TAG: &str = "mlflow.runName";

/// What a run is made of.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// The experiment that it belongs to.
    pub experiment: ExperimentId,
    /// Its identity; a new one by default. An importer keeps the old one.
    pub id: Option<RunId>,
    /// Its name; that of the tag `mlflow.runName`, or one made of the identity, by default.
    pub name: Option<String>,
    /// Who it is for, as the client says; who acts is kept beside it.
    pub user: String,
    /// When it started; now by default.
    pub started: Option<EventTime>,
    /// Its tags. `mlflow.parentRunId` names the parent.
    pub tags: BTreeMap<String, String>,
}

impl NewRun {
    /// A run that starts now, without tags.
    pub fn new(experiment: ExperimentId) -> Self {
        Self {
            experiment,
            id: None,
            name: None,
            user: String::new(),
            started: None,
            tags: BTreeMap::new(),
        }
    }
}

/// What is to change about a run; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct RunUpdate {
    /// How it stands.
    pub status: Option<RunStatus>,
    /// When it ended.
    pub ended: Option<EventTime>,
    /// Its name.
    pub name: Option<String>,
}

impl Tracking {
    /// Makes a run that goes on.
    ///
    /// # Errors
    /// [`TrackingError::UnknownExperimentId`], [`TrackingError::ExperimentState`] if the experiment is
    /// deleted, [`TrackingError::TwoNames`], [`TrackingError::RunExists`],
    /// [`TrackingError::InvalidValue`] for the start, [`Error::InvalidKey`], [`Error::TooLong`],
    /// [`Error::Busy`] or [`Error::Database`].
    pub fn create_run(&self, new: NewRun) -> Result<RunRecord> {
        check_count("tags", new.tags.len(), limits::CREATE_TAGS)?;
        for (tag, value) in &new.tags {
            check_key("tag", tag)?;
            check_length(format!("tag `{tag}`"), value, limits::TAG_VALUE)?;
        }
        check_length("the user", &new.user, limits::USER)?;
        if let Some(started) = new.started {
            check_time("the start of the run", started)?;
        }
        let tag = new.tags.get(RUN_NAME_TAG).filter(|tag| !tag.is_empty());
        let name = new.name.clone().filter(|name| !name.is_empty());
        if let (Some(name), Some(tag)) = (&name, tag)
            && name != tag
        {
            return Err(TrackingError::TwoNames {
                name: cut(name),
                tag: cut(tag),
            }
            .into());
        }
        let name = name.or_else(|| tag.cloned());
        if let Some(name) = &name {
            check_run_name(name)?;
        }
        let now = self.registry.now();
        self.registry.track(CreateRun {
            id: new.id,
            experiment: new.experiment,
            name,
            user: new.user,
            started: new.started.unwrap_or(now).micros(),
            tags: new.tags,
            actor: self.registry.actor().clone(),
            now: now.micros(),
        })
    }

    /// Everything about a run but the histories of its metrics, deleted or not.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::Busy`] or [`Error::Database`].
    pub fn run(&self, id: &RunId) -> Result<RunRecord> {
        self.registry.look(Reach::Run(id), |tx| {
            super::record::read(tx, row_of(tx, id)?)
        })
    }

    /// Changes how a run stands, when it ended, and its name.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`TrackingError::RunState`] if it is deleted, [`Error::InvalidKey`] or
    /// [`Error::TooLong`] for the name, [`TrackingError::InvalidValue`] for the end, [`Error::Busy`] or
    /// [`Error::Database`].
    pub fn update_run(&self, id: &RunId, update: &RunUpdate) -> Result<RunRecord> {
        let name = update.name.clone().filter(|name| !name.is_empty());
        if let Some(name) = &name {
            check_run_name(name)?;
        }
        if let Some(ended) = update.ended {
            check_time("the end of the run", ended)?;
        }
        self.registry.track(UpdateRun {
            run: id.clone(),
            status: update.status,
            ended: update.ended.map(EventTime::micros),
            name,
        })
    }

    /// Deletes a run; it is kept, hidden, until it is restored. A deleted run stays deleted.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::Busy`] or [`Error::Database`].
    pub fn delete_run(&self, id: &RunId) -> Result<()> {
        self.set_lifecycle(id, Lifecycle::Deleted)
    }

    /// Restores a deleted run. A run that is there stays there.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::Busy`] or [`Error::Database`].
    pub fn restore_run(&self, id: &RunId) -> Result<()> {
        self.set_lifecycle(id, Lifecycle::Active)
    }

    fn set_lifecycle(&self, run: &RunId, to: Lifecycle) -> Result<()> {
        self.registry.track(SetLifecycle {
            run: run.clone(),
            to,
            now: self.registry.now().micros(),
        })
    }

    /// The runs that name a run as their parent, in the order of their start; deleted ones are left out.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::Busy`] or [`Error::Database`].
    pub fn children(&self, id: &RunId) -> Result<Vec<RunRecord>> {
        let reading = "read the children of a run";
        self.registry.look(Reach::Everything, |tx| {
            row_of(tx, id)?;
            let rows: Vec<i64> = tx
                .prepare_cached(
                    "SELECT id FROM run WHERE parent = ?1 AND deleted_us IS NULL
                     ORDER BY started_us, uid",
                )
                .during(reading)?
                .query_map([id.as_str()], |row| row.get(0))
                .during(reading)?
                .collect::<rusqlite::Result<_>>()
                .during(reading)?;
            super::record::read_all(tx, &rows)
        })
    }
}

/// The row of a run that takes writes.
pub(crate) fn active_row(tx: &Transaction<'_>, id: &RunId) -> Result<i64> {
    let looking = "look up a run";
    let found: Option<(i64, Option<i64>)> = tx
        .prepare_cached("SELECT id, deleted_us FROM run WHERE uid = ?1")
        .during(looking)?
        .query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .during(looking)?;
    match found {
        None => Err(Error::UnknownRun { run: id.clone() }),
        Some((row, None)) => Ok(row),
        Some((_, Some(_))) => Err(TrackingError::RunState {
            run: id.clone(),
            state: Lifecycle::Deleted,
            needed: Lifecycle::Active,
        }
        .into()),
    }
}

/// [`active_row`] of a run that is written to now, or of one that its log was written to.
pub(crate) fn writable_row(tx: &Transaction<'_>, id: &RunId, mode: Mode) -> Result<i64> {
    match mode {
        Mode::Decide => active_row(tx, id),
        Mode::Replay => row_of(tx, id),
    }
}

/// Times before 1970 are refused, as MLflow does.
pub(crate) fn check_time(what: impl Into<String>, time: EventTime) -> Result<()> {
    if time.micros() < 0 {
        return Err(TrackingError::InvalidValue {
            what: what.into(),
            reason: "it lies before 1970",
        }
        .into());
    }
    Ok(())
}

pub(super) fn is_taken(tx: &Transaction<'_>, id: &RunId) -> Result<bool> {
    let looking = "look up a run";
    tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM run WHERE uid = ?1)")
        .during(looking)?
        .query_row([id.as_str()], |row| row.get(0))
        .during(looking)
}
