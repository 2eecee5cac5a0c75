//! The best row of a view for each slot of the spine.
//!
//! A row is offered to the first slot of its key that may see it. What a slot sees in the end is the
//! largest of all that was offered to it and to the slots of the key before it, by event time, created
//! time and place in the source: a running maximum, also where rows became known late.

use super::{slots::Slots, table::NONE};

/// Marks a spine row whose newest visible row is older than the TTL.
pub(super) const EXPIRED: u32 = NONE - 1;

/// The best row of a slot: by event time, then place in the source, so that a comparison is one of 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    time: i64,
    /// Counted from 1; 0 is no row, and less than any at its time.
    row: u64,
}

const NOTHING: Found = Found {
    time: i64::MIN,
    row: 0,
};

/// The best of what was offered to each slot; 16 bytes a slot, and 8 more with created times.
#[derive(Debug)]
pub(super) struct Best {
    /// One more than there are slots: what serves none is offered to the last.
    found: Vec<Found>,
    created: Option<Vec<i64>>,
}

/// Rows as they are offered, all in order from one on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offers<'a> {
    /// Where the first stands in the source, from 0.
    pub(super) first: u64,
    /// The slot of each; the number of slots is none.
    pub(super) slots: &'a [u32],
    pub(super) times: &'a [i64],
    /// When each became known, [`i64::MIN`] where it is null: the lowest in a tie.
    pub(super) created: Option<&'a [i64]>,
}

impl Best {
    pub(super) fn new(slots: usize, with_created: bool) -> Self {
        Self {
            found: vec![NOTHING; slots + 1],
            created: with_created.then(|| vec![i64::MIN; slots + 1]),
        }
    }

    /// Keeps the better of each row and what its slot has; any order of offers gives the same.
    pub(super) fn offer(&mut self, offers: Offers<'_>) {
        let rows = offers.slots.iter().zip(offers.times);
        let rows = rows.zip(offers.first + 1..);
        match (&mut self.created, offers.created) {
            (Some(best), Some(created)) => {
                for (((slot, time), row), created) in rows.zip(created) {
                    let found = &mut self.found[*slot as usize];
                    let best = &mut best[*slot as usize];
                    if (*time, *created, row) > (found.time, *best, found.row) {
                        *found = Found { time: *time, row };
                        *best = *created;
                    }
                }
            }
            _ => {
                for ((slot, time), row) in rows {
                    let found = &mut self.found[*slot as usize];
                    // without a branch: which is better is anyone's guess, and a wrong one costs more than the store
                    *found = unpacked(packed(*found).max(packed(Found { time: *time, row })));
                }
            }
        }
    }

    /// What each slot sees, given how far back it may look. `old` says of each key whether it has rows
    /// that were left out because they are older than any slot may see.
    pub(super) fn settle(self, slots: &Slots, ttl: Option<i64>, old: &[bool]) -> Picks {
        let of = |slot: usize| {
            let created = self.created.as_ref().map_or(i64::MIN, |all| all[slot]);
            (self.found[slot].time, created, self.found[slot].row)
        };
        let mut sees = vec![NONE; slots.len()];
        let mut used: Vec<(u64, u32)> = Vec::new();
        for (key, range) in slots.keys().enumerate() {
            let mut best: Option<((i64, i64, u64), u32)> = None;
            let mut taken = false;
            for slot in range {
                let own = of(slot);
                if own.2 != NOTHING.row && best.is_none_or(|(best, _)| own > best) {
                    #[expect(clippy::cast_possible_truncation, reason = "slots are 32 bits")]
                    let at = slot as u32;
                    (best, taken) = (Some((own, at)), false);
                }
                let Some(((time, _, row), at)) = best else {
                    if old.get(key).copied().unwrap_or(false) {
                        sees[slot] = EXPIRED;
                    }
                    continue;
                };
                let oldest = ttl.map_or(i64::MIN, |ttl| slots.times()[slot].saturating_sub(ttl));
                if time < oldest {
                    sees[slot] = EXPIRED;
                    continue;
                }
                sees[slot] = at;
                if !taken {
                    used.push((row - 1, at));
                    taken = true;
                }
            }
        }
        drop(self);
        used.sort_unstable();
        let mut places = vec![NONE; slots.len()];
        for ((_, slot), place) in used.iter().zip(0_u32..) {
            places[*slot as usize] = place;
        }
        for slot in &mut sees {
            if *slot < EXPIRED {
                *slot = places[*slot as usize];
            }
        }
        Picks {
            rows: used.into_iter().map(|(row, _)| row).collect(),
            of_slot: sees,
        }
    }
}

fn packed(found: Found) -> i128 {
    (i128::from(found.time) << 64) | i128::from(found.row)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the halves of what `packed` put together"
)]
fn unpacked(packed: i128) -> Found {
    Found {
        time: (packed >> 64) as i64,
        row: packed as u64,
    }
}

/// The rows of a view that some slot sees, and which.
#[derive(Debug)]
pub(super) struct Picks {
    /// The rows in the order of the source, each once.
    pub(super) rows: Vec<u64>,
    /// For each slot the place in `rows`, [`NONE`] or [`EXPIRED`].
    pub(super) of_slot: Vec<u32>,
}
