//! The best row of a view for each slot of the spine.
//!
//! A row is offered to the first slot of its key that may see it. What a slot sees in the end is the
//! largest of all that was offered to it and to the slots of the key before it, by event time, created
//! time and place in the source: a running maximum, also where rows became known late.

use super::{slots::Slots, table::NONE};

/// A row as it is offered: when it happened, when it became known, where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    pub(super) time: i64,
    /// [`i64::MIN`] where it is null or the view has none: the lowest in a tie.
    pub(super) created: i64,
    pub(super) row: u64,
}

/// No row was offered.
const NOTHING: u64 = u64::MAX;

/// Marks a spine row whose newest visible row is older than the TTL.
pub(super) const EXPIRED: u32 = NONE - 1;

#[derive(Debug, Clone, Copy)]
struct Found {
    time: i64,
    row: u64,
}

/// The best of what was offered to each slot; 16 bytes a slot, and 8 more with created times.
#[derive(Debug)]
pub(super) struct Best {
    found: Vec<Found>,
    created: Option<Vec<i64>>,
}

impl Best {
    pub(super) fn new(slots: usize, with_created: bool) -> Self {
        let nothing = Found {
            time: i64::MIN,
            row: NOTHING,
        };
        Self {
            found: vec![nothing; slots],
            created: with_created.then(|| vec![i64::MIN; slots]),
        }
    }

    /// Keeps the better of a candidate and what the slot has; any order of offers gives the same.
    #[inline]
    pub(super) fn offer(&mut self, slot: u32, candidate: Candidate) {
        let slot = slot as usize;
        let found = &mut self.found[slot];
        if found.row != NOTHING {
            if candidate.time < found.time {
                return;
            }
            if candidate.time == found.time {
                let created = self.created.as_ref().map_or(i64::MIN, |all| all[slot]);
                if (candidate.created, candidate.row) < (created, found.row) {
                    return;
                }
            }
        }
        *found = Found {
            time: candidate.time,
            row: candidate.row,
        };
        if let Some(created) = &mut self.created {
            created[slot] = candidate.created;
        }
    }

    /// What each slot sees, given how far back it may look. `old` says of each key whether it has rows
    /// that were left out because they are older than any slot may see.
    pub(super) fn settle(self, slots: &Slots, ttl: Option<i64>, old: &[bool]) -> Picks {
        let of = |slot: usize| Candidate {
            time: self.found[slot].time,
            created: self.created.as_ref().map_or(i64::MIN, |all| all[slot]),
            row: self.found[slot].row,
        };
        let mut sees = vec![NONE; slots.len()];
        let mut used: Vec<(u64, u32)> = Vec::new();
        for (key, range) in slots.keys().enumerate() {
            let mut best: Option<(Candidate, u32)> = None;
            let mut taken = false;
            for slot in range {
                let own = of(slot);
                if own.row != NOTHING && best.is_none_or(|(best, _)| own > best) {
                    #[expect(clippy::cast_possible_truncation, reason = "slots are 32 bits")]
                    let at = slot as u32;
                    (best, taken) = (Some((own, at)), false);
                }
                let Some((newest, at)) = best else {
                    if old.get(key).copied().unwrap_or(false) {
                        sees[slot] = EXPIRED;
                    }
                    continue;
                };
                let oldest = ttl.map_or(i64::MIN, |ttl| slots.times()[slot].saturating_sub(ttl));
                if newest.time < oldest {
                    sees[slot] = EXPIRED;
                    continue;
                }
                sees[slot] = at;
                if !taken {
                    used.push((newest.row, at));
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

/// The rows of a view that some slot sees, and which.
#[derive(Debug)]
pub(super) struct Picks {
    /// The rows in the order of the source, each once.
    pub(super) rows: Vec<u64>,
    /// For each slot the place in `rows`, [`NONE`] or [`EXPIRED`].
    pub(super) of_slot: Vec<u32>,
}
