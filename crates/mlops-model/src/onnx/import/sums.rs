//! Sums over values and over axes, and what is cut off at ends.

use std::rc::Rc;

use crate::{
    Link,
    onnx::import::{
        arithmetic::STEPS,
        column::Step,
        density, mix,
        operator::{Operator, Outcome},
        scores::{Body, Scores},
        term::Term,
        walk::columns,
    },
};

/// `Sum`, and the last `Add` of several.
pub(super) fn sum_of(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Term> {
    if let Some(trees) = trees_together(arguments) {
        return Ok(trees);
    }
    mix::sum(operator, arguments, &vec![1.0; arguments.len()])
}

/// Trees over the same columns are trees together; probabilities are left apart, as members of a mean.
fn trees_together(arguments: &[Term]) -> Option<Term> {
    let mut all: Option<Scores> = None;
    for argument in arguments {
        let Term::Scores(next) = argument else {
            return None;
        };
        let (
            Body::Trees {
                trees: own,
                base: by,
            },
            true,
            None,
        ) = (&next.body, next.is_linear(), &next.classes)
        else {
            return None;
        };
        let Some(scores) = &mut all else {
            all = Some(Scores::clone(next));
            continue;
        };
        let Body::Trees { trees, base } = &mut scores.body else {
            return None;
        };
        if scores.columns != next.columns || base.len() != by.len() {
            return None;
        }
        for (trees, own) in trees.iter_mut().zip(own) {
            trees.extend(own.iter().cloned());
        }
        for (base, by) in base.iter_mut().zip(by) {
            *base += by;
        }
    }
    all.map(Term::scores)
}

/// Whether an operator goes over the last of so many axes, each as the number that means it.
fn goes_over(operator: Operator<'_>, arguments: &[Term], axes: [f64; 2]) -> bool {
    match arguments.get(1) {
        Some(Term::Constant(axis)) => matches!(axis.numbers(), Some([axis]) if axes.contains(axis)),
        _ => matches!(operator.ints("axes"), [axis] if axes.contains(&(*axis as f64))),
    }
}

/// The sum of a row's probabilities, which they are then divided by; or of distances along all axes.
pub(super) fn sum(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let last = goes_over(operator, arguments, [1.0, -1.0]);
    let reject = || operator.reject("it adds up what are no probabilities of a row");
    let term = match (operator.0.op_type.as_str(), arguments.first()) {
        ("ReduceSum", Some(Term::Away(away)))
            if goes_over(operator, arguments, [2.0, -1.0])
                && operator.int("keepdims") == Some(0) =>
        {
            density::sum(operator, away)?
        }
        ("ReduceSum", Some(Term::Scores(scores)))
            if last && operator.int("keepdims") != Some(0) =>
        {
            Term::Sum(Rc::clone(scores))
        }
        ("ReduceLogSumExp", Some(Term::Scores(scores))) if last && scores.is_linear() => {
            Term::LogSum(Rc::clone(scores), operator.int("keepdims") != Some(0))
        }
        ("ReduceSumSquare", argument) if last && operator.int("keepdims") != Some(0) => {
            density::length(operator, argument)?
        }
        ("ReduceMean", Some(Term::Layers(layers)))
            if goes_over(operator, arguments, [0.0, 0.0])
                && operator.int("keepdims") == Some(0) =>
        {
            mix::sum(
                operator,
                layers,
                &vec![1.0 / layers.len() as f64; layers.len()],
            )?
        }
        _ => return Err(reject()),
    };
    Ok(vec![term])
}

/// `Clip` of columns to finite ends, and of probabilities to 0..=1, where they are.
pub(super) fn clip(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let end = |at: usize, name: &str, none: f64| match arguments.get(at) {
        None => Ok(operator.float(name).unwrap_or(none)),
        Some(Term::Absent) => Ok(none),
        Some(Term::Constant(end)) => match end.numbers() {
            Some([end]) if !end.is_nan() => Ok(*end),
            _ => Err(operator.reject("its ends are no numbers")),
        },
        Some(_) => Err(operator.reject("its ends are no constants")),
    };
    let (lower, upper) = (end(1, "min", f64::MIN)?, end(2, "max", f64::MAX)?);
    if let Some(term @ Term::Scores(scores)) = arguments.first()
        && matches!(scores.link, Link::Logit | Link::Softmax)
        && lower <= 0.0
        && upper >= 1.0
    {
        return Ok(vec![term.clone()]);
    }
    let matrix = columns(operator, arguments.first())?;
    if lower > upper || matrix.iter().any(|column| column.steps.len() > STEPS) {
        return Err(
            operator.reject("its ends are the wrong way round, or too many steps stand before it")
        );
    }
    let clipped = matrix
        .iter()
        .map(|column| column.clone().then(Step::Clip(lower, upper)));
    Ok(vec![Term::columns(clipped.collect())])
}
