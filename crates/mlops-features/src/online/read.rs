//! Reading a service: one lookup a view for all keys, then the very code of the offline join.

use hashbrown::HashMap;
use mlops_core::{EntityKey, EventTime, Value};

use super::{
    OnlineBatch, OnlineTable, StoreKey,
    answer::Cell,
    buffer::{BUFFERS, Buffer, decoded},
    codec::{Damage, Question},
    state::KeyState,
    store::OnlineStore,
    table::reach,
};
use crate::{
    Cutoff, Error, Feature, FeatureService, FieldKind, Result, Status,
    index::{Rows, ViewIndex},
    join::{self, Answer, Scalar},
    plan::Group,
    serving::check_key,
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
        answers.resize(group.slots, Answer::NOTHING);
        let micros = at.micros();
        let question = question(group, micros);
        BUFFERS.with_borrow_mut(|buffers| {
            let buffer = buffers.of(table);
            let mut tiled = Vec::new();
            store.read(table.id(), &wanted, &mut |position, bytes| {
                let key = &wanted[position];
                let Buffer {
                    many, few, texts, ..
                } = &mut *buffer;
                let known = match bytes {
                    None => None,
                    Some(bytes) => {
                        let damage = |reason: Damage| table.damage(key, reason);
                        let state =
                            decoded(many, few, table, &question, key, bytes).map_err(damage)?;
                        if reads_texts(group) {
                            copy_texts(state, texts).map_err(damage)?;
                        }
                        Some(state)
                    }
                };
                let features = group.features.iter().map(|at| &service.features()[*at]);
                by_tiles(group, features, known, micros, &mut tiled)?;
                answer(
                    group,
                    table,
                    texts,
                    known,
                    micros,
                    !tiled.is_empty(),
                    &mut answers,
                )
                .map_err(|slot| join::overflow(join::feature_of(service, group, slot), micros))?;
                for (slot, (answer, feature)) in answers.iter().zip(&group.features).enumerate() {
                    let asked = &service.features()[*feature];
                    let mut cell = Cell {
                        value: value(&answer.scalar, known, texts, asked.field_at()),
                        status: answer.status,
                        time: answer.time,
                    };
                    if let Some(Some((value, time))) = tiled.get_mut(slot).map(Option::take)
                        && answer.status != Status::NotRetained
                        && answer.status != Status::NotFound
                    {
                        cell.status = if value.is_null() {
                            Status::Null
                        } else {
                            Status::Present
                        };
                        (cell.value, cell.time) = (value, time);
                    }
                    batch.put(first[position], *feature, cell);
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

/// What of a state a group asks for.
fn question(group: &Group, at: i64) -> Question<'_> {
    // the newest row that is known, or that a filter takes, may be any
    let any = group.view.cutoff() == Cutoff::CreatedTime
        || group
            .newest
            .iter()
            .any(|question| question.filter.is_some());
    let tails = group.folds.iter().map(|fold| fold.window.edges(at).0);
    Question {
        fields: &group.reads,
        span: (!any).then(|| (at, tails.min().unwrap_or(at))),
    }
}

/// A window that a table does not keep would be answered by a part of its events.
fn check_windows(service: &FeatureService, group: &Group, table: &OnlineTable) -> Result<()> {
    let kept = table.longest_window();
    let features = group.features.iter().map(|at| &service.features()[*at]);
    match features
        .filter(|f| f.timing().is_some())
        .find(|f| reach(f) > kept)
    {
        None => Ok(()),
        Some(feature) => Err(Error::NotServed {
            feature: feature.name().to_string(),
            view: table.view().name().to_string(),
            kept: kept.to_string(),
        }),
    }
}

/// The answers of all windowed features by their tiles; nothing if one of them has none.
fn by_tiles<'a>(
    group: &Group,
    features: impl Iterator<Item = &'a Feature>,
    state: Option<&KeyState>,
    at: i64,
    out: &mut Vec<Option<(Value, Option<i64>)>>,
) -> Result<()> {
    out.clear();
    let Some(state) = state.filter(|state| !state.tiles.is_empty()) else {
        return Ok(());
    };
    if group
        .newest
        .iter()
        .any(|question| question.filter.is_some())
    {
        return Ok(());
    }
    for feature in features {
        let answer = state.tiled(feature, at).transpose()?;
        if answer.is_none() && feature.timing().is_some() {
            out.clear();
            return Ok(());
        }
        out.push(answer);
    }
    Ok(())
}

/// The answers of a group, with those hidden that the state cannot know.
fn answer(
    group: &Group,
    table: &OnlineTable,
    texts: &ViewIndex,
    state: Option<&KeyState>,
    at: i64,
    tiled: bool,
    out: &mut [Answer],
) -> Result<(), usize> {
    let rows = state.map(|state| {
        let mut range = 0..state.block.len();
        if tiled {
            // the windows are answered already: the newest row is all that is still asked for
            let seen = |time: &i64| group.view.boundary().sees(*time, at);
            let upper = state.block.times.partition_point(seen);
            range = upper.saturating_sub(1)..upper;
        }
        Rows {
            block: &state.block,
            range,
        }
    });
    join::evaluate(group, texts, rows.as_ref(), at, out)?;
    let covered = table.covered_from();
    let (horizon, dropped) = state.map_or((i64::MIN, i64::MIN), |s| (s.horizon, s.dropped));
    let boundary = group.view.boundary();
    let had_rows = dropped != i64::MIN && boundary.sees(dropped, at);
    let oldest = group
        .view
        .ttl()
        .map_or(i64::MIN, |ttl| at.saturating_sub(ttl.micros()));
    for question in &group.newest {
        // a row that is not here can only matter if it is newer than what was found, and not expired
        let found = out[question.slot].time.unwrap_or(i64::MIN);
        let pruned = at < horizon || question.filter.is_some();
        let lost = pruned && found <= dropped && oldest <= dropped && dropped != i64::MIN;
        if lost || (found < covered && oldest < covered) {
            out[question.slot] = UNKNOWN;
        } else if had_rows && out[question.slot].status == Status::NotFound {
            out[question.slot].status = Status::Expired;
        }
    }
    // there were events, and what the windows hold of them is known below
    for slot in group.folds.iter().flat_map(|fold| &fold.slots) {
        settle(&mut out[slot.at], had_rows);
    }
    for ratio in &group.ratios {
        settle(&mut out[ratio.slot], had_rows);
    }
    let unknown = |(tail, _): (i64, i64)| {
        tail < covered || (dropped != i64::MIN && !boundary.sees(dropped, tail))
    };
    for fold in group
        .folds
        .iter()
        .filter(|fold| unknown(fold.window.edges(at)))
    {
        fold.slots.iter().for_each(|slot| out[slot.at] = UNKNOWN);
    }
    for ratio in &group.ratios {
        let parts = [&out[ratio.above], &out[ratio.below]];
        if parts.iter().any(|part| part.status == Status::NotRetained) {
            out[ratio.slot] = UNKNOWN;
        }
    }
    Ok(())
}

/// A window is empty, and not that of a key without events, if events were there and dropped.
fn settle(answer: &mut Answer, had_rows: bool) {
    if had_rows && answer.status == Status::NotFound {
        answer.status = match answer.scalar {
            Scalar::Null => Status::Null,
            _ => Status::Present,
        };
    }
}

const UNKNOWN: Answer = Answer {
    scalar: Scalar::Null,
    status: Status::NotRetained,
    time: None,
};

fn value(
    scalar: &Scalar,
    state: Option<&KeyState>,
    texts: &ViewIndex,
    field: Option<usize>,
) -> Value {
    match (scalar, state, field) {
        (Scalar::Code(code), Some(state), Some(field)) => {
            Value::Str(state.words[field].get(*code).to_owned())
        }
        (scalar, _, field) => join::to_value(scalar, field.map(|field| texts.dictionary(field))),
    }
}

/// Whether the code of the join looks texts up.
fn reads_texts(group: &Group) -> bool {
    let fields = group.view.fields();
    let text = |field: usize| fields[field].kind() == FieldKind::Str;
    let filtered = group
        .newest
        .iter()
        .any(|question| question.filter.is_some());
    filtered
        || group.streams.iter().any(|stream| {
            stream.filter.is_some()
                || stream.by.is_some()
                || stream.field.is_some_and(|(field, _)| text(field))
        })
}

/// Gives the code of the join the texts of a state under the codes that the state has for them.
fn copy_texts(state: &KeyState, texts: &mut ViewIndex) -> Result<(), Damage> {
    for (field, words) in state.words.iter().enumerate() {
        if words.len() == 0 && texts.dictionary(field).is_empty() {
            continue;
        }
        let dictionary = texts.dictionary_mut(field);
        dictionary.clear();
        for (code, word) in (0..).zip(words.iter()) {
            if dictionary.insert(word) != code {
                return Err("a text stands in it twice".to_owned());
            }
        }
    }
    Ok(())
}

/// The rows of different keys, and for each other row the one that it repeats.
fn distinct(keys: &[EntityKey]) -> (Vec<usize>, Vec<(usize, usize)>) {
    let (mut first, mut repeats) = (Vec::with_capacity(keys.len()), Vec::new());
    let many = if keys.len() > FEW { keys.len() } else { 0 };
    let mut seen: HashMap<&EntityKey, usize> = HashMap::with_capacity(many);
    for (row, key) in keys.iter().enumerate() {
        let known = if keys.len() <= FEW {
            first.iter().copied().find(|at| keys[*at] == *key)
        } else {
            seen.get(key).copied()
        };
        if let Some(original) = known {
            repeats.push((row, original));
            continue;
        }
        if keys.len() > FEW {
            seen.insert(key, row);
        }
        first.push(row);
    }
    (first, repeats)
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
