//! The state of one entity in one view: the rows that any instant from its horizon on can still see.
//!
//! Rows are sorted by (event time, created time, ordinal); the ordinal tells rows apart that agree in both
//! times. A row with all three equal replaces the older one, so writing the same rows again changes
//! nothing, and the state does not depend on the order in which rows came.
//!
//! Two instants say what was dropped. From the *horizon* on, the newest visible row is in the state:
//! of the rows before it, and out of reach of the windows, only those are kept that no other row outranks
//! at every later instant. All rows after the newest *dropped* one are in the state. Both only move forward.

use std::collections::{HashMap, HashSet};

use super::{
    tiles::{TileSet, Tiling},
    words::Words,
};
use crate::{
    Boundary, Cutoff, FeatureView,
    index::{Block, Dictionary, NO_CREATED, Packed, PackedColumn},
};

/// How far back a table keeps rows, in microseconds, and what it keeps of them besides.
#[derive(Debug, Clone)]
pub(crate) struct Retention {
    /// The longest window that is read.
    pub(crate) window: i64,
    /// How far before the newest event an instant may lie and still be answered.
    pub(crate) keep: i64,
    pub(crate) tilings: Vec<Tiling>,
}

/// Rows of one key that are about to be written.
#[derive(Debug)]
pub(crate) struct Incoming<'a> {
    pub(crate) block: &'a Block,
    /// The rows of the block with their ordinals; of rows that agree in all, the last counts.
    pub(crate) rows: &'a [(usize, u32)],
    pub(crate) words: &'a [std::sync::Arc<Dictionary>],
}

/// What became of the incoming rows of one key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Merged {
    /// Rows that are in the state now.
    pub(crate) taken: u64,
    /// Rows that are not: no instant from the horizon on would see them, or a later row of the same call
    /// agrees with them in both times and the ordinal.
    pub(crate) ignored: u64,
}

/// The rows of one key, with what was dropped before them.
#[derive(Debug, Clone)]
pub(crate) struct KeyState {
    pub(crate) horizon: i64,
    /// The event time of the newest row that was dropped; the least if none was.
    pub(crate) dropped: i64,
    pub(crate) block: Block,
    pub(crate) ordinals: Vec<u32>,
    /// The texts of each field that has some; codes count along them.
    pub(crate) words: Vec<Words>,
    pub(crate) tiles: Vec<TileSet>,
}

impl KeyState {
    pub(crate) fn new(view: &FeatureView) -> Self {
        Self {
            horizon: i64::MIN,
            dropped: i64::MIN,
            block: Block::empty(view),
            ordinals: Vec::new(),
            words: view.fields().iter().map(|_| Words::default()).collect(),
            tiles: Vec::new(),
        }
    }

    fn created(&self, row: usize) -> i64 {
        let created = self.block.created.as_ref();
        created.map_or(NO_CREATED, |created| created[row])
    }

    fn rank(&self, row: usize) -> (i64, i64, u32) {
        (self.block.times[row], self.created(row), self.ordinals[row])
    }

    /// Takes rows in and drops what no instant from the new horizon on can see.
    ///
    /// # Complexity
    /// Linear in the rows of the key, and a sort of those that are new.
    pub(crate) fn merge(
        &mut self,
        view: &FeatureView,
        incoming: &Incoming<'_>,
        retention: &Retention,
        now: i64,
    ) -> Merged {
        let before = self.ordinals.len();
        self.append(incoming);
        if let Some(newest) = self.block.times.iter().copied().max() {
            let horizon = newest.min(now).saturating_sub(retention.keep);
            self.horizon = self.horizon.max(horizon);
        }

        // the stable sort leaves rows of one rank in order of arrival: the last one replaces the others
        let mut order: Vec<usize> = (0..self.ordinals.len()).collect();
        if !order.is_sorted_by_key(|row| self.rank(*row)) {
            order.sort_by_key(|row| self.rank(*row));
        }
        let mut kept: Vec<usize> = Vec::with_capacity(order.len());
        for row in order {
            match kept.last_mut() {
                Some(last) if self.rank(*last) == self.rank(row) => *last = row,
                _ => kept.push(row),
            }
        }
        self.prune(view, retention, &mut kept);
        let stays: HashSet<usize> = kept.iter().copied().collect();
        let touched = (0..self.ordinals.len()).filter(|row| *row >= before || !stays.contains(row));
        let touched: Vec<i64> = touched.map(|row| self.block.times[row]).collect();
        let taken = kept.iter().filter(|row| **row >= before).count() as u64;
        self.block = self.block.take(&kept);
        self.ordinals = kept.iter().map(|row| self.ordinals[*row]).collect();
        self.compact();
        self.retile(&retention.tilings, &touched);
        Merged {
            taken,
            ignored: incoming.rows.len() as u64 - taken,
        }
    }

    /// Keeps the rows that windows reach from the horizon, and of the older ones those that may still be the
    /// newest.
    fn prune(&mut self, view: &FeatureView, retention: &Retention, kept: &mut Vec<usize>) {
        let horizon = self.horizon;
        let floor = horizon.saturating_sub(retention.window);
        let (boundary, hides) = (view.boundary(), view.cutoff() == Cutoff::CreatedTime);
        let created = |row: usize| self.created(row);
        let known_from = |row: usize| match (hides, created(row)) {
            (false, _) => i64::MIN,
            (true, created) => created.max(match boundary {
                Boundary::Inclusive => horizon,
                Boundary::Exclusive => horizon.saturating_sub(1),
            }),
        };
        let (mut first_known, mut dropped) = (None, self.dropped);
        let mut keep: Vec<bool> = Vec::with_capacity(kept.len());
        for row in kept.iter().rev().copied() {
            let time = self.block.times[row];
            let never = hides && self.created(row) == NO_CREATED;
            let mut wanted = !never && !boundary.sees(time, floor);
            // a row before the horizon goes if a better one is known whenever it is
            let outranked = || first_known.is_some_and(|first| first <= known_from(row));
            if !never && boundary.sees(time, horizon) && !outranked() {
                first_known = Some(known_from(row));
                wanted = true;
            }
            if !wanted && !never {
                dropped = dropped.max(time);
            }
            keep.push(wanted);
        }
        self.dropped = dropped;
        let mut keep = keep.into_iter().rev();
        kept.retain(|_| keep.next().unwrap_or_default());
    }

    /// Puts rows behind those that are there, texts under this state's own codes.
    fn append(&mut self, incoming: &Incoming<'_>) {
        let from = incoming.block;
        for (row, ordinal) in incoming.rows {
            self.block.times.push(from.times[*row]);
            self.ordinals.push(*ordinal);
            if let Some(created) = &mut self.block.created {
                let value = from.created.as_ref().map_or(NO_CREATED, |all| all[*row]);
                created.push(value);
            }
        }
        let before = self.ordinals.len() - incoming.rows.len();
        let columns = self.block.columns.iter_mut().zip(&from.columns);
        for ((column, source), (words, dictionary)) in
            columns.zip(self.words.iter_mut().zip(incoming.words))
        {
            append_column(column, source, before, incoming.rows, words, dictionary);
        }
    }

    /// Brings texts and nulls into the one form that rows have, whatever rows were here before.
    fn compact(&mut self) {
        for (column, words) in self.block.columns.iter_mut().zip(&mut self.words) {
            if let Some(valid) = &column.valid {
                if valid.iter().all(|valid| *valid) {
                    column.valid = None;
                } else {
                    blank(&mut column.data, valid);
                }
            }
            if let Packed::Code(codes) = &mut column.data {
                let valid = column.valid.as_ref();
                *words = recode(codes, words, |row| valid.is_none_or(|valid| valid[row]));
            }
        }
    }
}

/// What a null hides must not tell two equal states apart.
fn blank(data: &mut Packed, valid: &[bool]) {
    fn each<T: Default>(values: &mut [T], valid: &[bool]) {
        let nulls = values.iter_mut().zip(valid).filter(|(_, valid)| !**valid);
        nulls.for_each(|(value, _)| *value = T::default());
    }
    match data {
        Packed::Bool(values) => each(values, valid),
        Packed::Int(values) => each(values, valid),
        Packed::Float(values) => each(values, valid),
        Packed::Code(values) => each(values, valid),
    }
}

/// Renumbers codes in order of first use and drops the texts that no row has.
fn recode(codes: &mut [u32], words: &Words, live: impl Fn(usize) -> bool) -> Words {
    let mut fresh = Words::default();
    let mut known: HashMap<u32, u32> = HashMap::new();
    for (row, code) in codes.iter_mut().enumerate() {
        if live(row) {
            *code = *known
                .entry(*code)
                .or_insert_with(|| fresh.push(words.get(*code)));
        }
    }
    fresh
}

fn append_column(
    column: &mut PackedColumn,
    source: &PackedColumn,
    before: usize,
    rows: &[(usize, u32)],
    words: &mut Words,
    dictionary: &Dictionary,
) {
    let nulls = rows.iter().any(|(row, _)| !source.is_valid(*row));
    if nulls && column.valid.is_none() {
        column.valid = Some(vec![true; before]);
    }
    if let Some(valid) = &mut column.valid {
        valid.extend(rows.iter().map(|(row, _)| source.is_valid(*row)));
    }
    match (&mut column.data, &source.data) {
        (Packed::Bool(to), Packed::Bool(from)) => to.extend(rows.iter().map(|(row, _)| from[*row])),
        (Packed::Int(to), Packed::Int(from)) => to.extend(rows.iter().map(|(row, _)| from[*row])),
        (Packed::Float(to), Packed::Float(from)) => {
            to.extend(rows.iter().map(|(row, _)| from[*row]));
        }
        (Packed::Code(to), Packed::Code(from)) => {
            let mut codes: HashMap<u32, u32> = HashMap::new();
            let code = |(row, _): &(usize, u32)| {
                if !source.is_valid(*row) {
                    return 0;
                }
                let code = from[*row];
                let own = || words.find_or_push(dictionary.word(code));
                *codes.entry(code).or_insert_with(own)
            };
            to.extend(rows.iter().map(code));
        }
        _ => unreachable!("columns of one field have one kind"),
    }
}
