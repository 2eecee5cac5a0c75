//! How much a class counts, for trainers that can be told so.

use std::collections::BTreeMap;

/// How much the classes count. All but [`ClassWeights::Equal`] make answers that are no longer the
/// probabilities of the training rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum ClassWeights {
    /// Every row counts as its set says.
    #[default]
    Equal,
    /// All classes count the same: a row counts `rows / (classes · rows of its class)` times.
    Balanced,
    /// A row counts as often as stated for its class; a class that is not named counts once. The classes of
    /// a label of two are `0` and `1`.
    Given(BTreeMap<String, f64>),
}
