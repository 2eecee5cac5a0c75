//! Networks over sequences in ONNX: lists as columns, cells of an LSTM, and the encoder of a transformer.
//!
//! A runtime gets each list column as a matrix, so all lists of a call have one length. ONNX Runtime's `LSTM` has
//! single precision only, so the cells are written out, and `Scan` takes them from step to step.

use crate::{
    Dense, Lstm, Norm, Scale, SequenceEstimator, SequenceNetwork, Transformer,
    onnx::{
        columns::Columns,
        encode::{double, zeros},
        graph::{GraphBuilder, Value},
        network::gelu,
        proto::{Attribute, INT64, Tensor, int},
        score::dense,
    },
    sequence::EPSILON,
};

/// Adds the columns of lists: the number of steps, then the scaled steps from the first on, and 0 behind them.
///
/// # Shapes
/// `[rows, 1 + steps * lists]`.
pub(super) fn columns(
    graph: &mut GraphBuilder,
    lists: &[&Value],
    steps: usize,
    scales: &[Scale],
) -> Value {
    let last = graph.constant(Tensor::ints(&[2]));
    let apart = lists.iter();
    let apart = apart.map(|list| graph.node("Unsqueeze", [list, &last], vec![]));
    let apart: Vec<Value> = apart.collect();
    let all = graph.node_of("Concat", apart, vec![Attribute::int("axis", 2)]);
    let [from, to] = [-int(steps), i64::MAX].map(|end| graph.constant(Tensor::ints(&[end])));
    let kept = sliced(graph, &all, &from, &to);

    let numbers = |of: fn(&Scale) -> f64| scales.iter().map(of).collect::<Vec<f64>>();
    let [center, scale] = [numbers(|s| s.center), numbers(|s| s.scale)]
        .map(|numbers| graph.constant(Tensor::doubles(&[1, 1, numbers.len()], &numbers)));
    let scaled = graph.node("Sub", [&kept, &center], vec![]);
    let scaled = graph.node("Div", [&scaled, &scale], vec![]);
    let missing = graph.node("IsNaN", [&kept], vec![]);
    let zero = graph.number(0.0);
    let scaled = graph.node("Where", [&missing, &zero, &scaled], vec![]);

    let middle = vec![Attribute::int("start", 1), Attribute::int("end", 2)];
    let count = graph.node("Shape", [&kept], middle);
    let most = graph.constant(Tensor::ints(&[int(steps)]));
    let rest = graph.node("Sub", [&most, &count], vec![]);
    let none = graph.constant(Tensor::ints(&[0]));
    let pads = graph.node("Concat", [&none, &rest], vec![Attribute::int("axis", 0)]);
    let axis = graph.constant(Tensor::ints(&[1]));
    let by = graph.constant(Tensor::doubles(&[], &[0.0]));
    let filled = graph.node("Pad", [&scaled, &pads, &by, &axis], vec![]);
    let flat = graph.constant(Tensor::ints(&[-1, int(steps * lists.len())]));
    let flat = graph.node("Reshape", [&filled, &flat], vec![]);

    let count = double(graph, &count);
    let upright = zeros(graph, lists[0]);
    let count = graph.node("Add", [&upright, &count], vec![]);
    graph.node("Concat", [&count, &flat], vec![Attribute::int("axis", 1)])
}

/// Adds a network's scores.
///
/// # Shapes
/// `[rows, outputs]`.
pub(super) fn network(
    graph: &mut GraphBuilder,
    estimator: &SequenceEstimator,
    columns: &Columns<'_>,
) -> Value {
    let encoded = columns.encoded(graph);
    let count = count(graph, &encoded, estimator.steps);
    let axis = graph.constant(Tensor::ints(&[1]));
    let [one, all] = [1, i64::MAX].map(|end| graph.constant(Tensor::ints(&[end])));
    let flat = graph.node("Slice", [&encoded, &one, &all, &axis], vec![]);
    let shape = [-1, int(estimator.steps), int(estimator.features)];
    let shape = graph.constant(Tensor::ints(&shape));
    let steps = graph.node("Reshape", [&flat, &shape], vec![]);
    let none = graph.constant(Tensor::ints(&[0]));
    let steps = sliced(graph, &steps, &none, &count);
    match &estimator.network {
        SequenceNetwork::Lstm(net) => lstm(graph, net, steps),
        SequenceNetwork::Transformer(net) => {
            let size = net.embed.rows;
            let places = Tensor::doubles(&[1, estimator.steps, size], &net.positions);
            let places = graph.constant(places);
            let places = sliced(graph, &places, &none, &count);
            transformer(graph, net, &steps, &places)
        }
    }
}

/// The number of steps, which is one number for all rows: `[1]`, from 1 on.
fn count(graph: &mut GraphBuilder, encoded: &Value, most: usize) -> Value {
    let first = graph.constant(Tensor::ints(&[0]));
    let counts = graph.node("Gather", [encoded, &first], vec![Attribute::int("axis", 1)]);
    let [least, most] = [1.0, most as f64].map(|end| graph.number(end));
    let count = graph.node("ReduceMax", [&counts], vec![]);
    let count = graph.node("Max", [&count, &least], vec![]);
    let count = graph.node("Min", [&count, &most], vec![]);
    let to = vec![Attribute::int("to", i64::from(INT64))];
    let count = graph.node("Cast", [&count], to);
    let shape = graph.constant(Tensor::ints(&[1]));
    graph.node("Reshape", [&count, &shape], vec![])
}

/// A range of the steps.
fn sliced(graph: &mut GraphBuilder, x: &Value, from: &Value, to: &Value) -> Value {
    let axis = graph.constant(Tensor::ints(&[1]));
    graph.node("Slice", [x, from, to, &axis], vec![])
}

/// Adds layers of cells over steps `[rows, steps, features]`.
fn lstm(graph: &mut GraphBuilder, net: &Lstm, steps: Value) -> Value {
    // `Scan` goes along the first axis; along another, ONNX Runtime ends itself on a call without rows
    let mut answers = transposed(graph, &steps, &[1, 0, 2]);
    let mut last = steps;
    for layer in &net.layers {
        (answers, last) = cells(graph, layer, &answers);
    }
    dense(graph, &net.head.weights, &net.head.bias, &last)
}

/// A layer over steps `[steps, rows, inputs]`: its answers to all of them, and to the last `[rows, hidden]`.
fn cells(graph: &mut GraphBuilder, layer: &Dense, steps: &Value) -> (Value, Value) {
    let hidden = layer.rows / 4;
    let middle = vec![Attribute::int("start", 1), Attribute::int("end", 2)];
    let rows = graph.node("Shape", [steps], middle);
    let size = graph.constant(Tensor::ints(&[int(hidden)]));
    let shape = graph.node("Concat", [&rows, &size], vec![Attribute::int("axis", 0)]);
    let zero = vec![Attribute::tensor("value", Tensor::doubles(&[1], &[0.0]))];
    let start = graph.node("ConstantOfShape", [&shape], zero);

    let widths = [hidden, hidden, layer.cols - hidden];
    let body = graph.body(widths, hidden, |graph, [cells, last, step]| {
        let side = || vec![Attribute::int("axis", 1)];
        let reads = graph.node("Concat", [step, last], side());
        let gates = dense(graph, &layer.weights, &layer.bias, &reads);
        let gates = graph.split(&gates, 1, &[hidden; 4]);
        let [input, forget, output] =
            [0, 1, 3].map(|gate: usize| graph.node("Sigmoid", [&gates[gate]], vec![]));
        let cell = graph.node("Tanh", [&gates[2]], vec![]);
        let kept = graph.node("Mul", [&forget, cells], vec![]);
        let new = graph.node("Mul", [&input, &cell], vec![]);
        let cells = graph.node("Add", [&kept, &new], vec![]);
        let shown = graph.node("Tanh", [&cells], vec![]);
        let answer = graph.node("Mul", [&output, &shown], vec![]);
        let noted = graph.node("Identity", [&answer], vec![]);
        [cells, answer, noted]
    });
    let attributes = vec![body, Attribute::int("num_scan_inputs", 1)];
    let inputs = vec![start.clone(), start, steps.clone()];
    let [_, last, answers] = graph.nodes("Scan", inputs, attributes);
    (answers, last)
}

/// Adds blocks of attention over steps `[rows, steps, features]`, and places `[1, steps, size]` for as many.
fn transformer(
    graph: &mut GraphBuilder,
    net: &Transformer,
    steps: &Value,
    places: &Value,
) -> Value {
    let layer =
        |graph: &mut GraphBuilder, by: &Dense, x: &Value| dense(graph, &by.weights, &by.bias, x);
    let vectors = layer(graph, &net.embed, steps);
    let mut vectors = graph.node("Add", [&vectors, places], vec![]);
    for block in &net.blocks {
        let normed = norm(graph, &block.attention_norm, &vectors);
        let triples = layer(graph, &block.attention, &normed);
        let seen = attended(graph, &triples, net.embed.rows, net.heads);
        let added = layer(graph, &block.mix, &seen);
        vectors = graph.node("Add", [&vectors, &added], vec![]);
        let normed = norm(graph, &block.dense_norm, &vectors);
        let wide = layer(graph, &block.widen, &normed);
        let wide = gelu(graph, &wide);
        let added = layer(graph, &block.narrow, &wide);
        vectors = graph.node("Add", [&vectors, &added], vec![]);
    }
    let normed = norm(graph, &net.norm, &vectors);
    let mean = mean(graph, &normed, 1, 0);
    layer(graph, &net.head, &mean)
}

/// The values that each step attends to: `[rows, steps, 3 size]` in, `[rows, steps, size]` out.
fn attended(graph: &mut GraphBuilder, triples: &Value, size: usize, heads: usize) -> Value {
    let part = size / heads;
    let triple = graph.split(triples, 2, &[size; 3]);
    // 0 keeps an axis as it is
    let cut = graph.constant(Tensor::ints(&[0, 0, int(heads), int(part)]));
    let [query, key, value] =
        [0, 1, 2].map(|at: usize| graph.node("Reshape", [&triple[at], &cut], vec![]));
    let query = transposed(graph, &query, &[0, 2, 1, 3]);
    let key = transposed(graph, &key, &[0, 2, 3, 1]);
    let value = transposed(graph, &value, &[0, 2, 1, 3]);
    let scale = graph.number(1.0 / (part as f64).sqrt());
    let shares = graph.node("MatMul", [&query, &key], vec![]);
    let shares = graph.node("Mul", [&shares, &scale], vec![]);
    let shares = graph.node("Softmax", [&shares], vec![Attribute::int("axis", 3)]);
    let seen = graph.node("MatMul", [&shares, &value], vec![]);
    let seen = transposed(graph, &seen, &[0, 2, 1, 3]);
    let joined = graph.constant(Tensor::ints(&[0, 0, int(size)]));
    graph.node("Reshape", [&seen, &joined], vec![])
}

/// Vectors of mean 0 and variance 1, then a gain and a bias a place.
fn norm(graph: &mut GraphBuilder, norm: &Norm, vectors: &Value) -> Value {
    let center = mean(graph, vectors, 2, 1);
    let off = graph.node("Sub", [vectors, &center], vec![]);
    let square = graph.node("Mul", [&off, &off], vec![]);
    let variance = mean(graph, &square, 2, 1);
    let epsilon = graph.number(EPSILON);
    let variance = graph.node("Add", [&variance, &epsilon], vec![]);
    let root = graph.node("Sqrt", [&variance], vec![]);
    let normed = graph.node("Div", [&off, &root], vec![]);
    let [gain, bias] = [&norm.gain, &norm.bias]
        .map(|numbers| graph.constant(Tensor::doubles(&[1, 1, numbers.len()], numbers)));
    let normed = graph.node("Mul", [&normed, &gain], vec![]);
    graph.node("Add", [&normed, &bias], vec![])
}

/// The mean along an axis, which stays as one of 1 or is gone (0).
fn mean(graph: &mut GraphBuilder, x: &Value, axis: i64, keepdims: i64) -> Value {
    let axis = graph.constant(Tensor::ints(&[axis]));
    let keep = vec![Attribute::int("keepdims", keepdims)];
    graph.node("ReduceMean", [x, &axis], keep)
}

fn transposed(graph: &mut GraphBuilder, x: &Value, axes: &[i64]) -> Value {
    let axes = vec![Attribute::ints("perm", axes.to_vec())];
    graph.node("Transpose", [x], axes)
}
