//! Boosting as a [`Trainer`].

use std::{collections::BTreeMap, ops::ControlFlow};

use mlops_core::TrainingSet;

use super::{BoostingBuilder, BoostingCheckpoint, BoostingProgress, Loss, Monotone};
use crate::{ClassWeights, Fitted, Result, Trainer, gbdt::Settings, record::params};

pub(super) const NAME: &str = "boosting";

/// Fits trees one after the other, each to the slope of the loss that the ones before it have left.
///
/// Labels of two classes, of several and numbers can be learnt; see [`Loss`] for the latter. Missing
/// numbers go the better way at each split. A text is split by sets of its categories.
///
/// # Complexity
/// About `trees · columns · rows · log(leaves)`; columns are put into at most 255 bins once. Memory is
/// about `rows · (2 · columns + 50)` bytes beside the rows themselves, which may be 2^25 at most.
///
/// # Reference
/// Friedman 2001; Chen and Guestrin 2016 for the second order; Ke et al. 2017 for histograms, growth by
/// leaf and splits by category, with LightGBM's defaults but for `l2`, which is XGBoost's 1. On data of
/// the table in `benches/peers/boosting.py` the area under the curve is within 0.002 of the better of
/// LightGBM 4.7 and XGBoost 3.2.
#[derive(Debug, Clone, PartialEq)]
pub struct Boosting {
    pub(super) settings: Settings,
    pub(super) loss: Option<Loss>,
    pub(super) monotone: BTreeMap<String, Monotone>,
    pub(super) max_categories: usize,
    pub(super) class_weights: ClassWeights,
    pub(super) validation_fraction: f64,
    pub(super) refit: bool,
}

impl Boosting {
    /// Starts from the defaults: 300 trees of 31 leaves with 20 rows each at a rate of 0.1, stopped when
    /// the loss on the latest fifth of the rows has not fallen for 20 rounds, then fitted again on all
    /// rows, by one thread.
    pub fn builder() -> BoostingBuilder {
        BoostingBuilder::default()
    }

    /// [`Trainer::fit`] that tells of each round and ends when told to.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled) after a `Break`, and those of [`Trainer::fit`].
    pub fn fit_with(
        &self,
        set: &TrainingSet,
        progress: &mut (dyn FnMut(&BoostingProgress<'_>) -> ControlFlow<()> + Send),
    ) -> Result<Fitted> {
        self.run(set, None, progress)
    }

    /// Goes on from a checkpoint with the set that it comes from, to the model that the fit would have
    /// come to without a stop, bit for bit.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for a checkpoint of other settings or
    /// rows, and those of [`Boosting::fit_with`].
    pub fn resume(
        &self,
        set: &TrainingSet,
        checkpoint: &BoostingCheckpoint,
        progress: &mut (dyn FnMut(&BoostingProgress<'_>) -> ControlFlow<()> + Send),
    ) -> Result<Fitted> {
        self.run(set, Some(checkpoint), progress)
    }
}

impl Trainer for Boosting {
    fn name(&self) -> &str {
        NAME
    }

    fn params(&self) -> BTreeMap<String, String> {
        let s = &self.settings;
        let stopping = s
            .early_stopping
            .map_or("none".to_owned(), |rounds| rounds.to_string());
        let goss = s.goss.map_or("none".to_owned(), |goss| {
            format!("{} {}", goss.top, goss.other)
        });
        let mut params = params([
            ("trees", s.rounds.to_string()),
            ("learning_rate", s.learning_rate.to_string()),
            ("leaves", s.leaves.to_string()),
            ("max_depth", s.max_depth.to_string()),
            ("min_rows_leaf", s.min_rows_leaf.to_string()),
            ("min_leaf_weight", s.min_hessian_leaf.to_string()),
            ("l1", s.l1.to_string()),
            ("l2", s.l2.to_string()),
            ("min_gain", s.min_gain.to_string()),
            ("max_bins", s.max_bins.to_string()),
            ("subsample", s.subsample.to_string()),
            ("feature_fraction", s.feature_fraction.to_string()),
            ("goss", goss),
            ("max_categories", self.max_categories.to_string()),
            ("class_weights", self.class_weights.text()),
            ("early_stopping", stopping),
            ("watched", s.watched.name().to_owned()),
            ("validation_fraction", self.validation_fraction.to_string()),
            ("refit", self.refit.to_string()),
            ("seed", s.seed.to_string()),
        ]);
        if let Some(loss) = self.loss {
            params.insert("loss".into(), format!("{:?}", loss.objective()));
        }
        for (feature, direction) in &self.monotone {
            params.insert(
                format!("monotone_{feature}"),
                format!("{direction:?}").to_lowercase(),
            );
        }
        params
    }

    fn fit(&self, set: &TrainingSet) -> Result<Fitted> {
        self.run(set, None, &mut |_| ControlFlow::Continue(()))
    }
}
