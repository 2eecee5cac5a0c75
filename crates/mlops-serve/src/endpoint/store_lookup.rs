//! Looks features up in a feature store, by the code and the state that built the training set.

use std::collections::BTreeMap;

use mlops_core::{Digest, EntityKey, EventTime, KeyPart, Value};
use mlops_features::{FeatureService, FeatureStore};
use mlops_model::InputKind;

use super::{FeatureLookup, KeyColumn};
use crate::{Error, Result};

/// The features of a service, read online from a store.
#[derive(Debug)]
pub struct StoreLookup {
    store: FeatureStore,
    service: FeatureService,
    key_columns: Vec<KeyColumn>,
    features: Vec<String>,
    definitions: BTreeMap<String, Digest>,
}

impl StoreLookup {
    /// Takes a store and a service over views that are registered in it.
    ///
    /// # Errors
    /// [`Error::Features`] if the store lacks a view of the service or has another definition of it,
    /// [`Error::InvalidSetting`] if a key column is no whole number, text or boolean.
    pub fn new(store: FeatureStore, service: FeatureService) -> Result<Self> {
        let key_columns = service.keys().iter().map(|(name, data_type)| {
            let kind = InputKind::of(data_type).ok_or_else(|| Error::InvalidSetting {
                setting: "features",
                reason: format!("key column `{name}` is {data_type}"),
            })?;
            Ok(KeyColumn {
                name: name.clone(),
                kind,
            })
        });
        let key_columns = key_columns.collect::<Result<Vec<_>>>()?;
        // a read for an entity that nobody has finds out whether every view is there
        let nobody = key_columns.iter().map(|column| match column.kind {
            InputKind::Str => KeyPart::from(""),
            InputKind::Bool => KeyPart::from(false),
            InputKind::Int
            | InputKind::Float
            | InputKind::Floats { .. }
            | InputKind::Ints { .. } => KeyPart::from(0),
        });
        store.online(&service, &EntityKey::new(nobody), EventTime::MIN)?;
        let features = service.features().iter();
        Ok(Self {
            features: features
                .clone()
                .map(|feature| feature.name().to_string())
                .collect(),
            definitions: features
                .map(|feature| (feature.name().to_string(), feature.digest()))
                .collect(),
            key_columns,
            store,
            service,
        })
    }
}

impl FeatureLookup for StoreLookup {
    fn key_columns(&self) -> &[KeyColumn] {
        &self.key_columns
    }

    fn features(&self) -> &[String] {
        &self.features
    }

    fn definitions(&self) -> &BTreeMap<String, Digest> {
        &self.definitions
    }

    fn lookup(&self, key: &EntityKey, at: EventTime) -> Result<Vec<Value>> {
        let row = self.store.online(&self.service, key, at)?;
        Ok(row.values.into_iter().map(|(_, value)| value).collect())
    }
}
