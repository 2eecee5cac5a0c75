//! Families in ONNX: weighted sums, links, and which file writes which family.

use crate::{
    Estimator, Linear, Link,
    onnx::{
        blend,
        columns::Columns,
        density,
        graph::{GraphBuilder, Value},
        network, points,
        proto::{Attribute, Tensor},
        sequence, trees,
    },
};

/// Adds an estimator, its link too.
///
/// # Shapes
/// `[rows, outputs]`.
pub(super) fn answer(
    graph: &mut GraphBuilder,
    estimator: &Estimator,
    columns: &Columns<'_>,
) -> Value {
    let scores = match estimator {
        Estimator::Linear(linear) => {
            let encoded = columns.encoded(graph);
            let weights = columns.weights(&linear.weights, linear.bias.len());
            dense(graph, &weights, &linear.bias, &encoded)
        }
        Estimator::Trees(trees) => trees::trees(graph, trees, columns),
        Estimator::Mlp(mlp) => network::mlp(graph, mlp, columns),
        Estimator::Bayes(bayes) => density::bayes(graph, bayes, columns),
        Estimator::Svm(svm) => points::svm(graph, svm, columns),
        Estimator::Centroids(centroids) => points::centroids(graph, centroids, columns),
        Estimator::Ensemble(ensemble) => return blend::ensemble(graph, ensemble, columns),
        Estimator::Calibrated(calibrated) => return blend::calibrated(graph, calibrated, columns),
        Estimator::Sequence(net) => sequence::network(graph, net, columns),
    };
    link(graph, estimator.link(), scores)
}

/// Adds a linear model over answers.
///
/// # Shapes
/// `[rows, outputs]`.
pub(super) fn stacked(graph: &mut GraphBuilder, linear: &Linear, answers: &Value) -> Value {
    let scores = dense(graph, &linear.weights, &linear.bias, answers);
    link(graph, linear.link, scores)
}

/// Adds what turns scores into answers.
fn link(graph: &mut GraphBuilder, link: Link, scores: Value) -> Value {
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
pub(super) fn dense(graph: &mut GraphBuilder, weights: &[f64], bias: &[f64], x: &Value) -> Value {
    let weights = turned(graph, weights, bias.len());
    let bias = graph.constant(Tensor::doubles(&[1, bias.len()], bias));
    let sum = graph.node("MatMul", [x, &weights], vec![]);
    graph.node("Add", [&sum, &bias], vec![])
}

/// `x · weightsᵀ` for weights `[outputs, columns]`.
pub(super) fn product(
    graph: &mut GraphBuilder,
    weights: &[f64],
    outputs: usize,
    x: &Value,
) -> Value {
    let weights = turned(graph, weights, outputs);
    graph.node("MatMul", [x, &weights], vec![])
}

/// Weights `[outputs, columns]` as a constant `[columns, outputs]`.
fn turned(graph: &mut GraphBuilder, weights: &[f64], outputs: usize) -> Value {
    let columns = weights.len() / outputs;
    let turned: Vec<f64> = (0..columns)
        .flat_map(|column| (0..outputs).map(move |output| (output, column)))
        .map(|(output, column)| weights[output * columns + column])
        .collect();
    graph.constant(Tensor::doubles(&[columns, outputs], &turned))
}

/// The sum over the last of so many axes, which then is gone.
pub(super) fn sum_over(graph: &mut GraphBuilder, axis: i64, x: &Value) -> Value {
    let axis = graph.constant(Tensor::ints(&[axis]));
    graph.node("ReduceSum", [x, &axis], vec![Attribute::int("keepdims", 0)])
}
