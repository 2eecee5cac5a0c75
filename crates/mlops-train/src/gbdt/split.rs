//! The best split of a leaf by one column.

use serde::{Deserialize, Serialize};

use super::{
    bins::{Feature, Map},
    category::by_category,
    histogram::{Cell, Scale, Sums},
};

/// What a split must keep to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Limits {
    /// How many leaves a tree has at most.
    pub(crate) leaves: usize,
    /// How many splits lie between root and leaf at most.
    pub(crate) max_depth: usize,
    /// How many rows a leaf has at least.
    pub(crate) min_rows: u32,
    /// The sum of hessians that a leaf has at least.
    pub(crate) min_hessian: f64,
    pub(crate) l1: f64,
    pub(crate) l2: f64,
    /// What a split must gain at least.
    pub(crate) min_gain: f64,
    pub(crate) category: CategoryLimits,
    /// By feature of the bins: 1 rises, -1 falls, 0 is free.
    pub(crate) monotone: Vec<i8>,
}

/// What splits by category must keep to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CategoryLimits {
    /// Added to a category's hessian when categories are put in order.
    pub(crate) smooth: f64,
    /// Added to `l2`.
    pub(crate) l2: f64,
    /// How many categories go left at most.
    pub(crate) max_left: usize,
    /// Up to how many categories each is tried against all others.
    pub(crate) one_against_rest: usize,
    /// How many rows lie between two tried groups at least.
    pub(crate) min_group: u32,
}

impl Default for CategoryLimits {
    /// Those of LightGBM.
    fn default() -> Self {
        Self {
            smooth: 10.0,
            l2: 10.0,
            max_left: 32,
            one_against_rest: 4,
            min_group: 100,
        }
    }
}

/// Some of a column's 256 bins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BinSet([u64; 4]);

impl BinSet {
    pub(crate) fn insert(&mut self, bin: u8) {
        self.0[usize::from(bin >> 6)] |= 1 << (bin & 63);
    }

    pub(crate) fn contains(self, bin: u8) -> bool {
        self.0[usize::from(bin >> 6)] >> (bin & 63) & 1 == 1
    }
}

/// Which bins go left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cut {
    /// Up to this one; the missing one where it says. The last one parts the missing values from all
    /// others.
    Number { bin: u8, missing_left: bool },
    /// These.
    Category { left: BinSet },
}

/// A split that keeps to the limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Split {
    pub(crate) gain: f64,
    pub(crate) feature: usize,
    pub(crate) cut: Cut,
    pub(crate) left: Cell,
    pub(crate) right: Cell,
    pub(crate) left_value: f64,
    pub(crate) right_value: f64,
}

/// The values that a leaf may answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Bounds {
    pub(crate) const NONE: Self = Self {
        low: f64::NEG_INFINITY,
        high: f64::INFINITY,
    };
}

/// A leaf that looks for a split.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leaf<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) scale: &'a Scale,
    pub(crate) total: Cell,
    pub(crate) bounds: Bounds,
}

/// The best score so far, with the last bin to the left and whether missing values are there too.
#[derive(Debug, Clone, Copy)]
struct Best {
    score: f64,
    at: Option<(usize, bool)>,
}

/// Keeps a hessian of zero from dividing.
const TINY: f64 = 1e-15;

impl Leaf<'_> {
    fn shrunk(&self, gradient: f64) -> f64 {
        if self.limits.l1 == 0.0 {
            return gradient;
        }
        (gradient.abs() - self.limits.l1)
            .max(0.0)
            .copysign(gradient)
    }

    /// What a leaf with these sums answers.
    pub(crate) fn value(&self, sums: Sums, l2: f64) -> f64 {
        let value = -self.shrunk(sums.gradient) / (sums.hessian + l2 + TINY);
        value.clamp(self.bounds.low, self.bounds.high)
    }

    /// Twice what the loss falls by when a leaf with these sums answers its value.
    fn score(&self, sums: Sums, l2: f64) -> f64 {
        if self.bounds == Bounds::NONE {
            let gradient = self.shrunk(sums.gradient);
            return gradient * gradient / (sums.hessian + l2 + TINY);
        }
        let value = self.value(sums, l2);
        let straight = sums.gradient * value + self.limits.l1 * value.abs();
        -(2.0 * straight + (sums.hessian + l2 + TINY) * value * value)
    }

    /// What the leaf scores as it is.
    fn own_score(&self) -> f64 {
        self.score(self.scale.sums(self.total), self.limits.l2)
    }

    /// The best split by this column, if one gains enough.
    pub(crate) fn best(&self, index: usize, feature: &Feature, cells: &[Cell]) -> Option<Split> {
        let own = self.own_score();
        // what rounding alone can make is no gain
        let floor = own + self.limits.min_gain.max(own.abs() * 1e-12);
        let (found, l2) = match &feature.map {
            Map::Number { .. } => (self.by_threshold(index, feature, cells, floor)?, 0.0),
            Map::Category { .. } => by_category(self, feature, cells, floor)?,
        };
        let (score, cut, left) = found;
        let right = self.total - left;
        let l2 = self.limits.l2 + l2;
        Some(Split {
            gain: score - own,
            feature: index,
            cut,
            left,
            right,
            left_value: self.value(self.scale.sums(left), l2),
            right_value: self.value(self.scale.sums(right), l2),
        })
    }

    /// The score of a split, or none if a side is too small.
    #[inline]
    pub(super) fn pair_score(&self, left: Sums, right: Sums, l2: f64) -> Option<f64> {
        let limits = self.limits;
        let large = left.rows >= limits.min_rows
            && right.rows >= limits.min_rows
            && left.hessian >= limits.min_hessian
            && right.hessian >= limits.min_hessian;
        large.then(|| self.score(left, l2) + self.score(right, l2))
    }

    fn by_threshold(
        &self,
        index: usize,
        feature: &Feature,
        cells: &[Cell],
        floor: f64,
    ) -> Option<(f64, Cut, Cell)> {
        let missing = if feature.missing {
            cells[feature.values]
        } else {
            Cell::default()
        };
        let present = &cells[..feature.values];
        let monotone = self.limits.monotone[index];
        let free = monotone == 0 && self.limits.l1 == 0.0 && self.bounds == Bounds::NONE;
        let mut best = Best {
            score: floor,
            at: None,
        };
        if missing == Cell::default() {
            // all present values on one side would leave none for the other
            self.scan(
                present.len() - 1,
                present,
                missing,
                false,
                monotone,
                free,
                &mut best,
            );
        } else {
            self.scan(
                present.len(),
                present,
                missing,
                false,
                monotone,
                free,
                &mut best,
            );
            self.scan(
                present.len() - 1,
                present,
                missing,
                true,
                monotone,
                free,
                &mut best,
            );
        }
        let (bin, missing_left) = best.at?;
        let mut left = present[..=bin]
            .iter()
            .fold(Cell::default(), |sum, cell| sum + *cell);
        if missing_left {
            left += missing;
        }
        let right = self.total - left;
        let (missing_left, bin) = if missing == Cell::default() {
            // without missing values here, they go where more rows go
            (
                self.scale.sums(left).rows > self.scale.sums(right).rows,
                bin,
            )
        } else if right == missing {
            (false, feature.values - 1)
        } else {
            (missing_left, bin)
        };
        let bin = u8::try_from(bin).expect("a column has at most 255 bins");
        Some((best.score, Cut::Number { bin, missing_left }, left))
    }

    /// Tries the first `end` bins as the last one to the left.
    #[expect(
        clippy::too_many_arguments,
        reason = "one loop for all kinds of columns"
    )]
    #[inline]
    fn scan(
        &self,
        end: usize,
        cells: &[Cell],
        missing: Cell,
        missing_left: bool,
        monotone: i8,
        free: bool,
        best: &mut Best,
    ) {
        let limits = self.limits;
        let mut left = if missing_left {
            missing
        } else {
            Cell::default()
        };
        for (bin, cell) in cells[..end].iter().enumerate() {
            left += *cell;
            let right = self.total - left;
            let (l, r) = (self.scale.sums(left), self.scale.sums(right));
            if r.rows < limits.min_rows || r.hessian < limits.min_hessian {
                break;
            }
            if l.rows < limits.min_rows || l.hessian < limits.min_hessian {
                continue;
            }
            if free {
                // one fraction for both sides, and no division until it is better
                let (x, y) = (l.hessian + limits.l2 + TINY, r.hessian + limits.l2 + TINY);
                let above = l.gradient * l.gradient * y + r.gradient * r.gradient * x;
                if above > best.score * (x * y) && *cell != Cell::default() {
                    *best = Best {
                        score: above / (x * y),
                        at: Some((bin, missing_left)),
                    };
                }
                continue;
            }
            if *cell == Cell::default() {
                continue;
            }
            let score = self.score(l, limits.l2) + self.score(r, limits.l2);
            // missing values have no place in an order
            let alone = missing != Cell::default() && right == missing;
            if score > best.score && (alone || self.in_order(monotone, l, r)) {
                *best = Best {
                    score,
                    at: Some((bin, missing_left)),
                };
            }
        }
    }

    /// Whether the sides' values rise or fall as the column asks.
    fn in_order(&self, monotone: i8, left: Sums, right: Sums) -> bool {
        if monotone == 0 {
            return true;
        }
        let (l, r) = (
            self.value(left, self.limits.l2),
            self.value(right, self.limits.l2),
        );
        if monotone > 0 { l <= r } else { l >= r }
    }
}
