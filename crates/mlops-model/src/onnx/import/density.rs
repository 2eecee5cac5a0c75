//! Squared distances to points: what naive Bayes, mixtures and k-means are written with.

use std::rc::Rc;

use crate::{
    Dense, limit,
    onnx::import::{
        column::Column,
        operator::{Operator, Outcome},
        scores::{Body, Scores},
        tensor::Constant,
        term::Term,
        walk::columns,
    },
};

/// `bias + factor · distance` for each point.
#[derive(Debug, Clone)]
pub(super) struct Squares {
    pub(super) points: Vec<Point>,
    pub(super) factors: Vec<f64>,
    pub(super) bias: Vec<f64>,
}

/// How far a row lies from a point, squared.
#[derive(Debug, Clone)]
pub(super) enum Point {
    /// `Σ weight · (x - center)²`.
    Axes { center: Vec<f64>, weights: Vec<f64> },
    /// The length of what a layer makes of the row, squared.
    Map(Dense),
}

/// Distances along each axis while they are made.
#[derive(Debug, Clone)]
pub(super) struct Away {
    pub(super) columns: Rc<Vec<Column>>,
    /// `[points, columns]`.
    centers: Vec<f64>,
    weights: Vec<f64>,
    points: usize,
    squared: bool,
}

impl Away {
    pub(super) fn weight(&self) -> usize {
        self.centers.len()
    }
}

impl Squares {
    pub(super) fn weight(&self) -> usize {
        let sizes = self.points.iter().map(|point| match point {
            Point::Axes { center, .. } => 2 * center.len(),
            Point::Map(layer) => layer.weights.len(),
        });
        sizes.sum()
    }

    pub(super) fn select(&mut self, output: usize) {
        self.points = vec![self.points.swap_remove(output)];
        self.factors = vec![self.factors[output]];
        self.bias = vec![self.bias[output]];
    }

    fn term(self, columns: Rc<Vec<Column>>) -> Term {
        Term::scores(Scores::new(columns, Body::Squares(self)))
    }
}

/// The constant's rows, one a point, if it is `[1, points, width]`.
fn rows(operator: Operator<'_>, constant: &Constant, width: usize) -> Outcome<(usize, Vec<f64>)> {
    let ([1, points, columns], Some(numbers)) = (&constant.dims[..], constant.numbers()) else {
        return Err(operator.reject("its constant is no list of points"));
    };
    if *columns != width || *points == 0 || *points > limit::WEIGHTS {
        return Err(operator.reject(format!("points of {columns} columns meet {width}")));
    }
    match numbers.iter().find(|number| !number.is_finite()) {
        Some(number) => Err(operator.reject(format!("its constant has {number}"))),
        None => Ok((*points, numbers.to_vec())),
    }
}

/// Arithmetic on distances, as far as it is one of these.
pub(super) fn binary(
    operator: Operator<'_>,
    op: &str,
    arguments: &[Term],
) -> Option<Outcome<Term>> {
    Some(match (op, arguments) {
        ("Sub", [Term::Lifted(columns), Term::Constant(points)]) => {
            rows(operator, points, columns.len()).map(|(points, centers)| {
                Term::Away(Rc::new(Away {
                    columns: Rc::clone(columns),
                    weights: vec![1.0; centers.len()],
                    centers,
                    points,
                    squared: false,
                }))
            })
        }
        ("Mul", [Term::Away(a), Term::Away(b)]) if Rc::ptr_eq(a, b) && !a.squared => Ok(squared(a)),
        ("Pow", [Term::Away(away), Term::Constant(power)]) if !away.squared => {
            if power.numbers() == Some(&[2.0]) {
                Ok(squared(away))
            } else {
                Err(operator.reject("its power is not 2"))
            }
        }
        ("Mul" | "Div", [Term::Away(away), Term::Constant(by)]) if away.squared => {
            weighed(operator, op, away, by)
        }
        ("Mul", [Term::Length(_), Term::Constant(by)]) if by.numbers() == Some(&[0.0]) => {
            Ok(Term::Constant(Rc::clone(by)))
        }
        (
            "Add",
            [Term::Length(columns), Term::Scores(scores)]
            | [Term::Scores(scores), Term::Length(columns)],
        ) => completed(operator, columns, scores),
        _ => return None,
    })
}

fn squared(away: &Away) -> Term {
    Term::Away(Rc::new(Away {
        squared: true,
        ..away.clone()
    }))
}

fn weighed(operator: Operator<'_>, op: &str, away: &Away, by: &Constant) -> Outcome<Term> {
    let width = away.columns.len();
    let (points, numbers) = rows(operator, by, width)?;
    if points != away.points {
        return Err(operator.reject("its constant has a row for other points"));
    }
    if op == "Div" && numbers.contains(&0.0) {
        return Err(operator.reject("it divides by 0"));
    }
    let weights = away.weights.iter().zip(&numbers);
    let weights = weights.map(|(weight, by)| {
        if op == "Div" {
            weight / by
        } else {
            weight * by
        }
    });
    Ok(Term::Away(Rc::new(Away {
        weights: weights.collect(),
        ..away.clone()
    })))
}

/// Distances of all axes together.
pub(super) fn sum(operator: Operator<'_>, away: &Away) -> Outcome<Term> {
    let width = away.columns.len();
    if !away.squared || width == 0 {
        return Err(operator.reject("it adds up what are no squares"));
    }
    let pairs = away.centers.chunks(width).zip(away.weights.chunks(width));
    let points = pairs.map(|(center, weights)| Point::Axes {
        center: center.to_vec(),
        weights: weights.to_vec(),
    });
    let squares = Squares {
        points: points.collect(),
        factors: vec![1.0; away.points],
        bias: vec![0.0; away.points],
    };
    Ok(squares.term(Rc::clone(&away.columns)))
}

/// `ReduceSumSquare` of a row: of the columns, or of what a layer makes of them.
pub(super) fn length(operator: Operator<'_>, argument: Option<&Term>) -> Outcome<Term> {
    match argument {
        Some(Term::Columns(_)) => Ok(Term::Length(columns(operator, argument)?)),
        Some(Term::Scores(scores)) if scores.is_linear() => match &scores.body {
            Body::Dense(layers) if layers.layers.len() == 1 => {
                let squares = Squares {
                    points: vec![Point::Map(layers.layers[0].clone())],
                    factors: vec![1.0],
                    bias: vec![0.0],
                };
                Ok(squares.term(Rc::clone(&scores.columns)))
            }
            _ => Err(operator.reject("it squares what is no layer over columns")),
        },
        _ => Err(operator.reject("it squares what is no matrix")),
    }
}

/// `|x|² + w · x + b` as a distance: to `-w / 2`, and what is over.
fn completed(operator: Operator<'_>, columns: &Rc<Vec<Column>>, scores: &Scores) -> Outcome<Term> {
    let layer = match &scores.body {
        Body::Dense(layers) if scores.is_linear() && layers.layers.len() == 1 => &layers.layers[0],
        _ => return Err(operator.reject("it adds a length to what is no layer over columns")),
    };
    if scores.columns != *columns {
        return Err(operator.reject("it adds a length to what reads other columns"));
    }
    let mut squares = Squares {
        points: Vec::with_capacity(layer.rows),
        factors: vec![1.0; layer.rows],
        bias: Vec::with_capacity(layer.rows),
    };
    for (row, bias) in layer.bias.iter().enumerate() {
        let weights = &layer.weights[row * layer.cols..(row + 1) * layer.cols];
        let center: Vec<f64> = weights.iter().map(|weight| -0.5 * weight).collect();
        squares
            .bias
            .push(bias - center.iter().map(|c| c * c).sum::<f64>());
        squares.points.push(Point::Axes {
            weights: vec![1.0; center.len()],
            center,
        });
    }
    Ok(squares.term(Rc::clone(columns)))
}

/// Distances side by side.
pub(super) fn concat(arguments: &[Term]) -> Option<Term> {
    let mut all: Option<(Rc<Vec<Column>>, Squares)> = None;
    for argument in arguments {
        let Term::Scores(scores) = argument else {
            return None;
        };
        let Body::Squares(next) = &scores.body else {
            return None;
        };
        if !scores.is_linear() {
            return None;
        }
        match &mut all {
            None => all = Some((Rc::clone(&scores.columns), next.clone())),
            Some((columns, squares)) if *columns == scores.columns => {
                squares.points.extend(next.points.iter().cloned());
                squares.factors.extend(&next.factors);
                squares.bias.extend(&next.bias);
            }
            Some(_) => return None,
        }
    }
    all.map(|(columns, squares)| squares.term(columns))
}

/// The nearest point, `ArgMin` of the distances.
pub(super) fn nearest(operator: Operator<'_>, scores: &Scores) -> Outcome<Term> {
    match &scores.body {
        Body::Squares(squares) if scores.is_linear() => Ok(Term::scores(Scores::new(
            Rc::clone(&scores.columns),
            Body::Nearest(squares.clone()),
        ))),
        _ => Err(operator.reject("it looks for the least of what are no distances")),
    }
}
