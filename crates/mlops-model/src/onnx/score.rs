//! Weighted sums, networks and links in ONNX.

use crate::{
    Activation, Error, Linear, Link, Mlp, Result,
    onnx::{
        graph::{GraphBuilder, Value},
        proto::{Attribute, Tensor},
    },
};

/// Adds a linear model.
///
/// # Shapes
/// `[rows, outputs]`.
pub(super) fn linear(graph: &mut GraphBuilder, linear: &Linear, encoded: &Value) -> Value {
    dense(graph, &linear.weights, &linear.bias, encoded)
}

/// Adds a network.
///
/// # Shapes
/// `[rows, outputs]`.
///
/// # Errors
/// [`Error::NotInOnnx`] for embeddings and for GELU.
pub(super) fn mlp(graph: &mut GraphBuilder, mlp: &Mlp, encoded: &Value) -> Result<Value> {
    let refused = |reason| Error::NotInOnnx {
        part: "the network".into(),
        reason,
    };
    if !mlp.embeddings.is_empty() {
        return Err(refused("networks with embeddings are not written"));
    }
    let activation = match mlp.activation {
        Activation::Relu => "Relu",
        Activation::Tanh => "Tanh",
        Activation::Logistic => "Sigmoid",
        Activation::Gelu => return Err(refused("GELU came with a later set of operators")),
    };
    let mut layer = encoded.clone();
    for (at, next) in mlp.layers.iter().enumerate() {
        layer = dense(graph, &next.weights, &next.bias, &layer);
        if at + 1 < mlp.layers.len() {
            layer = graph.node(activation, [&layer], vec![]);
        }
    }
    Ok(layer)
}

/// Adds what turns scores into answers.
pub(super) fn link(graph: &mut GraphBuilder, link: Link, scores: Value) -> Value {
    match link {
        Link::Identity => scores,
        Link::Logit => graph.node("Sigmoid", [&scores], vec![]),
        Link::Softmax => {
            let axis = vec![Attribute::int("axis", 1)];
            graph.node("Softmax", [&scores], axis)
        }
        Link::Exp => graph.node("Exp", [&scores], vec![]),
        Link::Isolation => {
            let base = graph.constant(Tensor::doubles(&[1, 1], &[-std::f64::consts::LN_2]));
            let power = graph.node("Mul", [&scores, &base], vec![]);
            graph.node("Exp", [&power], vec![])
        }
    }
}

/// `bias + x · weightsᵀ` for weights `[outputs, columns]`.
fn dense(graph: &mut GraphBuilder, weights: &[f64], bias: &[f64], x: &Value) -> Value {
    let outputs = bias.len();
    // without columns, the encoded matrix is one column of zeros
    let columns = (weights.len() / outputs).max(1);
    let weights = if weights.is_empty() {
        vec![0.0; outputs]
    } else {
        weights.to_vec()
    };
    let turned: Vec<f64> = (0..columns)
        .flat_map(|column| (0..outputs).map(move |output| (output, column)))
        .map(|(output, column)| weights[output * columns + column])
        .collect();
    let weights = graph.constant(Tensor::doubles(&[columns, outputs], &turned));
    let bias = graph.constant(Tensor::doubles(&[1, outputs], bias));
    let sum = graph.node("MatMul", [x, &weights], vec![]);
    graph.node("Add", [&sum, &bias], vec![])
}
