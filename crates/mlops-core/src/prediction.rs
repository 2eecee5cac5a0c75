//! What a model answered, and what then came true.

use serde::{Deserialize, Serialize};

use crate::{EntityKey, Error, EventTime, ModelName, Result, Value};

/// A number in `0..=1`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Probability(f64);

impl Probability {
    /// Checks the number.
    ///
    /// # Errors
    /// [`Error::InvalidProbability`] if it is outside `0..=1` or not a number.
    pub fn new(value: f64) -> Result<Self> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(Error::InvalidProbability { value })
        }
    }

    /// The number.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Probability {
    type Error = Error;
    fn try_from(value: f64) -> Result<Self> {
        Self::new(value)
    }
}

impl From<Probability> for f64 {
    fn from(value: Probability) -> Self {
        value.0
    }
}

/// The number of a model version, counted from 1 and never used twice.
pub type VersionNumber = u32;

/// One answer of an endpoint, with what is needed to explain it and to monitor it later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictionRecord {
    /// Unique within the prediction log; outcomes are joined on it.
    pub id: String,
    /// When the answer was given.
    pub time: EventTime,
    /// The model.
    pub model: ModelName,
    /// The version that answered.
    pub version: VersionNumber,
    /// The entity asked about, if the request named one.
    pub key: Option<EntityKey>,
    /// The model's inputs in the order of its signature.
    pub features: Vec<(String, Value)>,
    /// The answer: a probability, a number for a regression, or the position of the most probable class
    /// among the model's; the first of several numbers.
    pub prediction: f64,
    /// All numbers of the answer where there are several, a probability a class for instance; empty where
    /// `prediction` says it all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<f64>,
}

/// What came true for an earlier prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutcomeRecord {
    /// The `id` of the prediction.
    pub prediction_id: String,
    /// When it became known.
    pub time: EventTime,
    /// What came true: 0 or 1, a number for a regression, or the position of a class among several.
    pub outcome: f64,
}
