//! What sequences teach, and what is refused.

use std::{num::NonZeroUsize, sync::Arc};

use burn::{
    backend::{Flex, flex::FlexDevice},
    tensor::Tensor,
};
use mlops_core::{
    Column, EventTime, Lineage, Role, Seed, Table, TableSchema, Target, TrainingSet,
    arrow::{
        array::{
            ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray,
            TimestampMicrosecondArray,
        },
        datatypes::DataType,
    },
    metric,
};
use mlops_model::{Link, Output, Sequences};

use super::*;
use crate::{
    Error, Watched,
    burn::{
        data::Batch,
        net::{Dropout, numbers, start, tensors},
    },
};

mod lists;

/// Sequences of one to `longest` steps of two numbers; the label looks at the first step and the largest second number.
fn planted(rows: usize, longest: usize, label: impl Fn(f64, f64) -> f64) -> (Sequences, Vec<f64>) {
    let mut rng = Seed(11).rng();
    let mut sequences = Sequences::new(2).unwrap();
    let mut labels = Vec::new();
    for _ in 0..rows {
        let steps = 1 + rng.below(longest);
        let steps: Vec<f64> = (0..2 * steps).map(|_| 3.0 + 2.0 * rng.normal()).collect();
        let largest = steps
            .iter()
            .skip(1)
            .step_by(2)
            .copied()
            .fold(f64::MIN, f64::max);
        labels.push(label(steps[0], largest));
        sequences.push(&steps).unwrap();
    }
    (sequences, labels)
}

fn set(sequences: Sequences, labels: Target) -> SequenceSet {
    let count = i64::try_from(sequences.len()).unwrap();
    let times = (0..count).map(EventTime::from_seconds).collect();
    let names = ["a", "b"].map(String::from).to_vec();
    SequenceSet::new(names, sequences, "y".into(), labels, times, None).unwrap()
}

fn kinds() -> [SequenceTrainerBuilder; 2] {
    [
        SequenceTrainer::lstm(12),
        SequenceTrainer::transformer(8, 2),
    ]
}

#[test]
fn the_first_step_is_remembered() {
    let (sequences, labels) = planted(900, 8, |first, _| first);
    let labels: Vec<bool> = labels.iter().map(|first| *first > 3.0).collect();
    let set = set(sequences, Target::Binary(labels.clone()));
    for builder in kinds() {
        let training = Training::new().epochs(25).batch(64).learning_rate(0.01);
        let fitted = builder
            .training(training)
            .build()
            .unwrap()
            .fit_sequences(&set)
            .unwrap();
        let answers = fitted.spec.predict_all(set.sequences()).unwrap();
        let late = metric::roc_auc(&labels[720..], &answers.values()[720..]).unwrap();
        assert!(late > 0.97, "{:?}: {late}", fitted.params["network"]);
        // the exported model reaches the loss that the network was chosen for
        let loss = metric::log_loss(&labels[720..], &answers.values()[720..]).unwrap();
        let best: usize = fitted.params["best_epoch"].parse().unwrap();
        let watched = fitted.history["validation_log_loss"][best - 1];
        assert!((loss - watched).abs() < 1e-5, "{loss} is not {watched}");
    }
}

#[test]
fn numbers_and_classes_are_learnt() {
    let (sequences, largest) = planted(900, 6, |_, largest| 100.0 * largest);
    let numbers = set(sequences.clone(), Target::Number(largest.clone()));
    let codes: Vec<u32> = largest
        .iter()
        .map(|x| {
            if *x < 350.0 {
                0
            } else {
                1 + u32::from(*x > 550.0)
            }
        })
        .collect();
    let names = ["low", "middle", "high"].map(String::from).to_vec();
    let classes = set(sequences, Target::Classes { names, codes });
    for builder in kinds() {
        let training = Training::new().epochs(25).batch(64).learning_rate(0.01);
        let watched = training.clone().watched(Watched::AbsoluteError);
        let fitted = builder
            .clone()
            .training(watched)
            .build()
            .unwrap()
            .fit_sequences(&numbers)
            .unwrap();
        let series = &fitted.history["validation_absolute_error"];
        let best = series.iter().copied().fold(f64::INFINITY, f64::min);
        // the mean absolute deviation is about 130
        assert!(best < 50.0, "{:?}: {best}", fitted.params["network"]);
        let watched = training.watched(Watched::Accuracy);
        let fitted = builder
            .layers(2)
            .training(watched)
            .build()
            .unwrap()
            .fit_sequences(&classes)
            .unwrap();
        let series = &fitted.history["validation_accuracy"];
        let best = series.iter().copied().fold(0.0, f64::max);
        assert!(best > 0.8, "{:?}: {best}", fitted.params["network"]);
        let answer = fitted.spec.predict(&[3.0, 3.0]).unwrap();
        assert!((answer.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}

#[test]
fn threads_and_interruptions_change_no_bit() {
    let (sequences, labels) = planted(1300, 5, |first, _| first);
    let labels = labels.iter().map(|first| *first > 3.0).collect();
    let set = set(sequences, Target::Binary(labels));
    for builder in kinds() {
        let trainer = |threads| {
            let threads = NonZeroUsize::new(threads).unwrap();
            let training = Training::new().epochs(4).batch(1024).threads(threads);
            builder
                .clone()
                .dropout(0.1)
                .training(training)
                .build()
                .unwrap()
        };
        let json = |fitted: FittedSequence| serde_json::to_string(&fitted.spec).unwrap();
        let whole = json(trainer(1).fit_sequences(&set).unwrap());
        assert_eq!(whole, json(trainer(3).fit_sequences(&set).unwrap()));
        let mut kept = None;
        let cancelled = trainer(1).fit_sequences_with(&set, None, &mut |progress| {
            kept = Some(progress.checkpoint());
            if progress.epoch == 2 {
                Control::Cancel
            } else {
                Control::Continue
            }
        });
        assert!(matches!(cancelled, Err(Error::Cancelled { .. })));
        let resumed =
            trainer(2).fit_sequences_with(&set, kept.as_ref(), &mut |_| Control::Continue);
        assert_eq!(whole, json(resumed.unwrap()));
    }
}

/// The network's answers to all sequences at once, on burn.
fn burns<N: Net>(net: &N, block: &[f32], sequences: &Sequences, steps: usize) -> Vec<f32> {
    let times = vec![EventTime::from_seconds(0); sequences.len()];
    let labels = Target::Binary(vec![true; sequences.len()]);
    let names = ["a", "b"].map(String::from).to_vec();
    let set = SequenceSet::new(names, sequences.clone(), "y".into(), labels, times, None).unwrap();
    let plain = Scale {
        center: 0.0,
        scale: 1.0,
    };
    let (numbers_of, lengths) = padded(&set, &[plain; 2], steps);
    let mut batch = Batch {
        rows: sequences.len(),
        numbers: numbers_of,
        width: 2 * steps,
        codes: vec![lengths],
        ..Batch::default()
    };
    let weights = tensors::<Flex>(&net.shapes(), block, &FlexDevice);
    let scores: Tensor<Flex, 2> =
        net.forward(&weights, &mut batch, &mut Dropout::none(), &FlexDevice);
    numbers(scores.into_data())
}

#[test]
fn the_exported_network_answers_as_burn_does() {
    let (some, _) = planted(50, 7, |first, _| first);
    let mut sequences = Sequences::new(2).unwrap();
    for steps in some.iter() {
        // numbers of single precision, about as large as scaled ones
        let steps: Vec<f64> = steps
            .iter()
            .map(|x| f64::from(single((x - 3.0) / 2.0)))
            .collect();
        sequences.push(&steps).unwrap();
    }
    let scales = vec![
        Scale {
            center: 0.0,
            scale: 1.0,
        };
        2
    ];
    let names = ["a", "b"].map(String::from).to_vec();
    let check = |network, theirs: Vec<f32>| {
        let output = Output::Classes {
            names: ["p", "q", "r"].map(String::from).to_vec(),
        };
        let spec = SequenceSpec::new(
            names.clone(),
            7,
            scales.clone(),
            output,
            Link::Softmax,
            network,
        );
        let ours = spec.unwrap().predict_all(&sequences).unwrap();
        for (row, theirs) in theirs.chunks_exact(3).enumerate() {
            let mut theirs: Vec<f64> = theirs.iter().map(|x| f64::from(*x)).collect();
            Link::Softmax.apply(&mut theirs);
            for (ours, theirs) in ours.row(row).iter().zip(&theirs) {
                assert!((ours - theirs).abs() < 1e-6, "{ours} is not {theirs}");
            }
        }
    };
    let shaken = |shapes: &[Shape]| {
        let mut rng = Seed(5).rng();
        let mut block = start(shapes, Seed(4));
        for weight in &mut block {
            *weight += single(0.1 * rng.normal());
        }
        block
    };
    let lstm = LstmNet {
        width: 2,
        layers: 2,
        cells: 5,
        outputs: 3,
    };
    let block = shaken(&lstm.shapes());
    check(
        lstm.export(&block, (0.0, 1.0)),
        burns(&lstm, &block, &sequences, 7),
    );
    let transformer = TransformerNet {
        width: 2,
        max_steps: 7,
        layers: 2,
        size: 6,
        heads: 3,
        outputs: 3,
    };
    let block = shaken(&transformer.shapes());
    check(
        transformer.export(&block, (0.0, 1.0)),
        burns(&transformer, &block, &sequences, 7),
    );
}

#[test]
fn a_longer_sequence_is_learnt_from_by_its_latest_steps() {
    let mut sequences = Sequences::new(2).unwrap();
    sequences
        .push(&[1.0, 2.0, 3.0, 4.0, f64::NAN, 6.0])
        .unwrap();
    sequences.push(&[7.0, 8.0]).unwrap();
    let set = set(sequences, Target::Binary(vec![true, false]));
    let scale = Scale {
        center: 1.0,
        scale: 2.0,
    };
    let (numbers, lengths) = padded(&set, &[scale; 2], 2);
    assert_eq!(numbers, [1.0, 1.5, 0.0, 2.5, 3.0, 3.5, 0.0, 0.0]);
    assert_eq!(lengths, [2, 1]);
}

/// Rows with a key, in no order of time, with ties.
fn rows(count: usize, keyed: bool) -> TrainingSet {
    let mut rng = Seed(9).rng();
    let mut columns = vec![
        Column::event_time("at"),
        Column::value("x", DataType::Float64),
        Column::value("n", DataType::Int64),
        Column::new("y", DataType::Boolean, Role::Label),
    ];
    let whole = |rng: &mut mlops_core::Rng, below| i64::try_from(rng.below(below)).unwrap();
    let times: Vec<i64> = (0..count).map(|_| whole(&mut rng, 20)).collect();
    let x: Vec<Option<f64>> = (0..count)
        .map(|_| (rng.below(5) > 0).then(|| rng.normal()))
        .collect();
    let n: Vec<i64> = (0..count).map(|_| whole(&mut rng, 9)).collect();
    let y: Vec<bool> = (0..count).map(|row| row % 2 == 0).collect();
    let mut arrays: Vec<ArrayRef> = vec![
        Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")),
        Arc::new(Float64Array::from(x)),
        Arc::new(Int64Array::from(n)),
        Arc::new(BooleanArray::from(y)),
    ];
    if keyed {
        columns.insert(0, Column::key("id", DataType::Int64));
        let ids = (0..count).map(|_| whole(&mut rng, 6)).collect::<Vec<_>>();
        arrays.insert(0, Arc::new(Int64Array::from(ids)));
    }
    let table = Table::new(TableSchema::new(columns).unwrap(), arrays).unwrap();
    TrainingSet::new(table, Lineage::default()).unwrap()
}

#[test]
fn a_history_holds_the_rows_of_its_key_up_to_itself() {
    for keyed in [true, false] {
        let set = rows(120, keyed);
        let times = set.event_times();
        let keys = set.table().keys().unwrap();
        let features = set.features();
        let x = features
            .column(0)
            .as_any()
            .downcast_ref::<Float64Array>()
            .unwrap();
        let n = features
            .column(1)
            .as_any()
            .downcast_ref::<Int64Array>()
            .unwrap();
        for most in [1, 4, 200] {
            let histories = SequenceSet::from_history(&set, most).unwrap();
            assert_eq!(histories.len(), 120);
            for row in 0..120 {
                let mut before: Vec<usize> = (0..120)
                    .filter(|other| keys[*other] == keys[row])
                    .filter(|other| (times[*other], *other) <= (times[row], row))
                    .collect();
                before.sort_by_key(|other| (times[*other], *other));
                let latest = &before[before.len().saturating_sub(most)..];
                let expected: Vec<f64> = latest
                    .iter()
                    .flat_map(|at| {
                        let x = x.iter().nth(*at).unwrap().unwrap_or(f64::NAN);
                        [x, f64::from(i32::try_from(n.value(*at)).unwrap())]
                    })
                    .collect();
                let ours = histories.sequences().get(row);
                let bits = |values: &[f64]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(ours), bits(&expected), "row {row}");
            }
        }
    }
}

#[test]
fn sets_and_settings_that_make_no_sense_are_named() {
    let (sequences, _) = planted(3, 2, |first, _| first);
    let times = |count| vec![EventTime::from_seconds(0); count];
    let names = |count: usize| (0..count).map(|at| at.to_string()).collect::<Vec<_>>();
    let new = |features, labels, times, weights| {
        SequenceSet::new(
            features,
            sequences.clone(),
            "y".into(),
            labels,
            times,
            weights,
        )
    };
    let labels = || Target::Number(vec![1.0, 2.0, 3.0]);
    let codes = Target::Classes {
        names: names(2),
        codes: vec![0, 1, 2],
    };
    for (result, parameter) in [
        (new(names(1), labels(), times(3), None), "features"),
        (
            new(names(2), Target::Number(vec![1.0]), times(3), None),
            "labels",
        ),
        (new(names(2), codes, times(3), None), "labels"),
        (new(names(2), labels(), times(2), None), "times"),
        (
            new(names(2), labels(), times(3), Some(vec![1.0])),
            "weights",
        ),
        (
            new(names(2), labels(), times(3), Some(vec![1.0, -1.0, 1.0])),
            "weights",
        ),
        (SequenceSet::from_history(&rows(9, true), 0), "max_steps"),
    ] {
        let error = result.unwrap_err().to_string();
        assert!(
            error.contains(&format!("`{parameter}` of sequence set")),
            "{error}"
        );
    }
    let lstm = SequenceTrainer::lstm;
    let training = Training::new().batch(0);
    for (bad, parameter) in [
        (lstm(0), "cells"),
        (SequenceTrainer::transformer(0, 1), "size"),
        (SequenceTrainer::transformer(8, 3), "heads"),
        (SequenceTrainer::transformer(8, 0), "heads"),
        (lstm(4).layers(0), "layers"),
        (lstm(4).dropout(-0.1), "dropout"),
        (lstm(4).max_steps(5000), "max_steps"),
        (lstm(4).training(training), "batch"),
    ] {
        let error = bad.build().unwrap_err().to_string();
        assert!(
            error.contains(&format!("`{parameter}` of sequence")),
            "{error}"
        );
    }
    let one = set(sequences, Target::Binary(vec![true; 3]));
    let error = lstm(4).build().unwrap().fit_sequences(&one).unwrap_err();
    assert!(matches!(error, Error::SingleClass { .. }), "{error}");
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let texts = crate::conformance::set(vec![("text", texts)], &[true, false]);
    let error = SequenceSet::from_history(&texts, 4).unwrap_err();
    assert!(matches!(error, Error::UnsupportedColumn { .. }), "{error}");
}
