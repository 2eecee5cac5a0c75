//! What decides when a fit has gone on for long enough.

use mlops_core::{
    Target,
    metric::{self, weighted},
};
use serde::{Deserialize, Serialize};

use crate::{Result, error::require};

/// The number on the held-out rows that says which epoch, or which round, is best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Watched {
    /// What is minimised; the least is best.
    #[default]
    Loss,
    /// The area under the ROC curve, for two classes.
    RocAuc,
    /// The average precision, for two classes.
    PrAuc,
    /// The share of rows whose most probable class is theirs.
    Accuracy,
    /// The mean absolute error, for numbers; the least is best.
    AbsoluteError,
}

impl Watched {
    /// Its name in a history.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::RocAuc => "roc_auc",
            Self::PrAuc => "pr_auc",
            Self::Accuracy => "accuracy",
            Self::AbsoluteError => "absolute_error",
        }
    }

    /// Whether the first is better than the second.
    pub(crate) fn better(self, a: f64, b: f64) -> bool {
        match self {
            Self::Loss | Self::AbsoluteError => a < b,
            Self::RocAuc | Self::PrAuc | Self::Accuracy => a > b,
        }
    }

    /// Whether it asks for both of two classes.
    pub(crate) fn ranks(self) -> bool {
        matches!(self, Self::RocAuc | Self::PrAuc)
    }

    /// Refuses labels that it is not made for.
    pub(crate) fn check(self, owner: &'static str, labels: &Target) -> Result<()> {
        let (fits, rule) = match self {
            Self::Loss => (true, ""),
            Self::RocAuc | Self::PrAuc => {
                (matches!(labels, Target::Binary(_)), "it is for two classes")
            }
            Self::Accuracy => (!matches!(labels, Target::Number(_)), "it is for classes"),
            Self::AbsoluteError => (matches!(labels, Target::Number(_)), "it is for numbers"),
        };
        require(fits, owner, "watched", &self.name(), rule)
    }

    /// The area of scores that rank two classes; `None` for what is no area.
    pub(crate) fn area(
        self,
        labels: &[bool],
        scores: &[f64],
        weights: Option<&[f64]>,
    ) -> Option<Result<f64>> {
        let found = match (self, weights) {
            (Self::RocAuc, None) => metric::roc_auc(labels, scores),
            (Self::RocAuc, Some(weights)) => weighted::roc_auc(labels, scores, weights),
            (Self::PrAuc, None) => metric::pr_auc(labels, scores),
            (Self::PrAuc, Some(weights)) => weighted::pr_auc(labels, scores, weights),
            _ => return None,
        };
        Some(found.map_err(Into::into))
    }
}
