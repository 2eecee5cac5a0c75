//! The profile of a whole reference: its columns, its predictions and its label rate.

use arrow::array::RecordBatch;
use mlops_core::{Digest, Probability};
use serde::{Deserialize, Serialize};

use super::{ColumnProfile, ProfileBuilder, format};
use crate::Result;

/// The distributions that a model was trained on, as counts in fixed bins.
///
/// ```
/// use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
/// use mlops_drift::ReferenceProfile;
/// use std::sync::Arc;
///
/// let amounts: ArrayRef = Arc::new(Float64Array::from_iter_values((0..1_000).map(f64::from)));
/// let features = RecordBatch::try_from_iter([("amount", amounts)]).expect("one column");
/// let profile = ReferenceProfile::build(&features, None)?;
/// assert_eq!(ReferenceProfile::from_json(&profile.to_json())?, profile);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "format::Stored", into = "format::Stored")]
pub struct ReferenceProfile {
    pub(crate) rows: u64,
    pub(crate) columns: Vec<ColumnProfile>,
    pub(crate) prediction: Option<ColumnProfile>,
    pub(crate) label_rate: Option<Probability>,
}

impl ReferenceProfile {
    /// The version of the JSON form that [`ReferenceProfile::to_json`] writes.
    pub const SCHEMA_VERSION: u64 = 1;

    /// The profile of some feature columns and, where given, of the model's predictions.
    ///
    /// Take predictions on rows that the model has *not* been fitted on, as many as there are: on its own
    /// training rows a model is too sure of itself, and every later window looks like drift.
    ///
    /// # Errors
    /// Those of [`ProfileBuilder::build`], with the builder's defaults.
    pub fn build(features: &RecordBatch, predictions: Option<&[f64]>) -> Result<Self> {
        Self::builder().build(features, predictions)
    }

    /// Settings for another number of bins, columns to leave out, labels.
    pub fn builder() -> ProfileBuilder {
        ProfileBuilder::default()
    }

    /// The reference's rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The columns, in the order of the batch.
    pub fn columns(&self) -> &[ColumnProfile] {
        &self.columns
    }

    /// A column by name.
    pub fn column(&self, name: &str) -> Option<&ColumnProfile> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The model's predictions on the reference.
    pub fn prediction(&self) -> Option<&ColumnProfile> {
        self.prediction.as_ref()
    }

    /// The share of positive labels in the reference, where it was stated.
    pub fn label_rate(&self) -> Option<Probability> {
        self.label_rate
    }

    /// The digest of the JSON form: windows and reports name the profile by it.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_json())
    }

    /// The JSON form; equal profiles give equal bytes.
    pub fn to_json(&self) -> Vec<u8> {
        format::write(self)
    }

    /// Reads the JSON form and checks everything in it against everything else.
    ///
    /// # Errors
    /// [`Error::ProfileTooLarge`](crate::Error::ProfileTooLarge),
    /// [`Error::UnsupportedSchema`](crate::Error::UnsupportedSchema) for a later version, and
    /// [`Error::InvalidProfile`](crate::Error::InvalidProfile) for all else that no
    /// [`ReferenceProfile::build`] could have written.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        format::read(bytes)
    }
}
