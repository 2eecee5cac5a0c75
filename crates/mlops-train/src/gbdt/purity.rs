//! How pure the two parts of a node are, by the sums of a column's bins.

use super::{
    bins::{Feature, Map},
    split::{BinSet, Cut},
};

/// Sums over rows: how many, their weight, and of each output the weighted answers.
#[derive(Debug)]
pub(super) struct Totals {
    pub(super) rows: usize,
    pub(super) weight: f64,
    pub(super) sums: Vec<f64>,
}

impl Totals {
    pub(super) fn zero(outputs: usize) -> Self {
        Self {
            rows: 0,
            weight: 0.0,
            sums: vec![0.0; outputs],
        }
    }

    /// The weighted squares of the means: the higher, the purer.
    pub(super) fn score(&self) -> f64 {
        self.sums.iter().map(|sum| sum * sum).sum::<f64>() / self.weight
    }
}

/// A row of the node at hand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) weight: f64,
    /// The answer, or 1 for a class.
    pub(super) answer: f64,
    pub(super) class: usize,
}

/// How many bins of an order go left.
#[derive(Debug)]
struct Prefix {
    score: f64,
    end: usize,
    /// Whether more rows go left than right.
    heavier: bool,
}

/// The sums of a column's bins.
#[derive(Debug)]
pub(super) struct Cells {
    rows: Vec<usize>,
    weights: Vec<f64>,
    /// `[bin, output]`.
    sums: Vec<f64>,
    outputs: usize,
}

impl Cells {
    pub(super) fn new(outputs: usize) -> Self {
        Self {
            rows: vec![0; 256],
            weights: vec![0.0; 256],
            sums: vec![0.0; 256 * outputs],
            outputs,
        }
    }

    #[inline]
    pub(super) fn add(&mut self, bin: u8, row: &Row) {
        let at = usize::from(bin);
        self.rows[at] += 1;
        self.weights[at] += row.weight;
        self.sums[at * self.outputs + row.class] += row.weight * row.answer;
    }

    fn sums(&self, bin: u8) -> &[f64] {
        &self.sums[usize::from(bin) * self.outputs..][..self.outputs]
    }

    fn add_to(&self, bin: u8, total: &mut Totals) {
        total.rows += self.rows[usize::from(bin)];
        total.weight += self.weights[usize::from(bin)];
        total
            .sums
            .iter_mut()
            .zip(self.sums(bin))
            .for_each(|(total, sum)| *total += sum);
    }

    pub(super) fn clear(&mut self, bin: u8) {
        let at = usize::from(bin);
        (self.rows[at], self.weights[at]) = (0, 0.0);
        self.sums[at * self.outputs..][..self.outputs].fill(0.0);
    }

    /// The best cut of a column into two parts of at least `least` rows, above `floor`; `order` are the
    /// bins that hold rows, ascending.
    pub(super) fn best(
        &self,
        feature: &Feature,
        order: &mut [u8],
        total: &Totals,
        least: usize,
        floor: f64,
    ) -> Option<(f64, Cut)> {
        if order.len() < 2 {
            return None;
        }
        if matches!(feature.map, Map::Number { .. }) {
            return self.by_threshold(feature, order, total, least, floor);
        }
        // by the share of the most common class, or by the mean
        let common = (0..self.outputs).max_by(|a, b| total.sums[*a].total_cmp(&total.sums[*b]));
        let common = common.unwrap_or_default();
        let mean = |bin: u8| self.sums(bin)[common] / self.weights[usize::from(bin)];
        order.sort_by(|a, b| mean(*a).total_cmp(&mean(*b)));
        let Prefix { score, end, .. } = self.prefix(order, None, total, least, floor)?;
        let mut left = BinSet::default();
        for bin in &order[..end] {
            left.insert(*bin);
        }
        Some((score, Cut::Category { left }))
    }

    fn by_threshold(
        &self,
        feature: &Feature,
        order: &[u8],
        total: &Totals,
        least: usize,
        floor: f64,
    ) -> Option<(f64, Cut)> {
        let last = order[order.len() - 1];
        let missing = usize::from(last) == feature.values;
        let present = if missing {
            &order[..order.len() - 1]
        } else {
            order
        };
        let (mut best, mut found) = (floor, None);
        let firsts = [None, Some(last)];
        for first in &firsts[..=usize::from(missing)] {
            let Some(Prefix {
                score,
                end,
                heavier,
            }) = self.prefix(present, *first, total, least, best)
            else {
                continue;
            };
            best = score;
            let alone = end == present.len();
            let bin = if alone {
                feature.values - 1
            } else {
                // half-way between the bins that hold rows
                (usize::from(present[end - 1]) + usize::from(present[end]) - 1).div_ceil(2)
            };
            let bin = u8::try_from(bin).expect("a column has at most 255 bins");
            // without missing values here, they go where more rows go
            let missing_left = first.is_some() || (!missing && heavier);
            found = Some((score, Cut::Number { bin, missing_left }));
        }
        found
    }

    /// The best number of bins in order to send left, `first` before all of them.
    fn prefix(
        &self,
        order: &[u8],
        first: Option<u8>,
        total: &Totals,
        least: usize,
        floor: f64,
    ) -> Option<Prefix> {
        let mut left = Totals::zero(total.sums.len());
        if let Some(first) = first {
            self.add_to(first, &mut left);
        }
        let (mut best, mut found) = (floor, None);
        for (at, bin) in order.iter().enumerate() {
            self.add_to(*bin, &mut left);
            let rows = total.rows - left.rows;
            if rows < least {
                break;
            }
            let weight = total.weight - left.weight;
            if left.rows < least || weight <= 0.0 {
                continue;
            }
            let rest = total
                .sums
                .iter()
                .zip(&left.sums)
                .map(|(all, left)| (all - left) * (all - left));
            let score = left.score() + rest.sum::<f64>() / weight;
            if score > best {
                best = score;
                found = Some(Prefix {
                    score,
                    end: at + 1,
                    heavier: left.rows > rows,
                });
            }
        }
        found
    }
}
