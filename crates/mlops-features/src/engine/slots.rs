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
    /// The slot with which each bucket begins, and where the last of a segment ends.
    buckets: Vec<u32>,
    /// The slot of each spine row; [`NONE`] where its key is null.
    of_row: Vec<u32>,
    span: Option<(i64, i64)>,
}

/// The slots of one key, cut into as many equal pieces of time as it has slots, so that a search looks at few
/// of them; where times are uneven it is a binary search at worst.
#[derive(Debug, Clone, Copy)]
struct Segment {
    /// The slot behind the last.
    end: u32,
    /// Where the first piece begins in the list of all.
    bucket: u32,
    /// The last piece of this segment, counted from 0.
    last: u32,
    origin: f64,
    scale: f64,
}

impl Segment {
    /// The bucket of an instant. It never falls as the instant grows: rounding keeps the order.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and the bucket is bounded"
    )]
    #[inline]
    fn bucket(&self, time: i64) -> u32 {
        let bucket = ((time as f64 - self.origin) * self.scale) as u32;
        bucket.min(self.last)
    }
}

/// Rows are located in blocks: what a step of one row waits for, the same step of others is not kept from.
const BLOCK: usize = 512;
/// Slots of a bucket that are compared one by one; most buckets have one.
const FEW: u32 = 3;

impl Slots {
    /// Sorts the times inside each key.
    ///
    /// # Complexity
    /// Time `O(rows log(rows of a key))`; 24 bytes a spine row while it runs, at most 16, and 36 a key, afterwards.
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
            span: None,
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
        let times = || slots.times.iter().copied();
        slots.span = times().min().zip(times().max());
        slots
    }

    /// Ends the segment that began at a slot.
    fn close(&mut self, start: u32) {
        let times = &self.times[start as usize..];
        let mut segment = Segment {
            end: start + count(times.len()),
            bucket: count(self.buckets.len()),
            last: count(times.len()).saturating_sub(1),
            origin: 0.0,
            scale: 0.0,
        };
        if let [first, .., last] = times {
            segment.origin = *first as f64;
            segment.scale = times.len() as f64 / (*last as f64 - segment.origin).max(1.0);
        }
        let mut next = 0;
        for (time, slot) in times.iter().zip(start..) {
            let bucket = segment.bucket(*time);
            while next <= bucket {
                self.buckets.push(slot);
                next += 1;
            }
        }
        while next <= segment.last + 1 {
            self.buckets.push(segment.end);
            next += 1;
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
    pub(super) fn keys(&self) -> impl Iterator<Item = Range<usize>> + Clone + '_ {
        let keys = self.segments.len() - 1;
        let segments = self.segments[..keys].iter();
        let mut start = 0;
        segments.map(move |segment| {
            let end = segment.end as usize;
            std::mem::replace(&mut start, end)..end
        })
    }

    /// For each row the first slot of its key that sees what became visible at a time; where there is none,
    /// the number of slots, which is no slot.
    pub(super) fn locate(&self, ids: &[u32], visible: &[i64], boundary: Boundary) -> Vec<u32> {
        let mut slots = vec![0; ids.len()];
        if self.times.is_empty() {
            return slots;
        }
        let blocks = ids.chunks(BLOCK).zip(visible.chunks(BLOCK));
        for ((ids, times), slots) in blocks.zip(slots.chunks_mut(BLOCK)) {
            match boundary {
                Boundary::Inclusive => self.locate_block(ids, times, slots, |slot, t| slot < t),
                Boundary::Exclusive => self.locate_block(ids, times, slots, |slot, t| slot <= t),
            }
        }
        slots
    }

    #[inline]
    fn locate_block(
        &self,
        ids: &[u32],
        times: &[i64],
        slots: &mut [u32],
        is_blind: impl Fn(i64, i64) -> bool,
    ) {
        let none = count(self.times.len());
        let keys = self.segments.len() - 1;
        let (mut places, mut ends) = ([(0_u32, 0_u32); BLOCK], [0_u32; BLOCK]);
        let rows = ids.iter().zip(times);
        for ((id, time), (place, end)) in rows.zip(places.iter_mut().zip(&mut ends)) {
            let segment = &self.segments[(*id as usize).min(keys)];
            place.0 = segment.bucket + segment.bucket(*time);
            *end = segment.end;
        }
        for place in &mut places[..ids.len()] {
            let at = place.0 as usize;
            *place = (self.buckets[at], self.buckets[at + 1]);
        }
        let rows = times.iter().zip(&places).zip(&ends);
        for (((time, (from, to)), end), out) in rows.zip(slots) {
            let mut slot = *from;
            if to - from <= FEW {
                for step in 0..FEW {
                    // a slot behind the last is compared for nothing, and does not count
                    let next = (*from + step).min(none - 1);
                    let blind = is_blind(self.times[next as usize], *time);
                    slot += u32::from((*from + step < *to) & blind);
                }
            } else {
                let bucket = &self.times[*from as usize..*to as usize];
                slot += count(bucket.partition_point(|slot| is_blind(*slot, *time)));
            }
            *out = if slot < *end { slot } else { none };
        }
    }

    /// The first and the last time of all slots.
    pub(super) fn span(&self) -> Option<(i64, i64)> {
        self.span
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time() -> impl Strategy<Value = i64> {
        let far = prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX)];
        prop_oneof![6 => -50..50_i64, 2 => 0..5_000_i64, 1 => far]
    }

    proptest! {
        #[test]
        fn a_slot_is_found_as_by_looking_at_all(
            spine in prop::collection::vec((0..4_u32, time()), 0..200),
            rows in prop::collection::vec((prop_oneof![0..4_u32, Just(NONE)], time()), 0..60),
            threads in 1..3_usize,
        ) {
            let (ids, times): (Vec<u32>, Vec<i64>) = spine.iter().copied().unzip();
            let slots = Slots::new(&ids, &times, 4, threads);
            let (asked, visible): (Vec<u32>, Vec<i64>) = rows.iter().copied().unzip();
            for boundary in [Boundary::Inclusive, Boundary::Exclusive] {
                let found = slots.locate(&asked, &visible, boundary);
                for ((id, time), found) in rows.iter().zip(found) {
                    let range = slots.keys().nth(*id as usize).unwrap_or(0..0);
                    let first = range.into_iter().find(|s| boundary.sees(*time, slots.times()[*s]));
                    prop_assert_eq!(found as usize, first.unwrap_or(slots.len()));
                }
            }
            for ((id, time), slot) in spine.iter().zip(slots.of_row()) {
                prop_assert_eq!(slots.times()[*slot as usize], *time);
                prop_assert!(slots.keys().nth(*id as usize).unwrap().contains(&(*slot as usize)));
            }
        }
    }
}
