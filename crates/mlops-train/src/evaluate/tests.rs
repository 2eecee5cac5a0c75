//! Assessments of all three outputs.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, Float64Array, StringArray, TimestampMicrosecondArray},
    datatypes::DataType,
};
use mlops_core::{
    Column, Lineage, Role, Seed, Table, TableSchema, TrainingSet, metric::regression,
};
use mlops_model::{
    Encoder, Estimator, Input, InputKind, Linear, Link, ModelSpec, Output, Preprocess, Signature,
};

use super::*;
use crate::{baseline, conformance::planted};

fn set(x: &[f64], labels: ArrayRef) -> TrainingSet {
    let columns = [
        Column::event_time("at"),
        Column::new("x", DataType::Float64, Role::Value),
        Column::new("y", labels.data_type().clone(), Role::Label),
    ];
    let times = TimestampMicrosecondArray::from(vec![0; x.len()]).with_timezone("UTC");
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(times),
        Arc::new(Float64Array::from(x.to_vec())),
        labels,
    ];
    let table = Table::new(TableSchema::new(columns).unwrap(), arrays).unwrap();
    TrainingSet::new(table, Lineage::default()).unwrap()
}

fn line(output: Output, weights: Vec<f64>, bias: Vec<f64>, link: Link) -> ModelSpec {
    let input = Input::new("x", InputKind::Float).nullable();
    let signature = Signature::new([input], output).unwrap();
    let encoder = Encoder::Numeric {
        input: 0,
        impute: Some(0.0),
        log1p: false,
        center: 0.0,
        scale: 1.0,
    };
    let preprocess = Preprocess::new(&signature, vec![encoder]).unwrap();
    let linear = Linear {
        weights,
        bias,
        link,
    };
    ModelSpec::new(signature, preprocess, Estimator::Linear(linear)).unwrap()
}

fn quick() -> EvaluationOptions {
    EvaluationOptions {
        bootstrap: 50,
        ..EvaluationOptions::default()
    }
}

fn survives_json(found: &Assessment) {
    let text = serde_json::to_string(found).unwrap();
    assert_eq!(&serde_json::from_str::<Assessment>(&text).unwrap(), found);
}

#[test]
fn a_model_of_two_classes_is_evaluated_as_before() {
    let set = planted(300, 1);
    let model = baseline(&set).unwrap();
    let found = assess(&model, &set, &quick()).unwrap();
    let Assessment::Binary(binary) = &found else {
        panic!("{found:?}")
    };
    assert_eq!(**binary, evaluate(&model, &set, &quick()).unwrap());
    assert_eq!((found.rows(), found.metrics()), (300, binary.metrics()));
    survives_json(&found);
}

#[test]
fn a_regression_is_told_by_its_errors() {
    let mut rng = Seed(1).rng();
    let x: Vec<f64> = (0..200).map(|_| rng.normal()).collect();
    let y: Vec<f64> = x
        .iter()
        .map(|x| 3.0 * x + 1.0 + 0.1 * rng.normal())
        .collect();
    let set = set(&x, Arc::new(Float64Array::from(y.clone())));
    let model = line(Output::Number, vec![3.0], vec![1.5], Link::Identity);
    let found = assess(&model, &set, &quick()).unwrap();
    survives_json(&found);
    let Assessment::Numbers(numbers) = &found else {
        panic!("{found:?}")
    };
    let answers: Vec<f64> = x.iter().map(|x| 1.5 + 3.0 * x).collect();
    assert!((numbers.rmse.value - regression::rmse(&y, &answers).unwrap()).abs() < 1e-12);
    assert!((numbers.bias - 0.5).abs() < 0.05);
    assert!(numbers.rmse.lower < numbers.rmse.value && numbers.rmse.value < numbers.rmse.upper);
    assert_eq!((numbers.bins.len(), numbers.bins[0].rows), (10, 20));
    assert!(
        numbers
            .bins
            .is_sorted_by(|a, b| a.mean_answer < b.mean_answer)
    );
    assert!(
        numbers
            .bins
            .iter()
            .all(|bin| bin.mean_answer > bin.mean_label)
    );
    assert!(found.metrics().contains_key("r2_lower"));
    assert!(matches!(
        evaluate(&model, &set, &quick()),
        Err(crate::Error::Core(mlops_core::Error::InvalidScore { .. }))
    ));
}

#[test]
fn several_classes_are_told_by_class() {
    let names = ["low", "mid", "high"].map(String::from).to_vec();
    let model = line(
        Output::Classes { names },
        vec![-2.0, 0.0, 2.0],
        vec![0.0, 0.5, 0.0],
        Link::Softmax,
    );
    let x: Vec<f64> = (0..90).map(|i| f64::from(i % 3) - 1.0).collect();
    let text = |class: i32| ["low", "mid", "high"][usize::try_from(class).unwrap()];
    let y: Vec<&str> = (0..90)
        .map(|i| text(if i == 0 { 2 } else { i % 3 }))
        .collect();
    let found = assess(&model, &set(&x, Arc::new(StringArray::from(y))), &quick()).unwrap();
    survives_json(&found);
    let Assessment::Classes(classes) = &found else {
        panic!("{found:?}")
    };
    assert_eq!(classes.accuracy.value, 89.0 / 90.0);
    let high = &classes.classes[2];
    assert_eq!((high.name.as_str(), high.rows), ("high", 31));
    assert_eq!(
        (high.precision, high.recall),
        (Some(1.0), Some(30.0 / 31.0))
    );
    assert_eq!(classes.confusion.count(2, 0), 1);
    assert!(found.metrics().contains_key("roc_auc"));

    let two: Vec<&str> = (0..90).map(|i| text((i % 3).min(1))).collect();
    let found = assess(&model, &set(&x, Arc::new(StringArray::from(two))), &quick()).unwrap();
    let Assessment::Classes(classes) = &found else {
        panic!("{found:?}")
    };
    assert_eq!((classes.roc_auc, classes.classes[2].recall), (None, None));
}

/// Rows of a set at weights of 1, 2 and 3 by turns, and each of them so often.
fn counted(set: &TrainingSet) -> (TrainingSet, TrainingSet) {
    let batch = set.features();
    let schema = batch.schema();
    let label = set.table().column(set.label_name()).unwrap();
    let rows = 0..u32::try_from(set.rows()).unwrap();
    let times: Vec<u32> = rows
        .clone()
        .flat_map(|row| vec![row; 1 + row as usize % 3])
        .collect();
    let taken = |rows: Vec<u32>, weights| {
        let rows = arrow::array::UInt32Array::from(rows);
        let take = |array: &ArrayRef| arrow::compute::take(array, &rows, None).unwrap();
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let features = names.zip(batch.columns().iter().map(take)).collect();
        crate::conformance::labelled(features, take(label), weights)
    };
    let weights = rows.clone().map(|row| f64::from(1 + row % 3)).collect();
    (taken(rows.collect(), Some(weights)), taken(times, None))
}

#[test]
fn a_row_of_weight_n_counts_as_n_rows() {
    use crate::{
        DecisionTree, KFold, Measure, Metric, Trainer,
        conformance::{planted_classes, planted_numbers},
        cross_validate,
    };

    let options = EvaluationOptions {
        bootstrap: 10,
        top_share: 1.0,
        ..EvaluationOptions::default()
    };
    for set in [
        planted(200, 3),
        planted_classes(200, 3),
        planted_numbers(200, 3),
    ] {
        let (weighted, repeated) = counted(&set);
        let tree = DecisionTree::builder().build().unwrap();
        let model = tree.fit(&set).unwrap().spec;
        let found = assess(&model, &weighted, &options).unwrap().metrics();
        let expected = assess(&model, &repeated, &options).unwrap().metrics();
        for (name, value) in found {
            let other = expected[&name];
            let counts_rows = name == "rows" || name == "positives" || name.ends_with("er");
            assert!(
                counts_rows || (value - other).abs() < 1e-9,
                "{name}: {value} {other}"
            );
        }
        let truth = Truth::of(&weighted, model.signature().output()).unwrap();
        let measure = Measure::all_for(&truth)[0];
        let found = cross_validate(&tree, &weighted, &KFold::new(3), &[&measure]).unwrap();
        let out = &found.out_of_fold;
        let weights = out.weights.as_ref().unwrap();
        let rows: Vec<usize> = (0..out.rows.len())
            .filter(|at| out.folds[*at] == 1)
            .collect();
        let width = truth.width();
        let value = measure.weighted(
            &out.truth.take(&rows),
            &crate::measure::take_rows(&out.answers, width, &rows),
            &crate::measure::take_rows(weights, 1, &rows),
        );
        assert_eq!(value.unwrap(), found.folds[1].metrics[&measure.name()]);
    }
}
