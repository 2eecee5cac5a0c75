//! Support vectors and centroids in ONNX.
//!
//! The operators of `ai.onnx.ml` have single precision only, so these are sums and products. Distances to
//! centroids are taken column by column, as here, since which of two is nearest hangs on the last bit: that
//! takes memory for rows × points × columns. Distances to support vectors come from products of rows and
//! vectors around the vectors' mean.

use crate::{
    Centroids, Kernel, Nearest, Svm,
    onnx::{
        columns::Columns,
        graph::{GraphBuilder, Value},
        proto::{Attribute, Tensor},
        score::{dense, product, sum_over},
    },
};

/// Adds a support vector machine.
///
/// # Shapes
/// `[rows, outputs]`.
pub(super) fn svm(graph: &mut GraphBuilder, svm: &Svm, columns: &Columns<'_>) -> Value {
    let (outputs, width) = (svm.bias.len(), columns.width());
    let count = svm.coefficients.len() / outputs;
    let x = columns.encoded(graph);
    if count == 0 {
        return dense(graph, &vec![0.0; outputs * width], &svm.bias, &x);
    }
    let vectors = columns.weights(&svm.vectors, count);
    let likeness = match svm.kernel {
        Kernel::Linear => product(graph, &vectors, count, &x),
        Kernel::Rbf { gamma } => {
            let square = distances(graph, &vectors, count, &x);
            let gamma = graph.number(-gamma);
            let power = graph.node("Mul", [&square, &gamma], vec![]);
            graph.node("Exp", [&power], vec![])
        }
        Kernel::Polynomial {
            gamma,
            constant,
            degree,
        } => {
            let likeness = product(graph, &vectors, count, &x);
            let [gamma, constant, degree] =
                [gamma, constant, f64::from(degree)].map(|number| graph.number(number));
            let likeness = graph.node("Mul", [&likeness, &gamma], vec![]);
            let likeness = graph.node("Add", [&likeness, &constant], vec![]);
            graph.node("Pow", [&likeness, &degree], vec![])
        }
    };
    dense(graph, &svm.coefficients, &svm.bias, &likeness)
}

/// The squared distances of rows to vectors, `|x|² + |v|² - 2 x · v` around the vectors' mean.
fn distances(graph: &mut GraphBuilder, vectors: &[f64], count: usize, x: &Value) -> Value {
    let width = vectors.len() / count;
    let mut mean = vec![0.0; width];
    for vector in vectors.chunks_exact(width) {
        for (mean, v) in mean.iter_mut().zip(vector) {
            *mean += v / count as f64;
        }
    }
    let vectors = vectors.chunks_exact(width);
    let vectors: Vec<f64> = vectors
        .flat_map(|vector| vector.iter().zip(&mean).map(|(v, mean)| v - mean))
        .collect();
    let own: Vec<f64> = vectors
        .chunks_exact(width)
        .map(|vector| vector.iter().map(|v| v * v).sum())
        .collect();
    let mean = graph.constant(Tensor::doubles(&[1, width], &mean));
    let x = graph.node("Sub", [x, &mean], vec![]);
    let square = graph.node("Mul", [&x, &x], vec![]);
    let axis = graph.constant(Tensor::ints(&[1]));
    let square = graph.node("ReduceSum", [&square, &axis], vec![]);
    let twice: Vec<f64> = vectors.iter().map(|v| -2.0 * v).collect();
    let mixed = dense(graph, &twice, &own, &x);
    let sum = graph.node("Add", [&square, &mixed], vec![]);
    // rounding may leave a little below 0
    let zero = graph.number(0.0);
    graph.node("Max", [&sum, &zero], vec![])
}

/// Adds what is answered about the nearest point.
///
/// # Shapes
/// `[rows, 1]`.
pub(super) fn centroids(
    graph: &mut GraphBuilder,
    centroids: &Centroids,
    columns: &Columns<'_>,
) -> Value {
    let (count, width) = (centroids.labels.len(), columns.width());
    let x = columns.encoded(graph);
    let axis = graph.constant(Tensor::ints(&[1]));
    let x = graph.node("Unsqueeze", [&x, &axis], vec![]);
    let points = columns.weights(&centroids.points, count);
    let points = graph.constant(Tensor::doubles(&[1, count, width], &points));
    let away = graph.node("Sub", [&x, &points], vec![]);
    let square = graph.node("Mul", [&away, &away], vec![]);
    let squares = sum_over(graph, 2, &square);
    let least = graph.node("ReduceMin", [&squares, &axis], vec![]);
    let distance = graph.node("Sqrt", [&least], vec![]);
    if centroids.answer == Nearest::Distance {
        return distance;
    }
    let nearest = graph.node("ArgMin", [&squares], vec![Attribute::int("axis", 1)]);
    let labels: Vec<f64> = centroids.labels.iter().map(|l| f64::from(*l)).collect();
    let labels = graph.constant(Tensor::doubles(&[count], &labels));
    let label = graph.node("Gather", [&labels, &nearest], vec![]);
    let Some(radius) = centroids.radius else {
        return label;
    };
    let [radius, none] = [radius, -1.0].map(|number| graph.number(number));
    let beyond = graph.node("Greater", [&distance, &radius], vec![]);
    graph.node("Where", [&beyond, &none, &label], vec![])
}
