//! The spine's side of a join: for each key its times in order, each once.
//!
//! A slot is one key at one time. A row of a view serves the first slot that may see it, and every later
//! slot of the key until a newer row comes.

use std::ops::Range;

use super::{pool, table::NONE};
use crate::Boundary;

/// The slots of a spine under one choice of key columns.
#[derive(Debug)]
pub(super) struct Slots {
    /// The slots of each key, and an empty one behind the last for rows without a key.
    segments: Vec<Segment>,
    times: Vec<i64>,
    /// For the segments that are long: where the slots of each bucket begin, and where the last ends.
    buckets: Vec<u32>,
    /// The slot of each spine row; [`NONE`] where its key is null.
    of_row: Vec<u32>,
}

/// The slots of one key. A long segment is cut into as many equal pieces of time as it has slots, so that a
/// search looks at few of them; where times are uneven it is a binary search at worst.
#[derive(Debug, Clone, Copy)]
struct Segment {
    start: u32,
    len: u32,
    bucket: u32,
    origin: f64,
    scale: f64,
}

/// Up to this many slots are compared one by one.
const SHORT: u32 = 8;

impl Segment {
    /// The bucket of an instant. It never falls as the instant grows: rounding keeps the order.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and the bucket is bounded"
    )]
    fn bucket(&self, time: i64) -> usize {
        let bucket = ((time as f64 - self.origin) * self.scale) as u32;
        bucket.min(self.len - 1) as usize
    }
}

impl Slots {
    /// Sorts the times inside each key.
    ///
    /// # Complexity
    /// Time `O(rows log(rows of a key))`; 24 bytes a spine row while it runs, at most 16 and 32 a key afterwards.
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
            segments: Vec::with_capacity(keys + 1),
            times: Vec::with_capacity(total),
            buckets: Vec::new(),
            of_row: vec![NONE; ids.len()],
        };
        for key in bounds.windows(2) {
            let start = count(slots.times.len());
            let mut last = None;
            for (time, row) in &order[key[0] as usize..key[1] as usize] {
                if last != Some(*time) {
                    slots.times.push(*time);
                    last = Some(*time);
                }
                slots.of_row[*row as usize] = count(slots.times.len()) - 1;
            }
            slots.close(start);
        }
        slots.close(count(slots.times.len()));
        slots.times.shrink_to_fit();
        slots
    }

    /// Ends the segment that began at a slot.
    fn close(&mut self, start: u32) {
        let times = &self.times[start as usize..];
        let mut segment = Segment {
            start,
            len: count(times.len()),
            bucket: count(self.buckets.len()),
            origin: 0.0,
            scale: 0.0,
        };
        if segment.len > SHORT {
            let (first, last) = (times[0] as f64, times[times.len() - 1] as f64);
            segment.origin = first;
            segment.scale = f64::from(segment.len) / (last - first).max(1.0);
            let mut next = 0;
            for (time, slot) in times.iter().zip(0_u32..) {
                let bucket = segment.bucket(*time);
                while next <= bucket {
                    self.buckets.push(slot);
                    next += 1;
                }
            }
            while next <= times.len() {
                self.buckets.push(segment.len);
                next += 1;
            }
        }
        self.segments.push(segment);
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
    pub(super) fn keys(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let keys = self.segments.len() - 1;
        let segments = self.segments[..keys].iter();
        segments.map(|s| s.start as usize..(s.start + s.len) as usize)
    }

    /// For each row the first slot of its key that sees what became visible at a time; where there is none,
    /// the number of slots, which is no slot.
    pub(super) fn locate(&self, ids: &[u32], visible: &[i64], boundary: Boundary) -> Vec<u32> {
        let rows = ids.iter().zip(visible);
        match boundary {
            Boundary::Inclusive => rows
                .map(|(id, time)| self.first(*id, *time, |slot| slot < *time))
                .collect(),
            Boundary::Exclusive => rows
                .map(|(id, time)| self.first(*id, *time, |slot| slot <= *time))
                .collect(),
        }
    }

    #[inline]
    fn first(&self, id: u32, time: i64, is_blind: impl Fn(i64) -> bool) -> u32 {
        let key = (id as usize).min(self.segments.len() - 1);
        let segment = &self.segments[key];
        let start = segment.start as usize;
        let times = &self.times[start..start + segment.len as usize];
        let blind = if segment.len <= SHORT {
            times.iter().map(|slot| u32::from(is_blind(*slot))).sum()
        } else {
            let at = segment.bucket as usize + segment.bucket(time);
            let (from, to) = (self.buckets[at], self.buckets[at + 1]);
            let bucket = &times[from as usize..to as usize];
            from + count(bucket.partition_point(|slot| is_blind(*slot)))
        };
        if blind < segment.len {
            segment.start + blind
        } else {
            count(self.times.len())
        }
    }

    /// The first and the last time of all slots.
    pub(super) fn span(&self) -> Option<(i64, i64)> {
        let times = || self.times.iter().copied();
        Some((times().min()?, times().max()?))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a spine has fewer than 2^32 rows"
)]
fn count(slots: usize) -> u32 {
    slots as u32
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
