//! Sum, mean and spread of a numeric column.

use super::{
    live::Live,
    values::{Integer, Values, each_whole},
};

/// What the usual statistics are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    pub(super) count: usize,
    pub(super) sum: f64,
    pub(super) mean: f64,
    /// The sum of squared deviations from the mean.
    squares: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Moments {
    /// Those of a numeric column, in two passes; `None` if it is not numeric.
    ///
    /// Whole numbers are summed exactly. Floats are summed in eight lanes in a fixed order, so that the result does
    /// not depend on threads.
    pub(super) fn of(values: &Values, live: &Live) -> Option<Self> {
        Some(match values {
            Values::Whole(whole) => each_whole!(whole, values => Self::of_whole(values, live)),
            Values::Real(real) => Self::of_real(&real.wide(), live),
            _ => return None,
        })
    }

    fn of_whole<T: Integer>(values: &[T], live: &Live) -> Self {
        let mut sum = 0_i128;
        live.each(values, |v| sum += v.into());
        let (low, high, _) = live.extent(values, T::MOST, T::LEAST);
        let real = |v: T| <T as Into<i128>>::into(v) as f64;
        Self::with(sum as f64, (real(low), real(high)), live, |mean| {
            let mut lanes = Lanes::default();
            live.each(values, |v| lanes.add((real(v) - mean).powi(2)));
            lanes.sum()
        })
    }

    fn of_real(values: &[f64], live: &Live) -> Self {
        let mut lanes = Lanes::default();
        live.each(values, |v| lanes.add(v));
        let (low, high, _) = live.extent(values, f64::INFINITY, f64::NEG_INFINITY);
        Self::with(lanes.sum(), (low, high), live, |mean| {
            let mut lanes = Lanes::default();
            live.each(values, |v| lanes.add((v - mean).powi(2)));
            lanes.sum()
        })
    }

    fn with(
        sum: f64,
        (min, max): (f64, f64),
        live: &Live,
        squares: impl FnOnce(f64) -> f64,
    ) -> Self {
        let count = live.count();
        let mean = sum / count as f64;
        Self {
            count,
            sum,
            mean,
            squares: squares(mean),
            min,
            max,
        }
    }

    /// The standard deviation of a sample, which divides by one less than the count; NaN below two values.
    pub(super) fn deviation(&self) -> f64 {
        if self.count < 2 {
            return f64::NAN;
        }
        (self.squares / (self.count - 1) as f64).sqrt()
    }
}

/// Eight sums that wait for none but themselves, each with what rounding lost.
#[derive(Default)]
struct Lanes {
    sums: [f64; 8],
    lost: [f64; 8],
    next: usize,
}

impl Lanes {
    fn add(&mut self, value: f64) {
        let lane = self.next % 8;
        self.next += 1;
        let sum = self.sums[lane];
        let new = sum + value;
        // Neumaier: the smaller of the two loses digits
        self.lost[lane] += if sum.abs() >= value.abs() {
            (sum - new) + value
        } else {
            (value - new) + sum
        };
        self.sums[lane] = new;
    }

    fn sum(&self) -> f64 {
        let plain: f64 = self.sums.iter().sum();
        let lost: f64 = self.lost.iter().sum();
        // past the range the lost digits are NaN and the sum is not
        if lost.is_finite() {
            plain + lost
        } else {
            plain
        }
    }
}
