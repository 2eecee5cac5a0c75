//! The import itself: what is taken over in which order.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    ImportReport,
    artifacts::Roots,
    experiments, logged_models, models, runs,
    server::{self, Remote},
    source::{self, Source},
};
use crate::{Error, MlflowServer, Registry, Result};

/// An import of an MLflow database or server; see [`into_registry`](Self::into_registry).
#[derive(Debug, Clone)]
#[must_use]
pub struct MlflowImport {
    origin: Origin,
    artifacts: Vec<PathBuf>,
}

/// Where it comes from.
#[derive(Debug, Clone)]
enum Origin {
    Database(PathBuf),
    Server(Arc<dyn MlflowServer>),
}

/// What the parts of an import share.
pub(super) struct Import<'a> {
    pub(super) registry: &'a Registry,
    pub(super) source: Source<'a>,
    /// The server whose answers the source holds, if it is one.
    pub(super) remote: Option<Remote<'a>>,
    pub(super) roots: Roots,
    pub(super) report: ImportReport,
    /// How many runs and logged models have files that neither a folder nor the server hands out.
    pub(super) unreached: u64,
    progress: &'a mut dyn FnMut(&ImportReport),
}

impl MlflowImport {
    /// An import of the SQLite database of MLflow 3, without artifacts.
    pub fn from_sqlite(database: impl AsRef<Path>) -> Self {
        Self {
            origin: Origin::Database(database.as_ref().to_owned()),
            artifacts: Vec::new(),
        }
    }

    /// An import from a running server of MLflow 3, with the artifacts that it hands out itself. How requests travel
    /// is the caller's business.
    pub fn from_server(server: Arc<dyn MlflowServer>) -> Self {
        Self {
            origin: Origin::Server(server),
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
    /// A server does not tell everything that its database holds: when a run was deleted (here: when it ended),
    /// logged models that were deleted, and versions that were deleted after the last one that is left, whose numbers
    /// are given again here. What changes on a server while it is read is found by the next import.
    ///
    /// # Errors
    /// [`Error::Import`](crate::Error::Import) if the database does not open, is none of MLflow's, is damaged, if the
    /// server refuses or answers what makes no sense, or if a folder of artifacts is not there; [`Error::NotKept`](crate::Error::NotKept) if the store fails;
    /// [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, which has to grant
    /// [`Action::Administer`](mlops_core::Action::Administer) on the models and on the registry itself;
    /// [`Error::Unsupported`](crate::Error::Unsupported) if ours lies [at a location](crate::RegistryBuilder::at);
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database) if ours does not answer.
    ///
    /// # Complexity
    /// One pass; a run, a page of a history and a piece of a file are in memory at a time. A server is asked once for
    /// each run, each ten thousand points of a metric, each folder and each file that is not here yet.
    ///
    /// # Reference
    /// The schema of MLflow 3.17.2. What its client reads there, [`Tracking`](crate::Tracking) reads here: the
    /// same texts, the same numbers bit for bit.
    pub fn into_registry(&self, registry: &Registry) -> Result<ImportReport> {
        self.into_registry_with(registry, &mut |_| ())
    }

    /// [`into_registry`](Self::into_registry) that hands over what was found so far, each time that some runs, a
    /// logged model or a registered model are written. What was handed over is here for good, whatever follows.
    ///
    /// # Errors
    /// Those of [`into_registry`](Self::into_registry).
    pub fn into_registry_with(
        &self,
        registry: &Registry,
        progress: &mut dyn FnMut(&ImportReport),
    ) -> Result<ImportReport> {
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
        let (mut connection, path, remote) = match &self.origin {
            Origin::Database(path) => (source::open(path)?, path.as_path(), None),
            Origin::Server(server) => {
                let remote = Remote::new(server.as_ref());
                (server::open()?, Path::new("the server"), Some(remote))
            }
        };
        let mut import = Import {
            registry,
            source: Source::begin(&mut connection, path)?,
            remote,
            roots,
            report: ImportReport::default(),
            unreached: 0,
            progress,
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
        if import.unreached > 0 {
            let text = format!(
                "those of {} runs and logged models lie where the server does not hand them out",
                import.unreached
            );
            import.report.note("the artifacts", text);
        }
        if import.remote.is_none() && import.roots.is_empty() && import.report.runs.found > 0 {
            let text = "they stay where they are: no folder of theirs was given";
            import.report.note("the artifacts", text);
        }
        Ok(import.report)
    }
}

impl Import<'_> {
    /// Hands over what was found so far.
    pub(super) fn tell(&mut self) {
        (self.progress)(&self.report);
    }
}

impl fmt::Debug for Import<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import")
            .field("source", &self.source)
            .field("remote", &self.remote)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}
