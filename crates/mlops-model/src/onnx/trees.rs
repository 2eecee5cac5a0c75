//! Tree ensembles in ONNX: the operator `TreeEnsemble` of `ai.onnx.ml` 5, in double precision.

use crate::{
    Combine, Node, Rule, Tree, TreeEnsemble,
    onnx::{
        columns::Columns,
        graph::{GraphBuilder, Value},
        proto::{Attribute, Tensor, int},
    },
};

const BRANCH_LEQ: u8 = 0;
const BRANCH_LT: u8 = 1;
const BRANCH_MEMBER: u8 = 6;
const SUM: i64 = 1;

/// Whether a split by category reads a column that is more than positions of categories.
fn reads_numbers_by_category(ensemble: &TreeEnsemble, columns: &Columns<'_>) -> bool {
    let mut nodes = ensemble.trees.iter().flat_map(|tree| &tree.nodes);
    nodes.any(|node| matches!(node, Node::Category { feature, .. } if !columns.whole(*feature)))
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
    ensemble: &TreeEnsemble,
    columns: &Columns<'_>,
) -> Value {
    let mut encoded = columns.bare(graph);
    let outputs = ensemble.base.len();
    let base = graph.constant(Tensor::doubles(&[1, outputs], &ensemble.base));
    let mut lists = Lists::default();
    if reads_numbers_by_category(ensemble, columns) {
        encoded = with_whole_numbers(graph, &encoded);
        lists.category_offset =
            u32::try_from(columns.width()).expect("`limit::WIDTH` is far below 2^32");
    }
    for (at, tree) in ensemble.trees.iter().enumerate() {
        lists.add(tree, at % outputs, columns);
    }
    if ensemble.trees.is_empty() {
        // the operator needs a tree
        let nodes = vec![Node::Leaf { value: 0.0 }];
        lists.add(&Tree { nodes }, 0, columns);
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
    fn add(&mut self, tree: &Tree, target: usize, columns: &Columns<'_>) {
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
                    let (rule, threshold) = match columns.moved(*feature) {
                        Some(moved) => moved.split(*rule, *threshold),
                        None => (*rule, *threshold),
                    };
                    let mode = match rule {
                        Rule::Lt => BRANCH_LT,
                        Rule::Le => BRANCH_LEQ,
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
