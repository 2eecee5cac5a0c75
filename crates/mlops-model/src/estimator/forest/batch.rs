//! All rows of a batch, a block at a time, so that the block stays in the cache while all trees pass over it.
//!
//! Small trees are walked by ranks (see [`Compact`]), others as a single row walks them.

use super::{
    Forest, LANES,
    compact::{self, Compact},
};
use crate::Matrix;

/// Rows of a block.
const BLOCK: usize = 64;

impl Forest {
    /// The answers for all rows, `[rows, outputs]`.
    pub(crate) fn score_all(&self, matrix: &Matrix, answers: &mut [f64]) {
        if let Some(compact) = &self.compact {
            return self.score_compact(compact, matrix, answers);
        }
        let outputs = self.outputs();
        let mut spread = Vec::new();
        for (block, answers) in answers.chunks_mut(BLOCK * outputs).enumerate() {
            answers
                .chunks_exact_mut(outputs)
                .for_each(|answer| self.start(answer));
            spread.clear();
            for row in block * BLOCK..block * BLOCK + answers.len() / outputs {
                self.spread(matrix.row(row), &mut spread);
            }
            if self.sets.is_empty() {
                self.score_block::<false>(&spread, answers);
            } else {
                self.score_block::<true>(&spread, answers);
            }
            answers
                .chunks_exact_mut(outputs)
                .for_each(|answer| self.finish(answer));
        }
    }

    fn score_compact(&self, compact: &Compact, matrix: &Matrix, answers: &mut [f64]) {
        let outputs = self.outputs();
        // without columns there is nothing to rank
        let rows_of = (LANES * self.width).max(1);
        let mut groups = vec![compact::BLANK; BLOCK / LANES];
        for (block, answers) in answers.chunks_mut(BLOCK * outputs).enumerate() {
            for answer in answers.chunks_exact_mut(outputs) {
                self.start(answer);
            }
            let rows = &matrix.values()[block * BLOCK * self.width..];
            for (group, rows) in groups.iter_mut().zip(rows.chunks(rows_of)) {
                compact.rank(rows, self.width, group);
            }
            for tree in 0..self.roots.len() {
                let output = tree % outputs;
                for (sums, group) in answers.chunks_mut(LANES * outputs).zip(&groups) {
                    let leaves = compact.walk(tree, group);
                    let sums = sums.iter_mut().skip(output).step_by(outputs);
                    sums.zip(leaves).for_each(|(sum, leaf)| *sum += leaf);
                }
            }
            for answer in answers.chunks_exact_mut(outputs) {
                self.finish(answer);
            }
        }
    }

    fn score_block<const CATEGORIES: bool>(&self, spread: &[f64], sums: &mut [f64]) {
        let (outputs, stride) = (self.outputs(), self.stride());
        for (tree, root) in self.roots.iter().enumerate() {
            let output = tree % outputs;
            let groups = sums
                .chunks_mut(LANES * outputs)
                .zip(spread.chunks(LANES * stride));
            for (sums, rows) in groups {
                let row = |lane: usize| &rows[lane * stride..(lane + 1) * stride];
                if sums.len() == LANES * outputs {
                    let rows: [&[f64]; LANES] = std::array::from_fn(row);
                    let leaves = self.walk::<LANES, CATEGORIES>([*root; LANES], |lane| rows[lane]);
                    for (lane, leaf) in leaves.into_iter().enumerate() {
                        sums[lane * outputs + output] += leaf;
                    }
                } else {
                    for lane in 0..sums.len() / outputs {
                        let leaf = self.walk::<1, CATEGORIES>([*root], |_| row(lane))[0];
                        sums[lane * outputs + output] += leaf;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::{Rng, Seed};

    use super::*;
    use crate::{Combine, Link, Node, Rule, Tree, TreeEnsemble};

    /// A tree of so many leaves over three columns, two of numbers and one of categories.
    fn tree(rng: &mut Rng, leaves: usize) -> Tree {
        let mut nodes = vec![Node::Leaf { value: 0.5 }];
        let mut open = vec![0];
        while open.len() < leaves {
            let at: usize = open.swap_remove(rng.below(open.len()));
            let left = u32::try_from(nodes.len()).unwrap();
            let missing_left = rng.unit() < 0.5;
            nodes[at] = if rng.unit() < 0.4 {
                let categories = (0..70).filter(|_| rng.unit() < 0.5).chain([70]);
                Node::Category {
                    feature: 2,
                    categories: categories.collect(),
                    missing_left,
                    left,
                    right: left + 1,
                }
            } else {
                Node::Split {
                    feature: u32::from(rng.unit() < 0.5),
                    threshold: rng.below(9) as f64,
                    rule: if rng.unit() < 0.5 { Rule::Lt } else { Rule::Le },
                    missing_left,
                    left,
                    right: left + 1,
                }
            };
            for _ in 0..2 {
                open.push(nodes.len());
                let value = rng.normal();
                nodes.push(Node::Leaf { value });
            }
        }
        Tree { nodes }
    }

    #[test]
    fn both_walks_of_a_batch_and_that_of_a_row_give_the_same_bits() {
        for seed in 0..20 {
            let mut rng = Seed(seed).rng();
            let outputs = 1 + rng.below(3);
            let most = if seed % 5 == 0 { 300 } else { 60 };
            let trees = (0..outputs * 7).map(|_| {
                let leaves = 1 + rng.below(most);
                tree(&mut rng, leaves)
            });
            let ensemble = TreeEnsemble {
                trees: trees.collect(),
                base: vec![0.25; outputs],
                combine: Combine::Sum,
                link: Link::Identity,
            };
            let forest = Forest::new(&ensemble, 3).unwrap();
            let general = Forest {
                compact: None,
                ..forest.clone()
            };
            let rows = rng.below(150);
            let values = (0..rows * 3).map(|at| match rng.below(8) {
                0 => f64::NAN,
                1 => rng.normal() * 100.0,
                2 => f64::INFINITY,
                _ if at % 3 == 2 => rng.below(75) as f64,
                _ => rng.below(9) as f64,
            });
            let matrix = Matrix::from_values(values.collect(), 3).unwrap();
            let all = |forest: &Forest| -> Vec<u64> {
                let mut answers = vec![0.0; rows * outputs];
                forest.score_all(&matrix, &mut answers);
                answers.into_iter().map(f64::to_bits).collect()
            };
            let mut one = vec![0.0; outputs];
            let mut spread = Vec::new();
            let each = (0..rows).flat_map(|row| {
                forest.score(matrix.row(row), &mut spread, &mut one);
                one.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
            });
            let each: Vec<u64> = each.collect();
            assert_eq!(all(&general), each, "{seed}");
            assert_eq!(all(&forest), each, "{seed}");
        }
    }
}
