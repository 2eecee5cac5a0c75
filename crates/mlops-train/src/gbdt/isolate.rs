//! Trees that split at random until a row stands alone: what is unlike the rest stands alone soon.
//!
//! A tree sees a few hundred rows, so it is grown on the values themselves, without bins.

use std::{collections::BTreeSet, ops::Range};

use mlops_core::{Rng, Seed};
use mlops_model::{Node, Rule, Tree};

use super::{
    bins::{Column, MISSING},
    pool::each,
};

const EULER: f64 = 0.577_215_664_901_532_9;

/// How many splits a search among `rows` rows usually takes before it fails: the length of path that
/// all others are held against.
///
/// # Reference
/// Liu, Ting and Zhou 2008, with 1 for two rows as in scikit-learn.
pub(super) fn usual_path(rows: usize) -> f64 {
    match rows {
        0 | 1 => 0.0,
        2 => 1.0,
        rows => {
            let others = (rows - 1) as f64;
            2.0 * (others.ln() + EULER) - 2.0 * others / rows as f64
        }
    }
}

/// Grows `trees` trees on `sample` rows each, at most as many as there are and at least two. A leaf holds the
/// length of path of its rows as a share of the usual one.
pub(crate) fn isolating_trees(
    columns: &[Column<'_>],
    trees: usize,
    sample: usize,
    seed: Seed,
    threads: usize,
) -> Vec<Tree> {
    each(threads, trees, |at| {
        let mut rng = seed.derive(&format!("tree {at}")).rng();
        let rows = drawn(columns[0].rows(), sample, &mut rng);
        Isolator {
            columns,
            usual: usual_path(rows.len()),
            // what is deeper is no anomaly, however deep
            deepest: rows.len().next_power_of_two().ilog2() as usize,
            order: (0..columns.len()).collect(),
            rows,
            rng,
        }
        .grow()
    })
}

/// `count` different numbers below `rows`, each set of them as likely as any other (Floyd's algorithm).
fn drawn(rows: usize, count: usize, rng: &mut Rng) -> Vec<usize> {
    let mut set = BTreeSet::new();
    for last in rows - count..rows {
        let one = rng.below(last + 1);
        if !set.insert(one) {
            set.insert(last);
        }
    }
    set.into_iter().collect()
}

/// What goes left.
enum Split {
    Number(f64),
    Category(Vec<u32>),
}

struct Isolator<'a> {
    columns: &'a [Column<'a>],
    usual: f64,
    deepest: usize,
    order: Vec<usize>,
    rows: Vec<usize>,
    rng: Rng,
}

impl Isolator<'_> {
    fn grow(mut self) -> Tree {
        let mut nodes = vec![Node::Leaf { value: 0.0 }];
        let mut open = vec![(0, 0..self.rows.len(), 0)];
        while let Some((at, range, depth)) = open.pop() {
            let found = if depth < self.deepest {
                self.split(range.clone())
            } else {
                None
            };
            let Some((column, split)) = found else {
                let value = (depth as f64 + usual_path(range.len())) / self.usual;
                nodes[at] = Node::Leaf { value };
                continue;
            };
            let missing_left = self.rng.unit() < 0.5;
            let middle = self.part(range.clone(), column, &split, missing_left);
            let number = |n: usize| u32::try_from(n).expect("a tree has fewer nodes than rows");
            let (feature, left) = (number(column), number(nodes.len()));
            nodes[at] = match split {
                Split::Number(threshold) => Node::Split {
                    feature,
                    threshold,
                    rule: Rule::Le,
                    missing_left,
                    left,
                    right: left + 1,
                },
                Split::Category(categories) => Node::Category {
                    feature,
                    categories,
                    missing_left,
                    left,
                    right: left + 1,
                },
            };
            open.push((nodes.len() + 1, middle..range.end, depth + 1));
            open.push((nodes.len(), range.start..middle, depth + 1));
            nodes.extend([const { Node::Leaf { value: 0.0 } }; 2]);
        }
        Tree { nodes }
    }

    /// A split by chance of the first column, by chance, that tells the rows apart.
    fn split(&mut self, range: Range<usize>) -> Option<(usize, Split)> {
        if range.len() < 2 {
            return None;
        }
        for tried in 0..self.order.len() {
            let other = tried + self.rng.below(self.order.len() - tried);
            self.order.swap(tried, other);
            let column = self.order[tried];
            let rows = &self.rows[range.clone()];
            let split = match self.columns[column] {
                Column::Numbers(values) => between(values, rows, &mut self.rng).map(Split::Number),
                Column::Codes(codes) => some_of(codes, rows, &mut self.rng).map(Split::Category),
            };
            if let Some(split) = split {
                return Some((column, split));
            }
        }
        None
    }

    /// Brings the rows that go left to the front, and says where the others begin.
    fn part(&mut self, range: Range<usize>, column: usize, split: &Split, missing: bool) -> usize {
        let goes_left = |row: usize| match (split, self.columns[column]) {
            (Split::Number(threshold), Column::Numbers(values)) => {
                let x = values[row];
                if x.is_nan() { missing } else { x <= *threshold }
            }
            (Split::Category(left), Column::Codes(codes)) => match codes[row] {
                MISSING => missing,
                code => left.binary_search(&code).is_ok(),
            },
            _ => unreachable!("a split is of its column's kind"),
        };
        let rows = &mut self.rows[range.clone()];
        let (left, right): (Vec<usize>, Vec<usize>) = rows.iter().partition(|row| goes_left(**row));
        rows[..left.len()].copy_from_slice(&left);
        rows[left.len()..].copy_from_slice(&right);
        range.start + left.len()
    }
}

/// A threshold that has values at or below it and above it, anywhere between the ends with like chance.
fn between(values: &[f64], rows: &[usize], rng: &mut Rng) -> Option<f64> {
    let present = rows.iter().map(|row| values[*row]).filter(|x| !x.is_nan());
    let ends = (f64::INFINITY, f64::NEG_INFINITY);
    let (low, high) = present.fold(ends, |(low, high), x| (low.min(x), high.max(x)));
    if low >= high {
        return None;
    }
    let share = rng.unit();
    // a sum of parts, as the difference of huge numbers is not finite
    let threshold = low * (1.0 - share) + high * share;
    let inside = threshold >= low && threshold < high;
    Some(if inside { threshold } else { low })
}

/// Some of the categories that occur, and not all; each goes left by the toss of a coin.
fn some_of(codes: &[u32], rows: &[usize], rng: &mut Rng) -> Option<Vec<u32>> {
    let present = rows.iter().map(|row| codes[*row]);
    let present: BTreeSet<u32> = present.filter(|code| *code != MISSING).collect();
    if present.len() < 2 {
        return None;
    }
    // the one that never goes left, and the one that always does
    let right = rng.below(present.len());
    let left = (right + 1 + rng.below(present.len() - 1)) % present.len();
    let codes = present.into_iter().enumerate();
    let chosen = codes.filter(|(at, _)| *at == left || (*at != right && rng.unit() < 0.5));
    Some(chosen.map(|(_, code)| code).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_path_is_that_of_a_failed_search() {
        assert_eq!([0, 1, 2].map(usual_path), [0.0, 0.0, 1.0]);
        // 2 H(n - 1) - 2 (n - 1) / n, where the harmonic number is its logarithm and Euler's constant
        assert!((usual_path(256) - 10.244_770_920_119_917).abs() < 1e-12);
    }

    #[test]
    fn a_sample_holds_different_rows_each_as_often_as_any_other() {
        let mut rng = Seed(4).rng();
        let mut counts = [0; 10];
        for _ in 0..3000 {
            let sample = drawn(10, 4, &mut rng);
            assert!(sample.len() == 4 && sample.windows(2).all(|pair| pair[0] < pair[1]));
            for row in sample {
                counts[row] += 1;
            }
        }
        assert!(
            counts.iter().all(|count| (1080..1320).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn every_split_tells_rows_apart_until_none_can() {
        let mut rng = Seed(5).rng();
        let x: Vec<f64> = (0..60).map(|_| rng.normal().round()).collect();
        let codes: Vec<u32> = (0..60)
            .map(|at| if at % 7 == 0 { MISSING } else { at % 3 })
            .collect();
        let columns = [Column::Numbers(&x), Column::Codes(&codes)];
        for tree in isolating_trees(&columns, 20, 32, Seed(1), 1) {
            let leaves = tree
                .nodes
                .iter()
                .filter(|node| matches!(node, Node::Leaf { .. }));
            assert_eq!(leaves.count(), tree.nodes.len().div_ceil(2));
            assert!(tree.nodes.len() > 3);
            for node in &tree.nodes {
                match node {
                    Node::Category { categories, .. } => {
                        assert!((1..3).contains(&categories.len()));
                        assert!(categories.is_sorted());
                    }
                    Node::Leaf { value } => assert!(*value > 0.0 && *value < 3.0),
                    Node::Split { .. } => {}
                }
            }
        }
        let same = [1.0; 8];
        let trees = isolating_trees(&[Column::Numbers(&same)], 1, 8, Seed(1), 1);
        assert_eq!(trees[0].nodes, [Node::Leaf { value: 1.0 }]);
    }

    #[test]
    fn huge_numbers_are_split_too() {
        let values = [-f64::MAX, f64::MAX];
        let mut rng = Seed(6).rng();
        for _ in 0..100 {
            let threshold = between(&values, &[0, 1], &mut rng).unwrap();
            assert!((-f64::MAX..f64::MAX).contains(&threshold));
        }
    }
}
