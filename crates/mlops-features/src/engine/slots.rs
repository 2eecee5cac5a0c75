//! The spine's side of a join: for each key its times in order, each once.
//!
//! A slot is one key at one time. A row of a view serves the first slot that may see it, and every later
//! slot of the key until a newer row comes.

use super::{pool, table::NONE};
use crate::Boundary;

/// The slots of a spine under one choice of key columns.
#[derive(Debug)]
pub(super) struct Slots {
    /// Where the slots of each key begin, and where the last ends.
    starts: Vec<u32>,
    times: Vec<i64>,
    /// The slot of each spine row; [`NONE`] where its key is null.
    of_row: Vec<u32>,
}

impl Slots {
    /// Sorts the times inside each key.
    ///
    /// # Complexity
    /// Time `O(rows log(rows of a key))`; 24 bytes a spine row while it runs, at most 12 afterwards.
    pub(super) fn new(ids: &[u32], times: &[i64], keys: usize, threads: usize) -> Self {
        let mut ends = vec![0_u32; keys + 1];
        for id in ids.iter().filter(|id| **id != NONE) {
            ends[*id as usize + 1] += 1;
        }
        for key in 1..ends.len() {
            ends[key] += ends[key - 1];
        }
        let bounds = ends.clone();
        let total = bounds[keys] as usize;
        let mut order = vec![(0_i64, 0_u32); total];
        for ((id, time), row) in ids.iter().zip(times).zip(0_u32..) {
            if *id != NONE {
                let end = &mut ends[*id as usize];
                order[*end as usize] = (*time, row);
                *end += 1;
            }
        }
        sort_groups(&mut order, &bounds, threads);

        let mut slots = Self {
            starts: Vec::with_capacity(keys + 1),
            times: Vec::with_capacity(total),
            of_row: vec![NONE; ids.len()],
        };
        let next = |times: &Vec<i64>| u32::try_from(times.len()).expect("at most one a spine row");
        for key in bounds.windows(2) {
            slots.starts.push(next(&slots.times));
            let mut last = None;
            for (time, row) in &order[key[0] as usize..key[1] as usize] {
                if last != Some(*time) {
                    slots.times.push(*time);
                    last = Some(*time);
                }
                slots.of_row[*row as usize] = next(&slots.times) - 1;
            }
        }
        slots.starts.push(next(&slots.times));
        slots.times.shrink_to_fit();
        slots
    }

    pub(super) fn len(&self) -> usize {
        self.times.len()
    }

    pub(super) fn times(&self) -> &[i64] {
        &self.times
    }

    pub(super) fn of_row(&self) -> &[u32] {
        &self.of_row
    }

    /// The slots of each key.
    pub(super) fn keys(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        let bounds = self.starts.windows(2);
        bounds.map(|key| key[0] as usize..key[1] as usize)
    }

    /// The first slot of a key that sees what became visible at `time`, if there is one.
    #[inline]
    pub(super) fn first_that_sees(&self, id: u32, time: i64, boundary: Boundary) -> Option<u32> {
        let (start, end) = (self.starts[id as usize], self.starts[id as usize + 1]);
        let times = &self.times[start as usize..end as usize];
        let skipped = match boundary {
            Boundary::Inclusive => times.partition_point(|t| *t < time),
            Boundary::Exclusive => times.partition_point(|t| *t <= time),
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "slots are counted in 32 bits"
        )]
        (skipped < times.len()).then(|| start + skipped as u32)
    }

    /// The first and the last time of all slots.
    pub(super) fn span(&self) -> Option<(i64, i64)> {
        let times = || self.times.iter().copied();
        Some((times().min()?, times().max()?))
    }
}

/// Sorts each group by time; groups are dealt out to the threads in runs of about equal length.
fn sort_groups(order: &mut [(i64, u32)], bounds: &[u32], threads: usize) {
    type Run<'a> = (&'a mut [(i64, u32)], &'a [u32]);
    let share = order.len() / threads.max(1) + 1;
    let mut runs: Vec<Run<'_>> = Vec::new();
    let (mut rest, mut first) = (order, 0);
    for at in 1..bounds.len() {
        let length = (bounds[at] - bounds[first]) as usize;
        if length >= share || at + 1 == bounds.len() {
            let (run, after) = rest.split_at_mut(length);
            runs.push((run, &bounds[first..=at]));
            (rest, first) = (after, at);
        }
    }
    pool::run(threads, runs, |(run, bounds)| {
        for key in bounds.windows(2) {
            let (from, to) = (key[0] - bounds[0], key[1] - bounds[0]);
            let group = &mut run[from as usize..to as usize];
            if !group.is_sorted() {
                group.sort_unstable();
            }
        }
    });
}
