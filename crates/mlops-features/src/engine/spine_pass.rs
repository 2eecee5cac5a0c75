//! The pass over the spine: keys get ids, and times become slots.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use arrow::array::{Array, ArrayRef, Int64Array};

use super::{
    best::EXPIRED,
    cells::Origin,
    deal::Parts,
    input::Scan,
    keys::{KeyColumn, KeyIndex, KeyKind},
    layout::{KeySet, Layout},
    pool,
    slots::Slots,
    table::NONE,
};
use crate::Result;

/// The spine under one choice of key columns.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) index: KeyIndex,
    pub(super) slots: Slots,
    pub(super) parts: Parts,
    /// The smallest and the largest key, if there is one key column and it holds whole numbers.
    pub(super) range: Option<(i64, i64)>,
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
            return Err(at.bad(row.unwrap_or_default(), "nothing", "an instant"));
        }
        let mut pieces = pieces.lock().unwrap_or_else(PoisonError::into_inner);
        pieces.insert(first, (keys, times));
        Ok(())
    };
    let scan = Scan {
        columns: &columns,
        prune: None,
        sink: &sink,
        old: &|_, _| Ok(()),
        progress,
    };
    let rows = pool::try_run(threads, spine.units(&scan), |unit| spine.scan(&scan, unit))?;
    let rows: u64 = rows.into_iter().sum();
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
    let sets: Vec<&KeySet> = layout.key_sets.iter().collect();
    let share = (threads / sets.len().max(1)).max(1);
    Ok(pool::run(threads, sets, |set| {
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
        let slots = Slots::new(&ids, &times, index.len(), share);
        Ready {
            index,
            parts: Parts::new(slots.keys().map(|key| key.len())),
            slots,
            range: range.filter(|_| kinds == [KeyKind::Int]),
        }
    }))
}

fn widened(range: Option<(i64, i64)>, values: &Int64Array) -> Option<(i64, i64)> {
    let low = arrow::compute::min(values);
    let high = arrow::compute::max(values);
    match (range, low.zip(high)) {
        (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
        (range, found) => range.or(found),
    }
}
