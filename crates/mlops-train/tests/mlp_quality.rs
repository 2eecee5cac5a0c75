//! On real rows the network ranks as well as scikit-learn's with like settings, to 0.003 of the area under the curve.
//! Without the files the tests say so and pass.
//!
//! The areas come from `golden/scikit-learn/mlp.py`, which says how the rows are read and split.

#![cfg(feature = "burn")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::print_stdout, reason = "a skipped test says so")]

use std::{path::PathBuf, sync::Arc};

use mlops_core::{
    Column, Lineage, Role, Seed, Table, TableSchema, TrainingSet,
    arrow::{
        array::{ArrayRef, BooleanArray, Float64Array, StringArray, TimestampMicrosecondArray},
        datatypes::DataType,
    },
    metric,
};
use mlops_model::Model;
use mlops_train::{Mlp, Texts, Trainer, Training};

fn records(name: &str, header: bool) -> Option<Vec<Vec<String>>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(name);
    if !path.exists() {
        println!("skipped: {name} is not there");
        return None;
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(header)
        .trim(csv::Trim::All)
        .from_path(path)
        .unwrap();
    let rows = reader
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect());
    Some(rows.collect())
}

/// A training set of these columns, numbers unless they are among `texts`, in a shuffled order of time.
fn set(
    records: &[Vec<String>],
    columns: &[usize],
    texts: &[usize],
    label: impl Fn(&[String]) -> bool,
) -> TrainingSet {
    let mut order: Vec<i64> = (0..i64::try_from(records.len()).unwrap()).collect();
    // the peer holds random rows out
    Seed(1).rng().shuffle(&mut order);
    let mut names = vec![Column::event_time("at")];
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(
        TimestampMicrosecondArray::from(order).with_timezone("UTC"),
    )];
    for column in columns {
        let values = records.iter().map(|record| record[*column].as_str());
        let array: ArrayRef = if texts.contains(column) {
            Arc::new(StringArray::from(values.collect::<Vec<_>>()))
        } else {
            Arc::new(
                values
                    .map(|value| value.parse::<f64>().ok())
                    .collect::<Float64Array>(),
            )
        };
        names.push(Column::value(
            format!("c{column}"),
            array.data_type().clone(),
        ));
        arrays.push(array);
    }
    names.push(Column::new("y", DataType::Boolean, Role::Label));
    let labels: Vec<bool> = records.iter().map(|record| label(record)).collect();
    arrays.push(Arc::new(BooleanArray::from(labels)));
    let table = Table::new(TableSchema::new(names).unwrap(), arrays).unwrap();
    TrainingSet::new(table, Lineage::default()).unwrap()
}

fn check(name: &str, train: &TrainingSet, test: &TrainingSet) {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("golden/scikit-learn/mlp.json")).unwrap();
    let theirs = golden["roc_auc"][name]["mean"].as_f64().unwrap();
    let labels = test.label_classes().unwrap();
    for texts in [Texts::OneHot, Texts::Embedded(16)] {
        let area = |seed| {
            let training = Training::new().learning_rate(0.003).seed(Seed(seed));
            let trainer = Mlp::builder()
                .hidden([32, 16])
                .texts(texts)
                .training(training);
            let model = trainer.build().unwrap().fit(train).unwrap().spec;
            let scores = model.predict_values(&test.features()).unwrap();
            metric::roc_auc(&labels, &scores).unwrap()
        };
        let areas: Vec<f64> = (0..3).map(area).collect();
        let ours = areas.iter().sum::<f64>() / 3.0;
        println!("{name}, {texts:?}: {ours:.4} {areas:.4?}, scikit-learn {theirs:.4}");
        assert!(
            ours > theirs - 0.003,
            "{name}, {texts:?}: {ours} against {theirs}"
        );
    }
}

#[test]
fn adult_is_ranked_as_by_scikit_learn() {
    let read = |name| records(name, false);
    let (Some(train), Some(test)) = (read("adult/adult-train.csv"), read("adult/adult-test.csv"))
    else {
        return;
    };
    let columns = [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
    let texts = [1, 3, 5, 6, 7, 8, 9, 13];
    let rows = |records: &[Vec<String>]| {
        set(records, &columns, &texts, |record| {
            record[14].starts_with(">50K")
        })
    };
    check("adult", &rows(&train), &rows(&test));
}

#[test]
fn credit_default_is_ranked_as_by_scikit_learn() {
    let Some(all) = records("credit-default/UCI_Credit_Card.csv", true) else {
        return;
    };
    let is_test = |record: &Vec<String>| record[0].parse::<u64>().unwrap() % 10 < 3;
    let (test, train): (Vec<_>, Vec<_>) = all.into_iter().partition(is_test);
    let columns: Vec<usize> = (1..24).collect();
    let rows =
        |records: &[Vec<String>]| set(records, &columns, &[2, 3, 4], |record| record[24] == "1");
    check("credit_default", &rows(&train), &rows(&test));
}
