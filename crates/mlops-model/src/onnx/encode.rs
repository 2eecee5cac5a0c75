//! The encoders in ONNX: from inputs to the columns that the estimator reads.

use crate::{
    Encoder, Error, Input, InputKind, Model, ModelSpec, Result,
    onnx::{
        graph::{GraphBuilder, Value},
        proto::{Attribute, DOUBLE, Tensor},
        trees::Logs,
    },
};

/// The greatest whole number up to which every one is a real number too.
const EXACT: u64 = 1 << 53;

/// Adds the encoders over the named inputs.
///
/// # Shapes
/// `[rows, width]`; one column of zeros for a width of 0.
pub(super) fn encode(
    graph: &mut GraphBuilder,
    spec: &ModelSpec,
    logs: &Logs,
    names: &[Value],
) -> Result<Value> {
    let inputs = spec.signature().inputs();
    let mut columns = Vec::new();
    let mut start = 0;
    for encoder in spec.preprocess().encoders() {
        let input = &inputs[encoder.input()];
        let name = &names[encoder.input()];
        let column = match encoder {
            Encoder::Numeric {
                impute,
                log1p,
                center,
                scale,
                ..
            } => {
                let x = number(graph, name, input.kind);
                let x = match impute {
                    Some(impute) => imputed(graph, &x, *impute),
                    None => x,
                };
                if logs.at(start).is_some() {
                    x
                } else {
                    let x = if *log1p { log(graph, &x) } else { x };
                    scaled(graph, x, *center, *scale)
                }
            }
            Encoder::OneHot { categories, .. } if categories.is_empty() => continue,
            Encoder::OneHot { categories, .. } => {
                let (x, keys) = compared(graph, name, input, categories, &[1, categories.len()])?;
                let keys = graph.constant(keys);
                let equal = graph.node("Equal", [&x, &keys], vec![]);
                double(graph, &equal)
            }
            Encoder::Ordinal { categories, .. } => ordinal(graph, name, input, categories)?,
            Encoder::Target { .. }
            | Encoder::Buckets { .. }
            | Encoder::Transform { .. }
            | Encoder::Product { .. }
            | Encoder::Missing { .. }
            | Encoder::DateParts { .. }
            | Encoder::Sequence { .. } => {
                return Err(Error::NotInOnnx {
                    part: format!("encoder of input `{}`", input.name),
                    reason: "of encoders, numbers, one-hot and ordinal ones are written",
                });
            }
        };
        columns.push(column);
        start += encoder.width();
    }
    Ok(match columns.len() {
        0 => zeros(graph, &names[0]),
        1 => columns.remove(0),
        _ => graph.node_of("Concat", columns, vec![Attribute::int("axis", 1)]),
    })
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
fn upright(graph: &mut GraphBuilder, x: &Value) -> Value {
    let shape = graph.constant(Tensor::ints(&[-1, 1]));
    graph.node("Reshape", [x, &shape], vec![])
}

fn double(graph: &mut GraphBuilder, x: &Value) -> Value {
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
fn log(graph: &mut GraphBuilder, x: &Value) -> Value {
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

fn scaled(graph: &mut GraphBuilder, mut x: Value, center: f64, scale: f64) -> Value {
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

/// The position of the category; NaN where there is none.
fn ordinal(
    graph: &mut GraphBuilder,
    name: &Value,
    input: &Input,
    categories: &[String],
) -> Result<Value> {
    if categories.is_empty() {
        let x = zeros(graph, name);
        let missing = graph.number(f64::NAN);
        return Ok(graph.node("Add", [&x, &missing], vec![]));
    }
    let count = categories.len();
    let (x, keys) = compared(graph, name, input, categories, &[count])?;
    let values: Vec<f64> = (0..count).map(|at| at as f64).collect();
    let attributes = vec![
        Attribute::tensor("keys_tensor", keys),
        Attribute::tensor("values_tensor", Tensor::doubles(&[count], &values)),
        Attribute::tensor("default_tensor", Tensor::doubles(&[1], &[f64::NAN])),
    ];
    Ok(graph.node("LabelEncoder", [&x], attributes))
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
fn zeros(graph: &mut GraphBuilder, name: &Value) -> Value {
    let first = vec![Attribute::int("start", 0), Attribute::int("end", 1)];
    let rows = graph.node("Shape", [name], first);
    let one = graph.constant(Tensor::ints(&[1]));
    let axis = vec![Attribute::int("axis", 0)];
    let shape = graph.node("Concat", [&rows, &one], axis);
    let zero = vec![Attribute::tensor("value", Tensor::doubles(&[1], &[0.0]))];
    graph.node("ConstantOfShape", [&shape], zero)
}
