//! Sequences: from steps through the cells of an LSTM to the last answer, which layers then read as columns.
//!
//! Exporters turn axes round and compute shapes on the way; both are followed, so that nothing is read that is not
//! `[sequences, steps, features]` where it should be.

use std::rc::Rc;

use crate::{
    Dense,
    onnx::import::{
        cells,
        operator::{Operator, Outcome},
        picks::whole,
        tensor::Constant,
        term::Term,
    },
};

/// A value on the way of sequences.
#[derive(Debug, Clone)]
pub(super) enum Flow {
    /// The steps, or a layer's answers to them, `width` numbers each.
    Steps {
        cells: Rc<Vec<Dense>>,
        width: usize,
        axes: Vec<Axis>,
    },
    /// A layer's answer to the last step.
    Last { cells: Rc<Vec<Dense>>, width: usize },
    /// Zeros of some shape, which cells start with.
    Zeros,
    /// The sides of some value.
    Sides(Vec<Side>),
}

/// An axis of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axis {
    Sequences,
    Steps,
    Numbers,
    /// Of one direction.
    One,
}

/// The length of an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Side {
    Sequences,
    Steps,
    Number(f64),
}

impl Flow {
    /// The steps of an input.
    pub(super) fn input(width: usize) -> Self {
        Self::Steps {
            cells: Rc::default(),
            width,
            axes: vec![Axis::Sequences, Axis::Steps, Axis::Numbers],
        }
    }

    /// The numbers that it holds on to.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Steps { cells, .. } | Self::Last { cells, .. } => {
                1 + cells.iter().map(|layer| layer.weights.len()).sum::<usize>()
            }
            Self::Zeros => 1,
            Self::Sides(sides) => sides.len(),
        }
    }
}

/// A node that reads values of sequences, or none that is read elsewhere.
pub(super) fn node(operator: Operator<'_>, arguments: &[Term]) -> Option<Outcome<Vec<Term>>> {
    let flows = |term: &Term| matches!(term, Term::Flow(_));
    let op = operator.0.op_type.as_str();
    if !arguments.iter().any(flows) || matches!(op, "Gemm" | "MatMul") {
        return None;
    }
    let term = match op {
        "LSTM" => return Some(cells::lstm(operator, arguments)),
        "Transpose" => transposed(operator, arguments),
        "Squeeze" => squeezed(operator, arguments),
        "Shape" => shape(operator, arguments),
        "Slice" => slice(operator, arguments),
        "Gather" => gather(operator, arguments),
        "Reshape" => reshaped(operator, arguments),
        "Mul" => product(operator, arguments),
        "Concat" => concat(operator, arguments),
        "Unsqueeze" | "Cast" | "Identity" | "Dropout" => match arguments.first() {
            // a side alone and a list of one are told apart by nobody
            Some(term @ Term::Flow(Flow::Sides(_))) => Ok(term.clone()),
            Some(term) if op != "Unsqueeze" => Ok(term.clone()),
            _ => Err(operator.reject("it adds an axis to sequences")),
        },
        "ConstantOfShape" => match operator.tensor_numbers("value") {
            Ok(value) if value.iter().all(|x| *x == 0.0) => Ok(Term::Flow(Flow::Zeros)),
            _ => Err(operator.reject("it fills a shape with what is not 0")),
        },
        "Expand" => match arguments {
            [Term::Constant(value), Term::Flow(Flow::Sides(_))] if is_zero(value) => {
                Ok(Term::Flow(Flow::Zeros))
            }
            _ => Err(operator.reject("it fills a shape with what is not 0")),
        },
        _ => Err(operator.reject("of what reads sequences, the cells of an LSTM have a form here")),
    };
    Some(term.map(|term| vec![term]))
}

pub(super) fn is_zero(constant: &Constant) -> bool {
    constant
        .numbers()
        .is_some_and(|n| n.iter().all(|x| *x == 0.0))
}

fn transposed(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Term> {
    let order = operator.positions("perm")?;
    match arguments.first() {
        Some(Term::Flow(Flow::Steps { cells, width, axes })) if order.len() == axes.len() => {
            let turned = order.iter().map(|at| axes.get(*at).copied());
            let turned: Option<Vec<Axis>> = turned.collect();
            let all = |turned: &Vec<Axis>| axes.iter().all(|axis| turned.contains(axis));
            let axes = turned
                .filter(all)
                .ok_or_else(|| operator.reject("it turns no axes"))?;
            Ok(Term::Flow(Flow::Steps {
                cells: Rc::clone(cells),
                width: *width,
                axes,
            }))
        }
        _ => Err(operator.reject("it turns the axes of what are no steps")),
    }
}

/// A single whole number that an argument or attribute holds.
fn one(arguments: &[Term], at: usize) -> Option<f64> {
    match arguments.get(at) {
        Some(Term::Constant(constant)) => match constant.numbers() {
            Some([number]) => Some(*number),
            _ => None,
        },
        _ => None,
    }
}

fn squeezed(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Term> {
    match (arguments.first(), one(arguments, 1)) {
        (Some(Term::Flow(Flow::Steps { cells, width, axes })), Some(1.0))
            if axes.get(1) == Some(&Axis::One) =>
        {
            let rest = axes.iter().filter(|axis| **axis != Axis::One);
            Ok(Term::Flow(Flow::Steps {
                cells: Rc::clone(cells),
                width: *width,
                axes: rest.copied().collect(),
            }))
        }
        (Some(Term::Flow(Flow::Last { cells, width })), Some(0.0)) => {
            Ok(Term::Last(Rc::clone(cells), *width))
        }
        _ => Err(operator.reject("it takes an axis away that is needed")),
    }
}

fn sides(axes: &[Axis], width: usize) -> Vec<Side> {
    let sides = axes.iter().map(|axis| match axis {
        Axis::Sequences => Side::Sequences,
        Axis::Steps => Side::Steps,
        Axis::Numbers => Side::Number(width as f64),
        Axis::One => Side::Number(1.0),
    });
    sides.collect()
}

fn shape(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Term> {
    let Some(Term::Flow(Flow::Steps { width, axes, .. })) = arguments.first() else {
        return Err(operator.reject("it is the shape of what are no steps"));
    };
    let all = sides(axes, *width);
    let count = i64::try_from(all.len()).unwrap_or(i64::MAX);
    let place = |name: &str, none: i64| {
        let at = operator.int(name).unwrap_or(none);
        let at = if at < 0 { at.saturating_add(count) } else { at };
        usize::try_from(at).unwrap_or(0).min(all.len())
    };
    let cut = all.get(place("start", 0)..place("end", count));
    Ok(Term::Flow(Flow::Sides(cut.unwrap_or_default().to_vec())))
}

fn slice(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Term> {
    match arguments.first() {
        Some(term @ Term::Flow(Flow::Zeros)) => Ok(term.clone()),
        Some(Term::Flow(Flow::Sides(sides))) => {
            let ends = one(arguments, 1).zip(one(arguments, 2));
            let place = |at: f64| whole(at, sides.len() + 1);
            let cut = ends.and_then(|(from, to)| sides.get(place(from)?..place(to)?));
            let cut = cut.ok_or_else(|| operator.reject("it cuts sides at no position"))?;
            Ok(Term::Flow(Flow::Sides(cut.to_vec())))
        }
        _ => Err(operator.reject("it leaves steps out")),
    }
}

/// The last step of a layer's answers, or one of the sides.
fn gather(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Term> {
    let axis = operator.int("axis").unwrap_or(0);
    let at = one(arguments, 1).ok_or_else(|| operator.reject("it picks what is not one"))?;
    match arguments.first() {
        Some(Term::Flow(Flow::Sides(sides))) => whole(at, sides.len())
            .map(|at| Term::Flow(Flow::Sides(vec![sides[at]])))
            .ok_or_else(|| operator.reject("it picks a side that is not there")),
        // the cells of one layer: there is one of them
        Some(Term::Flow(Flow::Last { cells, width })) if axis == 0 && matches!(at, 0.0 | -1.0) => {
            Ok(Term::Last(Rc::clone(cells), *width))
        }
        Some(Term::Flow(Flow::Steps { cells, width, axes }))
            if at == -1.0 && !cells.is_empty() && axes.len() == 3 =>
        {
            let of = usize::try_from(axis).ok().and_then(|axis| axes.get(axis));
            if of == Some(&Axis::Steps) && axes.last() == Some(&Axis::Numbers) {
                Ok(Term::Last(Rc::clone(cells), *width))
            } else {
                Err(operator.reject("it picks along what are no steps"))
            }
        }
        _ => Err(operator.reject("it picks another step than the last")),
    }
}

/// Without the axis of directions.
fn reshaped(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Term> {
    match arguments {
        [Term::Flow(Flow::Sides(sides)), Term::Constant(_)] => {
            Ok(Term::Flow(Flow::Sides(sides.clone())))
        }
        [
            Term::Flow(Flow::Steps { cells, width, axes }),
            Term::Flow(Flow::Sides(to)),
        ] => {
            let rest = axes.iter().filter(|axis| **axis != Axis::One);
            let rest: Vec<Axis> = rest.copied().collect();
            if sides(&rest, *width) != *to {
                return Err(operator.reject("it makes other steps"));
            }
            Ok(Term::Flow(Flow::Steps {
                cells: Rc::clone(cells),
                width: *width,
                axes: rest,
            }))
        }
        _ => Err(operator.reject("it makes other steps")),
    }
}

fn product(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Term> {
    match arguments {
        [Term::Flow(Flow::Sides(a)), Term::Flow(Flow::Sides(b))] => match (&a[..], &b[..]) {
            ([Side::Number(a)], [Side::Number(b)]) => {
                Ok(Term::Flow(Flow::Sides(vec![Side::Number(a * b)])))
            }
            _ => Err(operator.reject("it multiplies sides that are not known")),
        },
        _ => Err(operator.reject("it multiplies sequences")),
    }
}

fn concat(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Term> {
    let mut all = Vec::new();
    for argument in arguments {
        match argument {
            Term::Flow(Flow::Sides(sides)) => all.extend(sides),
            Term::Constant(constant) => {
                let numbers = constant.numbers().unwrap_or_default();
                all.extend(numbers.iter().map(|side| Side::Number(*side)));
            }
            _ => return Err(operator.reject("it appends to sequences")),
        }
    }
    if all.len() > 8 {
        return Err(operator.reject("it has too many sides"));
    }
    Ok(Term::Flow(Flow::Sides(all)))
}
