//! Quantiles in a few kilobytes.

#![expect(
    clippy::cast_possible_truncation,
    reason = "levels are at most 60 and sizes at most 4096"
)]

use super::{Reader, Writer, hash_word};
use crate::{Error, Result};

const MAGIC: [u8; 4] = *b"MKLL";
const VERSION: u8 = 1;
const WHAT: &str = "KLL sketch";
/// The size of the lowest levels.
const LEAST: usize = 8;
const MAX_LEVELS: usize = 60;
const SIZES: std::ops::RangeInclusive<u16> = 8..=4096;

/// A KLL sketch of real numbers: their quantiles, within a stated error of rank.
///
/// Values are kept in levels; one on level `i` stands for `2^i`. A level that is full is sorted and every
/// second value goes up. Whether the first or the second of each pair goes is decided by a fixed hash of
/// how many levels went up before: the sketch is a function of its values, their order and its merges.
/// With the default size 200 the rank of an answer is off by at most 1.33 % of the count in 99 of 100 cases.
/// As long as no more values came than the top level holds, answers are exact (nearest rank).
///
/// ```
/// use mlops_features::sketch::Kll;
///
/// let mut sketch = Kll::new(200)?;
/// (0..100_000).for_each(|i| sketch.add(f64::from(i)));
/// let median = sketch.quantile(0.5).unwrap();
/// assert!((47_000.0..53_000.0).contains(&median), "{median}");
/// assert!(sketch.to_bytes().len() < 6_000);
/// # Ok::<(), mlops_features::Error>(())
/// ```
///
/// # Reference
/// Z. Karnin, K. Lang, E. Liberty, *Optimal quantile approximation in streams* (2016); sizes of levels and
/// the error at a size are those of Apache DataSketches' `kll_sketch`.
#[derive(Debug, Clone, PartialEq)]
pub struct Kll {
    size: u16,
    count: u64,
    compactions: u64,
    least: f64,
    most: f64,
    levels: Vec<Vec<f64>>,
    /// How many values all levels may hold together; it follows from their number.
    limit: usize,
}

impl Kll {
    /// The size that is used unless another is asked for.
    pub const DEFAULT_SIZE: u16 = 200;

    /// An empty sketch.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless the size is 8 to 4096.
    pub fn new(size: u16) -> Result<Self> {
        if !SIZES.contains(&size) {
            return Err(Error::InvalidParameter {
                parameter: "size",
                value: size.to_string(),
                rule: "a KLL sketch has a size of 8 to 4096",
            });
        }
        Ok(Self {
            limit: usize::from(size),
            size,
            count: 0,
            compactions: 0,
            least: f64::INFINITY,
            most: f64::NEG_INFINITY,
            levels: vec![Vec::new()],
        })
    }

    /// The size of the top level.
    pub fn size(&self) -> u16 {
        self.size
    }

    /// How many values it stands for.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The error of rank that 99 of 100 answers keep, as a fraction of the count.
    ///
    /// # Reference
    /// `kll_sketch::get_normalized_rank_error`, a fit to measured errors.
    pub fn rank_error(&self) -> f64 {
        2.296 / f64::from(self.size).powf(0.9723)
    }

    /// Adds a value; NaN is left out, for it has no rank.
    pub fn add(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        self.levels[0].push(value);
        self.count = self.count.saturating_add(1);
        self.widen(value, value);
        self.shrink();
    }

    fn widen(&mut self, least: f64, most: f64) {
        if least.total_cmp(&self.least).is_lt() {
            self.least = least;
        }
        if most.total_cmp(&self.most).is_gt() {
            self.most = most;
        }
    }

    /// Adds all that another sketch stands for, as what came later.
    ///
    /// # Errors
    /// [`Error::UnlikeStates`] if its size differs.
    pub fn merge(&mut self, later: &Self) -> Result<()> {
        if self.size != later.size {
            return Err(Error::UnlikeStates {
                what: WHAT,
                reason: "the sizes differ",
            });
        }
        self.grow_to(later.levels.len());
        for (level, more) in self.levels.iter_mut().zip(&later.levels) {
            level.extend_from_slice(more);
        }
        self.count = self.count.saturating_add(later.count);
        self.compactions = self.compactions.wrapping_add(later.compactions);
        self.widen(later.least, later.most);
        self.shrink();
        Ok(())
    }

    fn room(&self, level: usize) -> usize {
        // a level has two thirds of the size of the one above; powers of reals differ between machines
        let depth = (self.levels.len() - 1 - level).min(30) as u32;
        let shrunk = (u64::from(self.size) << depth).div_ceil(3_u64.pow(depth));
        (shrunk as usize).max(LEAST)
    }

    fn grow_to(&mut self, levels: usize) {
        if levels > self.levels.len() {
            self.levels.resize(levels, Vec::new());
            self.limit = (0..levels).map(|i| self.room(i)).sum();
        }
    }

    fn held(&self) -> usize {
        self.levels.iter().map(Vec::len).sum()
    }

    /// Sends up the lowest full level until all fits.
    fn shrink(&mut self) {
        while self.held() > self.limit {
            let full = (0..self.levels.len()).find(|i| self.levels[*i].len() >= self.room(*i));
            let full = full.expect("a sum is above another only if a part is");
            if full + 1 == self.levels.len() {
                if self.levels.len() == MAX_LEVELS {
                    return; // 2^60 values: no stream is that long
                }
                self.grow_to(full + 2);
            }
            self.compact(full);
        }
    }

    fn compact(&mut self, at: usize) {
        let mut level = std::mem::take(&mut self.levels[at]);
        // an odd one out stays below, the last that came
        let odd = if level.len() % 2 == 1 {
            level.pop()
        } else {
            None
        };
        level.sort_unstable_by(f64::total_cmp);
        let skip = (hash_word(self.compactions) & 1) as usize;
        self.compactions = self.compactions.wrapping_add(1);
        self.levels[at + 1].extend(level.iter().skip(skip).step_by(2));
        level.clear();
        level.extend(odd);
        self.levels[at] = level;
    }

    /// The value at a rank from 0 to 1: the smallest that has at least that share of all at or below it.
    /// `None` if there is no value, or the rank is out of range.
    pub fn quantile(&self, rank: f64) -> Option<f64> {
        if self.count == 0 || !(0.0..=1.0).contains(&rank) {
            return None;
        }
        if rank == 0.0 {
            return Some(self.least);
        }
        if rank == 1.0 {
            return Some(self.most);
        }
        let mut weighed: Vec<(f64, u64)> = Vec::with_capacity(self.held());
        for (i, level) in self.levels.iter().enumerate() {
            weighed.extend(level.iter().map(|value| (*value, 1 << i)));
        }
        weighed.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let wanted = (rank * self.count as f64).ceil();
        let mut seen = 0_u64;
        let found = weighed.iter().find(|(_, weight)| {
            seen = seen.saturating_add(*weight);
            seen as f64 >= wanted
        });
        Some(found.map_or(self.most, |(value, _)| *value))
    }

    /// The sketch as bytes; equal sketches have equal bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(MAGIC, VERSION);
        writer.u16(self.size);
        writer.u64(self.count);
        writer.u64(self.compactions);
        writer.f64(self.least);
        writer.f64(self.most);
        writer.u8(self.levels.len() as u8);
        for level in &self.levels {
            writer.len(level.len());
            for value in level {
                writer.f64(*value);
            }
        }
        writer.finish()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; the bytes may come from anywhere.
    ///
    /// # Errors
    /// [`Error::BrokenState`] if they are anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(WHAT, bytes, MAGIC, VERSION)?;
        let size = reader.u16()?;
        let mut sketch = Self::new(size).map_err(|_| reader.broken("the size is out of range"))?;
        sketch.count = reader.u64()?;
        sketch.compactions = reader.u64()?;
        (sketch.least, sketch.most) = (reader.f64()?, reader.f64()?);
        let levels = usize::from(reader.u8()?);
        if !(1..=MAX_LEVELS).contains(&levels) {
            return Err(reader.broken("the number of levels is out of range"));
        }
        sketch.grow_to(levels);
        let mut stood_for = 0_u128;
        for level in 0..levels {
            let len = reader.len(8)?;
            let mut values = Vec::with_capacity(len);
            for _ in 0..len {
                let value = reader.f64()?;
                let low = sketch.least.total_cmp(&value).is_le();
                if value.is_nan() || !low || value.total_cmp(&sketch.most).is_gt() {
                    return Err(reader.broken("a value is out of range"));
                }
                values.push(value);
            }
            stood_for += (values.len() as u128) << level;
            sketch.levels[level] = values;
        }
        reader.end()?;
        if stood_for != u128::from(sketch.count) {
            return Err(reader.broken("the values stand for another count"));
        }
        let empty = sketch.count == 0;
        let bounds = (sketch.least, sketch.most);
        if bounds.0.is_nan()
            || bounds.1.is_nan()
            || (empty && bounds != (f64::INFINITY, f64::NEG_INFINITY))
        {
            return Err(reader.broken("the extremes are out of range"));
        }
        if sketch.held() > sketch.limit {
            return Err(reader.broken("a level holds too much"));
        }
        Ok(sketch)
    }
}
