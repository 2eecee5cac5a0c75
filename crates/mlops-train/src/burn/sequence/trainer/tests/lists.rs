//! The trainer behind [`Trainer`]: sets whose features are lists, and models that read the same lists.

use mlops_core::arrow::array::{
    Array, AsArray, Float64Builder, Int64Builder, ListBuilder, RecordBatch,
};
use mlops_model::{InputKind, Model, ModelPackage};

use super::*;

/// Lists of `a` and whole `b`; the label looks at the first step.
fn lists(rows: usize, longest: usize, label: impl Fn(&[f64]) -> ArrayRef) -> TrainingSet {
    let (sequences, firsts) = planted(rows, longest, |first, _| first);
    let (mut a, mut b) = (
        ListBuilder::new(Float64Builder::new()),
        ListBuilder::new(Int64Builder::new()),
    );
    for (at, steps) in sequences.iter().enumerate() {
        for step in steps.chunks_exact(2) {
            let gap = at % 10 == 9 && step[0] != steps[0];
            a.values().append_option((!gap).then_some(step[0]));
            #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
            b.values().append_value(step[1] as i64);
        }
        a.append(true);
        b.append(true);
    }
    let times = TimestampMicrosecondArray::from_iter_values(0..i64::try_from(rows).unwrap());
    let label = label(&firsts);
    let (a, b): (ArrayRef, ArrayRef) = (Arc::new(a.finish()), Arc::new(b.finish()));
    let columns = [
        Column::event_time("at"),
        Column::value("a", a.data_type().clone()),
        Column::value("b", b.data_type().clone()),
        Column::new("y", label.data_type().clone(), Role::Label),
    ];
    let arrays = vec![
        Arc::new(times.with_timezone("UTC")) as ArrayRef,
        a,
        b,
        label,
    ];
    let table = Table::new(TableSchema::new(columns).unwrap(), arrays).unwrap();
    TrainingSet::new(table, Lineage::default()).unwrap()
}

fn binary(firsts: &[f64]) -> ArrayRef {
    let labels: Vec<bool> = firsts.iter().map(|first| *first > 3.0).collect();
    Arc::new(BooleanArray::from(labels))
}

fn build(builder: SequenceTrainerBuilder, epochs: usize) -> SequenceTrainer {
    let training = Training::new().epochs(epochs).batch(64).learning_rate(0.01);
    builder.training(training).build().unwrap()
}

#[test]
fn lists_are_learnt_packaged_and_answered_through_the_one_trait() {
    let set = lists(900, 8, binary);
    let (train, late) = set.split_at(EventTime::from_micros(720)).unwrap();
    for builder in kinds() {
        let trainer: Box<dyn Trainer> = Box::new(build(builder, 25));
        let fitted = trainer.fit(&train).unwrap();
        assert!(["lstm", "transformer"].contains(&trainer.name()));
        let labels = late.label_classes().unwrap();
        let answers = fitted.spec.predict(&late.features()).unwrap();
        let found = metric::roc_auc(&labels, answers.values()).unwrap();
        assert!(found > 0.95, "{}: {found}", trainer.name());
        let base = crate::baseline(&train).unwrap();
        let base = base.predict_values(&late.features()).unwrap();
        assert_eq!(metric::roc_auc(&labels, &base).unwrap(), 0.5);
        // it was stopped by the rows held out
        assert_eq!(fitted.params["validation_rows"], "144");
        assert!(fitted.history.contains_key("validation_log_loss"));
        let shares: f64 = fitted.importance.iter().map(|(_, share)| share).sum();
        assert_eq!(fitted.importance[0].0, "a", "{:?}", fitted.importance);
        assert!((shares - 1.0).abs() < 1e-12);

        let package = ModelPackage::builder(fitted.spec.clone()).trainer(trainer.name());
        let package = package.params(fitted.params).build().unwrap();
        let back = ModelPackage::from_files(package.files().clone()).unwrap();
        let again = back.load().unwrap().predict(&late.features()).unwrap();
        assert_eq!(again, answers);
        let kind = back.signature().inputs()[0].kind;
        assert_eq!(kind, InputKind::Floats { longest: 64 });
    }
}

#[test]
fn the_model_of_lists_is_that_of_the_same_sequences() {
    let set = lists(200, 6, binary);
    for builder in kinds() {
        let trainer = build(builder.max_steps(4), 3);
        let fitted = trainer.fit(&set).unwrap();
        let again = trainer.fit(&set).unwrap();
        let text = |spec| serde_json::to_string(spec).unwrap();
        assert_eq!(text(&fitted.spec), text(&again.spec));
        let sequences = SequenceSet::from_lists(&set).unwrap();
        let apart = trainer.fit_sequences(&sequences).unwrap();
        assert_eq!(text(&apart.spec.to_model(6).unwrap()), text(&fitted.spec));
        // of six steps the last four count
        let answers = fitted.spec.predict(&set.features()).unwrap();
        for (row, steps) in sequences.sequences().iter().enumerate() {
            let kept = &steps[steps.len().saturating_sub(8)..];
            assert_eq!(apart.spec.predict(kept).unwrap(), answers.row(row));
        }
    }
}

#[test]
fn a_fit_on_lists_resumes_to_the_same_bits_and_can_be_given_up() {
    let set = lists(200, 6, binary);
    for builder in kinds() {
        let trainer = build(builder.dropout(0.1), 6);
        let mut kept = None;
        let stopped = trainer.fit_with(&set, None, &mut |progress| {
            kept = Some(progress.checkpoint());
            if progress.epoch == 3 {
                Control::Cancel
            } else {
                Control::Continue
            }
        });
        assert!(matches!(stopped, Err(Error::Cancelled { done: 3, .. })));
        let resumed = trainer.fit_with(&set, kept.as_ref(), &mut |_| Control::Continue);
        let (resumed, whole) = (resumed.unwrap(), trainer.fit(&set).unwrap());
        assert_eq!(resumed.history, whole.history);
        let text = |spec| serde_json::to_string(spec).unwrap();
        assert_eq!(text(&resumed.spec), text(&whole.spec));
        let other = lists(200, 5, binary);
        let error = trainer.fit_with(&other, kept.as_ref(), &mut |_| Control::Continue);
        assert!(matches!(error, Err(Error::InvalidCheckpoint { .. })));
    }
}

#[test]
fn classes_numbers_and_weights_are_learnt_from_lists() {
    let names = |firsts: &[f64]| -> ArrayRef {
        let name = |first: &f64| match *first {
            first if first > 4.0 => "high",
            first if first > 2.0 => "middle",
            _ => "low",
        };
        Arc::new(StringArray::from_iter_values(firsts.iter().map(name)))
    };
    let set = lists(600, 5, names);
    let fitted = build(SequenceTrainer::lstm(8), 20).fit(&set).unwrap();
    let answers = fitted.spec.predict(&set.features()).unwrap();
    assert_eq!(answers.width(), 3);
    let Target::Classes { codes, .. } = set.target() else {
        unreachable!("texts are classes")
    };
    let top = |row: usize| {
        let shares = answers.row(row);
        (0..3)
            .max_by(|a, b| shares[*a].total_cmp(&shares[*b]))
            .unwrap()
    };
    let hits = (0..600)
        .filter(|row| top(*row) == codes[*row] as usize)
        .count();
    assert!(hits > 500, "{hits}");

    let set = lists(600, 5, |firsts| {
        Arc::new(Float64Array::from(firsts.to_vec()))
    });
    let fitted = build(SequenceTrainer::lstm(8), 25).fit(&set).unwrap();
    let answers = fitted.spec.predict(&set.features()).unwrap();
    let labels = set.label_values().unwrap();
    let error = metric::regression::mae(&labels, answers.values()).unwrap();
    assert!(error < 0.5, "{error}");
}

#[test]
fn what_is_no_set_of_lists_is_refused_by_name() {
    let trainer = build(SequenceTrainer::lstm(2), 1);
    let error = trainer.fit(&rows(10, true)).unwrap_err();
    assert!(
        error.to_string().contains("feature `x` holds Float64"),
        "{error}"
    );
    let one = lists(10, 3, |firsts| {
        Arc::new(BooleanArray::from(vec![true; firsts.len()]))
    });
    assert!(matches!(trainer.fit(&one), Err(Error::SingleClass { .. })));

    let set = lists(10, 3, binary);
    let with = |column: usize, array: ArrayRef| {
        let schema = set.table().schema().clone();
        let mut arrays = set.table().batch().columns().to_vec();
        arrays[column] = array;
        let set = TrainingSet::new(Table::new(schema, arrays).unwrap(), Lineage::default());
        trainer.fit(&set.unwrap()).unwrap_err().to_string()
    };
    let given = set.features();
    let a = given.column(0).as_list::<i32>();
    let mut holes = ListBuilder::new(Float64Builder::new());
    for row in 0..10 {
        let values = a.value(row);
        let values = values.as_primitive::<arrow::datatypes::Float64Type>();
        if row != 4 {
            values.iter().for_each(|x| holes.values().append_option(x));
        }
        holes.append(row != 4);
    }
    let error = with(1, Arc::new(holes.finish()));
    assert!(
        error.contains("sequence 4: the list of `a` is null"),
        "{error}"
    );
    let mut short = ListBuilder::new(Float64Builder::new());
    for _ in 0..10 {
        short.values().append_slice(&[1.0; 4]);
        short.append(true);
    }
    let error = with(1, Arc::new(short.finish()));
    assert!(error.contains("sequence 0: `b` has"), "{error}");
    // other trainers name the lists that they do not read
    let batch: RecordBatch = set.features();
    assert_eq!(batch.num_columns(), 2);
    let tree = crate::DecisionTree::builder().build().unwrap();
    let error = tree.fit(&set).unwrap_err();
    assert!(
        matches!(&error, Error::UnsupportedColumn { column, .. } if column == "a"),
        "{error}"
    );
}
