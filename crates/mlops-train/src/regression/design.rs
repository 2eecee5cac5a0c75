//! A training set as a centred system of equations, and its solution as a model.

use std::collections::BTreeMap;

use mlops_core::{Target, TrainingSet};
use mlops_model::{Estimator, Linear, Link, Matrix, ModelSpec};
use ndarray::{Array1, Array2};

use crate::{
    Encoding, Error, Fitted, Result,
    prepare::{Numerics, Prepared, target},
    record::importance,
};

/// Columns and labels less their means, every row times the root of its weight.
#[derive(Debug)]
pub(super) struct Design {
    /// `[rows, columns]`.
    pub(super) columns: Array2<f64>,
    /// `[rows]`.
    pub(super) labels: Array1<f64>,
    /// The sum of the rows' weights.
    pub(super) total: f64,
    column_means: Vec<f64>,
    label_mean: f64,
}

/// The set as a trainer of numbers reads it.
pub(super) fn prepare(
    set: &TrainingSet,
    encoding: &Encoding,
    trainer: &'static str,
) -> Result<Prepared<Vec<f64>>> {
    let target = target(set)?;
    let Target::Number(labels) = &target else {
        return Err(Error::UnsupportedTask {
            trainer,
            task: target.task(),
        });
    };
    Prepared::encoded(set, labels.clone(), &target, Numerics::Scaled, encoding)
}

impl Design {
    pub(super) fn new(matrix: &Matrix, labels: &[f64], weights: Option<&[f64]>) -> Self {
        let weights = weights.map_or_else(|| vec![1.0; labels.len()], <[f64]>::to_vec);
        let total: f64 = weights.iter().sum();
        let mut column_means = vec![0.0; matrix.width()];
        let mut label_mean = 0.0;
        for (row, weight) in weights.iter().enumerate() {
            let share = weight / total;
            label_mean += share * labels[row];
            for (mean, x) in column_means.iter_mut().zip(matrix.row(row)) {
                *mean += share * x;
            }
        }
        let shape = (matrix.rows(), matrix.width());
        let columns = Array2::from_shape_fn(shape, |(row, column)| {
            weights[row].sqrt() * (matrix.row(row)[column] - column_means[column])
        });
        let centred = Array1::from_shape_fn(matrix.rows(), |row| {
            weights[row].sqrt() * (labels[row] - label_mean)
        });
        Self {
            columns,
            labels: centred,
            total,
            column_means,
            label_mean,
        }
    }

    /// The line of these weights of the columns.
    pub(super) fn line(&self, weights: Vec<f64>) -> Linear {
        let terms = weights.iter().zip(&self.column_means);
        let shift: f64 = terms.map(|(weight, mean)| weight * mean).sum();
        Linear {
            weights,
            bias: vec![self.label_mean - shift],
            link: Link::Identity,
        }
    }

    /// The model of a line, and how well it fits.
    pub(super) fn fitted(
        &self,
        prepared: Prepared<Vec<f64>>,
        line: Linear,
        params: BTreeMap<String, String>,
    ) -> Result<Fitted> {
        let mut squares = 0.0;
        for (row, label) in self.columns.outer_iter().zip(&self.labels) {
            let found: f64 = row.iter().zip(&line.weights).map(|(x, w)| x * w).sum();
            squares += (found - label).powi(2);
        }
        let sizes: Vec<f64> = line.weights.iter().map(|weight| weight.abs()).collect();
        let importance = importance(prepared.preprocess.output_names(), &sizes);
        let rmse = (squares / self.total).sqrt();
        Ok(Fitted {
            spec: ModelSpec::new(
                prepared.signature,
                prepared.preprocess,
                Estimator::Linear(line),
            )?,
            params,
            history: BTreeMap::from([("train_rmse".into(), vec![rmse])]),
            importance,
        })
    }
}
