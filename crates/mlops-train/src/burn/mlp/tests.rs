//! What a network learns, and that it is the same whatever interrupts the fit.

use std::{num::NonZeroUsize, sync::Arc};

use burn::{
    backend::{Flex, flex::FlexDevice},
    tensor::{Tensor, TensorData},
};
use mlops_core::{
    Column, Lineage, Role, Seed, Table, TableSchema, Value,
    arrow::{
        array::{ArrayRef, Float64Array, StringArray, TimestampMicrosecondArray},
        datatypes::DataType,
    },
    metric,
};
use mlops_model::{Input, InputKind, Link, Model, Output, Preprocess, Scratch, Signature};

use super::*;
use crate::{
    ClassWeights, Device, Error, Precision, Schedule, Watched,
    burn::{
        data::Batch,
        net::{Dropout, numbers, single, start, tensors},
    },
    conformance::planted,
};

fn quick() -> Training {
    Training::new().epochs(30).batch(64).learning_rate(0.02)
}

fn small(training: Training) -> Mlp {
    Mlp::builder()
        .hidden([12])
        .training(training)
        .build()
        .unwrap()
}

fn json(fitted: &Fitted) -> String {
    serde_json::to_string(&fitted.spec).unwrap()
}

/// Rows in time with a number, a text, and this label.
fn rows(x: Vec<f64>, texts: Vec<&str>, label: ArrayRef, weights: Option<Vec<f64>>) -> TrainingSet {
    let times = TimestampMicrosecondArray::from_iter_values(
        (0..x.len()).map(|i| i64::try_from(i).unwrap()),
    );
    let mut columns = vec![
        Column::event_time("at"),
        Column::value("x", DataType::Float64),
        Column::value("text", DataType::Utf8),
        Column::new("y", label.data_type().clone(), Role::Label),
    ];
    let mut arrays: Vec<ArrayRef> = vec![
        Arc::new(times.with_timezone("UTC")),
        Arc::new(Float64Array::from(x)),
        Arc::new(StringArray::from(texts)),
        label,
    ];
    if let Some(weights) = weights {
        columns.push(Column::new("w", DataType::Float64, Role::Weight));
        arrays.push(Arc::new(Float64Array::from(weights)));
    }
    let table = Table::new(TableSchema::new(columns).unwrap(), arrays).unwrap();
    TrainingSet::new(table, Lineage::default()).unwrap()
}

fn draws(count: usize, seed: u64) -> (Vec<f64>, Vec<&'static str>) {
    let mut rng = Seed(seed).rng();
    let x = (0..count).map(|_| rng.normal()).collect();
    let texts = (0..count)
        .map(|_| ["a", "b", "c", "d"][rng.below(4)])
        .collect();
    (x, texts)
}

#[test]
fn the_seed_decides_every_bit_and_the_threads_none() {
    let set = planted(2000, 1);
    let run = |seed, threads, dropout| {
        let training = quick()
            .epochs(3)
            .batch(1500)
            .seed(Seed(seed))
            .threads(NonZeroUsize::new(threads).unwrap());
        let trainer = Mlp::builder()
            .dropout(dropout)
            .training(training)
            .build()
            .unwrap();
        json(&trainer.fit(&set).unwrap())
    };
    for dropout in [0.0, 0.3] {
        assert_eq!(run(1, 1, dropout), run(1, 1, dropout));
        assert_eq!(run(1, 1, dropout), run(1, 3, dropout));
        assert_ne!(run(1, 1, dropout), run(2, 1, dropout));
    }
    assert_ne!(run(1, 1, 0.0), run(1, 1, 0.3));
}

#[test]
fn the_best_epoch_is_kept() {
    let set = planted(600, 2);
    let fitted = small(quick().early_stopping(Some(4))).fit(&set).unwrap();
    let losses = &fitted.history["validation_log_loss"];
    let best: usize = fitted.params["best_epoch"].parse().unwrap();
    let lowest = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(losses[best - 1], lowest);
    assert_eq!(losses.len(), best + 4);
    assert_eq!(fitted.params["validation_rows"], "120");

    // the exported model reaches the loss that the network was chosen for
    let late: Vec<bool> = (0..600).map(|row| row >= 480).collect();
    let late = set.filter(&late).unwrap();
    let scores = fitted.spec.predict_values(&late.features()).unwrap();
    let loss = metric::log_loss(&late.label_classes().unwrap(), &scores).unwrap();
    assert!((loss - lowest).abs() < 1e-5, "{loss} is not {lowest}");
}

#[test]
fn the_watched_number_chooses_the_epoch() {
    let set = planted(600, 2);
    for watched in [Watched::RocAuc, Watched::PrAuc, Watched::Accuracy] {
        let fitted = small(quick().epochs(8).watched(watched)).fit(&set).unwrap();
        let series = &fitted.history[&format!("validation_{}", watched.name())];
        let best: usize = fitted.params["best_epoch"].parse().unwrap();
        let highest = series.iter().copied().fold(0.0, f64::max);
        assert_eq!(series[best - 1], highest, "{watched:?}");
        assert_eq!(fitted.history["validation_log_loss"].len(), series.len());
    }
}

#[test]
fn a_fit_that_was_interrupted_resumes_to_the_same_bits() {
    let set = planted(700, 3);
    let training = quick()
        .epochs(9)
        .schedule(Schedule::Cosine)
        .warm_up(5)
        .clip_norm(Some(1.0))
        .early_stopping(Some(5));
    let trainer = Mlp::builder()
        .dropout(0.2)
        .training(training.clone())
        .build()
        .unwrap();
    let whole = trainer.fit(&set).unwrap();
    for stop in [1, 4, 7] {
        let mut kept = None;
        let error = trainer.fit_with(&set, None, &mut |progress| {
            kept = Some(progress.checkpoint());
            if progress.epoch == stop {
                return Control::Cancel;
            }
            Control::Continue
        });
        let error = error.unwrap_err();
        assert!(matches!(error, Error::Cancelled { done, .. } if done == stop));
        let kept = Checkpoint::from_bytes(kept.unwrap().as_bytes().to_vec()).unwrap();
        let mut epochs = Vec::new();
        let resumed = trainer.fit_with(&set, Some(&kept), &mut |progress| {
            epochs.push(progress.epoch);
            Control::Continue
        });
        let resumed = resumed.unwrap();
        let more = stop < whole.history["train_log_loss"].len();
        assert_eq!(epochs.first().copied(), more.then_some(stop + 1));
        assert_eq!(json(&resumed), json(&whole), "after epoch {stop}");
        assert_eq!(resumed.history, whole.history);

        let go_on = &mut |_: &Progress<'_>| Control::Continue;
        let other = Mlp::builder().training(training.clone()).build().unwrap();
        assert!(other.fit_with(&set, Some(&kept), go_on).is_err());
        let rows = planted(700, 4);
        assert!(trainer.fit_with(&rows, Some(&kept), go_on).is_err());
    }
    let stopped = trainer.fit_with(&set, None, &mut |progress| {
        if progress.epoch == 3 {
            Control::Stop
        } else {
            Control::Continue
        }
    });
    assert_eq!(stopped.unwrap().history["train_log_loss"].len(), 3);
}

#[test]
fn several_classes_are_told_apart_by_number_and_text() {
    let (x, texts) = draws(1500, 5);
    let label = |x: f64, text: &str| match (text, x > 0.0) {
        ("a", true) => "high",
        ("a" | "b", _) => "low",
        _ => "other",
    };
    let labels: Vec<&str> = x
        .iter()
        .zip(&texts)
        .map(|(x, text)| label(*x, text))
        .collect();
    let set = rows(
        x.clone(),
        texts.clone(),
        Arc::new(StringArray::from(labels.clone())),
        None,
    );
    for kind in [Texts::OneHot, Texts::Embedded(8)] {
        let trainer = Mlp::builder()
            .texts(kind)
            .training(quick().watched(Watched::Accuracy));
        let fitted = trainer.build().unwrap().fit(&set).unwrap();
        let answers = fitted.spec.predict(&set.features()).unwrap();
        let names = ["high", "low", "other"];
        let hits = (0..x.len()).filter(|row| {
            let answer = answers.row(*row);
            assert!((answer.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let top = (0..3)
                .max_by(|a, b| answer[*a].total_cmp(&answer[*b]))
                .unwrap();
            names[top] == labels[*row]
        });
        let share = hits.count() as f64 / 1500.0;
        assert!(share > 0.97, "{kind:?}: {share}");
        assert_eq!(
            fitted.importance.len(),
            if kind == Texts::OneHot { 5 } else { 2 }
        );
    }
}

#[test]
fn numbers_are_learnt_in_their_own_unit() {
    let (x, texts) = draws(1500, 6);
    let truth =
        |x: f64, text: &str| 5000.0 + 300.0 * x.sin() + if text == "c" { 800.0 } else { 0.0 };
    let values: Vec<f64> = x
        .iter()
        .zip(&texts)
        .map(|(x, text)| truth(*x, text))
        .collect();
    let set = rows(x, texts, Arc::new(Float64Array::from(values.clone())), None);
    for activation in [
        Activation::Relu,
        Activation::Tanh,
        Activation::Gelu,
        Activation::Logistic,
    ] {
        let training = quick()
            .watched(Watched::AbsoluteError)
            .schedule(Schedule::Step {
                every: 10,
                factor: 0.5,
            });
        let trainer = Mlp::builder().activation(activation).training(training);
        let fitted = trainer.build().unwrap().fit(&set).unwrap();
        let answers = fitted.spec.predict_values(&set.features()).unwrap();
        let errors: Vec<f64> = answers[1200..]
            .iter()
            .zip(&values[1200..])
            .map(|(a, v)| (a - v).abs())
            .collect();
        let mean = errors.iter().sum::<f64>() / 300.0;
        assert!(mean < 30.0, "{activation:?}: off by {mean}");
        // what was watched is in the unit of the label, and of the model that is exported
        let series = &fitted.history["validation_absolute_error"];
        let best: usize = fitted.params["best_epoch"].parse().unwrap();
        assert!(
            (series[best - 1] - mean).abs() < 0.01,
            "{activation:?}: {series:?} {mean}"
        );
        assert!(fitted.history["validation_squared_error"][best - 1] >= mean * mean * 0.99);
    }
}

#[test]
fn a_row_of_weight_0_is_not_learnt_from() {
    let (x, texts) = draws(1000, 7);
    // the second half lies
    let labels = x
        .iter()
        .enumerate()
        .map(|(row, x)| f64::from(u8::from((*x > 0.0) == (row % 2 == 0))));
    let label: ArrayRef = Arc::new(Float64Array::from_iter_values(labels));
    let weights = (0..1000)
        .map(|row| f64::from(u8::from(row % 2 == 0)))
        .collect();
    let set = rows(x.clone(), texts, label, Some(weights));
    let fitted = small(quick()).fit(&set).unwrap();
    let answers = fitted.spec.predict_values(&set.features()).unwrap();
    let truth: Vec<bool> = x.iter().map(|x| *x > 0.0).collect();
    assert!(metric::roc_auc(&truth, &answers).unwrap() > 0.99);
}

#[test]
fn balanced_classes_raise_the_answers_of_a_rare_one() {
    let set = planted(800, 8);
    let mean = |weights| {
        let fitted = small(quick().class_weights(weights)).fit(&set).unwrap();
        let answers = fitted.spec.predict_values(&set.features()).unwrap();
        answers.iter().sum::<f64>() / 800.0
    };
    let even = mean(ClassWeights::Equal);
    assert!(mean(ClassWeights::Balanced) > even + 0.05);
    let given = ClassWeights::Given([("1".into(), 10.0)].into());
    assert!(mean(given) > even + 0.2);
}

#[test]
fn unseen_categories_have_a_vector_of_their_own() {
    let (x, mut texts) = draws(800, 9);
    texts[5] = "rare";
    let label: ArrayRef = Arc::new(Float64Array::from_iter_values(
        texts.iter().map(|text| f64::from(u8::from(*text == "a"))),
    ));
    let set = rows(x, texts, label, None);
    let trainer = Mlp::builder()
        .max_categories(4)
        .training(quick())
        .build()
        .unwrap();
    let spec = trainer.fit(&set).unwrap().spec;
    let answer = |text: Value| {
        let row = [Value::from(0.3), text];
        spec.predict_value(&row, &mut Scratch::new()).unwrap()
    };
    assert_eq!(answer("rare".into()), answer("never seen".into()));
    assert_ne!(answer("rare".into()), answer("b".into()));
    let Estimator::Mlp(mlp) = spec.estimator() else {
        panic!("a network");
    };
    assert_eq!((mlp.embeddings[0].rows, mlp.embeddings[0].cols), (5, 3));
}

#[test]
fn the_exported_network_answers_as_burn_does() {
    let inputs = [
        Input::new("a", InputKind::Float),
        Input::new("t", InputKind::Str).nullable(),
        Input::new("b", InputKind::Float),
    ];
    for (activation, link, outputs) in [
        (Activation::Relu, Link::Logit, 1),
        (Activation::Tanh, Link::Identity, 1),
        (Activation::Gelu, Link::Softmax, 3),
        (Activation::Logistic, Link::Softmax, 2),
    ] {
        let net = MlpNet {
            tables: vec![(4, 3)],
            widths: vec![5, 8, 6, outputs],
            activation,
            precision: Precision::Single,
        };
        let shapes = net.shapes();
        let mut block = start(&shapes, Seed(3));
        // the row of what was not seen, and the biases, begin at 0
        let mut rng = Seed(4).rng();
        for weight in &mut block {
            *weight += single(0.1 * rng.normal());
        }
        let output = match (link, outputs) {
            (Link::Logit, _) => Output::Probability {
                positive: "y".into(),
            },
            (Link::Softmax, _) => Output::Classes {
                names: (0..outputs).map(|class| class.to_string()).collect(),
            },
            _ => Output::Number,
        };
        let signature = Signature::new(inputs.clone(), output).unwrap();
        let categories = ["x", "y", "z"].map(String::from).to_vec();
        let encoders = vec![
            Encoder::plain(0),
            Encoder::Ordinal {
                input: 1,
                categories,
            },
            Encoder::plain(2),
        ];
        let preprocess = Preprocess::new(&signature, encoders).unwrap();
        let (embeddings, layers) = net.export(&block, &[1], (0.0, 1.0));
        let estimator = mlops_model::Mlp {
            embeddings,
            layers,
            activation,
            link,
        };
        let model = ModelSpec::new(signature, preprocess, Estimator::Mlp(estimator)).unwrap();
        let weights = tensors::<Flex>(&shapes, &block, &FlexDevice);
        let mut scratch = Scratch::new();
        for _ in 0..100 {
            let code = rng.below(5);
            let text = ["x", "y", "z", "never", ""][code];
            let x = [single(rng.normal()), single(rng.normal())];
            let mut batch = Batch {
                rows: 1,
                numbers: x.to_vec(),
                width: 2,
                codes: vec![vec![i32::try_from(code.min(3)).unwrap()]],
                ..Batch::default()
            };
            let theirs: Tensor<Flex, 2> =
                net.forward(&weights, &mut batch, &mut Dropout::none(), &FlexDevice);
            let mut theirs: Vec<f64> = numbers(theirs.into_data())
                .into_iter()
                .map(f64::from)
                .collect();
            link.apply(&mut theirs);
            let row = [f64::from(x[0]).into(), text.into(), f64::from(x[1]).into()];
            let ours = model.predict_row(&row, &mut scratch).unwrap();
            for (ours, theirs) in ours.iter().zip(&theirs) {
                assert!(
                    (ours - theirs).abs() < 1e-6,
                    "{activation:?}: {ours} is not {theirs}"
                );
            }
        }
    }
}

#[test]
fn dropout_keeps_the_mean_and_leaves_out_its_share() {
    let ones = || {
        Tensor::<Flex, 2>::from_data(
            TensorData::new(vec![1.0f32; 40_000], [200, 200]),
            &FlexDevice,
        )
    };
    let masked = Dropout::new(0.3, Seed(1)).apply(ones(), &FlexDevice);
    let values = numbers(masked.into_data());
    let dropped = values.iter().filter(|value| **value == 0.0).count() as f64 / 40_000.0;
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / 40_000.0;
    assert!(
        (dropped - 0.3).abs() < 0.01 && (mean - 1.0).abs() < 0.015,
        "{dropped} {mean}"
    );
}

#[test]
fn a_loss_that_leaves_the_numbers_is_an_error_or_a_model_never_a_panic() {
    let wild = small(quick().learning_rate(1.0).weight_decay(1.0).epochs(20));
    match wild.fit(&planted(200, 3)) {
        Ok(fitted) => assert!(
            fitted.history["train_log_loss"]
                .iter()
                .all(|l| l.is_finite())
        ),
        Err(error) => assert!(matches!(error, Error::Diverged { .. }), "{error}"),
    }
}

#[cfg(not(any(feature = "wgpu", feature = "cuda")))]
#[test]
fn a_device_that_was_not_built_in_is_named() {
    for device in [
        Device::Wgpu(0),
        Device::WgpuIntegrated(0),
        Device::WgpuSoftware,
        Device::Cuda(0),
    ] {
        let error = small(quick().device(device))
            .fit(&planted(100, 4))
            .unwrap_err();
        assert!(matches!(error, Error::DeviceUnavailable { .. }), "{error}");
        assert!(
            error.to_string().contains("built without feature"),
            "{error}"
        );
    }
}

#[cfg(all(feature = "wgpu", feature = "cuda"))]
#[test]
fn a_device_that_is_not_there_is_an_error_and_no_panic() {
    for device in [
        Device::Wgpu(60),
        Device::WgpuIntegrated(60),
        Device::Cuda(60),
    ] {
        let error = small(quick().device(device))
            .fit(&planted(100, 4))
            .unwrap_err();
        assert!(matches!(error, Error::DeviceUnavailable { .. }), "{error}");
        assert!(error.to_string().contains(&device.to_string()), "{error}");
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let builder = Mlp::builder;
    let with = |training: Training| builder().training(training);
    let new = Training::new;
    let given = ClassWeights::Given([("1".into(), f64::NAN)].into());
    let step = Schedule::Step {
        every: 0,
        factor: 0.5,
    };
    for (bad, parameter) in [
        (builder().hidden([]), "hidden"),
        (builder().hidden([0]), "hidden"),
        (builder().hidden([5000]), "hidden"),
        (builder().dropout(1.0), "dropout"),
        (builder().texts(Texts::Embedded(0)), "texts"),
        (builder().max_categories(0), "max_categories"),
        (with(new().epochs(0)), "epochs"),
        (with(new().batch(0)), "batch"),
        (with(new().learning_rate(f64::NAN)), "learning_rate"),
        (with(new().schedule(step)), "schedule"),
        (with(new().weight_decay(-1.0)), "weight_decay"),
        (with(new().clip_norm(Some(0.0))), "clip_norm"),
        (with(new().early_stopping(Some(0))), "early_stopping"),
        (with(new().validation_fraction(0.0)), "validation_fraction"),
        (with(new().class_weights(given)), "class_weights"),
    ] {
        let error = bad.build().unwrap_err().to_string();
        assert!(error.contains(&format!("`{parameter}` of mlp")), "{error}");
    }
    let wide = Mlp::builder().hidden([1024, 1024, 1024]).build().unwrap();
    let error = wide.fit(&planted(100, 4)).unwrap_err().to_string();
    assert!(error.contains("`hidden` of mlp"), "{error}");
}

#[test]
fn mixed_precision_is_refused_on_a_cpu_and_recorded_elsewhere() {
    let build = |device| {
        let training = quick().precision(Precision::Mixed).device(device);
        Mlp::builder().training(training).build()
    };
    let error = build(Device::Cpu).unwrap_err();
    assert!(matches!(error, Error::InvalidParameter { .. }), "{error}");
    assert!(error.to_string().contains("`precision` of mlp"), "{error}");
    let elsewhere = build(Device::Cuda(0)).unwrap();
    assert_eq!(elsewhere.params()["precision"], "mixed");
    assert!(!small(quick()).params().contains_key("precision"));
}
