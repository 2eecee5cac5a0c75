//! Boosting as its users meet it, and beside LightGBM.

#![expect(clippy::unwrap_used, reason = "a test panics where something is wrong")]

use std::{collections::BTreeMap, ops::ControlFlow, sync::Arc};

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
use mlops_core::{
    Column, EventTime, Lineage, Rng, Role, Seed, Table, TableSchema, TrainingSet, metric,
};
use mlops_model::{Estimator, Model, Node};
use mlops_train::{
    Boosting, BoostingBuilder, BoostingCheckpoint, Error, Fitted, Goss, Loss, Monotone,
    RandomForest, Trainer, conformance::planted,
};
use proptest::prelude::*;

/// A row a second, with features, a label and perhaps weights.
fn set(features: Vec<(&str, ArrayRef)>, label: ArrayRef, weights: Option<Vec<f64>>) -> TrainingSet {
    let rows = i64::try_from(label.len()).unwrap();
    let times = TimestampMicrosecondArray::from_iter_values((0..rows).map(|i| i * 1_000_000));
    let mut columns = vec![Column::event_time("at")];
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(times.with_timezone("UTC"))];
    for (name, array) in features {
        columns.push(Column::value(name, array.data_type().clone()));
        arrays.push(array);
    }
    columns.push(Column::new("label", label.data_type().clone(), Role::Label));
    arrays.push(label);
    if let Some(weights) = weights {
        let weights: ArrayRef = Arc::new(Float64Array::from(weights));
        columns.push(Column::new(
            "weight",
            weights.data_type().clone(),
            Role::Weight,
        ));
        arrays.push(weights);
    }
    let table = Table::new(TableSchema::new(columns).unwrap(), arrays).unwrap();
    TrainingSet::new(table, Lineage::default()).unwrap()
}

fn floats(values: impl IntoIterator<Item = f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(values))
}

fn gaps(values: impl IntoIterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(Float64Array::from_iter(values))
}

fn whole(builder: BoostingBuilder) -> BoostingBuilder {
    builder.early_stopping(None)
}

fn answers(fitted: &Fitted, set: &TrainingSet) -> Vec<f64> {
    fitted.spec.predict(&set.features()).unwrap().into_values()
}

fn json(fitted: &Fitted) -> String {
    serde_json::to_string(&fitted.spec).unwrap()
}

fn trees(fitted: &Fitted) -> &[mlops_model::Tree] {
    let Estimator::Trees(trees) = fitted.spec.estimator() else {
        panic!("trees")
    };
    &trees.trees
}

/// The rows of `golden/lightgbm/generate.py`.
fn golden_rows() -> (Vec<[Option<f64>; 4]>, Vec<f64>) {
    let mut state = 7u64;
    let mut below = |bound: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((state >> 33) % bound).unwrap()
    };
    (0..2000)
        .map(|_| {
            let [a, b, c, d] = [below(23), below(7), below(50), below(15)].map(f64::from);
            let gap = below(10) == 0;
            let noise = (f64::from(below(1001)) - 500.0) / 500.0;
            let step = if c > 30.0 { 1.5 } else { 0.0 };
            let label = 0.2 * a - 0.5 * b + step + (d * 7.0 % 5.0) * 0.6 + noise;
            ([Some(a), Some(b), (!gap).then_some(c), Some(d)], label)
        })
        .unzip()
}

fn golden_set(label: ArrayRef, with_categories: bool) -> TrainingSet {
    let (rows, _) = golden_rows();
    let column = |at: usize| gaps(rows.iter().map(|row| row[at]));
    let mut features = vec![("a", column(0)), ("b", column(1)), ("c", column(2))];
    if with_categories {
        let names = rows.iter().map(|row| format!("c{:02}", row[3].unwrap()));
        features.push(("d", Arc::new(StringArray::from_iter_values(names))));
    }
    set(features, label, None)
}

#[test]
fn answers_are_those_of_lightgbm() {
    let text = include_str!("golden/lightgbm/boosting.json");
    let golden: BTreeMap<String, serde_json::Value> = serde_json::from_str(text).unwrap();
    let (_, y) = golden_rows();
    let numbers = || floats(y.iter().copied());
    let base = || whole(Boosting::builder()).trees(20).leaves(15).l2(0.5);
    let loose = || base().min_rows_leaf(1).min_leaf_weight(5.0);
    let counts = floats(y.iter().map(|y| (y + 2.0).round_ties_even().max(0.0)));
    let two = floats(y.iter().map(|y| f64::from(u8::from(*y > 1.5))));
    let three = y.iter().map(|y| {
        if *y < 0.5 {
            "0"
        } else if *y < 2.5 {
            "1"
        } else {
            "2"
        }
    });
    let three: ArrayRef = Arc::new(StringArray::from_iter_values(three));
    let cases = [
        ("squared", base(), numbers(), false),
        ("weak", base().l1(3.0), numbers(), false),
        ("categories", base(), numbers(), true),
        ("poisson", base().loss(Loss::Poisson), counts, false),
        ("binary", loose(), two, false),
        ("classes", loose(), three, false),
    ];
    let mut worst = Vec::new();
    for (name, builder, label, with_categories) in cases {
        let set = golden_set(label, with_categories);
        let ours = answers(&builder.build().unwrap().fit(&set).unwrap(), &set);
        let theirs = golden[name]
            .as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_f64().unwrap());
        let error = ours
            .iter()
            .zip(theirs)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        worst.push((name, error));
    }
    println!("{worst:?}");
    assert!(worst.iter().all(|(_, error)| *error < 1e-6), "{worst:?}");
}

#[test]
fn losses_are_those_of_lightgbm_where_splits_may_differ() {
    let text = include_str!("golden/lightgbm/boosting.json");
    let golden: serde_json::Value = serde_json::from_str(text).unwrap();
    let (_, y) = golden_rows();
    let set = golden_set(floats(y.iter().copied()), false);
    let base = || whole(Boosting::builder()).trees(20).leaves(15).l2(0.5);
    let ordered = base()
        .monotone("a", Monotone::Rising)
        .monotone("b", Monotone::Falling);
    let high = base().loss(Loss::Quantile { alpha: 0.9 });
    let squared: fn(f64) -> f64 = |d| d * d;
    let pinball: fn(f64) -> f64 = |d| (0.9 * d).max(-0.1 * d);
    for (name, builder, loss) in [
        ("monotone_loss", ordered, squared),
        ("quantile_loss", high, pinball),
    ] {
        let ours = answers(&builder.build().unwrap().fit(&set).unwrap(), &set);
        let sum: f64 = ours
            .iter()
            .zip(&y)
            .map(|(answer, y)| loss(y - answer))
            .sum();
        let (ours, theirs) = (sum / 2000.0, golden[name].as_f64().unwrap());
        println!("{name}: {ours} {theirs}");
        assert!(ours < theirs * 1.01, "{name}: {ours} {theirs}");
    }
}

#[test]
fn the_model_is_the_same_for_any_number_of_threads() {
    let mut rng = Seed(4).rng();
    let rows = 9_000;
    let columns: Vec<Vec<f64>> = (0..11)
        .map(|_| (0..rows).map(|_| rng.normal()).collect())
        .collect();
    let label = (0..rows).map(|row| columns[0][row] * columns[1][row] + 0.3 * rng.normal());
    let label = floats(label.collect::<Vec<_>>());
    let names: Vec<String> = (0..11).map(|at| format!("x{at}")).collect();
    let features = names
        .iter()
        .zip(&columns)
        .map(|(n, c)| (n.as_str(), floats(c.iter().copied())));
    let set = set(features.collect(), label, None);
    let builder = || Boosting::builder().trees(12).leaves(40);
    for builder in [
        builder(),
        builder().subsample(0.7).feature_fraction(0.5),
        builder()
            .goss(Some(Goss {
                top: 0.3,
                other: 0.2,
            }))
            .learning_rate(0.5),
        builder().loss(Loss::Absolute),
    ] {
        let run = |threads| {
            json(
                &builder
                    .clone()
                    .threads(threads)
                    .build()
                    .unwrap()
                    .fit(&set)
                    .unwrap(),
            )
        };
        let one = run(1);
        assert_eq!(one, run(2));
        assert_eq!(one, run(5));
    }
}

#[test]
fn a_fit_that_was_stopped_goes_on_to_the_same_model() {
    let set = planted(900, 3);
    let builder = Boosting::builder()
        .trees(40)
        .early_stopping(Some(5))
        .subsample(0.8);
    let trainer = builder.build().unwrap();
    let whole = trainer.fit(&set).unwrap();
    let mut kept: Vec<BoostingCheckpoint> = Vec::new();
    let watched = trainer.fit_with(&set, &mut |progress| {
        kept.push(progress.checkpoint());
        ControlFlow::Continue(())
    });
    assert_eq!(json(&watched.unwrap()), json(&whole));
    assert!(kept.len() > 20);
    for at in [0, 7, kept.len() / 2 + 2, kept.len() - 1] {
        let text = serde_json::to_string(&kept[at]).unwrap();
        let read: BoostingCheckpoint = serde_json::from_str(&text).unwrap();
        let resumed = trainer
            .resume(&set, &read, &mut |_| ControlFlow::Continue(()))
            .unwrap();
        assert_eq!(json(&resumed), json(&whole), "from round {at}");
        assert_eq!(resumed.history, whole.history);
        assert_eq!(resumed.params, whole.params);
    }
    let other = trainer.resume(&planted(900, 4), &kept[3], &mut |_| {
        ControlFlow::Continue(())
    });
    assert!(other.unwrap_err().to_string().contains("same rows"));
    let changed = Boosting::builder().trees(40).leaves(9).build().unwrap();
    let other = changed.resume(&set, &kept[3], &mut |_| ControlFlow::Continue(()));
    assert!(other.unwrap_err().to_string().contains("same settings"));
}

#[test]
fn a_fit_ends_when_told_to() {
    let set = planted(300, 1);
    let mut seen = 0;
    let ended = Boosting::builder()
        .build()
        .unwrap()
        .fit_with(&set, &mut |progress| {
            seen = progress.rounds();
            assert!(progress.train_loss().is_some() && progress.validation_loss().is_some());
            if seen == 3 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
    assert!(matches!(ended, Err(Error::Cancelled { done: 3, .. })));
    assert_eq!(seen, 3);
}

#[test]
fn the_latest_rows_decide_when_to_stop() {
    let set = planted(800, 7);
    let fitted = Boosting::builder().build().unwrap().fit(&set).unwrap();
    assert_eq!(fitted.params["validation_rows"], "160");
    let best: usize = fitted.params["best_trees"].parse().unwrap();
    let losses = &fitted.history["validation_log_loss"];
    let lowest = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(losses[best - 1], lowest);
    assert!(losses.len() < 300 && losses.len() == fitted.history["train_log_loss"].len());
    assert_eq!(trees(&fitted).len(), best);
    let shares: f64 = fitted.importance.iter().map(|(_, share)| share).sum();
    assert!((shares - 1.0).abs() < 1e-9);
}

#[test]
fn missing_values_take_both_sides() {
    // missing means positive in one column and negative in the other
    let mut rng = Seed(5).rng();
    let labels: Vec<f64> = (0..400)
        .map(|_| f64::from(u8::from(rng.unit() < 0.5)))
        .collect();
    let mut column = |class: f64| {
        let rows = labels
            .iter()
            .map(|label| (*label != class || rng.unit() < 0.3).then(|| rng.unit()));
        gaps(rows.collect::<Vec<_>>())
    };
    let features = vec![("a", column(1.0)), ("b", column(0.0))];
    let set = set(features, floats(labels.iter().copied()), None);
    let fitted = Boosting::builder()
        .trees(40)
        .build()
        .unwrap()
        .fit(&set)
        .unwrap();
    let labels: Vec<bool> = labels.iter().map(|label| *label == 1.0).collect();
    assert!(metric::roc_auc(&labels, &answers(&fitted, &set)).unwrap() > 0.95);
    let nodes = trees(&fitted).iter().flat_map(|tree| &tree.nodes);
    let sides = nodes.filter_map(|node| match node {
        Node::Split { missing_left, .. } => Some(*missing_left),
        _ => None,
    });
    let sides: Vec<bool> = sides.collect();
    assert!(sides.contains(&true) && sides.contains(&false));
}

#[test]
fn whether_a_value_is_there_can_split() {
    let mut rng = Seed(12).rng();
    let x: Vec<Option<f64>> = (0..300)
        .map(|_| (rng.unit() < 0.5).then(|| rng.normal()))
        .collect();
    let city = x
        .iter()
        .map(|x| x.map(|x| if x > 0.0 { "north" } else { "south" }));
    let city: ArrayRef = Arc::new(city.collect::<StringArray>());
    let label = floats(x.iter().map(|x| f64::from(u8::from(x.is_none()))));
    for (name, column) in [("x", gaps(x.iter().copied())), ("city", city)] {
        let set = set(vec![(name, column)], label.clone(), None);
        for trainer in [
            Box::new(Boosting::builder().build().unwrap()) as Box<dyn Trainer>,
            Box::new(RandomForest::builder().build().unwrap()),
        ] {
            let found = answers(&trainer.fit(&set).unwrap(), &set);
            let right = |(answer, x): (&f64, &Option<f64>)| (*answer > 0.5) == x.is_none();
            assert!(found.iter().zip(&x).all(right), "{name} {}", trainer.name());
        }
    }
}

#[test]
fn several_classes_are_told_apart() {
    let mut rng = Seed(6).rng();
    let rows = 1500;
    let a: Vec<f64> = (0..rows).map(|_| rng.normal()).collect();
    let b: Vec<f64> = (0..rows).map(|_| rng.normal()).collect();
    let name = |row: usize| {
        if a[row] > 0.5 {
            "high"
        } else if b[row] > 0.0 {
            "left"
        } else {
            "right"
        }
    };
    let label: ArrayRef = Arc::new(StringArray::from_iter_values((0..rows).map(name)));
    let features = vec![
        ("a", floats(a.iter().copied())),
        ("b", floats(b.iter().copied())),
    ];
    let set = set(features, label, None);
    let fitted = Boosting::builder()
        .trees(30)
        .build()
        .unwrap()
        .fit(&set)
        .unwrap();
    let answers = fitted.spec.predict(&set.features()).unwrap();
    let right = (0..rows).filter(|row| {
        let answer = answers.row(*row);
        assert!((answer.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let best = (0..3)
            .max_by(|x, y| answer[*x].total_cmp(&answer[*y]))
            .unwrap();
        ["high", "left", "right"][best] == name(*row)
    });
    assert!(right.count() > 1450);
}

#[test]
fn a_quantile_has_its_share_of_labels_below() {
    let mut rng = Seed(7).rng();
    let x: Vec<f64> = (0..4000).map(|_| rng.unit() * 4.0).collect();
    let y = x
        .iter()
        .map(|x| x.sin() + (0.2 + 0.3 * x) * rng.normal())
        .collect::<Vec<_>>();
    let set = set(vec![("x", floats(x))], floats(y.iter().copied()), None);
    for alpha in [0.1, 0.5, 0.9] {
        let builder = whole(Boosting::builder())
            .trees(60)
            .leaves(8)
            .min_rows_leaf(100);
        let trainer = builder.loss(Loss::Quantile { alpha }).build().unwrap();
        let answers = answers(&trainer.fit(&set).unwrap(), &set);
        let below = y
            .iter()
            .zip(&answers)
            .filter(|(y, answer)| y < answer)
            .count();
        let share = below as f64 / 4000.0;
        assert!((share - alpha).abs() < 0.03, "{alpha}: {share}");
    }
}

#[test]
fn outliers_move_a_robust_loss_less() {
    let mut rng = Seed(8).rng();
    let x: Vec<f64> = (0..2000).map(|_| rng.unit()).collect();
    let truth: Vec<f64> = x.iter().map(|x| (x * 6.0).sin()).collect();
    let y = truth.iter().map(|y| {
        if rng.unit() < 0.1 {
            50.0
        } else {
            y + 0.1 * rng.normal()
        }
    });
    let set = set(vec![("x", floats(x))], floats(y.collect::<Vec<_>>()), None);
    let error = |loss: Loss| {
        let trainer = whole(Boosting::builder())
            .trees(80)
            .leaves(8)
            .loss(loss)
            .build()
            .unwrap();
        let answers = answers(&trainer.fit(&set).unwrap(), &set);
        let sum: f64 = answers.iter().zip(&truth).map(|(a, b)| (a - b).abs()).sum();
        sum / 2000.0
    };
    let squared = error(Loss::Squared);
    assert!(squared > 3.0);
    assert!(error(Loss::Absolute) < 0.3);
    assert!(error(Loss::Huber { delta: 0.5 }) < squared / 4.0);
}

#[test]
fn a_row_of_weight_2_counts_as_two_rows() {
    let mut rng = Seed(9).rng();
    let rows: Vec<(f64, f64, f64)> = (0..400)
        .map(|_| {
            (
                rng.below(9) as f64,
                rng.below(5) as f64,
                1.0 + rng.below(2) as f64,
            )
        })
        .collect();
    let label = |a: f64, b: f64, at: usize| {
        f64::from(u8::from(a * b > 8.0) ^ u8::from(at.is_multiple_of(11)))
    };
    let of = |rows: &[(f64, f64, usize)], weights| {
        let a = floats(rows.iter().map(|row| row.0));
        let b = floats(rows.iter().map(|row| row.1));
        let y = floats(rows.iter().map(|row| label(row.0, row.1, row.2)));
        set(vec![("a", a), ("b", b)], y, weights)
    };
    let once: Vec<(f64, f64, usize)> = rows
        .iter()
        .enumerate()
        .map(|(at, row)| (row.0, row.1, at))
        .collect();
    let weights: Vec<f64> = rows.iter().map(|row| row.2).collect();
    let twice: Vec<(f64, f64, usize)> = once
        .iter()
        .zip(&weights)
        .flat_map(|(row, weight)| std::iter::repeat_n(*row, if *weight == 2.0 { 2 } else { 1 }))
        .collect();
    let (weighted, repeated) = (of(&once, Some(weights)), of(&twice, None));
    let builder = whole(Boosting::builder())
        .trees(20)
        .min_rows_leaf(1)
        .min_leaf_weight(1.0);
    let trainer = builder.build().unwrap();
    let (a, b) = (
        trainer.fit(&weighted).unwrap(),
        trainer.fit(&repeated).unwrap(),
    );
    for (a, b) in answers(&a, &weighted).iter().zip(answers(&b, &weighted)) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
}

#[test]
fn texts_are_split_by_sets_of_categories() {
    let mut rng = Seed(10).rng();
    let codes: Vec<usize> = (0..3000).map(|_| rng.below(40)).collect();
    let names = codes
        .iter()
        .map(|code| (*code != 13).then(|| format!("city {code}")));
    let names: ArrayRef = Arc::new(names.collect::<StringArray>());
    let y = codes
        .iter()
        .map(|code| ((code * 17) % 7) as f64 + 0.1 * rng.normal());
    let set = set(vec![("city", names)], floats(y.collect::<Vec<_>>()), None);
    let fitted = whole(Boosting::builder())
        .trees(60)
        .build()
        .unwrap()
        .fit(&set)
        .unwrap();
    let answers = answers(&fitted, &set);
    let wrong = codes
        .iter()
        .zip(&answers)
        .map(|(code, y)| (((code * 17) % 7) as f64 - y).abs());
    assert!(wrong.fold(0.0, f64::max) < 0.3);
    let sets = trees(&fitted).iter().flat_map(|tree| &tree.nodes);
    assert!(
        sets.clone()
            .any(|node| matches!(node, Node::Category { categories, .. } if categories.len() > 2))
    );
    assert!(!sets.clone().any(|node| matches!(node, Node::Split { .. })));
}

#[test]
fn what_a_label_cannot_be_is_refused() {
    let set = planted(200, 2);
    let trainer = Boosting::builder().loss(Loss::Poisson).build().unwrap();
    assert!(matches!(
        trainer.fit(&set),
        Err(Error::UnsupportedTask { .. })
    ));
    let falls = Boosting::builder()
        .monotone("nobody", Monotone::Falling)
        .build()
        .unwrap();
    assert!(
        falls
            .fit(&set)
            .unwrap_err()
            .to_string()
            .contains("`monotone` of boosting is nobody")
    );
    let text = Boosting::builder()
        .monotone("country", Monotone::Falling)
        .build()
        .unwrap();
    assert!(
        text.fit(&set)
            .unwrap_err()
            .to_string()
            .contains("categories have no order")
    );
}

#[test]
fn a_forest_answers_numbers_and_classes_too() {
    let x: Vec<f64> = (0..1000).map(|i| f64::from(i) / 100.0).collect();
    let y: Vec<f64> = x.iter().map(|x| 1e9 + x.sin()).collect();
    let numbers = set(
        vec![("x", floats(x.iter().copied()))],
        floats(y.iter().copied()),
        None,
    );
    let forest = RandomForest::builder().build().unwrap();
    let found = answers(&forest.fit(&numbers).unwrap(), &numbers);
    let worst = found
        .iter()
        .zip(&y)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max);
    assert!(worst < 0.1, "{worst}");

    let name = |y: &f64| {
        if *y > 1e9 + 0.5 {
            "high"
        } else if *y > 1e9 - 0.5 {
            "middle"
        } else {
            "low"
        }
    };
    let label: ArrayRef = Arc::new(StringArray::from_iter_values(y.iter().map(name)));
    let classes = set(vec![("x", floats(x))], label, None);
    let fitted = forest.fit(&classes).unwrap();
    let found = fitted.spec.predict(&classes.features()).unwrap();
    let right = y.iter().enumerate().filter(|(row, y)| {
        let answer = found.row(*row);
        assert!((answer.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let best = (0..3)
            .max_by(|a, b| answer[*a].total_cmp(&answer[*b]))
            .unwrap();
        ["high", "low", "middle"][best] == name(y)
    });
    assert!(right.count() > 980);
}

fn bends(rng: &mut Rng, rows: usize) -> TrainingSet {
    let a: Vec<f64> = (0..rows).map(|_| rng.normal()).collect();
    let b: Vec<f64> = (0..rows).map(|_| rng.normal()).collect();
    let y: Vec<f64> = (0..rows)
        .map(|row| (2.0 * a[row]).sin() + a[row] * b[row] + 0.5 * rng.normal())
        .collect();
    let count: Vec<i64> = (0..rows)
        .map(|_| i64::try_from(rng.below(13)).unwrap() - 6)
        .collect();
    let count = Int64Array::from(count);
    set(
        vec![
            ("a", floats(a)),
            ("b", floats(b.iter().copied())),
            ("c", Arc::new(count)),
        ],
        floats(y),
        None,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_monotone_answer_never_turns(seed in any::<u64>(), rising in any::<bool>(), leaves in 4usize..40) {
        let mut rng = Seed(seed).rng();
        let train = bends(&mut rng, 400);
        let direction = if rising { Monotone::Rising } else { Monotone::Falling };
        let builder = whole(Boosting::builder()).trees(25).leaves(leaves).min_rows_leaf(3);
        let fitted = builder.monotone("a", direction).build().unwrap().fit(&train).unwrap();
        for _ in 0..8 {
            let (b, c) = (rng.normal(), i64::try_from(rng.below(7)).unwrap() - 3);
            let steps = (0..60).map(|at| f64::from(at) * 0.1 - 3.0);
            let line = set(
                vec![
                    ("a", floats(steps)),
                    ("b", floats([b; 60])),
                    ("c", Arc::new(Int64Array::from(vec![c; 60]))),
                ],
                floats((0..60).map(f64::from)),
                None,
            );
            let found = answers(&fitted, &line);
            let turns = found.windows(2).any(|pair| if rising { pair[1] < pair[0] } else { pair[1] > pair[0] });
            prop_assert!(!turns, "{:?}", found);
        }
    }

    #[test]
    fn an_event_time_and_a_seed_are_all_that_chance_knows(seed in any::<u64>()) {
        let train = bends(&mut Seed(seed).rng(), 300);
        prop_assert!(train.event_times()[0] < EventTime::from_seconds(1));
        let fit = |of: u64| {
            let builder = Boosting::builder().trees(10).subsample(0.5).feature_fraction(0.7);
            json(&builder.seed(Seed(of)).build().unwrap().fit(&train).unwrap())
        };
        prop_assert_eq!(fit(1), fit(1));
        prop_assert_ne!(fit(1), fit(2));
    }
}
