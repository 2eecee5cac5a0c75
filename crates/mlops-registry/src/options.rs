//! How a registry is opened: where, by whom, with which clock and how durably.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use mlops_core::{Clock, Principal, Span, SystemClock};
use mlops_store::{ArtifactStore, Location, Sleeper, ThreadSleeper};

use crate::{
    Error, Registry, Result,
    backend::{ModelBackend, ObjectModels, SqliteModels},
    database::Database,
    error::cut,
    tracking::RunLogs,
    webhook::Sealing,
};

const SCHEME: &str = "sqlite://";

/// What an acknowledged run write survives. Stages, aliases and promotions are always [`Full`](Self::Full).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// A power cut: the disk is flushed at every commit, before the write is acknowledged. Others may read it a
    /// moment earlier.
    #[default]
    Full,
    /// A killed process; a power cut may take the last moments. Many times faster for single metrics.
    Normal,
}

/// Opens a [`Registry`]; see [`Registry::builder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct RegistryBuilder {
    url: String,
    clock: Arc<dyn Clock>,
    actor: Option<Principal>,
    durability: Durability,
    models: Option<Location>,
    /// Where runs lie, if not in the database of the URL.
    runs: Option<Location>,
    trust: Span,
    artifacts: Option<ArtifactStore>,
    sleeper: Arc<dyn Sleeper>,
    sealing: Sealing,
}

impl RegistryBuilder {
    /// The URL of a registry in memory.
    pub(crate) const MEMORY: &'static str = "memory://";

    pub(crate) fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            clock: Arc::new(SystemClock),
            actor: None,
            durability: Durability::default(),
            models: None,
            runs: None,
            trust: Span::ZERO,
            artifacts: None,
            sleeper: Arc::new(ThreadSleeper),
            sealing: Sealing::default(),
        }
    }

    /// Keeps the models in a commit log each below a location, for instance in S3, where many machines share them.
    /// Experiments and runs stay in the database of the URL. The artifacts, those of runs too, lie in `artifacts`
    /// below the location, unless [`artifacts`](Self::artifacts) says otherwise.
    pub fn models_at(mut self, location: Location) -> Self {
        self.models = Some(location);
        self
    }

    /// Keeps everything at a location, for instance in S3, where many machines share it: models as
    /// [`models_at`](Self::models_at) does, and experiments, runs and logged models in logs of their own.
    ///
    /// The database of the URL is an index of them then, and a cache: it may be deleted, and is made anew from the
    /// logs. It is that of one location, must not hold runs of its own, and may be shared by the processes of a
    /// machine. Its webhooks are its own. What is acknowledged lies on the store; [`durability`](Self::durability)
    /// says nothing. Where the store does not answer, reads and writes of runs fail with
    /// [`TrackingError::Log`](crate::TrackingError::Log), and a [`Logger`](crate::Logger) turns to its journal.
    ///
    /// A read sees what was acknowledged before it began, by whatever machine; see
    /// [`refresh_every`](Self::refresh_every) for cheaper ones. Two things are looser. A write to a run that is under
    /// way while the run or its experiment is deleted may come before that. And [`Tracking::logged_model`](crate::Tracking::logged_model)
    /// asks for the points that the model's own run measured on it; those of other runs come with a search.
    ///
    /// # Complexity
    /// A write is 2 to 5 requests to the store, shared by all that wait beside it for the same run; one to a run that
    /// has ended twice that. A read of a run that goes on, or of experiments, is 3 to 6 requests; a search 3 for each run
    /// that goes on, 16 at a time. So end the runs of dead processes: [`Tracking::end_abandoned`](crate::Tracking::end_abandoned).
    /// A new index reads 2 objects for each run that has ended.
    pub fn at(mut self, location: Location) -> Self {
        self.models = Some(location.clone());
        self.runs = Some(location);
        self
    }

    /// How long what was read of a log of runs [at a location](Self::at) counts as new: reads within that time may
    /// miss what other machines wrote. None by default. What was written through this registry is always seen.
    pub fn refresh_every(mut self, time: Span) -> Self {
        self.trust = time;
        self
    }

    /// The artifact store; by default it lies beside the models.
    pub fn artifacts(mut self, store: ArtifactStore) -> Self {
        self.artifacts = Some(store);
        self
    }

    /// How a commit waits that has to be tried again; only models at a location wait.
    pub fn sleeper(mut self, sleeper: Arc<dyn Sleeper>) -> Self {
        self.sleeper = sleeper;
        self
    }

    /// The clock that stamps runs, metrics, versions and audit entries; the machine's by default.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Who acts; `mlops` by default.
    pub fn actor(mut self, actor: Principal) -> Self {
        self.actor = Some(actor);
        self
    }

    /// The keys that secrets of webhooks are encrypted with; without them no webhook can have a secret.
    #[cfg(feature = "encryption")]
    pub fn secret_keys(mut self, keys: crate::SecretKeys) -> Self {
        self.sealing.keys = Some(keys);
        self
    }

    /// What an acknowledged run write survives; a power cut by default.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Opens the registry, and makes the file, its directory and its tables if they are not there.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`] or [`Error::UnsupportedUrl`] for the URL, [`Error::Directory`] if the
    /// directory cannot be made, [`Error::NotARegistry`] if the file is something else,
    /// [`Error::SchemaTooNew`] if a newer build wrote it, [`Error::Artifacts`] if the artifacts
    /// beside it do not open, [`Error::Log`] if the location of the models cannot hold logs,
    /// [`TrackingError::NotAnIndex`](crate::TrackingError::NotAnIndex) if the file holds runs of its own or of another location,
    /// [`TrackingError::Log`](crate::TrackingError::Log) if the location of the runs does not answer, [`Error::Busy`] or
    /// [`Error::Database`] if the database does not answer.
    pub fn open(self) -> Result<Registry> {
        let actor = match &self.actor {
            Some(actor) => actor.clone(),
            None => Principal::new("mlops")?,
        };
        let now = self.clock.now();
        if self.url == Self::MEMORY {
            let database = Arc::new(Database::memory(now)?);
            let models = self.models(&database)?;
            let runs = self.runs(&database)?;
            let store = match self.store()? {
                Some(store) => store,
                None => ArtifactStore::memory(),
            };
            let (clock, sealing) = (self.clock, self.sealing);
            return Ok(Registry::new(
                database, models, runs, store, clock, actor, sealing,
            ));
        }
        let path = path_of(&self.url)?;
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(directory).map_err(|source| Error::Directory {
            path: directory.to_owned(),
            source,
        })?;
        let durability = match self.runs {
            // an index that loses its last moments reads them again
            Some(_) => Durability::Normal,
            None => self.durability,
        };
        let database = Arc::new(Database::file(&path, durability, now)?);
        let models = self.models(&database)?;
        let runs = self.runs(&database)?;
        let store = match self.store()? {
            Some(store) => store,
            None => beside(directory)?,
        };
        let (clock, sealing) = (self.clock, self.sealing);
        Ok(Registry::new(
            database, models, runs, store, clock, actor, sealing,
        ))
    }

    /// The artifact store, if it does not lie beside the database.
    fn store(&self) -> Result<Option<ArtifactStore>> {
        let (Some(location), None) = (&self.models, &self.artifacts) else {
            return Ok(self.artifacts.clone());
        };
        let store = location
            .join("artifacts")
            .and_then(|at| ArtifactStore::at(&at));
        let store = store.map_err(|source| Error::Artifacts {
            path: location.url().into(),
            source: Box::new(source),
        })?;
        Ok(Some(store))
    }

    fn models(&self, database: &Arc<Database>) -> Result<Box<dyn ModelBackend>> {
        Ok(match &self.models {
            None => Box::new(SqliteModels::new(database.clone())),
            Some(location) => Box::new(ObjectModels::open(
                location.clone(),
                self.sleeper.clone(),
                &*self.clock,
            )?),
        })
    }
}

impl RegistryBuilder {
    fn runs(&self, database: &Arc<Database>) -> Result<Option<RunLogs>> {
        let open = |location: &Location| {
            RunLogs::open(
                location.clone(),
                database.clone(),
                self.sleeper.clone(),
                self.clock.clone(),
                self.trust,
            )
        };
        self.runs.as_ref().map(open).transpose()
    }
}

fn beside(directory: &Path) -> Result<ArtifactStore> {
    let artifacts = directory.join("artifacts");
    ArtifactStore::directory(&artifacts).map_err(|source| Error::Artifacts {
        path: artifacts,
        source: Box::new(source),
    })
}

fn path_of(url: &str) -> Result<PathBuf> {
    let Some(path) = url.strip_prefix(SCHEME) else {
        return Err(if url.contains("://") {
            Error::UnsupportedUrl { url: cut(url) }
        } else {
            Error::InvalidUrl {
                url: cut(url),
                reason: "it must look like `sqlite://directory/mlops.db`",
            }
        });
    };
    let reason = if path.is_empty() {
        "it names no file"
    } else if path.ends_with('/') {
        "it names a directory and no file"
    } else if path.contains(['?', '#', '\0']) {
        "it holds `?`, `#` or a NUL"
    } else {
        return Ok(PathBuf::from(path));
    };
    Err(Error::InvalidUrl {
        url: cut(url),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use mlops_core::ErrorKind;

    use super::*;

    #[test]
    fn a_url_is_a_scheme_and_a_file() {
        let path = |url| path_of(url).map_err(|error| error.kind());
        assert_eq!(path("sqlite://mlops.db"), Ok("mlops.db".into()));
        assert_eq!(
            path("sqlite:///var/lib/mlops.db"),
            Ok("/var/lib/mlops.db".into())
        );
        assert_eq!(path("s3://bucket/registry"), Err(ErrorKind::Unsupported));
        for bad in [
            "",
            "mlops.db",
            "sqlite://",
            "sqlite://dir/",
            "sqlite://a?mode=ro",
        ] {
            assert_eq!(path(bad), Err(ErrorKind::Invalid), "{bad}");
        }
    }
}
