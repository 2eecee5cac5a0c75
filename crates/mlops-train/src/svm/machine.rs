//! One machine, as linfa fits it, and its sigmoid.

use linfa::{
    Dataset, ParamGuard,
    composing::platt_scaling::{Platt, platt_newton_method},
    traits::Fit,
};
use linfa_svm::Svm as Engine;
use mlops_model::{Curve, Kernel, Matrix};
use ndarray::{Array1, Array2};

use crate::{Error, Result};

/// Parts that take turns in being held out.
const FOLDS: usize = 3;

/// How a machine is fitted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) kernel: Kernel,
    pub(super) cost: f64,
    pub(super) tube: f64,
}

/// `Σ coefficient · kernel(row, x) + bias`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Machine {
    /// `[rows]` of the training set; most are 0.
    pub(super) coefficients: Vec<f64>,
    pub(super) bias: f64,
}

pub(super) fn records(matrix: &Matrix, rows: &[usize]) -> Array2<f64> {
    Array2::from_shape_fn((rows.len(), matrix.width()), |(at, column)| {
        matrix.row(rows[at])[column]
    })
}

impl Settings {
    /// linfa permutes its answer wrongly when it shrinks its problem, so it may not.
    fn of<T>(&self, params: linfa_svm::SvmParams<f64, T>) -> linfa_svm::SvmParams<f64, T> {
        let params = params.eps(1e-7).shrinking(false);
        match self.kernel {
            Kernel::Rbf { gamma } => params.gaussian_kernel(1.0 / gamma),
            Kernel::Polynomial {
                constant, degree, ..
            } => params.polynomial_kernel(constant, f64::from(degree)),
            _ => params.linear_kernel(),
        }
    }

    /// Tells the rows of a class from the others.
    pub(super) fn classify(
        &self,
        matrix: &Matrix,
        rows: &[usize],
        labels: &[bool],
    ) -> Result<Machine> {
        let own: Array1<bool> = rows.iter().map(|row| labels[*row]).collect();
        let fitted = self
            .of(Engine::<f64, bool>::params())
            .pos_neg_weights(self.cost, self.cost)
            .fit(&Dataset::new(records(matrix, rows), own))
            .map_err(|error| refused(&error))?;
        machine(&fitted.alpha, fitted.rho, rows, matrix.rows())
    }

    /// Fits a number of deviation 1.
    pub(super) fn regress(&self, matrix: &Matrix, labels: Vec<f64>) -> Result<Machine> {
        let rows: Vec<usize> = (0..matrix.rows()).collect();
        let fitted = self
            .of(Engine::<f64, f64>::params())
            .c_svr(self.cost, Some(self.tube))
            .fit(&Dataset::new(records(matrix, &rows), Array1::from(labels)))
            .map_err(|error| refused(&error))?;
        machine(&fitted.alpha, fitted.rho, &rows, matrix.rows())
    }

    /// The sigmoid of a class, by scores of rows that were held out.
    pub(super) fn curve(&self, matrix: &Matrix, labels: &[bool], whole: &Machine) -> Result<Curve> {
        let mut seen = [0; 2];
        // the rows of both classes are dealt evenly
        let folds: Vec<usize> = labels
            .iter()
            .map(|label| {
                let count = &mut seen[usize::from(*label)];
                *count += 1;
                (*count - 1) % FOLDS
            })
            .collect();
        let mut scores = Array1::zeros(labels.len());
        for fold in 0..FOLDS {
            let (held, rows): (Vec<usize>, Vec<usize>) =
                (0..labels.len()).partition(|row| folds[*row] == fold);
            let both = [true, false]
                .iter()
                .all(|class| rows.iter().any(|row| labels[*row] == *class));
            // a class of one row cannot be held out
            let machine = if both {
                &self.classify(matrix, &rows, labels)?
            } else {
                whole
            };
            for row in held {
                scores[row] = machine.score(self.kernel, matrix, matrix.row(row));
            }
        }
        let labels = Array1::from(labels.to_vec());
        let params = Platt::<f64, ()>::params()
            .check()
            .map_err(|e| refused(&e))?;
        let (a, b) = platt_newton_method(scores.view(), labels.view(), &params)
            .map_err(|error| refused(&error))?;
        Ok(Curve::Sigmoid {
            slope: -a,
            intercept: -b,
        })
    }
}

fn machine(alpha: &[f64], rho: f64, rows: &[usize], all: usize) -> Result<Machine> {
    let mut coefficients = vec![0.0; all];
    for (row, alpha) in rows.iter().zip(alpha) {
        // what linfa counts as a support vector
        if alpha.abs() > 100.0 * f64::EPSILON {
            coefficients[*row] = *alpha;
        }
    }
    if !rho.is_finite() || coefficients.iter().any(|x| !x.is_finite()) {
        return Err(refused(&"the fit left the real numbers"));
    }
    Ok(Machine {
        coefficients,
        bias: -rho,
    })
}

impl Machine {
    /// The score of a row.
    pub(super) fn score(&self, kernel: Kernel, matrix: &Matrix, row: &[f64]) -> f64 {
        let vectors = self
            .coefficients
            .iter()
            .enumerate()
            .filter(|(_, c)| **c != 0.0);
        vectors.fold(self.bias, |sum, (at, coefficient)| {
            sum + coefficient * kernel.apply(matrix.row(at), row)
        })
    }
}

fn refused(error: &dyn std::fmt::Display) -> Error {
    Error::Engine {
        engine: "linfa-svm",
        reason: error.to_string(),
    }
}
