//! The settings of boosting, one by one.

use std::collections::BTreeMap;

use mlops_core::Seed;
use serde::{Deserialize, Serialize};

use super::{Boosting, trainer::NAME};
use crate::{
    ClassWeights, Result, Watched,
    error::require,
    gbdt::{Goss, Objective},
    prepare::check_categories,
};

/// What a model of a numeric label makes small.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Loss {
    /// The squared difference; the answer is a mean.
    #[default]
    Squared,
    /// The absolute difference; the answer is a median.
    Absolute,
    /// The pinball loss; the answer is a quantile.
    Quantile {
        /// The share of labels below the answer, between 0 and 1.
        alpha: f64,
    },
    /// Squared up to a difference of `delta`, straight beyond, so that outliers count less.
    Huber {
        /// Where the loss becomes straight, in units of the label.
        delta: f64,
    },
    /// The Poisson deviance for counts and other labels from 0 on; trees add up to the logarithm.
    Poisson,
}

impl Loss {
    pub(super) fn objective(self) -> Objective {
        match self {
            Self::Squared => Objective::SquaredError,
            Self::Absolute => Objective::AbsoluteError,
            Self::Quantile { alpha } => Objective::Quantile { alpha },
            Self::Huber { delta } => Objective::Huber { delta },
            Self::Poisson => Objective::Poisson,
        }
    }
}

/// How the answer may move with a number, all else alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Monotone {
    /// It never falls as the number rises.
    Rising,
    /// It never rises as the number rises.
    Falling,
}

/// Settings of [`Boosting`].
#[derive(Debug, Clone)]
pub struct BoostingBuilder(Boosting);

impl Default for BoostingBuilder {
    fn default() -> Self {
        Self(Boosting {
            settings: crate::gbdt::Settings {
                rounds: 300,
                l2: 1.0,
                max_depth: DEEPEST,
                early_stopping: Some(20),
                train_loss: true,
                ..crate::gbdt::Settings::default()
            },
            loss: None,
            monotone: BTreeMap::new(),
            max_categories: 254,
            class_weights: ClassWeights::Equal,
            validation_fraction: 0.2,
            refit: true,
        })
    }
}

/// A model's trees are no deeper.
const DEEPEST: usize = 255;

impl BoostingBuilder {
    /// How many rounds are fitted at most; a round is a tree, or of several classes a tree each.
    #[must_use]
    pub fn trees(mut self, trees: usize) -> Self {
        self.0.settings.rounds = trees;
        self
    }

    /// What each tree's answer is multiplied by.
    #[must_use]
    pub fn learning_rate(mut self, rate: f64) -> Self {
        self.0.settings.learning_rate = rate;
        self
    }

    /// How many leaves a tree has at most; the most gainful leaf is split first.
    #[must_use]
    #[doc(alias = "num_leaves")]
    pub fn leaves(mut self, leaves: usize) -> Self {
        self.0.settings.leaves = leaves;
        self
    }

    /// How many splits lie between root and leaf at most.
    #[must_use]
    pub fn max_depth(mut self, depth: usize) -> Self {
        self.0.settings.max_depth = depth;
        self
    }

    /// How many rows a leaf has at least.
    #[must_use]
    #[doc(alias = "min_data_in_leaf")]
    pub fn min_rows_leaf(mut self, rows: u32) -> Self {
        self.0.settings.min_rows_leaf = rows;
        self
    }

    /// The second derivative of the loss that a leaf holds at least; 1 is about 4 uncertain rows.
    #[must_use]
    #[doc(alias = "min_child_weight")]
    pub fn min_leaf_weight(mut self, weight: f64) -> Self {
        self.0.settings.min_hessian_leaf = weight;
        self
    }

    /// The penalty on absolute leaf values.
    #[must_use]
    pub fn l1(mut self, l1: f64) -> Self {
        self.0.settings.l1 = l1;
        self
    }

    /// The penalty on squared leaf values.
    #[must_use]
    pub fn l2(mut self, l2: f64) -> Self {
        self.0.settings.l2 = l2;
        self
    }

    /// What a split gains at least, as twice the fall of the loss summed over rows.
    #[must_use]
    pub fn min_gain(mut self, gain: f64) -> Self {
        self.0.settings.min_gain = gain;
        self
    }

    /// How many values of a column are told apart at most.
    #[must_use]
    pub fn max_bins(mut self, bins: usize) -> Self {
        self.0.settings.max_bins = bins;
        self
    }

    /// The share of rows that each round sees, drawn from the seed.
    #[must_use]
    pub fn subsample(mut self, share: f64) -> Self {
        self.0.settings.subsample = share;
        self
    }

    /// The share of columns that each tree may split on, drawn from the seed.
    #[must_use]
    #[doc(alias = "colsample_bytree")]
    pub fn feature_fraction(mut self, share: f64) -> Self {
        self.0.settings.feature_fraction = share;
        self
    }

    /// Lets each round see the rows that are answered worst and some of the others; `None` for all.
    #[must_use]
    pub fn goss(mut self, goss: Option<Goss>) -> Self {
        self.0.settings.goss = goss;
        self
    }

    /// Holds the answer in order with a numeric feature.
    #[must_use]
    pub fn monotone(mut self, feature: impl Into<String>, direction: Monotone) -> Self {
        self.0.monotone.insert(feature.into(), direction);
        self
    }

    /// What a model of a numeric label makes small; [`Loss::Squared`] if nothing is said. For labels of
    /// two or more classes it is always the logarithmic loss.
    #[must_use]
    pub fn loss(mut self, loss: Loss) -> Self {
        self.0.loss = Some(loss);
        self
    }

    /// How many categories of a text are told apart; the rest counts as missing.
    #[must_use]
    pub fn max_categories(mut self, categories: usize) -> Self {
        self.0.max_categories = categories;
        self
    }

    /// After how many rounds without progress to stop; `None` fits them all.
    #[must_use]
    pub fn early_stopping(mut self, rounds: Option<usize>) -> Self {
        self.0.settings.early_stopping = rounds;
        self
    }

    /// What says on those rows which round is best; the loss if nothing is said.
    #[must_use]
    pub fn watched(mut self, watched: Watched) -> Self {
        self.0.settings.watched = watched;
        self
    }

    /// How much the classes count.
    #[must_use]
    pub fn class_weights(mut self, weights: ClassWeights) -> Self {
        self.0.class_weights = weights;
        self
    }

    /// The share of rows, the latest by event time, on which progress is measured.
    #[must_use]
    pub fn validation_fraction(mut self, share: f64) -> Self {
        self.0.validation_fraction = share;
        self
    }

    /// Whether all rows are fitted again with the number of rounds that early stopping chose.
    #[must_use]
    pub fn refit(mut self, refit: bool) -> Self {
        self.0.refit = refit;
        self
    }

    /// Whether the loss on the rows that are fitted is worked out after each round, for the history.
    #[must_use]
    pub fn train_loss(mut self, wanted: bool) -> Self {
        self.0.settings.train_loss = wanted;
        self
    }

    /// Where the sampling begins.
    #[must_use]
    pub fn seed(mut self, seed: Seed) -> Self {
        self.0.settings.seed = seed.0;
        self
    }

    /// How many threads fit; the model is the same for any number.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.0.settings.threads = threads;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for the first one out of its range.
    pub fn build(self) -> Result<Boosting> {
        let mut boosting = self.0;
        boosting.settings.objective = boosting.loss.unwrap_or_default().objective();
        // columns are known at the fit; that there will be some matters here
        boosting.settings.monotone = vec![1; usize::from(!boosting.monotone.is_empty())];
        boosting.settings.check(NAME)?;
        boosting.settings.monotone.clear();
        let depth = boosting.settings.max_depth;
        let rule = "it must lie in 1..=255";
        require(depth <= DEEPEST, NAME, "max_depth", &depth, rule)?;
        check_categories(NAME, boosting.max_categories)?;
        boosting.class_weights.check(NAME)?;
        let fraction = boosting.validation_fraction;
        let inside = fraction > 0.0 && fraction < 1.0;
        let rule = "it must lie between 0 and 1";
        require(inside, NAME, "validation_fraction", &fraction, rule)?;
        Ok(boosting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_named() {
        let builder = Boosting::builder;
        for (bad, parameter) in [
            (builder().trees(0), "trees"),
            (builder().learning_rate(0.0), "learning_rate"),
            (builder().learning_rate(f64::NAN), "learning_rate"),
            (builder().leaves(1), "leaves"),
            (builder().max_depth(0), "max_depth"),
            (builder().max_depth(256), "max_depth"),
            (builder().min_rows_leaf(0), "min_rows_leaf"),
            (builder().min_leaf_weight(-1.0), "min_leaf_weight"),
            (builder().l1(-1.0), "l1"),
            (builder().l2(f64::INFINITY), "l2"),
            (builder().min_gain(f64::NAN), "min_gain"),
            (builder().max_bins(256), "max_bins"),
            (builder().subsample(1.5), "subsample"),
            (builder().feature_fraction(0.0), "feature_fraction"),
            (
                builder().goss(Some(Goss {
                    top: 0.9,
                    other: 0.2,
                })),
                "goss",
            ),
            (
                builder()
                    .goss(Some(Goss {
                        top: 0.2,
                        other: 0.1,
                    }))
                    .subsample(0.5),
                "subsample",
            ),
            (builder().loss(Loss::Quantile { alpha: 1.0 }), "alpha"),
            (builder().loss(Loss::Huber { delta: 0.0 }), "delta"),
            (
                builder()
                    .loss(Loss::Absolute)
                    .monotone("x", Monotone::Rising),
                "monotone",
            ),
            (builder().max_categories(0), "max_categories"),
            (builder().early_stopping(Some(0)), "early_stopping"),
            (builder().validation_fraction(1.0), "validation_fraction"),
            (builder().threads(0), "threads"),
            (
                builder().class_weights(ClassWeights::Given([("1".into(), 0.0)].into())),
                "class_weights",
            ),
        ] {
            let error = bad.build().unwrap_err().to_string();
            assert!(
                error.contains(&format!("`{parameter}` of boosting")),
                "{error}"
            );
        }
    }
}
