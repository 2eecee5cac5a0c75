//! Sums of gradients by bin, exact in whole numbers.
//!
//! A row's gradient and hessian are rounded to whole multiples of a unit chosen so that no sum can
//! overflow. Sums of whole numbers do not depend on their order, so any number of threads gives the same
//! bits, and a parent less one child is the other child exactly.

use std::ops::{Add, AddAssign, Sub, SubAssign};

use super::bins::BLOCK;

/// How many rows a fit takes at most: beyond, hessians would keep too few digits.
pub(crate) const MAX_ROWS: usize = 1 << 25;

/// The digits of a gradient, in bits.
const GRADIENT_BITS: u32 = 30;

/// A row's gradient and hessian in units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) gradient: i32,
    pub(crate) hessian: u32,
}

/// The sums over some rows: gradients, and hessians and the number of rows in one word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C, align(16))]
pub(crate) struct Cell {
    gradient: u64,
    hessian_and_rows: u64,
}

impl AddAssign for Cell {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        self.gradient = self.gradient.wrapping_add(other.gradient);
        self.hessian_and_rows = self.hessian_and_rows.wrapping_add(other.hessian_and_rows);
    }
}

impl SubAssign for Cell {
    #[inline]
    fn sub_assign(&mut self, other: Self) {
        self.gradient = self.gradient.wrapping_sub(other.gradient);
        self.hessian_and_rows = self.hessian_and_rows.wrapping_sub(other.hessian_and_rows);
    }
}

impl Add for Cell {
    type Output = Self;
    #[inline]
    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl Sub for Cell {
    type Output = Self;
    #[inline]
    fn sub(mut self, other: Self) -> Self {
        self -= other;
        self
    }
}

/// What a [`Cell`] says in real numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sums {
    pub(crate) gradient: f64,
    pub(crate) hessian: f64,
    pub(crate) rows: u32,
}

/// The units of gradients and hessians, and where the number of rows ends in a [`Cell`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    gradient: f64,
    hessian: f64,
    row_bits: u32,
    /// Units a whole: what gradients and hessians are multiplied with.
    per: (f64, f64),
}

/// Added to a number and taken away again, it leaves the nearest whole number.
const ROUND: f64 = 6_755_399_441_055_744.0;

impl Scale {
    /// Units for `rows` rows whose largest gradient and hessian are known.
    pub(crate) fn new(rows: usize, gradient: f64, hessian: f64) -> Self {
        let row_bits = usize::BITS - rows.leading_zeros();
        let hessian_bits = (64 - 2 * row_bits).min(31);
        let unit = |largest: f64, bits: u32| -> (f64, f64) {
            // a power of two keeps whole numbers whole
            let largest = largest.clamp(1e-270, 1e270);
            let power = largest.log2().ceil() - f64::from(bits);
            (power.exp2(), (-power).exp2())
        };
        let g = unit(gradient, GRADIENT_BITS);
        let h = unit(hessian, hessian_bits);
        Self {
            gradient: g.0,
            hessian: h.0,
            row_bits,
            per: (g.1, h.1),
        }
    }

    /// The nearest units.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low word of a rounded number is the number; both lie within their bits"
    )]
    pub(crate) fn pair(&self, gradient: f64, hessian: f64) -> Pair {
        let g = gradient * self.per.0 + ROUND;
        let h = hessian * self.per.1 + ROUND;
        Pair {
            gradient: g.to_bits() as i32,
            hessian: h.to_bits() as u32,
        }
    }

    /// One row as a sum.
    #[inline]
    #[expect(
        clippy::cast_sign_loss,
        reason = "sums wrap around in two's complement"
    )]
    pub(crate) fn cell(&self, pair: Pair) -> Cell {
        Cell {
            gradient: i64::from(pair.gradient) as u64,
            hessian_and_rows: u64::from(pair.hessian) << self.row_bits | 1,
        }
    }

    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "rows fill at most 26 bits; sums wrap around in two's complement"
    )]
    pub(crate) fn sums(&self, cell: Cell) -> Sums {
        Sums {
            gradient: cell.gradient as i64 as f64 * self.gradient,
            hessian: (cell.hessian_and_rows >> self.row_bits) as i64 as f64 * self.hessian,
            rows: (cell.hessian_and_rows & ((1 << self.row_bits) - 1)) as u32,
        }
    }
}

/// A column's cells in a [`Tile`]: 256 are in use; eight more keep like bins of neighbouring columns from
/// falling on like addresses of a cache.
const STRIDE: usize = 264;

/// Sums of all columns of a block.
pub(crate) type Tile = [[Cell; STRIDE]; BLOCK];

/// A tile of zeros.
pub(crate) fn tile() -> Box<Tile> {
    let columns = vec![[Cell::default(); STRIDE]; BLOCK].into_boxed_slice();
    columns.try_into().expect("as many as were made")
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlops_core::Seed;

    #[test]
    fn sums_are_those_of_the_rows() {
        let mut rng = Seed(1).rng();
        let rows: Vec<(f64, f64)> = (0..1000).map(|_| (rng.normal(), rng.unit())).collect();
        let scale = Scale::new(1000, 5.0, 1.0);
        let mut cell = Cell::default();
        for (g, h) in &rows {
            cell += scale.cell(scale.pair(*g, *h));
        }
        let sums = scale.sums(cell);
        let (g, h) = rows
            .iter()
            .fold((0.0, 0.0), |(a, b), (g, h)| (a + g, b + h));
        assert!((sums.gradient - g).abs() < 1e-5 && (sums.hessian - h).abs() < 1e-5);
        assert_eq!(sums.rows, 1000);
    }

    #[test]
    fn the_largest_rows_do_not_overflow() {
        for rows in [1, 2, 255, 4096] {
            let scale = Scale::new(rows, 3.0, 0.7);
            let mut cell = Cell::default();
            for _ in 0..rows {
                cell += scale.cell(scale.pair(-3.0, 0.7));
            }
            let sums = scale.sums(cell);
            let n = rows as f64;
            assert!((sums.gradient + 3.0 * n).abs() < 1e-7 * n);
            assert!((sums.hessian - 0.7 * n).abs() < 1e-7 * n);
            assert_eq!(sums.rows as usize, rows);
        }
        let scale = Scale::new(MAX_ROWS, 1.0, 1.0);
        let one = scale.cell(scale.pair(1.0, 1.0));
        let all = Cell {
            gradient: one.gradient * MAX_ROWS as u64,
            hessian_and_rows: one.hessian_and_rows * MAX_ROWS as u64,
        };
        assert_eq!(scale.sums(all).hessian, MAX_ROWS as f64);
    }
}
