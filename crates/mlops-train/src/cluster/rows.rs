//! A training set's features without its label.

use std::collections::BTreeSet;

use mlops_core::{Target, TrainingSet};
use mlops_model::{Estimator, ModelSpec, Output, Preprocess, Signature};
use ndarray::Array2;

use crate::{
    Encoding, Error, Result,
    prepare::{Numerics, Prepared, model_of},
};

/// Scaled rows.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) records: Array2<f64>,
    signature: Signature,
    preprocess: Preprocess,
}

impl Rows {
    pub(super) fn new(
        set: &TrainingSet,
        encoding: &Encoding,
        trainer: &'static str,
    ) -> Result<Self> {
        if set.weights().is_some() {
            return Err(Error::UnsupportedWeights { trainer });
        }
        // the label is not looked at
        let target = Target::Number(vec![0.0; set.rows()]);
        let encoding = Encoding {
            target: None,
            ..encoding.clone()
        };
        let prepared = Prepared::encoded(set, (), &target, Numerics::Scaled, &encoding)?;
        let shape = (prepared.matrix.rows(), prepared.matrix.width());
        let records = Array2::from_shape_vec(shape, prepared.matrix.into_values())
            .expect("a matrix fills its shape");
        Ok(Self {
            records,
            signature: prepared.signature,
            preprocess: prepared.preprocess,
        })
    }

    /// Refuses rows of which fewer differ from each other than `needed`.
    pub(super) fn check_different(&self, needed: usize, trainer: &'static str) -> Result<()> {
        let bits = |row: ndarray::ArrayView1<'_, f64>| -> Vec<u64> {
            // 0 and -0 are the same place
            row.iter().map(|x| (x + 0.0).to_bits()).collect()
        };
        let rows: BTreeSet<Vec<u64>> = self.records.outer_iter().map(bits).collect();
        if rows.len() >= needed {
            return Ok(());
        }
        Err(Error::WrongRowCount {
            trainer,
            rows: rows.len(),
            needed: format!("at least {needed} different"),
        })
    }

    /// The estimator as a model of these features, with its own output.
    pub(super) fn model(&self, output: Output, estimator: Estimator) -> Result<ModelSpec> {
        model_of(&self.signature, &self.preprocess, output, estimator)
    }
}
