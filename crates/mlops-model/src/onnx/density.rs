//! Bayes' rule in ONNX: a density a class.

use std::f64::consts::TAU;

use crate::{
    Bayes, Likelihood, Link,
    onnx::{
        columns::Columns,
        encode::double,
        graph::{GraphBuilder, Value},
        proto::{Attribute, Tensor},
        score::{dense, sum_over},
    },
};

/// Adds the logarithms of prior times likelihood, or that of the second class over the first.
///
/// # Shapes
/// `[rows, classes]`, or `[rows, 1]` for the logit link.
pub(super) fn bayes(graph: &mut GraphBuilder, bayes: &Bayes, columns: &Columns<'_>) -> Value {
    let densities = densities(graph, bayes, columns);
    if bayes.link != Link::Logit {
        return densities;
    }
    let pick = |graph: &mut GraphBuilder, class: i64| {
        let class = graph.constant(Tensor::ints(&[class]));
        graph.node(
            "Gather",
            [&densities, &class],
            vec![Attribute::int("axis", 1)],
        )
    };
    let (second, first) = (pick(graph, 1), pick(graph, 0));
    graph.node("Sub", [&second, &first], vec![])
}

fn densities(graph: &mut GraphBuilder, bayes: &Bayes, columns: &Columns<'_>) -> Value {
    let (classes, width) = (bayes.log_priors.len(), columns.width());
    let x = columns.encoded(graph);
    let mut constants = bayes.log_priors.clone();
    match &bayes.likelihood {
        Likelihood::Gaussian { means, variances } => {
            for (constant, variances) in constants.iter_mut().zip(rows(variances, classes)) {
                *constant -= variances.iter().map(|v| 0.5 * (TAU * v).ln()).sum::<f64>();
            }
            let halves: Vec<f64> = variances.iter().map(|variance| 0.5 / variance).collect();
            let means = columns.weights(means, classes);
            let halves = columns.weights(&halves, classes);
            let axis = graph.constant(Tensor::ints(&[1]));
            let x = graph.node("Unsqueeze", [&x, &axis], vec![]);
            let means = graph.constant(Tensor::doubles(&[1, classes, width], &means));
            let halves = graph.constant(Tensor::doubles(&[1, classes, width], &halves));
            let away = graph.node("Sub", [&x, &means], vec![]);
            let square = graph.node("Mul", [&away, &away], vec![]);
            let terms = graph.node("Mul", [&square, &halves], vec![]);
            let sums = sum_over(graph, 2, &terms);
            less(graph, &constants, &sums)
        }
        Likelihood::Covariance { means, whitening } => {
            for (class, constant) in constants.iter_mut().enumerate() {
                let own = whitening.len() / classes;
                let side = means.len() / classes;
                for at in 0..side {
                    *constant += whitening[class * own + at * side + at].ln() - 0.5 * TAU.ln();
                }
            }
            let means = columns.weights(means, classes);
            let whitening = columns.weights(whitening, classes);
            let means = graph.constant(Tensor::doubles(&[classes, 1, width], &means));
            let away = graph.node("Sub", [&x, &means], vec![]);
            let turned = turned(&whitening, classes, width);
            let turned = graph.constant(Tensor::doubles(&[classes, width, width], &turned));
            let white = graph.node("MatMul", [&away, &turned], vec![]);
            let square = graph.node("Mul", [&white, &white], vec![]);
            let sums = sum_over(graph, 2, &square);
            let sums = graph.node("Transpose", [&sums], vec![]);
            let half = graph.number(0.5);
            let sums = graph.node("Mul", [&sums, &half], vec![]);
            less(graph, &constants, &sums)
        }
        Likelihood::Multinomial { log_shares } => {
            let weights = columns.weights(log_shares, classes);
            dense(graph, &weights, &constants, &x)
        }
        Likelihood::Bernoulli {
            threshold,
            log_above,
            log_below,
        } => {
            for (constant, below) in constants.iter_mut().zip(rows(log_below, classes)) {
                *constant += below.iter().sum::<f64>();
            }
            let more: Vec<f64> = log_above
                .iter()
                .zip(log_below)
                .map(|(a, b)| a - b)
                .collect();
            let threshold = graph.number(*threshold);
            let above = graph.node("Greater", [&x, &threshold], vec![]);
            let above = double(graph, &above);
            let weights = columns.weights(&more, classes);
            dense(graph, &weights, &constants, &above)
        }
    }
}

/// The numbers of each class; none for each where there are no columns.
fn rows(numbers: &[f64], classes: usize) -> impl Iterator<Item = &[f64]> {
    let own = numbers.len() / classes;
    (0..classes).map(move |class| &numbers[class * own..(class + 1) * own])
}

/// Each class's matrix, turned.
fn turned(matrices: &[f64], classes: usize, side: usize) -> Vec<f64> {
    let mut turned = Vec::with_capacity(matrices.len());
    for class in 0..classes {
        for column in 0..side {
            turned.extend((0..side).map(|row| matrices[(class * side + row) * side + column]));
        }
    }
    turned
}

/// Constants, one a column, less what is summed up.
fn less(graph: &mut GraphBuilder, constants: &[f64], sums: &Value) -> Value {
    let constants = graph.constant(Tensor::doubles(&[1, constants.len()], constants));
    graph.node("Sub", [&constants, sums], vec![])
}
