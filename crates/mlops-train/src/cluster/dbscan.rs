//! DBSCAN: clusters of any shape, as rows that lie densely, and rows that belong to none.

use std::collections::BTreeMap;

use linfa::{ParamGuard, traits::Transformer};
use linfa_clustering::Dbscan as Engine;
use linfa_nn::{CommonNearestNeighbour, NearestNeighbour, distance::L2Dist};
use mlops_core::TrainingSet;
use mlops_model::{Centroids, Estimator, Nearest, Output};
use ndarray::{Array1, Array2};

use super::rows::Rows;
use crate::{Encoding, Error, Fitted, Result, error::require, record::params};

const NAME: &str = "dbscan";

/// Joins rows that have many others near by.
///
/// The model keeps the rows that have (core points) and answers the cluster of the nearest one within
/// the radius, else -1. A training row gets the cluster that the fit gave it, unless core points of several
/// clusters lie within its radius.
///
/// # Reference
/// `linfa-clustering` 0.8 (Ester et al. 1996); labels and core points agree with scikit-learn's `DBSCAN`.
#[derive(Debug, Clone, PartialEq)]
pub struct Dbscan {
    radius: f64,
    min_points: usize,
    encoding: Encoding,
}

/// Settings of [`Dbscan`].
#[derive(Debug, Clone)]
pub struct DbscanBuilder(Dbscan);

impl Dbscan {
    /// Starts from the defaults: a radius of 0.5 over scaled columns, 5 rows within it.
    pub fn builder() -> DbscanBuilder {
        DbscanBuilder(Self {
            radius: 0.5,
            min_points: 5,
            encoding: Encoding::default(),
        })
    }
}

impl DbscanBuilder {
    /// How far a neighbour may lie.
    #[must_use]
    pub fn radius(mut self, radius: f64) -> Self {
        self.0.radius = radius;
        self
    }

    /// How many rows, its own among them, a core point has within its radius; at least 2.
    #[must_use]
    pub fn min_points(mut self, points: usize) -> Self {
        self.0.min_points = points;
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
    pub fn build(self) -> Result<Dbscan> {
        let trainer = self.0;
        let radius = trainer.radius;
        let positive = radius.is_finite() && radius > 0.0;
        require(positive, NAME, "radius", &radius, "it must be above 0")?;
        let points = trainer.min_points;
        require(
            points >= 2,
            NAME,
            "min_points",
            &points,
            "it must be at least 2",
        )?;
        trainer.encoding.check(NAME)?;
        Ok(trainer)
    }
}

impl Dbscan {
    /// Fits on the features of all rows; gives the model, and the cluster of each row, -1 for none.
    ///
    /// # Errors
    /// [`Error::WrongRowCount`] if no row has enough neighbours, [`Error::UnsupportedWeights`], and those of
    /// features as in [`Trainer::fit`](crate::Trainer::fit).
    pub fn fit(&self, set: &TrainingSet) -> Result<(Fitted, Vec<i64>)> {
        let rows = Rows::new(set, &self.encoding, NAME)?;
        let params_of = Engine::params(self.min_points)
            .tolerance(self.radius)
            .check()
            .map_err(|error| Error::Engine {
                engine: "linfa-clustering",
                reason: error.to_string(),
            })?;
        let clusters = params_of.transform(&rows.records);
        let (points, labels) = self.core(&rows.records, &clusters)?;
        if labels.is_empty() {
            return Err(Error::WrongRowCount {
                trainer: NAME,
                rows: set.rows(),
                needed: format!("{} within {} of each other", self.min_points, self.radius),
            });
        }
        let mut params = self.params();
        let count = labels.iter().max().map_or(0, |last| last + 1);
        params.insert("clusters".into(), count.to_string());
        params.insert("core_points".into(), labels.len().to_string());
        let centroids = Centroids {
            points,
            labels,
            radius: Some(self.radius),
            answer: Nearest::Label,
        };
        let fitted = Fitted {
            spec: rows.model(Output::Number, Estimator::Centroids(centroids))?,
            params,
            history: BTreeMap::new(),
            importance: Vec::new(),
        };
        let number = |cluster: &Option<usize>| {
            cluster.map_or(-1, |at| i64::try_from(at).expect("fewer than rows"))
        };
        Ok((fitted, clusters.iter().map(number).collect()))
    }

    /// The core points of clusters, and the clusters' numbers.
    fn core(
        &self,
        records: &Array2<f64>,
        clusters: &Array1<Option<usize>>,
    ) -> Result<(Vec<f64>, Vec<u32>)> {
        let mut points = Vec::new();
        let mut labels = Vec::new();
        let refused = |error: &dyn std::fmt::Display| Error::Engine {
            engine: "linfa-nn",
            reason: error.to_string(),
        };
        let index = CommonNearestNeighbour::KdTree
            .from_batch(records, L2Dist)
            .map_err(|error| refused(&error))?;
        for (row, cluster) in records.outer_iter().zip(clusters) {
            let Some(cluster) = cluster else { continue };
            let near = index.within_range(row, self.radius);
            if near.map_err(|error| refused(&error))?.len() >= self.min_points {
                points.extend(row.iter().copied());
                labels.push(u32::try_from(*cluster).expect("a table has fewer than 2^32 rows"));
            }
        }
        Ok((points, labels))
    }

    /// All settings as text, for a run's record.
    pub fn params(&self) -> BTreeMap<String, String> {
        let mut params = params([
            ("radius", self.radius.to_string()),
            ("min_points", self.min_points.to_string()),
        ]);
        params.extend(self.encoding.params());
        params
    }
}
