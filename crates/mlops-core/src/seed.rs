//! Randomness as an argument: the same [`Seed`] gives the same numbers on every machine.

use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{RngCore, SeedableRng},
};
use serde::{Deserialize, Serialize};

/// The start of a reproducible sequence of random numbers.
///
/// ```
/// use mlops_core::Seed;
///
/// let (mut a, mut b) = (Seed(7).rng(), Seed(7).rng());
/// assert_eq!(a.next_u64(), b.next_u64());
/// assert_ne!(Seed(7).derive("trees"), Seed(7).derive("rows"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Seed(pub u64);

impl Seed {
    /// A seed for one named part of the work, independent of its siblings.
    #[must_use]
    pub fn derive(self, part: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0.to_le_bytes());
        hasher.update(part.as_bytes());
        let mut head = [0; 8];
        head.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        Self(u64::from_le_bytes(head))
    }

    /// A generator that starts here.
    pub fn rng(self) -> Rng {
        Rng(Xoshiro256PlusPlus::seed_from_u64(self.0))
    }
}

/// A generator of random numbers (xoshiro256++); not for secrets.
#[derive(Debug, Clone)]
pub struct Rng(Xoshiro256PlusPlus);

impl Rng {
    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `0.0..1.0`.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A whole number in `0..bound`; 0 if `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        // Lemire's multiplication; the bias is below 2^-64 times the bound
        usize::try_from((u128::from(self.next_u64()) * bound as u128) >> 64)
            .expect("the product's high word is below `bound`")
    }

    /// A draw from the standard normal law (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// A draw from the exponential law with the given mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Puts the items into a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_keep_to_their_law() {
        let mut rng = Seed(1).rng();
        let n = 20_000;
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..n {
            let x = rng.normal();
            sum += x;
            squares += x * x;
            assert!((0.0..1.0).contains(&rng.unit()));
            assert!(rng.below(3) < 3);
        }
        assert!((sum / f64::from(n)).abs() < 0.03);
        assert!((squares / f64::from(n) - 1.0).abs() < 0.05);
        assert_eq!(rng.below(0), 0);
    }

    #[test]
    fn the_sequence_is_the_same_for_ever() {
        assert_eq!(Seed(7).rng().next_u64(), 1_021_219_803_524_665_661);
        assert_eq!(Seed(7).derive("trees"), Seed(15_874_637_772_199_184_901));
    }
}
