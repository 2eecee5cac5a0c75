//! The pass over a view: each row is offered to the slot that it serves first.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use arrow::{
    array::{Array, ArrayRef, Int64Array, UInt32Array},
    buffer::{BooleanBuffer, NullBuffer},
};

use super::{
    best::{Best, EXPIRED, Offers, Picks},
    cells::Origin,
    input::{Prune, Scan},
    keys::loosely_whole,
    layout::{Layout, View},
    slots::Slots,
    spine_pass::Ready,
    summary::ViewSummary,
    table::NONE,
};
use crate::{Cutoff, Result};

/// What a view answers: the rows that won, and for each spine row which of them.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) rows: Vec<u64>,
    /// `[spine rows]`, null where there is none.
    pub(super) picks: UInt32Array,
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
    let pass = Pass::new(layout, view, ready);
    let keys = view.keys.iter().map(|key| key.column);
    let columns: Vec<usize> = keys.chain([view.time]).chain(view.created).collect();
    let scan = Scan {
        columns: &columns,
        prune: pass.prune(),
        sink: &|first, arrays| pass.take(first, arrays),
        old: &|first, arrays| pass.take_old(first, arrays),
        progress,
    };
    let rows = view.input.scan(&scan, threads)?;
    Ok(pass.finish(rows))
}

/// What the threads share while a view is read.
struct Pass<'a> {
    layout: &'a Layout,
    view: &'a View,
    ready: &'a Ready,
    /// Whether rows are hidden until they were created.
    cutoff: bool,
    ttl: Option<i64>,
    best: Mutex<Best>,
    /// The keys that have rows that no slot may see because they are too old.
    old: Mutex<Vec<bool>>,
    timeless: AtomicU64,
}

impl<'a> Pass<'a> {
    fn new(layout: &'a Layout, view: &'a View, ready: &'a Ready) -> Self {
        let file = &view.file;
        Self {
            layout,
            view,
            ready,
            cutoff: view.created.is_some() && file.cutoff == Cutoff::CreatedTime,
            ttl: file.ttl.map(|ttl| layout.precision.span(ttl.micros())),
            best: Mutex::new(Best::new(ready.slots.len(), view.created.is_some())),
            old: Mutex::new(vec![false; ready.index.len()]),
            timeless: AtomicU64::new(0),
        }
    }

    fn prune(&self) -> Option<Prune> {
        let (first, last) = self.ready.slots.span()?;
        Some(Prune {
            keys: self.view.keys.len(),
            precision: self.layout.precision,
            // what became known late is not told by its event time: then nothing is too old to be read
            oldest: match self.ttl {
                Some(ttl) if !self.cutoff => first.saturating_sub(ttl),
                _ => i64::MIN,
            },
            newest: last,
            key: self.ready.range,
        })
    }

    fn origin(&self, column: usize, first: u64) -> Origin<'_> {
        Origin {
            source: self.view.input.name(),
            column: self.view.input.fields()[column].name(),
            first,
        }
    }

    fn ids(&self, first: u64, arrays: &[ArrayRef], rows: usize) -> Result<Vec<u32>> {
        let read = self.view.keys.iter().zip(arrays).map(|(key, array)| {
            if key.loose {
                loosely_whole(array)
            } else {
                key.kind.read(array, &self.origin(key.column, first))
            }
        });
        let mut ids = vec![NONE; rows];
        let columns = read.collect::<Result<Vec<_>>>()?;
        self.ready.index.lookup(&columns, &mut ids);
        Ok(ids)
    }

    fn instants(&self, array: &ArrayRef, column: usize, first: u64) -> Result<Int64Array> {
        let precision = self.layout.precision;
        precision.instants(array, &self.origin(column, first))
    }

    /// Offers the rows of a piece: its columns are the keys, the event time, the created time.
    fn take(&self, first: u64, arrays: &[ArrayRef]) -> Result<()> {
        let at = self.view.keys.len();
        let times = self.instants(&arrays[at], self.view.time, first)?;
        let created = self.view.created;
        let created = created.map(|column| self.instants(&arrays[at + 1], column, first));
        let created = created.transpose()?;
        let ids = self.ids(first, &arrays[..at], times.len())?;
        let timeless = times.null_count() as u64;
        self.timeless.fetch_add(timeless, Ordering::Relaxed);

        let mut ids = ids;
        if timeless > 0 {
            hide(&mut ids, |row| times.is_null(row));
        }
        let created = created.map(|created| {
            if self.cutoff {
                hide(&mut ids, |row| created.is_null(row));
            }
            let lowest = |value: Option<i64>| value.unwrap_or(i64::MIN);
            created.iter().map(lowest).collect::<Vec<i64>>()
        });
        let known_late = created.as_ref().filter(|_| self.cutoff).map(|created| {
            let both = created.iter().zip(times.values());
            both.map(|(a, b)| *a.max(b)).collect::<Vec<i64>>()
        });
        let visible = known_late.as_deref().unwrap_or(times.values());
        let boundary = self.view.file.boundary;
        let slots = self.ready.slots.locate(&ids, visible, boundary);
        let mut best = self.best.lock().unwrap_or_else(PoisonError::into_inner);
        best.offer(Offers {
            first,
            slots: &slots,
            times: times.values(),
            created: created.as_deref(),
        });
        Ok(())
    }

    /// Takes the keys of rows that are too old for every slot.
    fn take_old(&self, first: u64, arrays: &[ArrayRef]) -> Result<()> {
        let rows = arrays.first().map_or(1, Array::len);
        let ids = self.ids(first, arrays, rows)?;
        let mut old = self.old.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ids.into_iter().filter(|id| *id != NONE) {
            old[id as usize] = true;
        }
        Ok(())
    }

    fn finish(self, rows: u64) -> (Answer, ViewSummary) {
        let best = self
            .best
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let old = self
            .old
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let slots = &self.ready.slots;
        let Picks { rows: won, of_slot } = best.settle(slots, self.ttl, &old);
        let (picks, expired) = spread(slots, &of_slot);
        let matched = (picks.len() - picks.null_count()) as u64;
        let fields = self.layout.spine.fields();
        let keys = self.layout.key_sets[self.view.key_set].0.iter();
        let summary = ViewSummary {
            view: self.view.file.name.to_string(),
            keys: keys
                .map(|(column, _)| fields[*column].name().clone())
                .collect(),
            rows,
            without_time: self.timeless.into_inner(),
            matched,
            null: picks.len() as u64 - matched - expired,
            expired,
        };
        (Answer { rows: won, picks }, summary)
    }
}

/// Takes the key from rows that cannot be seen.
fn hide(ids: &mut [u32], hidden: impl Fn(usize) -> bool) {
    for (row, id) in ids.iter_mut().enumerate() {
        if hidden(row) {
            *id = NONE;
        }
    }
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
