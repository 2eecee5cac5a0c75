//! Operators that pick: columns, answers, and the largest or the least.

use std::rc::Rc;

use crate::{
    limit,
    onnx::import::{
        density, mix,
        operator::{Operator, Outcome},
        shapes::first,
        tensor::{Constant, Data},
        term::Term,
        walk::constant as expect_constant,
    },
};

pub(super) fn split(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let results = operator.0.output.len();
    if !matches!(operator.int("axis").unwrap_or(0), 1 | -1) {
        return Err(operator.reject("it parts rows"));
    }
    let Term::Scores(scores) = first(operator, arguments)? else {
        return Err(operator.reject("it parts what is no answer"));
    };
    let ones = match arguments.get(1) {
        Some(Term::Constant(sizes)) => sizes
            .numbers()
            .is_some_and(|sizes| sizes.iter().all(|size| *size == 1.0)),
        _ => operator.ints("split").iter().all(|size| *size == 1),
    };
    if !ones || results != scores.width() {
        return Err(operator.reject("it does not part an answer into its columns"));
    }
    Ok((0..results)
        .map(|at| Term::Part(Rc::clone(scores), at))
        .collect())
}

pub(super) fn gather(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    match operator.int("axis").unwrap_or(0) {
        1 | -1 => pick(operator, arguments),
        _ => match arguments {
            [Term::Constant(_), Term::Label | Term::Best(_)] => Ok(vec![Term::Label]),
            _ => Err(operator.reject("it picks rows")),
        },
    }
}

/// A position below the limit, if the number is one.
pub(super) fn whole(number: f64, limit: usize) -> Option<usize> {
    if number.fract() != 0.0 || !(0.0..limit as f64).contains(&number) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the lines above bound it"
    )]
    Some(number as usize)
}

/// Picks columns by their positions.
pub(super) fn pick(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    if let [Term::Constant(_), Term::Label | Term::Best(_)] = arguments {
        return Ok(vec![Term::Label]);
    }
    let positions = expect_constant(operator, arguments.get(1))?;
    let positions = positions.numbers().unwrap_or_default();
    if positions.len() > limit::WIDTH {
        return Err(operator.reject("its result is too wide"));
    }
    let find = |position: f64, width: usize| {
        whole(position, width)
            .ok_or_else(|| operator.reject(format!("it picks column {position} of {width}")))
    };
    match first(operator, arguments)? {
        Term::Columns(columns) => {
            let picked = positions.iter().map(|position| {
                let at = find(*position, columns.len())?;
                Ok(columns[at].clone())
            });
            Ok(vec![Term::columns(picked.collect::<Outcome<_>>()?)])
        }
        Term::Scores(scores) => {
            let width = scores.width();
            let rows = positions.iter().map(|position| find(*position, width));
            let rows: Vec<usize> = rows.collect::<Outcome<_>>()?;
            if let [at] = rows[..] {
                return Ok(vec![Term::Part(Rc::clone(scores), at)]);
            }
            if rows.is_empty() || rows.len() > limit::OUTPUTS {
                return Err(operator.reject("it picks no answer, or too many"));
            }
            let term = Term::Scores(Rc::clone(scores));
            Ok(vec![mix::pick(operator, &term, &rows)?])
        }
        _ => Err(operator.reject("it picks from what is no matrix")),
    }
}

/// `Slice` along columns, one by one.
pub(super) fn slice(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let one = |at: usize, name: &str| -> Outcome<i64> {
        let found = match arguments.get(at) {
            Some(Term::Constant(constant)) => match constant.numbers() {
                #[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
                Some([number]) => Some(*number as i64),
                _ => None,
            },
            _ => match operator.ints(name) {
                [number] => Some(*number),
                _ => None,
            },
        };
        found.ok_or_else(|| operator.reject("it is cut at what is no single position"))
    };
    let (from, to, axis) = (one(1, "starts")?, one(2, "ends")?, one(3, "axes")?);
    let steps = arguments.len() < 5 || one(4, "steps")? == 1;
    let width = match first(operator, arguments)? {
        Term::Columns(columns) => columns.len(),
        Term::Scores(scores) => scores.width(),
        _ => return Err(operator.reject("it cuts what is no matrix")),
    };
    if !matches!(axis, 1 | -1) || !steps {
        return Err(operator.reject("it cuts along rows, or leaves columns out"));
    }
    let signed = i64::try_from(width).unwrap_or(i64::MAX);
    let place = |at: i64| {
        if at < 0 {
            at.saturating_add(signed)
        } else {
            at.min(signed)
        }
    };
    let positions: Vec<f64> = (place(from)..place(to)).map(|at| at as f64).collect();
    let positions = Term::Constant(Rc::new(Constant {
        dims: vec![positions.len()],
        data: Data::Numbers(positions),
    }));
    pick(operator, &[arguments[0].clone(), positions])
}

/// `ArgMax` and `ArgMin`: the class, or the nearest point.
pub(super) fn arg_max(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let least = operator.0.op_type == "ArgMin";
    let last = matches!(operator.int("axis"), Some(1 | -1))
        && operator.int("select_last_index").unwrap_or(0) == 0;
    match first(operator, arguments)? {
        Term::Scores(scores) if least && last => Ok(vec![density::nearest(operator, scores)?]),
        Term::Scores(scores) if last && !least => Ok(vec![Term::Best(Rc::clone(scores))]),
        Term::Scores(_) if !least => Ok(vec![Term::Label]),
        _ => Err(operator.reject("it looks for the end of what is no answer")),
    }
}
