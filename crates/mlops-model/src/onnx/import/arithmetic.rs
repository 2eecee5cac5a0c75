//! Arithmetic: of columns with constants, of scores with constants, and of values with each other.

use std::rc::Rc;

use crate::{
    Link,
    onnx::import::{
        column::{Column, LogStage, Source, Step},
        density, encoders, mix, network,
        operator::{Operator, Outcome},
        scores::{Body, Scores},
        sums,
        tensor::Constant,
        term::Term,
        votes,
        walk::columns,
    },
};

/// Steps of one column; exporters write a handful.
pub(super) const STEPS: usize = 64;

pub(super) fn binary(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let op = operator.0.op_type.as_str();
    if let Some(outcome) = density::binary(operator, op, arguments) {
        return outcome.map(|term| vec![term]);
    }
    if op == "Pow" {
        return Err(operator.reject("it raises what is no distance"));
    }
    let term = match arguments {
        [Term::Columns(x), Term::Constant(c)] => with_constant(operator, op, x, c, false)?,
        [Term::Constant(c), Term::Columns(x)] => with_constant(operator, op, x, c, true)?,
        [Term::Columns(a), Term::Columns(b)] => logarithm(operator, op, a, b)?,
        [Term::Scores(scores), Term::Sum(of)] if op == "Div" && Rc::ptr_eq(scores, of) => {
            encoders::normalized(operator, scores)?
        }
        [Term::Scores(scores), Term::LogSum(of, true)] if op == "Sub" && Rc::ptr_eq(scores, of) => {
            Term::LogShare(Rc::clone(scores))
        }
        // 1 in place of a sum of 0, which probabilities do not have
        [Term::Sum(of), Term::NoSum(same)] if op == "Add" && Rc::ptr_eq(of, same) => {
            Term::Sum(Rc::clone(of))
        }
        [Term::Scores(of), Term::NoSum(same)] if op == "Add" && Rc::ptr_eq(of, same) => {
            Term::Scores(Rc::clone(of))
        }
        [Term::NoSum(of), Term::Constant(_)] if op == "Mul" => Term::NoSum(Rc::clone(of)),
        [Term::Scores(x), Term::ErfPlus(y)] | [Term::ErfPlus(y), Term::Scores(x)]
            if op == "Mul" =>
        {
            network::gelu(operator, x, y)?
        }
        [Term::Erf(y), Term::Constant(c)] | [Term::Constant(c), Term::Erf(y)]
            if op == "Add" && c.numbers() == Some(&[1.0]) =>
        {
            Term::ErfPlus(Rc::clone(y))
        }
        [Term::Constant(c), Term::ExpPlus(scores)]
            if op == "Div" && c.numbers() == Some(&[1.0]) =>
        {
            network::sigmoid(scores)
        }
        [Term::Scores(scores), Term::Constant(c)] | [Term::Constant(c), Term::Scores(scores)]
            if op == "Add" && scores.link == Link::Exp && c.numbers() == Some(&[1.0]) =>
        {
            Term::ExpPlus(Rc::clone(scores))
        }
        [Term::Scores(scores), Term::Constant(c)] => on_scores(operator, op, scores, c)?,
        [Term::Constant(c), term] if is_answer(term) => match (op, term) {
            ("Sub", Term::Scores(scores)) if c.numbers() == Some(&[1.0]) && scores.width() == 1 => {
                Term::Complement(Rc::clone(scores))
            }
            ("Add" | "Mul", Term::Scores(scores)) => on_scores(operator, op, scores, c)?,
            ("Add" | "Mul", _) => on_scores(operator, op, &mix::opened(operator, term)?, c)?,
            ("Sub", Term::Scores(scores)) if scores.is_linear() => {
                let outputs = scores.outputs();
                let mut turned = Scores::clone(scores);
                turned.scale(&vec![-1.0; outputs], &vec![0.0; outputs]);
                on_scores(operator, "Add", &Rc::new(turned), c)?
            }
            ("Sub", Term::Part(..)) if c.numbers() == Some(&[1.0]) => {
                Term::Complement(mix::opened(operator, term)?)
            }
            _ => return Err(operator.reject("it takes scores from a constant, or divides by them")),
        },
        [term, Term::Constant(c)] if is_answer(term) => {
            on_scores(operator, op, &mix::opened(operator, term)?, c)?
        }
        [a, b] if is_answer(a) && is_answer(b) => match op {
            "Add" => sums::sum_of(operator, arguments)?,
            "Sub" => mix::sum(operator, arguments, &[1.0, -1.0])?,
            _ => return Err(operator.reject("it multiplies or divides answers")),
        },
        _ => return Err(operator.reject("neither side is a constant")),
    };
    Ok(vec![term])
}

fn is_answer(term: &Term) -> bool {
    matches!(term, Term::Scores(_) | Term::Part(..) | Term::Complement(_))
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
    match (op, arguments.first()) {
        ("Erf", Some(Term::Scores(scores))) => return Ok(vec![Term::Erf(Rc::clone(scores))]),
        ("Reciprocal", Some(Term::ExpPlus(scores))) => return Ok(vec![network::sigmoid(scores)]),
        _ => {}
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

/// `Where`: what stands in for a missing number, the last but one stage of a logarithm, and what a vote counts.
pub(super) fn choose(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    if let [Term::Votes(scores), yes, Term::Constant(no)] = arguments {
        return votes::counted(operator, scores, yes, no).map(|term| vec![term]);
    }
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
    // probabilities keep their weights apart, so that a mean of them is known as one
    let chances = scores.classes.is_some() && matches!(scores.body, Body::Trees { .. });
    if let ("Mul", Link::Exp, Some([by])) = (op, scores.link, constant.numbers())
        && *by > 0.0
        && by.is_finite()
    {
        // the factor's logarithm is added before
        let mut scores = Scores::clone(scores);
        let outputs = scores.outputs();
        scores.scale(&vec![1.0; outputs], &vec![by.ln(); outputs]);
        return Ok(Term::scores(scores));
    }
    let opened;
    let scores = if scores.is_active() || scores.is_linear() && !chances {
        scores
    } else {
        opened = mix::opened(operator, &Term::Scores(Rc::clone(scores)))?;
        &opened
    };
    let outputs = scores.outputs();
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
        "Div" => scores.scale(&row.iter().map(|by| 1.0 / by).collect::<Vec<_>>(), &zeros),
        _ => return Err(operator.reject("it changes scores in a way that is not known")),
    }
    Ok(Term::scores(scores))
}
