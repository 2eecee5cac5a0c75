//! Typed entity keys as dense ids.

use std::collections::HashMap;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::Int64Type,
};
use mlops_core::{EntityKey, KeyPart};

use crate::{Entity, Result, entity::KeyType};

/// Ids in order of arrival; the maps are looked up and never walked in their own order.
#[derive(Debug, Clone)]
pub(crate) enum KeyIndex {
    /// One key column of whole numbers: no key is allocated to look one up.
    Int(HashMap<i64, u32>),
    /// Any other key.
    Any(HashMap<EntityKey, u32>),
}

impl KeyIndex {
    pub(crate) fn new(entity: &Entity) -> Self {
        let types: Vec<KeyType> = entity.key_types().collect();
        if types == [KeyType::Int] {
            Self::Int(HashMap::new())
        } else {
            Self::Any(HashMap::new())
        }
    }

    pub(crate) fn len(&self) -> u32 {
        let len = match self {
            Self::Int(ids) => ids.len(),
            Self::Any(ids) => ids.len(),
        };
        u32::try_from(len).expect("an id was given to each")
    }

    /// The id of a key, if it has one.
    pub(crate) fn get(&self, key: &EntityKey) -> Option<u32> {
        match self {
            Self::Int(ids) => ids.get(whole(key)?).copied(),
            Self::Any(ids) => ids.get(key).copied(),
        }
    }

    /// The id of a key, a new one if it has none.
    pub(crate) fn insert(&mut self, key: &EntityKey) -> u32 {
        let next = self.len();
        match self {
            Self::Int(ids) => {
                let key = whole(key).expect("staged keys have the entity's types");
                *ids.entry(*key).or_insert(next)
            }
            Self::Any(ids) => match ids.get(key) {
                Some(id) => *id,
                None => *ids.entry(key.clone()).or_insert(next),
            },
        }
    }

    /// The id of each row's key; `None` where the key is null or not known.
    pub(crate) fn lookup(
        &self,
        names: &[&str],
        columns: &[ArrayRef],
        rows: usize,
    ) -> Result<Vec<Option<u32>>> {
        match self {
            Self::Int(ids) => {
                let column = columns[0].as_primitive::<Int64Type>();
                let values = column.values();
                Ok((0..rows)
                    .map(|row| {
                        column
                            .is_valid(row)
                            .then(|| ids.get(&values[row]).copied())?
                    })
                    .collect())
            }
            Self::Any(ids) => (0..rows)
                .map(|row| {
                    let key = EntityKey::from_arrays(names, columns, row)?;
                    Ok(key.and_then(|key| ids.get(&key).copied()))
                })
                .collect(),
        }
    }

    /// All keys in order, with their ids.
    pub(crate) fn sorted(&self) -> Vec<(EntityKey, u32)> {
        let mut keys: Vec<(EntityKey, u32)> = match self {
            Self::Int(ids) => ids
                .iter()
                .map(|(key, id)| (EntityKey::from(*key), *id))
                .collect(),
            Self::Any(ids) => ids.iter().map(|(key, id)| (key.clone(), *id)).collect(),
        };
        keys.sort_unstable();
        keys
    }
}

fn whole(key: &EntityKey) -> Option<&i64> {
    match key.parts() {
        [KeyPart::Int(key)] => Some(key),
        _ => None,
    }
}
