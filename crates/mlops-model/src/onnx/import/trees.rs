//! The tree ensembles of `ai.onnx.ml`, in both of their forms, as branches and leaves.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Link, limit,
    onnx::import::{
        classic,
        operator::{Operator, Outcome},
        plant::plant,
        scores::{Body, Form, Scores},
        term::Term,
        walk::{Walk, columns},
    },
};

/// What a branch asks of its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Leq,
    Lt,
    Gte,
    Gt,
    Eq,
    Neq,
    Member,
}

/// A branch or a leaf, by its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Branch(usize),
    Leaf(usize),
}

#[derive(Debug, Clone)]
pub(super) struct Branch {
    pub(super) feature: usize,
    pub(super) mode: Mode,
    pub(super) threshold: f64,
    /// Whether a missing value is a yes.
    pub(super) tracks: bool,
    pub(super) members: Vec<f64>,
    pub(super) yes: Place,
    pub(super) no: Place,
}

/// All trees; a leaf has a weight for some of the outputs.
#[derive(Debug, Default)]
pub(super) struct Forest {
    pub(super) roots: Vec<Place>,
    pub(super) branches: Vec<Branch>,
    pub(super) leaves: Vec<Vec<(usize, f64)>>,
}

pub(super) fn classifier(
    walk: &mut Walk<'_>,
    operator: Operator<'_>,
    arguments: &[Term],
) -> Outcome<Vec<Term>> {
    let classes = operator.classes()?;
    let link = classic::link(operator)?;
    let base = operator.floats("base_values")?;
    let ids: BTreeSet<usize> = operator.positions("class_ids")?.into_iter().collect();
    let forest = classic_forest(operator, "class")?;
    let mut ids = ids.into_iter();
    // ONNX Runtime's reading of two classes
    let (outputs, output, link) = match (classes.len(), ids.next(), ids.next()) {
        (0 | 1, ..) => return Err(operator.reject("it has fewer than two classes")),
        (2, Some(0), None) if base.len() < 2 && link != Link::Softmax => (1, 0, link),
        (2, Some(1), None) if base.is_empty() => match link {
            // of 0 and a score
            Link::Softmax => (2, 1, Link::Logit),
            link => (2, 1, link),
        },
        (2, Some(0), Some(1)) if base.is_empty() => (2, 2, link),
        (2, ..) => {
            return Err(
                operator.reject("its weights and base values do not say what two classes are")
            );
        }
        (count, ..) => (count, count, link),
    };
    let mut scores = grow(walk, operator, arguments, &forest, outputs, &base)?;
    if output < 2 && classes.len() == 2 {
        if outputs == 2 {
            scores.select(1);
        }
        scores.form = Form::Pair;
    }
    scores.link = link;
    scores.classes = Some(classes);
    Ok(vec![Term::Label, Term::scores(scores)])
}

pub(super) fn regressor(
    walk: &mut Walk<'_>,
    operator: Operator<'_>,
    arguments: &[Term],
) -> Outcome<Vec<Term>> {
    if classic::link(operator)? != Link::Identity {
        return Err(operator.reject("its post transform is not `NONE`"));
    }
    let forest = classic_forest(operator, "target")?;
    let base = operator.floats("base_values")?;
    let outputs = outputs(operator)?;
    let mean = match operator.text("aggregate_function") {
        "" | "SUM" => false,
        "AVERAGE" => true,
        other => return Err(operator.reject(format!("it joins its trees by `{other}`"))),
    };
    finish(walk, operator, arguments, &forest, (outputs, mean), &base)
}

/// The form of operator set 5.
pub(super) fn ensemble(
    walk: &mut Walk<'_>,
    operator: Operator<'_>,
    arguments: &[Term],
) -> Outcome<Vec<Term>> {
    if operator.int("post_transform").unwrap_or(0) != 0 {
        return Err(operator.reject("its post transform is not 0"));
    }
    let mean = match operator.int("aggregate_function").unwrap_or(1) {
        0 => true,
        1 => false,
        other => return Err(operator.reject(format!("it joins its trees by function {other}"))),
    };
    let forest = forest(operator)?;
    let outputs = outputs(operator)?;
    finish(walk, operator, arguments, &forest, (outputs, mean), &[])
}

fn outputs(operator: Operator<'_>) -> Outcome<usize> {
    let outputs = usize::try_from(operator.int("n_targets").unwrap_or(1)).unwrap_or(0);
    if (1..=limit::OUTPUTS).contains(&outputs) {
        Ok(outputs)
    } else {
        Err(operator.reject("its number of targets is none that is read"))
    }
}

fn finish(
    walk: &mut Walk<'_>,
    operator: Operator<'_>,
    arguments: &[Term],
    forest: &Forest,
    (outputs, mean): (usize, bool),
    base: &[f64],
) -> Outcome<Vec<Term>> {
    let mut scores = grow(walk, operator, arguments, forest, outputs, &[])?;
    if mean {
        let share = 1.0 / forest.roots.len().max(1) as f64;
        scores.scale(&vec![share; outputs], &vec![0.0; outputs]);
    }
    match base.len() {
        0 => {}
        length if length == outputs => scores.scale(&vec![1.0; outputs], base),
        length => {
            return Err(
                operator.reject(format!("it has {length} base values for {outputs} targets"))
            );
        }
    }
    Ok(vec![Term::scores(scores)])
}

fn grow(
    walk: &mut Walk<'_>,
    operator: Operator<'_>,
    arguments: &[Term],
    forest: &Forest,
    outputs: usize,
    base: &[f64],
) -> Outcome<Scores> {
    if outputs > limit::OUTPUTS {
        return Err(operator.reject("it has too many outputs"));
    }
    let matrix = columns(operator, arguments.first())?;
    let trees = plant(walk, operator, &matrix, forest, outputs)?;
    let base = match base.len() {
        0 => vec![0.0; outputs],
        length if length == outputs => base.to_vec(),
        length => {
            return Err(
                operator.reject(format!("it has {length} base values for {outputs} outputs"))
            );
        }
    };
    Ok(Scores::new(matrix, Body::Trees { trees, base }))
}

/// Trees by lists of nodes, with weights by the tree and node that they belong to.
fn classic_forest(operator: Operator<'_>, kind: &str) -> Outcome<Forest> {
    let lists = [
        "treeids",
        "nodeids",
        "featureids",
        "truenodeids",
        "falsenodeids",
    ];
    let lists = lists.map(|name| operator.ints(&format!("nodes_{name}")));
    let [trees, nodes, features, yes, no] = lists;
    let modes = operator.bytes("nodes_modes");
    let values = operator.floats("nodes_values")?;
    let tracks = operator.ints("nodes_missing_value_tracks_true");
    let count = trees.len();
    if lists.iter().any(|list| list.len() != count)
        || modes.len() != count
        || values.len() != count
        || !(tracks.is_empty() || tracks.len() == count)
    {
        return Err(operator.reject("its lists of nodes differ in length"));
    }
    if count > limit::NODES {
        return Err(operator.reject(format!("it has more than {} nodes", limit::NODES)));
    }
    let mut forest = Forest {
        leaves: vec![Vec::new(); count],
        ..Forest::default()
    };
    // each node's place; branches are counted as they come
    let mut places = BTreeMap::new();
    let mut branches = 0;
    for at in 0..count {
        let place = if modes[at] == b"LEAF" {
            Place::Leaf(at)
        } else {
            branches += 1;
            Place::Branch(branches - 1)
        };
        if places.insert((trees[at], nodes[at]), place).is_some() {
            return Err(operator.reject(format!(
                "node {} of tree {} is there twice",
                nodes[at], trees[at]
            )));
        }
        if at == 0 || trees[at] != trees[at - 1] {
            forest.roots.push(place);
        }
    }
    let find = |tree: i64, node: i64| {
        let place = places.get(&(tree, node)).copied();
        place.ok_or_else(|| operator.reject(format!("tree {tree} has no node {node}")))
    };
    for at in 0..count {
        let mode = match modes[at].as_slice() {
            b"LEAF" => continue,
            b"BRANCH_LEQ" => Mode::Leq,
            b"BRANCH_LT" => Mode::Lt,
            b"BRANCH_GTE" => Mode::Gte,
            b"BRANCH_GT" => Mode::Gt,
            b"BRANCH_EQ" => Mode::Eq,
            b"BRANCH_NEQ" => Mode::Neq,
            _ => return Err(operator.reject("a node's mode is not known")),
        };
        forest.branches.push(Branch {
            feature: usize::try_from(features[at]).unwrap_or(usize::MAX),
            mode,
            threshold: values[at],
            tracks: tracks.get(at).is_some_and(|tracks| *tracks != 0),
            members: Vec::new(),
            yes: find(trees[at], yes[at])?,
            no: find(trees[at], no[at])?,
        });
    }
    let weights = operator.floats(&format!("{kind}_weights"))?;
    let ids = operator.positions(&format!("{kind}_ids"))?;
    let of_trees = operator.ints(&format!("{kind}_treeids"));
    let of_nodes = operator.ints(&format!("{kind}_nodeids"));
    if [ids.len(), of_trees.len(), of_nodes.len()] != [weights.len(); 3] {
        return Err(operator.reject("its lists of weights differ in length"));
    }
    for (at, weight) in weights.into_iter().enumerate() {
        // a weight of a branch is of no use
        if let Place::Leaf(leaf) = find(of_trees[at], of_nodes[at])? {
            forest.leaves[leaf].push((ids[at], weight));
        }
    }
    Ok(forest)
}

fn forest(operator: Operator<'_>) -> Outcome<Forest> {
    let features = operator.positions("nodes_featureids")?;
    let count = features.len();
    let (yes, no) = (
        operator.positions("nodes_truenodeids")?,
        operator.positions("nodes_falsenodeids")?,
    );
    let (yes_leaf, no_leaf) = (
        operator.ints("nodes_trueleafs"),
        operator.ints("nodes_falseleafs"),
    );
    let (modes, splits) = (
        operator.tensor_numbers("nodes_modes")?,
        operator.tensor_numbers("nodes_splits")?,
    );
    let tracks = operator.ints("nodes_missing_value_tracks_true");
    let lengths = [
        yes.len(),
        no.len(),
        yes_leaf.len(),
        no_leaf.len(),
        modes.len(),
        splits.len(),
    ];
    if lengths != [count; 6] || !(tracks.is_empty() || tracks.len() == count) {
        return Err(operator.reject("its lists of nodes differ in length"));
    }
    if count > limit::NODES {
        return Err(operator.reject(format!("it has more than {} nodes", limit::NODES)));
    }
    let weights = operator.tensor_numbers("leaf_weights")?;
    let targets = operator.positions("leaf_targetids")?;
    if targets.len() != weights.len() {
        return Err(operator.reject("its lists of leaves differ in length"));
    }
    let all_members = operator.tensor_numbers("membership_values")?;
    // a list a branch, each with NaN behind it
    let mut lists = all_members.split(|member| member.is_nan());
    let place = |at: usize, leaf: i64| {
        let limit = if leaf == 0 { count } else { weights.len() };
        if at >= limit {
            return Err(operator.reject(format!("a branch leads to node {at} of {limit}")));
        }
        Ok(if leaf == 0 {
            Place::Branch(at)
        } else {
            Place::Leaf(at)
        })
    };
    let mut forest = Forest::default();
    for at in 0..count {
        let mut members = Vec::new();
        let mode = match modes[at] {
            0.0 => Mode::Leq,
            1.0 => Mode::Lt,
            2.0 => Mode::Gte,
            3.0 => Mode::Gt,
            4.0 => Mode::Eq,
            5.0 => Mode::Neq,
            6.0 => {
                members = lists.next().unwrap_or_default().to_vec();
                Mode::Member
            }
            other => return Err(operator.reject(format!("a node's mode is {other}"))),
        };
        forest.branches.push(Branch {
            feature: features[at],
            mode,
            threshold: splits[at],
            tracks: tracks.get(at).is_some_and(|tracks| *tracks != 0),
            members,
            yes: place(yes[at], yes_leaf[at])?,
            no: place(no[at], no_leaf[at])?,
        });
    }
    for root in operator.positions("tree_roots")? {
        forest.roots.push(place(root, 0)?);
    }
    let leaves = targets.into_iter().zip(weights);
    forest.leaves = leaves.map(|leaf| vec![leaf]).collect();
    Ok(forest)
}
