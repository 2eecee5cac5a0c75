//! An online store in the memory of the process: the fastest one, gone when the process ends.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use hashbrown::HashMap;

use super::{
    StoreKey,
    store::{Change, Decide, Found, OnlineStore, TableId},
};
use crate::Result;

/// Writers of different keys seldom wait for each other, and readers wait for a write of their shard only.
const SHARDS: usize = 64;

/// States by table and key in memory; a clone shares them.
///
/// ```
/// use mlops_features::online::{MemoryStore, OnlineStore};
///
/// assert!(!MemoryStore::new().is_durable());
/// ```
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    tables: Arc<RwLock<BTreeMap<TableId, Arc<Shards>>>>,
}

type Shard = HashMap<StoreKey, Box<[u8]>>;

#[derive(Debug)]
struct Shards(Vec<RwLock<Shard>>);

impl Shards {
    fn of(&self, key: &StoreKey) -> &RwLock<Shard> {
        // only spreads keys over locks, so it need not be strong
        let step = |hash: usize, byte: &u8| (hash ^ usize::from(*byte)).wrapping_mul(0x0100_0193);
        let hash = key.as_bytes().iter().fold(0x811c_9dc5, step);
        &self.0[(hash >> 8) % SHARDS]
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn table(&self, table: &TableId) -> Option<Arc<Shards>> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        tables.get(table).cloned()
    }

    fn table_or_new(&self, table: &TableId) -> Arc<Shards> {
        if let Some(known) = self.table(table) {
            return known;
        }
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let shards = tables
            .entry(table.clone())
            .or_insert_with(|| Arc::new(Shards((0..SHARDS).map(|_| RwLock::default()).collect())));
        Arc::clone(shards)
    }
}

// A panic under a lock is a bug of ours, and each entry of a map is whole before and after it.
fn open(shard: &RwLock<Shard>) -> RwLockReadGuard<'_, Shard> {
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

impl OnlineStore for MemoryStore {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn is_durable(&self) -> bool {
        false
    }

    fn read(&self, table: &TableId, keys: &[StoreKey], found: &mut Found<'_>) -> Result<()> {
        let table = self.table(table);
        for (at, key) in keys.iter().enumerate() {
            match &table {
                Some(shards) => found(at, open(shards.of(key)).get(key).map(AsRef::as_ref))?,
                None => found(at, None)?,
            }
        }
        Ok(())
    }

    fn update(&self, table: &TableId, keys: &[StoreKey], decide: &mut Decide<'_>) -> Result<()> {
        let shards = self.table_or_new(table);
        for (at, key) in keys.iter().enumerate() {
            let shard = shards.of(key).write();
            let mut shard = shard.unwrap_or_else(PoisonError::into_inner);
            match shard.get_mut(key) {
                Some(known) => {
                    if let Change::Put(bytes) = decide(at, Some(known))? {
                        *known = bytes.into();
                    }
                }
                None => {
                    if let Change::Put(bytes) = decide(at, None)? {
                        shard.insert(key.clone(), bytes.into());
                    }
                }
            }
        }
        Ok(())
    }

    fn remove(&self, table: &TableId, keys: &[StoreKey]) -> Result<u64> {
        let Some(shards) = self.table(table) else {
            return Ok(0);
        };
        let removed = keys.iter().filter(|key| {
            let shard = shards.of(key).write();
            let mut shard = shard.unwrap_or_else(PoisonError::into_inner);
            shard.remove(*key).is_some()
        });
        Ok(removed.count() as u64)
    }

    fn clear(&self, table: &TableId) -> Result<()> {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        tables.remove(table);
        Ok(())
    }

    fn keys(&self, table: &TableId) -> Result<Vec<StoreKey>> {
        let Some(shards) = self.table(table) else {
            return Ok(Vec::new());
        };
        let each = shards.0.iter();
        Ok(each
            .flat_map(|shard| open(shard).keys().cloned().collect::<Vec<_>>())
            .collect())
    }
}
