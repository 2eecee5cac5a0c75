//! How a registry is opened: where, by whom, with which clock and how durably.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use mlops_core::{Clock, Principal, SystemClock};
use mlops_store::{ArtifactStore, Location, Sleeper, ThreadSleeper};

use crate::{
    Error, Registry, Result,
    backend::{ModelBackend, ObjectModels, SqliteModels},
    database::Database,
    error::cut,
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
    artifacts: Option<ArtifactStore>,
    sleeper: Arc<dyn Sleeper>,
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
            artifacts: None,
            sleeper: Arc::new(ThreadSleeper),
        }
    }

    /// Keeps the models in a commit log each below a location, for instance in S3, where many machines share them.
    /// Experiments and runs stay in the database of the URL. The artifacts, those of runs too, lie in `artifacts`
    /// below the location, unless [`artifacts`](Self::artifacts) says otherwise.
    pub fn models_at(mut self, location: Location) -> Self {
        self.models = Some(location);
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
    /// beside it do not open, [`Error::Log`] if the location of the models cannot hold logs, [`Error::Busy`] or [`Error::Database`] if the database does not answer.
    pub fn open(self) -> Result<Registry> {
        let actor = match &self.actor {
            Some(actor) => actor.clone(),
            None => Principal::new("mlops")?,
        };
        let now = self.clock.now();
        if self.url == Self::MEMORY {
            let database = Arc::new(Database::memory(now)?);
            let models = self.models(&database)?;
            let store = match self.store()? {
                Some(store) => store,
                None => ArtifactStore::memory(),
            };
            return Ok(Registry::new(database, models, store, self.clock, actor));
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
        let database = Arc::new(Database::file(&path, self.durability, now)?);
        let models = self.models(&database)?;
        let store = match self.store()? {
            Some(store) => store,
            None => beside(directory)?,
        };
        Ok(Registry::new(database, models, store, self.clock, actor))
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
