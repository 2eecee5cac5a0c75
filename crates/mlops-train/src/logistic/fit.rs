//! Finding the weights: by Newton's method for two classes over so many columns; else by linfa where every row
//! counts the same, and by its optimiser on a weighted loss where not. And the gradient that tells whether they
//! were found.

use argmin::{
    core::{CostFunction, Executor, Gradient},
    solver::{linesearch::MoreThuenteLineSearch, quasinewton::LBFGS},
};
use linfa::{Dataset, traits::Fit};
use linfa_logistic::{LogisticRegression, MultiLogisticRegression};
use mlops_model::{Linear, Link, Matrix};
use ndarray::{Array1, Array2};

use super::newton::{Newton, WIDEST};
use crate::{Error, Result};

/// What the optimiser is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) l2: f64,
    pub(super) max_iterations: u64,
}

/// A problem of `outputs` scores: one for two classes, else one a class.
#[derive(Debug)]
pub(super) struct Problem<'a> {
    pub(super) matrix: &'a Matrix,
    /// `[rows]`: 1 for the positive of two classes, else the class.
    pub(super) codes: &'a [usize],
    pub(super) outputs: usize,
    /// `[rows]`, where rows count differently.
    pub(super) weights: Option<&'a [f64]>,
    pub(super) settings: Settings,
}

impl Problem<'_> {
    pub(super) fn solve(&self) -> Result<Linear> {
        if self.outputs == 1 && self.matrix.width() <= WIDEST {
            let Settings { l2, max_iterations } = self.settings;
            let newton = Newton::new(self.matrix, self.codes, self.weights, l2);
            // it doubles the digits with each step, so the last ones are cheap
            return Ok(newton.solve(self.tolerance() * 1e-2, max_iterations));
        }
        match (self.weights, self.outputs) {
            (None, 1) => self.two_classes(),
            (None, _) => self.classes(),
            (Some(_), _) => self.weighted(),
        }
    }

    fn records(&self) -> Array2<f64> {
        let shape = (self.matrix.rows(), self.matrix.width());
        Array2::from_shape_vec(shape, self.matrix.values().to_vec())
            .expect("a matrix fills its shape")
    }

    /// linfa sums the gradient over the rows.
    fn tolerance(&self) -> f64 {
        let rows = match self.weights {
            Some(weights) => weights.iter().sum(),
            None => self.matrix.rows() as f64,
        };
        (1e-8 * rows).max(1e-6)
    }

    fn two_classes(&self) -> Result<Linear> {
        let labels: Array1<bool> = self.codes.iter().map(|code| *code == 1).collect();
        let fitted = LogisticRegression::default()
            .alpha(self.settings.l2)
            .max_iterations(self.settings.max_iterations)
            .gradient_tolerance(self.tolerance())
            .fit(&Dataset::new(self.records(), labels))
            .map_err(|error| refused(&error))?;
        // the positive class is the more frequent one
        let sign = if fitted.labels().pos.class { 1.0 } else { -1.0 };
        Ok(Linear {
            weights: fitted.params().iter().map(|weight| sign * weight).collect(),
            bias: vec![sign * fitted.intercept()],
            link: Link::Logit,
        })
    }

    fn classes(&self) -> Result<Linear> {
        let labels: Array1<usize> = self.codes.iter().copied().collect();
        let fitted = MultiLogisticRegression::default()
            .alpha(self.settings.l2)
            .max_iterations(self.settings.max_iterations)
            .gradient_tolerance(self.tolerance())
            .fit(&Dataset::new(self.records(), labels))
            .map_err(|error| refused(&error))?;
        Ok(Linear {
            // `[columns, classes]` there
            weights: fitted.params().t().iter().copied().collect(),
            bias: fitted.intercept().to_vec(),
            link: Link::Softmax,
        })
    }

    fn weighted(&self) -> Result<Linear> {
        let failed = |error: argmin::core::Error| refused(&error);
        let solver = LBFGS::new(MoreThuenteLineSearch::new(), 10)
            .with_tolerance_grad(self.tolerance())
            .map_err(failed)?;
        let start = vec![0.0; (self.matrix.width() + 1) * self.outputs];
        let iterations = self.settings.max_iterations;
        let found = Executor::new(self, solver)
            .configure(|state| state.param(start.clone()).max_iters(iterations))
            .run()
            .map_err(failed)?;
        Ok(self.line(found.state.best_param.as_ref().unwrap_or(&start)))
    }

    /// `[outputs, columns]` and then `[outputs]`.
    fn line(&self, params: &[f64]) -> Linear {
        let (weights, bias) = params.split_at(self.matrix.width() * self.outputs);
        Linear {
            weights: weights.to_vec(),
            bias: bias.to_vec(),
            link: if self.outputs == 1 {
                Link::Logit
            } else {
                Link::Softmax
            },
        }
    }

    fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    /// The penalised loss, summed over the rows.
    fn loss(&self, line: &Linear) -> f64 {
        let squares: f64 = line.weights.iter().map(|weight| weight * weight).sum();
        let mut loss = 0.5 * self.settings.l2 * squares;
        let mut scores = vec![0.0; self.outputs];
        for (row, code) in self.codes.iter().enumerate() {
            raw(line, self.matrix.row(row), &mut scores);
            let lost = if let [score] = scores[..] {
                let towards = if *code == 1 { score } else { -score };
                // ln(1 + exp(-towards)) without overflow
                (-towards).max(0.0) + (-towards.abs()).exp().ln_1p()
            } else {
                let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = scores.iter().map(|score| (score - largest).exp()).sum();
                largest + sum.ln() - scores[*code]
            };
            loss += self.weight(row) * lost;
        }
        loss
    }

    /// The mean loss of a row, without the penalty.
    pub(super) fn mean_log_loss(&self, line: &Linear) -> f64 {
        let unpenalised = Problem {
            settings: Settings {
                l2: 0.0,
                ..self.settings
            },
            ..*self
        };
        let rows: f64 = (0..self.codes.len()).map(|row| self.weight(row)).sum();
        unpenalised.loss(line) / rows
    }

    /// The gradient of the loss, in the order of [`Problem::line`].
    fn slope(&self, line: &Linear) -> Vec<f64> {
        let width = self.matrix.width();
        let mut slope: Vec<f64> = line.weights.iter().map(|w| self.settings.l2 * w).collect();
        slope.resize(slope.len() + self.outputs, 0.0);
        let (weights, bias) = slope.split_at_mut(width * self.outputs);
        let mut scores = vec![0.0; self.outputs];
        for (row, code) in self.codes.iter().enumerate() {
            let x = self.matrix.row(row);
            raw(line, x, &mut scores);
            line.link.apply(&mut scores);
            for (output, chance) in scores.iter().enumerate() {
                let is = if self.outputs == 1 {
                    *code == 1
                } else {
                    *code == output
                };
                let error = self.weight(row) * (chance - f64::from(u8::from(is)));
                bias[output] += error;
                let own = &mut weights[output * width..(output + 1) * width];
                for (sum, x) in own.iter_mut().zip(x) {
                    *sum += error * x;
                }
            }
        }
        slope
    }

    /// The largest component of the gradient, a row.
    pub(super) fn mean_gradient(&self, line: &Linear) -> f64 {
        let rows: f64 = (0..self.codes.len()).map(|row| self.weight(row)).sum();
        // `f64::max` would lose a NaN
        self.slope(line)
            .into_iter()
            .map(|sum| (sum / rows).abs())
            .fold(0.0, |max, x| if x.is_nan() || x > max { x } else { max })
    }
}

impl CostFunction for &Problem<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, params: &Self::Param) -> Result<f64, argmin::core::Error> {
        Ok(self.loss(&self.line(params)))
    }
}

impl Gradient for &Problem<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, params: &Self::Param) -> Result<Vec<f64>, argmin::core::Error> {
        Ok(self.slope(&self.line(params)))
    }
}

/// The scores before the link.
fn raw(line: &Linear, row: &[f64], scores: &mut [f64]) {
    for (output, score) in scores.iter_mut().enumerate() {
        let weights = &line.weights[output * row.len()..(output + 1) * row.len()];
        let terms = weights.iter().zip(row);
        *score = terms.fold(line.bias[output], |sum, (weight, x)| sum + weight * x);
    }
}

fn refused(error: &dyn std::fmt::Display) -> Error {
    Error::Engine {
        engine: "linfa-logistic",
        reason: error.to_string(),
    }
}
