//! The encoders of `ai.onnx.ml`, and comparisons with categories.

use std::rc::Rc;

use crate::{
    InputKind, Link, limit,
    onnx::import::{
        column::{Column, LogStage, Source, Step},
        mean,
        operator::{Operator, Outcome},
        scores::{Form, Scores},
        tensor::Data,
        term::Term,
        votes,
        walk::{Walk, columns, constant},
    },
};

pub(super) fn scaler(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let matrix = columns(operator, arguments.first())?;
    let offset = a_column_each(operator, "offset", matrix.len(), 0.0)?;
    let scale = a_column_each(operator, "scale", matrix.len(), 1.0)?;
    let scaled = matrix.iter().zip(offset.iter().zip(&scale));
    let scaled = scaled.map(|(column, (offset, scale))| {
        let column = column.clone().rounded();
        column.then(Step::Add(-offset)).then(Step::Mul(*scale))
    });
    Ok(vec![Term::columns(scaled.collect())])
}

pub(super) fn imputer(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let matrix = columns(operator, arguments.first())?;
    if !operator
        .float("replaced_value_float")
        .is_some_and(f64::is_nan)
    {
        return Err(operator.reject("it replaces another value than NaN"));
    }
    if !operator.has("imputed_value_floats") {
        return Err(operator.reject("it replaces no real numbers"));
    }
    let values = a_column_each(operator, "imputed_value_floats", matrix.len(), 0.0)?;
    let imputed = matrix.iter().zip(values).map(|(column, value)| {
        let imputed = column.clone().imputed(value);
        imputed.ok_or_else(|| operator.reject("it imputes what was computed from an input"))
    });
    Ok(vec![Term::columns(imputed.collect::<Outcome<_>>()?)])
}

/// A finite number a column, one for all, or none.
fn a_column_each(operator: Operator<'_>, name: &str, width: usize, none: f64) -> Outcome<Vec<f64>> {
    let numbers = operator.floats(name)?;
    if let Some(number) = numbers.iter().find(|number| !number.is_finite()) {
        return Err(operator.reject(format!("`{name}` has {number}")));
    }
    match numbers.as_slice() {
        [] => Ok(vec![none; width]),
        [one] => Ok(vec![*one; width]),
        _ if numbers.len() == width => Ok(numbers),
        _ => Err(operator.reject(format!(
            "`{name}` has {} numbers for {width} columns",
            numbers.len()
        ))),
    }
}

pub(super) fn one_hot(
    walk: &mut Walk<'_>,
    operator: Operator<'_>,
    arguments: &[Term],
) -> Outcome<Vec<Term>> {
    let texts = operator.texts("cats_strings")?;
    let keys = if texts.is_empty() {
        let ints = operator.ints("cats_int64s").iter();
        #[expect(
            clippy::cast_precision_loss,
            reason = "what is not exact is refused later"
        )]
        Data::Numbers(ints.map(|x| *x as f64).collect())
    } else {
        Data::Texts(texts)
    };
    members(walk, operator, arguments.first(), &keys)
}

/// `Equal`: one column with constants, as the one-hot encoders of this crate are written.
pub(super) fn equal(
    walk: &mut Walk<'_>,
    operator: Operator<'_>,
    arguments: &[Term],
) -> Outcome<Vec<Term>> {
    let keys = constant(operator, arguments.get(1))?;
    match arguments.first() {
        Some(Term::Best(scores)) => {
            return votes::cast(operator, scores, keys).map(|term| vec![term]);
        }
        Some(Term::NoSum(_)) => return Ok(vec![arguments[0].clone()]),
        _ => {}
    }
    if let Some(Term::Columns(x)) = arguments.first()
        && let ([column], Some([1.0])) = (x.as_slice(), keys.numbers())
        && let Some((LogStage::Above, start)) = column.stage()
    {
        return Ok(vec![Term::columns(vec![start.at(LogStage::Near)])]);
    }
    if keys.row(keys.len()).is_none() && keys.numbers().is_some() {
        return Err(operator.reject("its constants are no row"));
    }
    members(walk, operator, arguments.first(), &keys.data)
}

/// A column a category.
fn members(
    walk: &mut Walk<'_>,
    operator: Operator<'_>,
    argument: Option<&Term>,
    keys: &Data,
) -> Outcome<Vec<Term>> {
    let (input, categories) = categories(walk, operator, argument, keys)?;
    let member = |category: String| Column {
        single: true,
        ..Column::new(Source::Member {
            input,
            category: category.into(),
        })
    };
    Ok(vec![Term::columns(
        categories.into_iter().map(member).collect(),
    )])
}

/// The input that a single column reads, and the keys as its categories.
fn categories(
    walk: &mut Walk<'_>,
    operator: Operator<'_>,
    argument: Option<&Term>,
    keys: &Data,
) -> Outcome<(usize, Vec<String>)> {
    let Some(Term::Columns(matrix)) = argument else {
        return Err(operator.reject("it reads what is no input"));
    };
    let [column] = matrix.as_slice() else {
        return Err(operator.reject(format!("it reads {} columns", matrix.len())));
    };
    let plain = column.steps.iter().all(|step| *step == Step::Round);
    match (&column.source, keys) {
        (Source::Text { input }, Data::Texts(texts)) if texts.len() <= limit::WIDTH => {
            Ok((*input, texts.clone()))
        }
        (
            Source::Number {
                input,
                impute: None,
                log1p: false,
                ..
            },
            Data::Numbers(keys),
        ) if plain && keys.len() <= limit::WIDTH => {
            let truth = walk.inputs[*input].kind == InputKind::Bool;
            if !truth && !walk.whole(*input) {
                return Err(operator.reject("it compares what are no whole numbers"));
            }
            let named = keys.iter().map(|key| match (truth, *key) {
                (true, 0.0) => Ok("false".to_owned()),
                (true, 1.0) => Ok("true".to_owned()),
                (false, key) if key.fract() == 0.0 && key.abs() <= 2f64.powi(53) => {
                    // a sum makes 0 of -0
                    Ok((key + 0.0).to_string())
                }
                (_, key) => Err(operator.reject(format!("{key} is no category"))),
            });
            Ok((*input, named.collect::<Outcome<_>>()?))
        }
        _ => Err(operator.reject("it compares a column that is no input, or with another type")),
    }
}

pub(super) fn label(
    walk: &mut Walk<'_>,
    operator: Operator<'_>,
    arguments: &[Term],
) -> Outcome<Vec<Term>> {
    if let Some(Term::Label | Term::Best(_)) = arguments.first() {
        return Ok(vec![Term::Label]);
    }
    #[expect(clippy::cast_precision_loss, reason = "positions are far smaller")]
    let whole = |ints: &[i64]| ints.iter().map(|x| *x as f64).collect::<Vec<f64>>();
    let keys = if let Some(tensor) = operator.tensor("keys_tensor")? {
        tensor.data
    } else if operator.has("keys_strings") {
        Data::Texts(operator.texts("keys_strings")?)
    } else {
        Data::Numbers(whole(operator.ints("keys_int64s")))
    };
    let (values, otherwise) = if operator.has("values_tensor") {
        let default = operator.tensor_numbers("default_tensor")?;
        (
            operator.tensor_numbers("values_tensor")?,
            default.first().copied(),
        )
    } else if operator.has("values_int64s") {
        #[expect(
            clippy::cast_precision_loss,
            reason = "what is compared with positions"
        )]
        let default = operator.int("default_int64").unwrap_or(-1) as f64;
        (whole(operator.ints("values_int64s")), Some(default))
    } else {
        let default = operator.float("default_float").unwrap_or(0.0);
        (operator.floats("values_floats")?, Some(default))
    };
    let otherwise = otherwise.ok_or_else(|| operator.reject("it has no default"))?;
    let (input, names) = categories(walk, operator, arguments.first(), &keys)?;
    let mut pairs: Vec<(f64, String)> = values.iter().copied().zip(names).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let in_turn = pairs
        .iter()
        .enumerate()
        .all(|(at, (value, _))| *value == at as f64);
    let length = match &keys {
        Data::Numbers(keys) => keys.len(),
        Data::Texts(keys) => keys.len(),
    };
    if !in_turn || values.len() != length {
        return Err(operator.reject("its values are not the positions of its keys"));
    }
    let categories = pairs.into_iter().map(|(_, category)| category).collect();
    let column = Column::new(Source::Position {
        input,
        categories: Rc::new(categories),
        otherwise,
    });
    Ok(vec![Term::columns(vec![column])])
}

/// Passes on probabilities, whose sum is 1 already.
pub(super) fn normalizer(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let (Some(Term::Scores(scores)), "L1") = (arguments.first(), operator.text("norm")) else {
        return Err(operator.reject("it divides by what is no sum of probabilities"));
    };
    Ok(vec![normalized(operator, scores)?])
}

/// Scores divided by their sum, which is 1 already or becomes it.
pub(super) fn normalized(operator: Operator<'_>, scores: &Scores) -> Outcome<Term> {
    let mut scores = scores.clone();
    match (scores.form, scores.link) {
        (Form::Pair, Link::Logit) | (_, Link::Softmax) => {}
        (Form::Each, Link::Exp) if scores.outputs() > 1 => scores.link = Link::Softmax,
        (Form::Each, Link::Logit) if scores.mirrored() => {
            scores.select(1);
            scores.form = Form::Pair;
        }
        (Form::Each, Link::Logit) if scores.outputs() > 1 => scores.form = Form::Shares,
        (Form::Each, Link::Identity) if mean::of_logits(&scores) => scores.form = Form::Shares,
        _ => return Err(operator.reject("its numbers do not add up to 1 before it")),
    }
    Ok(Term::scores(scores))
}
