//! The decision tree as a [`Trainer`].

use std::collections::BTreeMap;

use mlops_core::{TrainingSet, metric};
use mlops_model::{Combine, Estimator, Link, Model, ModelSpec, TreeEnsemble};

use super::grow::{Limits, grow};
use crate::{
    Error, Fitted, Result, Trainer,
    error::require,
    prepare::{Numerics, Prepared, check_categories},
    record::{importance, params},
};

const NAME: &str = "decision_tree";

/// Fits one tree whose leaves answer the Laplace-smoothed share of positives among their rows.
///
/// Missing numbers become the mean. Splits lower the Gini impurity most when both classes weigh the
/// same among a node's rows, so rare positives are split on too. It does not know of weights.
///
/// # Complexity
/// About `depth · columns · rows · log(rows)`.
///
/// # Reference
/// Splits by `linfa-trees` 0.8 (CART, Breiman et al. 1984); smoothing as in Provost and Domingos 2003.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionTree {
    limits: Limits,
    max_categories: usize,
}

/// Settings of [`DecisionTree`].
#[derive(Debug, Clone)]
pub struct DecisionTreeBuilder(DecisionTree);

impl DecisionTree {
    /// Starts from the defaults: depth 6, 20 rows a leaf, 16 categories a text.
    pub fn builder() -> DecisionTreeBuilder {
        DecisionTreeBuilder(Self {
            limits: Limits {
                max_depth: 6,
                min_leaf: 20,
            },
            max_categories: 16,
        })
    }
}

impl DecisionTreeBuilder {
    /// How many questions lie between root and leaf at most.
    #[must_use]
    pub fn max_depth(mut self, depth: usize) -> Self {
        self.0.limits.max_depth = depth;
        self
    }

    /// How many rows a leaf has at least.
    #[must_use]
    pub fn min_leaf(mut self, rows: usize) -> Self {
        self.0.limits.min_leaf = rows;
        self
    }

    /// How many categories of a text get a column of their own.
    #[must_use]
    pub fn max_categories(mut self, categories: usize) -> Self {
        self.0.max_categories = categories;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for the first one out of its range.
    pub fn build(self) -> Result<DecisionTree> {
        let trainer = self.0;
        let Limits {
            max_depth,
            min_leaf,
        } = trainer.limits;
        let depth = (1..=30).contains(&max_depth);
        require(
            depth,
            NAME,
            "max_depth",
            &max_depth,
            "it must lie in 1..=30",
        )?;
        require(
            min_leaf >= 1,
            NAME,
            "min_leaf",
            &min_leaf,
            "it must be at least 1",
        )?;
        check_categories(NAME, trainer.max_categories)?;
        Ok(trainer)
    }
}

impl Trainer for DecisionTree {
    fn name(&self) -> &str {
        NAME
    }

    fn params(&self) -> BTreeMap<String, String> {
        params([
            ("max_depth", self.limits.max_depth.to_string()),
            ("min_leaf", self.limits.min_leaf.to_string()),
            ("max_categories", self.max_categories.to_string()),
        ])
    }

    fn fit(&self, set: &TrainingSet) -> Result<Fitted> {
        if set.weights().is_some() {
            return Err(Error::UnsupportedWeights { trainer: NAME });
        }
        let prepared = Prepared::new(set, Numerics::Imputed, self.max_categories)?;
        let (matrix, labels) = (&prepared.matrix, &prepared.labels);
        let grown = grow(matrix.values(), matrix.width(), labels, self.limits)?;
        let importance = importance(prepared.preprocess.output_names(), &grown.gains);
        let mut params = self.params();
        params.insert(
            "leaves".into(),
            grown.tree.nodes.len().div_ceil(2).to_string(),
        );
        let trees = TreeEnsemble {
            trees: vec![grown.tree],
            base: vec![0.0],
            combine: Combine::Mean,
            link: Link::Identity,
        };
        let estimator = Estimator::Trees(trees);
        let spec = ModelSpec::new(prepared.signature, prepared.preprocess, estimator)?;
        let loss = metric::log_loss(labels, &spec.predict_values(&set.features())?)?;
        Ok(Fitted {
            spec,
            params,
            history: BTreeMap::from([("train_log_loss".into(), vec![loss])]),
            importance,
        })
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
    fn a_missing_number_goes_where_the_mean_goes() {
        let x = (0..40).map(|i| (i != 7).then_some(f64::from(i)));
        let labels: Vec<bool> = (0..40).map(|i| i >= 10).collect();
        let set = table(vec![("x", x.collect())], &labels);
        let trainer = DecisionTree::builder()
            .min_leaf(1)
            .max_depth(2)
            .build()
            .unwrap();
        let spec = trainer.fit(&set).unwrap().spec;
        let mean = Some(773.0 / 39.0);
        let rows = table(
            vec![("x", vec![None, mean, Some(0.0)])],
            &[true, true, false],
        );
        let scores = spec.predict_values(&rows.features()).unwrap();
        assert_eq!(scores[0], scores[1]);
        assert!(scores[2] < scores[0]);
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
