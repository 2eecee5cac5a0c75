//! Arithmetic with constants, dense layers, and what turns scores into answers.

use std::rc::Rc;

use crate::{
    Dense, Link, limit,
    onnx::import::{
        column::{Column, LogStage, Source, Step},
        encoders,
        operator::{Operator, Outcome},
        scores::{Body, Scores},
        tensor::Constant,
        walk::{Term, columns, constant},
    },
};

/// Steps of one column; exporters write a handful.
const STEPS: usize = 64;

pub(super) fn binary(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let op = operator.0.op_type.as_str();
    let term = match arguments {
        [Term::Columns(x), Term::Constant(c)] => with_constant(operator, op, x, c, false)?,
        [Term::Constant(c), Term::Columns(x)] => with_constant(operator, op, x, c, true)?,
        [Term::Columns(a), Term::Columns(b)] => logarithm(operator, op, a, b)?,
        [Term::Scores(scores), Term::Sum(of)] if op == "Div" && Rc::ptr_eq(scores, of) => {
            encoders::normalized(operator, scores)?
        }
        [Term::Scores(scores), Term::Constant(c)] => on_scores(operator, op, scores, c)?,
        [Term::Constant(c), Term::Scores(scores)] => match op {
            "Add" | "Mul" => on_scores(operator, op, scores, c)?,
            "Sub" if c.numbers() == Some(&[1.0]) && scores.width() == 1 => {
                Term::Complement(Rc::clone(scores))
            }
            _ => return Err(operator.reject("it takes scores from a constant, or divides by them")),
        },
        _ => return Err(operator.reject("neither side is a constant")),
    };
    Ok(vec![term])
}

fn with_constant(
    operator: Operator<'_>,
    op: &str,
    x: &[Column],
    constant: &Constant,
    turned: bool,
) -> Outcome<Term> {
    if let ([column], Some([number])) = (x, constant.numbers())
        && let Some((stage, start)) = column.stage()
    {
        let next = match (op, stage) {
            ("Add", LogStage::Abs) => LogStage::Above,
            ("Sub", LogStage::Above) if !turned => LogStage::Rest,
            _ => return Err(operator.reject("it reads a part of a logarithm")),
        };
        return if *number == 1.0 {
            Ok(Term::columns(vec![start.at(next)]))
        } else {
            Err(operator.reject("it reads a part of a logarithm"))
        };
    }
    let matrix = columns(operator, Some(&Term::columns(x.to_vec())))?;
    // a column with many constants makes as many columns
    let Some(row) = constant.row(matrix.len()) else {
        return Err(operator.reject("its constant is not one row as wide as its matrix"));
    };
    let after = matrix.iter().zip(row).map(|(column, by)| {
        let column = column.clone();
        if column.steps.len() > STEPS {
            return Err(operator.reject("there are too many steps before it"));
        }
        if !by.is_finite() && column.source != Source::Constant(0.0) {
            return Err(operator.reject(format!("its constant is {by}")));
        }
        Ok(match (op, turned) {
            ("Add", _) => match column.source {
                // a column of NaN is one of missing values
                Source::Constant(of) => Column::new(Source::Constant(column.apply(of) + by)),
                _ => column.then(Step::Add(by)),
            },
            ("Mul", _) => column.then(Step::Mul(by)),
            ("Sub", false) => column.then(Step::Add(-by)),
            ("Sub", true) => column.then(Step::Mul(-1.0)).then(Step::Add(by)),
            ("Div", false) if by != 0.0 => column.then(Step::Div(by)),
            _ => return Err(operator.reject("it divides by 0 or by a column")),
        })
    });
    Ok(Term::columns(after.collect::<Outcome<_>>()?))
}

/// The stages of a logarithm that join two values.
fn logarithm(operator: Operator<'_>, op: &str, a: &[Column], b: &[Column]) -> Outcome<Term> {
    let joined = || {
        let ([a], [b]) = (a, b) else { return None };
        let ((first, start), (second, other)) = (a.stage()?, b.stage()?);
        if start != other {
            return None;
        }
        match (op, first, second) {
            ("Mul", LogStage::Abs, LogStage::Ln) => Some(start.at(LogStage::Product)),
            ("Div", LogStage::Product, LogStage::Rest) => Some(start.at(LogStage::Quotient)),
            ("Mul", LogStage::Sign, LogStage::Size) => start.logarithm(),
            _ => None,
        }
    };
    let column = joined().ok_or_else(|| operator.reject("it joins two inputs"))?;
    Ok(Term::columns(vec![column]))
}

pub(super) fn unary(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let op = operator.0.op_type.as_str();
    if let ("Log", Some(Term::Columns(x))) = (op, arguments.first())
        && let [column] = x.as_slice()
        && let Some((LogStage::Above, start)) = column.stage()
    {
        return Ok(vec![Term::columns(vec![start.at(LogStage::Ln)])]);
    }
    if let ("Abs", Some(Term::Scores(scores))) = (op, arguments.first())
        && scores.link != Link::Identity
    {
        // probabilities are above 0
        return Ok(vec![Term::Scores(Rc::clone(scores))]);
    }
    let matrix = columns(operator, arguments.first())?;
    let mut after = matrix.iter().cloned();
    let after: Vec<Column> = match op {
        "Abs" => after.map(|column| column.at(LogStage::Abs)).collect(),
        "Sign" => after.map(|column| column.at(LogStage::Sign)).collect(),
        "IsNaN" => after.map(|column| column.at(LogStage::Missing)).collect(),
        "Floor" if after.all(|column| column.steps.len() <= STEPS) => {
            matrix.iter().map(|c| c.clone().floored()).collect()
        }
        _ => return Err(operator.reject("it is no part of an encoder that is known")),
    };
    Ok(vec![Term::columns(after)])
}

/// The sum of a row's probabilities, which they are then divided by.
pub(super) fn sum(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let over_columns = match arguments.get(1) {
        Some(Term::Constant(axes)) => matches!(axes.numbers(), Some([1.0 | -1.0])),
        _ => matches!(operator.ints("axes"), [1 | -1]),
    };
    match arguments.first() {
        Some(Term::Scores(scores)) if over_columns && operator.int("keepdims") != Some(0) => {
            Ok(vec![Term::Sum(Rc::clone(scores))])
        }
        _ => Err(operator.reject("it adds up what are no probabilities of a row")),
    }
}

/// `Where`: what stands in for a missing number, and the last but one stage of a logarithm.
pub(super) fn choose(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let chosen = || match arguments {
        [
            Term::Columns(missing),
            Term::Constant(impute),
            Term::Columns(x),
        ] => {
            let ([missing], [x], Some([impute])) =
                (missing.as_slice(), x.as_slice(), impute.numbers())
            else {
                return None;
            };
            let (LogStage::Missing, start) = missing.stage()? else {
                return None;
            };
            (start == *x).then(|| start.imputed(*impute)).flatten()
        }
        [
            Term::Columns(near),
            Term::Columns(size),
            Term::Columns(quotient),
        ] => {
            let ([near], [size], [quotient]) =
                (near.as_slice(), size.as_slice(), quotient.as_slice())
            else {
                return None;
            };
            let stages = [near.stage()?, size.stage()?, quotient.stage()?];
            let [
                (LogStage::Near, a),
                (LogStage::Abs, b),
                (LogStage::Quotient, c),
            ] = stages
            else {
                return None;
            };
            (a == b && b == c).then(|| a.at(LogStage::Size))
        }
        _ => None,
    };
    let column =
        chosen().ok_or_else(|| operator.reject("it is no part of an encoder that is known"))?;
    Ok(vec![Term::columns(vec![column])])
}

fn on_scores(
    operator: Operator<'_>,
    op: &str,
    scores: &Rc<Scores>,
    constant: &Constant,
) -> Outcome<Term> {
    let outputs = scores.outputs();
    if let ("Mul", Link::Exp, Some([by])) = (op, scores.link, constant.numbers())
        && *by > 0.0
        && by.is_finite()
    {
        // the factor's logarithm is added before
        let mut scores = Scores::clone(scores);
        scores.scale(&vec![1.0; outputs], &vec![by.ln(); outputs]);
        return Ok(Term::scores(scores));
    }
    if !scores.is_linear() {
        return Err(operator.reject("it changes scores that an activation has passed"));
    }
    let Some(row) = constant.row(outputs) else {
        return Err(operator.reject("its constant is not one row as wide as the scores"));
    };
    if row
        .iter()
        .any(|by| !by.is_finite() || (op == "Div" && *by == 0.0))
    {
        return Err(operator.reject("its constant is not finite, or it divides by 0"));
    }
    let (ones, zeros) = (vec![1.0; outputs], vec![0.0; outputs]);
    let mut scores = Scores::clone(scores);
    match op {
        "Add" => scores.scale(&ones, &row),
        "Sub" => scores.scale(&ones, &row.iter().map(|by| -by).collect::<Vec<_>>()),
        "Mul" => scores.scale(&row, &zeros),
        _ => scores.scale(&row.iter().map(|by| 1.0 / by).collect::<Vec<_>>(), &zeros),
    }
    Ok(Term::scores(scores))
}

pub(super) fn mat_mul(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let weights = constant(operator, arguments.get(1))?;
    let (cols, rows) = match weights.dims[..] {
        [cols, rows] => (cols, rows),
        // a row of them gives a number a row
        [cols] => (cols, 1),
        _ => return Err(operator.reject("its weights are no matrix")),
    };
    let turned = turned(operator, weights, cols, rows)?;
    dense(operator, arguments.first(), turned, vec![0.0; rows], cols)
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
    dense(operator, arguments.first(), numbers, bias, cols)
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

/// A layer over columns or over the layer before.
pub(super) fn dense(
    operator: Operator<'_>,
    argument: Option<&Term>,
    weights: Vec<f64>,
    bias: Vec<f64>,
    cols: usize,
) -> Outcome<Vec<Term>> {
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
    if let Some(Term::Scores(before)) = argument {
        meets(before.width())?;
        let mut scores = Scores::clone(before);
        let Body::Dense { layers, active } = &mut scores.body else {
            return Err(operator.reject("it is a layer over trees"));
        };
        if !*active || layers.len() >= limit::LAYERS {
            return Err(
                operator.reject("no rectifier stands before it, or it is one layer too many")
            );
        }
        layers.push(layer);
        *active = false;
        return Ok(vec![Term::scores(scores)]);
    }
    let matrix = columns(operator, argument)?;
    meets(matrix.len())?;
    Ok(vec![Term::scores(Scores::dense(matrix, layer))])
}

pub(super) fn relu(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let Some(Term::Scores(scores)) = arguments.first() else {
        return Err(operator.reject("it reads what is no layer"));
    };
    let mut scores = Scores::clone(scores);
    match &mut scores.body {
        // twice is once
        Body::Dense { active, .. } if scores.link == Link::Identity => *active = true,
        _ => return Err(operator.reject("it stands behind an answer")),
    }
    Ok(vec![Term::scores(scores)])
}

pub(super) fn link(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let Some(Term::Scores(scores)) = arguments.first() else {
        return Err(operator.reject("it reads what are no scores"));
    };
    if !scores.is_linear() {
        return Err(operator.reject("it reads scores that an activation has passed"));
    }
    let link = match operator.0.op_type.as_str() {
        "Sigmoid" => Link::Logit,
        "Exp" => Link::Exp,
        _ if scores.width() < 2 => return Err(operator.reject("of one score it is always 1")),
        _ if !matches!(operator.int("axis").unwrap_or(-1), 1 | -1) => {
            return Err(operator.reject("it goes over rows"));
        }
        _ => Link::Softmax,
    };
    Ok(vec![Term::scores(Scores {
        link,
        ..Scores::clone(scores)
    })])
}
