//! Typed entity keys as dense ids.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use hashbrown::HashMap;
use mlops_core::{EntityKey, KeyPart};

use super::StagedKeys;
use crate::{
    Entity, Result,
    entity::{KeyColumns, KeyType, decode, encode},
};

/// Ids in order of arrival; the maps are looked up and never walked in their own order.
#[derive(Debug, Clone)]
pub(crate) struct KeyIndex {
    types: Vec<KeyType>,
    ids: Ids,
}

#[derive(Debug, Clone)]
enum Ids {
    /// One key column of whole numbers.
    Int(HashMap<i64, u32>),
    /// Any other key, by its encoded bytes: no key is allocated to look one up.
    Any(HashMap<Box<[u8]>, u32>),
}

impl KeyIndex {
    pub(crate) fn new(entity: &Entity) -> Self {
        let types: Vec<KeyType> = entity.key_types().collect();
        let ids = if types == [KeyType::Int] {
            Ids::Int(HashMap::new())
        } else {
            Ids::Any(HashMap::new())
        };
        Self { types, ids }
    }

    pub(crate) fn len(&self) -> u32 {
        let len = match &self.ids {
            Ids::Int(ids) => ids.len(),
            Ids::Any(ids) => ids.len(),
        };
        u32::try_from(len).expect("an id was given to each")
    }

    /// The id of a key, if it has one.
    pub(crate) fn get(&self, key: &EntityKey) -> Option<u32> {
        match &self.ids {
            Ids::Int(ids) => match key.parts() {
                [KeyPart::Int(key)] => ids.get(key).copied(),
                _ => None,
            },
            Ids::Any(ids) => {
                let mut bytes = Vec::with_capacity(64);
                encode(key, &mut bytes);
                ids.get(bytes.as_slice()).copied()
            }
        }
    }

    /// The id of each staged row's key; a key without one gets the next.
    ///
    /// The shared index is copied only if there is such a key.
    pub(crate) fn admit(index: &mut Arc<Self>, keys: &StagedKeys) -> Vec<u32> {
        let mut out = Vec::with_capacity(keys.len());
        match (keys, &index.ids) {
            (StagedKeys::Int(values), Ids::Int(ids)) => {
                known(values.iter(), &mut out, |key| ids.get(key).copied());
            }
            (StagedKeys::Any { .. }, Ids::Any(ids)) => {
                known(keys.bytes(), &mut out, |key| ids.get(key).copied());
            }
            _ => unreachable!("keys are staged for the view's own entity"),
        }
        if out.len() == keys.len() {
            return out;
        }
        let new = out.len();
        match (keys, &mut Arc::make_mut(index).ids) {
            (StagedKeys::Int(values), Ids::Int(ids)) => {
                known(values[new..].iter(), &mut out, |key| {
                    let next = next_id(ids.len());
                    Some(*ids.entry(*key).or_insert(next))
                });
            }
            (_, Ids::Any(ids)) => known(keys.bytes().skip(new), &mut out, |key| {
                if let Some(id) = ids.get(key) {
                    return Some(*id);
                }
                let next = next_id(ids.len());
                Some(*ids.entry(key.into()).or_insert(next))
            }),
            _ => unreachable!("keys are staged for the view's own entity"),
        }
        out
    }

    /// The id of each staged row's key, if it has one.
    pub(crate) fn find(&self, keys: &StagedKeys) -> Vec<Option<u32>> {
        match (keys, &self.ids) {
            (StagedKeys::Int(values), Ids::Int(ids)) => {
                values.iter().map(|key| ids.get(key).copied()).collect()
            }
            (StagedKeys::Any { .. }, Ids::Any(ids)) => {
                keys.bytes().map(|key| ids.get(key).copied()).collect()
            }
            _ => unreachable!("keys are staged for the view's own entity"),
        }
    }

    /// The id of each row's key; `None` where the key is null or not known.
    ///
    /// # Errors
    /// [`mlops_core::Error::Unrepresentable`] with column and row of a value that can be no such key.
    pub(crate) fn lookup(
        &self,
        names: &[&str],
        columns: &[ArrayRef],
        rows: usize,
    ) -> Result<Vec<Option<u32>>> {
        let columns = KeyColumns::new(&self.types, names, columns)?;
        Ok(match &self.ids {
            Ids::Int(ids) => {
                let column = columns.whole().expect("one key column of whole numbers");
                let values = column.values();
                let id = |row: usize| {
                    column
                        .is_valid(row)
                        .then(|| ids.get(&values[row]).copied())?
                };
                (0..rows).map(id).collect()
            }
            Ids::Any(ids) => {
                let mut bytes = Vec::new();
                let id = |row: usize| {
                    columns.is_valid(row).then_some(())?;
                    bytes.clear();
                    columns.encode(row, &mut bytes);
                    ids.get(bytes.as_slice()).copied()
                };
                (0..rows).map(id).collect()
            }
        })
    }

    /// All keys in order, with their ids.
    pub(crate) fn sorted(&self) -> Vec<(EntityKey, u32)> {
        let mut keys: Vec<(EntityKey, u32)> = match &self.ids {
            Ids::Int(ids) => {
                let mut keys: Vec<(i64, u32)> = ids.iter().map(|(key, id)| (*key, *id)).collect();
                keys.sort_unstable();
                let keys = keys.into_iter().map(|(key, id)| (key.into(), id));
                return keys.collect();
            }
            Ids::Any(ids) => ids.iter().map(|(key, id)| (decode(key), *id)).collect(),
        };
        keys.sort_unstable();
        keys
    }
}

fn next_id(keys: usize) -> u32 {
    u32::try_from(keys).expect("memory ends before 2^32 keys")
}

/// Pushes the id of each key until one has none; neighbours often share a key, which is then asked once.
fn known<K: PartialEq + Copy>(
    keys: impl Iterator<Item = K>,
    out: &mut Vec<u32>,
    mut id: impl FnMut(K) -> Option<u32>,
) {
    let mut before: Option<(K, u32)> = None;
    for key in keys {
        let found = match before {
            Some((same, id)) if same == key => id,
            _ => match id(key) {
                Some(id) => id,
                None => return,
            },
        };
        before = Some((key, found));
        out.push(found);
    }
}
