//! Operators that arrange values and leave them as they are.

use std::rc::Rc;

use crate::{
    InputKind, limit,
    onnx::{
        import::{
            column::{Column, Source, Step},
            operator::{Operator, Outcome},
            scores::{Form, Scores},
            tensor::{Constant, Data},
            walk::{Term, Walk, constant as expect_constant},
        },
        proto::{BOOL, DOUBLE, FLOAT, INT32, INT64},
    },
};

pub(super) fn identity(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    first(operator, arguments).map(|term| vec![term.clone()])
}

fn first<'t>(operator: Operator<'_>, arguments: &'t [Term]) -> Outcome<&'t Term> {
    arguments
        .first()
        .ok_or_else(|| operator.reject("it reads nothing"))
}

pub(super) fn constant(operator: Operator<'_>) -> Outcome<Vec<Term>> {
    let scalar = |number: f64| Constant {
        dims: Vec::new(),
        data: Data::Numbers(vec![number]),
    };
    let list = |numbers: Vec<f64>| Constant {
        dims: vec![numbers.len()],
        data: Data::Numbers(numbers),
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "positions and sizes are far smaller"
    )]
    let whole = |number: i64| number as f64;
    let constant = if let Some(tensor) = operator.tensor("value")? {
        tensor
    } else if let Some(number) = operator.float("value_float") {
        scalar(number)
    } else if let Some(number) = operator.int("value_int") {
        scalar(whole(number))
    } else if operator.has("value_floats") {
        list(operator.floats("value_floats")?)
    } else if operator.has("value_ints") {
        list(
            operator
                .ints("value_ints")
                .iter()
                .map(|x| whole(*x))
                .collect(),
        )
    } else {
        return Err(operator.reject("its value is of no kind that is read"));
    };
    Ok(vec![Term::Constant(Rc::new(constant))])
}

pub(super) fn cast(
    walk: &mut Walk<'_>,
    operator: Operator<'_>,
    arguments: &[Term],
) -> Outcome<Vec<Term>> {
    let term = first(operator, arguments)?;
    let to = operator.int("to").unwrap_or_default();
    let to = i32::try_from(to).unwrap_or_default();
    let Term::Columns(columns) = term else {
        return match term {
            Term::Label | Term::Constant(_) => Ok(vec![term.clone()]),
            _ if matches!(to, FLOAT | DOUBLE) => Ok(vec![term.clone()]),
            _ => Err(operator.reject("it makes scores into another type")),
        };
    };
    let cast = columns.iter().map(|column| {
        let number = !matches!(column.source, Source::Text { .. }) && column.stage().is_none();
        match (to, &column.source) {
            (FLOAT, _) if number => Ok(column.clone().rounded()),
            (DOUBLE, _) if number => Ok(Column {
                single: false,
                ..column.clone()
            }),
            (INT64 | INT32, Source::Position { .. } | Source::Member { .. })
                if column.steps.is_empty() =>
            {
                Ok(column.clone())
            }
            (
                INT64 | INT32,
                Source::Number {
                    input,
                    impute,
                    log1p,
                    ..
                },
            ) => {
                let plain = column.steps.iter().all(|step| *step == Step::Round);
                let whole = impute.is_none_or(|impute| impute.fract() == 0.0);
                if plain && whole && !*log1p && walk.whole(*input) {
                    // whole numbers of single precision are whole numbers
                    Ok(Column {
                        steps: Vec::new(),
                        single: false,
                        ..column.clone()
                    })
                } else {
                    Err(operator.reject("it cuts numbers off to whole ones"))
                }
            }
            (BOOL, Source::Number { input, .. })
                if walk.inputs[*input].kind == InputKind::Bool && column.steps.is_empty() =>
            {
                Ok(column.clone())
            }
            _ => Err(operator.reject(format!("it makes a column into type {to}"))),
        }
    });
    Ok(vec![Term::columns(cast.collect::<Outcome<_>>()?)])
}

/// Passes on what keeps its rows.
pub(super) fn reshape(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let term = first(operator, arguments)?;
    let width = match term {
        Term::Columns(columns) => columns.len(),
        Term::Scores(scores) => scores.width(),
        Term::Part(..) | Term::Complement(_) | Term::Sum(_) => 1,
        Term::Label => return Ok(vec![Term::Label]),
        Term::Absent | Term::Constant(_) | Term::Rows => {
            return Err(operator.reject("it reads what has no rows"));
        }
    };
    let keeps = match operator.0.op_type.as_str() {
        "Flatten" => operator.int("axis").unwrap_or(1) == 1,
        "Squeeze" => width == 1,
        _ => {
            let shape: Vec<f64> = match arguments.get(1) {
                // before operator set 5 it was an attribute
                None => operator
                    .positions("shape")?
                    .into_iter()
                    .map(|x| x as f64)
                    .collect(),
                argument => expect_constant(operator, argument)?
                    .numbers()
                    .unwrap_or_default()
                    .to_vec(),
            };
            match shape.split_first() {
                Some((rows, rest)) if *rows <= 0.0 => {
                    rest == [-1.0] && *rows == 0.0 || rest.iter().product::<f64>() == width as f64
                }
                _ => false,
            }
        }
    };
    if keeps {
        Ok(vec![term.clone()])
    } else {
        Err(operator.reject(format!("it makes other rows of {width} columns")))
    }
}

pub(super) fn concat(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let axis = operator.int("axis").unwrap_or(1);
    if let [Term::Rows, Term::Constant(_)] = arguments {
        return Ok(vec![Term::Rows]);
    }
    if !matches!(axis, 1 | -1) {
        return Err(operator.reject(format!("it appends along axis {axis}")));
    }
    if let [Term::Complement(first), Term::Scores(second)] = arguments
        && Rc::ptr_eq(first, second)
    {
        let pair = Scores {
            form: Form::Pair,
            ..Scores::clone(second)
        };
        return Ok(vec![Term::scores(pair)]);
    }
    let mut all: Vec<Column> = Vec::new();
    for argument in arguments {
        match argument {
            Term::Columns(columns) if all.len() + columns.len() <= limit::WIDTH => {
                all.extend(columns.iter().cloned());
            }
            Term::Columns(_) => return Err(operator.reject("its result is too wide")),
            _ => return Err(operator.reject("it appends what is no matrix of encoded inputs")),
        }
    }
    Ok(vec![Term::columns(all)])
}

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
            [Term::Constant(_), Term::Label] => Ok(vec![Term::Label]),
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
    if let [Term::Constant(_), Term::Label] = arguments {
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
        Term::Scores(scores) => match positions {
            [position] => {
                let at = find(*position, scores.width())?;
                Ok(vec![Term::Part(Rc::clone(scores), at)])
            }
            _ => Err(operator.reject("it picks several answers")),
        },
        _ => Err(operator.reject("it picks from what is no matrix")),
    }
}

pub(super) fn arg_max(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    match first(operator, arguments)? {
        Term::Scores(_) => Ok(vec![Term::Label]),
        _ => Err(operator.reject("it looks for the largest of what is no answer")),
    }
}

pub(super) fn zip_map(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let Term::Scores(scores) = first(operator, arguments)? else {
        return Err(operator.reject("it names what is no answer"));
    };
    let classes = operator.classes()?;
    if classes.len() != scores.width() {
        return Err(operator.reject(format!(
            "it has {} names for {} numbers",
            classes.len(),
            scores.width()
        )));
    }
    Ok(vec![Term::scores(Scores {
        classes: Some(classes),
        ..Scores::clone(scores)
    })])
}

pub(super) fn constant_of_shape(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let value = operator.tensor_numbers("value")?;
    match (first(operator, arguments)?, value.as_slice()) {
        (Term::Rows, [] | [_]) => {
            let value = value.first().copied().unwrap_or(0.0);
            Ok(vec![Term::columns(vec![Column::new(Source::Constant(
                value,
            ))])])
        }
        _ => Err(operator.reject("it fills another shape than a column")),
    }
}
