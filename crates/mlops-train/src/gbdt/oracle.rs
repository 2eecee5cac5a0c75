//! A slow, obvious grower that the fast one must agree with: every split of every leaf is tried by
//! walking over its rows.

use mlops_core::{Rng, Seed};
use proptest::prelude::*;

use super::{
    bins::{Bins, Column, MISSING, Map},
    grow::{Gradients, Grower},
    histogram::Scale,
    split::{CategoryLimits, Limits},
    tree::Kind,
};

/// Rows, and what each answers by.
struct Slow<'a> {
    bins: &'a Bins,
    gradients: &'a [(f64, f64)],
    limits: &'a Limits,
}

#[derive(Debug, Clone)]
struct Leaf {
    rows: Vec<usize>,
    depth: usize,
    low: f64,
    high: f64,
    value: f64,
}

#[derive(Debug, Clone)]
struct Found {
    gain: f64,
    /// Whether the children keep to their sides of the middle.
    ordered: bool,
    feature: usize,
    left: Vec<usize>,
    right: Vec<usize>,
    values: (f64, f64),
}

impl Slow<'_> {
    fn sums(&self, rows: &[usize]) -> (f64, f64) {
        rows.iter().fold((0.0, 0.0), |(g, h), row| {
            (g + self.gradients[*row].0, h + self.gradients[*row].1)
        })
    }

    fn value(&self, leaf: &Leaf, rows: &[usize], l2: f64) -> f64 {
        let (g, h) = self.sums(rows);
        let shrunk = (g.abs() - self.limits.l1).max(0.0) * g.signum();
        (-shrunk / (h + self.limits.l2 + l2)).clamp(leaf.low, leaf.high)
    }

    /// Twice what the loss falls by.
    fn score(&self, leaf: &Leaf, rows: &[usize], l2: f64) -> f64 {
        let (g, h) = self.sums(rows);
        let v = self.value(leaf, rows, l2);
        -(2.0 * (g * v + self.limits.l1 * v.abs()) + (h + self.limits.l2 + l2) * v * v)
    }

    fn try_bins(
        &self,
        leaf: &Leaf,
        feature: usize,
        goes_left: &dyn Fn(usize) -> bool,
        l2: f64,
    ) -> Option<Found> {
        let column = &self.bins.columns[feature];
        let (left, right): (Vec<usize>, Vec<usize>) = leaf
            .rows
            .iter()
            .partition(|row| goes_left(usize::from(column[**row])));
        let limits = self.limits;
        for side in [&left, &right] {
            if side.len() < limits.min_rows as usize || self.sums(side).1 < limits.min_hessian {
                return None;
            }
        }
        let values = (self.value(leaf, &left, l2), self.value(leaf, &right, l2));
        // missing values have no place in an order
        let missing = self.bins.features[feature].values;
        let present = |rows: &[usize]| rows.iter().any(|row| usize::from(column[*row]) != missing);
        let number = matches!(self.bins.features[feature].map, Map::Number { .. });
        if number && !present(&left) {
            return None;
        }
        let ordered = limits.monotone[feature] != 0 && present(&right);
        match if ordered { limits.monotone[feature] } else { 0 } {
            1 if values.0 > values.1 => return None,
            -1 if values.0 < values.1 => return None,
            _ => {}
        }
        let own = self.score(leaf, &leaf.rows, 0.0);
        let gain = self.score(leaf, &left, l2) + self.score(leaf, &right, l2) - own;
        let found = Found {
            gain,
            ordered,
            feature,
            left,
            right,
            values,
        };
        (gain > limits.min_gain.max(own.abs() * 1e-12)).then_some(found)
    }

    /// All sets of bins that may go left by one column, and what they add to `l2`.
    fn sets(&self, leaf: &Leaf, feature: usize) -> (Vec<Vec<usize>>, f64) {
        let (of, limits) = (&self.bins.features[feature], &self.limits.category);
        let (values, cells) = (of.values, of.cells());
        let mut sets = Vec::new();
        if matches!(of.map, Map::Number { .. }) {
            for end in 1..=values {
                sets.push((0..end).collect());
                sets.push((0..end).chain([values]).collect());
            }
            return (sets, 0.0);
        }
        if cells <= limits.one_against_rest {
            return ((0..cells).map(|bin| vec![bin]).collect(), 0.0);
        }
        let rows = |bin: usize| -> Vec<usize> {
            let column = &self.bins.columns[feature];
            leaf.rows
                .iter()
                .copied()
                .filter(|row| usize::from(column[*row]) == bin)
                .collect()
        };
        let mut order: Vec<usize> = (0..cells)
            .filter(|bin| rows(*bin).len() as f64 >= limits.smooth)
            .collect();
        let ratio = |bin: usize| {
            let (g, h) = self.sums(&rows(bin));
            g / (h + limits.smooth)
        };
        order.sort_by(|a, b| ratio(*a).total_cmp(&ratio(*b)));
        let most = limits.max_left.min(order.len().div_ceil(2));
        for _ in 0..2 {
            let mut group = 0;
            for end in 1..=most {
                group += rows(order[end - 1]).len();
                let left: usize = order[..end].iter().map(|bin| rows(*bin).len()).sum();
                let right = leaf.rows.len() - left;
                if right < limits.min_group as usize || group < limits.min_group as usize {
                    continue;
                }
                if left >= self.limits.min_rows as usize {
                    let hessian: f64 = order[..end]
                        .iter()
                        .map(|bin| self.sums(&rows(*bin)).1)
                        .sum();
                    if hessian >= self.limits.min_hessian {
                        group = 0;
                    }
                }
                sets.push(order[..end].to_vec());
            }
            order.reverse();
        }
        (sets, limits.l2)
    }

    fn best(&self, leaf: &Leaf) -> Option<Found> {
        if leaf.depth == self.limits.max_depth {
            return None;
        }
        let mut best: Option<Found> = None;
        for feature in 0..self.bins.features.len() {
            let (sets, l2) = self.sets(leaf, feature);
            for set in sets {
                let found = self.try_bins(leaf, feature, &|bin| set.contains(&bin), l2);
                if let Some(found) = found
                    && best.as_ref().is_none_or(|best| found.gain > best.gain)
                {
                    best = Some(found);
                }
            }
        }
        best
    }

    /// The gains in the order of the splits, and the leaves.
    fn grow(&self) -> (Vec<f64>, Vec<Leaf>) {
        let mut root = Leaf {
            rows: (0..self.bins.rows).collect(),
            depth: 0,
            low: f64::NEG_INFINITY,
            high: f64::INFINITY,
            value: 0.0,
        };
        root.value = self.value(&root, &root.rows, 0.0);
        let (mut leaves, mut gains) = (vec![root], Vec::new());
        while leaves.len() < self.limits.leaves {
            let mut best: Option<(usize, Found)> = None;
            for (at, leaf) in leaves.iter().enumerate() {
                if let Some(found) = self.best(leaf)
                    && best.as_ref().is_none_or(|(_, best)| found.gain > best.gain)
                {
                    best = Some((at, found));
                }
            }
            let Some((at, found)) = best else { break };
            gains.push(found.gain);
            let parent = leaves[at].clone();
            let middle = f64::midpoint(found.values.0, found.values.1);
            let child = |rows: Vec<usize>, value: f64, below: bool| {
                let mut leaf = Leaf {
                    rows,
                    depth: parent.depth + 1,
                    value,
                    ..parent
                };
                if found.ordered {
                    if below {
                        leaf.high = middle;
                    } else {
                        leaf.low = middle;
                    }
                }
                leaf
            };
            let rises = self.limits.monotone[found.feature] == 1;
            leaves[at] = child(found.left, found.values.0, rises);
            leaves.push(child(found.right, found.values.1, !rises));
        }
        (gains, leaves)
    }
}

/// Numbers and codes with gaps, few and many values, and one column in three a copy of the truth.
fn columns(rng: &mut Rng, rows: usize) -> (Vec<Vec<f64>>, Vec<Vec<u32>>) {
    let numbers = (0..3)
        .map(|at| {
            let gaps = [0.0, 0.2, 0.05][at];
            let coarse = at == 2;
            (0..rows)
                .map(|_| {
                    let x = rng.normal();
                    if rng.unit() < gaps {
                        f64::NAN
                    } else if coarse {
                        x.round()
                    } else {
                        x
                    }
                })
                .collect()
        })
        .collect();
    let codes = [3, 12]
        .into_iter()
        .map(|count| {
            (0..rows)
                .map(|_| {
                    let code = rng.below(count).min(rng.below(count));
                    if rng.unit() < 0.1 {
                        MISSING
                    } else {
                        u32::try_from(code).expect("small")
                    }
                })
                .collect()
        })
        .collect();
    (numbers, codes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_fast_grower_finds_what_the_slow_one_finds(
        seed in any::<u64>(),
        rows in 20usize..220,
        leaves in 2usize..9,
        max_depth in 1usize..4,
        min_rows in 1u32..12,
        l1 in prop_oneof![Just(0.0), 0.0..2.0],
        l2 in prop_oneof![Just(0.0), 0.0..3.0],
        monotone in proptest::collection::vec(-1i8..=1, 3),
        weighted in any::<bool>(),
        max_bins in 4usize..40,
        threads in 1usize..3,
    ) {
        let mut rng = Seed(seed).rng();
        let (numbers, codes) = columns(&mut rng, rows);
        let columns: Vec<Column<'_>> = numbers
            .iter()
            .map(|x| Column::Numbers(x))
            .chain(codes.iter().map(|x| Column::Codes(x)))
            .collect();
        let bins = Bins::new(&columns, max_bins, threads);
        let gradients: Vec<(f64, f64)> = (0..rows)
            .map(|row| {
                let x = numbers[0][row] + if codes[1][row] % 3 == 1 { 1.5 } else { 0.0 };
                let w = if weighted { rng.unit() + 0.1 } else { 1.0 };
                (w * (x + rng.normal()), w * (0.2 + rng.unit()))
            })
            .collect();
        let scale = Scale::new(rows, 10.0, 2.0);
        let pairs: Vec<_> = gradients.iter().map(|(g, h)| scale.pair(*g, *h)).collect();
        let limits = Limits {
            leaves,
            max_depth,
            min_rows,
            min_hessian: 1.0,
            l1,
            l2,
            min_gain: 0.0,
            category: CategoryLimits {
                smooth: 3.0, l2: 1.0, max_left: 4, one_against_rest: 4, min_group: 5,
            },
            monotone: bins
                .features
                .iter()
                .map(|f| if f.column < 3 { monotone[f.column] } else { 0 })
                .collect(),
        };
        let enabled = vec![true; bins.features.len()];
        let from = Gradients { pairs: &pairs, scale: &scale, sample: None, enabled: &enabled };
        let mut grower = Grower::new(&bins, threads);
        // a second tree finds the buffers of the first
        grower.grow(&from, &limits);
        let grown = grower.grow(&from, &limits);

        let (gains, slow) = Slow { bins: &bins, gradients: &gradients, limits: &limits }.grow();
        let mut found: Vec<f64> = Vec::new();
        for node in &grown.tree.nodes {
            if let Kind::Split { gain, .. } = node.kind {
                found.push(gain);
            }
        }
        let sorted = |mut gains: Vec<f64>| {
            gains.sort_by(f64::total_cmp);
            gains
        };
        prop_assert_eq!(found.len(), gains.len());
        for (fast, slow) in sorted(found).iter().zip(sorted(gains)) {
            prop_assert!((fast - slow).abs() < 1e-6 * (1.0 + slow.abs()), "{} {}", fast, slow);
        }
        let mut fast: Vec<(Vec<usize>, f64)> = grown
            .leaves
            .iter()
            .map(|(node, range)| {
                let rows = grower.rows()[range.clone()].iter().map(|row| *row as usize);
                let Kind::Leaf { value } = grown.tree.nodes[*node].kind else { panic!("a leaf") };
                (rows.collect(), value)
            })
            .collect();
        let mut slow: Vec<(Vec<usize>, f64)> =
            slow.into_iter().map(|leaf| (leaf.rows, leaf.value)).collect();
        fast.sort_by(|a, b| a.0.cmp(&b.0));
        slow.sort_by(|a, b| a.0.cmp(&b.0));
        for (fast, slow) in fast.iter().zip(&slow) {
            prop_assert_eq!(&fast.0, &slow.0);
            prop_assert!((fast.1 - slow.1).abs() < 1e-6 * (1.0 + slow.1.abs()));
            prop_assert!(fast.0.len() >= min_rows as usize || fast.0.len() == rows);
            for row in &fast.0 {
                // bins, and the numbers that they stand for, lead to the same leaf
                let by_bins = grown.tree.answer(&bins.features, &bins.columns, *row);
                prop_assert_eq!(by_bins, fast.1);
                prop_assert_eq!(grown.tree.answer_raw(&bins, &columns, *row), fast.1);
            }
        }
    }
}
