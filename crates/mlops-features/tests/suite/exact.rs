//! Sums, means and variances by schoolbook arithmetic: slow, obvious, and with nothing of the library in it.
//!
//! A real is a whole number of 2^-1074. The value of a formula is compared with the reals in turn, as whole
//! numbers, until the two that it lies between are found; the nearer one is the answer, the even one of
//! a tie.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "limbs are cut out of wider numbers"
)]

use std::cmp::Ordering;

/// A whole number: sign and magnitude, lowest limb first, no zero limb on top.
#[derive(Clone, Debug, Default, PartialEq)]
struct Whole {
    negative: bool,
    limbs: Vec<u32>,
}

impl Whole {
    fn of(mut value: u64) -> Self {
        let mut limbs = Vec::new();
        while value > 0 {
            limbs.push(value as u32);
            value >>= 32;
        }
        Self {
            negative: false,
            limbs,
        }
    }

    /// A finite real, or infinity as the power of two after the last real, in units of 2^-1074.
    fn of_real(value: f64) -> Self {
        let bits = value.to_bits();
        let (exponent, fraction) = (bits >> 52 & 0x7ff, bits & ((1 << 52) - 1));
        let mantissa = if exponent == 0 {
            fraction
        } else {
            fraction | 1 << 52
        };
        let mut whole = Self::of(mantissa).shifted(exponent.max(1) as usize - 1);
        whole.negative = value < 0.0;
        whole
    }

    fn trimmed(mut self) -> Self {
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
        self.negative &= !self.limbs.is_empty();
        self
    }

    fn shifted(&self, bits: usize) -> Self {
        let mut limbs = vec![0; bits / 32];
        let mut carry = 0_u64;
        for limb in &self.limbs {
            carry |= u64::from(*limb) << (bits % 32);
            limbs.push(carry as u32);
            carry >>= 32;
        }
        limbs.push(carry as u32);
        Self {
            negative: self.negative,
            limbs,
        }
        .trimmed()
    }

    fn magnitude_cmp(&self, other: &Self) -> Ordering {
        let by_length = self.limbs.len().cmp(&other.limbs.len());
        by_length.then_with(|| self.limbs.iter().rev().cmp(other.limbs.iter().rev()))
    }

    fn plus(&self, other: &Self) -> Self {
        if self.negative == other.negative {
            let mut limbs = Vec::new();
            let mut carry = 0_u64;
            for i in 0..self.limbs.len().max(other.limbs.len()) {
                let limb = |whole: &Self| u64::from(whole.limbs.get(i).copied().unwrap_or(0));
                carry += limb(self) + limb(other);
                limbs.push(carry as u32);
                carry >>= 32;
            }
            limbs.push(carry as u32);
            let negative = self.negative;
            return Self { negative, limbs }.trimmed();
        }
        let (large, small) = match self.magnitude_cmp(other) {
            Ordering::Less => (other, self),
            _ => (self, other),
        };
        let mut limbs = Vec::new();
        let mut borrow = 0_i64;
        for i in 0..large.limbs.len() {
            let limb = |whole: &Self| i64::from(whole.limbs.get(i).copied().unwrap_or(0));
            borrow += limb(large) - limb(small);
            limbs.push(borrow as u32);
            borrow >>= 32;
        }
        let negative = large.negative;
        Self { negative, limbs }.trimmed()
    }

    fn times(&self, other: &Self) -> Self {
        let mut limbs = vec![0_u32; self.limbs.len() + other.limbs.len()];
        for (i, a) in self.limbs.iter().enumerate() {
            let mut carry = 0_u64;
            for (j, b) in other.limbs.iter().enumerate() {
                carry += u64::from(limbs[i + j]) + u64::from(*a) * u64::from(*b);
                limbs[i + j] = carry as u32;
                carry >>= 32;
            }
            limbs[i + other.limbs.len()] = carry as u32;
        }
        let negative = self.negative != other.negative;
        Self { negative, limbs }.trimmed()
    }

    fn minus(&self, other: &Self) -> Self {
        let mut other = other.clone();
        other.negative = !other.negative;
        self.plus(&other)
    }
}

/// The real nearest to `value / below`, in units of `2^-1074 * 2^-extra`.
fn nearest(value: &Whole, below: &Whole, extra: usize) -> f64 {
    if value.limbs.is_empty() {
        return 0.0;
    }
    let scaled = |real: f64| Whole::of_real(real).times(below).shifted(extra);
    // bits of positive reals are ordered as they are
    let (mut low, mut high) = (0_u64, f64::INFINITY.to_bits());
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        match scaled(f64::from_bits(middle)).magnitude_cmp(value) {
            Ordering::Greater => high = middle,
            _ => low = middle,
        }
    }
    let both = scaled(f64::from_bits(low)).plus(&scaled(f64::from_bits(high)));
    let bits = match both.magnitude_cmp(&value.shifted(1)) {
        Ordering::Greater => low,
        Ordering::Less => high,
        Ordering::Equal => low + (low & 1),
    };
    let real = f64::from_bits(bits);
    if value.negative { -real } else { real }
}

fn total(values: impl Iterator<Item = Whole>) -> Whole {
    values.fold(Whole::default(), |sum, value| sum.plus(&value))
}

fn special(values: &[f64]) -> Option<f64> {
    let infinite = values.iter().filter(|value| !value.is_finite());
    infinite.copied().reduce(|a, b| a + b)
}

/// The exact sum, rounded once.
pub(crate) fn sum(values: &[f64]) -> f64 {
    let finite = || {
        nearest(
            &total(values.iter().map(|v| Whole::of_real(*v))),
            &Whole::of(1),
            0,
        )
    };
    special(values).unwrap_or_else(finite)
}

/// The exact mean, rounded once.
pub(crate) fn mean(values: &[f64]) -> f64 {
    let count = Whole::of(values.len() as u64);
    let finite = || nearest(&total(values.iter().map(|v| Whole::of_real(*v))), &count, 0);
    special(values).unwrap_or_else(finite)
}

/// The exact variance, rounded once.
pub(crate) fn variance(values: &[f64], ddof: usize) -> Option<f64> {
    let below = values.len().checked_sub(ddof).filter(|below| *below > 0)?;
    if special(values).is_some() {
        return Some(f64::NAN);
    }
    let count = Whole::of(values.len() as u64);
    let wholes: Vec<Whole> = values.iter().map(|v| Whole::of_real(*v)).collect();
    let sum = total(wholes.iter().cloned());
    let squares = total(wholes.iter().map(|v| v.times(v)));
    let spread = squares.times(&count).minus(&sum.times(&sum));
    Some(nearest(
        &spread,
        &count.times(&Whole::of(below as u64)),
        1074,
    ))
}
