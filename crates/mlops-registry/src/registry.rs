//! The registry itself: one database, one artifact store, a clock and an actor, shared by clones.
//!
//! The methods live beside what they are about: runs in `run.rs`, versions in `version.rs`, stages in
//! `stage.rs`, promotion in `promotion.rs`, requests and policy in `governance/`, the audit trail in `audit/`.

use std::{fmt, sync::Arc};

use mlops_core::{Action, Clock, Digest, EventTime, ModelName, Principal};
use mlops_store::ArtifactStore;
use rusqlite::Transaction;

use crate::{
    Error, Policy, RegistryBuilder, Result,
    backend::{Committed, Decide, ModelBackend},
    database::Database,
    state::ModelState,
    tracking::{
        Reach, RunLogs,
        ops::{Mode, Op},
    },
    webhook::Sealing,
};

/// Experiments, models and their history. Clones share one registry, from any number of threads;
/// any number of processes may open the same file.
#[derive(Clone)]
pub struct Registry {
    shared: Arc<Shared>,
    actor: Principal,
}

struct Shared {
    database: Arc<Database>,
    models: Box<dyn ModelBackend>,
    /// Where runs lie in logs at a location, and the database is an index of them.
    runs: Option<RunLogs>,
    store: ArtifactStore,
    clock: Arc<dyn Clock>,
    sealing: Sealing,
}

impl Registry {
    /// The name under which the audit trail tells of the registry as a whole, for instance of its policy. No model
    /// can be made with it.
    pub const ITSELF: &'static str = ".registry";

    pub(crate) fn new(
        database: Arc<Database>,
        models: Box<dyn ModelBackend>,
        runs: Option<RunLogs>,
        store: ArtifactStore,
        clock: Arc<dyn Clock>,
        actor: Principal,
        sealing: Sealing,
    ) -> Self {
        let shared = Arc::new(Shared {
            database,
            models,
            runs,
            store,
            clock,
            sealing,
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

    pub(crate) fn sealing(&self) -> &Sealing {
        &self.shared.sealing
    }

    /// Whether other machines may change the models too, since they lie at a location that machines share.
    pub fn models_are_shared(&self) -> bool {
        self.models_backend().is_shared()
    }

    /// Where runs lie, if not in the database.
    pub(crate) fn run_logs(&self) -> Option<&RunLogs> {
        self.shared.runs.as_ref()
    }

    /// Writes of tracking: to the database, or to the log that the op belongs to and then to the index.
    pub(crate) fn track<O: Op>(&self, op: O) -> Result<O::Answer> {
        match self.run_logs() {
            None => self
                .database()
                .write_grouped(move |tx| op.apply(tx, Mode::Decide)),
            Some(logs) => logs.commit(op),
        }
    }

    /// Reads of tracking: one state of the database, which holds what others have acknowledged.
    pub(crate) fn look<T>(
        &self,
        reach: Reach<'_>,
        work: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        if let Some(logs) = self.run_logs() {
            logs.refresh(reach)?;
        }
        self.database().read(work)
    }

    /// Reads everything that others have acknowledged, however short a while ago it was last done.
    pub(crate) fn catch_up(&self) -> Result<()> {
        self.run_logs().map_or(Ok(()), RunLogs::catch_up)
    }

    pub(crate) fn now(&self) -> EventTime {
        self.shared.clock.now()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.shared.clock
    }

    pub(crate) fn models_backend(&self) -> &dyn ModelBackend {
        &*self.shared.models
    }

    pub(crate) fn itself() -> ModelName {
        ModelName::new(Self::ITSELF).expect("a name")
    }

    /// The state of a model that must be there and that the actor may read.
    pub(crate) fn state(&self, model: &ModelName) -> Result<Arc<ModelState>> {
        let seen = self.models_backend().see(model)?;
        if let Some(policy) = &seen.policy {
            policy.allow(&self.actor, Action::Read, model)?;
        }
        match seen.state {
            Some(state) if state.deleted.is_none() && state.name == *model => Ok(state),
            _ => Err(Error::UnknownModel {
                model: model.clone(),
            }),
        }
    }

    pub(crate) fn may_read(&self, model: &ModelName) -> Result<()> {
        match self.policy()? {
            Some(policy) => policy.allow(&self.actor, Action::Read, model),
            None => Ok(()),
        }
    }

    /// The policy in force, if there is one.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`].
    pub fn policy(&self) -> Result<Option<Arc<Policy>>> {
        Ok(self.models_backend().see(&Self::itself())?.policy)
    }

    pub(crate) fn commit(&self, model: &ModelName, decide: &mut Decide<'_>) -> Result<Committed> {
        let clock = &*self.shared.clock;
        self.models_backend()
            .commit(model, &self.actor, clock, decide)
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
            .field("models", &self.shared.models)
            .field("runs", &self.shared.runs)
            .field("store", &self.shared.store)
            .field("actor", &self.actor)
            .finish_non_exhaustive()
    }
}
