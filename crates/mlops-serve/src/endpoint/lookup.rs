//! Where features come from when a request carries only an entity key.

use std::{collections::BTreeMap, fmt::Debug};

use mlops_core::{Digest, EntityKey, EventTime, Value};
use mlops_model::InputKind;

use crate::{Endpoint, Error, Result, endpoint::version::Serving};

/// One column of the entity key that a request may carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyColumn {
    /// The column's name in a request.
    pub name: String,
    /// The kind of its values: a whole number, a text or a boolean.
    pub kind: InputKind,
}

/// Finds the features of an entity as of an instant.
///
/// Contract: [`lookup`](FeatureLookup::lookup) answers one value for each of
/// [`features`](FeatureLookup::features), in that order; an unknown entity is no error but has null
/// features (or zero counts), as it had in training. The three lists never change.
pub trait FeatureLookup: Debug + Send + Sync {
    /// The columns of the entity key, in the key's order.
    fn key_columns(&self) -> &[KeyColumn];

    /// The names of the features.
    fn features(&self) -> &[String];

    /// The digest of each feature's definition, where there is one: a model that was trained on
    /// another definition of a feature is refused.
    fn definitions(&self) -> &BTreeMap<String, Digest>;

    /// The values of the features as of `at`.
    ///
    /// # Errors
    /// If the key does not fit or the store does not answer.
    fn lookup(&self, key: &EntityKey, at: EventTime) -> Result<Vec<Value>>;
}

/// Which features a request may bring beside an entity key. A request that brings every input is
/// always answered as it stands, and nothing is looked up for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum RequestFeatures {
    /// None: the lookup provides every input.
    #[default]
    Refuse,
    /// Those that the lookup does not provide.
    Complete,
    /// These, and others that replace the looked-up ones.
    Override,
}

impl Endpoint {
    /// Checks that the lookup can feed a version with the features it was trained on.
    pub(super) fn check_features(&self, serving: &Serving) -> Result<()> {
        let Some(lookup) = &self.lookup else {
            return Ok(());
        };
        if self.request_features == RequestFeatures::Refuse {
            let uncovered: Vec<String> = serving
                .signature()
                .inputs()
                .iter()
                .filter(|input| !lookup.features().contains(&input.name))
                .map(|input| format!("`{}`", input.name))
                .collect();
            if !uncovered.is_empty() {
                return Err(Error::Uncovered {
                    model: self.core.model.clone(),
                    version: serving.number,
                    inputs: uncovered.join(", "),
                });
            }
        }
        for (feature, trained) in &serving.lineage.features {
            let used = serving.signature().index_of(feature).is_some();
            if used
                && lookup
                    .definitions()
                    .get(feature)
                    .is_some_and(|serves| serves != trained)
            {
                return Err(Error::FeatureChanged {
                    model: self.core.model.clone(),
                    version: serving.number,
                    feature: feature.clone(),
                });
            }
        }
        Ok(())
    }
}
