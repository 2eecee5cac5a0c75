//! Partial aggregates by tile, so that a read of a long window costs its tiles and not its events.
//!
//! A key with few events needs none: adding the events up is quicker. From [`MANY`] rows on, the state of
//! a key has, for each windowed feature that the table serves, one partial aggregate per tile of time that
//! holds events. The window of a read is then the rest of a tile at its tail, whole tiles, and the beginning of
//! a tile at its head. Partial aggregates merge without rounding, so that the value is that of the join to
//! the bit. A late event makes its own tile anew and no other one.

use std::collections::{BTreeMap, BTreeSet};

use mlops_core::{Digest, EventTime, Value};

use super::state::KeyState;
use crate::{
    Cutoff, Feature, FieldKind, PartialAggregate, Result,
    aggregate::Item,
    feature::tile_of,
    index::{NO_CREATED, Packed},
};

/// From so many rows on a key has tiles.
pub(crate) const MANY: usize = 256;
/// A window without hops of its own is cut into about so many tiles.
const TILES: i64 = 32;
/// More tiles than that in a window cost more than its events.
const MOST: i64 = 4_096;

/// How the events of a feature are cut into tiles.
#[derive(Debug, Clone)]
pub(crate) struct Tiling {
    pub(crate) feature: Feature,
    /// What is measured and how it is cut: features that differ in the length of the window alone can share.
    pub(crate) id: u64,
    pub(crate) hop: i64,
}

impl Tiling {
    /// The tiling of a feature; none if it has no window, or if its view hides rows by created time, for then
    /// the events of a tile depend on who asks.
    pub(crate) fn of(feature: &Feature) -> Option<Self> {
        let window = feature.timing()?;
        if feature.view().cutoff() == Cutoff::CreatedTime {
            return None;
        }
        let span = window.span.micros();
        let own = window.accuracy.hop().map(mlops_core::Span::micros);
        let hop = own.unwrap_or_else(|| {
            let wanted = (span / TILES).max(1);
            1 << wanted.ilog2()
        });
        let digest = Digest::of_json(&("tiling", feature.measures(), hop));
        let (id, _) = digest
            .as_bytes()
            .split_first_chunk()
            .expect("a digest has 32 bytes");
        (span / hop.max(1) <= MOST).then(|| Self {
            feature: feature.clone(),
            id: u64::from_le_bytes(*id),
            hop: hop.max(1),
        })
    }

    fn tile(&self, time: i64) -> i64 {
        let hop = mlops_core::Span::from_micros(self.hop).expect("a hop is positive");
        tile_of(self.feature.view().boundary(), time, hop)
    }
}

/// The partial aggregates of one tiling, by tile.
#[derive(Debug, Clone)]
pub(crate) struct TileSet {
    pub(crate) id: u64,
    pub(crate) tiles: BTreeMap<i64, PartialAggregate>,
}

impl KeyState {
    /// Brings the tiles up to the rows, of which those at the touched times are new, gone or others.
    pub(crate) fn retile(&mut self, tilings: &[Tiling], touched: &[i64]) {
        if self.ordinals.len() < MANY {
            self.tiles.clear();
            return;
        }
        let mut next = Vec::with_capacity(tilings.len());
        for tiling in tilings {
            let known = self.tiles.iter().position(|set| set.id == tiling.id);
            let of = |times: &[i64]| times.iter().map(|time| tiling.tile(*time)).collect();
            let (mut set, stale): (TileSet, BTreeSet<i64>) = if let Some(at) = known {
                (self.tiles.swap_remove(at), of(touched))
            } else {
                let tiles = BTreeMap::new();
                let id = tiling.id;
                (TileSet { id, tiles }, of(&self.block.times))
            };
            for tile in stale {
                let times = &self.block.times;
                let from = times.partition_point(|time| tiling.tile(*time) < tile);
                let until = times.partition_point(|time| tiling.tile(*time) <= tile);
                if from == until {
                    set.tiles.remove(&tile);
                } else {
                    set.tiles
                        .insert(tile, self.partial(&tiling.feature, from..until));
                }
            }
            next.push(set);
        }
        self.tiles = next;
    }

    /// The partial aggregate of some rows.
    fn partial(&self, feature: &Feature, rows: std::ops::Range<usize>) -> PartialAggregate {
        let mut partial = PartialAggregate::new(feature);
        let mut items: Vec<Item<'_>> = Vec::new();
        for row in rows {
            items.clear();
            let fields = feature.view().fields().iter().enumerate();
            items.extend(fields.map(|(field, known)| self.item(row, field, known.kind())));
            let created = self.block.created.as_ref();
            let created = created.map_or(NO_CREATED, |created| created[row]);
            partial.add_items(feature, &items, self.block.times[row], created);
        }
        partial
    }

    fn item(&self, row: usize, field: usize, kind: FieldKind) -> Item<'_> {
        let column = &self.block.columns[field];
        if !column.is_valid(row) {
            return Item::Null;
        }
        match &column.data {
            Packed::Bool(values) => Item::Bool(values[row]),
            Packed::Int(values) if kind == FieldKind::Time => Item::Time(values[row]),
            Packed::Int(values) => Item::Int(values[row]),
            Packed::Float(values) => Item::Float(values[row]),
            Packed::Code(codes) => Item::Str(self.words[field].get(codes[row])),
        }
    }

    /// The value of a windowed feature by its tiles, with the time of the newest event in the window; none
    /// if the state has no tiles for it.
    ///
    /// # Complexity
    /// The tiles of the window, and the events of two.
    pub(crate) fn tiled(&self, feature: &Feature, at: i64) -> Option<Result<(Value, Option<i64>)>> {
        let (window, tiling) = (feature.timing()?, Tiling::of(feature)?);
        let set = self.tiles.iter().find(|set| set.id == tiling.id)?;
        let (boundary, times) = (feature.view().boundary(), &self.block.times);
        let (tail, head) = window.edges(at);
        let upper = times.partition_point(|time| boundary.sees(*time, head));
        let lower = times
            .partition_point(|time| boundary.sees(*time, tail))
            .min(upper);
        let merged = || {
            let mut whole = PartialAggregate::new(feature);
            let mut row = lower;
            while row < upper {
                let tile = tiling.tile(times[row]);
                let end = times.partition_point(|time| tiling.tile(*time) <= tile);
                let begins = row == 0 || tiling.tile(times[row - 1]) < tile;
                match set.tiles.get(&tile).filter(|_| begins && end <= upper) {
                    Some(known) => whole.merge(feature, known)?,
                    None => whole.merge(feature, &self.partial(feature, row..end.min(upper)))?,
                }
                row = end;
            }
            whole.finish(feature, EventTime::from_micros(at))
        };
        let newest = (lower < upper).then(|| times[upper - 1]);
        Some(merged().map(|value| (value, newest)))
    }
}
