//! The decision tree as a [`Trainer`].

use std::collections::BTreeMap;

use mlops_core::{Seed, TrainingSet};
use mlops_model::{Estimator, Model, ModelSpec};

use crate::{
    ClassWeights, Fitted, Measure, Metric, Result, Trainer, Truth,
    error::require,
    forest::{Columns, Plan, Planted},
    prepare::check_categories,
    record::params,
};

const NAME: &str = "decision_tree";

/// Fits one tree, for labels of two classes, of several, and for numbers: a leaf answers the mean of its
/// rows, or the shares of the classes among them as if it held one more row of each.
///
/// A split lowers the squared error most, which for classes is the Gini impurity. Missing numbers go the
/// better way at each split. A text is split by sets of its categories.
///
/// # Complexity
/// About `depth · columns · rows`; columns are put into at most 255 bins once.
///
/// # Reference
/// CART (Breiman et al. 1984); smoothing as in Provost and Domingos 2003. Where no column has more than 255
/// values, the answers of a tree of numbers are those of scikit-learn's `DecisionTreeRegressor` to 1e-9.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionTree {
    max_depth: usize,
    min_leaf: usize,
    max_categories: usize,
    class_weights: ClassWeights,
}

/// Settings of [`DecisionTree`].
#[derive(Debug, Clone)]
pub struct DecisionTreeBuilder(DecisionTree);

impl DecisionTree {
    /// Starts from the defaults: depth 6, 20 rows a leaf.
    pub fn builder() -> DecisionTreeBuilder {
        DecisionTreeBuilder(Self {
            max_depth: 6,
            min_leaf: 20,
            max_categories: 254,
            class_weights: ClassWeights::Equal,
        })
    }
}

impl DecisionTreeBuilder {
    /// How many questions lie between root and leaf at most.
    #[must_use]
    pub fn max_depth(mut self, depth: usize) -> Self {
        self.0.max_depth = depth;
        self
    }

    /// How many rows a leaf has at least, however much they count.
    #[must_use]
    pub fn min_leaf(mut self, rows: usize) -> Self {
        self.0.min_leaf = rows;
        self
    }

    /// How many categories of a text are told apart; the rest counts as missing.
    #[must_use]
    pub fn max_categories(mut self, categories: usize) -> Self {
        self.0.max_categories = categories;
        self
    }

    /// How much the classes count; balanced ones have rare positives split on sooner.
    #[must_use]
    pub fn class_weights(mut self, weights: ClassWeights) -> Self {
        self.0.class_weights = weights;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for the first one out of its range.
    pub fn build(self) -> Result<DecisionTree> {
        let trainer = self.0;
        let depth = trainer.max_depth;
        let rule = "it must lie in 1..=30";
        require((1..=30).contains(&depth), NAME, "max_depth", &depth, rule)?;
        let rows = trainer.min_leaf;
        require(rows >= 1, NAME, "min_leaf", &rows, "it must be at least 1")?;
        check_categories(NAME, trainer.max_categories)?;
        trainer.class_weights.check(NAME)?;
        Ok(trainer)
    }
}

impl Trainer for DecisionTree {
    fn name(&self) -> &str {
        NAME
    }

    fn params(&self) -> BTreeMap<String, String> {
        params([
            ("max_depth", self.max_depth.to_string()),
            ("min_leaf", self.min_leaf.to_string()),
            ("max_categories", self.max_categories.to_string()),
            ("class_weights", self.class_weights.text()),
        ])
    }

    fn fit(&self, set: &TrainingSet) -> Result<Fitted> {
        let plan = Plan {
            owner: NAME,
            trees: 1,
            max_depth: self.max_depth,
            min_rows_leaf: self.min_leaf,
            columns: Columns::All,
            bootstrap: false,
            smoothed: true,
            class_weights: &self.class_weights,
            max_categories: self.max_categories,
            // nothing is drawn
            seed: Seed(0),
            threads: 1,
        };
        let Planted { spec, importance } = plan.fit(set)?;
        let mut params = self.params();
        params.insert("leaves".into(), leaves(&spec).to_string());
        let truth = Truth::of(set, spec.signature().output())?;
        let answers = spec.predict(&set.features())?.into_values();
        let measure = match truth {
            Truth::Number(_) => Measure::Rmse,
            Truth::Binary(_) | Truth::Classes { .. } => Measure::LogLoss,
        };
        let loss = measure.value(&truth, &answers)?;
        Ok(Fitted {
            spec,
            params,
            history: BTreeMap::from([(format!("train_{measure}"), vec![loss])]),
            importance,
        })
    }
}

/// The number of leaves of the tree, of which there is a copy a class.
fn leaves(spec: &ModelSpec) -> usize {
    match spec.estimator() {
        Estimator::Trees(trees) => trees.trees[0].nodes.len().div_ceil(2),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{planted, table};

    #[test]
    fn a_leaf_answers_for_the_rows_it_was_grown_from() {
        let set = planted(600, 3);
        let fitted = DecisionTree::builder()
            .min_leaf(10)
            .build()
            .unwrap()
            .fit(&set)
            .unwrap();
        let scores = fitted.spec.predict_values(&set.features()).unwrap();
        let labels = set.label_classes().unwrap();
        let mut leaves: BTreeMap<u64, (usize, usize)> = BTreeMap::new();
        for (score, label) in scores.iter().zip(&labels) {
            let leaf = leaves.entry(score.to_bits()).or_default();
            leaf.0 += 1;
            leaf.1 += usize::from(*label);
        }
        assert!(leaves.len() > 4);
        let exact = leaves.iter().filter(|(score, (rows, positives))| {
            f64::from_bits(**score) == (positives + 1) as f64 / (rows + 2) as f64
        });
        // two leaves may answer the same; all others must answer their own share
        assert!(exact.count() + 3 >= leaves.len());
    }

    #[test]
    fn a_missing_number_goes_to_the_rows_that_it_is_like() {
        let x = (0..40).map(|i| (i % 8 != 7).then_some(f64::from(i)));
        // what is missing is positive, and so is what is large
        let labels: Vec<bool> = (0..40).map(|i| i >= 20 || i % 8 == 7).collect();
        let set = table(vec![("x", x.collect())], &labels);
        let trainer = DecisionTree::builder().min_leaf(1).max_depth(1).build();
        let spec = trainer.unwrap().fit(&set).unwrap().spec;
        let rows = vec![None, Some(39.0), Some(0.0)];
        let rows = table(vec![("x", rows)], &[true, true, false]);
        let scores = spec.predict_values(&rows.features()).unwrap();
        assert_eq!(scores[0], scores[1]);
        assert!(scores[2] < 0.1 && scores[0] > 0.9, "{scores:?}");
    }

    #[test]
    fn balanced_classes_split_on_rare_positives() {
        let x = (0..1000).map(|i| Some(f64::from(i)));
        let labels: Vec<bool> = (0..1000).map(|i| i >= 900 && i % 10 == 0).collect();
        let set = table(vec![("x", x.collect())], &labels);
        let trainer = DecisionTree::builder()
            .max_depth(1)
            .class_weights(ClassWeights::Balanced);
        let spec = trainer.build().unwrap().fit(&set).unwrap().spec;
        let Estimator::Trees(trees) = spec.estimator() else {
            panic!("trees")
        };
        let mlops_model::Node::Split { threshold, .. } = trees.trees[0].nodes[0] else {
            panic!("a split")
        };
        // bins hold about four rows each
        assert!((897.0..904.0).contains(&threshold), "{threshold}");
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let builder = DecisionTree::builder;
        for (bad, parameter) in [
            (builder().max_depth(0), "max_depth"),
            (builder().max_depth(31), "max_depth"),
            (builder().min_leaf(0), "min_leaf"),
            (builder().max_categories(5000), "max_categories"),
        ] {
            let error = bad.build().unwrap_err().to_string();
            assert!(error.contains(parameter), "{error}");
        }
    }
}
