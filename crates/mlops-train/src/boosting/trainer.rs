//! The settings of boosting, and boosting as a [`Trainer`].

use std::collections::BTreeMap;

use mlops_core::{Seed, TrainingSet};
use mlops_model::{Estimator, ModelSpec};

use super::engine::{export, gains, used};
use crate::{
    Fitted, Result, Trainer,
    error::require,
    holdout::Holdout,
    prepare::{Numerics, Prepared, check_categories},
    record::{importance, params},
};

const NAME: &str = "boosting";

/// Fits an ensemble of regression trees to the log-odds of the label.
///
/// # Complexity
/// About `trees · columns · rows`; columns are put into 256 bins once.
///
/// # Reference
/// `forust-ml` 0.8, the second-order boosting of Chen and Guestrin 2016 (XGBoost). The exported model
/// answers as forust's own prediction does, to 1e-12.
#[derive(Debug, Clone, PartialEq)]
pub struct Boosting {
    pub(super) trees: usize,
    pub(super) learning_rate: f32,
    pub(super) max_depth: usize,
    pub(super) min_leaf_weight: f32,
    pub(super) l2: f32,
    pub(super) subsample: f32,
    max_categories: usize,
    early_stopping: Option<usize>,
    validation_fraction: f64,
    refit: bool,
    pub(super) seed: Seed,
}

/// Settings of [`Boosting`].
#[derive(Debug, Clone)]
pub struct BoostingBuilder(Boosting);

impl Boosting {
    /// Starts from the defaults: 300 trees of depth 5 at a rate of 0.1, stopped when the loss on the
    /// latest fifth of the rows has not fallen for 20 trees, then fitted again on all rows.
    pub fn builder() -> BoostingBuilder {
        BoostingBuilder(Self {
            trees: 300,
            learning_rate: 0.1,
            max_depth: 5,
            min_leaf_weight: 1.0,
            l2: 1.0,
            subsample: 1.0,
            max_categories: 16,
            early_stopping: Some(20),
            validation_fraction: 0.2,
            refit: true,
            seed: Seed(0),
        })
    }
}

impl BoostingBuilder {
    /// How many trees are grown at most.
    #[must_use]
    pub fn trees(mut self, trees: usize) -> Self {
        self.0.trees = trees;
        self
    }

    /// What each tree's answer is multiplied by.
    #[must_use]
    pub fn learning_rate(mut self, rate: f32) -> Self {
        self.0.learning_rate = rate;
        self
    }

    /// How many splits lie between root and leaf at most.
    #[must_use]
    pub fn max_depth(mut self, depth: usize) -> Self {
        self.0.max_depth = depth;
        self
    }

    /// The second derivative of the loss that a leaf holds at least; 1 is about 4 uncertain rows.
    #[must_use]
    pub fn min_leaf_weight(mut self, weight: f32) -> Self {
        self.0.min_leaf_weight = weight;
        self
    }

    /// The penalty on squared leaf values.
    #[must_use]
    pub fn l2(mut self, l2: f32) -> Self {
        self.0.l2 = l2;
        self
    }

    /// The share of rows that each tree sees, drawn from the seed.
    #[must_use]
    pub fn subsample(mut self, share: f32) -> Self {
        self.0.subsample = share;
        self
    }

    /// How many categories of a text get a column of their own.
    #[must_use]
    pub fn max_categories(mut self, categories: usize) -> Self {
        self.0.max_categories = categories;
        self
    }

    /// After how many trees without progress to stop; `None` grows them all.
    #[must_use]
    pub fn early_stopping(mut self, rounds: Option<usize>) -> Self {
        self.0.early_stopping = rounds;
        self
    }

    /// The share of rows, the latest by event time, on which progress is measured.
    #[must_use]
    pub fn validation_fraction(mut self, share: f64) -> Self {
        self.0.validation_fraction = share;
        self
    }

    /// Whether all rows are fitted again with the number of trees that early stopping chose.
    #[must_use]
    pub fn refit(mut self, refit: bool) -> Self {
        self.0.refit = refit;
        self
    }

    /// Where the row sampling begins.
    #[must_use]
    pub fn seed(mut self, seed: Seed) -> Self {
        self.0.seed = seed;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for the first one out of its range.
    pub fn build(self) -> Result<Boosting> {
        let t = self.0;
        let trees = (1..=10_000).contains(&t.trees);
        require(trees, NAME, "trees", &t.trees, "it must lie in 1..=10000")?;
        let rate = t.learning_rate > 0.0 && t.learning_rate <= 1.0;
        let share = "it must lie above 0 and at most at 1";
        require(rate, NAME, "learning_rate", &t.learning_rate, share)?;
        let depth = (1..=20).contains(&t.max_depth);
        require(
            depth,
            NAME,
            "max_depth",
            &t.max_depth,
            "it must lie in 1..=20",
        )?;
        let positive = "it must be at least 0";
        let weight = t.min_leaf_weight >= 0.0 && t.min_leaf_weight.is_finite();
        require(
            weight,
            NAME,
            "min_leaf_weight",
            &t.min_leaf_weight,
            positive,
        )?;
        require(t.l2 >= 0.0 && t.l2.is_finite(), NAME, "l2", &t.l2, positive)?;
        let sample = t.subsample > 0.0 && t.subsample <= 1.0;
        require(sample, NAME, "subsample", &t.subsample, share)?;
        check_categories(NAME, t.max_categories)?;
        let rounds = t.early_stopping != Some(0);
        require(
            rounds,
            NAME,
            "early_stopping",
            &0,
            "it must be at least 1, or none",
        )?;
        let fraction = t.validation_fraction;
        let inside = fraction > 0.0 && fraction < 1.0;
        let rule = "it must lie between 0 and 1";
        require(inside, NAME, "validation_fraction", &fraction, rule)?;
        Ok(t)
    }
}

impl Trainer for Boosting {
    fn name(&self) -> &str {
        NAME
    }

    fn params(&self) -> BTreeMap<String, String> {
        let stopping = self
            .early_stopping
            .map_or("none".to_owned(), |rounds| rounds.to_string());
        params([
            ("trees", self.trees.to_string()),
            ("learning_rate", self.learning_rate.to_string()),
            ("max_depth", self.max_depth.to_string()),
            ("min_leaf_weight", self.min_leaf_weight.to_string()),
            ("l2", self.l2.to_string()),
            ("subsample", self.subsample.to_string()),
            ("max_categories", self.max_categories.to_string()),
            ("early_stopping", stopping),
            ("validation_fraction", self.validation_fraction.to_string()),
            ("refit", self.refit.to_string()),
            ("seed", self.seed.0.to_string()),
        ])
    }

    fn fit(&self, set: &TrainingSet) -> Result<Fitted> {
        let prepared = Prepared::new(set, Numerics::Raw, self.max_categories)?;
        let (matrix, labels) = (&prepared.matrix, &prepared.labels);
        let mut params = self.params();
        let mut history = BTreeMap::new();

        let held = self.early_stopping.and_then(|rounds| {
            let share = self.validation_fraction;
            Holdout::latest(&set.event_times(), labels, share).map(|held| (rounds, held))
        });
        let booster = if let Some((rounds, held)) = held {
            let booster = self.stopped(matrix, labels, &held, rounds, &mut history)?;
            params.insert("best_trees".into(), used(&booster).to_string());
            params.insert("validation_rows".into(), held.validation.len().to_string());
            if self.refit {
                self.whole(matrix, labels, used(&booster))?
            } else {
                booster
            }
        } else {
            // rows of one instant, or one class before the latest: nothing to measure progress on
            params.insert("validation_rows".into(), "0".into());
            self.whole(matrix, labels, self.trees)?
        };
        let trees = export(&booster)?;
        let importance = importance(
            prepared.preprocess.output_names(),
            &gains(&booster, matrix.width()),
        );
        let spec = ModelSpec::new(
            prepared.signature,
            prepared.preprocess,
            Estimator::Trees(trees),
        )?;
        Ok(Fitted {
            spec,
            params,
            history,
            importance,
        })
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::Rng;
    use mlops_model::{Model, Node};

    use super::*;
    use crate::conformance::{planted, table};

    fn small() -> BoostingBuilder {
        Boosting::builder().trees(40).early_stopping(Some(5))
    }

    #[test]
    fn missing_values_take_both_sides() {
        // missing means positive in one column and negative in the other
        let mut rng: Rng = Seed(5).rng();
        let labels: Vec<bool> = (0..400).map(|_| rng.unit() < 0.5).collect();
        let mut column = |class: bool| -> Vec<Option<f64>> {
            labels
                .iter()
                .map(|l| (*l != class || rng.unit() < 0.3).then(|| rng.unit()))
                .collect()
        };
        let set = table(vec![("a", column(true)), ("b", column(false))], &labels);
        let fitted = small().build().unwrap().fit(&set).unwrap();
        let scores = fitted.spec.predict_values(&set.features()).unwrap();
        assert!(mlops_core::metric::roc_auc(&labels, &scores).unwrap() > 0.95);
        let Estimator::Trees(trees) = fitted.spec.estimator() else {
            panic!("trees")
        };
        let sides: Vec<bool> = trees
            .trees
            .iter()
            .flat_map(|tree| &tree.nodes)
            .filter_map(|node| match node {
                Node::Split { missing_left, .. } => Some(*missing_left),
                Node::Category { .. } | Node::Leaf { .. } => None,
            })
            .collect();
        assert!(sides.contains(&true) && sides.contains(&false));
    }

    #[test]
    fn the_latest_rows_decide_when_to_stop() {
        let set = planted(800, 7);
        let fitted = Boosting::builder().build().unwrap().fit(&set).unwrap();
        assert_eq!(fitted.params["validation_rows"], "160");
        let best: usize = fitted.params["best_trees"].parse().unwrap();
        let losses = &fitted.history["validation_log_loss"];
        let lowest = losses.iter().copied().fold(f64::INFINITY, f64::min);
        assert_eq!(losses[best - 1], lowest);
        assert!(losses.len() < 300 && losses.len() == fitted.history["train_log_loss"].len());
        let Estimator::Trees(trees) = fitted.spec.estimator() else {
            panic!("trees")
        };
        assert_eq!(trees.trees.len(), best);
    }

    #[test]
    fn without_an_earlier_instant_all_trees_are_grown() {
        let set = planted(200, 8);
        let first = set.event_times()[0];
        let labels = set.label_classes().unwrap();
        assert_eq!(Holdout::latest(&vec![first; 200], &labels, 0.2), None);
        let off = Boosting::builder()
            .trees(7)
            .early_stopping(None)
            .build()
            .unwrap();
        let fitted = off.fit(&set).unwrap();
        assert_eq!(fitted.params["validation_rows"], "0");
        let Estimator::Trees(trees) = fitted.spec.estimator() else {
            panic!("trees")
        };
        assert_eq!(trees.trees.len(), 7);
    }

    #[test]
    fn the_seed_matters_where_rows_are_drawn() {
        let set = planted(300, 9);
        let run = |seed| {
            let trainer = small().subsample(0.5).seed(Seed(seed)).build().unwrap();
            serde_json::to_string(&trainer.fit(&set).unwrap().spec).unwrap()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let builder = Boosting::builder;
        for (bad, parameter) in [
            (builder().trees(0), "trees"),
            (builder().learning_rate(0.0), "learning_rate"),
            (builder().learning_rate(f32::NAN), "learning_rate"),
            (builder().max_depth(0), "max_depth"),
            (builder().min_leaf_weight(-1.0), "min_leaf_weight"),
            (builder().l2(f32::INFINITY), "l2"),
            (builder().subsample(1.5), "subsample"),
            (builder().max_categories(0), "max_categories"),
            (builder().early_stopping(Some(0)), "early_stopping"),
            (builder().validation_fraction(1.0), "validation_fraction"),
        ] {
            let error = bad.build().unwrap_err().to_string();
            assert!(
                error.contains(&format!("`{parameter}` of boosting")),
                "{error}"
            );
        }
    }
}
