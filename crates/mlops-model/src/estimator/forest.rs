//! Tree ensembles as they compute: sixteen bytes a node, children side by side, no branch a step.
//!
//! A step is one comparison, `x < value`, and one addition: the right child stands behind the left one.
//! What else there is to decide is decided beforehand. `x <= t` is kept as `x < next_up(t)`, which is the
//! same for every number. A row is spread into two copies, its missing values replaced by -∞ in one and
//! by +∞ in the other, and a split reads the copy that sends a missing value its way. A leaf reads a
//! column of -∞ and leads to itself.
//!
//! Eight walks go on at once, so that a load of one hides behind the comparisons of the others; over a
//! batch the eight are rows, for a single row they are trees. Values are always added in tree order, so
//! both give the same bits.
//!
//! # Reference
//! Child order: ONNX Runtime issue 17449. Interleaving: FIL (cuML).

use crate::{Combine, Error, Link, Matrix, Node, Result, Rule, Tree, TreeEnsemble, limit};

/// Walks that go on at once.
const LANES: usize = 8;
/// Rows that stay in the cache while all trees pass over them.
const BLOCK: usize = 64;

/// A split or a leaf.
#[derive(Debug, Clone, Copy)]
struct Packed {
    /// The threshold below which a row goes left, or the leaf's value.
    value: f64,
    /// The column of the spread row.
    column: u32,
    /// The left child; the right one follows it. A leaf names itself.
    left: u32,
}

/// All trees of an ensemble in one array.
#[derive(Debug, Clone)]
pub(crate) struct Forest {
    nodes: Vec<Packed>,
    roots: Vec<u32>,
    /// The number of encoded columns.
    width: usize,
    base: f64,
    combine: Combine,
    link: Link,
}

impl Forest {
    /// Checks the trees and lays them out.
    pub(crate) fn new(ensemble: &TreeEnsemble, width: usize) -> Result<Self> {
        limit::check("the number of trees", ensemble.trees.len(), limit::TREES)?;
        let total = ensemble.trees.iter().map(|tree| tree.nodes.len()).sum();
        limit::check("the number of nodes", total, limit::NODES)?;
        if !ensemble.base.is_finite() {
            return Err(Error::model(
                "tree ensemble",
                format!("the base is {}", ensemble.base),
            ));
        }
        if ensemble.combine == Combine::Mean && ensemble.trees.is_empty() {
            return Err(Error::model(
                "tree ensemble",
                "the mean of no trees is no number",
            ));
        }
        let mut forest = Self {
            nodes: Vec::with_capacity(total),
            roots: Vec::with_capacity(ensemble.trees.len()),
            width,
            base: ensemble.base,
            combine: ensemble.combine,
            link: ensemble.link,
        };
        for (at, tree) in ensemble.trees.iter().enumerate() {
            forest
                .add(tree)
                .map_err(|reason| Error::model(format!("tree {at}"), reason))?;
        }
        Ok(forest)
    }

    /// Lays a tree out level by level. A node that is reached twice or never is refused, so cycles,
    /// shared subtrees and dead nodes are too.
    fn add(&mut self, tree: &Tree) -> Result<(), String> {
        let count = tree.nodes.len();
        if count == 0 {
            return Err("it has no nodes".into());
        }
        let start = self.nodes.len();
        let slot = |offset: usize| {
            u32::try_from(start + offset).expect("`limit::NODES` is far below 2^32")
        };
        let width = self.width;
        let column = |at: usize| u32::try_from(at).expect("`limit::WIDTH` is far below 2^32");
        self.roots.push(slot(0));
        let mut reached = vec![false; count];
        reached[0] = true;
        // (position in the tree, depth), in the order of the slots
        let mut queue: Vec<(usize, usize)> = vec![(0, 0)];
        let mut next = 0;
        while let Some(&(at, depth)) = queue.get(next) {
            let packed = match tree.nodes[at] {
                Node::Leaf { value } => {
                    if !value.is_finite() {
                        return Err(format!("the value of leaf {at} is {value}"));
                    }
                    Packed {
                        value,
                        column: column(2 * width),
                        left: slot(next),
                    }
                }
                Node::Split {
                    feature,
                    threshold,
                    rule,
                    missing_left,
                    left,
                    right,
                } => {
                    if !threshold.is_finite() {
                        return Err(format!("the threshold of node {at} is {threshold}"));
                    }
                    if feature as usize >= width {
                        return Err(format!(
                            "node {at} reads encoded column {feature}, there are {width}"
                        ));
                    }
                    if depth >= limit::TREE_DEPTH {
                        return Err(format!("it is deeper than {}", limit::TREE_DEPTH));
                    }
                    let first = queue.len();
                    for child in [left as usize, right as usize] {
                        match reached.get_mut(child) {
                            None => {
                                return Err(format!("node {at} leads to node {child} of {count}"));
                            }
                            Some(true) => return Err(format!("node {child} is reached twice")),
                            Some(seen) => *seen = true,
                        }
                        queue.push((child, depth + 1));
                    }
                    Packed {
                        value: match rule {
                            Rule::Lt => threshold,
                            Rule::Le => threshold.next_up(),
                        },
                        column: feature + if missing_left { 0 } else { column(width) },
                        left: slot(first),
                    }
                }
            };
            self.nodes.push(packed);
            next += 1;
        }
        match reached.iter().position(|seen| !seen) {
            Some(dead) => Err(format!("node {dead} is never reached")),
            None => Ok(()),
        }
    }

    /// The answer for one encoded row; `spread` is memory to work in.
    pub(crate) fn score(&self, row: &[f64], spread: &mut Vec<f64>) -> f64 {
        spread.clear();
        self.spread(row, spread);
        let row = spread.as_slice();
        let mut sum = self.start();
        let mut groups = self.roots.chunks_exact(LANES);
        for group in &mut groups {
            let group: [u32; LANES] = group.try_into().expect("the chunk's length");
            let leaves = self.walk(group, |_| row);
            sum = leaves.iter().fold(sum, |sum, leaf| sum + leaf);
        }
        for root in groups.remainder() {
            sum += self.walk([*root], |_| row)[0];
        }
        self.finish(sum)
    }

    /// The answers for all rows.
    pub(crate) fn score_all(&self, matrix: &Matrix) -> Vec<f64> {
        let mut sums = vec![self.start(); matrix.rows()];
        let mut spread = Vec::new();
        let stride = self.stride();
        for (block, sums) in sums.chunks_mut(BLOCK).enumerate() {
            spread.clear();
            for row in block * BLOCK..block * BLOCK + sums.len() {
                self.spread(matrix.row(row), &mut spread);
            }
            for root in &self.roots {
                let groups = sums.chunks_mut(LANES).zip(spread.chunks(LANES * stride));
                for (sums, rows) in groups {
                    let row = |lane: usize| &rows[lane * stride..(lane + 1) * stride];
                    if sums.len() == LANES {
                        let rows: [&[f64]; LANES] = std::array::from_fn(row);
                        let leaves = self.walk([*root; LANES], |lane| rows[lane]);
                        sums.iter_mut()
                            .zip(leaves)
                            .for_each(|(sum, leaf)| *sum += leaf);
                    } else {
                        for (lane, sum) in sums.iter_mut().enumerate() {
                            *sum += self.walk([*root], |_| row(lane))[0];
                        }
                    }
                }
            }
        }
        for sum in &mut sums {
            *sum = self.finish(*sum);
        }
        sums
    }

    /// The length of a spread row: missing goes left, missing goes right, and the leaves' column.
    fn stride(&self) -> usize {
        2 * self.width + 1
    }

    fn spread(&self, row: &[f64], spread: &mut Vec<f64>) {
        spread.reserve(self.stride());
        for missing in [f64::NEG_INFINITY, f64::INFINITY] {
            spread.extend(row.iter().map(|x| if x.is_nan() { missing } else { *x }));
        }
        spread.push(f64::NEG_INFINITY);
    }

    /// The value of the leaf that each lane ends in.
    #[inline]
    fn walk<'a, const N: usize>(
        &self,
        mut at: [u32; N],
        row: impl Fn(usize) -> &'a [f64],
    ) -> [f64; N] {
        // children stand behind their parents, so every step but a leaf's goes forward
        loop {
            let mut moved = 0;
            for (lane, at) in at.iter_mut().enumerate() {
                let node = &self.nodes[*at as usize];
                let left = row(lane)[node.column as usize] < node.value;
                let next = node.left + u32::from(!left);
                moved |= next ^ *at;
                *at = next;
            }
            if moved == 0 {
                return at.map(|leaf| self.nodes[leaf as usize].value);
            }
        }
    }

    fn start(&self) -> f64 {
        match self.combine {
            Combine::Sum => self.base,
            Combine::Mean => 0.0,
        }
    }

    fn finish(&self, sum: f64) -> f64 {
        self.link.apply(match self.combine {
            Combine::Sum => sum,
            Combine::Mean => self.base + sum / self.roots.len() as f64,
        })
    }
}
