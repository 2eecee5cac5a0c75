//! Reading a service: one lookup a view for all keys, then the very code of the offline join.

use std::{cell::RefCell, collections::HashMap};

use mlops_core::{EntityKey, EventTime, Value};

use super::{
    OnlineBatch, OnlineTable, StoreKey,
    answer::Cell,
    state::KeyState,
    store::OnlineStore,
};
use crate::{
    Error, FeatureService, Result, Status,
    index::Rows,
    join::{self, Answer, Scalar},
    plan::Group,
    store::check_key,
    window::Scratch,
};

/// Below so many keys, equal ones are found by comparing.
const FEW: usize = 8;

/// The features of keys at one instant, in the order of the keys; a key that is there twice is read once.
///
/// The TTL is judged here, from the instant that is asked for; no clock is read.
///
/// # Errors
/// [`Error::UnknownView`] if a view of the service has no table among `tables`, [`Error::NotServed`] if a
/// window is longer than its table keeps, [`Error::KeyShape`] if a key does not fit
/// [`FeatureService::keys`], [`Error::OnlineState`] for damaged bytes, [`Error::SumOverflow`], and those of
/// the store.
///
/// # Complexity
/// One read of the store a view; then, for each key, the decoding of its state and what a row of a join costs.
pub fn read(
    store: &dyn OnlineStore,
    tables: &[OnlineTable],
    service: &FeatureService,
    keys: &[EntityKey],
    at: EventTime,
) -> Result<OnlineBatch> {
    keys.iter().try_for_each(|key| check_key(service, key))?;
    let mut batch = OnlineBatch::new(service, keys.len(), at);
    let (first, repeats) = distinct(keys);
    let mut answers = Vec::new();
    for group in service.groups() {
        let table = tables.iter().find(|table| *table.view() == group.view);
        let table = table.ok_or_else(|| Error::UnknownView {
            view: group.view.name().to_string(),
            available: crate::service::quoted(tables.iter().map(|t| t.view().name().as_str())),
        })?;
        check_windows(service, group, table)?;
        let wanted: Vec<StoreKey> = first
            .iter()
            .map(|row| store_key(group, &keys[*row]))
            .collect();
        answers.clear();
        answers.resize(group.features.len(), Answer::NOTHING);
        SCRATCH.with_borrow_mut(|scratch| {
            let state = scratch.of(table);
            let mut fold = Scratch::default();
            store.read(table.id(), &wanted, &mut |position, bytes| {
                if let Some(bytes) = bytes {
                    let damage = |reason| table.damage(&wanted[position], reason);
                    state.decode(table.view(), bytes).map_err(damage)?;
                }
                let known = bytes.map(|_| &*state);
                let micros = at.micros();
                answer(group, table, known, micros, &mut fold, &mut answers)
                    .map_err(|slot| {
                        join::overflow(&service.features()[group.features[slot]], micros)
                    })?;
                for (slot, answer) in answers.iter().enumerate() {
                    let feature = group.features[slot];
                    let field = service.features()[feature].field_at();
                    let value = value(answer.scalar, known, field);
                    let cell = Cell {
                        value,
                        status: answer.status,
                        time: answer.time,
                    };
                    batch.put(first[position], feature, cell);
                }
                Ok(())
            })
        })?;
    }
    for (row, original) in repeats {
        batch.copy(original, row);
    }
    Ok(batch)
}

/// A window that a table does not keep would be answered by a part of its events.
fn check_windows(service: &FeatureService, group: &Group, table: &OnlineTable) -> Result<()> {
    let kept = table.longest_window();
    let longer = group.features.iter().map(|at| &service.features()[*at]);
    let mut longer = longer.filter(|feature| feature.window().is_some_and(|w| w > kept));
    match longer.next() {
        None => Ok(()),
        Some(feature) => Err(Error::NotServed {
            feature: feature.name().to_string(),
            view: table.view().name().to_string(),
            kept: kept.to_string(),
        }),
    }
}

/// The answers of a group, with those hidden that the state cannot know.
fn answer(
    group: &Group,
    table: &OnlineTable,
    state: Option<&KeyState>,
    at: i64,
    scratch: &mut Scratch,
    out: &mut [Answer],
) -> Result<(), usize> {
    let rows = state.map(|state| Rows {
        block: &state.block,
        range: 0..state.block.len(),
    });
    join::evaluate(group, rows.as_ref(), at, scratch, out)?;
    let covered = table.covered_from();
    let (horizon, floor) = state.map_or((i64::MIN, i64::MIN), |s| (s.horizon, s.floor));
    let oldest = group.view.ttl().map_or(i64::MIN, |ttl| at.saturating_sub(ttl.micros()));
    for (slot, _) in &group.newest {
        // what was never written may be newer than what is found, unless that is newer than all of it
        let newer = out[*slot].time.is_none_or(|time| time < covered);
        if at < horizon || (newer && oldest < covered) {
            out[*slot] = UNKNOWN;
        }
    }
    for aggregates in &group.folds {
        let edge = at.saturating_sub(group.windows[aggregates.window].micros());
        if at < horizon || edge < floor || edge < covered {
            aggregates.slots.iter().for_each(|(slot, _)| out[*slot] = UNKNOWN);
        }
    }
    Ok(())
}

const UNKNOWN: Answer = Answer {
    scalar: Scalar::Null,
    status: Status::NotRetained,
    time: None,
};

fn value(scalar: Scalar, state: Option<&KeyState>, field: Option<usize>) -> Value {
    match (scalar, state, field) {
        (Scalar::Code(code), Some(state), Some(field)) => {
            Value::Str(state.words[field].get(code).to_owned())
        }
        (scalar, _, _) => join::to_value(scalar, None),
    }
}

/// The rows of different keys, and for each other row the one that it repeats.
fn distinct(keys: &[EntityKey]) -> (Vec<usize>, Vec<(usize, usize)>) {
    let (mut first, mut repeats) = (Vec::with_capacity(keys.len()), Vec::new());
    let mut seen: HashMap<&EntityKey, usize> = HashMap::new();
    for (row, key) in keys.iter().enumerate() {
        let known = if keys.len() <= FEW {
            first.iter().copied().find(|at| keys[*at] == *key)
        } else {
            seen.get(key).copied()
        };
        match known {
            Some(original) => repeats.push((row, original)),
            None => {
                if keys.len() > FEW {
                    seen.insert(key, row);
                }
                first.push(row);
            }
        }
    }
    (first, repeats)
}

/// Buffers for decoded states, one a view, reused by all reads of a thread.
#[derive(Default)]
struct Buffers(Vec<(mlops_core::Digest, KeyState)>);

/// More views than that and the oldest buffer is given up.
const BUFFERS: usize = 16;

impl Buffers {
    fn of(&mut self, table: &OnlineTable) -> &mut KeyState {
        let digest = table.view().digest();
        let at = self.0.iter().position(|(known, _)| *known == digest);
        let at = at.unwrap_or_else(|| {
            if self.0.len() >= BUFFERS {
                self.0.remove(0);
            }
            self.0.push((digest, KeyState::new(table.view())));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }
}

thread_local! {
    static SCRATCH: RefCell<Buffers> = RefCell::default();
}

/// The key of a group's view within the key of the service.
fn store_key(group: &Group, key: &EntityKey) -> StoreKey {
    if group.parts.iter().copied().eq(0..key.parts().len()) {
        return StoreKey::new(key);
    }
    let parts = group.parts.iter().map(|at| key.parts()[*at].clone());
    StoreKey::new(&EntityKey::new(parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_keys_are_read_once() {
        let keys: Vec<EntityKey> = [3, 1, 3, 2, 1].map(EntityKey::from).into();
        assert_eq!(distinct(&keys), (vec![0, 1, 3], vec![(2, 0), (4, 1)]));
        let many: Vec<EntityKey> = (0..20).map(|i| EntityKey::from(i % 7)).collect();
        let (first, repeats) = distinct(&many);
        assert_eq!((first.len(), repeats.len()), (7, 13));
        assert!(repeats.iter().all(|(row, from)| many[*row] == many[*from]));
    }
}
