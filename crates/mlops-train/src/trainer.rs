//! The one contract of this crate: a training set goes in, a model that needs no trainer comes out.

use std::{collections::BTreeMap, fmt::Debug};

use mlops_core::TrainingSet;
use mlops_model::ModelSpec;

use crate::Result;

/// Fits a model for what the set's label asks for: two classes, several, or a number (see
/// [`Target`](mlops_core::Target)).
///
/// The contract, which [`conformance`](crate::conformance) checks case by case:
///
/// - *Determinism.* The same trainer and the same rows give the same model, bit for bit, on a CPU.
/// - *Positive class.* Of two classes the model answers the probability of label 1 (`true`), however rare
///   it is; of several, one probability each, in the order of their names.
/// - *Weights.* A row of weight 2 counts as two rows, where the set has weights; a trainer that cannot do
///   so refuses the set.
/// - *Independence.* The model predicts by itself; nothing of the trainer's library is in it.
/// - *Signature.* The model reads the set's features by name; what is nullable there may be null.
/// - *Robustness.* Constant and wholly null features are ignored, unseen categories are no error.
pub trait Trainer: Send + Sync + Debug {
    /// A short name, for instance `boosting`.
    fn name(&self) -> &str;

    /// All settings as text, for a run's record.
    fn params(&self) -> BTreeMap<String, String>;

    /// Fits on all rows.
    ///
    /// # Errors
    /// [`Error::UnsupportedTask`](crate::Error::UnsupportedTask) for a label of a kind that it does not learn,
    /// [`Error::SingleClass`](crate::Error::SingleClass), a label that is neither 0 nor 1 or a number
    /// that is not finite, [`Error::UnsupportedColumn`](crate::Error::UnsupportedColumn),
    /// [`Error::NoUsableFeature`](crate::Error::NoUsableFeature), and those of the trainer.
    fn fit(&self, set: &TrainingSet) -> Result<Fitted>;
}

/// A fitted model and what is worth recording about the fit.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// The model.
    pub spec: ModelSpec,
    /// The trainer's settings, and what the fit chose, for instance `best_trees`.
    pub params: BTreeMap<String, String>,
    /// Series by name, one number a round or epoch, for instance `validation_log_loss`.
    pub history: BTreeMap<String, Vec<f64>>,
    /// How much each encoded column matters, the most important first; shares that sum to 1.
    pub importance: Vec<(String, f64)>,
}
