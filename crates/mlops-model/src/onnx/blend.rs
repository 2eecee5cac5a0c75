//! Estimators around others in ONNX: ensembles, and curves behind an estimator.

use crate::{
    Blend, Calibrated, Curve, Ensemble,
    onnx::{
        columns::Columns,
        encode::{double, gathered},
        graph::{GraphBuilder, Value},
        proto::{Attribute, Tensor, int},
        score::{answer, stacked},
    },
};

/// Adds an ensemble's answers.
///
/// # Shapes
/// `[rows, outputs]`.
pub(super) fn ensemble(
    graph: &mut GraphBuilder,
    ensemble: &Ensemble,
    columns: &Columns<'_>,
) -> Value {
    let own = ensemble.members.iter().map(|member| {
        let columns = columns.range(member.first, member.width);
        answer(graph, &member.estimator, &columns)
    });
    let own: Vec<Value> = own.collect();
    match &ensemble.blend {
        Blend::Stack(linear) => {
            let axis = vec![Attribute::int("axis", 1)];
            let all = graph.node_of("Concat", own, axis);
            stacked(graph, linear, &all)
        }
        Blend::Average { weights } => {
            let total: f64 = weights.iter().sum();
            let weighed = own.iter().zip(weights).map(|(own, weight)| {
                let weight = graph.number(*weight);
                graph.node("Mul", [own, &weight], vec![])
            });
            let weighed: Vec<Value> = weighed.collect();
            let sum = graph.node_of("Sum", weighed, vec![]);
            let total = graph.number(total);
            graph.node("Div", [&sum, &total], vec![])
        }
    }
}

/// Adds an estimator's answers behind their curves.
///
/// # Shapes
/// `[rows, outputs]`.
pub(super) fn calibrated(
    graph: &mut GraphBuilder,
    calibrated: &Calibrated,
    columns: &Columns<'_>,
) -> Value {
    let raw = answer(graph, &calibrated.estimator, columns);
    let curves = &calibrated.curves;
    if let [only] = curves.as_slice() {
        return curve(graph, only, &raw);
    }
    let bent = curves.iter().enumerate().map(|(at, next)| {
        let at = graph.constant(Tensor::ints(&[int(at)]));
        let own = graph.node("Gather", [&raw, &at], vec![Attribute::int("axis", 1)]);
        curve(graph, next, &own)
    });
    let bent: Vec<Value> = bent.collect();
    let all = graph.node_of("Concat", bent, vec![Attribute::int("axis", 1)]);
    let axis = graph.constant(Tensor::ints(&[1]));
    let sum = graph.node("ReduceSum", [&all, &axis], vec![]);
    let [zero, equal] = [0.0, 1.0 / curves.len() as f64].map(|number| graph.number(number));
    let none = graph.node("Equal", [&sum, &zero], vec![]);
    let share = graph.node("Div", [&all, &sum], vec![]);
    graph.node("Where", [&none, &equal, &share], vec![])
}

fn curve(graph: &mut GraphBuilder, curve: &Curve, x: &Value) -> Value {
    match curve {
        Curve::Sigmoid { slope, intercept } => {
            let [slope, intercept] = [*slope, *intercept].map(|number| graph.number(number));
            let score = graph.node("Mul", [x, &slope], vec![]);
            let score = graph.node("Add", [&score, &intercept], vec![]);
            graph.node("Sigmoid", [&score], vec![])
        }
        Curve::Isotonic { x: knots, y } => isotonic(graph, knots, y, x),
    }
}

/// Straight lines between knots: the line that a number lies on is looked up by the knots below it.
fn isotonic(graph: &mut GraphBuilder, knots: &[f64], y: &[f64], x: &Value) -> Value {
    let last = knots.len() - 1;
    let [first_knot, last_knot] = [knots[0], knots[last]].map(|knot| graph.number(knot));
    let x = graph.node("Max", [x, &first_knot], vec![]);
    let x = graph.node("Min", [&x, &last_knot], vec![]);
    let ends = graph.constant(Tensor::doubles(&[1, knots.len()], knots));
    let below = graph.node("GreaterOrEqual", [&x, &ends], vec![]);
    let below = double(graph, &below);
    let axis = graph.constant(Tensor::ints(&[1]));
    let count = graph.node("ReduceSum", [&below, &axis], vec![]);
    let one = graph.number(1.0);
    let line = graph.node("Sub", [&count, &one], vec![]);
    // of each line: where it starts, how long it is, its ends and its rise; the last has no length
    let lines = (0..=last).flat_map(|at| {
        let next = (at + 1).min(last);
        let length = if at == last {
            1.0
        } else {
            knots[next] - knots[at]
        };
        [knots[at], length, y[at], y[next], y[next] - y[at]]
    });
    let lines: Vec<f64> = lines.collect();
    let lines = gathered(graph, &lines, 5, &line);
    let [start, length, low, high, rise] = [0, 1, 2, 3, 4].map(|at| {
        let at = graph.constant(Tensor::ints(&[at]));
        graph.node("Gather", [&lines, &at], vec![Attribute::int("axis", 1)])
    });
    let way = graph.node("Sub", [&x, &start], vec![]);
    let way = graph.node("Div", [&way, &length], vec![]);
    let rise = graph.node("Mul", [&rise, &way], vec![]);
    let y = graph.node("Add", [&low, &rise], vec![]);
    let y = graph.node("Max", [&y, &low], vec![]);
    graph.node("Min", [&y, &high], vec![])
}
