//! The cells of an LSTM, and the model of what reads their last answer.

use std::rc::Rc;

use crate::{
    Dense, Link, Lstm, ModelSpec, Output, Result, Scale, SequenceNetwork, SequenceSpec, limit,
    onnx::import::{
        column::{Column, Source},
        operator::{Operator, Outcome},
        scores::{Body, Form, Scores},
        sequence::{Axis, Flow, is_zero},
        term::Term,
        walk::Planned,
    },
};

/// The cells of all layers, the same only if they are one.
#[derive(Debug, Clone)]
pub(super) struct Cells(Rc<Vec<Dense>>);

impl PartialEq for Cells {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// The answer to the last step as columns, for the layer behind it.
pub(super) fn columns(cells: &Rc<Vec<Dense>>, width: usize) -> Rc<Vec<Column>> {
    let column = Column::new(Source::Last(Cells(Rc::clone(cells))));
    Rc::new(vec![column; width])
}

pub(super) fn lstm(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let steps = match arguments.first() {
        Some(Term::Flow(Flow::Steps { cells, width, axes }))
            if axes[..] == [Axis::Steps, Axis::Sequences, Axis::Numbers] =>
        {
            (cells, *width)
        }
        _ => return Err(operator.reject("it reads what are no steps")),
    };
    let (before, width) = steps;
    let plain = matches!(operator.text("direction"), "" | "forward")
        && operator.int("layout").unwrap_or(0) == 0
        && operator.int("input_forget").unwrap_or(0) == 0
        && !["activations", "clip"]
            .iter()
            .any(|name| operator.has(name));
    if !plain {
        return Err(operator.reject("its cells are not the plain ones that go forward"));
    }
    let starts = |at: usize| match arguments.get(at) {
        None | Some(Term::Absent | Term::Flow(Flow::Zeros)) => true,
        Some(Term::Constant(constant)) => is_zero(constant),
        Some(_) => false,
    };
    let none = |at: usize| matches!(arguments.get(at), None | Some(Term::Absent));
    if !none(4) || !starts(5) || !starts(6) || !none(7) {
        return Err(
            operator.reject("it has lengths, peepholes, or cells that start with other than 0")
        );
    }
    let numbers = |at: usize, what: &str| {
        let found = match arguments.get(at) {
            Some(Term::Constant(constant)) => constant.numbers().map(|n| (constant, n)),
            _ => None,
        };
        found.ok_or_else(|| operator.reject(format!("its {what} are no constants")))
    };
    let (shape, inputs) = numbers(1, "weights")?;
    let (_, own) = numbers(2, "weights of the state")?;
    let hidden = match shape.dims[..] {
        [1, rows, cols] if rows % 4 == 0 && rows > 0 && cols == width => rows / 4,
        _ => {
            return Err(
                operator.reject(format!("its weights do not meet steps of {width} numbers"))
            );
        }
    };
    let bias = match arguments.get(3) {
        None | Some(Term::Absent) => vec![0.0; 8 * hidden],
        _ => numbers(3, "biases")?.1.to_vec(),
    };
    if own.len() != 4 * hidden * hidden || bias.len() != 8 * hidden || before.len() >= limit::LAYERS
    {
        return Err(operator.reject("its weights do not fit together, or it is one layer too many"));
    }
    // here the gates stand as input, forget, cell, output; there as input, output, forget, cell
    let gates = [0, 2, 3, 1].map(|gate| gate * hidden..(gate + 1) * hidden);
    let mut layer = Dense {
        rows: 4 * hidden,
        cols: width + hidden,
        weights: Vec::with_capacity(4 * hidden * (width + hidden)),
        bias: Vec::with_capacity(4 * hidden),
    };
    for row in gates.into_iter().flatten() {
        layer
            .weights
            .extend(&inputs[row * width..(row + 1) * width]);
        layer.weights.extend(&own[row * hidden..(row + 1) * hidden]);
        layer.bias.push(bias[row] + bias[4 * hidden + row]);
    }
    let mut cells = Vec::clone(before);
    cells.push(layer);
    let cells = Rc::new(cells);
    let all = Flow::Steps {
        cells: Rc::clone(&cells),
        width: hidden,
        axes: vec![Axis::Steps, Axis::One, Axis::Sequences, Axis::Numbers],
    };
    let last = Flow::Last {
        cells,
        width: hidden,
    };
    Ok(vec![Term::Flow(all), Term::Flow(last)])
}

/// The model of scores over last answers.
pub(super) fn finish(
    cells: &Cells,
    scores: &Scores,
    inputs: &[Planned],
    steps: usize,
    output: Output,
) -> std::result::Result<Result<ModelSpec>, &'static str> {
    let head = match &scores.body {
        Body::Dense(layers) if layers.layers.len() == 1 && layers.after.is_none() => {
            layers.layers[0].clone()
        }
        _ => return Err("more than one layer reads the last step of a sequence"),
    };
    if scores.form != Form::Each
        || !matches!(
            scores.link,
            Link::Identity | Link::Logit | Link::Softmax | Link::Exp
        )
    {
        return Err("its answer has no form for a network over sequences");
    }
    let lstm = Lstm {
        layers: Vec::clone(&cells.0),
        head,
    };
    let plain = Scale {
        center: 0.0,
        scale: 1.0,
    };
    let names = inputs.iter().map(|input| input.name.clone());
    let spec = SequenceSpec::new(
        names.collect(),
        steps,
        vec![plain; inputs.len()],
        output,
        scores.link,
        SequenceNetwork::Lstm(lstm),
    );
    Ok(spec.and_then(|spec| spec.to_model(steps)))
}
