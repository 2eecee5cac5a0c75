//! Least squares with penalties on the weights' sizes and squares: few of them are left.

use std::collections::BTreeMap;

use linfa::{Dataset, traits::Fit};
use linfa_elasticnet::ElasticNet as Engine;
use mlops_core::TrainingSet;
use ndarray::{Array1, Array2};

use super::design::{Design, prepare};
use crate::{Encoding, Error, Fitted, Result, Trainer, error::require, record::params};

const NAME: &str = "elastic_net";
/// How far, in the labels' deviation, the fit may be from its optimum.
const CONVERGED: f64 = 1e-5;

/// Fits `bias + Σ weight · column` so that half the mean squared error and
/// `penalty · (l1_ratio · Σ|weight| + (1 - l1_ratio) / 2 · Σ weight²)` are least together.
///
/// # Reference
/// `linfa-elasticnet` 0.8 (coordinate descent); weights agree with scikit-learn's `ElasticNet` (`alpha` is
/// the penalty) and `Lasso` on the same scaled columns to 1e-6. linfa centres labels and not columns; both
/// are centred here before it sees them.
#[derive(Debug, Clone, PartialEq)]
pub struct ElasticNet {
    penalty: f64,
    l1_ratio: f64,
    max_iterations: u32,
    encoding: Encoding,
}

/// Settings of [`ElasticNet`].
#[derive(Debug, Clone)]
pub struct ElasticNetBuilder(ElasticNet);

impl ElasticNet {
    /// Starts from the defaults: `penalty` 0.1, `l1_ratio` 0.5, 10 000 rounds, 16 categories a text.
    pub fn builder() -> ElasticNetBuilder {
        ElasticNetBuilder(Self {
            penalty: 0.1,
            l1_ratio: 0.5,
            max_iterations: 10_000,
            encoding: Encoding::default(),
        })
    }
}

impl ElasticNetBuilder {
    /// The weight of both penalties.
    #[must_use]
    pub fn penalty(mut self, penalty: f64) -> Self {
        self.0.penalty = penalty;
        self
    }

    /// The share of the penalty on sizes, above 0; 1 is the lasso. For squares alone there is
    /// [`LinearRegression`](crate::LinearRegression).
    #[must_use]
    #[doc(alias = "lasso")]
    pub fn l1_ratio(mut self, share: f64) -> Self {
        self.0.l1_ratio = share;
        self
    }

    /// How many rounds over all columns the fit may take.
    #[must_use]
    pub fn max_iterations(mut self, iterations: u32) -> Self {
        self.0.max_iterations = iterations;
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
    pub fn build(self) -> Result<ElasticNet> {
        let trainer = self.0;
        let ElasticNet {
            penalty,
            l1_ratio,
            max_iterations,
            ..
        } = trainer;
        let positive = penalty.is_finite() && penalty > 0.0;
        require(positive, NAME, "penalty", &penalty, "it must be above 0")?;
        let share = l1_ratio > 0.0 && l1_ratio <= 1.0;
        let rule = "it must lie above 0 and up to 1";
        require(share, NAME, "l1_ratio", &l1_ratio, rule)?;
        let rule = "it must lie in 1..=1000000";
        let iterations = (1..=1_000_000).contains(&max_iterations);
        require(iterations, NAME, "max_iterations", &max_iterations, rule)?;
        trainer.encoding.check(NAME)?;
        Ok(trainer)
    }
}

impl Trainer for ElasticNet {
    fn name(&self) -> &str {
        NAME
    }

    fn params(&self) -> BTreeMap<String, String> {
        let mut params = params([
            ("penalty", self.penalty.to_string()),
            ("l1_ratio", self.l1_ratio.to_string()),
            ("max_iterations", self.max_iterations.to_string()),
        ]);
        params.extend(self.encoding.params());
        params
    }

    fn fit(&self, set: &TrainingSet) -> Result<Fitted> {
        let prepared = prepare(set, &self.encoding, NAME)?;
        let weights = prepared.weights.as_deref();
        let design = Design::new(&prepared.matrix, &prepared.labels, weights);
        let (rows, width) = design.columns.dim();
        let deviation = (design.labels.dot(&design.labels) / design.total).sqrt();
        if deviation == 0.0 {
            let line = design.line(vec![0.0; width]);
            return design.fitted(prepared, line, self.params());
        }
        // linfa divides by the number of rows, and compares with the smallest numbers there are, so it is
        // given weights that sum to the rows and labels of deviation 1
        let root = (rows as f64 / design.total).sqrt();
        let columns = &design.columns * root;
        let labels = &design.labels * (root / deviation);
        let on_sizes = self.penalty * self.l1_ratio / deviation;
        let on_squares = self.penalty * (1.0 - self.l1_ratio);
        let fitted = Engine::params()
            .with_intercept(false)
            .penalty(on_sizes + on_squares)
            .l1_ratio(on_sizes / (on_sizes + on_squares))
            .tolerance(1e-12)
            .max_iterations(self.max_iterations)
            .fit(&Dataset::new(columns.clone(), labels.clone()))
            .map_err(|error| Error::Engine {
                engine: "linfa-elasticnet",
                reason: error.to_string(),
            })?;
        let weights = fitted.hyperplane();
        let off = distance(&columns, &labels, weights, on_sizes, on_squares);
        if off.is_nan() || off > CONVERGED {
            return Err(Error::NotConverged {
                trainer: NAME,
                iterations: u64::from(self.max_iterations),
                gradient: off,
            });
        }
        let weights = weights.iter().map(|weight| weight * deviation).collect();
        design.fitted(prepared, design.line(weights), self.params())
    }
}

/// How far the weights are from the optimum: the largest component of the least subgradient.
fn distance(
    columns: &Array2<f64>,
    labels: &Array1<f64>,
    weights: &Array1<f64>,
    on_sizes: f64,
    on_squares: f64,
) -> f64 {
    let residuals = labels - &columns.dot(weights);
    let slopes = columns.t().dot(&residuals) / labels.len() as f64;
    let components = slopes.iter().zip(weights).map(|(slope, weight)| {
        let slope = slope - on_squares * weight;
        if *weight == 0.0 {
            (slope.abs() - on_sizes).max(0.0)
        } else {
            (slope - on_sizes * weight.signum()).abs()
        }
    });
    components.fold(0.0, |max, x| if x.is_nan() || x > max { x } else { max })
}
