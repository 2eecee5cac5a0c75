//! The loop in which boosting spends its time: a row's cell is added to the bin of each column.
//!
//! A leaf's rows lie scattered over the bins of all rows, so most of the time would go by waiting for them;
//! they are asked for some rows ahead. That takes the one unsafe call of this file.

#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "an instruction that only warms a cache; the proof is beside it"
    )
)]

use super::{
    bins::Block,
    histogram::{Cell, Tile},
};

/// The rows that are summed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rows<'a> {
    /// All rows.
    All,
    /// These, in ascending order.
    Some(&'a [u32]),
}

/// Adds rows to a tile; `cells` are theirs, in the order of `rows`.
pub(crate) fn accumulate(tile: &mut Tile, block: &Block, rows: Rows<'_>, cells: &[Cell]) {
    match block.width {
        1 => add::<1>(tile, &block.bytes, rows, cells),
        2 => add::<2>(tile, &block.bytes, rows, cells),
        3 => add::<3>(tile, &block.bytes, rows, cells),
        4 => add::<4>(tile, &block.bytes, rows, cells),
        5 => add::<5>(tile, &block.bytes, rows, cells),
        6 => add::<6>(tile, &block.bytes, rows, cells),
        7 => add::<7>(tile, &block.bytes, rows, cells),
        8 => add::<8>(tile, &block.bytes, rows, cells),
        _ => unreachable!("a block holds one to eight columns"),
    }
}

/// How many rows ahead bins are asked for.
const AHEAD: usize = 32;

#[inline(never)]
fn add<const WIDTH: usize>(tile: &mut Tile, bytes: &[u8], rows: Rows<'_>, cells: &[Cell]) {
    let (bins, _) = bytes.as_chunks::<WIDTH>();
    let mut row = |bins: &[u8; WIDTH], cell: Cell| {
        for column in 0..WIDTH {
            tile[column][usize::from(bins[column])] += cell;
        }
    };
    match rows {
        Rows::All => bins
            .iter()
            .zip(cells)
            .for_each(|(bins, cell)| row(bins, *cell)),
        Rows::Some(rows) => {
            let soon = rows.len().saturating_sub(AHEAD);
            let (early, late) = cells.split_at(soon);
            for ((at, later), cell) in rows.iter().zip(&rows[rows.len() - soon..]).zip(early) {
                prefetch(&bins[*later as usize]);
                row(&bins[*at as usize], *cell);
            }
            for (at, cell) in rows[soon..].iter().zip(late) {
                row(&bins[*at as usize], *cell);
            }
        }
    }
}

/// Tells the processor that some bytes will be read soon.
#[inline]
fn prefetch<const WIDTH: usize>(bytes: &[u8; WIDTH]) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE, which the instruction is part of, belongs to every x86-64 target; the pointer comes from
    // a reference, and the instruction reads and writes nothing that a program could see.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(
            bytes.as_ptr().cast(),
        );
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = bytes;
}
