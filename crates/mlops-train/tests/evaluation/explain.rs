//! TreeSHAP against LightGBM's and shap's, partial dependence against scikit-learn's; the scripts below `golden/`
//! wrote the numbers.

use std::sync::Arc;

use mlops_core::{
    Value,
    arrow::array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch},
};
use mlops_model::{
    Combine, Encoder, Estimator, Input, InputKind, Link, ModelSpec, Output, Preprocess, Signature,
    Tree, TreeEnsemble,
};
use mlops_train::{Grid, TreeShap, individual_curves, partial_dependence};
use serde::Deserialize;

#[derive(Deserialize)]
struct LightGbm {
    version: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    outputs: usize,
    rows: Vec<Vec<Option<f64>>>,
    trees: Vec<Tree>,
    contributions: Vec<Vec<Vec<f64>>>,
    raw: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Forest {
    shap: String,
    #[serde(rename = "scikit-learn")]
    scikit_learn: String,
    rows: Vec<Vec<f64>>,
    trees: Vec<Tree>,
    expected: f64,
    values: Vec<Vec<f64>>,
    dependence: Vec<Dependence>,
}

#[derive(Deserialize)]
struct Dependence {
    column: usize,
    points: usize,
    grid: Vec<f64>,
    mean: Vec<f64>,
    rows: Vec<Vec<f64>>,
}

/// A model whose encoded columns are its inputs; input 3 holds categories if it is said so.
fn model(
    width: usize,
    trees: &[Tree],
    outputs: usize,
    combine: Combine,
    category: bool,
) -> ModelSpec {
    let inputs = (0..width).map(|at| {
        let kind = if category && at == 3 {
            InputKind::Int
        } else {
            InputKind::Float
        };
        Input::new(format!("x{at}"), kind).nullable()
    });
    let (output, link) = if outputs == 1 {
        (Output::Number, Link::Identity)
    } else {
        let names = (0..outputs).map(|class| class.to_string()).collect();
        (Output::Classes { names }, Link::Softmax)
    };
    let signature = Signature::new(inputs, output).unwrap();
    let encoder = |at| match at {
        3 if category => Encoder::Ordinal {
            input: 3,
            categories: (0..8).map(|code| code.to_string()).collect(),
        },
        _ => Encoder::plain(at),
    };
    let preprocess = Preprocess::new(&signature, (0..width).map(encoder).collect()).unwrap();
    let ensemble = TreeEnsemble {
        trees: trees.to_vec(),
        base: vec![0.0; outputs],
        combine,
        link,
    };
    ModelSpec::new(signature, preprocess, Estimator::Trees(ensemble)).unwrap()
}

fn batch(rows: &[Vec<Option<f64>>], category: bool) -> RecordBatch {
    let columns = (0..rows[0].len()).map(|at| {
        let values = rows.iter().map(|row| row[at]);
        let array: ArrayRef = if category && at == 3 {
            #[expect(clippy::cast_possible_truncation, reason = "codes from 0 to 7")]
            let codes = values.map(|value| value.map(|code| code as i64));
            Arc::new(Int64Array::from(codes.collect::<Vec<_>>()))
        } else {
            Arc::new(Float64Array::from(values.collect::<Vec<_>>()))
        };
        assert_eq!(array.len(), rows.len());
        (format!("x{at}"), array)
    });
    RecordBatch::try_from_iter(columns).unwrap()
}

#[track_caller]
fn near(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance * expected.abs().max(1.0),
        "{found}, the peer says {expected}"
    );
}

#[test]
fn contributions_agree_with_lightgbm() {
    let text = include_str!("../golden/lightgbm/contributions.json");
    let golden: LightGbm = serde_json::from_str(text).expect("the committed values");
    assert_eq!(golden.version, "4.7.0");
    for case in &golden.cases {
        let spec = model(5, &case.trees, case.outputs, Combine::Sum, true);
        let rows = batch(&case.rows, true);
        let shap = TreeShap::new(&spec, &rows).unwrap();
        let found = shap.explain(&rows.slice(0, case.raw.len())).unwrap();
        for (row, outputs) in case.contributions.iter().enumerate() {
            for (output, expected) in outputs.iter().enumerate() {
                near(found.raw_score(row, output), case.raw[row][output], 1e-9);
                near(found.expected()[output], expected[5], 1e-9);
                for (found, expected) in found.values(row, output).iter().zip(expected) {
                    near(*found, *expected, 1e-9);
                }
            }
        }
        let splits = case.trees.iter().flat_map(|tree| &tree.nodes);
        let category =
            |node: &mlops_model::Node| matches!(node, mlops_model::Node::Category { .. });
        assert!(splits.into_iter().any(category), "`{}`", case.name);
    }
}

/// One-hot columns count for the input that they came from.
#[test]
fn values_of_boosted_trees_sum_to_the_log_odds() {
    use mlops_model::Model;
    use mlops_train::{Boosting, Trainer, conformance::planted};

    let set = planted(600, 1);
    let spec = Boosting::builder()
        .trees(40)
        .build()
        .unwrap()
        .fit(&set)
        .unwrap()
        .spec;
    let rows = planted(200, 2).features();
    let shap = TreeShap::new(&spec, &set.features()).unwrap();
    let found = shap.explain(&rows).unwrap();
    assert_eq!(
        found.inputs(),
        ["recency", "orders", "spend", "member", "country"]
    );
    for (row, answer) in spec.predict_values(&rows).unwrap().iter().enumerate() {
        near(
            found.raw_score(row, 0),
            (answer / (1.0 - answer)).ln(),
            1e-6,
        );
    }
}

fn forest() -> (Forest, ModelSpec, RecordBatch) {
    let text = include_str!("../golden/shap/forest.json");
    let golden: Forest = serde_json::from_str(text).expect("the committed values");
    assert_eq!(
        (golden.shap.as_str(), golden.scikit_learn.as_str()),
        ("0.51.0", "1.9.1")
    );
    let spec = model(4, &golden.trees, 1, Combine::Mean, false);
    let some = |row: &Vec<f64>| row.iter().copied().map(Some).collect();
    let rows: Vec<Vec<Option<f64>>> = golden.rows.iter().map(some).collect();
    (golden, spec, batch(&rows, false))
}

#[test]
fn values_of_a_forest_agree_with_shap() {
    let (golden, spec, rows) = forest();
    let shap = TreeShap::new(&spec, &rows).unwrap();
    let found = shap.explain(&rows).unwrap();
    near(found.expected()[0], golden.expected, 1e-9);
    for (row, expected) in golden.values.iter().enumerate() {
        for (found, expected) in found.values(row, 0).iter().zip(expected) {
            near(*found, *expected, 1e-9);
        }
    }
}

#[test]
fn partial_dependence_agrees_with_scikit_learn() {
    let (golden, spec, rows) = forest();
    for case in &golden.dependence {
        let input = format!("x{}", case.column);
        let grid = Grid::Points(case.points);
        let found = partial_dependence(&spec, &rows, &input, &grid).unwrap();
        let curves = individual_curves(&spec, &rows, &input, &grid).unwrap();
        assert_eq!(found.grid.len(), case.grid.len());
        for (at, expected) in case.grid.iter().enumerate() {
            near(
                found.grid[at].as_f64().unwrap_or(f64::NAN),
                *expected,
                1e-12,
            );
            near(found.mean[at], case.mean[at], 1e-12);
            for (row, answers) in case.rows.iter().enumerate() {
                near(
                    curves.answers[row * case.grid.len() + at],
                    answers[at],
                    1e-12,
                );
            }
        }
        assert!(
            found
                .grid
                .iter()
                .all(|value| matches!(value, Value::Float(_)))
        );
    }
}
