//! What a fit tells while it goes on, and what it can go on from.

use serde::{Deserialize, Serialize};

use crate::gbdt::{Checkpoint, Round};

/// A round that a fit has done.
#[derive(Debug)]
pub struct BoostingProgress<'a> {
    pub(super) rounds: usize,
    pub(super) again: bool,
    pub(super) last: Round,
    pub(super) chosen: Option<&'a Chosen>,
    pub(super) fit: &'a Checkpoint,
}

impl BoostingProgress<'_> {
    /// The rounds done so far.
    pub fn rounds(&self) -> usize {
        self.rounds
    }

    /// Whether all rows are being fitted again, with the number of rounds that early stopping chose.
    pub fn is_refit(&self) -> bool {
        self.again
    }

    /// The mean loss on the rows that are fitted.
    pub fn train_loss(&self) -> Option<f64> {
        self.last.train_loss
    }

    /// The mean loss on the rows that decide when to stop.
    pub fn validation_loss(&self) -> Option<f64> {
        self.last.validation_loss
    }

    /// What is watched on those rows, unless it is the loss.
    pub fn watched(&self) -> Option<f64> {
        self.last.watched
    }

    /// The fit so far, to keep; [`Boosting::resume`](super::Boosting::resume) goes on from it.
    ///
    /// # Complexity
    /// A copy of all trees so far.
    pub fn checkpoint(&self) -> BoostingCheckpoint {
        BoostingCheckpoint {
            chosen: self.chosen.cloned(),
            fit: self.fit.clone(),
        }
    }
}

/// A fit after some rounds.
///
/// It is plain data for any format of serde that keeps floats whole. It holds no rows; those it was
/// fitted on must be brought again, and others are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoostingCheckpoint {
    pub(super) chosen: Option<Chosen>,
    pub(super) fit: Checkpoint,
}

/// What early stopping found before all rows are fitted again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Chosen {
    pub(super) best: usize,
    pub(super) rounds: Vec<Round>,
}
