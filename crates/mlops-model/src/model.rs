//! The trait that serving calls, and the memory it reuses.

use std::fmt::Debug;

use arrow::array::RecordBatch;
use mlops_core::Value;

use crate::{Result, Signature};

/// A model that predicts.
///
/// # Contract
/// - Both ways of predicting check their input against [`Model::signature`] and answer alike, bit for bit.
/// - The same input gives the same answer, however often and from however many threads it is asked.
/// - An answer is finite; where the output is a probability it lies in 0..=1.
pub trait Model: Send + Sync + Debug {
    /// What is read and answered.
    fn signature(&self) -> &Signature;

    /// The family of the estimator, for instance `trees`.
    fn family(&self) -> &str;

    /// The answers for all rows of a batch whose columns are found by name, in any order.
    ///
    /// # Errors
    /// Those of [`Signature::check_batch`], and
    /// [`Error::PredictionNotFinite`](crate::Error::PredictionNotFinite); each names its row.
    fn predict(&self, batch: &RecordBatch) -> Result<Vec<f64>>;

    /// The answer for one row in the signature's order. Nothing is allocated once `scratch` was used
    /// with this model.
    ///
    /// # Errors
    /// Those of [`Signature::check_row`], and
    /// [`Error::PredictionNotFinite`](crate::Error::PredictionNotFinite).
    fn predict_row(&self, row: &[Value], scratch: &mut Scratch) -> Result<f64>;
}

/// Memory that [`Model::predict_row`] works in. One a thread; it fits any model.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    pub(crate) encoded: Vec<f64>,
    pub(crate) layer: Vec<f64>,
    pub(crate) next_layer: Vec<f64>,
}

impl Scratch {
    /// No memory yet.
    pub fn new() -> Self {
        Self::default()
    }
}
