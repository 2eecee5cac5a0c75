//! Whole numbers of a few thousand bits, and the one rounding that turns them into a real.
//!
//! Sums, means and variances are computed as whole numbers to the last step; then the quotient is rounded
//! once, to the nearest real, ties to even. So each is the correctly rounded value of its formula.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "limbs are cut out of wider numbers, and exponents are small"
)]

/// The bits of one limb.
pub(crate) const LIMB_BITS: u32 = 32;
/// The widest number is the square of a sum of reals.
const CAPACITY: usize = 144;

/// Sign and magnitude of a whole number, `words * 2^(32 * offset)`, lowest limb first. Neither the lowest
/// nor the highest limb is zero, so that equal numbers are equal here.
#[derive(Clone)]
pub(crate) struct Limbs {
    words: [u32; CAPACITY],
    len: usize,
    offset: usize,
    negative: bool,
}

impl Default for Limbs {
    fn default() -> Self {
        Self {
            words: [0; CAPACITY],
            len: 0,
            offset: 0,
            negative: false,
        }
    }
}

impl std::fmt::Debug for Limbs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        write!(f, "{sign}{:x?} at {}", self.words(), self.offset)
    }
}

impl PartialEq for Limbs {
    fn eq(&self, other: &Self) -> bool {
        (self.words(), self.offset, self.negative) == (other.words(), other.offset, other.negative)
    }
}

impl Limbs {
    /// From cells of any sign, the lowest of weight `2^(32 * offset)`.
    pub(crate) fn from_cells(cells: &[i64], offset: usize) -> Self {
        let mut limbs = Self {
            offset,
            ..Self::default()
        };
        let mut carry = 0_i64;
        for cell in cells {
            let sum = cell + carry;
            limbs.push(sum as u32);
            carry = sum >> LIMB_BITS;
        }
        limbs.push(carry as u32);
        limbs.push((carry >> LIMB_BITS) as u32);
        if carry < 0 {
            limbs.negative = true;
            let mut one = true;
            for word in &mut limbs.words[..limbs.len] {
                (*word, one) = (!*word).overflowing_add(u32::from(one));
            }
        }
        limbs.trim();
        limbs
    }

    /// From a whole number of 128 bits.
    pub(crate) fn from_i128(value: i128) -> Self {
        let mut limbs = Self {
            negative: value < 0,
            ..Self::default()
        };
        let bits = value.unsigned_abs();
        for i in 0..4 {
            limbs.push((bits >> (LIMB_BITS * i)) as u32);
        }
        limbs.trim();
        limbs
    }

    /// From the parts of another; `None` if they are not the one form of a number.
    pub(crate) fn from_parts(words: &[u32], offset: usize, negative: bool) -> Option<Self> {
        let bare = words.is_empty() && (offset != 0 || negative);
        let loose = words.first() == Some(&0) || words.last() == Some(&0);
        if bare || loose || words.len() > CAPACITY || offset > CAPACITY {
            return None;
        }
        let mut limbs = Self {
            offset,
            negative,
            ..Self::default()
        };
        for word in words {
            limbs.push(*word);
        }
        Some(limbs)
    }

    pub(crate) fn words(&self) -> &[u32] {
        &self.words[..self.len]
    }

    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    pub(crate) fn is_negative(&self) -> bool {
        self.negative
    }

    fn push(&mut self, word: u32) {
        self.words[self.len] = word;
        self.len += 1;
    }

    fn trim(&mut self) {
        while self.len > 0 && self.words[self.len - 1] == 0 {
            self.len -= 1;
        }
        let zeros = self.words().iter().take_while(|word| **word == 0).count();
        if zeros > 0 {
            self.words.copy_within(zeros..self.len, 0);
            self.len -= zeros;
            self.offset += zeros;
        }
        if self.len == 0 {
            (self.offset, self.negative) = (0, false);
        }
    }

    /// The product with a word.
    fn times(&self, factor: u64) -> Self {
        let mut product = Self {
            offset: self.offset,
            negative: self.negative,
            ..Self::default()
        };
        let mut carry = 0_u128;
        for word in self.words() {
            carry += u128::from(*word) * u128::from(factor);
            product.push(carry as u32);
            carry >>= LIMB_BITS;
        }
        while carry > 0 {
            product.push(carry as u32);
            carry >>= LIMB_BITS;
        }
        product.trim();
        product
    }

    fn squared(&self) -> Self {
        let words = self.words();
        let mut square = Self {
            offset: 2 * self.offset,
            len: 2 * self.len,
            ..Self::default()
        };
        for (i, a) in words.iter().enumerate() {
            let mut carry = 0_u64;
            for (j, b) in words.iter().enumerate() {
                carry += u64::from(square.words[i + j]) + u64::from(*a) * u64::from(*b);
                square.words[i + j] = carry as u32;
                carry >>= LIMB_BITS;
            }
            square.words[i + words.len()] = carry as u32;
        }
        square.trim();
        square
    }

    /// The difference of two numbers that are not negative; zero if the second is above the first.
    fn minus(&self, other: &Self) -> Self {
        if other.len == 0 {
            return self.clone();
        }
        let offset = self.offset.min(other.offset);
        let end = (self.offset + self.len).max(other.offset + other.len);
        let limb = |limbs: &Self, at: usize| {
            let at = at.checked_sub(limbs.offset);
            at.and_then(|at| limbs.words().get(at))
                .map_or(0, |w| i64::from(*w))
        };
        let mut rest = Self {
            offset,
            ..Self::default()
        };
        let mut borrow = 0_i64;
        for at in offset..end {
            let word = limb(self, at) - limb(other, at) + borrow;
            rest.push(word as u32);
            borrow = word >> LIMB_BITS;
        }
        if borrow != 0 {
            // only bytes that lie make a sum of squares too small
            return Self::default();
        }
        rest.trim();
        rest
    }

    /// `count * squares - sum^2`, which is `count^2` times the variance over `count`; never negative.
    pub(crate) fn spread(count: u64, sum: &Self, squares: &Self) -> Self {
        squares.times(count).minus(&sum.squared())
    }

    /// The number times `2^exponent`, divided by each divisor, rounded once to the nearest real, ties to
    /// even; infinite if it is past the largest. Zero has no sign.
    ///
    /// Exact for divisors whose product is below 2^73: more events than any machine holds.
    pub(crate) fn round(&self, exponent: i32, divisors: &[u64]) -> f64 {
        if self.len == 0 {
            return 0.0;
        }
        // the 128 highest bits, and whether any other is set
        let words = self.words();
        let zeros = words[self.len - 1].leading_zeros();
        let word = |back: usize| {
            let at = self.len.checked_sub(back + 1);
            at.map_or(0, |at| u128::from(words[at]))
        };
        let mut top = (0..4).fold(0, |top, back| top << LIMB_BITS | word(back));
        let fifth = word(4) as u32;
        let mut sticky = words[..self.len.saturating_sub(5)].iter().any(|w| *w != 0);
        if zeros > 0 {
            top = top << zeros | u128::from(fifth >> (LIMB_BITS - zeros));
        }
        sticky |= fifth.checked_shl(zeros).unwrap_or(0) != 0;
        let length = LIMB_BITS * (self.len + self.offset) as u32 - zeros;
        let mut exponent = exponent + length as i32 - 128;
        for divisor in divisors {
            let divisor = u128::from((*divisor).max(1));
            sticky |= top % divisor != 0;
            top /= divisor;
        }
        if top == 0 {
            // only a count that lies divides the highest bits away
            return 0.0;
        }
        let lead = top.leading_zeros();
        top <<= lead;
        exponent -= lead as i32;
        assemble(self.negative, top, sticky, exponent)
    }
}

/// The real nearest to `top * 2^exponent`, a little more if `sticky`; the highest bit of `top` is set.
fn assemble(negative: bool, top: u128, sticky: bool, exponent: i32) -> f64 {
    let leading = exponent + 127;
    let sign = u64::from(negative) << 63;
    if leading > 1023 {
        return f64::from_bits(sign | f64::INFINITY.to_bits());
    }
    // bits of the mantissa: fewer below the smallest normal real
    let kept = (53 + (leading + 1022).min(0)).max(-1);
    if kept < 0 {
        return f64::from_bits(sign);
    }
    let dropped = (128 - kept) as u32;
    let mut mantissa = top.checked_shr(dropped).unwrap_or(0) as u64;
    let half = top >> (dropped - 1) & 1 == 1;
    let more = sticky || top & ((1 << (dropped - 1)) - 1) != 0;
    if half && (more || mantissa & 1 == 1) {
        mantissa += 1;
    }
    // a mantissa that grew by a bit carries into the exponent, up to infinity
    let biased = if leading >= -1022 {
        (leading + 1022) as u64
    } else {
        0
    };
    f64::from_bits(sign | ((biased << 52) + mantissa))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quotient_is_rounded_once_and_to_even() {
        let round = |value: i128, exponent, divisors: &[u64]| {
            Limbs::from_i128(value).round(exponent, divisors)
        };
        assert_eq!(round(1, 0, &[3]), 1.0 / 3.0);
        assert_eq!(round(-10, 0, &[4]), -2.5);
        assert_eq!(round((1 << 53) + 1, 0, &[]), 9_007_199_254_740_992.0);
        assert_eq!(round((1 << 53) + 3, 0, &[]), 9_007_199_254_740_996.0);
        assert_eq!(round((1 << 54) + 3, 0, &[]), 18_014_398_509_481_988.0);
        assert_eq!(round(1, -1074, &[]), f64::from_bits(1));
        assert_eq!(round(1, -1074, &[2]), 0.0);
        assert_eq!(round(3, -1074, &[2]), f64::from_bits(2));
        assert_eq!(round(3, -1074, &[4]), f64::from_bits(1));
        assert_eq!(round(1, -1074, &[7]), 0.0);
        assert_eq!(round(1, 1024, &[]), f64::INFINITY);
        assert_eq!(round(-1, 1024, &[2]), -(2_f64.powi(1023)));
        assert_eq!(round((1 << 54) - 1, 970, &[]), f64::INFINITY);
        assert_eq!(round(0, 5, &[3]), 0.0);
        assert_eq!(round(1, 0, &[u64::MAX, u64::MAX]), 0.0);
    }

    proptest! {
        #[test]
        fn whole_numbers_round_as_the_language_does(value in any::<i128>(), shift in 0..127_u32) {
            let value = value >> shift;
            prop_assert_eq!(Limbs::from_i128(value).round(0, &[]), value as f64);
            let back = Limbs::from_cells(
                &[i64::from(value as u32), i64::from((value >> 32) as u32), (value >> 64) as i64], 0,
            );
            prop_assert_eq!(back, Limbs::from_i128(value));
        }

        #[test]
        fn division_agrees_with_the_hardware(value in any::<i32>(), divisor in 1..u32::MAX) {
            let expected = f64::from(value) / f64::from(divisor);
            let found = Limbs::from_i128(value.into()).round(0, &[divisor.into()]);
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn the_spread_is_that_of_small_numbers(values in proptest::collection::vec(-99..99_i128, 1..20)) {
            let count = values.len() as u64;
            let sum: i128 = values.iter().sum();
            let squares: i128 = values.iter().map(|v| v * v).sum();
            let spread = Limbs::spread(count, &Limbs::from_i128(sum), &Limbs::from_i128(squares));
            prop_assert_eq!(spread, Limbs::from_i128(i128::from(count) * squares - sum * sum));
        }
    }
}
