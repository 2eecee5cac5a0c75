//! Experiments: the name under which runs are compared.

use mlops_core::{DigestBuilder, EventTime};
use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;

use crate::{
    Error, ExperimentId, ExperimentName, Lifecycle, Registry, Result, Run, RunId, RunStatus,
    TrackingError,
    error::{During, stored},
    key::check_run_name,
};

/// A handle on one experiment.
#[derive(Debug, Clone)]
pub struct Experiment {
    registry: Registry,
    row: i64,
    name: ExperimentName,
}

/// An experiment in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExperimentInfo {
    /// Its name.
    pub name: ExperimentName,
    /// When it was made.
    pub created: EventTime,
    /// The number of its runs.
    pub runs: u64,
}

impl Experiment {
    /// Its identity.
    pub fn id(&self) -> ExperimentId {
        ExperimentId::of_row(self.row)
    }

    /// Its name.
    pub fn name(&self) -> &ExperimentName {
        &self.name
    }

    /// Starts a run. The name is for people and need not be unique.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] or [`Error::TooLong`] for the name, [`Error::Tracking`] if the experiment
    /// was deleted, [`Error::Busy`] or [`Error::Database`] if the database does not answer.
    pub fn start_run(&self, name: &str) -> Result<Run> {
        check_run_name(name)?;
        let starting = "start a run";
        let actor = self.registry.actor();
        let (row, id) = self.registry.database().write(|tx| {
            refuse_deleted(tx, self.row)?;
            let started = self.registry.now();
            let row: i64 = tx
                .query_row("SELECT coalesce(max(id), 0) + 1 FROM run", [], |row| {
                    row.get(0)
                })
                .during(starting)?;
            // the row number makes it unique here, the rest tells it from another registry's
            let digest = DigestBuilder::new()
                .part("run", &row.to_le_bytes())
                .part("experiment", self.name.as_str().as_bytes())
                .part("time", &started.micros().to_le_bytes())
                .part("actor", actor.as_str().as_bytes())
                .finish();
            let id = RunId::from_digest(&digest);
            tx.execute(
                "INSERT INTO run
                    (id, uid, experiment_id, name, status, started_us, started_by, user)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
                params![
                    row,
                    id.as_str(),
                    self.row,
                    name,
                    RunStatus::Running.as_str(),
                    started.micros(),
                    actor.as_str(),
                ],
            )
            .during(starting)?;
            Ok((row, id))
        })?;
        Ok(Run::new(
            self.registry.clone(),
            row,
            id,
            self.name.clone(),
            name.to_owned(),
        ))
    }
}

impl Registry {
    /// The experiment of that name, made if it is not there.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] if the name is not valid, [`Error::Busy`] or [`Error::Database`] if the
    /// database does not answer.
    pub fn experiment(&self, name: &str) -> Result<Experiment> {
        let name = ExperimentName::new(name)?;
        let found = self.database().read(|tx| find(tx, &name))?;
        let row = match found {
            Some(row) => row,
            None => self
                .database()
                .write(|tx| self.create_experiment(tx, &name))?,
        };
        Ok(Experiment {
            registry: self.clone(),
            row,
            name,
        })
    }

    fn create_experiment(&self, tx: &Transaction<'_>, name: &ExperimentName) -> Result<i64> {
        if let Some(row) = find(tx, name)? {
            return Ok(row);
        }
        tx.execute(
            "INSERT INTO experiment (name, created_us, created_by, updated_us)
             VALUES (?1, ?2, ?3, ?2)",
            params![name.as_str(), self.now().micros(), self.actor().as_str()],
        )
        .during("create an experiment")?;
        Ok(tx.last_insert_rowid())
    }

    /// All experiments by name, `Default` among them; deleted ones are left out.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`] if the database does not answer.
    pub fn experiments(&self) -> Result<Vec<ExperimentInfo>> {
        let listing = "list the experiments";
        self.database().read(|tx| {
            let rows: Vec<(String, i64, i64)> = tx
                .prepare_cached(
                    "SELECT name, created_us,
                        (SELECT count(*) FROM run WHERE experiment_id = experiment.id)
                     FROM experiment WHERE deleted_us IS NULL ORDER BY name",
                )
                .during(listing)?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .during(listing)?
                .collect::<rusqlite::Result<_>>()
                .during(listing)?;
            rows.into_iter()
                .map(|(name, created, runs)| {
                    Ok(ExperimentInfo {
                        name: stored("experiment name", ExperimentName::new(name))?,
                        created: EventTime::from_micros(created),
                        runs: stored("number of runs", u64::try_from(runs))?,
                    })
                })
                .collect()
        })
    }
}

/// The row of an experiment that must be there.
pub(crate) fn existing(tx: &Transaction<'_>, name: &ExperimentName) -> Result<i64> {
    find(tx, name)?.ok_or_else(|| Error::UnknownExperiment {
        experiment: name.clone(),
    })
}

fn refuse_deleted(tx: &Transaction<'_>, row: i64) -> Result<()> {
    let looking = "look up an experiment";
    let deleted: Option<i64> = tx
        .prepare_cached("SELECT deleted_us FROM experiment WHERE id = ?1")
        .during(looking)?
        .query_row([row], |row| row.get(0))
        .during(looking)?;
    match Lifecycle::of(deleted) {
        Lifecycle::Active => Ok(()),
        state @ Lifecycle::Deleted => Err(TrackingError::ExperimentState {
            experiment: ExperimentId::of_row(row),
            state,
            needed: Lifecycle::Active,
        }
        .into()),
    }
}

fn find(tx: &Transaction<'_>, name: &ExperimentName) -> Result<Option<i64>> {
    let looking = "look up an experiment";
    tx.prepare_cached("SELECT id FROM experiment WHERE name = ?1")
        .during(looking)?
        .query_row([name.as_str()], |row| row.get(0))
        .optional()
        .during(looking)
}
