//! The histograms of a block of columns: one leaf is summed, its sibling is what its parent has left.

use std::ops::Range;

use super::{
    accumulate::{Rows, accumulate},
    bins::{Bins, Block},
    histogram::{Cell, Tile, tile},
    split::{Leaf, Split},
};

/// The histograms of a block's columns, leaf after leaf, and what was found in them.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    block: &'a Block,
    /// Where each column's cells are in a leaf's.
    ranges: Vec<Range<usize>>,
    width: usize,
    tile: Box<Tile>,
    slots: Vec<Cell>,
    /// The best splits of the two leaves that were looked at last.
    pub(crate) found: [Option<Split>; 2],
}

/// Where a leaf's histograms are, and the leaf if it may split.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) slot: usize,
    pub(crate) leaf: Option<Leaf<'a>>,
}

impl<'a> Group<'a> {
    pub(crate) fn new(bins: &Bins, block: &'a Block) -> Self {
        let mut width = 0;
        let features = &bins.features[block.first..block.first + block.width];
        let ranges = features.iter().map(|feature| {
            let start = width;
            width += feature.cells();
            start..width
        });
        Self {
            ranges: ranges.collect(),
            block,
            width,
            tile: tile(),
            slots: Vec::new(),
            found: [None; 2],
        }
    }

    /// Sums the small leaf's rows, takes them from its parent's, and looks for splits in both.
    pub(crate) fn work(
        &mut self,
        bins: &Bins,
        rows: Rows<'_>,
        cells: &[Cell],
        enabled: &[bool],
        small: Side<'_>,
        large: Option<Side<'_>>,
    ) {
        self.found = [None; 2];
        let first = self.block.first;
        if !enabled[first..first + self.block.width].contains(&true) {
            return;
        }
        let end = (small.slot + 1) * self.width;
        if self.slots.len() < end {
            self.slots.resize(end, Cell::default());
        }
        accumulate(&mut self.tile, self.block, rows, cells);
        for (column, range) in self.ranges.iter().enumerate() {
            let sums = &mut self.tile[column][..range.len()];
            let of = |slot: usize| slot * self.width + range.start..slot * self.width + range.end;
            self.slots[of(small.slot)].copy_from_slice(sums);
            if let Some(large) = large {
                let parent = &mut self.slots[of(large.slot)];
                parent
                    .iter_mut()
                    .zip(&*sums)
                    .for_each(|(parent, child)| *parent -= *child);
            }
            sums.fill(Cell::default());
            let index = first + column;
            if !enabled[index] {
                continue;
            }
            for (found, side) in self.found.iter_mut().zip([Some(small), large]) {
                if let Some(Side {
                    slot,
                    leaf: Some(leaf),
                }) = side
                {
                    let cells = &self.slots[of(slot)];
                    *found = better(*found, leaf.best(index, &bins.features[index], cells));
                }
            }
        }
    }
}

/// The one with more gain; the first if they are alike.
pub(crate) fn better(first: Option<Split>, second: Option<Split>) -> Option<Split> {
    match (first, second) {
        (Some(a), Some(b)) => Some(if b.gain > a.gain { b } else { a }),
        (a, b) => a.or(b),
    }
}
