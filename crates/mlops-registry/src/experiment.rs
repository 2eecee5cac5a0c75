//! Experiments: the name under which runs are compared.

use std::collections::BTreeMap;

use mlops_core::EventTime;
use rusqlite::{OptionalExtension, Transaction};
use serde::Serialize;

use crate::{
    Error, ExperimentId, ExperimentName, Registry, Result, Run,
    error::{During, stored},
    key::check_run_name,
    tracking::{
        log::Reach,
        ops::{CreateExperiment, EnsureExperiment, StartRun},
    },
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
        let id = self.registry.track(StartRun {
            id: None,
            experiment: self.id(),
            experiment_name: self.name.clone(),
            name: name.to_owned(),
            actor: self.registry.actor().clone(),
            now: self.registry.now().micros(),
        })?;
        Ok(Run::new(
            self.registry.clone(),
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
        let found = self.look(Reach::Experiments, |tx| find(tx, &name))?;
        let row = if let Some(row) = found {
            row
        } else {
            let op = EnsureExperiment(CreateExperiment {
                id: None,
                name: name.clone(),
                location: None,
                tags: BTreeMap::new(),
                actor: self.actor().clone(),
                now: self.now().micros(),
            });
            self.track(op)?.0.row()
        };
        Ok(Experiment {
            registry: self.clone(),
            row,
            name,
        })
    }

    /// All experiments by name, `Default` among them; deleted ones are left out.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`] if the database does not answer.
    pub fn experiments(&self) -> Result<Vec<ExperimentInfo>> {
        let listing = "list the experiments";
        self.look(Reach::Experiments, |tx| {
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

fn find(tx: &Transaction<'_>, name: &ExperimentName) -> Result<Option<i64>> {
    let looking = "look up an experiment";
    tx.prepare_cached("SELECT id FROM experiment WHERE name = ?1")
        .during(looking)?
        .query_row([name.as_str()], |row| row.get(0))
        .optional()
        .during(looking)
}
