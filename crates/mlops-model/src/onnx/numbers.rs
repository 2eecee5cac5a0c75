//! Encoders of numbers in ONNX: transforms, products and buckets.
//!
//! A missing number goes through all arithmetic as any number would and is put back at the end: what an
//! operator makes of NaN is its own affair.

use crate::{
    BucketForm, Factor, Step,
    onnx::{
        encode::{double, log},
        graph::{GraphBuilder, Value},
        proto::{Attribute, Tensor},
    },
};

/// Adds the steps of a transform; `open` is whether the number may be missing.
///
/// # Shapes
/// `[rows, 1]`.
pub(super) fn transform(graph: &mut GraphBuilder, x: &Value, steps: &[Step], open: bool) -> Value {
    let start = x;
    let mut x = if open { filled(graph, x) } else { x.clone() };
    for step in steps {
        x = match *step {
            Step::Clip { lower, upper } => clipped(graph, &x, lower, upper),
            Step::Log { floor } => {
                let floor = graph.number(floor);
                let x = graph.node("Max", [&x, &floor], vec![]);
                graph.node("Log", [&x], vec![])
            }
            Step::Log1p => log(graph, &x),
            Step::Sqrt => {
                let size = graph.node("Abs", [&x], vec![]);
                let root = graph.node("Sqrt", [&size], vec![]);
                let sign = graph.node("Sign", [&x], vec![]);
                graph.node("Mul", [&sign, &root], vec![])
            }
            Step::Scale { center, scale } => scaled(graph, &x, center, scale),
        };
    }
    if open { put_back(graph, start, &x) } else { x }
}

/// Adds the product of factors over the numbers that they read; `open` is whether one may be missing.
///
/// # Shapes
/// `[rows, 1]`.
pub(super) fn product(
    graph: &mut GraphBuilder,
    factors: &[Factor],
    numbers: &[Value],
    open: bool,
) -> Value {
    let mut product: Option<Value> = None;
    // NaN where one is missing
    let mut missing: Option<Value> = None;
    for (factor, x) in factors.iter().zip(numbers) {
        if open {
            missing = Some(match &missing {
                Some(sum) => {
                    // 0 times a number is 0, so that no sum overflows
                    let nothing = nothing(graph, x);
                    graph.node("Add", [sum, &nothing], vec![])
                }
                None => nothing(graph, x),
            });
        }
        let x = if open { filled(graph, x) } else { x.clone() };
        let x = scaled(graph, &x, factor.center, factor.scale);
        product = Some(match &product {
            Some(product) => {
                let product = graph.node("Mul", [product, &x], vec![]);
                clipped(graph, &product, f64::MIN, f64::MAX)
            }
            None => x,
        });
    }
    let product = product.expect("a product has two factors or more");
    match missing {
        Some(missing) => put_back(graph, &missing, &product),
        None => product,
    }
}

/// Adds the bucket of a number.
///
/// # Shapes
/// `[rows, 1]`, or `[rows, edges + 1]` for a column a bucket.
pub(super) fn buckets(
    graph: &mut GraphBuilder,
    x: &Value,
    edges: &[f64],
    form: BucketForm,
) -> Value {
    let ends = |graph: &mut GraphBuilder, ends: &[f64]| {
        graph.constant(Tensor::doubles(&[1, ends.len()], ends))
    };
    match form {
        BucketForm::OneHot => {
            let lower = ends(graph, &[&[f64::NEG_INFINITY], edges].concat());
            let upper = ends(graph, &[edges, &[f64::INFINITY]].concat());
            let above = graph.node("GreaterOrEqual", [x, &lower], vec![]);
            let below = graph.node("Less", [x, &upper], vec![]);
            let inside = graph.node("And", [&above, &below], vec![]);
            double(graph, &inside)
        }
        BucketForm::Ordinal if edges.is_empty() => nothing(graph, x),
        BucketForm::Ordinal => {
            let edges = ends(graph, edges);
            let above = graph.node("GreaterOrEqual", [x, &edges], vec![]);
            let above = double(graph, &above);
            let axis = graph.constant(Tensor::ints(&[1]));
            let bucket = graph.node(
                "ReduceSum",
                [&above, &axis],
                vec![Attribute::int("keepdims", 1)],
            );
            put_back(graph, x, &bucket)
        }
    }
}

/// 0 for a number, NaN for a missing one.
fn nothing(graph: &mut GraphBuilder, x: &Value) -> Value {
    let zero = graph.number(0.0);
    graph.node("Mul", [x, &zero], vec![])
}

/// 0 for a missing number.
fn filled(graph: &mut GraphBuilder, x: &Value) -> Value {
    let missing = graph.node("IsNaN", [x], vec![]);
    let zero = graph.number(0.0);
    graph.node("Where", [&missing, &zero, x], vec![])
}

/// NaN where the first number is missing, and the second elsewhere.
pub(super) fn put_back(graph: &mut GraphBuilder, x: &Value, found: &Value) -> Value {
    let missing = graph.node("IsNaN", [x], vec![]);
    let nan = graph.number(f64::NAN);
    graph.node("Where", [&missing, &nan, found], vec![])
}

fn clipped(graph: &mut GraphBuilder, x: &Value, lower: f64, upper: f64) -> Value {
    let [lower, upper] = [lower, upper].map(|end| graph.number(end));
    let x = graph.node("Max", [x, &lower], vec![]);
    graph.node("Min", [&x, &upper], vec![])
}

/// `(x - center) / scale`, or the nearest number.
fn scaled(graph: &mut GraphBuilder, x: &Value, center: f64, scale: f64) -> Value {
    let [center, scale] = [center, scale].map(|number| graph.number(number));
    let x = graph.node("Sub", [x, &center], vec![]);
    let x = graph.node("Div", [&x, &scale], vec![]);
    clipped(graph, &x, f64::MIN, f64::MAX)
}
