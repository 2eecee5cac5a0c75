//! TreeSHAP against Shapley's own formula on trees that were drawn at random.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch};
use mlops_core::{Rng, Seed};
use mlops_model::{
    Encoder, Input, InputKind, Link, Model, Node, Output, Preprocess, Rule, Signature, Tree,
    TreeEnsemble,
};

use super::*;

const WIDTH: usize = 4;

fn grow(rng: &mut Rng, nodes: &mut Vec<Node>, depth: usize) -> u32 {
    let at = nodes.len();
    let value = rng.normal();
    nodes.push(Node::Leaf { value });
    if depth == 0 || rng.unit() < 0.2 {
        return u32::try_from(at).unwrap();
    }
    let left = grow(rng, nodes, depth - 1);
    let right = grow(rng, nodes, depth - 1);
    let feature = u32::try_from(rng.below(WIDTH)).unwrap();
    let missing_left = rng.unit() < 0.5;
    nodes[at] = if feature == 3 {
        let mut categories: Vec<u32> = (0u32..6).filter(|_| rng.unit() < 0.5).collect();
        if categories.is_empty() {
            categories.push(2);
        }
        Node::Category {
            feature,
            categories,
            missing_left,
            left,
            right,
        }
    } else {
        Node::Split {
            feature,
            threshold: (rng.unit() * 6.0).floor(),
            rule: if rng.unit() < 0.5 { Rule::Lt } else { Rule::Le },
            missing_left,
            left,
            right,
        }
    };
    u32::try_from(at).unwrap()
}

fn model(rng: &mut Rng, trees: usize, outputs: usize, combine: Combine) -> ModelSpec {
    let inputs = (0..WIDTH).map(|at| Input::new(format!("x{at}"), InputKind::Float).nullable());
    let output = match outputs {
        1 => Output::Number,
        _ => Output::Classes {
            names: (0..outputs).map(|class| format!("class {class}")).collect(),
        },
    };
    let signature = Signature::new(inputs, output).unwrap();
    let encoders = (0..WIDTH).map(Encoder::plain).collect();
    let preprocess = Preprocess::new(&signature, encoders).unwrap();
    let trees = (0..trees).map(|_| {
        let mut nodes = Vec::new();
        grow(rng, &mut nodes, 5);
        Tree { nodes }
    });
    let ensemble = TreeEnsemble {
        trees: trees.collect(),
        base: (0..outputs).map(|_| rng.normal()).collect(),
        combine,
        link: if outputs == 1 {
            Link::Identity
        } else {
            Link::Softmax
        },
    };
    ModelSpec::new(signature, preprocess, Estimator::Trees(ensemble)).unwrap()
}

fn batch(rng: &mut Rng, rows: usize) -> RecordBatch {
    let columns = (0..WIDTH).map(|at| {
        let values: Vec<Option<f64>> = (0..rows)
            .map(|_| (rng.unit() > 0.15).then(|| (rng.unit() * 6.0).floor()))
            .collect();
        (
            format!("x{at}"),
            Arc::new(Float64Array::from(values)) as ArrayRef,
        )
    });
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Algorithm 1: the mean over the background's shares where a column is not known.
fn value_of(tree: &Covered<'_>, at: usize, row: &[f64], known: &[bool]) -> f64 {
    let Some(turn) = tree.turn(at, row) else {
        return match tree.nodes[at] {
            Node::Leaf { value } => value,
            _ => unreachable!("only leaves have no turn"),
        };
    };
    if known[turn.column] {
        return value_of(tree, turn.taken, row, known);
    }
    turn.taken_share * value_of(tree, turn.taken, row, known)
        + turn.other_share * value_of(tree, turn.other, row, known)
}

/// Shapley's formula over all subsets.
fn shapley(tree: &Covered<'_>, row: &[f64], column: usize) -> f64 {
    let factorial = |n: usize| (1..=n).product::<usize>() as f64;
    (0..1usize << WIDTH)
        .filter(|subset| subset >> column & 1 == 0)
        .map(|subset| {
            let size = subset.count_ones() as usize;
            let weight = factorial(size) * factorial(WIDTH - size - 1) / factorial(WIDTH);
            let known = |with: usize| -> Vec<bool> {
                (0..WIDTH)
                    .map(|at| (subset | with) >> at & 1 == 1)
                    .collect()
            };
            let gain =
                value_of(tree, 0, row, &known(1 << column)) - value_of(tree, 0, row, &known(0));
            weight * gain
        })
        .sum()
}

#[test]
fn values_equal_shapleys_formula() {
    for seed in 0..60 {
        let mut rng = Seed(seed).rng();
        // few rows, so that some nodes see none of them
        let rows = 2 + rng.below(20);
        let background = batch(&mut rng, rows);
        let spec = model(&mut rng, 3, 1, Combine::Sum);
        let shap = TreeShap::new(&spec, &background).unwrap();
        let rows = batch(&mut rng, 5);
        let found = shap.explain(&rows).unwrap();
        let encoded = spec.preprocess().encode(&rows).unwrap();
        for row in 0..5 {
            for column in 0..WIDTH {
                let trees = shap.trees.iter();
                let expected: f64 = trees
                    .map(|tree| shapley(tree, encoded.row(row), column))
                    .sum();
                let found = found.values(row, 0)[column];
                assert!(
                    (found - expected).abs() < 1e-12,
                    "seed {seed}: {found}, not {expected}"
                );
            }
        }
    }
}

#[test]
fn values_sum_to_the_raw_scores_of_every_output() {
    for (outputs, combine) in [
        (1, Combine::Sum),
        (1, Combine::Mean),
        (3, Combine::Sum),
        (3, Combine::Mean),
    ] {
        let mut rng = Seed(7).rng();
        let background = batch(&mut rng, 50);
        let spec = model(&mut rng, 9, outputs, combine);
        let shap = TreeShap::new(&spec, &background).unwrap();
        let rows = batch(&mut rng, 30);
        let found = shap.explain(&rows).unwrap();
        assert_eq!(found.rows(), 30);
        let answers = spec.predict(&rows).unwrap();
        for row in 0..30 {
            let mut scores: Vec<f64> = (0..outputs).map(|at| found.raw_score(row, at)).collect();
            spec.estimator().link().apply(&mut scores);
            for (score, answer) in scores.iter().zip(answers.row(row)) {
                assert!((score - answer).abs() < 1e-12, "{outputs} outputs");
            }
        }
        let shared = shap.clone().threads(NonZeroUsize::new(4).unwrap());
        assert_eq!(shared.explain(&rows).unwrap(), found);
        let mean = shap.explain(&background).unwrap();
        for output in 0..outputs {
            let scores = (0..50).map(|row| mean.raw_score(row, output));
            let mean = scores.sum::<f64>() / 50.0;
            assert!((mean - found.expected()[output]).abs() < 1e-12);
        }
    }
}

#[test]
fn reasons_come_in_the_order_of_their_size() {
    let mut rng = Seed(3).rng();
    let background = batch(&mut rng, 50);
    let spec = model(&mut rng, 4, 1, Combine::Sum);
    let found = TreeShap::new(&spec, &background)
        .unwrap()
        .explain(&background)
        .unwrap();
    let reasons = found.reasons(0, 0, 2);
    assert_eq!(reasons.len(), 2);
    assert!(reasons[0].1.abs() >= reasons[1].1.abs());
    let importance = found.importance();
    assert_eq!(importance.len(), WIDTH);
    assert!(importance.is_sorted_by(|a, b| a.1 >= b.1) && importance[0].1 > 0.0);
    let none = TreeShap::new(&spec, &background)
        .unwrap()
        .explain(&background.slice(0, 0))
        .unwrap();
    assert_eq!((none.rows(), none.importance()[0].1), (0, 0.0));
}

#[test]
fn what_cannot_be_explained_is_refused() {
    let mut rng = Seed(3).rng();
    let spec = model(&mut rng, 1, 1, Combine::Sum);
    let empty = batch(&mut rng, 0);
    assert!(matches!(TreeShap::new(&spec, &empty), Err(Error::Core(_))));
    let set = crate::conformance::planted(20, 1);
    let line = crate::baseline(&set).unwrap();
    let error = TreeShap::new(&line, &set.features()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "TreeShap takes a tree ensemble; the model is of the family `linear`"
    );
}
