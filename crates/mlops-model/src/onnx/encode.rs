//! The encoders in ONNX: from inputs to the columns that the estimator reads.

use crate::{
    Encoder, Error, Input, InputKind, Result,
    onnx::{
        dates,
        graph::{GraphBuilder, Value},
        numbers,
        proto::{Attribute, DOUBLE, INT64, Tensor, int},
        sequence,
    },
};

/// The greatest whole number up to which every one is a real number too.
const EXACT: u64 = 1 << 53;

/// Adds an encoder over the named inputs.
///
/// # Shapes
/// `[rows, width]`.
///
/// # Errors
/// [`Error::NotInOnnx`] for a category beyond 2^53, and for whether a text is missing.
pub(super) fn encode(
    graph: &mut GraphBuilder,
    encoder: &Encoder,
    inputs: &[Input],
    names: &[Value],
) -> Result<Value> {
    let input = &inputs[encoder.input()];
    let name = &names[encoder.input()];
    Ok(match encoder {
        Encoder::Numeric {
            impute,
            log1p,
            center,
            scale,
            ..
        } => {
            let x = given(graph, name, input.kind, *impute);
            let x = if *log1p { log(graph, &x) } else { x };
            scaled(graph, x, *center, *scale)
        }
        Encoder::OneHot { categories, .. } => {
            let (x, keys) = compared(graph, name, input, categories, &[1, categories.len()])?;
            let keys = graph.constant(keys);
            let equal = graph.node("Equal", [&x, &keys], vec![]);
            double(graph, &equal)
        }
        Encoder::Ordinal { categories, .. } => {
            let numbers: Vec<f64> = (0..categories.len()).map(|at| at as f64).collect();
            looked_up(graph, name, input, categories, &numbers, f64::NAN)?
        }
        Encoder::Target {
            categories,
            values,
            prior,
            ..
        } if prior.len() == 1 => looked_up(graph, name, input, categories, values, prior[0])?,
        Encoder::Target {
            categories,
            values,
            prior,
            ..
        } => {
            let rows: Vec<f64> = (0..categories.len()).map(|at| at as f64).collect();
            let other = categories.len() as f64;
            let at = looked_up(graph, name, input, categories, &rows, other)?;
            let table = [values.as_slice(), prior].concat();
            gathered(graph, &table, prior.len(), &at)
        }
        Encoder::Buckets { edges, form, .. } => {
            let x = number(graph, name, input.kind);
            numbers::buckets(graph, &x, edges, *form)
        }
        Encoder::Transform { impute, steps, .. } => {
            let x = given(graph, name, input.kind, *impute);
            let open = input.nullable && impute.is_none();
            numbers::transform(graph, &x, steps, open)
        }
        Encoder::Product { factors } => {
            let given = factors.iter().map(|factor| {
                let kind = inputs[factor.input].kind;
                given(graph, &names[factor.input], kind, factor.impute)
            });
            let given: Vec<Value> = given.collect();
            let open = factors
                .iter()
                .any(|factor| inputs[factor.input].nullable && factor.impute.is_none());
            numbers::product(graph, factors, &given, open)
        }
        Encoder::Missing { .. } => missing(graph, name, input)?,
        Encoder::DateParts {
            unit,
            impute,
            parts,
            ..
        } => {
            let x = upright(graph, name);
            dates::parts(graph, &x, input.nullable, *unit, *impute, parts)
        }
        Encoder::Sequence {
            inputs,
            steps,
            scales,
        } => {
            let lists: Vec<&Value> = inputs.iter().map(|input| &names[*input]).collect();
            sequence::columns(graph, &lists, *steps, scales)
        }
    })
}

/// Adds the number that an encoder reads, before its arithmetic; `None` for one that reads no single number.
///
/// # Shapes
/// `[rows, 1]`.
pub(super) fn bare(
    graph: &mut GraphBuilder,
    encoder: &Encoder,
    inputs: &[Input],
    names: &[Value],
) -> Option<Value> {
    match encoder {
        Encoder::Numeric { input, impute, .. } | Encoder::Transform { input, impute, .. } => {
            Some(given(graph, &names[*input], inputs[*input].kind, *impute))
        }
        _ => None,
    }
}

/// An input as a column of numbers, with what stands in for a missing one.
fn given(graph: &mut GraphBuilder, name: &Value, kind: InputKind, impute: Option<f64>) -> Value {
    let x = number(graph, name, kind);
    match impute {
        Some(impute) => imputed(graph, &x, impute),
        None => x,
    }
}

/// 1 where an input is missing.
fn missing(graph: &mut GraphBuilder, name: &Value, input: &Input) -> Result<Value> {
    if !input.nullable {
        return Ok(zeros(graph, name));
    }
    if input.kind == InputKind::Str {
        return Err(Error::NotInOnnx {
            part: format!("encoder of input `{}`", input.name),
            reason: "it asks whether a text is missing, and no text of ONNX is",
        });
    }
    let x = upright(graph, name);
    let missing = graph.node("IsNaN", [&x], vec![]);
    Ok(double(graph, &missing))
}

/// An input as a column `[rows, 1]` of numbers.
fn number(graph: &mut GraphBuilder, name: &Value, kind: InputKind) -> Value {
    let x = upright(graph, name);
    match kind {
        InputKind::Float | InputKind::Floats { .. } | InputKind::Ints { .. } => x,
        InputKind::Int | InputKind::Bool | InputKind::Str => double(graph, &x),
    }
}

/// A vector or a column as a column.
pub(super) fn upright(graph: &mut GraphBuilder, x: &Value) -> Value {
    let shape = graph.constant(Tensor::ints(&[-1, 1]));
    graph.node("Reshape", [x, &shape], vec![])
}

pub(super) fn double(graph: &mut GraphBuilder, x: &Value) -> Value {
    let to = vec![Attribute::int("to", i64::from(DOUBLE))];
    graph.node("Cast", [x], to)
}

fn imputed(graph: &mut GraphBuilder, x: &Value, impute: f64) -> Value {
    let missing = graph.node("IsNaN", [x], vec![]);
    let impute = graph.number(impute);
    graph.node("Where", [&missing, &impute, x], vec![])
}

/// `sign(x) * ln(1 + |x|)`, exact to the last bits near 0 as well: with `u = 1 + a`, the logarithm of
/// `1 + a` is that of `u` times `a / (u - 1)`, which undoes the rounding of the sum.
///
/// # Reference
/// W. Kahan in the HP-15C Advanced Functions Handbook, 1982.
pub(super) fn log(graph: &mut GraphBuilder, x: &Value) -> Value {
    let one = graph.number(1.0);
    let a = graph.node("Abs", [x], vec![]);
    let u = graph.node("Add", [&a, &one], vec![]);
    let near = graph.node("Equal", [&u, &one], vec![]);
    let log = graph.node("Log", [&u], vec![]);
    let product = graph.node("Mul", [&a, &log], vec![]);
    let rest = graph.node("Sub", [&u, &one], vec![]);
    let quotient = graph.node("Div", [&product, &rest], vec![]);
    // where `u` is 1, the quotient is no number, and the logarithm is `a` itself
    let log = graph.node("Where", [&near, &a, &quotient], vec![]);
    let sign = graph.node("Sign", [x], vec![]);
    graph.node("Mul", [&sign, &log], vec![])
}

pub(super) fn scaled(graph: &mut GraphBuilder, mut x: Value, center: f64, scale: f64) -> Value {
    if center != 0.0 {
        let center = graph.number(center);
        x = graph.node("Sub", [&x, &center], vec![]);
    }
    if scale != 1.0 {
        let scale = graph.number(scale);
        x = graph.node("Div", [&x, &scale], vec![]);
    }
    x
}

/// The number of the category, and another where there is none.
fn looked_up(
    graph: &mut GraphBuilder,
    name: &Value,
    input: &Input,
    categories: &[String],
    numbers: &[f64],
    other: f64,
) -> Result<Value> {
    if categories.is_empty() {
        let x = zeros(graph, name);
        let other = graph.number(other);
        return Ok(graph.node("Add", [&x, &other], vec![]));
    }
    let count = categories.len();
    let (x, keys) = compared(graph, name, input, categories, &[count])?;
    let attributes = vec![
        Attribute::tensor("keys_tensor", keys),
        Attribute::tensor("values_tensor", Tensor::doubles(&[count], numbers)),
        Attribute::tensor("default_tensor", Tensor::doubles(&[1], &[other])),
    ];
    Ok(graph.node("LabelEncoder", [&x], attributes))
}

/// The rows of a table of `columns` that a column of whole numbers points at.
pub(super) fn gathered(
    graph: &mut GraphBuilder,
    table: &[f64],
    columns: usize,
    at: &Value,
) -> Value {
    let at = graph.node("Cast", [at], vec![Attribute::int("to", i64::from(INT64))]);
    let table = graph.constant(Tensor::doubles(&[table.len() / columns, columns], table));
    let rows = graph.node("Gather", [&table, &at], vec![]);
    let shape = graph.constant(Tensor::ints(&[-1, int(columns)]));
    graph.node("Reshape", [&rows, &shape], vec![])
}

/// An input as a column `[rows, 1]`, and the categories as a tensor that it can be compared with: texts as
/// they are, whole numbers and booleans as real numbers.
fn compared(
    graph: &mut GraphBuilder,
    name: &Value,
    input: &Input,
    categories: &[String],
    dims: &[usize],
) -> Result<(Value, Tensor)> {
    if input.kind == InputKind::Str {
        return Ok((upright(graph, name), Tensor::texts(dims, categories)));
    }
    let numbers = categories.iter().map(|category| match category.as_str() {
        "true" => Some(1.0),
        "false" => Some(0.0),
        text => text
            .parse()
            .ok()
            .filter(|number: &i64| number.unsigned_abs() <= EXACT)
            .map(|number| number as f64),
    });
    let numbers: Option<Vec<f64>> = numbers.collect();
    let numbers = numbers.ok_or_else(|| Error::NotInOnnx {
        part: format!("encoder of input `{}`", input.name),
        reason: "it has a category beyond 2^53, which is no real number",
    })?;
    let x = number(graph, name, input.kind);
    Ok((x, Tensor::doubles(dims, &numbers)))
}

/// A column of zeros, as long as an input.
pub(super) fn zeros(graph: &mut GraphBuilder, name: &Value) -> Value {
    let first = vec![Attribute::int("start", 0), Attribute::int("end", 1)];
    let rows = graph.node("Shape", [name], first);
    let one = graph.constant(Tensor::ints(&[1]));
    let axis = vec![Attribute::int("axis", 0)];
    let shape = graph.node("Concat", [&rows, &one], axis);
    let zero = vec![Attribute::tensor("value", Tensor::doubles(&[1], &[0.0]))];
    graph.node("ConstantOfShape", [&shape], zero)
}
