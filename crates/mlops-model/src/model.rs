//! The trait that serving calls, and the memory it reuses.

use std::fmt::Debug;

use arrow::array::RecordBatch;
use mlops_core::Value;

use crate::{Error, Matrix, Result, Signature, sequence::Memory};

/// A model that predicts.
///
/// # Contract
/// - Both ways of predicting check their input against [`Model::signature`] and answer alike, bit for bit.
/// - The same input gives the same answer, however often and from however many threads it is asked.
/// - An answer has [`Output::width`](crate::Output::width) numbers and all are finite; probabilities lie
///   in 0..=1, and those of classes sum to 1 but for rounding.
pub trait Model: Send + Sync + Debug {
    /// What is read and answered.
    fn signature(&self) -> &Signature;

    /// The family of the estimator, for instance `trees`.
    fn family(&self) -> &str;

    /// The answers for all rows of a batch whose columns are found by name, in any order.
    ///
    /// # Shapes
    /// `[rows, outputs]`.
    ///
    /// # Errors
    /// Those of [`Signature::check_batch`], and
    /// [`Error::PredictionNotFinite`]; each names its row.
    fn predict(&self, batch: &RecordBatch) -> Result<Matrix>;

    /// The answer for one row in the signature's order, in memory of `scratch`. Nothing is allocated
    /// once `scratch` was used with this model.
    ///
    /// # Shapes
    /// `[outputs]`.
    ///
    /// # Errors
    /// Those of [`Signature::check_row`], and [`Error::PredictionNotFinite`].
    fn predict_row<'s>(&self, row: &[Value], scratch: &'s mut Scratch) -> Result<&'s [f64]>;

    /// [`Model::predict`] of a model with one output: a number a row.
    ///
    /// # Errors
    /// [`Error::SeveralOutputs`] for a model with more, and those of [`Model::predict`].
    fn predict_values(&self, batch: &RecordBatch) -> Result<Vec<f64>> {
        one_output(self.signature())?;
        Ok(self.predict(batch)?.into_values())
    }

    /// [`Model::predict_row`] of a model with one output.
    ///
    /// # Errors
    /// [`Error::SeveralOutputs`] for a model with more, and those of [`Model::predict_row`].
    fn predict_value(&self, row: &[Value], scratch: &mut Scratch) -> Result<f64> {
        one_output(self.signature())?;
        Ok(self.predict_row(row, scratch)?[0])
    }
}

fn one_output(signature: &Signature) -> Result<()> {
    match signature.output().width() {
        1 => Ok(()),
        outputs => Err(Error::SeveralOutputs { outputs }),
    }
}

/// Memory that [`Model::predict_row`] works in. One a thread; it fits any model.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    pub(crate) encoded: Vec<f64>,
    pub(crate) answer: Vec<f64>,
    pub(crate) work: Work,
}

/// Memory of estimators.
#[derive(Debug, Clone, Default)]
pub(crate) struct Work {
    pub(crate) layer: Vec<f64>,
    pub(crate) next_layer: Vec<f64>,
    pub(crate) spread: Vec<f64>,
    /// What a network over sequences works in.
    pub(crate) sequence: Memory,
    /// Lists that an ensemble takes and gives back, one a level of nesting.
    pub(crate) spare: Vec<Vec<f64>>,
}

impl Scratch {
    /// No memory yet.
    pub fn new() -> Self {
        Self::default()
    }
}
