//! Least squares, with a penalty on squared weights if asked for.

use std::collections::BTreeMap;

use linfa::{Dataset, traits::Fit};
use linfa_linear::LinearRegression as Engine;
use mlops_core::TrainingSet;
use mlops_model::{Linear, Matrix};
use ndarray::{Array1, Array2, Axis, concatenate};

use super::design::{Design, prepare};
use crate::{Encoding, Error, Fitted, Result, Trainer, error::require, record::params};

const NAME: &str = "linear_regression";

/// Fits `bias + Σ weight · column` by least squares.
///
/// The penalty is small by default and not 0, so that columns that depend on each other, as those of a
/// one-hot text do, have one solution.
///
/// # Complexity
/// About `rows · columns²`.
///
/// # Reference
/// `linfa-linear` 0.8 (QR); weights agree with scikit-learn's `LinearRegression` (`l2` 0) and `Ridge`
/// (`alpha`) on the same scaled columns to 1e-9.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearRegression {
    l2: f64,
    encoding: Encoding,
}

/// Settings of [`LinearRegression`].
#[derive(Debug, Clone)]
pub struct LinearRegressionBuilder(LinearRegression);

impl LinearRegression {
    /// Starts from the defaults: `l2` 1e-6, 16 categories a text.
    pub fn builder() -> LinearRegressionBuilder {
        LinearRegressionBuilder(Self {
            l2: 1e-6,
            encoding: Encoding::default(),
        })
    }
}

impl LinearRegressionBuilder {
    /// The weight of the squared weights beside the summed squared errors (ridge); 0 turns it off, and
    /// columns that depend on each other are an error then.
    #[must_use]
    #[doc(alias = "ridge")]
    pub fn l2(mut self, l2: f64) -> Self {
        self.0.l2 = l2;
        self
    }

    /// How features become columns.
    #[must_use]
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.0.encoding = encoding;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for the first one out of its range.
    pub fn build(self) -> Result<LinearRegression> {
        let trainer = self.0;
        let l2 = trainer.l2.is_finite() && trainer.l2 >= 0.0;
        require(l2, NAME, "l2", &trainer.l2, "it must be at least 0")?;
        trainer.encoding.check(NAME)?;
        Ok(trainer)
    }
}

impl Trainer for LinearRegression {
    fn name(&self) -> &str {
        NAME
    }

    fn params(&self) -> BTreeMap<String, String> {
        let mut params = params([("l2", self.l2.to_string())]);
        params.extend(self.encoding.params());
        params
    }

    fn fit(&self, set: &TrainingSet) -> Result<Fitted> {
        let prepared = prepare(set, &self.encoding, NAME)?;
        let weights = prepared.weights.as_deref();
        let design = Design::new(&prepared.matrix, &prepared.labels, weights);
        let line = design.line(solve(&design, self.l2)?);
        design.fitted(prepared, line, self.params())
    }
}

/// The line over the columns of a matrix, fitted as [`LinearRegression`] fits it.
pub(crate) fn line(
    matrix: &Matrix,
    labels: &[f64],
    weights: Option<&[f64]>,
    l2: f64,
) -> Result<Linear> {
    let design = Design::new(matrix, labels, weights);
    Ok(design.line(solve(&design, l2)?))
}

fn solve(design: &Design, l2: f64) -> Result<Vec<f64>> {
    let (rows, width) = design.columns.dim();
    let (mut columns, mut labels) = (design.columns.clone(), design.labels.clone());
    if l2 > 0.0 {
        // a row a column that pulls its weight to 0
        let penalty = Array2::from_diag(&Array1::from_elem(width, l2.sqrt()));
        columns = concatenate(Axis(0), &[columns.view(), penalty.view()])
            .expect("both have a column a weight");
        let zeros = Array1::zeros(width);
        labels = concatenate(Axis(0), &[labels.view(), zeros.view()]).expect("lists have one axis");
    } else if rows <= width {
        return Err(too_few(rows, width));
    }
    let fitted = Engine::new()
        .with_intercept(false)
        .fit(&Dataset::new(columns, labels))
        .map_err(|error| Error::Engine {
            engine: "linfa-linear",
            reason: format!("{error}; columns may depend on each other, raise `l2`"),
        })?;
    Ok(fitted.params().to_vec())
}

fn too_few(rows: usize, width: usize) -> Error {
    Error::Engine {
        engine: "linfa-linear",
        reason: format!("{rows} rows cannot tell {width} weights and a bias; raise `l2`"),
    }
}
