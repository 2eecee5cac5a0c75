//! Operators that arrange values and leave them as they are.

use std::rc::Rc;

use crate::{
    InputKind, Link, limit,
    onnx::{
        import::{
            column::{Column, Source, Step},
            density, mix,
            operator::{Operator, Outcome},
            scores::{Form, Scores},
            tensor::{Constant, Data},
            term::Term,
            walk::{Walk, columns as matrix, constant as expect_constant},
        },
        proto::{BOOL, DOUBLE, FLOAT, INT32, INT64},
    },
};

pub(super) fn identity(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    first(operator, arguments).map(|term| vec![term.clone()])
}

pub(super) fn first<'t>(operator: Operator<'_>, arguments: &'t [Term]) -> Outcome<&'t Term> {
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
            Term::Label | Term::Best(_) | Term::Constant(_) | Term::NoSum(_) => {
                Ok(vec![term.clone()])
            }
            // no probability is 0, and AdaBoost's powers come to more than 1
            Term::Sum(of) if to == BOOL || of.link == Link::Exp && to == INT32 => {
                Ok(vec![Term::NoSum(Rc::clone(of))])
            }
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
        Term::Scores(scores) | Term::LogShare(scores) => scores.width(),
        Term::Part(..) | Term::Complement(_) | Term::Sum(_) | Term::LogSum(..) => 1,
        Term::Label | Term::Best(_) => return Ok(vec![Term::Label]),
        Term::Last(_, width) => *width,
        _ => return Err(operator.reject("it reads what has no rows")),
    };
    let upright = || match term {
        Term::LogSum(of, _) => Term::LogSum(Rc::clone(of), true),
        term => term.clone(),
    };
    let keeps = match operator.0.op_type.as_str() {
        "Flatten" => operator.int("axis").unwrap_or(1) == 1,
        "Squeeze" => width == 1,
        "Unsqueeze" => {
            let axes = match arguments.get(1) {
                None => operator.ints("axes").iter().map(|x| *x as f64).collect(),
                argument => expect_constant(operator, argument)?
                    .numbers()
                    .unwrap_or_default()
                    .to_vec(),
            };
            return lifted(operator, term, axes == [1.0]);
        }
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
            match (shape.as_slice(), term) {
                ([-1.0, 1.0, columns], Term::Columns(_)) if *columns == width as f64 => {
                    return lifted(operator, term, true);
                }
                ([1.0, -1.0, columns], Term::Scores(_)) if *columns == width as f64 => {
                    return Ok(vec![Term::Layers(Rc::new(vec![term.clone()]))]);
                }
                _ => {}
            }
            match shape.split_first() {
                Some((rows, rest)) if *rows <= 0.0 => {
                    rest == [-1.0] && *rows == 0.0 || rest.iter().product::<f64>() == width as f64
                }
                _ => false,
            }
        }
    };
    if keeps {
        Ok(vec![upright()])
    } else {
        Err(operator.reject(format!("it makes other rows of {width} columns")))
    }
}

/// Columns with an axis for points.
fn lifted(operator: Operator<'_>, term: &Term, before_last: bool) -> Outcome<Vec<Term>> {
    match term {
        Term::Columns(_) if before_last => {
            let columns = matrix(operator, Some(term))?;
            Ok(vec![Term::Lifted(columns)])
        }
        _ => Err(operator.reject("it adds an axis to what are no columns")),
    }
}

pub(super) fn concat(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let axis = operator.int("axis").unwrap_or(1);
    if let [Term::Rows(_), Term::Constant(_)] = arguments {
        return Ok(vec![Term::Rows(1)]);
    }
    if axis == 0 && !arguments.is_empty() {
        let mut all = Vec::new();
        for argument in arguments {
            match argument {
                Term::Layers(layers) if all.len() + layers.len() <= limit::MEMBERS => {
                    all.extend(layers.iter().cloned());
                }
                _ => return Err(operator.reject("it appends along axis 0")),
            }
        }
        return Ok(vec![Term::Layers(Rc::new(all))]);
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
    if let Some(distances) = density::concat(arguments) {
        return Ok(vec![distances]);
    }
    let is_columns = |term: &Term| matches!(term, Term::Columns(_));
    if !arguments.iter().all(is_columns) {
        return mix::concat(operator, arguments).map(|term| vec![term]);
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

/// `Not` of whether probabilities come to anything, which they do.
pub(super) fn not(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    match first(operator, arguments)? {
        term @ Term::NoSum(_) => Ok(vec![term.clone()]),
        _ => Err(operator.reject("it turns round what is no sum")),
    }
}

/// `Shape`, which is used for filling one.
pub(super) fn shape(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let whole = operator.int("start").unwrap_or(0) == 0 && !operator.has("end");
    Ok(vec![Term::Rows(match first(operator, arguments)? {
        Term::Scores(scores) if whole => scores.width(),
        _ => 1,
    })])
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
        (Term::Rows(width), [] | [_]) if *width > 1 => {
            let value = value.first().copied().unwrap_or(0.0);
            Ok(vec![Term::Filled(value)])
        }
        (Term::Rows(_), [] | [_]) => {
            let value = value.first().copied().unwrap_or(0.0);
            Ok(vec![Term::columns(vec![Column::new(Source::Constant(
                value,
            ))])])
        }
        _ => Err(operator.reject("it fills another shape than a column")),
    }
}
