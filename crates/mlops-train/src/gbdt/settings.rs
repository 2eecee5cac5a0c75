//! What a boosting fit is asked for.

use serde::{Deserialize, Serialize};

use super::{bins::MAX_BINS, objective::Objective, split::CategoryLimits};
use crate::{Result, Watched, error::require};

/// Keeps the rows with the largest gradients and some of the others (GOSS).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Goss {
    /// The share of rows that are kept for their gradients.
    pub top: f64,
    /// The share of rows that are drawn from the others, and weigh more for it.
    pub other: f64,
}

/// The settings of a fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) objective: Objective,
    pub(crate) rounds: usize,
    pub(crate) learning_rate: f64,
    pub(crate) leaves: usize,
    pub(crate) max_depth: usize,
    pub(crate) min_rows_leaf: u32,
    pub(crate) min_hessian_leaf: f64,
    pub(crate) l1: f64,
    pub(crate) l2: f64,
    pub(crate) min_gain: f64,
    pub(crate) max_bins: usize,
    pub(crate) subsample: f64,
    pub(crate) feature_fraction: f64,
    pub(crate) goss: Option<Goss>,
    /// By input column: 1 rises, -1 falls, 0 is free; empty where all are free.
    pub(crate) monotone: Vec<i8>,
    pub(crate) category: CategoryLimits,
    pub(crate) early_stopping: Option<usize>,
    /// What tells on the held rows which round is best.
    #[serde(default)]
    pub(crate) watched: Watched,
    pub(crate) train_loss: bool,
    pub(crate) seed: u64,
    pub(crate) threads: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            objective: Objective::SquaredError,
            rounds: 100,
            learning_rate: 0.1,
            leaves: 31,
            max_depth: usize::MAX,
            min_rows_leaf: 20,
            min_hessian_leaf: 1e-3,
            l1: 0.0,
            l2: 0.0,
            min_gain: 0.0,
            max_bins: MAX_BINS,
            subsample: 1.0,
            feature_fraction: 1.0,
            goss: None,
            monotone: Vec::new(),
            category: CategoryLimits::default(),
            early_stopping: None,
            watched: Watched::Loss,
            train_loss: false,
            seed: 0,
            threads: 1,
        }
    }
}

impl Settings {
    /// Refuses the first setting out of its range.
    pub(crate) fn check(&self, owner: &'static str) -> Result<()> {
        let whole = |name, value: usize, low: usize, high: usize, rule| {
            require((low..=high).contains(&value), owner, name, &value, rule)
        };
        let real = |name, value: f64, holds: bool, rule| require(holds, owner, name, &value, rule);
        let share = "it must lie above 0 and at most at 1";
        let positive = "it must be at least 0";
        let is_share = |x: f64| x > 0.0 && x <= 1.0;
        let is_positive = |x: f64| x >= 0.0 && x.is_finite();
        whole(
            "trees",
            self.rounds,
            1,
            100_000,
            "it must lie in 1..=100000",
        )?;
        real(
            "learning_rate",
            self.learning_rate,
            is_share(self.learning_rate),
            share,
        )?;
        whole("leaves", self.leaves, 2, 65_536, "it must lie in 2..=65536")?;
        whole(
            "max_depth",
            self.max_depth,
            1,
            usize::MAX,
            "it must be at least 1",
        )?;
        let rows = self.min_rows_leaf as usize;
        whole(
            "min_rows_leaf",
            rows,
            1,
            usize::MAX,
            "it must be at least 1",
        )?;
        for (name, value) in [
            ("min_leaf_weight", self.min_hessian_leaf),
            ("l1", self.l1),
            ("l2", self.l2),
            ("min_gain", self.min_gain),
            ("category_smooth", self.category.smooth),
            ("category_l2", self.category.l2),
        ] {
            real(name, value, is_positive(value), positive)?;
        }
        whole(
            "max_bins",
            self.max_bins,
            2,
            MAX_BINS,
            "it must lie in 2..=255",
        )?;
        real("subsample", self.subsample, is_share(self.subsample), share)?;
        real(
            "feature_fraction",
            self.feature_fraction,
            is_share(self.feature_fraction),
            share,
        )?;
        if let Some(Goss { top, other }) = self.goss {
            let holds = is_share(top) && is_share(other) && top + other <= 1.0;
            let rule = "both shares must lie above 0, and their sum at most at 1";
            real("goss", top + other, holds, rule)?;
            let rule = "it must be 1 beside `goss`";
            real("subsample", self.subsample, self.subsample == 1.0, rule)?;
        }
        let rounds = self.early_stopping.unwrap_or(1);
        whole(
            "early_stopping",
            rounds,
            1,
            usize::MAX,
            "it must be at least 1, or none",
        )?;
        whole("threads", self.threads, 1, 1024, "it must lie in 1..=1024")?;
        let ordered = self.monotone.iter().any(|direction| *direction != 0);
        let renewed = self.objective.renewal().is_some();
        let rule = "leaves set to quantiles afterwards cannot be held in order";
        require(!(ordered && renewed), owner, "monotone", &"given", rule)?;
        self.objective.check(owner)
    }
}
