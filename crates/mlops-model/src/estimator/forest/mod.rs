//! Tree ensembles as they compute: sixteen bytes a node, children side by side, no branch a step.
//!
//! A step is one comparison, `x < value`, and one addition: the right child stands behind the left one.
//! What else there is to decide is decided beforehand. `x <= t` is kept as `x < next_up(t)`, which is the
//! same for every number. A row is spread into two copies, its missing values replaced by -∞ in one and
//! by +∞ in the other, and a split reads the copy that sends a missing value its way. A leaf reads a
//! column of -∞ and leads to itself. A split by category looks its number up in a set of bits; ensembles
//! without such splits are walked by code that does not know of them.
//!
//! Eight walks go on at once, so that a load of one hides behind the comparisons of the others; over a
//! batch the eight are rows, for a single row they are trees. Values are always added in tree order, so
//! both give the same bits.
//!
//! # Reference
//! Child order: ONNX Runtime issue 17449. Interleaving: FIL (cuML).

mod batch;
mod compact;

use crate::{Combine, Error, Link, Node, Result, Rule, Tree, TreeEnsemble, limit};
use compact::Compact;

/// Walks that go on at once.
const LANES: usize = 8;

/// Marks the column of a split by category.
const BY_CATEGORY: u32 = 1 << 31;

/// A split or a leaf.
#[derive(Debug, Clone, Copy)]
struct Packed {
    /// The threshold below which a row goes left, or the leaf's value; of a split by category, the bits
    /// of the first word and the number of words of its set.
    value: f64,
    /// The column of the spread row, with [`BY_CATEGORY`].
    column: u32,
    /// The left child; the right one follows it. A leaf names itself.
    left: u32,
}

/// All trees of an ensemble in one array.
#[derive(Debug, Clone)]
pub(crate) struct Forest {
    nodes: Vec<Packed>,
    roots: Vec<u32>,
    /// The sets of all splits by category, a bit a category.
    sets: Vec<u64>,
    /// The number of encoded columns.
    width: usize,
    /// One an output; the trees take turns.
    base: Vec<f64>,
    combine: Combine,
    link: Link,
    /// The same trees as a batch walks them, where they are small.
    compact: Option<Compact>,
}

impl Forest {
    /// Checks the trees and lays them out.
    pub(crate) fn new(ensemble: &TreeEnsemble, width: usize) -> Result<Self> {
        limit::check("the number of trees", ensemble.trees.len(), limit::TREES)?;
        let total = ensemble.trees.iter().map(|tree| tree.nodes.len()).sum();
        limit::check("the number of nodes", total, limit::NODES)?;
        let outputs = ensemble.base.len();
        let invalid = |reason: String| Err(Error::model("tree ensemble", reason));
        if let Some(base) = ensemble.base.iter().find(|base| !base.is_finite()) {
            return invalid(format!("the base is {base}"));
        }
        if outputs == 0 {
            return invalid("it has no output".into());
        }
        if !ensemble.trees.len().is_multiple_of(outputs) {
            let trees = ensemble.trees.len();
            return invalid(format!(
                "{trees} trees cannot take turns over {outputs} outputs"
            ));
        }
        if ensemble.combine == Combine::Mean && ensemble.trees.is_empty() {
            return invalid("the mean of no trees is no number".into());
        }
        let mut forest = Self {
            nodes: Vec::with_capacity(total),
            roots: Vec::with_capacity(ensemble.trees.len()),
            sets: Vec::new(),
            width,
            base: ensemble.base.clone(),
            combine: ensemble.combine,
            link: ensemble.link,
            compact: None,
        };
        for (at, tree) in ensemble.trees.iter().enumerate() {
            forest
                .add(tree)
                .map_err(|reason| Error::model(format!("tree {at}"), reason))?;
        }
        forest.compact = Compact::new(&forest);
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
            let mut children = |feature: u32, left: u32, right: u32| {
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
                Ok(slot(first))
            };
            let read = |feature: u32, missing_left: bool| {
                feature + if missing_left { 0 } else { column(width) }
            };
            let packed = match &tree.nodes[at] {
                Node::Leaf { value } => {
                    if !value.is_finite() {
                        return Err(format!("the value of leaf {at} is {value}"));
                    }
                    Packed {
                        value: *value,
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
                    Packed {
                        left: children(*feature, *left, *right)?,
                        value: match rule {
                            Rule::Lt => *threshold,
                            Rule::Le => threshold.next_up(),
                        },
                        column: read(*feature, *missing_left),
                    }
                }
                Node::Category {
                    feature,
                    categories,
                    missing_left,
                    left,
                    right,
                } => Packed {
                    left: children(*feature, *left, *right)?,
                    value: add_set(&mut self.sets, categories)
                        .map_err(|reason| format!("node {at}: {reason}"))?,
                    column: read(*feature, *missing_left) | BY_CATEGORY,
                },
            };
            self.nodes.push(packed);
            next += 1;
        }
        match reached.iter().position(|seen| !seen) {
            Some(dead) => Err(format!("node {dead} is never reached")),
            None => Ok(()),
        }
    }

    /// The numbers of an answer.
    pub(crate) fn outputs(&self) -> usize {
        self.base.len()
    }

    /// The answer for one encoded row; `spread` is memory to work in.
    pub(crate) fn score(&self, row: &[f64], spread: &mut Vec<f64>, answer: &mut [f64]) {
        spread.clear();
        self.spread(row, spread);
        self.start(answer);
        if self.sets.is_empty() {
            self.score_row::<false>(spread, answer);
        } else {
            self.score_row::<true>(spread, answer);
        }
        self.finish(answer);
    }

    fn score_row<const CATEGORIES: bool>(&self, row: &[f64], sums: &mut [f64]) {
        let outputs = sums.len();
        let mut output = 0;
        let mut add = |leaf: f64| {
            sums[output] += leaf;
            output += 1;
            if output == outputs {
                output = 0;
            }
        };
        let mut groups = self.roots.chunks_exact(LANES);
        for group in &mut groups {
            let group: [u32; LANES] = group.try_into().expect("the chunk's length");
            let leaves = self.walk::<LANES, CATEGORIES>(group, |_| row);
            leaves.into_iter().for_each(&mut add);
        }
        for root in groups.remainder() {
            add(self.walk::<1, CATEGORIES>([*root], |_| row)[0]);
        }
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
    fn walk<'a, const N: usize, const CATEGORIES: bool>(
        &self,
        mut at: [u32; N],
        row: impl Fn(usize) -> &'a [f64],
    ) -> [f64; N] {
        // children stand behind their parents, so every step but a leaf's goes forward
        loop {
            let mut moved = 0;
            for (lane, at) in at.iter_mut().enumerate() {
                let node = &self.nodes[*at as usize];
                let left = if CATEGORIES && node.column & BY_CATEGORY != 0 {
                    let x = row(lane)[(node.column ^ BY_CATEGORY) as usize];
                    self.has(node.value, x)
                } else {
                    row(lane)[node.column as usize] < node.value
                };
                let next = node.left + u32::from(!left);
                moved |= next ^ *at;
                *at = next;
            }
            if moved == 0 {
                return at.map(|leaf| self.nodes[leaf as usize].value);
            }
        }
    }

    /// Whether a set has a category. -∞, a missing value that goes left, is in every set.
    #[inline]
    fn has(&self, set: f64, category: f64) -> bool {
        if category == f64::NEG_INFINITY {
            return true;
        }
        let (first, words) = (set.to_bits() >> 32, set.to_bits() & u64::from(u32::MAX));
        if !(category >= 0.0 && category < (words * 64) as f64) {
            return false;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the line above bounds it"
        )]
        let category = category as u64;
        let word = usize::try_from(first + category / 64).expect("`limit::CATEGORY_WORDS` is less");
        self.sets[word] >> (category % 64) & 1 == 1
    }

    /// The categories of a set, ascending.
    fn categories(&self, set: f64) -> Vec<u32> {
        let (first, words) = (set.to_bits() >> 32, set.to_bits() & u64::from(u32::MAX));
        let words = first..first + words;
        let bits = words.zip((0u32..).step_by(64)).flat_map(|(word, base)| {
            let word = self.sets[usize::try_from(word).expect("`add_set` made it")];
            (0..64)
                .filter(move |bit| word >> bit & 1 == 1)
                .map(move |bit| base + bit)
        });
        bits.collect()
    }

    fn start(&self, answer: &mut [f64]) {
        match self.combine {
            Combine::Sum => answer.copy_from_slice(&self.base),
            Combine::Mean => answer.fill(0.0),
        }
    }

    fn finish(&self, answer: &mut [f64]) {
        if self.combine == Combine::Mean {
            let trees = (self.roots.len() / self.base.len()) as f64;
            for (sum, base) in answer.iter_mut().zip(&self.base) {
                *sum = base + *sum / trees;
            }
        }
        self.link.apply(answer);
    }
}

/// Appends a set of categories; its place is kept as the bits of a number.
fn add_set(sets: &mut Vec<u64>, categories: &[u32]) -> Result<f64, String> {
    if !categories.is_sorted_by(|a, b| a < b) {
        return Err("its categories do not ascend".into());
    }
    let words = match categories.last() {
        None => return Err("it has no categories".into()),
        Some(last) if *last as usize >= limit::WIDTH => {
            return Err(format!("category {last} is beyond {}", limit::WIDTH));
        }
        Some(last) => *last as usize / 64 + 1,
    };
    let first = sets.len();
    if first + words > limit::CATEGORY_WORDS {
        return Err("the sets of all categories together are too large".into());
    }
    sets.resize(first + words, 0);
    for category in categories {
        sets[first + *category as usize / 64] |= 1 << (category % 64);
    }
    Ok(f64::from_bits((first as u64) << 32 | words as u64))
}
