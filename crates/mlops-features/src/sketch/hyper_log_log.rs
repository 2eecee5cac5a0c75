//! Distinct counts in a few kilobytes.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "registers are below 2^16, ranks below 62, an estimate is positive"
)]

use super::{Reader, Writer, hash_text, hash_word};
use crate::{Error, Result};

const MAGIC: [u8; 4] = *b"MHLL";
const VERSION: u8 = 1;
const WHAT: &str = "HyperLogLog sketch";

/// A HyperLogLog sketch: how many different values there were, whatever their order and number.
///
/// With precision `p` it has `2^p` registers of one byte, and the standard error of its estimate is
/// `1.04 / sqrt(2^p)` of the count: 1.6 % at 12, 0.8 % at 14. Small counts are better than that.
///
/// ```
/// use mlops_features::sketch::HyperLogLog;
///
/// let (mut left, mut right) = (HyperLogLog::new(12)?, HyperLogLog::new(12)?);
/// (0..1_000).for_each(|i| left.add_word(i));
/// (500..1_500).for_each(|i| right.add_word(i));
/// left.merge(&right)?;
/// assert!((1_450..1_550).contains(&left.estimate()));
/// assert_eq!(HyperLogLog::from_bytes(&left.to_bytes())?, left);
/// # Ok::<(), mlops_features::Error>(())
/// ```
///
/// # Reference
/// P. Flajolet et al., *HyperLogLog* (2007); the estimator is the improved raw one of O. Ertl, *New cardinality
/// estimation algorithms for HyperLogLog sketches* (2017), which needs no table of biases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HyperLogLog {
    precision: u8,
    /// For each register the largest rank that was seen; empty while no value was.
    registers: Vec<u8>,
}

/// The register of a hash, and its rank: one more than the zeros before the first one of the other bits.
pub(crate) fn place(precision: u8, hash: u64) -> (usize, u8) {
    let register = (hash >> (64 - precision)) as usize;
    let rest = hash << precision;
    let rank = (rest.leading_zeros() as u8).min(64 - precision) + 1;
    (register, rank)
}

/// The estimate, given how many registers have each rank from 0 to `65 - precision`.
pub(crate) fn estimate(precision: u8, counts: &[u32]) -> u64 {
    let registers = (1_u64 << precision) as f64;
    let last = 65 - usize::from(precision);
    if f64::from(counts[0]) == registers {
        return 0;
    }
    let mut sum = registers * tail(1.0 - f64::from(counts[last]) / registers);
    for rank in (1..last).rev() {
        sum = 0.5 * (sum + f64::from(counts[rank]));
    }
    sum += registers * head(f64::from(counts[0]) / registers);
    let estimate = registers * registers / (2.0 * std::f64::consts::LN_2 * sum);
    estimate.round() as u64
}

/// Ertl's sigma: what empty registers say.
fn head(share: f64) -> f64 {
    let (mut power, mut weight, mut sum) = (share, 1.0, share);
    loop {
        power *= power;
        let before = sum;
        sum += power * weight;
        weight += weight;
        if sum == before {
            return sum;
        }
    }
}

/// Ertl's tau: what full registers say.
fn tail(share: f64) -> f64 {
    if share == 0.0 || share == 1.0 {
        return 0.0;
    }
    let (mut root, mut weight, mut sum) = (share, 1.0, 1.0 - share);
    loop {
        root = root.sqrt();
        let before = sum;
        weight *= 0.5;
        sum -= (1.0 - root) * (1.0 - root) * weight;
        if sum == before {
            return sum / 3.0;
        }
    }
}

impl HyperLogLog {
    /// An empty sketch.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless the precision is 4 to 16.
    pub fn new(precision: u8) -> Result<Self> {
        if !(4..=16).contains(&precision) {
            return Err(Error::InvalidParameter {
                parameter: "precision",
                value: precision.to_string(),
                rule: "a HyperLogLog sketch has 2^4 to 2^16 registers",
            });
        }
        Ok(Self {
            precision,
            registers: Vec::new(),
        })
    }

    /// The precision: the sketch has `2^precision` registers.
    pub fn precision(&self) -> u8 {
        self.precision
    }

    /// The standard error of the estimate, as a fraction of the count.
    pub fn standard_error(&self) -> f64 {
        1.04 / f64::from(1_u32 << self.precision).sqrt()
    }

    /// Adds a whole number, or whatever else has 64 bits of its own.
    pub fn add_word(&mut self, word: u64) {
        self.add_hash(hash_word(word));
    }

    /// Adds a text.
    pub fn add_text(&mut self, text: &str) {
        self.add_hash(hash_text(text));
    }

    pub(crate) fn add_hash(&mut self, hash: u64) {
        let (register, rank) = place(self.precision, hash);
        self.registers.resize(1 << self.precision, 0);
        let known = &mut self.registers[register];
        *known = rank.max(*known);
    }

    /// Adds all that another sketch saw.
    ///
    /// # Errors
    /// [`Error::UnlikeStates`] if its precision differs.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if self.precision != other.precision {
            return Err(Error::UnlikeStates {
                what: WHAT,
                reason: "the precisions differ",
            });
        }
        if self.registers.is_empty() {
            self.registers.clone_from(&other.registers);
        }
        for (known, more) in self.registers.iter_mut().zip(&other.registers) {
            *known = (*more).max(*known);
        }
        Ok(())
    }

    /// How many different values there were, about.
    pub fn estimate(&self) -> u64 {
        if self.registers.is_empty() {
            return 0;
        }
        let mut counts = [0_u32; 64];
        for rank in &self.registers {
            counts[usize::from(*rank)] += 1;
        }
        estimate(self.precision, &counts)
    }

    /// The sketch as bytes; equal sketches have equal bytes, and few values take few.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(MAGIC, VERSION);
        writer.u8(self.precision);
        let used = self.registers.iter().filter(|rank| **rank > 0).count();
        if self.is_sparse(used) {
            writer.u8(0);
            writer.len(used);
            for (register, rank) in self.registers.iter().enumerate().filter(|(_, r)| **r > 0) {
                writer.u16(register as u16);
                writer.u8(*rank);
            }
        } else {
            writer.u8(1);
            writer.raw(&self.registers);
        }
        writer.finish()
    }

    fn is_sparse(&self, used: usize) -> bool {
        used * 3 < 1 << self.precision
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; the bytes may come from anywhere.
    ///
    /// # Errors
    /// [`Error::BrokenState`] if they are anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(WHAT, bytes, MAGIC, VERSION)?;
        let precision = reader.u8()?;
        let mut sketch =
            Self::new(precision).map_err(|_| reader.broken("the precision is out of range"))?;
        let highest = 65 - precision;
        let size = 1_usize << precision;
        match reader.u8()? {
            0 => {
                let used = reader.len(3)?;
                if !sketch.is_sparse(used) {
                    return Err(reader.broken("few registers are listed and there are many"));
                }
                let mut next = 0;
                for _ in 0..used {
                    let (register, rank) = (usize::from(reader.u16()?), reader.u8()?);
                    if register < next || register >= size || !(1..=highest).contains(&rank) {
                        return Err(reader.broken("a register is out of order or range"));
                    }
                    sketch.registers.resize(size, 0);
                    sketch.registers[register] = rank;
                    next = register + 1;
                }
            }
            1 => {
                sketch.registers = reader.raw(size)?.to_vec();
                let used = sketch.registers.iter().filter(|rank| **rank > 0).count();
                if sketch.registers.iter().any(|rank| *rank > highest) || sketch.is_sparse(used) {
                    return Err(reader.broken("a register is out of range"));
                }
            }
            _ => return Err(reader.broken("their form is not known")),
        }
        reader.end()?;
        Ok(sketch)
    }
}
