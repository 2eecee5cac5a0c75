//! Trees that are grown whole answer as scikit-learn's do.
//!
//! `tests/golden/scikit-learn/trees.py` wrote the numbers.

use std::{collections::BTreeMap, sync::Arc};

use mlops_core::{
    Column, Lineage, Role, Seed, Table, TableSchema, TrainingSet,
    arrow::{
        array::{ArrayRef, BooleanArray, Float64Array},
        datatypes::DataType,
    },
    metric,
};
use mlops_model::Model;
use mlops_train::{ClassWeights, DecisionTree, IsolationForest, Trainer};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(serde::Deserialize)]
struct Golden {
    version: String,
    columns: Vec<Vec<f64>>,
    number: Vec<f64>,
    binary: Vec<bool>,
    weights: Vec<f64>,
    regression: Vec<f64>,
    weighted_regression: Vec<f64>,
    leaves: Vec<u32>,
    balanced_leaves: Vec<u32>,
    points: Vec<Vec<f64>>,
    odd: Vec<bool>,
    isolation_roc_auc: Areas,
}

#[derive(serde::Deserialize)]
struct Areas {
    mean: f64,
}

fn golden() -> Result<Golden> {
    let golden: Golden = serde_json::from_str(include_str!("golden/scikit-learn/trees.json"))?;
    assert_eq!(golden.version, "1.9.1");
    Ok(golden)
}

fn set(features: &[Vec<f64>], label: ArrayRef, weights: Option<&[f64]>) -> Result<TrainingSet> {
    let numbers = |values: &[f64]| -> ArrayRef { Arc::new(Float64Array::from(values.to_vec())) };
    let (mut columns, mut arrays) = (Vec::new(), Vec::new());
    for (at, values) in features.iter().enumerate() {
        columns.push(Column::value(format!("x{at}"), DataType::Float64));
        arrays.push(numbers(values));
    }
    columns.push(Column::new("y", label.data_type().clone(), Role::Label));
    arrays.push(label);
    if let Some(weights) = weights {
        columns.push(Column::new("w", DataType::Float64, Role::Weight));
        arrays.push(numbers(weights));
    }
    let table = Table::new(TableSchema::new(columns)?, arrays)?;
    Ok(TrainingSet::new(table, Lineage::default())?)
}

#[test]
fn a_tree_of_numbers_answers_as_scikit_learn_does() -> Result<()> {
    let golden = golden()?;
    let tree = DecisionTree::builder().max_depth(4).min_leaf(5).build()?;
    for (weights, expected) in [
        (None, &golden.regression),
        (Some(&golden.weights[..]), &golden.weighted_regression),
    ] {
        let label = Arc::new(Float64Array::from(golden.number.clone()));
        let set = set(&golden.columns, label, weights)?;
        let found = tree.fit(&set)?.spec.predict_values(&set.features())?;
        for (row, (found, expected)) in found.iter().zip(expected).enumerate() {
            let off = (found - expected).abs();
            assert!(off < 1e-9, "row {row}: {found} is not {expected}");
        }
    }
    Ok(())
}

#[test]
fn a_tree_of_classes_parts_the_rows_as_scikit_learn_does() -> Result<()> {
    let golden = golden()?;
    for (weights, expected) in [
        (ClassWeights::Equal, &golden.leaves),
        (ClassWeights::Balanced, &golden.balanced_leaves),
    ] {
        let tree = DecisionTree::builder().max_depth(2).min_leaf(10);
        let label = Arc::new(BooleanArray::from(golden.binary.clone()));
        let set = set(&golden.columns, label, None)?;
        let tree = tree.class_weights(weights).build()?;
        let found = tree.fit(&set)?.spec.predict_values(&set.features())?;
        // leaves answer differently here, so an answer tells its leaf
        let mut answers: BTreeMap<u32, u64> = BTreeMap::new();
        for (answer, leaf) in found.iter().zip(expected) {
            assert_eq!(
                *answers.entry(*leaf).or_insert(answer.to_bits()),
                answer.to_bits()
            );
        }
        let different: std::collections::BTreeSet<&u64> = answers.values().collect();
        assert_eq!(different.len(), answers.len());
    }
    Ok(())
}

#[test]
fn planted_anomalies_are_found_as_well_as_by_scikit_learn() -> Result<()> {
    let golden = golden()?;
    let mut areas = Vec::new();
    for seed in 0..10 {
        let label = Arc::new(BooleanArray::from(golden.odd.clone()));
        let set = set(&golden.points, label, None)?;
        let forest = IsolationForest::builder(Seed(seed)).build()?;
        let scores = forest.fit(&set)?.spec.predict_values(&set.features())?;
        areas.push(metric::roc_auc(&golden.odd, &scores)?);
    }
    let (mean, expected) = (
        areas.iter().sum::<f64>() / 10.0,
        golden.isolation_roc_auc.mean,
    );
    assert!(
        (mean - expected).abs() < 0.02,
        "{mean} is not {expected}: {areas:?}"
    );
    Ok(())
}
