//! The two passes over keys and times: the spine's, which makes the slots, and a view's, which fills them.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use arrow::{
    array::{Array, ArrayRef, Int64Array, UInt32Array},
    buffer::{BooleanBuffer, NullBuffer},
};

use super::{
    best::{Best, Candidate, EXPIRED, Picks},
    cells::Origin,
    input::{Prune, Scan},
    keys::{KeyColumn, KeyIndex, KeyKind, loosely_whole},
    layout::{Layout, View},
    slots::Slots,
    summary::ViewSummary,
    table::NONE,
};
use crate::{Cutoff, Result};

/// The spine under one choice of key columns.
#[derive(Debug)]
pub(super) struct Ready {
    index: KeyIndex,
    pub(super) slots: Slots,
    /// The smallest and the largest key, if there is one key column and it holds whole numbers.
    range: Option<(i64, i64)>,
}

/// What a view answers: the rows that won, and for each spine row which of them.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) rows: Vec<u64>,
    /// `[spine rows]`, null where there is none.
    pub(super) picks: UInt32Array,
}

/// Reads the keys and times of the spine.
///
/// # Errors
/// A null or unreadable time, or a key that is not of its kind, with its row.
pub(super) fn read_spine(
    layout: &Layout,
    threads: usize,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Ready>> {
    let mut parts: Vec<(usize, KeyKind)> = Vec::new();
    for part in layout.key_sets.iter().flat_map(|set| &set.0) {
        if !parts.contains(part) {
            parts.push(*part);
        }
    }
    let mut columns: Vec<usize> = parts.iter().map(|(column, _)| *column).collect();
    columns.push(layout.spine_time);
    let spine = &*layout.spine;
    let origin = |column: usize, first| Origin {
        source: spine.name(),
        column: spine.fields()[column].name(),
        first,
    };
    let pieces = Mutex::new(BTreeMap::new());
    let sink = |first: u64, arrays: &[ArrayRef]| {
        let keys = parts.iter().zip(arrays);
        let keys = keys.map(|((column, kind), array)| kind.read(array, &origin(*column, first)));
        let keys = keys.collect::<Result<Vec<KeyColumn>>>()?;
        let at = origin(layout.spine_time, first);
        let times = layout.precision.instants(&arrays[parts.len()], &at)?;
        if times.null_count() > 0 {
            let row = (0..times.len()).find(|row| times.is_null(*row));
            return Err(at.bad(row.unwrap_or_default(), "nothing".to_owned(), "an instant"));
        }
        let mut pieces = pieces.lock().unwrap_or_else(PoisonError::into_inner);
        pieces.insert(first, (keys, times));
        Ok(())
    };
    let rows = spine.scan(
        &Scan {
            columns: &columns,
            prune: None,
            sink: &sink,
            old: &|_, _| Ok(()),
            progress,
        },
        threads,
    )?;
    let pieces = pieces.into_inner().unwrap_or_else(PoisonError::into_inner);
    let rows = usize::try_from(rows)
        .ok()
        .filter(|rows| u32::try_from(*rows).is_ok_and(|rows| rows < EXPIRED))
        .ok_or_else(|| mlops_core::Error::InvalidParameter {
            parameter: "rows of the spine",
            value: rows.to_string(),
            rule: "a spine holds at most 4,294,967,293 rows",
        })?;
    let mut times = Vec::with_capacity(rows);
    for (_, piece) in pieces.values() {
        times.extend_from_slice(piece.values());
    }
    let ready = layout.key_sets.iter().map(|set| {
        let places = set.0.iter().map(|part| {
            let place = parts.iter().position(|known| known == part);
            place.expect("every part was listed above")
        });
        let places: Vec<usize> = places.collect();
        let kinds: Vec<KeyKind> = set.0.iter().map(|(_, kind)| *kind).collect();
        let mut index = KeyIndex::new(&kinds);
        let mut ids = vec![NONE; rows];
        let (mut at, mut range) = (0, None);
        for (keys, times) in pieces.values() {
            let columns: Vec<KeyColumn> = places.iter().map(|place| keys[*place].clone()).collect();
            if let [KeyColumn::Int(values)] = &columns[..] {
                range = widened(range, values);
            }
            index.insert(&columns, &mut ids[at..at + times.len()]);
            at += times.len();
        }
        index.seal();
        let slots = Slots::new(&ids, &times, index.len(), threads);
        Ready {
            index,
            slots,
            range: range.filter(|_| kinds == [KeyKind::Int]),
        }
    });
    Ok(ready.collect())
}

fn widened(range: Option<(i64, i64)>, values: &Int64Array) -> Option<(i64, i64)> {
    let low = arrow::compute::min(values);
    let high = arrow::compute::max(values);
    match (range, low.zip(high)) {
        (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
        (range, found) => range.or(found),
    }
}

/// Reads the keys and times of a view and finds the best row for each slot.
///
/// # Errors
/// An unreadable time or key, with its row; those of reading the file.
pub(super) fn read_view(
    layout: &Layout,
    view: &View,
    ready: &Ready,
    threads: usize,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(Answer, ViewSummary)> {
    let Ready {
        index,
        slots,
        range,
    } = ready;
    let (precision, input, file) = (layout.precision, &*view.input, &view.file);
    let cutoff = view.created.is_some() && file.cutoff == Cutoff::CreatedTime;
    let ttl = file.ttl.map(|ttl| precision.span(ttl.micros()));
    let keys: Vec<usize> = view.keys.iter().map(|key| key.column).collect();
    let columns: Vec<usize> = keys
        .iter()
        .copied()
        .chain([view.time])
        .chain(view.created)
        .collect();
    let prune = slots.span().map(|(first, last)| Prune {
        keys: keys.len(),
        precision,
        // what became known late is not told by its event time: then nothing is too old to be read
        oldest: match ttl {
            Some(ttl) if !cutoff => first.saturating_sub(ttl),
            _ => i64::MIN,
        },
        newest: last,
        key: *range,
    });
    let origin = |column: usize, first: u64| Origin {
        source: input.name(),
        column: input.fields()[column].name(),
        first,
    };
    let ids_of = |first: u64, arrays: &[ArrayRef], rows: usize| -> Result<Vec<u32>> {
        let read = view.keys.iter().zip(arrays).map(|(key, array)| {
            if key.loose {
                loosely_whole(array)
            } else {
                key.kind.read(array, &origin(key.column, first))
            }
        });
        let mut ids = vec![NONE; rows];
        index.lookup(&read.collect::<Result<Vec<_>>>()?, &mut ids);
        Ok(ids)
    };
    let best = Mutex::new(Best::new(slots.len(), view.created.is_some()));
    let old = Mutex::new(vec![false; index.len()]);
    let timeless = AtomicU64::new(0);
    let sink = |first: u64, arrays: &[ArrayRef]| {
        let at = keys.len();
        let times = precision.instants(&arrays[at], &origin(view.time, first))?;
        let created = view.created.map(|column| {
            let origin = origin(column, first);
            precision.instants(&arrays[at + 1], &origin)
        });
        let created = created.transpose()?;
        let ids = ids_of(first, &arrays[..at], times.len())?;
        timeless.fetch_add(times.null_count() as u64, Ordering::Relaxed);

        let mut offers = Vec::with_capacity(ids.len());
        let all_timed = times.null_count() == 0;
        for (row, (id, time)) in ids.iter().zip(times.values()).enumerate() {
            if *id == NONE || !(all_timed || times.is_valid(row)) {
                continue;
            }
            let known = match &created {
                Some(created) if created.is_valid(row) => created.value(row),
                Some(_) if cutoff => continue,
                _ => i64::MIN,
            };
            let visible = if cutoff { known.max(*time) } else { *time };
            if let Some(slot) = slots.first_that_sees(*id, visible, file.boundary) {
                let candidate = Candidate {
                    time: *time,
                    created: known,
                    row: first + row as u64,
                };
                offers.push((slot, candidate));
            }
        }
        let mut best = best.lock().unwrap_or_else(PoisonError::into_inner);
        for (slot, candidate) in offers {
            best.offer(slot, candidate);
        }
        Ok(())
    };
    let too_old = |first: u64, arrays: &[ArrayRef]| {
        let rows = arrays.first().map_or(1, |array| array.len());
        let ids = ids_of(first, arrays, rows)?;
        let mut old = old.lock().unwrap_or_else(PoisonError::into_inner);
        ids.iter()
            .filter(|id| **id != NONE)
            .for_each(|id| old[*id as usize] = true);
        Ok(())
    };
    let rows = input.scan(
        &Scan {
            columns: &columns,
            prune,
            sink: &sink,
            old: &too_old,
            progress,
        },
        threads,
    )?;
    let best = best.into_inner().unwrap_or_else(PoisonError::into_inner);
    let old = old.into_inner().unwrap_or_else(PoisonError::into_inner);
    let Picks { rows: won, of_slot } = best.settle(slots, ttl, &old);
    let (picks, expired) = spread(slots, &of_slot);
    let matched = (picks.len() - picks.null_count()) as u64;
    let spine_fields = layout.spine.fields();
    let names = layout.key_sets[view.key_set].0.iter();
    let summary = ViewSummary {
        view: file.name.to_string(),
        keys: names
            .map(|(column, _)| spine_fields[*column].name().clone())
            .collect(),
        rows,
        without_time: timeless.into_inner(),
        matched,
        null: picks.len() as u64 - matched - expired,
        expired,
    };
    Ok((Answer { rows: won, picks }, summary))
}

/// The pick of each spine row, and how many rows found only what has expired.
fn spread(slots: &Slots, of_slot: &[u32]) -> (UInt32Array, u64) {
    let mut expired = 0;
    let picks = slots.of_row().iter().map(|slot| match *slot {
        NONE => NONE,
        slot => {
            let pick = of_slot[slot as usize];
            expired += u64::from(pick == EXPIRED);
            pick
        }
    });
    let picks: Vec<u32> = picks.collect();
    let valid = BooleanBuffer::collect_bool(picks.len(), |row| picks[row] < EXPIRED);
    let nulls = NullBuffer::new(valid);
    let nulls = (nulls.null_count() > 0).then_some(nulls);
    (UInt32Array::new(picks.into(), nulls), expired)
}
