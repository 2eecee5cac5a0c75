//! Folds are judged by what they left out, watched, and named when they fail.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Float64Array, StringArray, TimestampMicrosecondArray},
    datatypes::DataType,
};
use mlops_core::{Column, ErrorKind, Lineage, Role, Seed, Table, TableSchema};
use mlops_model::ModelSpec;

use super::*;
use crate::{Fitted, KFold, Measure, StratifiedKFold, TimeSeries, baseline, conformance::planted};

/// Answers the base rate; `turned` answers its opposite.
#[derive(Debug)]
struct Guess {
    turned: bool,
}

impl Trainer for Guess {
    fn name(&self) -> &str {
        if self.turned { "turned" } else { "guess" }
    }

    fn params(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn fit(&self, set: &TrainingSet) -> Result<Fitted> {
        let mut spec = baseline(set)?;
        if self.turned {
            let text = serde_json::to_string(&spec).expect("plain data");
            let mut json: serde_json::Value = serde_json::from_str(&text).expect("its own text");
            let bias = &mut json["estimator"]["linear"]["bias"];
            *bias = (1.0 - bias.as_f64().expect("a number")).into();
            spec = serde_json::from_value::<ModelSpec>(json).expect("a model");
        }
        Ok(Fitted {
            spec,
            params: BTreeMap::new(),
            history: BTreeMap::new(),
            importance: Vec::new(),
        })
    }
}

#[test]
fn each_fold_is_judged_by_what_it_left_out() {
    let set = planted(200, 1);
    let labels = set.label_classes().unwrap();
    let splitter = StratifiedKFold::new(4).shuffled(Seed(1));
    let guess = Guess { turned: false };
    let found = cross_validate(
        &guess,
        &set,
        &splitter,
        &[&Measure::Brier, &Measure::RocAuc],
    )
    .unwrap();
    assert_eq!((found.trainer.as_str(), found.folds.len()), ("guess", 4));
    for (at, fold) in splitter.folds(&set).unwrap().enumerate() {
        let positives = fold
            .train
            .iter()
            .filter(|row| labels[**row as usize])
            .count();
        let rate = positives as f64 / fold.train.len() as f64;
        let answers = found
            .out_of_fold
            .rows
            .iter()
            .zip(&found.out_of_fold.folds)
            .enumerate();
        let ours = answers.filter(|(_, (_, fold))| **fold as usize == at);
        let mut rows = Vec::new();
        for (position, (row, _)) in ours {
            assert_eq!(found.out_of_fold.answers[position], rate);
            rows.push(*row);
        }
        assert_eq!(rows, fold.test);
        let test: Vec<bool> = fold.test.iter().map(|row| labels[*row as usize]).collect();
        let brier = mlops_core::metric::brier(&test, &vec![rate; test.len()]).unwrap();
        assert_eq!(found.folds[at].metrics["brier"], brier);
        assert_eq!(found.folds[at].metrics["roc_auc"], 0.5);
    }
    let values = found.values("brier");
    assert!((found.mean("brier").unwrap() - values.iter().sum::<f64>() / 4.0).abs() < 1e-15);
    assert_eq!(found.deviation("roc_auc"), Some(0.0));
    assert_eq!((found.mean("rmse"), found.deviation("rmse")), (None, None));
    let text = serde_json::to_string(&found).unwrap();
    assert_eq!(
        serde_json::from_str::<CrossValidation>(&text).unwrap(),
        found
    );
}

#[test]
fn several_classes_are_judged_with_all_their_answers() {
    let columns = [
        Column::event_time("at"),
        Column::value("x", DataType::Float64),
        Column::new("y", DataType::Utf8, Role::Label),
    ];
    let names: Vec<&str> = (0..60).map(|row| ["a", "b", "c", "c"][row % 4]).collect();
    let times = TimestampMicrosecondArray::from_iter_values(0..60);
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(times.with_timezone("UTC")),
        Arc::new(Float64Array::from(vec![0.5; 60])),
        Arc::new(StringArray::from(names)),
    ];
    let table = Table::new(TableSchema::new(columns).unwrap(), arrays).unwrap();
    let set = TrainingSet::new(table, Lineage::default()).unwrap();
    let guess = Guess { turned: false };
    let splitter = StratifiedKFold::new(5);
    let found = cross_validate(&guess, &set, &splitter, &[&Measure::Accuracy]).unwrap();
    assert_eq!(
        (
            found.out_of_fold.truth.width(),
            found.out_of_fold.answers.len()
        ),
        (3, 180)
    );
    assert_eq!(found.out_of_fold.answers[..3], [0.25, 0.25, 0.5]);
    assert_eq!(found.mean("accuracy"), Some(0.5));
    let error = found.out_of_fold.binary().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn a_watcher_sees_every_fold_and_may_stop() {
    let set = planted(100, 1);
    let mut seen = Vec::new();
    let mut watch = |progress: Progress| {
        seen.push((progress.done, progress.total));
        if progress.done == 2 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let guess = Guess { turned: false };
    let splitter = TimeSeries::expanding(4);
    let stopped = cross_validate_watched(&guess, &set, &splitter, &[&Measure::Brier], &mut watch);
    let error = stopped.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cross-validation was cancelled after 2 steps"
    );
    assert_eq!(seen, [(1, 4), (2, 4)]);
}

#[test]
fn a_fold_that_fails_is_named() {
    let set = planted(100, 1);
    let guess = Guess { turned: false };
    let error = cross_validate(&guess, &set, &KFold::new(100), &[&Measure::RocAuc]).unwrap_err();
    assert_eq!(
        (error.to_string(), error.kind()),
        ("fold 0 failed".to_owned(), ErrorKind::Invalid)
    );
    let source = std::error::Error::source(&error)
        .expect("what failed")
        .to_string();
    assert!(source.contains("roc_auc needs both classes"), "{source}");
}

#[test]
fn the_better_candidate_is_chosen_inside_each_fold() {
    let set = planted(300, 1);
    let (guess, turned) = (Guess { turned: false }, Guess { turned: true });
    let candidates: [&dyn Trainer; 2] = [&turned, &guess];
    let outer = KFold::new(3).shuffled(Seed(1));
    let inner = KFold::new(2).shuffled(Seed(2));
    let run = |metric: &dyn Metric| {
        nested_cross_validate(&candidates, &set, &outer, &inner, metric, &mut unwatched).unwrap()
    };
    let found = run(&Measure::LogLoss);
    assert_eq!(found.out_of_fold.rows.len(), 300);
    for fold in &found.folds {
        assert_eq!(
            (fold.chosen, fold.train_rows, fold.test_rows),
            (1, 200, 100)
        );
        assert!(fold.inner[1] < fold.inner[0]);
    }
    let plain = cross_validate(&guess, &set, &outer, &[&Measure::LogLoss]).unwrap();
    assert_eq!(found.mean(), plain.mean("log_loss").unwrap());
    assert!(
        run(&Measure::RocAuc)
            .folds
            .iter()
            .all(|fold| fold.chosen == 0)
    );
    let none = nested_cross_validate(&[], &set, &outer, &inner, &Measure::Brier, &mut unwatched);
    assert!(matches!(none, Err(Error::InvalidParameter { .. })));
}
