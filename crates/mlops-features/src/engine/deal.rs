//! Rows of a view on their way to the slots, dealt out so that neighbours in memory are met together.
//!
//! The slots of a spine are larger than what a core has near, and rows come in the order of the file. Rows are
//! therefore gathered until there are many, and dealt into parts by the place of their key: the slots of a part
//! stay near while its rows are answered. Which rows come together changes nothing: the best offer wins.

use super::table::NONE;

/// So many rows are gathered: 16 bytes each, twice while they are dealt, and 8 more with created times.
const FULL: usize = 1 << 19;

/// A piece has at most this many rows, and its place among the pieces is the upper half of a row.
const PIECE_BITS: u32 = 16;

/// The slots of one part take about so many bytes.
const NEAR: usize = 1 << 18;

/// Which part each key belongs to.
#[derive(Debug)]
pub(super) struct Parts {
    of_key: Vec<u16>,
    count: usize,
}

impl Parts {
    /// Cuts keys, whose slots lie one behind the other, into parts of about equal size.
    pub(super) fn new(slots_of_keys: impl Iterator<Item = usize> + Clone) -> Self {
        // what is touched for a key and for each of its slots: segment, bucket, time, best row
        let bytes = |slots: usize| 48 + slots * 28;
        let total: usize = slots_of_keys.clone().map(bytes).sum();
        let share = NEAR.max(total / usize::from(u16::MAX / 2));
        let (mut part, mut filled) = (0_u16, 0);
        let of_key = slots_of_keys.map(|slots| {
            if filled > share {
                (part, filled) = (part + 1, 0);
            }
            filled += bytes(slots);
            part
        });
        let of_key: Vec<u16> = of_key.collect();
        Self {
            count: of_key.last().map_or(1, |last| usize::from(*last) + 1),
            of_key,
        }
    }
}

/// Rows as columns: the id of the key, the place, the event time and, if the view has one, the created time.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) ids: Vec<u32>,
    /// The piece in the upper half, the row of it in the lower.
    pub(super) places: Vec<u32>,
    pub(super) times: Vec<i64>,
    pub(super) created: Vec<i64>,
}

/// Rows that wait to be dealt. It is emptied and filled again, so that its memory is asked for once.
#[derive(Debug, Default)]
pub(super) struct Pending {
    rows: Rows,
    dealt: Rows,
    /// The first row of each piece.
    firsts: Vec<u64>,
}

impl Pending {
    /// Takes the rows of a piece that have a key.
    pub(super) fn add(&mut self, first: u64, ids: &[u32], times: &[i64], created: Option<&[i64]>) {
        let piece = u32::try_from(self.firsts.len()).expect("full long before");
        self.firsts.push(first);
        let rows = ids.iter().zip(times).zip(piece << PIECE_BITS..);
        for (row, ((id, time), place)) in rows.enumerate() {
            if *id == NONE {
                continue;
            }
            self.rows.ids.push(*id);
            self.rows.places.push(place);
            self.rows.times.push(*time);
            if let Some(created) = created {
                self.rows.created.push(created[row]);
            }
        }
    }

    /// Whether it is time to deal.
    pub(super) fn is_full(&self) -> bool {
        self.rows.ids.len() >= FULL || self.firsts.len() >> PIECE_BITS > 0
    }

    /// The rows in the order of their parts, and the first row of each piece.
    pub(super) fn deal(&mut self, parts: &Parts) -> (&Rows, &[u64]) {
        let Self {
            rows,
            dealt,
            firsts,
        } = self;
        if parts.count == 1 {
            return (rows, firsts);
        }
        let mut next = vec![0_u32; parts.count + 1];
        for id in &rows.ids {
            next[usize::from(parts.of_key[*id as usize]) + 1] += 1;
        }
        for part in 1..next.len() {
            next[part] += next[part - 1];
        }
        dealt.ids.resize(rows.ids.len(), 0);
        dealt.places.resize(rows.ids.len(), 0);
        dealt.times.resize(rows.ids.len(), 0);
        dealt.created.resize(rows.created.len(), 0);
        let all = rows.ids.iter().zip(&rows.places).zip(&rows.times);
        for (row, ((id, place), time)) in all.enumerate() {
            let next = &mut next[usize::from(parts.of_key[*id as usize])];
            let to = *next as usize;
            *next += 1;
            dealt.ids[to] = *id;
            dealt.places[to] = *place;
            dealt.times[to] = *time;
            if let Some(created) = rows.created.get(row) {
                dealt.created[to] = *created;
            }
        }
        (dealt, firsts)
    }

    /// Makes room for the next rows.
    pub(super) fn clear(&mut self) {
        self.rows.ids.clear();
        self.rows.places.clear();
        self.rows.times.clear();
        self.rows.created.clear();
        self.firsts.clear();
    }
}

/// The number of a row, counted from 1.
#[inline]
pub(super) fn row_number(place: u32, firsts: &[u64]) -> u64 {
    let inside = u64::from(place & ((1 << PIECE_BITS) - 1));
    firsts[(place >> PIECE_BITS) as usize] + inside + 1
}
