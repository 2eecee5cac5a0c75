//! A HyperLogLog sketch that events can leave again.

#![expect(
    clippy::cast_possible_truncation,
    reason = "there are at most 2^16 registers"
)]

use crate::sketch::{estimate, place};

/// How often each register saw each rank. It estimates what a sketch of the events in it would.
#[derive(Debug)]
pub(super) struct Registers {
    pub(super) precision: u8,
    ranks: usize,
    counts: Vec<u32>,
    best: Vec<u8>,
    /// How many registers have each rank.
    histogram: Vec<u32>,
}

impl Registers {
    pub(super) fn new(precision: u8) -> Self {
        let (registers, ranks) = (1 << precision, 66 - usize::from(precision));
        let mut histogram = vec![0; ranks];
        histogram[0] = registers as u32;
        Self {
            precision,
            ranks,
            counts: vec![0; registers * ranks],
            best: vec![0; registers],
            histogram,
        }
    }

    pub(super) fn add(&mut self, hash: u64) {
        let (register, rank) = place(self.precision, hash);
        self.counts[register * self.ranks + usize::from(rank)] += 1;
        let best = self.best[register];
        if rank > best {
            self.histogram[usize::from(best)] -= 1;
            self.histogram[usize::from(rank)] += 1;
            self.best[register] = rank;
        }
    }

    pub(super) fn remove(&mut self, hash: u64) {
        let (register, rank) = place(self.precision, hash);
        let counts = &mut self.counts[register * self.ranks..][..self.ranks];
        counts[usize::from(rank)] -= 1;
        let best = self.best[register];
        if rank == best && counts[usize::from(rank)] == 0 {
            let next = (1..rank).rev().find(|rank| counts[usize::from(*rank)] > 0);
            let next = next.unwrap_or(0);
            self.histogram[usize::from(best)] -= 1;
            self.histogram[usize::from(next)] += 1;
            self.best[register] = next;
        }
    }

    pub(super) fn estimate(&self) -> u64 {
        estimate(self.precision, &self.histogram)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sketch::{HyperLogLog, hash_word};

    proptest! {
        #[test]
        fn what_left_is_forgotten(words in proptest::collection::vec(0..500_u64, 0..300), gone in 0..300_usize) {
            let gone = gone.min(words.len());
            let mut registers = Registers::new(5);
            for word in &words {
                registers.add(hash_word(*word));
            }
            for word in &words[..gone] {
                registers.remove(hash_word(*word));
            }
            let mut sketch = HyperLogLog::new(5).unwrap();
            for word in &words[gone..] {
                sketch.add_word(*word);
            }
            prop_assert_eq!(registers.estimate(), sketch.estimate());
        }
    }
}
