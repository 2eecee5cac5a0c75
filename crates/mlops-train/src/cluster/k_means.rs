//! k-means: clusters as the rows nearest to one of some centres.

use std::collections::BTreeMap;

use linfa::{Dataset, ParamGuard, traits::Fit};
use linfa_clustering::KMeans as Engine;
use linfa_nn::distance::L2Dist;
use mlops_core::{Seed, TrainingSet};
use mlops_model::{Centroids, Estimator, Nearest, Output};
use ndarray::Array1;
use rand_xoshiro::{Xoshiro256Plus, rand_core::SeedableRng};

use super::rows::Rows;
use crate::{Encoding, Error, Fitted, Result, error::require, record::params};

const NAME: &str = "k_means";

/// Places centres so that the squared distances of all rows to the nearest one are small together.
///
/// # Reference
/// `linfa-clustering` 0.8 (Lloyd's rounds from k-means++); answers are those of its `predict`.
#[derive(Debug, Clone, PartialEq)]
pub struct KMeans {
    clusters: usize,
    runs: usize,
    max_iterations: u64,
    answer: Nearest,
    seed: Seed,
    encoding: Encoding,
}

/// Settings of [`KMeans`].
#[derive(Debug, Clone)]
pub struct KMeansBuilder(KMeans);

impl KMeans {
    /// Starts from the defaults: 8 clusters, 10 runs of 300 rounds, the cluster's number as the answer.
    pub fn builder(seed: Seed) -> KMeansBuilder {
        KMeansBuilder(Self {
            clusters: 8,
            runs: 10,
            max_iterations: 300,
            answer: Nearest::Label,
            seed,
            encoding: Encoding::default(),
        })
    }
}

impl KMeansBuilder {
    /// How many clusters there are.
    #[must_use]
    pub fn clusters(mut self, clusters: usize) -> Self {
        self.0.clusters = clusters;
        self
    }

    /// How often it starts anew; the best run is kept.
    #[must_use]
    pub fn runs(mut self, runs: usize) -> Self {
        self.0.runs = runs;
        self
    }

    /// How many rounds a run may take.
    #[must_use]
    pub fn max_iterations(mut self, iterations: u64) -> Self {
        self.0.max_iterations = iterations;
        self
    }

    /// Whether the model answers the cluster's number or the distance to its centre.
    #[must_use]
    pub fn answer(mut self, answer: Nearest) -> Self {
        self.0.answer = answer;
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
    pub fn build(self) -> Result<KMeans> {
        let trainer = self.0;
        let clusters = trainer.clusters;
        let rule = "it must lie in 1..=1024";
        require(
            (1..=1024).contains(&clusters),
            NAME,
            "clusters",
            &clusters,
            rule,
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
        trainer.encoding.check(NAME)?;
        Ok(trainer)
    }
}

impl KMeans {
    /// Fits on the features of all rows; the model answers one number.
    ///
    /// # Errors
    /// [`Error::WrongRowCount`] if fewer rows differ than there are clusters,
    /// [`Error::UnsupportedWeights`], and those of features as in [`Trainer::fit`](crate::Trainer::fit).
    pub fn fit(&self, set: &TrainingSet) -> Result<Fitted> {
        let rows = Rows::new(set, &self.encoding, NAME)?;
        rows.check_different(self.clusters, NAME)?;
        let refused = |reason: String| Error::Engine {
            engine: "linfa-clustering",
            reason,
        };
        let rng = Xoshiro256Plus::seed_from_u64(self.seed.derive(NAME).0);
        let params_of = Engine::params_with(self.clusters, rng, L2Dist)
            .n_runs(self.runs)
            .max_n_iterations(self.max_iterations)
            .tolerance(1e-9)
            .check()
            .map_err(|error| refused(error.to_string()))?;
        let nothing: Array1<()> = Array1::default(rows.records.nrows());
        let fitted = params_of
            .fit(&Dataset::new(rows.records.clone(), nothing))
            .map_err(|error| refused(error.to_string()))?;
        let centroids = Centroids {
            points: fitted.centroids().iter().copied().collect(),
            labels: (0..self.clusters)
                .map(|label| u32::try_from(label).expect("checked by `build`"))
                .collect(),
            radius: None,
            answer: self.answer,
        };
        Ok(Fitted {
            spec: rows.model(Output::Number, Estimator::Centroids(centroids))?,
            params: self.params(),
            history: BTreeMap::from([("inertia".into(), vec![fitted.inertia()])]),
            importance: Vec::new(),
        })
    }

    /// All settings as text, for a run's record.
    pub fn params(&self) -> BTreeMap<String, String> {
        let mut params = params([
            ("clusters", self.clusters.to_string()),
            ("runs", self.runs.to_string()),
            ("max_iterations", self.max_iterations.to_string()),
            ("seed", self.seed.0.to_string()),
        ]);
        params.extend(self.encoding.params());
        params
    }
}
