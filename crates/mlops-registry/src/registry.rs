//! The registry itself: one database, one artifact store, a clock and an actor, shared by clones.
//!
//! The methods live beside what they are about: runs in `run.rs`, versions in `version.rs`, stages in
//! `stage.rs`, promotion in `promotion.rs`, the audit trail in `audit.rs`.

use std::{fmt, sync::Arc};

use mlops_core::{Clock, Digest, EventTime, Principal};
use mlops_store::ArtifactStore;

use crate::{Error, RegistryBuilder, Result, database::Database};

/// Experiments, models and their history. Clones share one registry, from any number of threads;
/// any number of processes may open the same file.
#[derive(Clone)]
pub struct Registry {
    shared: Arc<Shared>,
    actor: Principal,
}

struct Shared {
    database: Database,
    store: ArtifactStore,
    clock: Arc<dyn Clock>,
}

impl Registry {
    pub(crate) fn new(
        database: Database,
        store: ArtifactStore,
        clock: Arc<dyn Clock>,
        actor: Principal,
    ) -> Self {
        let shared = Arc::new(Shared {
            database,
            store,
            clock,
        });
        Self { shared, actor }
    }

    /// Opens `sqlite://<file>` with artifacts in `artifacts` beside the file; makes both if they are
    /// not there. `sqlite:///var/lib/mlops.db` is an absolute path, `sqlite://mlops.db` a relative one.
    ///
    /// # Errors
    /// As for [`RegistryBuilder::open`].
    pub fn open(url: impl Into<String>) -> Result<Self> {
        Self::builder(url).open()
    }

    /// A registry that lives as long as its last clone.
    ///
    /// # Errors
    /// [`Error::Database`] if SQLite does not start.
    pub fn memory() -> Result<Self> {
        Self::builder(RegistryBuilder::MEMORY).open()
    }

    /// Opens a registry with a clock, an actor or a durability of one's own. The URL is that of
    /// [`open`](Self::open), or `memory://`.
    pub fn builder(url: impl Into<String>) -> RegistryBuilder {
        RegistryBuilder::new(url)
    }

    /// The same registry for another actor: what is done through it is done in that name.
    #[must_use]
    pub fn acting_as(&self, actor: Principal) -> Self {
        Self {
            shared: self.shared.clone(),
            actor,
        }
    }

    /// Who acts through this handle.
    pub fn actor(&self) -> &Principal {
        &self.actor
    }

    /// The artifact store beside the database.
    pub fn store(&self) -> &ArtifactStore {
        &self.shared.store
    }

    pub(crate) fn database(&self) -> &Database {
        &self.shared.database
    }

    pub(crate) fn now(&self) -> EventTime {
        self.shared.clock.now()
    }

    /// Keeps bytes; the name is for the message only.
    pub(crate) fn keep(&self, artifact: &str, bytes: &[u8]) -> Result<Digest> {
        self.store().put(bytes).map_err(|source| Error::NotKept {
            artifact: artifact.to_owned(),
            source: Box::new(source),
        })
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("database", &self.shared.database)
            .field("store", &self.shared.store)
            .field("actor", &self.actor)
            .finish_non_exhaustive()
    }
}
