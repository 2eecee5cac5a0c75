//! Gaussian mixtures: clusters with a shape, and a probability of belonging to each.

use std::collections::BTreeMap;

use linfa::{Dataset, ParamGuard, traits::Fit};
use linfa_clustering::GaussianMixtureModel as Engine;
use mlops_core::{Seed, TrainingSet};
use mlops_model::{Bayes, Estimator, Likelihood, Link, Output};
use ndarray::{Array1, ArrayView2};
use rand_xoshiro::{Xoshiro256Plus, rand_core::SeedableRng};

use super::rows::Rows;
use crate::{Encoding, Error, Fitted, Result, error::require, record::params};

const NAME: &str = "gaussian_mixture";

/// Fits normal densities with full covariances whose mixture makes the rows most likely.
///
/// # Complexity
/// `rounds · components · rows · columns²`.
///
/// # Reference
/// `linfa-clustering` 0.8 (expectation and maximisation); answers agree with its `predict_proba` to 1e-9.
#[derive(Debug, Clone, PartialEq)]
pub struct GaussianMixture {
    components: usize,
    runs: u64,
    max_iterations: u64,
    ridge: f64,
    seed: Seed,
    encoding: Encoding,
}

/// Settings of [`GaussianMixture`].
#[derive(Debug, Clone)]
pub struct GaussianMixtureBuilder(GaussianMixture);

impl GaussianMixture {
    /// Starts from the defaults: 2 components, 3 runs of 200 rounds, 1e-6 on the variances.
    pub fn builder(seed: Seed) -> GaussianMixtureBuilder {
        GaussianMixtureBuilder(Self {
            components: 2,
            runs: 3,
            max_iterations: 200,
            ridge: 1e-6,
            seed,
            encoding: Encoding::default(),
        })
    }
}

impl GaussianMixtureBuilder {
    /// How many components there are; at least 2, as one tells nothing apart.
    #[must_use]
    pub fn components(mut self, components: usize) -> Self {
        self.0.components = components;
        self
    }

    /// How often it starts anew; the best run is kept.
    #[must_use]
    pub fn runs(mut self, runs: u64) -> Self {
        self.0.runs = runs;
        self
    }

    /// How many rounds a run may take.
    #[must_use]
    pub fn max_iterations(mut self, iterations: u64) -> Self {
        self.0.max_iterations = iterations;
        self
    }

    /// What is added to the variances of the scaled columns, so that none is 0.
    #[must_use]
    pub fn ridge(mut self, ridge: f64) -> Self {
        self.0.ridge = ridge;
        self
    }

    /// How features become columns; nothing is encoded by the label.
    #[must_use]
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.0.encoding = encoding;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for the first one out of its range.
    pub fn build(self) -> Result<GaussianMixture> {
        let trainer = self.0;
        let components = trainer.components;
        let inside = (2..=1024).contains(&components);
        require(
            inside,
            NAME,
            "components",
            &components,
            "it must lie in 2..=1024",
        )?;
        let runs = trainer.runs;
        require(
            (1..=1000).contains(&runs),
            NAME,
            "runs",
            &runs,
            "it must lie in 1..=1000",
        )?;
        let iterations = trainer.max_iterations;
        let rule = "it must lie in 1..=100000";
        let inside = (1..=100_000).contains(&iterations);
        require(inside, NAME, "max_iterations", &iterations, rule)?;
        let ridge = trainer.ridge;
        let positive = ridge.is_finite() && ridge > 0.0;
        require(positive, NAME, "ridge", &ridge, "it must be above 0")?;
        trainer.encoding.check(NAME)?;
        Ok(trainer)
    }
}

impl GaussianMixture {
    /// Fits on the features of all rows; the model answers a probability a component, named by its number.
    ///
    /// # Errors
    /// [`Error::WrongRowCount`] if fewer rows differ than there are components,
    /// [`Error::UnsupportedWeights`], [`Error::Engine`] if no run converges, and those of features as in
    /// [`Trainer::fit`](crate::Trainer::fit).
    pub fn fit(&self, set: &TrainingSet) -> Result<Fitted> {
        let rows = Rows::new(set, &self.encoding, NAME)?;
        rows.check_different(self.components, NAME)?;
        let refused = |reason: String| Error::Engine {
            engine: "linfa-clustering",
            reason,
        };
        let rng = Xoshiro256Plus::seed_from_u64(self.seed.derive(NAME).0);
        let params_of = Engine::params_with_rng(self.components, rng)
            .n_runs(self.runs)
            .max_n_iterations(self.max_iterations)
            .reg_covariance(self.ridge)
            .check()
            .map_err(|error| refused(error.to_string()))?;
        let nothing: Array1<()> = Array1::default(rows.records.nrows());
        let fitted = params_of
            .fit(&Dataset::new(rows.records.clone(), nothing))
            .map_err(|error| refused(error.to_string()))?;
        let mut whitening = Vec::new();
        for covariance in fitted.covariances().outer_iter() {
            let inverse = inverse_root(covariance)
                .ok_or_else(|| refused("a covariance is not positive; raise `ridge`".into()))?;
            whitening.extend(inverse);
        }
        let bayes = Bayes {
            log_priors: fitted.weights().iter().map(|weight| weight.ln()).collect(),
            likelihood: Likelihood::Covariance {
                means: fitted.means().iter().copied().collect(),
                whitening,
            },
            link: Link::Softmax,
        };
        let output = Output::Classes {
            names: (0..self.components).map(|at| at.to_string()).collect(),
        };
        Ok(Fitted {
            spec: rows.model(output, Estimator::Bayes(bayes))?,
            params: self.params(),
            history: BTreeMap::new(),
            importance: Vec::new(),
        })
    }

    /// All settings as text, for a run's record.
    pub fn params(&self) -> BTreeMap<String, String> {
        let mut params = params([
            ("components", self.components.to_string()),
            ("runs", self.runs.to_string()),
            ("max_iterations", self.max_iterations.to_string()),
            ("ridge", self.ridge.to_string()),
            ("seed", self.seed.0.to_string()),
        ]);
        params.extend(self.encoding.params());
        params
    }
}

/// The inverse of the lower triangle `L` with `L Lᵀ` the matrix, row-major; `None` if there is none.
fn inverse_root(matrix: ArrayView2<'_, f64>) -> Option<Vec<f64>> {
    let n = matrix.nrows();
    let mut root = vec![0.0; n * n];
    for row in 0..n {
        for column in 0..=row {
            let known: f64 = (0..column)
                .map(|k| root[row * n + k] * root[column * n + k])
                .sum();
            let left = matrix[[row, column]] - known;
            root[row * n + column] = if row == column {
                if left <= 0.0 || left.is_nan() {
                    return None;
                }
                left.sqrt()
            } else {
                left / root[column * n + column]
            };
        }
    }
    let mut inverse = vec![0.0; n * n];
    for column in 0..n {
        inverse[column * n + column] = 1.0 / root[column * n + column];
        for row in column + 1..n {
            let known: f64 = (column..row)
                .map(|k| root[row * n + k] * inverse[k * n + column])
                .sum();
            inverse[row * n + column] = -known / root[row * n + row];
        }
    }
    Some(inverse)
}
