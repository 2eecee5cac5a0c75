//! The import itself: what is taken over in which order.

use std::path::{Path, PathBuf};

use super::{
    ImportReport, artifacts::Roots, experiments, logged_models, models, runs, source,
    source::Source,
};
use crate::{Error, Registry, Result};

/// An import of an MLflow database; see [`into_registry`](Self::into_registry).
#[derive(Debug, Clone)]
#[must_use]
pub struct MlflowImport {
    database: PathBuf,
    artifacts: Vec<PathBuf>,
}

/// What the parts of an import share.
#[derive(Debug)]
pub(super) struct Import<'a> {
    pub(super) registry: &'a Registry,
    pub(super) source: Source<'a>,
    pub(super) roots: Roots,
    pub(super) report: ImportReport,
}

impl MlflowImport {
    /// An import of the SQLite database of MLflow 3, without artifacts.
    pub fn from_sqlite(database: impl AsRef<Path>) -> Self {
        Self {
            database: database.as_ref().to_owned(),
            artifacts: Vec::new(),
        }
    }

    /// Takes artifacts along from below a folder, as often as there are some: the folder of an artifact location,
    /// or the one that a server was started with as `--artifacts-destination`.
    pub fn artifacts(mut self, folder: impl AsRef<Path>) -> Self {
        self.artifacts.push(folder.as_ref().to_owned());
        self
    }

    /// Takes everything over that is not here yet: experiments, runs with params, tags, datasets, outputs and all
    /// points of their metrics, logged models, registered models with versions, stages, aliases and tags. What is
    /// deleted there is deleted here. What is here already stays, but that a run that goes on here ends as it did
    /// there; so an import may be repeated.
    ///
    /// Identities, names and times of runs and logged models are kept. An experiment is known by its name and
    /// keeps its number where that is free. A registered model is written in one step, with the import as the
    /// reason in the audit trail; it and its versions keep the times when they were made, a version its number and its author; the
    /// time of a last change is that of the import. The
    /// greatest and the least number that there are become infinities, for which MLflow keeps them.
    ///
    /// # Errors
    /// [`Error::Import`](crate::Error::Import) if the database does not open, is none of MLflow's, is damaged, or
    /// if a folder of artifacts is not there; [`Error::NotKept`](crate::Error::NotKept) if the store fails;
    /// [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, which has to grant
    /// [`Action::Administer`](mlops_core::Action::Administer) on the models and on the registry itself;
    /// [`Error::Unsupported`](crate::Error::Unsupported) if ours lies [at a location](crate::RegistryBuilder::at);
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database) if ours does not answer.
    ///
    /// # Complexity
    /// One pass; a run, a page of a history and a file are in memory at a time.
    ///
    /// # Reference
    /// The schema of MLflow 3.17.2. What its client reads there, [`Tracking`](crate::Tracking) reads here: the
    /// same texts, the same numbers bit for bit.
    pub fn into_registry(&self, registry: &Registry) -> Result<ImportReport> {
        if let Some(policy) = registry.policy()? {
            let itself = Registry::itself();
            policy.allow(registry.actor(), mlops_core::Action::Administer, &itself)?;
        }
        if registry.run_logs().is_some() {
            return Err(Error::Unsupported {
                what: "an import",
                place: "where machines share the runs",
            });
        }
        let roots = Roots::new(&self.artifacts)?;
        let mut connection = source::open(&self.database)?;
        let mut import = Import {
            registry,
            source: Source::begin(&mut connection, &self.database)?,
            roots,
            report: ImportReport::default(),
        };
        let experiments = experiments::take(&mut import)?;
        // the metrics of a logged model name its runs, and the runs' points name models
        for experiment in &experiments {
            runs::take(&mut import, experiment)?;
        }
        for experiment in &experiments {
            logged_models::take(&mut import, experiment)?;
        }
        models::take(&mut import)?;
        for (table, rows) in import.source.foreign_tables()? {
            let text = format!("{rows} rows have no place here: left out");
            import
                .report
                .note(format!("table `{}`", crate::error::cut(&table)), text);
        }
        if import.roots.is_empty() && import.report.runs.found > 0 {
            let text = "they stay where they are: no folder of theirs was given";
            import.report.note("the artifacts", text);
        }
        Ok(import.report)
    }
}
