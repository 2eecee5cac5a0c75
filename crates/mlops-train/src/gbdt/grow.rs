//! Grows a tree leaf by leaf, the most gainful split first.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    accumulate::Rows,
    bins::{Bins, Feature},
    group::{Group, Side, better},
    histogram::{Cell, Pair, Scale},
    partition::partition,
    split::{Bounds, Cut, Leaf, Limits, Split},
    tree::{Kind, Node, Test, Tree},
};

/// Below this many sums a leaf is worked on by one thread.
const SHARED: usize = 1 << 15;

/// Grows trees over the same bins, one after the other.
#[derive(Debug)]
pub(crate) struct Grower<'a> {
    bins: &'a Bins,
    threads: usize,
    groups: Vec<Group<'a>>,
    /// The rows of the last tree, those of a leaf together and in ascending order.
    rows: Vec<u32>,
    scratch: Vec<u32>,
    cells: Vec<Cell>,
}

/// A leaf while its tree grows.
#[derive(Debug, Clone)]
struct Open {
    node: usize,
    rows: Range<usize>,
    depth: usize,
    slot: usize,
    total: Cell,
    bounds: Bounds,
    best: Option<Split>,
}

/// A grown tree and the places of its leaves' rows in [`Grower::rows`].
#[derive(Debug)]
pub(crate) struct Grown {
    pub(crate) tree: Tree,
    /// Node and rows of each leaf.
    pub(crate) leaves: Vec<(usize, Range<usize>)>,
}

/// What a tree is grown from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gradients<'a> {
    pub(crate) pairs: &'a [Pair],
    pub(crate) scale: &'a Scale,
    /// The rows to grow from, in ascending order; all if none are named.
    pub(crate) sample: Option<&'a [u32]>,
    /// The features that may split.
    pub(crate) enabled: &'a [bool],
}

impl<'a> Grower<'a> {
    pub(crate) fn new(bins: &'a Bins, threads: usize) -> Self {
        Self {
            bins,
            threads,
            groups: bins
                .blocks
                .iter()
                .map(|block| Group::new(bins, block))
                .collect(),
            rows: Vec::new(),
            scratch: Vec::new(),
            cells: Vec::new(),
        }
    }

    /// The rows of the last tree's leaves.
    pub(crate) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// Grows one tree.
    pub(crate) fn grow(&mut self, from: &Gradients<'_>, limits: &Limits) -> Grown {
        self.rows.clear();
        match from.sample {
            None => self
                .rows
                .extend(0..u32::try_from(self.bins.rows).expect("rows are bounded")),
            Some(sample) => self.rows.extend_from_slice(sample),
        }
        self.gather(from, 0..self.rows.len());
        let mut root = Open {
            node: 0,
            rows: 0..self.rows.len(),
            depth: 0,
            slot: 0,
            total: self
                .cells
                .iter()
                .fold(Cell::default(), |sum, cell| sum + *cell),
            bounds: Bounds::NONE,
            best: None,
        };
        let mut tree = Tree {
            nodes: vec![leaf_node(&root, from, limits)],
        };
        if splittable(&root, from, limits) && limits.leaves > 1 {
            let small = Side {
                slot: 0,
                leaf: Some(leaf(&root, from, limits)),
            };
            [root.best, _] = self.search(from, 0..self.rows.len(), small, None);
        }
        let mut open = vec![root];
        while open.len() < limits.leaves {
            let Some(at) = most_gainful(&open) else { break };
            let last = open.len() + 1 == limits.leaves;
            let (left, right) = self.split(&open[at], &mut tree, open.len(), from, limits, last);
            open[at] = left;
            open.push(right);
        }
        let leaves = open
            .into_iter()
            .map(|leaf| (leaf.node, leaf.rows))
            .collect();
        Grown { tree, leaves }
    }

    /// Splits a leaf as it found best and looks for its children's splits.
    fn split(
        &mut self,
        parent: &Open,
        tree: &mut Tree,
        free: usize,
        from: &Gradients<'_>,
        limits: &Limits,
        last: bool,
    ) -> (Open, Open) {
        let split = parent.best.expect("only a leaf with a split is chosen");
        let feature = &self.bins.features[split.feature];
        let test = Test::new(feature, split.cut);
        let table = test.table(feature);
        let bytes = &self.bins.columns[split.feature];
        let rows = &mut self.rows[parent.rows.clone()];
        let middle =
            parent.rows.start + partition(rows, &mut self.scratch, bytes, &table, self.threads);
        let (left_bounds, right_bounds) = narrowed(parent.bounds, &split, feature, limits);
        let child = |rows: Range<usize>, node, total, bounds| Open {
            node,
            rows,
            depth: parent.depth + 1,
            slot: parent.slot,
            total,
            bounds,
            best: None,
        };
        let next = tree.nodes.len();
        let mut left = child(parent.rows.start..middle, next, split.left, left_bounds);
        let mut right = child(middle..parent.rows.end, next + 1, split.right, right_bounds);
        let index = |at: usize| u32::try_from(at).expect("a tree has fewer than 2^32 nodes");
        tree.nodes[parent.node].kind = Kind::Split {
            feature: index(split.feature),
            test,
            gain: split.gain,
            left: index(next),
            right: index(next + 1),
        };
        for (open, value) in [(&left, split.left_value), (&right, split.right_value)] {
            let rows = from.scale.sums(open.total).rows;
            tree.nodes.push(Node {
                kind: Kind::Leaf { value },
                rows,
            });
        }
        if !last {
            let (small, large) = if left.rows.len() <= right.rows.len() {
                (&mut left, &mut right)
            } else {
                (&mut right, &mut left)
            };
            self.find(small, large, free, from, limits);
        }
        (left, right)
    }

    /// Looks for the splits of two children; the smaller one is summed, the larger one is what is left.
    fn find(
        &mut self,
        small: &mut Open,
        large: &mut Open,
        free: usize,
        from: &Gradients<'_>,
        limits: &Limits,
    ) {
        let wanted = [&*small, &*large].map(|open| splittable(open, from, limits));
        if wanted == [false; 2] {
            return;
        }
        small.slot = free;
        self.gather(from, small.rows.clone());
        let side = |open: &Open, wanted: bool| Side {
            slot: open.slot,
            leaf: wanted.then(|| leaf(open, from, limits)),
        };
        let (first, second) = (side(small, wanted[0]), side(large, wanted[1]));
        [small.best, large.best] = self.search(from, small.rows.clone(), first, Some(second));
    }

    /// The cells of some rows, in their order.
    fn gather(&mut self, from: &Gradients<'_>, rows: Range<usize>) {
        let (pairs, scale) = (from.pairs, from.scale);
        let rows = &self.rows[rows];
        if self.threads == 1 || rows.len() < SHARED {
            self.cells.clear();
            self.cells
                .extend(rows.iter().map(|row| scale.cell(pairs[*row as usize])));
        } else {
            let cell = |row: &u32| scale.cell(pairs[*row as usize]);
            rows.par_iter()
                .with_min_len(8192)
                .map(cell)
                .collect_into_vec(&mut self.cells);
        }
    }

    fn search(
        &mut self,
        from: &Gradients<'_>,
        rows: Range<usize>,
        small: Side<'_>,
        large: Option<Side<'_>>,
    ) -> [Option<Split>; 2] {
        let whole = from.sample.is_none() && rows.len() == self.bins.rows;
        let rows = if whole {
            Rows::All
        } else {
            Rows::Some(&self.rows[rows])
        };
        let (bins, cells, enabled) = (self.bins, &self.cells, from.enabled);
        let work = |group: &mut Group<'_>| {
            group.work(bins, rows, cells, enabled, small, large);
        };
        if self.threads == 1 || cells.len() * bins.features.len() < SHARED {
            self.groups.iter_mut().for_each(work);
        } else {
            self.groups.par_iter_mut().for_each(work);
        }
        let mut best = [None; 2];
        for group in &self.groups {
            for (best, found) in best.iter_mut().zip(group.found) {
                *best = better(*best, found);
            }
        }
        best
    }
}

fn most_gainful(open: &[Open]) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (at, leaf) in open.iter().enumerate() {
        if let Some(split) = leaf.best
            && best.is_none_or(|(_, gain)| split.gain > gain)
        {
            best = Some((at, split.gain));
        }
    }
    best.map(|(at, _)| at)
}

fn leaf<'a>(open: &Open, from: &Gradients<'a>, limits: &'a Limits) -> Leaf<'a> {
    Leaf {
        limits,
        scale: from.scale,
        total: open.total,
        bounds: open.bounds,
    }
}

fn leaf_node(open: &Open, from: &Gradients<'_>, limits: &Limits) -> Node {
    let sums = from.scale.sums(open.total);
    let value = leaf(open, from, limits).value(sums, limits.l2);
    Node {
        kind: Kind::Leaf { value },
        rows: sums.rows,
    }
}

/// Whether a leaf is large and shallow enough for two children.
fn splittable(open: &Open, from: &Gradients<'_>, limits: &Limits) -> bool {
    let sums = from.scale.sums(open.total);
    open.depth < limits.max_depth
        && u64::from(sums.rows) >= 2 * u64::from(limits.min_rows)
        && sums.hessian >= 2.0 * limits.min_hessian
}

/// The values that children may answer: each keeps to its side of the middle where the column is held in
/// order, unless one side holds missing values only.
fn narrowed(bounds: Bounds, split: &Split, feature: &Feature, limits: &Limits) -> (Bounds, Bounds) {
    if matches!(split.cut, Cut::Number { bin, .. } if usize::from(bin) + 1 == feature.values) {
        return (bounds, bounds);
    }
    let middle = f64::midpoint(split.left_value, split.right_value);
    let (low, high) = (
        Bounds {
            high: middle,
            ..bounds
        },
        Bounds {
            low: middle,
            ..bounds
        },
    );
    match limits.monotone[split.feature] {
        0 => (bounds, bounds),
        1.. => (low, high),
        _ => (high, low),
    }
}
