//! On a GPU the networks learn what they learn on the CPU, to the accuracy of single precision.
//!
//! `cargo test -p mlops-train --features cuda,wgpu --test gpu -- --nocapture`. Where a device is not there its tests say
//! so and pass, unless `MLOPS_GPU` names it (`MLOPS_GPU=cuda,wgpu`), in which case they fail.

#![cfg(any(feature = "cuda", feature = "wgpu"))]
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::print_stdout, reason = "a skipped test says so")]

use std::collections::BTreeMap;

use mlops_core::{EventTime, Seed, Target};
use mlops_model::{Model, Sequences};
use mlops_train::{
    Device, Error, Mlp, NetworkCheckpoint, NetworkControl, Precision, SequenceSet, SequenceTrainer,
    SequenceTrainerBuilder, Trainer, Training, conformance::planted,
};

/// The devices that were built in.
fn built_in() -> Vec<(&'static str, Device)> {
    vec![
        #[cfg(feature = "cuda")]
        ("cuda", Device::Cuda(0)),
        #[cfg(feature = "wgpu")]
        ("wgpu", Device::Wgpu(0)),
    ]
}

/// Those that are there.
fn devices() -> Vec<Device> {
    let wanted = std::env::var("MLOPS_GPU").unwrap_or_default();
    let set = planted(100, 1);
    let there = built_in().into_iter().filter(|(name, device)| {
        let tried = small(steady().epochs(1).device(*device)).fit(&set);
        match tried {
            Ok(_) => true,
            Err(error @ Error::DeviceUnavailable { .. }) => {
                let named = wanted.split(',').any(|wanted| wanted == *name);
                assert!(!named, "{error}");
                println!("skipped: {error}");
                false
            }
            Err(error) => panic!("{error}"),
        }
    });
    there.map(|(_, device)| device).collect()
}

/// Settings under which rounding does not grow.
fn steady() -> Training {
    Training::new().epochs(4).batch(256).learning_rate(0.003)
}

fn small(training: Training) -> Mlp {
    Mlp::builder()
        .hidden([32, 16])
        .training(training)
        .build()
        .unwrap()
}

/// Sequences of one to nine steps of two numbers, and the first number of each.
fn sequences(rows: usize) -> (Sequences, Vec<f64>) {
    let mut rng = Seed(11).rng();
    let mut sequences = Sequences::new(2).unwrap();
    let mut first = Vec::new();
    for _ in 0..rows {
        let steps: Vec<f64> = (0..2 * (1 + rng.below(9))).map(|_| rng.normal()).collect();
        first.push(steps[0]);
        sequences.push(&steps).unwrap();
    }
    (sequences, first)
}

fn lists(sequences: Sequences, labels: Target) -> SequenceSet {
    let count = i64::try_from(sequences.len()).unwrap();
    let times = (0..count).map(EventTime::from_seconds).collect();
    let names = ["a", "b"].map(String::from).to_vec();
    SequenceSet::new(names, sequences, "y".into(), labels, times, None).unwrap()
}

fn readers() -> [SequenceTrainerBuilder; 2] {
    [
        SequenceTrainer::lstm(12).layers(2),
        SequenceTrainer::transformer(16, 2),
    ]
}

/// Series by name are equal to this share.
fn assert_near(
    ours: &BTreeMap<String, Vec<f64>>,
    theirs: &BTreeMap<String, Vec<f64>>,
    share: f64,
    what: &str,
) {
    assert!(ours.keys().eq(theirs.keys()), "{what}");
    for (name, series) in ours {
        let other = &theirs[name];
        assert_eq!(series.len(), other.len(), "{what}: {name}");
        for (a, b) in series.iter().zip(other) {
            let near = (a - b).abs() <= share * b.abs().max(0.01);
            assert!(near, "{what}: {name}: {series:?} against {other:?}");
        }
    }
}

#[test]
fn rows_teach_a_gpu_what_they_teach_a_cpu() {
    let set = planted(3000, 1);
    let features = set.features();
    let cpu = small(steady()).fit(&set).unwrap();
    let expected = cpu.spec.predict_values(&features).unwrap();
    for device in devices() {
        let gpu = small(steady().device(device)).fit(&set).unwrap();
        assert_near(&gpu.history, &cpu.history, 2e-3, &device.to_string());
        let answers = gpu.spec.predict_values(&features).unwrap();
        let far = expected.iter().zip(&answers).map(|(a, b)| (a - b).abs());
        let far = far.fold(0.0, f64::max);
        println!("{device}: answers differ by {far:.1e} at most");
        assert!(far < 5e-3, "{device}: {far}");
    }
}

#[test]
fn sequences_teach_a_gpu_what_they_teach_a_cpu() {
    let (sequences, first) = sequences(1200);
    let number = lists(sequences.clone(), Target::Number(first.clone()));
    let names = ["low", "middle", "high"].map(String::from).to_vec();
    let codes = first
        .iter()
        .map(|x| u32::from(*x > -0.4) + u32::from(*x > 0.4));
    let codes = codes.collect();
    let classes = lists(sequences.clone(), Target::Classes { names, codes });
    let sign = first.iter().map(|x| *x > 0.0).collect();
    let binary = lists(sequences, Target::Binary(sign));
    for device in devices() {
        for builder in readers() {
            for set in [&number, &classes, &binary] {
                let fit = |training: Training| {
                    let trainer = builder.clone().dropout(0.1).training(training);
                    trainer.build().unwrap().fit_sequences(set).unwrap()
                };
                let (cpu, gpu) = (fit(steady()), fit(steady().device(device)));
                let what = format!("{device}: {:?}", cpu.params["network"]);
                // a part of a CPU's step draws masks of its own; the batch is one part on both
                assert_near(&gpu.history, &cpu.history, 5e-3, &what);
            }
        }
    }
}

#[test]
fn products_in_bfloat16_learn_as_well() {
    let set = planted(3000, 2);
    let single = small(steady().epochs(10)).fit(&set).unwrap();
    let lowest = |history: &BTreeMap<String, Vec<f64>>| {
        let losses = history["validation_log_loss"].iter().copied();
        losses.fold(f64::INFINITY, f64::min)
    };
    for device in devices() {
        let mixed = steady().epochs(10).device(device);
        match small(mixed.precision(Precision::Mixed)).fit(&set) {
            Ok(mixed) => {
                let (ours, theirs) = (lowest(&mixed.history), lowest(&single.history));
                println!("{device}: mixed {ours:.4}, single {theirs:.4}");
                assert!((ours - theirs).abs() < 0.01, "{device}: {ours} {theirs}");
            }
            Err(error @ Error::DeviceUnavailable { .. }) => {
                assert!(error.to_string().contains("bfloat16"), "{error}");
                println!("skipped: {error}");
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_fit_goes_on_from_where_it_was_left() {
    let set = planted(2000, 3);
    for device in devices() {
        let trainer = small(steady().epochs(6).device(device));
        let whole = trainer.fit(&set).unwrap();
        let mut kept: Option<NetworkCheckpoint> = None;
        let left = trainer.fit_with(&set, None, &mut |progress| {
            kept = Some(progress.checkpoint());
            if progress.epoch == 3 {
                NetworkControl::Cancel
            } else {
                NetworkControl::Continue
            }
        });
        assert!(matches!(left, Err(Error::Cancelled { .. })));
        let resumed = trainer
            .fit_with(&set, kept.as_ref(), &mut |_| NetworkControl::Continue)
            .unwrap();
        assert_near(&resumed.history, &whole.history, 1e-3, &device.to_string());
    }
}

#[test]
fn a_gpu_that_is_not_there_is_named() {
    for (_, device) in built_in() {
        let missing = match device {
            Device::Cuda(_) => Device::Cuda(60),
            _ => Device::Wgpu(60),
        };
        let tried = small(steady().device(missing)).fit(&planted(100, 4));
        let error = tried.unwrap_err();
        assert!(matches!(error, Error::DeviceUnavailable { .. }), "{error}");
        assert!(error.to_string().contains(&missing.to_string()), "{error}");
    }
}
