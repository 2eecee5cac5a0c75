//! Tree ensembles in ONNX: the operator `TreeEnsemble` of `ai.onnx.ml` 5, in double precision.

use crate::{
    Combine, Encoder, Estimator, ModelSpec, Node, Rule, Tree, TreeEnsemble,
    onnx::{
        graph::{GraphBuilder, Value},
        proto::{Attribute, Tensor, int},
    },
};

const BRANCH_LEQ: u8 = 0;
const BRANCH_LT: u8 = 1;
const BRANCH_MEMBER: u8 = 6;
const SUM: i64 = 1;

/// The encoded columns of trees whose logarithm is left out of the graph.
///
/// Logarithms of two libraries differ in the last bit, and a threshold may lie in between. Such a column
/// stays as it is, and its thresholds are moved to where the logarithm crosses them, which is exact.
#[derive(Debug)]
pub(super) struct Logs(Vec<Option<Log>>);

/// `(sign(x) * ln(1 + |x|) - center) / scale`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Log {
    center: f64,
    scale: f64,
}

impl Logs {
    pub(super) fn of(spec: &ModelSpec) -> Self {
        let mut logs = Vec::with_capacity(spec.preprocess().width());
        for encoder in spec.preprocess().encoders() {
            let log = match encoder {
                Encoder::Numeric {
                    log1p: true,
                    center,
                    scale,
                    ..
                } => Some(Log {
                    center: *center,
                    scale: *scale,
                }),
                _ => None,
            };
            logs.extend(std::iter::repeat_n(log, encoder.width()));
        }
        match spec.estimator() {
            Estimator::Trees(ensemble) => {
                for node in ensemble.trees.iter().flat_map(|tree| &tree.nodes) {
                    // a category is compared with the logarithm itself
                    if let Node::Category { feature, .. } = node {
                        logs[*feature as usize] = None;
                    }
                }
            }
            _ => logs.fill(None),
        }
        Self(logs)
    }

    /// The logarithm that column is left without.
    pub(super) fn at(&self, column: usize) -> Option<Log> {
        self.0[column]
    }
}

impl Log {
    fn apply(self, x: f64) -> f64 {
        (x.signum() * x.abs().ln_1p() - self.center) / self.scale
    }

    /// The least number whose logarithm no longer passes the split, found by halving: it rises with `x`.
    fn crossing(self, rule: Rule, threshold: f64) -> f64 {
        let passes = |x: f64| match rule {
            Rule::Lt => self.apply(x) < threshold,
            Rule::Le => self.apply(x) <= threshold,
        };
        let (mut low, mut high) = (rank(f64::MIN), rank(f64::INFINITY));
        while low < high {
            let middle = low.midpoint(high);
            if passes(number(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        number(low)
    }
}

/// The place of a number among all numbers; -0 stands before 0.
fn rank(x: f64) -> u64 {
    let bits = x.to_bits();
    if x.is_sign_negative() {
        !bits
    } else {
        bits | 1 << 63
    }
}

fn number(rank: u64) -> f64 {
    f64::from_bits(if rank >> 63 == 1 {
        rank & !(1 << 63)
    } else {
        !rank
    })
}

/// Whether a split by category reads a column that is more than positions of categories.
fn reads_numbers_by_category(spec: &ModelSpec, ensemble: &TreeEnsemble) -> bool {
    let encoders = spec.preprocess().encoders().iter();
    let numeric: Vec<bool> = encoders
        .flat_map(|encoder| {
            let numeric = matches!(encoder, Encoder::Numeric { .. });
            std::iter::repeat_n(numeric, encoder.width())
        })
        .collect();
    let mut nodes = ensemble.trees.iter().flat_map(|tree| &tree.nodes);
    nodes.any(|node| matches!(node, Node::Category { feature, .. } if numeric[*feature as usize]))
}

/// The columns, and behind them the same again, rounded down: a number between two categories counts as the
/// lower one.
fn with_whole_numbers(graph: &mut GraphBuilder, encoded: &Value) -> Value {
    let floor = graph.node("Floor", [encoded], vec![]);
    let axis = vec![Attribute::int("axis", 1)];
    graph.node("Concat", [encoded, &floor], axis)
}

/// The operator's lists: an entry a split, and an entry a leaf.
#[derive(Debug, Default)]
struct Lists {
    /// What is added to a column that is looked up among categories.
    category_offset: u32,
    roots: Vec<i64>,
    features: Vec<i64>,
    modes: Vec<u8>,
    thresholds: Vec<f64>,
    missing: Vec<i64>,
    /// The true branch: its position, and 1 if that is a leaf's.
    left: (Vec<i64>, Vec<i64>),
    /// The false branch.
    right: (Vec<i64>, Vec<i64>),
    /// The categories of each split by category, with NaN after each.
    members: Vec<f64>,
    leaves: Vec<f64>,
    targets: Vec<i64>,
}

/// Adds an ensemble.
///
/// # Shapes
/// `[rows, outputs]`.
pub(super) fn trees(
    graph: &mut GraphBuilder,
    spec: &ModelSpec,
    ensemble: &TreeEnsemble,
    logs: &Logs,
    encoded: &Value,
) -> Value {
    let outputs = ensemble.base.len();
    let base = graph.constant(Tensor::doubles(&[1, outputs], &ensemble.base));
    let mut lists = Lists::default();
    let mut encoded = encoded.clone();
    if reads_numbers_by_category(spec, ensemble) {
        encoded = with_whole_numbers(graph, &encoded);
        let width = spec.preprocess().width();
        lists.category_offset = u32::try_from(width).expect("`limit::WIDTH` is far below 2^32");
    }
    for (at, tree) in ensemble.trees.iter().enumerate() {
        lists.add(tree, at % outputs, logs);
    }
    if ensemble.trees.is_empty() {
        // the operator needs a tree
        let nodes = vec![Node::Leaf { value: 0.0 }];
        lists.add(&Tree { nodes }, 0, logs);
    }
    let attributes = lists.attributes(outputs);
    let mut scores = graph.node("TreeEnsemble", [&encoded], attributes);
    if ensemble.combine == Combine::Mean {
        let count = graph.number((ensemble.trees.len() / outputs) as f64);
        scores = graph.node("Div", [&scores, &count], vec![]);
    }
    graph.node("Add", [&scores, &base], vec![])
}

impl Lists {
    fn add(&mut self, tree: &Tree, target: usize, logs: &Logs) {
        let (mut splits, mut leaves) = (self.features.len(), self.leaves.len());
        self.roots.push(int(splits));
        let places: Vec<(i64, i64)> = tree
            .nodes
            .iter()
            .map(|node| {
                let (count, leaf) = match node {
                    Node::Leaf { .. } => (&mut leaves, 1),
                    Node::Split { .. } | Node::Category { .. } => (&mut splits, 0),
                };
                *count += 1;
                (int(*count - 1), leaf)
            })
            .collect();
        let place = |at: u32| places[at as usize];
        for node in &tree.nodes {
            match node {
                Node::Leaf { value } => {
                    self.leaves.push(*value);
                    self.targets.push(int(target));
                }
                Node::Split {
                    feature,
                    threshold,
                    rule,
                    missing_left,
                    left,
                    right,
                } => {
                    let (mode, threshold) = match (logs.at(*feature as usize), rule) {
                        (Some(log), rule) => (BRANCH_LT, log.crossing(*rule, *threshold)),
                        (None, Rule::Lt) => (BRANCH_LT, *threshold),
                        (None, Rule::Le) => (BRANCH_LEQ, *threshold),
                    };
                    self.split(*feature, mode, threshold, *missing_left);
                    self.branch(place(*left), place(*right));
                }
                Node::Category {
                    feature,
                    categories,
                    missing_left,
                    left,
                    right,
                } => {
                    let feature = feature + self.category_offset;
                    self.split(feature, BRANCH_MEMBER, 0.0, *missing_left);
                    self.members
                        .extend(categories.iter().map(|c| f64::from(*c)));
                    self.members.push(f64::NAN);
                    self.branch(place(*left), place(*right));
                }
            }
        }
        if let [Node::Leaf { .. }] = tree.nodes[..] {
            // a tree of one leaf is a split whose branches both lead there
            self.split(0, BRANCH_LEQ, 0.0, false);
            self.branch(places[0], places[0]);
        }
    }

    fn split(&mut self, feature: u32, mode: u8, threshold: f64, missing_left: bool) {
        self.features.push(i64::from(feature));
        self.modes.push(mode);
        self.thresholds.push(threshold);
        self.missing.push(i64::from(missing_left));
    }

    fn branch(&mut self, left: (i64, i64), right: (i64, i64)) {
        self.left.0.push(left.0);
        self.left.1.push(left.1);
        self.right.0.push(right.0);
        self.right.1.push(right.1);
    }

    fn attributes(self, outputs: usize) -> Vec<Attribute> {
        let doubles = |values: &[f64]| Tensor::doubles(&[values.len()], values);
        let mut attributes = vec![
            Attribute::int("n_targets", int(outputs)),
            Attribute::int("aggregate_function", SUM),
            Attribute::ints("tree_roots", self.roots),
            Attribute::ints("nodes_featureids", self.features),
            Attribute::tensor("nodes_modes", Tensor::bytes(self.modes)),
            Attribute::tensor("nodes_splits", doubles(&self.thresholds)),
            Attribute::ints("nodes_missing_value_tracks_true", self.missing),
            Attribute::ints("nodes_truenodeids", self.left.0),
            Attribute::ints("nodes_trueleafs", self.left.1),
            Attribute::ints("nodes_falsenodeids", self.right.0),
            Attribute::ints("nodes_falseleafs", self.right.1),
            Attribute::tensor("leaf_weights", doubles(&self.leaves)),
            Attribute::ints("leaf_targetids", self.targets),
        ];
        if !self.members.is_empty() {
            attributes.push(Attribute::tensor(
                "membership_values",
                doubles(&self.members),
            ));
        }
        attributes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_its_rank() {
        let numbers = [
            f64::MIN,
            -1.0,
            -5e-324,
            -0.0,
            0.0,
            5e-324,
            1.0,
            f64::MAX,
            f64::INFINITY,
        ];
        for pair in numbers.windows(2) {
            assert!(rank(pair[0]) < rank(pair[1]), "{pair:?}");
        }
        for x in numbers {
            assert_eq!(number(rank(x)).to_bits(), x.to_bits());
        }
        assert_eq!(rank(0.0), rank(-0.0) + 1);
    }

    #[test]
    fn a_threshold_moves_to_where_the_logarithm_crosses_it() {
        for (center, scale) in [(0.0, 1.0), (0.3, 2.5), (-1e-3, 1e-9)] {
            let log = Log { center, scale };
            for x in [-1e300, -7.25, -1e-9, 0.0, 3.0, 1e-17, 6.02e23] {
                // at the logarithm of x itself: below it x goes right, up to it x goes left
                let at = log.apply(x);
                let below = log.crossing(Rule::Lt, at);
                assert!(x >= below && log.apply(below.next_down()) < at, "{x}");
                let up_to = log.crossing(Rule::Le, at);
                assert!(x < up_to && log.apply(up_to) > at, "{x}");
            }
            assert_eq!(log.crossing(Rule::Lt, f64::MAX), f64::INFINITY);
            assert_eq!(log.crossing(Rule::Lt, f64::MIN), f64::MIN);
        }
    }
}
