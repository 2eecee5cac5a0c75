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
