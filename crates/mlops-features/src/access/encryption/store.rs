//! An online store whose states are sealed.

use std::sync::Arc;

use super::{Sealer, sealer::Place};
use crate::{
    Result,
    online::{Change, Decide, Found, OnlineStore, StoreKey, TableId},
};

/// Any online store with what it keeps encrypted: the store sees names of tables and keys, and of the states only
/// how long they are.
///
/// A state opens only under the table and key that it was written for. It keeps the contract of the store that
/// it wraps, and the same conformance suite runs on it.
///
/// ```
/// use std::sync::Arc;
/// use mlops_features::{KeyRing, Sealer, SealedStore, SecretKey, online::{MemoryStore, OnlineStore}};
///
/// let ring = KeyRing::new().with("2026", SecretKey::new([1; 32]))?;
/// let sealer = Arc::new(Sealer::new(&ring, "2026")?);
/// let store = SealedStore::new(Arc::new(MemoryStore::new()), sealer);
/// assert_eq!(store.kind(), "memory");
/// # Ok::<(), mlops_features::Error>(())
/// ```
///
/// To move to another key, put both on the ring, make the new one current, and write each state again; until then
/// the old states open.
#[derive(Debug, Clone)]
pub struct SealedStore {
    inner: Arc<dyn OnlineStore>,
    sealer: Arc<Sealer>,
}

impl SealedStore {
    /// A store whose states are sealed on the way in and opened on the way out.
    pub fn new(inner: Arc<dyn OnlineStore>, sealer: Arc<Sealer>) -> Self {
        Self { inner, sealer }
    }

    fn open(
        &self,
        table: &TableId,
        key: &StoreKey,
        found: Option<&[u8]>,
    ) -> Result<Option<Vec<u8>>> {
        let place = Place::table(table.as_str(), key.as_bytes());
        found
            .map(|sealed| self.sealer.open_at(&place, sealed))
            .transpose()
    }
}

impl OnlineStore for SealedStore {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn is_durable(&self) -> bool {
        self.inner.is_durable()
    }

    fn read(&self, table: &TableId, keys: &[StoreKey], found: &mut Found<'_>) -> Result<()> {
        self.inner.read(table, keys, &mut |at, bytes| {
            found(at, self.open(table, &keys[at], bytes)?.as_deref())
        })
    }

    fn update(&self, table: &TableId, keys: &[StoreKey], decide: &mut Decide<'_>) -> Result<()> {
        self.inner.update(table, keys, &mut |at, bytes| {
            let known = self.open(table, &keys[at], bytes)?;
            Ok(match decide(at, known.as_deref())? {
                Change::Keep => Change::Keep,
                Change::Put(state) => {
                    let place = Place::table(table.as_str(), keys[at].as_bytes());
                    Change::Put(self.sealer.seal_at(&place, &state)?)
                }
            })
        })
    }

    fn remove(&self, table: &TableId, keys: &[StoreKey]) -> Result<u64> {
        self.inner.remove(table, keys)
    }

    fn clear(&self, table: &TableId) -> Result<()> {
        self.inner.clear(table)
    }

    fn keys(&self, table: &TableId) -> Result<Vec<StoreKey>> {
        self.inner.keys(table)
    }
}
