//! How a feature store is put together: memory or a directory, with or without an online store.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use mlops_core::{Clock, Digest, Span, SystemClock};

use crate::{
    Durability, FeatureService, FeatureStore, Result, offline::Directory, online::OnlineStore,
    store::Inner,
};

/// Collects the parts of a [`FeatureStore`].
///
/// ```
/// use std::sync::Arc;
/// use mlops_features::{*, online::MemoryStore};
///
/// # let dir = tempfile::tempdir().unwrap();
/// let store = FeatureStore::builder()
///     .directory(dir.path())
///     .durability(Durability::Process)
///     .online(Arc::new(MemoryStore::new()))
///     .build()?;
/// assert!(FeatureStore::open(dir.path()).is_err()); // one store at a time
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a store is made by `build`"]
pub struct FeatureStoreBuilder {
    directory: Option<PathBuf>,
    durability: Durability,
    online: Option<Arc<dyn OnlineStore>>,
    keep: Option<Span>,
    services: Vec<FeatureService>,
    clock: Arc<dyn Clock>,
}

impl Default for FeatureStoreBuilder {
    fn default() -> Self {
        Self {
            directory: None,
            durability: Durability::default(),
            online: None,
            keep: None,
            services: Vec::new(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// Tells stores of one process apart that were made at the same instant.
static MADE: AtomicU64 = AtomicU64::new(0);

impl FeatureStoreBuilder {
    /// A directory that keeps all events; without one they are gone with the process.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// What an acknowledged push survives, [`Durability::Disk`] unless said otherwise.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Where online reads are answered from, instead of from the whole history.
    pub fn online(mut self, online: Arc<dyn OnlineStore>) -> Self {
        self.online = Some(online);
        self
    }

    /// How long before a key's newest event an instant may lie and still be answered online; see
    /// [`OnlineTable::keep`](crate::online::OnlineTable::keep).
    pub fn keep(mut self, keep: Span) -> Self {
        self.keep = Some(keep);
        self
    }

    /// A service whose windows are kept online from the first row on.
    pub fn serving(mut self, service: &FeatureService) -> Self {
        self.services.push(service.clone());
        self
    }

    /// What tells the time of a push or a materialisation; the machine's clock unless said otherwise.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Opens what is to be opened.
    ///
    /// # Errors
    /// [`Error::StoreLocked`](crate::Error::StoreLocked) if another store has the directory open,
    /// [`Error::File`](crate::Error::File), [`Error::DamagedFile`](crate::Error::DamagedFile).
    pub fn build(self) -> Result<FeatureStore> {
        let made = MADE.fetch_add(1, Ordering::Relaxed);
        let origin = Digest::of_json(&(
            ("origin", self.clock.now(), std::process::id(), made),
            &self.directory,
        ));
        let disk = self
            .directory
            .map(|path| Directory::open(&path, self.durability, origin))
            .transpose()?;
        Ok(FeatureStore::from_inner(Inner {
            views: RwLock::default(),
            clock: self.clock,
            online: self.online,
            keep: self.keep,
            sources: Mutex::default(),
            services: RwLock::new(self.services),
            origin: disk.as_ref().map_or(origin, Directory::origin),
            disk,
            next_arrival: AtomicU64::new(1),
        }))
    }
}
