//! What partitions learn together, against one alone and against all rows in one place.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray};
use mlops_core::{Column, Lineage, Role, Seed, Table, TableSchema, TrainingSet};
use mlops_model::{Estimator, Model};

use super::*;
use crate::{Error, conformance};

fn fit(builder: FederatedBuilder, partitions: &[TrainingSet]) -> FederatedFit {
    let later = conformance::planted(1000, 99);
    builder
        .build()
        .unwrap()
        .fit(partitions, Some(&later))
        .unwrap()
}

/// A set without times.
fn labelled(features: Vec<(&str, ArrayRef)>, labels: ArrayRef) -> TrainingSet {
    let mut columns = vec![Column::new("y", labels.data_type().clone(), Role::Label)];
    let mut arrays = vec![labels];
    for (name, array) in features {
        columns.push(Column::value(name, array.data_type().clone()));
        arrays.push(array);
    }
    let table = Table::new(TableSchema::new(columns).unwrap(), arrays).unwrap();
    TrainingSet::new(table, Lineage::default()).unwrap()
}

#[test]
fn partitions_together_know_more_than_any_alone() {
    let partitions: Vec<_> = (0..8).map(|seed| conformance::planted(60, seed)).collect();
    let together = fit(Federated::builder().rounds(150), &partitions);
    let loss = |fit: &FederatedFit| fit.rounds.last().unwrap().metrics["log_loss"];
    for one in &partitions {
        let alone = fit(Federated::builder().rounds(150), std::slice::from_ref(one));
        let (together, alone) = (loss(&together), loss(&alone));
        assert!(together < alone, "{together} against {alone}");
    }
}

#[test]
fn one_partition_and_many_with_the_same_rows_agree_in_one_step() {
    // a single step over all rows is the same gradient wherever the rows lie
    let whole = conformance::planted(120, 4);
    let halves: Vec<TrainingSet> = [0, 1]
        .map(|half| {
            let keep: Vec<bool> = (0..120).map(|row| row % 2 == half).collect();
            whole.filter(&keep).unwrap()
        })
        .to_vec();
    let one_step = Federated::builder().rounds(3).batch_rows(1000);
    let weights = |sets: &[TrainingSet]| {
        let fit = fit(one_step.clone(), sets);
        match fit.spec.estimator() {
            Estimator::Linear(linear) => linear.weights.clone(),
            other => panic!("{other:?}"),
        }
    };
    let (one, two) = (weights(&[whole]), weights(&halves));
    assert!(one.iter().zip(&two).all(|(a, b)| (a - b).abs() < 1e-9));
}

#[test]
fn a_network_learns_what_a_line_cannot() {
    let partitions: Vec<_> = (0..4).map(|seed| conformance::planted(500, seed)).collect();
    let rounds = Federated::builder().rounds(60).learning_rate(0.05);
    let line = fit(rounds.clone(), &partitions);
    let network = fit(rounds.hidden([16]), &partitions);
    let loss = |fit: &FederatedFit| fit.rounds.last().unwrap().metrics["log_loss"];
    assert!(loss(&network) < loss(&line) - 0.01);
    assert_eq!(network.spec.family(), "mlp");
}

#[test]
fn numbers_and_classes_that_some_partitions_lack_are_learnt() {
    let x: ArrayRef = Arc::new(Float64Array::from_iter_values((0..90).map(f64::from)));
    let label = |text: fn(i32) -> &'static str, rows: std::ops::Range<i32>| {
        let labels: ArrayRef = Arc::new(StringArray::from_iter_values(rows.clone().map(text)));
        let x = x.slice(usize::try_from(rows.start).unwrap(), rows.len());
        labelled(vec![("x", x)], labels)
    };
    let name = |row: i32| match row {
        0..30 => "low",
        30..60 => "middle",
        _ => "high",
    };
    let sets = [label(name, 0..50), label(name, 20..90)];
    let fit = Federated::builder().rounds(200).build().unwrap();
    let found = fit.fit(&sets, None).unwrap();
    let answers = found.spec.predict(&label(name, 0..90).features()).unwrap();
    let names = ["high", "low", "middle"];
    for (row, class) in [(5, "low"), (45, "middle"), (85, "high")] {
        let best = answers.row(row).iter().copied().fold(0.0, f64::max);
        let at = names.iter().position(|name| *name == class).unwrap();
        assert_eq!(answers.row(row)[at], best, "{row}");
    }

    let number = |rows: std::ops::Range<i32>| {
        let values = rows.clone().map(|row| 1000.0 - 2.0 * f64::from(row));
        let labels: ArrayRef = Arc::new(Float64Array::from_iter_values(values));
        let x = x.slice(usize::try_from(rows.start).unwrap(), rows.len());
        labelled(vec![("x", x)], labels)
    };
    let found = fit.fit(&[number(0..40), number(40..90)], None).unwrap();
    let answers = found
        .spec
        .predict_values(&number(0..90).features())
        .unwrap();
    assert!((answers[10] - 980.0).abs() < 2.0, "{}", answers[10]);
}

#[test]
fn the_same_seed_gives_the_same_model() {
    let partitions: Vec<_> = (0..5).map(|seed| conformance::planted(50, seed)).collect();
    let run = |seed| {
        let builder = Federated::builder()
            .rounds(4)
            .participation(0.5)
            .seed(Seed(seed));
        let fit = fit(builder, &partitions);
        assert!(fit.rounds.iter().all(|round| round.partitions.len() == 3));
        serde_json::to_string(&fit.spec).unwrap()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn partitions_that_do_not_fit_are_named() {
    let fit = |sets: &[TrainingSet]| Federated::builder().build().unwrap().fit(sets, None);
    assert!(matches!(fit(&[]).unwrap_err(), Error::NoPartition));
    let other = conformance::table(vec![("x", vec![Some(1.0), Some(2.0)])], &[true, false]);
    let error = fit(&[conformance::planted(50, 1), other]).unwrap_err();
    assert!(
        matches!(error, Error::PartitionSchema { partition: 1, .. }),
        "{error}"
    );
    let one = conformance::table(vec![("x", vec![Some(1.0), Some(2.0)])], &[true, true]);
    assert!(matches!(
        fit(&[one]).unwrap_err(),
        Error::SingleClass { rows: 2, .. }
    ));
}

#[test]
fn settings_out_of_range_are_named() {
    let builder = Federated::builder;
    for (bad, parameter) in [
        (builder().rounds(0), "rounds"),
        (builder().local_epochs(0), "local_epochs"),
        (builder().batch_rows(0), "batch_rows"),
        (builder().learning_rate(f64::NAN), "learning_rate"),
        (builder().participation(0.0), "participation"),
        (builder().hidden([0]), "hidden"),
        (builder().l2(-1.0), "l2"),
        (builder().proximal(f64::INFINITY), "proximal"),
        (builder().max_categories(0), "max_categories"),
    ] {
        let error = bad.build().unwrap_err().to_string();
        assert!(error.contains(&format!("`{parameter}`")), "{error}");
    }
}
