//! What passes to forust and back: rows as columns, and trees as the model holds them.

use std::collections::BTreeMap;

use forust_ml::{
    GradientBooster, Matrix as Columns, objective::ObjectiveType, sampler::SampleMethod,
};
use mlops_model::{Combine, Link, Matrix, Node, Rule, Tree, TreeEnsemble};

use super::Boosting;
use crate::{Error, Result, holdout::Holdout};

impl Boosting {
    fn booster(&self, trees: usize) -> GradientBooster {
        let sampling = if self.subsample < 1.0 {
            SampleMethod::Random
        } else {
            SampleMethod::None
        };
        GradientBooster::default()
            .set_objective_type(ObjectiveType::LogLoss)
            .set_iterations(trees)
            .set_learning_rate(self.learning_rate)
            .set_max_depth(self.max_depth)
            .set_max_leaves(usize::MAX)
            .set_min_leaf_weight(self.min_leaf_weight)
            .set_l2(self.l2)
            .set_subsample(self.subsample)
            .set_sample_method(sampling)
            .set_create_missing_branch(false)
            .set_nbins(256)
            .set_seed(self.seed.derive("rows").0)
    }

    /// Fits on the earlier rows, and stops when the loss on the latest ones falls no more.
    pub(super) fn stopped(
        &self,
        matrix: &Matrix,
        labels: &[bool],
        held: &Holdout,
        rounds: usize,
        history: &mut BTreeMap<String, Vec<f64>>,
    ) -> Result<GradientBooster> {
        let (x, y) = columns(matrix, labels, &held.fit);
        let (late_x, late_y) = columns(matrix, labels, &held.validation);
        let ones = vec![1.0; y.len().max(late_y.len())];
        let width = matrix.width();
        // the last one decides when to stop
        let watched = vec![
            (Columns::new(&x, y.len(), width), &y[..], &ones[..y.len()]),
            (
                Columns::new(&late_x, late_y.len(), width),
                &late_y[..],
                &ones[..late_y.len()],
            ),
        ];
        let mut booster = self
            .booster(self.trees)
            .set_early_stopping_rounds(Some(rounds));
        booster
            .fit(
                &Columns::new(&x, y.len(), width),
                &y,
                &ones[..y.len()],
                Some(watched),
            )
            .map_err(|error| refused(&error))?;
        if let Some(losses) = &booster.evaluation_history {
            let series = |at: usize| losses.data.chunks_exact(2).map(|row| row[at]).collect();
            history.insert("train_log_loss".into(), series(0));
            history.insert("validation_log_loss".into(), series(1));
        }
        Ok(booster)
    }

    /// Fits on all rows.
    pub(super) fn whole(
        &self,
        matrix: &Matrix,
        labels: &[bool],
        trees: usize,
    ) -> Result<GradientBooster> {
        let rows: Vec<usize> = (0..labels.len()).collect();
        let (x, y) = columns(matrix, labels, &rows);
        let mut booster = self.booster(trees);
        booster
            .fit(
                &Columns::new(&x, y.len(), matrix.width()),
                &y,
                &vec![1.0; y.len()],
                None,
            )
            .map_err(|error| refused(&error))?;
        Ok(booster)
    }
}

fn refused(error: &forust_ml::errors::ForustError) -> Error {
    Error::Engine {
        engine: "forust-ml",
        reason: error.to_string(),
    }
}

/// Some rows as forust reads them: column after column, and labels as numbers.
fn columns(matrix: &Matrix, labels: &[bool], rows: &[usize]) -> (Vec<f64>, Vec<f64>) {
    let mut x = Vec::with_capacity(rows.len() * matrix.width());
    for column in 0..matrix.width() {
        x.extend(rows.iter().map(|row| matrix.row(*row)[column]));
    }
    let y = rows
        .iter()
        .map(|row| f64::from(u8::from(labels[*row])))
        .collect();
    (x, y)
}

/// The number of trees that predict.
pub(super) fn used(booster: &GradientBooster) -> usize {
    booster.prediction_iteration.unwrap_or(booster.trees.len())
}

/// forust's trees as the model holds them: `x < split_value` goes left, a missing `x` where the node says.
pub(super) fn export(booster: &GradientBooster) -> Result<TreeEnsemble> {
    let number = |n: usize| u32::try_from(n).expect("a tree has fewer than 2^32 nodes");
    let trees = booster.trees[..used(booster)].iter().map(|tree| {
        let nodes = tree.nodes.iter().map(|node| {
            if node.is_leaf {
                return Ok(Node::Leaf {
                    value: f64::from(node.weight_value),
                });
            }
            if node.has_missing_branch() {
                return Err(Error::Engine {
                    engine: "forust-ml",
                    reason: format!("node {} has a third branch", node.num),
                });
            }
            Ok(Node::Split {
                feature: number(node.split_feature),
                threshold: node.split_value,
                rule: Rule::Lt,
                missing_left: node.missing_node == node.left_child,
                left: number(node.left_child),
                right: number(node.right_child),
            })
        });
        Ok(Tree {
            nodes: nodes.collect::<Result<_>>()?,
        })
    });
    Ok(TreeEnsemble {
        trees: trees.collect::<Result<_>>()?,
        base: vec![booster.base_score],
        combine: Combine::Sum,
        link: Link::Logit,
    })
}

/// The total gain of each column's splits.
pub(super) fn gains(booster: &GradientBooster, width: usize) -> Vec<f64> {
    let mut gains = vec![0.0; width];
    for tree in &booster.trees[..used(booster)] {
        for node in tree.nodes.iter().filter(|node| !node.is_leaf) {
            gains[node.split_feature] += f64::from(node.split_gain).max(0.0);
        }
    }
    gains
}

#[cfg(test)]
mod tests {
    use mlops_model::Model;

    use super::*;
    use crate::{
        Trainer,
        conformance::planted,
        prepare::{Numerics, Prepared},
    };

    #[test]
    fn the_exported_model_answers_as_forust_does() {
        for (seed, subsample) in [(1, 1.0), (2, 1.0), (3, 0.6)] {
            let set = planted(500, seed);
            let trainer = Boosting::builder()
                .trees(150)
                .early_stopping(Some(5))
                .subsample(subsample)
                .refit(false)
                .build()
                .unwrap();
            let prepared = Prepared::new(&set, Numerics::Raw, 16).unwrap();
            let held = Holdout::latest(&set.event_times(), &prepared.labels, 0.2).unwrap();
            let mut history = BTreeMap::new();
            let booster = trainer
                .stopped(&prepared.matrix, &prepared.labels, &held, 5, &mut history)
                .unwrap();
            assert!(
                used(&booster) < booster.trees.len(),
                "stopping early is part of this test"
            );

            let fresh = planted(500, seed + 100);
            let spec = trainer.fit(&set).unwrap().spec;
            let ours = spec.predict_values(&fresh.features()).unwrap();
            let matrix = spec.preprocess().encode(&fresh.features()).unwrap();
            assert!(
                matrix.values().iter().any(|x| x.is_nan()),
                "missing values are part of this test"
            );
            let rows: Vec<usize> = (0..500).collect();
            let (x, _) = columns(&matrix, &[false; 500], &rows);
            let theirs = booster.predict(&Columns::new(&x, 500, matrix.width()), false);
            for (ours, log_odds) in ours.iter().zip(theirs) {
                assert!((ours - 1.0 / (1.0 + (-log_odds).exp())).abs() < 1e-12);
            }
        }
    }
}
