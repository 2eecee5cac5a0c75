//! A store as one principal sees it.

use std::collections::BTreeMap;

use mlops_core::{EntityKey, EventTime, Lineage, Table, TrainingSet, Value};

use super::Guard;
use crate::{FeatureService, FeatureStore, FeatureView, OnlineRow, Result, store::SPINE};

/// The reading half of a [`FeatureStore`] under a [`Guard`]: nothing is computed before it is allowed.
#[derive(Debug, Clone)]
pub struct GuardedStore {
    store: FeatureStore,
    guard: Guard,
}

impl FeatureStore {
    /// The store as the guard's principal sees it.
    pub fn guarded(&self, guard: Guard) -> GuardedStore {
        GuardedStore {
            store: self.clone(),
            guard,
        }
    }
}

impl GuardedStore {
    /// Who sees it so.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// The views of which the principal may read something, each with the columns that it may: definitions as such
    /// would show what else there is.
    pub fn views(&self) -> Vec<(String, Vec<String>)> {
        let views = self.store.views();
        let visible = views.iter().filter_map(|view: &FeatureView| {
            let columns = self.guard.visible(view);
            let columns: Vec<String> = columns.into_iter().map(str::to_owned).collect();
            (!columns.is_empty()).then(|| (view.name().to_string(), columns))
        });
        visible.collect()
    }

    /// [`FeatureStore::join`] for what the principal may read.
    ///
    /// # Errors
    /// [`Error::AccessDenied`](crate::Error::AccessDenied) before anything is read, and those of the unguarded call.
    pub fn join(&self, service: &FeatureService, spine: &Table) -> Result<Table> {
        let permit = self.guard.check(service, &self.store.views())?;
        permit.table(&self.store.join(service, spine)?, spine.schema())
    }

    /// [`FeatureStore::training_set`] for what the principal may read.
    ///
    /// The lineage names the content of those views alone that the principal may read whole.
    ///
    /// # Errors
    /// [`Error::AccessDenied`](crate::Error::AccessDenied) before anything is read, and those of the unguarded call.
    pub fn training_set(&self, service: &FeatureService, spine: &Table) -> Result<TrainingSet> {
        let permit = self.guard.check(service, &self.store.views())?;
        let set = self.store.training_set(service, spine)?;
        let table = permit.table(set.table(), spine.schema())?;
        let mut lineage: Lineage = set.lineage().clone();
        lineage
            .data
            .retain(|name, _| name == SPINE || permit.shows_digest_of(name));
        Ok(TrainingSet::new(table, lineage)?)
    }

    /// [`FeatureStore::online`] for what the principal may read.
    ///
    /// # Errors
    /// [`Error::AccessDenied`](crate::Error::AccessDenied) before anything is read, and those of the unguarded call.
    pub fn online(
        &self,
        service: &FeatureService,
        key: &EntityKey,
        at: EventTime,
    ) -> Result<OnlineRow> {
        self.online_with(service, key, at, &BTreeMap::new())
    }

    /// [`FeatureStore::online_with`] for what the principal may read.
    ///
    /// # Errors
    /// [`Error::AccessDenied`](crate::Error::AccessDenied) before anything is read, and those of the unguarded call.
    pub fn online_with(
        &self,
        service: &FeatureService,
        key: &EntityKey,
        at: EventTime,
        request: &BTreeMap<String, Value>,
    ) -> Result<OnlineRow> {
        let permit = self.guard.check(service, &self.store.views())?;
        permit.row(self.store.online_with(service, key, at, request)?)
    }

    /// [`FeatureStore::online_batch`] for what the principal may read, a row a key.
    ///
    /// # Errors
    /// [`Error::AccessDenied`](crate::Error::AccessDenied) before anything is read, and those of the unguarded call.
    pub fn online_batch(
        &self,
        service: &FeatureService,
        keys: &[EntityKey],
        at: EventTime,
    ) -> Result<Vec<OnlineRow>> {
        let permit = self.guard.check(service, &self.store.views())?;
        let batch = self.store.online_batch(service, keys, at)?;
        batch.rows().map(|row| permit.row(row.to_row())).collect()
    }
}
