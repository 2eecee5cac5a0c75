//! Votes of trees: each tree's most probable class counts, as in AdaBoost.

use std::rc::Rc;

use crate::{
    Node, Tree,
    onnx::import::{
        operator::{Operator, Outcome},
        scores::{Body, Form, Scores},
        tensor::Constant,
        term::Term,
    },
};

/// 1 for the class that a tree gives the most, and 0 for the others, a column a class: `Equal` of the position of
/// the largest answer and of all positions.
pub(super) fn cast(operator: Operator<'_>, scores: &Scores, classes: &Constant) -> Outcome<Term> {
    let width = scores.width();
    let positions = classes.numbers().unwrap_or_default();
    let in_turn = positions.iter().enumerate().all(|(at, x)| *x == at as f64);
    if !in_turn || positions.len() != width || classes.row(width).is_none() {
        return Err(operator.reject("it compares a class with what are not all classes"));
    }
    let Body::Trees { trees, base } = &scores.body else {
        return Err(operator.reject("the class is no tree's"));
    };
    if base.iter().any(|base| *base != 0.0) || scores.form == Form::Shares {
        return Err(operator.reject("the class is not that of a tree alone"));
    }
    let singles = trees.iter().map(|trees| match trees.as_slice() {
        [tree] => Ok(tree),
        _ => Err(operator.reject("the class is that of several trees")),
    });
    let singles: Vec<&Tree> = singles.collect::<Outcome<_>>()?;
    let votes = voted(&singles, scores.form == Form::Pair)
        .ok_or_else(|| operator.reject("its classes have trees of different shapes"))?;
    Ok(Term::Votes(Rc::new(Scores::new(
        Rc::clone(&scores.columns),
        Body::Trees {
            base: vec![0.0; votes.len()],
            trees: votes.into_iter().map(|tree| vec![tree]).collect(),
        },
    ))))
}

/// A tree a class with 1 in the leaves that it wins. The classes' trees differ in their leaves alone; `pair` is
/// whether one of them stands for two classes.
fn voted(trees: &[&Tree], pair: bool) -> Option<Vec<Tree>> {
    let first = trees.first()?;
    let classes = if pair { 2 } else { trees.len() };
    let mut votes = vec![(*first).clone(); classes];
    for (at, node) in first.nodes.iter().enumerate() {
        if !matches!(node, Node::Leaf { .. }) {
            if trees.iter().any(|tree| tree.nodes.get(at) != Some(node)) {
                return None;
            }
            continue;
        }
        let values = trees.iter().map(|tree| match tree.nodes.get(at) {
            Some(Node::Leaf { value }) => Some(*value),
            _ => None,
        });
        let mut values: Vec<f64> = values.collect::<Option<_>>()?;
        if pair {
            values.insert(0, 1.0 - values[0]);
        }
        // of equals the first
        let winner = (0..classes).fold(0, |best, class| {
            if values[class] > values[best] {
                class
            } else {
                best
            }
        });
        for (class, vote) in votes.iter_mut().enumerate() {
            let value = f64::from(u8::from(class == winner));
            vote.nodes[at] = Node::Leaf { value };
        }
    }
    let same_length = trees
        .iter()
        .all(|tree| tree.nodes.len() == first.nodes.len());
    same_length.then_some(votes)
}

/// What a vote counts where it is won, and where it is lost.
pub(super) fn counted(
    operator: Operator<'_>,
    votes: &Scores,
    won: &Term,
    lost: &Constant,
) -> Outcome<Term> {
    let number = |constant: &Constant| match constant.numbers() {
        Some([number]) if number.is_finite() => Some(*number),
        _ => None,
    };
    let won = match won {
        Term::Constant(constant) => number(constant),
        Term::Filled(number) => Some(*number),
        _ => None,
    };
    let (Some(won), Some(lost)) = (won, number(lost)) else {
        return Err(operator.reject("a vote counts what is no number"));
    };
    let mut scores = votes.clone();
    let outputs = scores.outputs();
    scores.scale(&vec![won - lost; outputs], &vec![lost; outputs]);
    Ok(Term::scores(scores))
}
