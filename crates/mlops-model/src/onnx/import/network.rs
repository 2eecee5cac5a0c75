//! Layers of networks, activations, and what turns scores into answers.

use std::{f64::consts::FRAC_1_SQRT_2, rc::Rc};

use crate::{
    Activation, Dense, Link,
    onnx::import::{
        cells,
        column::{Column, Step},
        mix,
        operator::{Operator, Outcome},
        scores::{Body, Form, Network, Scores},
        tensor::Constant,
        term::Term,
        walk::{columns, constant},
    },
};

pub(super) fn mat_mul(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let weights = constant(operator, arguments.get(1))?;
    let (cols, rows) = match weights.dims[..] {
        [cols, rows] => (cols, rows),
        // a row of them gives a number a row
        [cols] => (cols, 1),
        _ => return Err(operator.reject("its weights are no matrix")),
    };
    let turned = turned(operator, weights, cols, rows)?;
    dense(operator, arguments.first(), turned, vec![0.0; rows], cols).map(|term| vec![term])
}

pub(super) fn gemm(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let weights = constant(operator, arguments.get(1))?;
    let ([first, second], 0) = (&weights.dims[..], operator.int("transA").unwrap_or(0)) else {
        return Err(operator.reject("its weights are no matrix, or its rows are columns"));
    };
    let (alpha, beta) = (operator.float("alpha"), operator.float("beta"));
    let (cols, rows, mut numbers) = if operator.int("transB").unwrap_or(0) == 0 {
        (*first, *second, turned(operator, weights, *first, *second)?)
    } else {
        let numbers = weights.numbers().map(<[f64]>::to_vec);
        let numbers = numbers.ok_or_else(|| operator.reject("its weights are texts"))?;
        (*second, *first, numbers)
    };
    for weight in &mut numbers {
        *weight *= alpha.unwrap_or(1.0);
    }
    let mut bias = match arguments.get(2) {
        None | Some(Term::Absent) => vec![0.0; rows],
        argument => constant(operator, argument)?
            .row(rows)
            .ok_or_else(|| operator.reject("its bias is not one row as wide as its result"))?,
    };
    for bias in &mut bias {
        *bias *= beta.unwrap_or(1.0);
    }
    dense(operator, arguments.first(), numbers, bias, cols).map(|term| vec![term])
}

/// `[cols, rows]` as `[rows, cols]`.
fn turned(
    operator: Operator<'_>,
    weights: &Constant,
    cols: usize,
    rows: usize,
) -> Outcome<Vec<f64>> {
    let numbers = weights
        .numbers()
        .ok_or_else(|| operator.reject("its weights are texts"))?;
    let at = |row: usize| (0..cols).map(move |col| numbers[col * rows + row]);
    Ok((0..rows).flat_map(at).collect())
}

/// A layer over columns, over the layer before, or over the answers of other models.
pub(super) fn dense(
    operator: Operator<'_>,
    argument: Option<&Term>,
    weights: Vec<f64>,
    bias: Vec<f64>,
    cols: usize,
) -> Outcome<Term> {
    let rows = bias.len();
    if rows == 0 {
        return Err(operator.reject("it has no output"));
    }
    let layer = Dense {
        rows,
        cols,
        weights,
        bias,
    };
    let meets = |width: usize| {
        if width == cols {
            Ok(())
        } else {
            Err(operator.reject(format!("its weights meet {cols} numbers, {width} come in")))
        }
    };
    match argument {
        Some(Term::Scores(before)) => {
            meets(before.width())?;
            let mut scores = Scores::clone(before);
            let Body::Dense(layers) = &mut scores.body else {
                return mix::dense(operator, &Term::Scores(Rc::clone(before)), &layer);
            };
            match (scores.form, scores.link) {
                (Form::Each, Link::Identity) => {}
                // what ended a model is an activation where a layer follows
                (Form::Each, Link::Logit) => {
                    activate(operator, layers, Activation::Logistic)?;
                    scores.link = Link::Identity;
                }
                _ => return mix::dense(operator, &Term::Scores(Rc::clone(before)), &layer),
            }
            layers
                .push(layer)
                .map_err(|reason| operator.reject(reason))?;
            Ok(Term::scores(scores))
        }
        Some(Term::Last(cells, width)) => {
            meets(*width)?;
            let columns = cells::columns(cells, *width);
            Ok(Term::scores(Scores::dense(columns, layer)))
        }
        Some(Term::Part(..) | Term::Complement(_)) => match argument {
            Some(term) => mix::dense(operator, term, &layer),
            None => Err(operator.reject("it reads nothing")),
        },
        _ => {
            let matrix = columns(operator, argument)?;
            meets(matrix.len())?;
            Ok(Term::scores(Scores::dense(matrix, layer)))
        }
    }
}

fn activate(operator: Operator<'_>, layers: &mut Network, activation: Activation) -> Outcome<()> {
    layers
        .activate(activation)
        .map_err(|reason| operator.reject(reason))
}

/// `Relu`, `Tanh` and `Gelu` behind a layer.
pub(super) fn activation(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let activation = match operator.0.op_type.as_str() {
        "Relu" => Activation::Relu,
        "Tanh" => Activation::Tanh,
        _ if matches!(operator.text("approximate"), "" | "none") => Activation::Gelu,
        _ => return Err(operator.reject("it is an approximation of GELU, which has no form here")),
    };
    let Some(Term::Scores(scores)) = arguments.first() else {
        return Err(operator.reject("it reads what is no layer"));
    };
    if scores.link != Link::Identity || scores.form != Form::Each {
        return Err(operator.reject("it stands behind an answer"));
    }
    let mut scores = Scores::clone(scores);
    let Body::Dense(layers) = &mut scores.body else {
        return Err(operator.reject("it reads what is no layer"));
    };
    activate(operator, layers, activation)?;
    Ok(vec![Term::scores(scores)])
}

/// `x · (1 + erf(y))` is twice the GELU of `x` where `y` is `x / √2`, and its multiple where `y` is another.
pub(super) fn gelu(operator: Operator<'_>, x: &Scores, y: &Scores) -> Outcome<Term> {
    /// How far single precision puts weights apart.
    const SLACK: f64 = 1e-6;
    let reject = || operator.reject("it is no part of an activation that is known");
    let mut scores = y.clone();
    let (Body::Dense(first), Body::Dense(second)) = (&x.body, &mut scores.body) else {
        return Err(reject());
    };
    let (Some(outer), Some((inner, before))) =
        (first.layers.last(), second.layers.split_last_mut())
    else {
        return Err(reject());
    };
    let same = x.is_linear()
        && y.is_linear()
        && x.columns == y.columns
        && first.layers[..first.layers.len() - 1] == *before
        && outer.rows == inner.rows;
    if !same {
        return Err(reject());
    }
    let numbers = |layer: &Dense| -> Vec<f64> {
        let numbers = layer.weights.iter().chain(&layer.bias);
        numbers.copied().collect()
    };
    let (outer, mut scaled) = (numbers(outer), numbers(inner));
    for number in &mut scaled {
        *number /= FRAC_1_SQRT_2;
    }
    // the multiple, read off the largest number
    let mut pairs = outer.iter().zip(&scaled);
    let largest = pairs.clone().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    let (a, b) = largest.filter(|(_, b)| **b != 0.0).ok_or_else(reject)?;
    let factor = if (a / b - 1.0).abs() <= SLACK {
        1.0
    } else {
        a / b
    };
    if pairs.any(|(x, y)| (x - factor * y).abs() > SLACK * b.abs().max(1.0) * factor.abs()) {
        return Err(reject());
    }
    let (weights, bias) = if (factor - 1.0).abs() < f64::EPSILON {
        outer.split_at(inner.weights.len())
    } else {
        scaled.split_at(inner.weights.len())
    };
    (inner.weights, inner.bias) = (weights.to_vec(), bias.to_vec());
    let rows = inner.rows;
    activate(operator, second, Activation::Gelu)?;
    scores.scale(&vec![2.0 * factor; rows], &vec![0.0; rows]);
    Ok(Term::scores(scores))
}

/// `BatchNormalization` as it is after training: a factor and a summand each.
pub(super) fn normalized_batch(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let width = match arguments.first() {
        Some(Term::Columns(columns)) => columns.len(),
        Some(Term::Scores(scores)) => scores.width(),
        _ => return Err(operator.reject("it reads what has no columns")),
    };
    if operator.int("training_mode").unwrap_or(0) != 0 {
        return Err(operator.reject("it is still in training"));
    }
    let row = |at: usize| -> Outcome<Vec<f64>> {
        let row = constant(operator, arguments.get(at))?
            .numbers()
            .unwrap_or_default();
        if row.len() == width && row.iter().all(|x| x.is_finite()) {
            Ok(row.to_vec())
        } else {
            Err(operator.reject(format!("{} numbers meet {width} columns", row.len())))
        }
    };
    let (scale, offset, mean, variance) = (row(1)?, row(2)?, row(3)?, row(4)?);
    let epsilon = operator.float("epsilon").unwrap_or(1e-5);
    let factors = scale
        .iter()
        .zip(&variance)
        .map(|(scale, v)| scale / (v + epsilon).sqrt());
    let factors: Vec<f64> = factors.collect();
    let sums = offset
        .iter()
        .zip(mean.iter().zip(&factors))
        .map(|(offset, (mean, f))| offset - mean * f);
    let sums: Vec<f64> = sums.collect();
    if factors.iter().chain(&sums).any(|x| !x.is_finite()) {
        return Err(operator.reject("it divides by no variance"));
    }
    if let Some(Term::Scores(scores)) = arguments.first() {
        if !scores.is_linear() && !scores.is_active() {
            return Err(operator.reject("it stands behind an answer"));
        }
        let mut scores = Scores::clone(scores);
        scores.scale(&factors, &sums);
        return Ok(vec![Term::scores(scores)]);
    }
    let matrix = columns(operator, arguments.first())?;
    let after = matrix.iter().zip(factors.iter().zip(&sums));
    let after = after.map(|(column, (factor, sum))| {
        column
            .clone()
            .then(Step::Mul(*factor))
            .then(Step::Add(*sum))
    });
    Ok(vec![Term::columns(after.collect::<Vec<Column>>())])
}

/// `Sigmoid`, `Softmax` and `Exp` of scores, and of what is left of a logarithm's sum.
pub(super) fn link(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let op = operator.0.op_type.as_str();
    let opened;
    let (scores, op) = match arguments.first() {
        Some(Term::LogShare(scores)) if op == "Exp" => (scores, "Softmax"),
        Some(Term::Scores(scores)) if scores.is_linear() => (scores, op),
        Some(term @ (Term::Scores(_) | Term::Part(..) | Term::Complement(_))) => {
            opened = mix::opened(operator, term)?;
            (&opened, op)
        }
        _ => return Err(operator.reject("it reads what are no scores")),
    };
    let link = match op {
        "Sigmoid" => Link::Logit,
        "Exp" => Link::Exp,
        _ if scores.width() < 2 => return Err(operator.reject("of one score it is always 1")),
        _ if operator.0.op_type == "Softmax"
            && !matches!(operator.int("axis").unwrap_or(-1), 1 | -1) =>
        {
            return Err(operator.reject("it goes over rows"));
        }
        _ => Link::Softmax,
    };
    Ok(vec![Term::scores(Scores {
        link,
        ..Scores::clone(scores)
    })])
}

/// `1 / (1 + exp(scores))`, the sigmoid of their opposites.
pub(super) fn sigmoid(scores: &Scores) -> Term {
    let mut scores = Scores {
        link: Link::Identity,
        ..scores.clone()
    };
    let outputs = scores.outputs();
    scores.scale(&vec![-1.0; outputs], &vec![0.0; outputs]);
    scores.link = Link::Logit;
    Term::scores(scores)
}
