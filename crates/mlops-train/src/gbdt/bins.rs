//! Columns as bytes: each value becomes the number of its bin, once, before any tree is grown.
//!
//! The bytes are kept twice: column after column, for sending rows left and right, and in blocks of up
//! to eight columns row after row, for sums over rows.

use super::{cuts::cuts, pool::each};

/// The code of a category that is missing.
pub(crate) const MISSING: u32 = u32::MAX;

/// How many values a column's bins tell apart at most, beside the missing one.
pub(crate) const MAX_BINS: usize = 255;

/// How many columns a block holds at most.
pub(crate) const BLOCK: usize = 8;

/// How many rows the cuts are taken from, as in LightGBM.
const SAMPLE: usize = 200_000;

/// A column as it comes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column<'a> {
    /// Numbers; NaN is missing.
    Numbers(&'a [f64]),
    /// Codes of categories; [`MISSING`] is missing.
    Codes(&'a [u32]),
}

impl Column<'_> {
    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Codes(codes) => codes.len(),
        }
    }
}

/// What a bin stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Map {
    /// The largest value of each bin; that of the last one is not among them.
    Number { cuts: Vec<f64> },
    /// The code of each bin by falling frequency, and the codes too rare for a bin.
    Category { codes: Vec<u32>, rare: Vec<u32> },
}

/// A column that can tell rows apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Feature {
    /// Its place among the columns that came in.
    pub(crate) column: usize,
    pub(crate) map: Map,
    /// The number of bins, without the missing one.
    pub(crate) values: usize,
    /// Whether the bin behind those, for missing values and rare categories, is in use.
    pub(crate) missing: bool,
}

impl Feature {
    /// The number of bins, with the missing one.
    pub(crate) fn cells(&self) -> usize {
        self.values + usize::from(self.missing)
    }

    /// The bins of a column cut as this one was.
    pub(crate) fn encode(&self, column: &Column<'_>) -> Vec<u8> {
        let missing = byte(self.values);
        match (&self.map, column) {
            (Map::Number { cuts }, Column::Numbers(values)) => {
                let mut padded = [f64::INFINITY; MAX_BINS];
                padded[..cuts.len()].copy_from_slice(cuts);
                let bin = |x: &f64| {
                    if x.is_nan() {
                        missing
                    } else {
                        search(&padded, *x)
                    }
                };
                values.iter().map(bin).collect()
            }
            (Map::Category { codes, .. }, Column::Codes(given)) => {
                let mut sorted: Vec<(u32, u8)> = (0..).zip(codes).map(|(b, c)| (*c, b)).collect();
                sorted.sort_unstable();
                let bin = |code: &u32| {
                    sorted
                        .binary_search_by_key(code, |pair| pair.0)
                        .map_or(missing, |at| sorted[at].1)
                };
                given.iter().map(bin).collect()
            }
            _ => unreachable!("a column keeps its kind"),
        }
    }
}

fn byte(bin: usize) -> u8 {
    u8::try_from(bin).expect("a column has at most 255 bins and a missing one")
}

/// How many cuts lie below `x`: eight halvings of 255 ascending numbers.
fn search(cuts: &[f64; MAX_BINS], x: f64) -> u8 {
    let mut at = 0u8;
    for step in [128, 64, 32, 16, 8, 4, 2, 1] {
        let next = at + (step - 1);
        at += if cuts[usize::from(next)] < x { step } else { 0 };
    }
    at
}

/// Up to eight columns, row after row.
#[derive(Debug)]
pub(crate) struct Block {
    /// The first of its features.
    pub(crate) first: usize,
    pub(crate) width: usize,
    pub(crate) bytes: Vec<u8>,
}

/// All columns that can tell rows apart, as bins.
#[derive(Debug)]
pub(crate) struct Bins {
    pub(crate) rows: usize,
    pub(crate) features: Vec<Feature>,
    /// `[feature][row]`.
    pub(crate) columns: Vec<Vec<u8>>,
    pub(crate) blocks: Vec<Block>,
}

impl Bins {
    /// Cuts and encodes columns of like length; constant ones are left out.
    pub(crate) fn new(columns: &[Column<'_>], max_bins: usize, threads: usize) -> Self {
        let rows = columns.first().map_or(0, Column::rows);
        let found = each(threads, columns.len(), |at| {
            let map = map(&columns[at], max_bins.min(MAX_BINS));
            let values = match &map {
                Map::Number { cuts } => cuts.len() + 1,
                Map::Category { codes, .. } => codes.len(),
            };
            let mut feature = Feature {
                column: at,
                map,
                values,
                missing: true,
            };
            let bytes = feature.encode(&columns[at]);
            let missing = byte(values);
            feature.missing = bytes.contains(&missing);
            // a sample may have missed the only other values
            let seen = bytes.iter().any(|bin| *bin != bytes[0]);
            seen.then_some((feature, bytes))
        });
        let (features, columns): (Vec<_>, Vec<_>) = found.into_iter().flatten().unzip();
        let blocks = blocks(&columns, rows, threads);
        Self {
            rows,
            features,
            columns,
            blocks,
        }
    }
}

fn map(column: &Column<'_>, max_bins: usize) -> Map {
    match column {
        Column::Numbers(values) => {
            let step = values.len().div_ceil(SAMPLE).max(1);
            Map::Number {
                cuts: cuts(sampled(values, step), max_bins),
            }
        }
        Column::Codes(codes) => {
            let mut sorted: Vec<u32> = codes.iter().copied().filter(|c| *c != MISSING).collect();
            sorted.sort_unstable();
            let mut ranked: Vec<(usize, u32)> = sorted
                .chunk_by(|a, b| a == b)
                .map(|run| (run.len(), run[0]))
                .collect();
            ranked.sort_by_key(|(count, code)| (std::cmp::Reverse(*count), *code));
            let mut codes: Vec<u32> = ranked.into_iter().map(|(_, code)| code).collect();
            let mut rare = codes.split_off(max_bins.min(codes.len()));
            rare.sort_unstable();
            Map::Category { codes, rare }
        }
    }
}

/// One value of every `step` rows, at a place that wanders so that it follows no rhythm of the rows.
fn sampled(values: &[f64], step: usize) -> impl Iterator<Item = f64> + '_ {
    values.chunks(step).enumerate().map(|(at, chunk)| {
        let mixed = (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
        chunk[usize::try_from(mixed).expect("31 bits fit") % chunk.len()]
    })
}

fn blocks(columns: &[Vec<u8>], rows: usize, threads: usize) -> Vec<Block> {
    let count = columns.len().div_ceil(BLOCK);
    // enough blocks for each thread to have one, as long as they stay worth their overhead
    let count = count.next_multiple_of(threads.clamp(1, (columns.len() / 4).max(1)));
    each(threads, count, |at| {
        let (first, end) = (at * columns.len() / count, (at + 1) * columns.len() / count);
        let width = end - first;
        let mut bytes = vec![0; width * rows];
        for (offset, column) in columns[first..end].iter().enumerate() {
            let places = bytes[offset..].iter_mut().step_by(width);
            places.zip(column).for_each(|(place, bin)| *place = *bin);
        }
        Block {
            first,
            width,
            bytes,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_is_the_number_of_cuts_below() {
        let mut padded = [f64::INFINITY; MAX_BINS];
        for count in [0, 1, 7, 128, 254] {
            padded.fill(f64::INFINITY);
            for (at, cut) in padded[..count].iter_mut().enumerate() {
                *cut = at as f64;
            }
            for x in [-1.0, 0.0, 0.5, 6.0, 127.0, 127.5, 300.0, f64::INFINITY] {
                let plain = padded[..count].iter().filter(|cut| **cut < x).count();
                assert_eq!(usize::from(search(&padded, x)), plain);
            }
        }
    }

    #[test]
    fn columns_that_cannot_tell_rows_apart_are_left_out() {
        let constant = [1.0; 4];
        let sometimes = [1.0, f64::NAN, 1.0, 1.0];
        let codes = [7, MISSING, 9, 9];
        let same = [3; 4];
        let columns = [
            Column::Numbers(&constant),
            Column::Numbers(&sometimes),
            Column::Codes(&codes),
            Column::Codes(&same),
        ];
        let bins = Bins::new(&columns, 255, 1);
        let kept: Vec<usize> = bins.features.iter().map(|f| f.column).collect();
        assert_eq!(kept, [1, 2]);
        assert_eq!(bins.columns, [[0, 1, 0, 0], [1, 2, 0, 0]]);
        assert_eq!(bins.blocks[0].bytes, [0, 1, 1, 2, 0, 0, 0, 0]);
    }

    #[test]
    fn rare_categories_share_the_missing_bin() {
        let codes = [5, 5, 5, 6, 6, 7, MISSING, 8];
        let bins = Bins::new(&[Column::Codes(&codes)], 2, 1);
        let Map::Category { codes, rare } = &bins.features[0].map else {
            panic!("codes")
        };
        assert_eq!(
            (codes.as_slice(), rare.as_slice()),
            (&[5, 6][..], &[7, 8][..])
        );
        assert_eq!(bins.columns[0], [0, 0, 0, 1, 1, 2, 2, 2]);
    }
}
