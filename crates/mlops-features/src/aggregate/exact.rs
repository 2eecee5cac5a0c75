//! Sums of reals without rounding: an accumulator as wide as the range of its addends.
//!
//! Every finite real is a whole multiple of 2^-1074, so that a sum of reals is a sum of whole numbers of
//! some 2,100 bits. The accumulator holds it as chunks of 32 bits in 64-bit cells; the spare bits take
//! up carries, which move only once in a while. Adding touches three cells and has an exact inverse, so
//! that a value depends on which numbers are in the sum and not on their order, on what came and went,
//! or on how partial sums were merged.
//!
//! # Reference
//! R. M. Neal, *Fast exact summation using small and large superaccumulators* (2015), the small one.

#![expect(
    clippy::cast_possible_truncation,
    reason = "pieces are cut out of a wider number"
)]

use super::limbs::{LIMB_BITS, Limbs};

/// So many additions fit before carries must move: each adds less than 2^32 to a cell of 63 bits.
const CARRY_AFTER: u32 = 1 << 30;

/// A whole number of some `32 * N` bits; three cells above the largest addend are left for carries.
#[derive(Debug, Clone)]
pub(crate) struct Exact<const N: usize> {
    cells: [i64; N],
    /// The cells that may differ from zero: from `low` up to `high`, the latter excluded.
    low: usize,
    high: usize,
    pending: u32,
}

impl<const N: usize> Default for Exact<N> {
    fn default() -> Self {
        Self {
            cells: [0; N],
            low: N,
            high: 0,
            pending: 0,
        }
    }
}

impl<const N: usize> Exact<N> {
    /// Back to zero; only what was touched is cleared.
    pub(crate) fn clear(&mut self) {
        if self.low < self.high {
            self.cells[self.low..self.high].fill(0);
        }
        (self.low, self.high, self.pending) = (N, 0, 0);
    }

    /// Adds `word * 2^position`, or takes it away.
    #[inline]
    pub(crate) fn add(&mut self, word: u64, position: u32, negative: bool) {
        if word == 0 {
            return;
        }
        let at = (position / LIMB_BITS) as usize;
        let wide = u128::from(word) << (position % LIMB_BITS);
        // minus one flips all bits, and taking it away again adds the one that negation needs
        let sign = -i64::from(negative);
        let piece = |shift: u32| {
            let bits = i64::from((wide >> shift) as u32);
            (bits ^ sign) - sign
        };
        self.cells[at] += piece(0);
        self.cells[at + 1] += piece(LIMB_BITS);
        self.cells[at + 2] += piece(2 * LIMB_BITS);
        self.low = self.low.min(at);
        self.high = self.high.max(at + 3);
        self.pending += 1;
        if self.pending >= CARRY_AFTER {
            self.carry();
        }
    }

    /// Adds the whole number of another accumulator.
    pub(crate) fn merge(&mut self, other: &Self) {
        let mut other = other.clone();
        other.carry();
        self.carry();
        if other.low >= other.high {
            return;
        }
        let cells = self.cells.iter_mut().zip(&other.cells);
        for (cell, more) in cells.take(other.high).skip(other.low) {
            *cell += more;
        }
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
        // a carried cell is below 2^33 and counts as two additions
        self.pending += 2;
    }

    /// Moves carries up until every cell but the last, which has the sign, is below 2^32.
    fn carry(&mut self) {
        self.pending = 0;
        let mut at = self.low;
        while at < self.high {
            let up = self.cells[at] >> LIMB_BITS;
            let last = at + 1 == self.high;
            if last && (up == 0 || up == -1 || self.high == N) {
                break;
            }
            if last {
                self.high += 1;
            }
            self.cells[at] -= up << LIMB_BITS;
            self.cells[at + 1] += up;
            at += 1;
        }
    }

    /// The number as sign and magnitude, the one form of it.
    pub(crate) fn limbs(&self) -> Limbs {
        if self.low >= self.high {
            return Limbs::default();
        }
        Limbs::from_cells(&self.cells[self.low..self.high], self.low)
    }

    /// The accumulator of a number; `None` if it is wider than its addends can make it.
    pub(crate) fn from_limbs(limbs: &Limbs) -> Option<Self> {
        let mut exact = Self::default();
        if limbs.offset() + limbs.words().len() + 2 > N {
            return None;
        }
        for (i, word) in limbs.words().iter().enumerate() {
            let value = i64::from(*word);
            exact.cells[limbs.offset() + i] = if limbs.is_negative() { -value } else { value };
        }
        if !limbs.words().is_empty() {
            exact.low = limbs.offset();
            exact.high = limbs.offset() + limbs.words().len();
            exact.pending = 1;
        }
        Some(exact)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_added_and_taken_away_leaves_no_trace(
            words in proptest::collection::vec((any::<u64>(), 0..130_u32, any::<bool>()), 0..60),
            keep in 0..60_usize,
        ) {
            let mut all = Exact::<10>::default();
            for (word, at, sign) in &words {
                all.add(*word, *at, *sign);
            }
            let keep = keep.min(words.len());
            for (word, at, sign) in words[keep..].iter().rev() {
                all.add(*word, *at, !sign);
            }
            let mut few = Exact::<10>::default();
            for (word, at, sign) in &words[..keep] {
                few.add(*word, *at, *sign);
            }
            prop_assert_eq!(all.limbs(), few.limbs());
            all.carry();
            prop_assert_eq!(all.limbs(), few.limbs());
            prop_assert_eq!(Exact::<10>::from_limbs(&few.limbs()).unwrap().limbs(), few.limbs());

            let (left, right) = words.split_at(keep);
            let mut merged = Exact::<10>::default();
            let mut other = Exact::<10>::default();
            for (word, at, sign) in left {
                merged.add(*word, *at, *sign);
            }
            for (word, at, sign) in right {
                other.add(*word, *at, *sign);
            }
            let mut whole = few.clone();
            for (word, at, sign) in right {
                whole.add(*word, *at, *sign);
            }
            merged.merge(&other);
            prop_assert_eq!(merged.limbs(), whole.limbs());
            whole.clear();
            prop_assert_eq!(whole.limbs(), Limbs::default());
        }
    }
}
