//! Online reads of a feature store: from its online store, or from its whole history.

use std::collections::BTreeMap;

use mlops_core::{EntityKey, EventTime, Value};

use crate::{
    Error, FeatureService, FeatureStore, OnlineBatch, OnlineRow, Result,
    entity::KeyType,
    index::ViewIndex,
    join::{self, Answer},
    online::{self, Cell, OnlineTable},
    plan::Group,
    service::quoted,
    transform,
};

impl FeatureStore {
    /// The features of one key at one instant: bit for bit what [`join`](Self::join) gives for that row.
    ///
    /// They come from the online store, if the store was [built](Self::builder) with one, as it is now: rows
    /// that are in the history alone are seen once they are [materialised](Self::materialize).
    ///
    /// # Errors
    /// [`Error::UnknownView`], [`Error::DuplicateView`], [`Error::KeyShape`] if the key does not have a part
    /// of the right type for each of [`FeatureService::keys`], [`Error::SumOverflow`], and those of an online
    /// store.
    ///
    /// # Complexity
    /// Per view a hash lookup and a binary search, and, per field and window, one pass over the key's events in
    /// that window.
    pub fn online(
        &self,
        service: &FeatureService,
        key: &EntityKey,
        at: EventTime,
    ) -> Result<OnlineRow> {
        self.online_with(service, key, at, &BTreeMap::new())
    }

    /// The features of one key at one instant, with the request data that its transforms read.
    ///
    /// Every request column of the service must be there, if only as null; other entries are left alone. A
    /// whole number serves for a `Float64`, an RFC 3339 text for an instant.
    ///
    /// # Errors
    /// Those of [`online`](Self::online); [`Error::MissingRequest`], [`Error::RequestType`];
    /// [`Error::TransformFailed`] if a transform has no value.
    ///
    /// A transform that rests on a feature which the online store does not reach back to is null and
    /// [`NotRetained`](crate::Status::NotRetained) itself, whatever it makes of nulls.
    pub fn online_with(
        &self,
        service: &FeatureService,
        key: &EntityKey,
        at: EventTime,
        request: &BTreeMap<String, Value>,
    ) -> Result<OnlineRow> {
        let request = transform::check_request(service, request)?;
        let batch = self.online_batch(service, std::slice::from_ref(key), at)?;
        transform::apply_row(service, batch.into_row(), key, at, request)
    }

    /// The rows of several keys at one instant, each with its own request data, in the order of the keys.
    ///
    /// # Errors
    /// Those of [`online_with`](Self::online_with), and [`Error::RequestCount`] unless there is one request a
    /// key.
    pub fn online_batch_with(
        &self,
        service: &FeatureService,
        keys: &[EntityKey],
        at: EventTime,
        requests: &[BTreeMap<String, Value>],
    ) -> Result<Vec<OnlineRow>> {
        if keys.len() != requests.len() {
            return Err(Error::RequestCount {
                keys: keys.len(),
                requests: requests.len(),
            });
        }
        let requests = requests
            .iter()
            .map(|r| transform::check_request(service, r));
        let requests = requests.collect::<Result<Vec<_>>>()?;
        let batch = self.online_batch(service, keys, at)?;
        let rows = keys.iter().zip(requests).enumerate();
        rows.map(|(row, (key, request))| {
            transform::apply_row(service, batch.row(row).to_row(), key, at, request)
        })
        .collect()
    }

    /// The features of keys at one instant, in the order of the keys; a key that is there twice is read once.
    ///
    /// These are the features that the views hold. Transforms, which may read a request, are added by
    /// [`online_with`](Self::online_with), key by key.
    ///
    /// # Errors
    /// Those of [`online`](Self::online).
    pub fn online_batch(
        &self,
        service: &FeatureService,
        keys: &[EntityKey],
        at: EventTime,
    ) -> Result<OnlineBatch> {
        if let Some(online) = &self.inner.online {
            let tables = self.tables(service)?;
            return online::read(online.as_ref(), &tables, service, keys, at);
        }
        keys.iter().try_for_each(|key| check_key(service, key))?;
        let features = service.features();
        let mut batch = OnlineBatch::new(service, keys.len(), at);
        let (mut answers, mut ids) = (Vec::new(), Vec::with_capacity(keys.len()));
        for group in service.groups() {
            let shelf = self.resolve(&group.view)?;
            let index = shelf.read();
            answers.clear();
            answers.resize(group.slots, Answer::NOTHING);
            // all keys are looked up first: one memory access then does not wait for another
            ids.clear();
            ids.extend(keys.iter().map(|key| group_id(group, key, &index)));
            for (position, id) in ids.iter().enumerate() {
                let rows = id.map(|id| index.rows(id));
                let micros = at.micros();
                join::evaluate(group, &index, rows.as_ref(), micros, &mut answers).map_err(
                    |slot| join::overflow(join::feature_of(service, group, slot), micros),
                )?;
                for (answer, place) in answers.iter().zip(&group.features) {
                    let words = features[*place]
                        .field_at()
                        .map(|field| index.dictionary(field));
                    let cell = Cell {
                        value: join::to_value(&answer.scalar, words),
                        status: answer.status,
                        time: answer.time,
                    };
                    batch.put(position, *place, cell);
                }
            }
        }
        Ok(batch)
    }

    /// The places of a service's views in the online store.
    fn tables(&self, service: &FeatureService) -> Result<Vec<OnlineTable>> {
        let mut tables: Vec<OnlineTable> = Vec::with_capacity(service.groups().len());
        for group in service.groups() {
            if !tables.iter().any(|table| *table.view() == group.view) {
                tables.extend(self.resolve(&group.view)?.table());
            }
        }
        Ok(tables)
    }
}

pub(crate) fn check_key(service: &FeatureService, key: &EntityKey) -> Result<()> {
    let keys = service.keys();
    let shape = |reason: String| {
        let entity = service.features()[0].view().entity().name();
        Err(Error::KeyShape {
            entity: entity.to_string(),
            key: key.to_string(),
            reason,
        })
    };
    if key.parts().len() != keys.len() {
        let columns = quoted(keys.iter().map(|(column, _)| column.as_str()));
        return shape(format!("the key columns are {columns}"));
    }
    for (part, (column, data_type)) in key.parts().iter().zip(keys) {
        if !KeyType::of(data_type).is_some_and(|kind| kind.fits(part)) {
            return shape(format!("`{column}` must be {data_type}"));
        }
    }
    Ok(())
}

fn group_id(group: &Group, key: &EntityKey, index: &ViewIndex) -> Option<u32> {
    let whole = group.parts.iter().copied().eq(0..key.parts().len());
    if whole {
        return index.keys().get(key);
    }
    let parts = group.parts.iter().map(|at| key.parts()[*at].clone());
    index.keys().get(&EntityKey::new(parts))
}
