//! The pass over a view: each row is offered to the slot that it serves first.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use arrow::{
    array::{Array, ArrayRef, Int64Array, UInt32Array},
    buffer::{BooleanBuffer, NullBuffer},
};

use super::{
    best::{Best, EXPIRED, Offers, Picks},
    cells::Origin,
    deal::Pending,
    input::{Prune, Scan, Unit},
    keys::loosely_whole,
    layout::{Layout, View},
    pool,
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

/// Reads the keys and times of all views and finds the best row for each slot.
///
/// The threads go from view to view: while one settles a view, others read the next.
///
/// # Errors
/// An unreadable time or key, with its row; those of reading a file.
pub(super) fn read_views(
    layout: &Layout,
    ready: &[Ready],
    threads: usize,
    progress: &(dyn Fn(usize, u64) + Sync),
) -> Result<Vec<(Answer, ViewSummary)>> {
    let passes = layout.views.iter();
    let mut passes: Vec<Pass<'_>> = passes
        .map(|view| Pass::new(layout, view, &ready[view.key_set]))
        .collect();
    let mut units: Vec<(usize, Option<Unit>)> = Vec::new();
    for (at, pass) in passes.iter_mut().enumerate() {
        let found = pass.scan(&|_| ()).units();
        // what has no rows is settled as well
        let found: Vec<Option<Unit>> = match found.len() {
            0 => vec![None],
            _ => found.into_iter().map(Some).collect(),
        };
        pass.left = AtomicUsize::new(found.len());
        units.extend(found.into_iter().map(|unit| (at, unit)));
    }
    pool::try_run(threads, units, |(at, unit)| -> Result<()> {
        let pass = &passes[at];
        if let Some(unit) = unit {
            let rows = pass.scan(&|rows| progress(at, rows)).run(unit)?;
            pass.rows.fetch_add(rows, Ordering::Relaxed);
        }
        // the last to leave sees what all others did
        if pass.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            let done = pass.finish();
            *locked(&pass.done) = Some(done);
        }
        Ok(())
    })?;
    let done = passes.into_iter().map(|pass| {
        let done = pass.done.into_inner();
        done.unwrap_or_else(PoisonError::into_inner)
            .expect("every unit of it was done")
    });
    Ok(done.collect())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the threads share while a view is read.
struct Pass<'a> {
    layout: &'a Layout,
    view: &'a View,
    ready: &'a Ready,
    /// Whether rows are hidden until they were created.
    cutoff: bool,
    ttl: Option<i64>,
    /// The keys, the event time, the created time.
    columns: Vec<usize>,
    /// Made by the first thread that has an offer.
    best: Mutex<Option<Best>>,
    /// The keys that have rows that no slot may see because they are too old.
    old: Mutex<Vec<bool>>,
    timeless: AtomicU64,
    /// Rows that are not offered yet, for each thread that is not at work on its own.
    pending: Mutex<Vec<Pending>>,
    /// The units that are not done.
    left: AtomicUsize,
    rows: AtomicU64,
    done: Mutex<Option<(Answer, ViewSummary)>>,
}

/// One pass with somebody to tell of it.
struct Told<'a> {
    pass: &'a Pass<'a>,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl Told<'_> {
    fn units(&self) -> Vec<Unit> {
        self.with(|scan| self.pass.view.input.units(scan))
    }

    fn run(&self, unit: Unit) -> Result<u64> {
        self.with(|scan| self.pass.view.input.scan(scan, unit))
    }

    fn with<T>(&self, work: impl FnOnce(&Scan<'_>) -> T) -> T {
        work(&Scan {
            columns: &self.pass.columns,
            prune: self.pass.prune(),
            sink: &|first, arrays| self.pass.take(first, arrays),
            old: &|first, arrays| self.pass.take_old(first, arrays),
            progress: self.progress,
        })
    }
}

impl<'a> Pass<'a> {
    fn new(layout: &'a Layout, view: &'a View, ready: &'a Ready) -> Self {
        let file = &view.file;
        let keys = view.keys.iter().map(|key| key.column);
        Self {
            columns: keys.chain([view.time]).chain(view.created).collect(),
            layout,
            view,
            ready,
            cutoff: view.created.is_some() && file.cutoff == Cutoff::CreatedTime,
            ttl: file.ttl.map(|ttl| layout.precision.span(ttl.micros())),
            best: Mutex::default(),
            old: Mutex::default(),
            timeless: AtomicU64::new(0),
            pending: Mutex::default(),
            left: AtomicUsize::new(0),
            rows: AtomicU64::new(0),
            done: Mutex::default(),
        }
    }

    fn scan(&'a self, progress: &'a (dyn Fn(u64) + Sync)) -> Told<'a> {
        Told {
            pass: self,
            progress,
        }
    }

    fn new_best(&self) -> Best {
        Best::new(self.ready.slots.len(), self.view.created.is_some())
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

    /// Takes the rows of a piece: its columns are the keys, the event time, the created time.
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
        let mut pending = locked(&self.pending).pop().unwrap_or_default();
        pending.add(first, &ids, times.values(), created.as_deref());
        if pending.is_full() {
            self.offer(&mut pending);
        }
        locked(&self.pending).push(pending);
        Ok(())
    }

    /// Offers gathered rows to their slots.
    fn offer(&self, pending: &mut Pending) {
        let (rows, firsts) = pending.deal(&self.ready.parts);
        let late: Option<Vec<i64>> = self.cutoff.then(|| {
            let both = rows.created.iter().zip(&rows.times);
            both.map(|(created, time)| *created.max(time)).collect()
        });
        let visible = late.as_deref().unwrap_or(&rows.times);
        let boundary = self.view.file.boundary;
        let slots = self.ready.slots.locate(&rows.ids, visible, boundary);
        let mut best = locked(&self.best);
        best.get_or_insert_with(|| self.new_best()).offer(Offers {
            slots: &slots,
            rows,
            firsts,
        });
        drop(best);
        pending.clear();
    }

    /// Takes the keys of rows that are too old for every slot.
    fn take_old(&self, first: u64, arrays: &[ArrayRef]) -> Result<()> {
        let rows = arrays.first().map_or(1, Array::len);
        let ids = self.ids(first, arrays, rows)?;
        let mut old = locked(&self.old);
        old.resize(self.ready.index.len(), false);
        for id in ids.into_iter().filter(|id| *id != NONE) {
            old[id as usize] = true;
        }
        Ok(())
    }

    fn finish(&self) -> (Answer, ViewSummary) {
        for mut pending in std::mem::take(&mut *locked(&self.pending)) {
            self.offer(&mut pending);
        }
        let best = locked(&self.best).take();
        let best = best.unwrap_or_else(|| self.new_best());
        let old = std::mem::take(&mut *locked(&self.old));
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
            rows: self.rows.load(Ordering::Relaxed),
            without_time: self.timeless.load(Ordering::Relaxed),
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
