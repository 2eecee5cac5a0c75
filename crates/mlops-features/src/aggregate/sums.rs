//! The sums behind sum, mean and variance: exact, mergeable, and with an inverse of adding.

#![expect(
    clippy::cast_possible_truncation,
    reason = "words are cut out of a square"
)]

use super::{Item, Overflow, exact::Exact, limbs::Limbs};
use crate::Function;

/// Cells for a sum of reals: the highest addend ends in cell 66.
const SUM: usize = 69;
/// Cells for a sum of squares of reals: the highest addend ends in cell 133.
const SQUARES: usize = 136;
/// The weight of the lowest bit of a real.
const LOWEST: i32 = -1074;
const FRACTION: u32 = 52;

/// A sum of reals, with their squares where a variance is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct RealSums {
    sum: Exact<SUM>,
    squares: Option<Box<Exact<SQUARES>>>,
    nan: u64,
    up: u64,
    down: u64,
}

/// A sum of whole numbers, with their squares where a variance is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct WholeSums {
    sum: i128,
    squares: Option<Box<Exact<10>>>,
}

impl RealSums {
    pub(crate) fn new(squares: bool) -> Self {
        Self {
            squares: squares.then(Box::default),
            ..Self::default()
        }
    }

    pub(crate) fn clear(&mut self) {
        self.sum.clear();
        if let Some(squares) = &mut self.squares {
            squares.clear();
        }
        (self.nan, self.up, self.down) = (0, 0, 0);
    }

    #[inline]
    pub(crate) fn add(&mut self, value: f64) {
        self.apply(value, false);
    }

    #[inline]
    pub(crate) fn remove(&mut self, value: f64) {
        self.apply(value, true);
    }

    #[inline]
    fn apply(&mut self, value: f64, inverse: bool) {
        let bits = value.to_bits();
        let exponent = (bits >> FRACTION & 0x7ff) as u32;
        if exponent == 0x7ff {
            let counter = if value.is_nan() {
                &mut self.nan
            } else if value > 0.0 {
                &mut self.up
            } else {
                &mut self.down
            };
            *counter = if inverse {
                counter.saturating_sub(1)
            } else {
                counter.saturating_add(1)
            };
            return;
        }
        let fraction = bits & ((1 << FRACTION) - 1);
        let (position, mantissa) = match exponent {
            0 => (0, fraction),
            _ => (exponent - 1, fraction | 1 << FRACTION),
        };
        let negative = bits >> 63 == 1;
        self.sum.add(mantissa, position, negative != inverse);
        if let Some(squares) = &mut self.squares {
            let square = u128::from(mantissa) * u128::from(mantissa);
            squares.add(square as u64, 2 * position, inverse);
            squares.add((square >> 64) as u64, 2 * position + 64, inverse);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.sum.merge(&other.sum);
        if let (Some(squares), Some(more)) = (&mut self.squares, &other.squares) {
            squares.merge(more);
        }
        self.nan = self.nan.saturating_add(other.nan);
        self.up = self.up.saturating_add(other.up);
        self.down = self.down.saturating_add(other.down);
    }

    fn special(&self) -> Option<f64> {
        match (self.nan, self.up, self.down) {
            (0, 0, 0) => None,
            (0, _, 0) => Some(f64::INFINITY),
            (0, 0, _) => Some(f64::NEG_INFINITY),
            _ => Some(f64::NAN),
        }
    }

    /// The sum, rounded once; the sum of nothing and of zeros is `0.0`.
    fn sum(&self) -> f64 {
        let finite = || self.sum.limbs().round(LOWEST, &[]);
        self.special().unwrap_or_else(finite)
    }

    /// The sum over the count, rounded once.
    fn mean(&self, count: u64) -> f64 {
        let finite = || self.sum.limbs().round(LOWEST, &[count]);
        self.special().unwrap_or_else(finite)
    }

    /// The variance with `count - ddof` below the line, rounded once; NaN if a value is not finite.
    fn variance(&self, count: u64, ddof: u8) -> Option<f64> {
        let below = count.checked_sub(ddof.into()).filter(|below| *below > 0)?;
        let squares = self.squares.as_ref().map(|squares| squares.limbs());
        if self.special().is_some() {
            return Some(f64::NAN);
        }
        let spread = Limbs::spread(count, &self.sum.limbs(), &squares.unwrap_or_default());
        Some(spread.round(2 * LOWEST, &[count, below]))
    }

    /// What one of the functions of sums says of so many values.
    pub(crate) fn answer(&self, function: Function, count: u64) -> Item<'static> {
        let real = match function {
            _ if count == 0 => None,
            Function::Sum => Some(self.sum()),
            Function::Mean => Some(self.mean(count)),
            Function::Variance(divisor) => self.variance(count, divisor.ddof()),
            Function::StdDev(divisor) => self.variance(count, divisor.ddof()).map(f64::sqrt),
            _ => None,
        };
        real.map_or(Item::Null, Item::Float)
    }

    /// The parts in one form: the sum, the squares, and how many are NaN, infinite and minus infinite.
    pub(crate) fn parts(&self) -> (Limbs, Option<Limbs>, [u64; 3]) {
        let squares = self.squares.as_ref().map(|squares| squares.limbs());
        (self.sum.limbs(), squares, [self.nan, self.up, self.down])
    }

    pub(crate) fn from_parts(
        sum: &Limbs,
        squares: Option<&Limbs>,
        [nan, up, down]: [u64; 3],
    ) -> Option<Self> {
        Some(Self {
            sum: Exact::from_limbs(sum)?,
            squares: match squares {
                Some(squares) if !squares.is_negative() => {
                    Some(Box::new(Exact::from_limbs(squares)?))
                }
                Some(_) => return None,
                None => None,
            },
            nan,
            up,
            down,
        })
    }
}

impl WholeSums {
    pub(crate) fn new(squares: bool) -> Self {
        Self {
            sum: 0,
            squares: squares.then(Box::default),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.sum = 0;
        if let Some(squares) = &mut self.squares {
            squares.clear();
        }
    }

    #[inline]
    pub(crate) fn add(&mut self, value: i64) {
        self.sum = self.sum.wrapping_add(value.into());
        self.square(value, false);
    }

    #[inline]
    pub(crate) fn remove(&mut self, value: i64) {
        self.sum = self.sum.wrapping_sub(value.into());
        self.square(value, true);
    }

    #[inline]
    fn square(&mut self, value: i64, inverse: bool) {
        if let Some(squares) = &mut self.squares {
            let square = u128::from(value.unsigned_abs()).pow(2);
            squares.add(square as u64, 0, inverse);
            squares.add((square >> 64) as u64, 64, inverse);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        // 2^64 values of 64 bits fit; what hostile bytes claim may wrap, and does no harm
        self.sum = self.sum.wrapping_add(other.sum);
        if let (Some(squares), Some(more)) = (&mut self.squares, &other.squares) {
            squares.merge(more);
        }
    }

    /// The sum, if it fits 64 bits.
    fn sum(&self) -> Option<i64> {
        i64::try_from(self.sum).ok()
    }

    /// The sum over the count, rounded once.
    fn mean(&self, count: u64) -> f64 {
        Limbs::from_i128(self.sum).round(0, &[count])
    }

    /// The variance with `count - ddof` below the line, rounded once.
    fn variance(&self, count: u64, ddof: u8) -> Option<f64> {
        let below = count.checked_sub(ddof.into()).filter(|below| *below > 0)?;
        let squares = self.squares.as_ref().map(|squares| squares.limbs());
        let sum = Limbs::from_i128(self.sum);
        let spread = Limbs::spread(count, &sum, &squares.unwrap_or_default());
        Some(spread.round(0, &[count, below]))
    }

    /// What one of the functions of sums says of so many values.
    pub(crate) fn answer(&self, function: Function, count: u64) -> Result<Item<'static>, Overflow> {
        let real = match function {
            _ if count == 0 => None,
            Function::Sum => return self.sum().map(Item::Int).ok_or(Overflow),
            Function::Mean => Some(self.mean(count)),
            Function::Variance(divisor) => self.variance(count, divisor.ddof()),
            Function::StdDev(divisor) => self.variance(count, divisor.ddof()).map(f64::sqrt),
            _ => None,
        };
        Ok(real.map_or(Item::Null, Item::Float))
    }

    pub(crate) fn parts(&self) -> (i128, Option<Limbs>) {
        (
            self.sum,
            self.squares.as_ref().map(|squares| squares.limbs()),
        )
    }

    pub(crate) fn from_parts(sum: i128, squares: Option<&Limbs>) -> Option<Self> {
        Some(Self {
            sum,
            squares: match squares {
                Some(squares) if !squares.is_negative() => {
                    Some(Box::new(Exact::from_limbs(squares)?))
                }
                Some(_) => return None,
                None => None,
            },
        })
    }
}
