//! The settings of a random forest, and the forest as a [`Trainer`].

use std::collections::BTreeMap;

use mlops_core::{Seed, TrainingSet};

use super::plan::{Columns, Plan};
use crate::{
    ClassWeights, Fitted, Result, Trainer, error::require, prepare::check_categories,
    record::params,
};

const NAME: &str = "random_forest";

/// Fits trees that each see rows drawn with replacement and choose among a few columns at each split;
/// the answer is the mean over trees, for labels of two classes, of several, and for numbers.
///
/// A row's weight multiplies how often it was drawn. Missing numbers go the better way at each split. A
/// text is split by sets of its categories.
///
/// # Complexity
/// About `trees · sqrt(columns) · rows · log(rows)`; columns are put into at most 255 bins once. A model
/// holds a million nodes at most: raise `min_rows_leaf` for many rows. Of several classes it holds each
/// tree once a class.
///
/// # Reference
/// Breiman 2001, with scikit-learn's way of averaging shares (`RandomForestClassifier`,
/// `RandomForestRegressor`): on data of `benches/peers/boosting.py` the area under the curve is within 0.003
/// of its, the error within 1 %.
#[derive(Debug, Clone, PartialEq)]
pub struct RandomForest {
    trees: usize,
    max_depth: usize,
    min_rows_leaf: usize,
    feature_fraction: Option<f64>,
    max_categories: usize,
    class_weights: ClassWeights,
    seed: Seed,
    threads: usize,
}

/// Settings of [`RandomForest`].
#[derive(Debug, Clone)]
pub struct RandomForestBuilder(RandomForest);

impl RandomForest {
    /// Starts from the defaults: 100 trees with 5 rows a leaf; a split chooses among the square root of
    /// the number of columns, for numbers among a third of them; by one thread.
    pub fn builder() -> RandomForestBuilder {
        RandomForestBuilder(Self {
            trees: 100,
            max_depth: 255,
            min_rows_leaf: 5,
            feature_fraction: None,
            max_categories: 254,
            class_weights: ClassWeights::Equal,
            seed: Seed(0),
            threads: 1,
        })
    }
}

impl RandomForestBuilder {
    /// How many trees are grown.
    #[must_use]
    pub fn trees(mut self, trees: usize) -> Self {
        self.0.trees = trees;
        self
    }

    /// How many splits lie between root and leaf at most.
    #[must_use]
    pub fn max_depth(mut self, depth: usize) -> Self {
        self.0.max_depth = depth;
        self
    }

    /// How many different rows a leaf has at least.
    #[must_use]
    #[doc(alias = "min_samples_leaf")]
    pub fn min_rows_leaf(mut self, rows: usize) -> Self {
        self.0.min_rows_leaf = rows;
        self
    }

    /// The share of columns that each split chooses among.
    #[must_use]
    #[doc(alias = "max_features")]
    pub fn feature_fraction(mut self, share: f64) -> Self {
        self.0.feature_fraction = Some(share);
        self
    }

    /// How many categories of a text are told apart; the rest counts as missing.
    #[must_use]
    pub fn max_categories(mut self, categories: usize) -> Self {
        self.0.max_categories = categories;
        self
    }

    /// How much the classes count.
    #[must_use]
    pub fn class_weights(mut self, weights: ClassWeights) -> Self {
        self.0.class_weights = weights;
        self
    }

    /// Where the draws begin.
    #[must_use]
    pub fn seed(mut self, seed: Seed) -> Self {
        self.0.seed = seed;
        self
    }

    /// How many threads fit; the model is the same for any number.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.0.threads = threads;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for the first one out of its range.
    pub fn build(self) -> Result<RandomForest> {
        let t = self.0;
        let within = |name, value: usize, high, rule| {
            require((1..=high).contains(&value), NAME, name, &value, rule)
        };
        within("trees", t.trees, 10_000, "it must lie in 1..=10000")?;
        within("max_depth", t.max_depth, 255, "it must lie in 1..=255")?;
        within(
            "min_rows_leaf",
            t.min_rows_leaf,
            usize::MAX,
            "it must be at least 1",
        )?;
        let share = t.feature_fraction.unwrap_or(1.0);
        let rule = "it must lie above 0 and at most at 1";
        require(
            share > 0.0 && share <= 1.0,
            NAME,
            "feature_fraction",
            &share,
            rule,
        )?;
        check_categories(NAME, t.max_categories)?;
        t.class_weights.check(NAME)?;
        within("threads", t.threads, 1024, "it must lie in 1..=1024")?;
        Ok(t)
    }
}

impl Trainer for RandomForest {
    fn name(&self) -> &str {
        NAME
    }

    fn params(&self) -> BTreeMap<String, String> {
        let share = self
            .feature_fraction
            .map_or("auto".to_owned(), |share| share.to_string());
        params([
            ("trees", self.trees.to_string()),
            ("max_depth", self.max_depth.to_string()),
            ("min_rows_leaf", self.min_rows_leaf.to_string()),
            ("feature_fraction", share),
            ("max_categories", self.max_categories.to_string()),
            ("class_weights", self.class_weights.text()),
            ("seed", self.seed.0.to_string()),
        ])
    }

    fn fit(&self, set: &TrainingSet) -> Result<Fitted> {
        let plan = Plan {
            owner: NAME,
            trees: self.trees,
            max_depth: self.max_depth,
            min_rows_leaf: self.min_rows_leaf,
            columns: match self.feature_fraction {
                Some(share) => Columns::Share(share),
                None => Columns::Usual,
            },
            bootstrap: true,
            smoothed: false,
            class_weights: &self.class_weights,
            max_categories: self.max_categories,
            seed: self.seed.derive("forest"),
            threads: self.threads,
        };
        let planted = plan.fit(set)?;
        Ok(Fitted {
            spec: planted.spec,
            params: self.params(),
            history: BTreeMap::new(),
            importance: planted.importance,
        })
    }
}

#[cfg(test)]
mod tests {
    use mlops_model::Model;

    use super::*;
    use crate::{conformance::planted, split_latest};

    #[test]
    fn a_forest_ranks_rows_it_has_not_seen() {
        let (train, test) = split_latest(&planted(3000, 5), 0.3).unwrap();
        let fitted = RandomForest::builder()
            .build()
            .unwrap()
            .fit(&train)
            .unwrap();
        let labels = test.label_classes().unwrap();
        let scores = fitted.spec.predict_values(&test.features()).unwrap();
        // a straight line reaches 0.69 here
        let auc = mlops_core::metric::roc_auc(&labels, &scores).unwrap();
        assert!(auc > 0.78, "{auc}");
    }

    #[test]
    fn the_forest_is_the_same_for_any_number_of_threads() {
        let set = planted(400, 6);
        let run = |threads, seed| {
            let builder = RandomForest::builder()
                .trees(9)
                .threads(threads)
                .seed(Seed(seed));
            serde_json::to_string(&builder.build().unwrap().fit(&set).unwrap().spec).unwrap()
        };
        assert_eq!(run(1, 1), run(3, 1));
        assert_ne!(run(1, 1), run(1, 2));
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let builder = RandomForest::builder;
        for (bad, parameter) in [
            (builder().trees(0), "trees"),
            (builder().max_depth(256), "max_depth"),
            (builder().min_rows_leaf(0), "min_rows_leaf"),
            (builder().feature_fraction(0.0), "feature_fraction"),
            (builder().max_categories(0), "max_categories"),
            (builder().threads(0), "threads"),
        ] {
            let error = bad.build().unwrap_err().to_string();
            assert!(error.contains(parameter), "{error}");
        }
    }
}
