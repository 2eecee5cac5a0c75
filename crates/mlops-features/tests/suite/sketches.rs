//! The sketches against the truth, against Apache DataSketches on the same data, and against hostile bytes;
//! sums and quantiles of windows against Python's fractions and NumPy.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::cast_possible_truncation, reason = "sizes of tests are small")]

use std::{collections::BTreeMap, path::Path};

use mlops_features::{
    DataType, Entity, EventTime, Feature, FeatureView, PartialAggregate, Span, Value,
    sketch::{HyperLogLog, Kll},
};
use proptest::{collection::vec, prelude::*};
use serde_json::Value as Json;

fn golden(name: &str) -> Json {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The generator of `golden/datasketches/make.py`.
fn words(seed: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(seed), |state| {
        Some(
            state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407),
        )
    })
    .skip(1)
}

fn data(kind: &str, count: usize) -> Vec<f64> {
    let mut units: Vec<f64> = words(7)
        .take(count)
        .map(|word| (word >> 11) as f64 / (1_u64 << 53) as f64)
        .collect();
    match kind {
        "rising" => units.sort_by(f64::total_cmp),
        "skewed" => units
            .iter_mut()
            .for_each(|unit| *unit = 1.0 / (1.0 - *unit)),
        "steps" => units
            .iter_mut()
            .for_each(|unit| *unit = (*unit * 50.0).floor()),
        _ => assert_eq!(kind, "uniform"),
    }
    units
}

/// How far the ranks of a sketch's percentiles are from what was asked for, at worst.
fn worst_rank_error(sketch: &Kll, sorted: &[f64]) -> f64 {
    let errors = (1..100).map(|percent| {
        let rank = f64::from(percent) / 100.0;
        let found = sketch.quantile(rank).unwrap();
        let share = |count: usize| count as f64 / sorted.len() as f64;
        let low = share(sorted.partition_point(|v| *v < found));
        let high = share(sorted.partition_point(|v| *v <= found));
        (low - rank).max(rank - high).max(0.0)
    });
    errors.fold(0.0, f64::max)
}

#[test]
fn quantiles_keep_the_error_of_datasketches_at_the_same_size() {
    let golden = golden("datasketches/sketches.json");
    let count = golden["count"].as_u64().unwrap() as usize;
    for case in golden["quantiles"].as_array().unwrap() {
        let (kind, size) = (
            case["kind"].as_str().unwrap(),
            case["size"].as_u64().unwrap(),
        );
        let values = data(kind, count);
        let bound = case["rank_error_bound"].as_f64().unwrap();
        let peer = case["peer_worst_rank_error"].as_f64().unwrap();
        assert!(peer <= bound, "{case}");

        let mut whole = Kll::new(size as u16).unwrap();
        for value in &values {
            whole.add(*value);
        }
        let mut tiles = Kll::new(size as u16).unwrap();
        for tile in values.chunks(1_237) {
            let mut sketch = Kll::new(size as u16).unwrap();
            for value in tile {
                sketch.add(*value);
            }
            tiles.merge(&sketch).unwrap();
        }
        assert!(
            (whole.rank_error() - bound).abs() < 1e-4,
            "{} and {bound}",
            whole.rank_error()
        );
        let mut sorted = values;
        sorted.sort_by(f64::total_cmp);
        for sketch in [whole, tiles] {
            let error = worst_rank_error(&sketch, &sorted);
            assert!(
                error <= bound,
                "{kind} at {size}: {error}, bound {bound}, peer {peer}"
            );
            let bytes = sketch.to_bytes();
            assert!(
                bytes.len() < 2 * case["peer_bytes"].as_u64().unwrap() as usize,
                "{}",
                bytes.len()
            );
            assert_eq!(Kll::from_bytes(&bytes).unwrap(), sketch);
            assert_eq!(sketch.count(), count as u64);
        }
    }
}

#[test]
fn distinct_counts_keep_three_standard_errors_as_datasketches_do() {
    for case in golden("datasketches/sketches.json")["distinct"]
        .as_array()
        .unwrap()
    {
        let (precision, count) = (
            case["precision"].as_u64().unwrap(),
            case["count"].as_u64().unwrap(),
        );
        let mut sketch = HyperLogLog::new(precision as u8).unwrap();
        words(11)
            .take(count as usize)
            .for_each(|word| sketch.add_word(word >> 1));
        let error = (sketch.estimate() as f64 / count as f64 - 1.0).abs();
        let peer = (case["peer_estimate"].as_f64().unwrap() / count as f64 - 1.0).abs();
        let bound = 3.0 * sketch.standard_error();
        assert!(
            error <= bound && peer <= bound,
            "{case}: {error}, bound {bound}, peer {peer}"
        );
        assert_eq!(HyperLogLog::from_bytes(&sketch.to_bytes()).unwrap(), sketch);
    }
}

#[test]
fn the_estimate_is_unbiased_over_many_sets() {
    for (precision, count) in [(6, 40), (6, 400), (9, 3_000)] {
        let rounds = 200;
        let (mut sum, mut squares) = (0.0, 0.0);
        for round in 0..rounds {
            let mut sketch = HyperLogLog::new(precision).unwrap();
            (0..count).for_each(|i| sketch.add_text(&format!("{round}/{i}")));
            let error = sketch.estimate() as f64 / f64::from(count) - 1.0;
            sum += error;
            squares += error * error;
        }
        let standard = HyperLogLog::new(precision).unwrap().standard_error();
        let (mean, deviation) = (sum / 200.0, (squares / 200.0).sqrt());
        assert!(
            mean.abs() < 4.0 * standard / f64::from(rounds).sqrt(),
            "{precision}: bias {mean}"
        );
        assert!(
            deviation < 1.2 * standard,
            "{precision}: {deviation}, stated {standard}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_distinct_sketch_does_not_depend_on_order_or_merges(
        values in vec(0..400_u64, 0..600), cut in 0..600_usize, precision in 4..9_u8,
    ) {
        let mut whole = HyperLogLog::new(precision).unwrap();
        for value in &values {
            whole.add_word(*value);
        }
        let (left, right) = values.split_at(cut.min(values.len()));
        let mut parts = [HyperLogLog::new(precision).unwrap(), HyperLogLog::new(precision).unwrap()];
        left.iter().rev().for_each(|value| parts[0].add_word(*value));
        for value in right {
            parts[1].add_word(*value);
        }
        let [mut merged, other] = parts;
        merged.merge(&other).unwrap();
        prop_assert_eq!(merged.to_bytes(), whole.to_bytes());
        prop_assert_eq!(HyperLogLog::from_bytes(&whole.to_bytes()).unwrap().estimate(), whole.estimate());
    }

    #[test]
    fn a_quantile_sketch_keeps_its_weight_and_extremes_and_is_exact_while_small(
        values in vec(-1e3..1e3_f64, 1..900), cuts in vec(1..200_usize, 0..5), size in 8..40_u16,
    ) {
        let mut sketch = Kll::new(size).unwrap();
        let (mut rest, mut parts) = (values.as_slice(), Vec::new());
        for cut in cuts {
            let (head, tail) = rest.split_at(cut.min(rest.len()));
            parts.push(head);
            rest = tail;
        }
        parts.push(rest);
        for part in parts {
            let mut other = Kll::new(size).unwrap();
            for value in part {
                other.add(*value);
            }
            sketch.merge(&other).unwrap();
        }
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        prop_assert_eq!(sketch.count(), values.len() as u64);
        prop_assert_eq!(sketch.quantile(0.0), sorted.first().copied());
        prop_assert_eq!(sketch.quantile(1.0), sorted.last().copied());
        let bytes = sketch.to_bytes();
        let back = Kll::from_bytes(&bytes).unwrap();
        prop_assert_eq!(back.to_bytes(), bytes);
        if values.len() <= usize::from(size) {
            for (i, value) in sorted.iter().enumerate() {
                let rank = (i + 1) as f64 / sorted.len() as f64;
                prop_assert_eq!(sketch.quantile(rank - 1e-9), Some(*value));
            }
        }
        // a loose bound for sketches this small: no answer is from elsewhere
        let error = worst_rank_error(&sketch, &sorted);
        prop_assert!(error <= 4.0 * sketch.rank_error() + 1.0 / sorted.len() as f64, "{}", error);
    }

    #[test]
    fn damaged_bytes_are_an_error_or_another_sketch_and_never_a_panic(
        values in vec(any::<f64>(), 0..200), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let (mut quantiles, mut distinct) = (Kll::new(8).unwrap(), HyperLogLog::new(5).unwrap());
        for value in &values {
            quantiles.add(*value);
            distinct.add_word(value.to_bits());
        }
        let damage = |mut bytes: Vec<u8>| {
            let at = at.index(bytes.len());
            if cut {
                bytes.truncate(at);
            } else {
                bytes[at] = byte;
            }
            bytes
        };
        if let Ok(mut read) = Kll::from_bytes(&damage(quantiles.to_bytes())) {
            let _ = read.quantile(0.5);
            let _ = read.merge(&quantiles);
            read.add(1.0);
        }
        if let Ok(mut read) = HyperLogLog::from_bytes(&damage(distinct.to_bytes())) {
            read.add_word(7);
            let _ = read.merge(&distinct);
            let _ = read.estimate();
        }
        let view = view();
        for feature in features(&view) {
            let mut state = PartialAggregate::new(&feature);
            let at = EventTime::from_micros(5);
            for value in &values {
                let fields = [Value::Float(*value), Value::Int(value.to_bits().cast_signed()), "UK".into()];
                state.add(&feature, &fields, at, None);
            }
            if let Ok(mut read) = PartialAggregate::from_bytes(&feature, &damage(state.to_bytes())) {
                let _ = read.merge(&feature, &state);
                let _ = read.finish(&feature, at);
                let bytes = read.to_bytes();
                let back = PartialAggregate::from_bytes(&feature, &bytes).unwrap();
                prop_assert_eq!(back.to_bytes(), bytes);
            }
        }
    }
}

fn view() -> FeatureView {
    FeatureView::builder("v")
        .entity(Entity::new("e", [("id", DataType::Int64)]).unwrap())
        .event_time("at")
        .field("x", DataType::Float64)
        .field("n", DataType::Int64)
        .field("word", DataType::Utf8)
        .build()
        .unwrap()
}

fn features(view: &FeatureView) -> Vec<Feature> {
    let all = [
        Feature::sum(view, "x"),
        Feature::variance(view, "x"),
        Feature::variance(view, "n"),
        Feature::min(view, "x"),
        Feature::last_k(view, "word", 3),
        Feature::distinct_count(view, "word"),
        Feature::distinct_count(view, "n"),
        Feature::approx_distinct_count(view, "word", 5),
        Feature::quantile(view, "x", 0.5),
        Feature::approx_quantile(view, "x", 0.5, 8),
        Feature::mean(view, "x").by("word", 3),
        Feature::sum(view, "x").per(Feature::events(view)),
    ];
    all.into_iter()
        .map(|aggregate| aggregate.over(Span::days(1)).unwrap())
        .collect()
}

#[test]
fn sums_means_variances_and_quantiles_are_those_of_fractions_and_numpy() {
    let view = view();
    let real = |bits: &Json| f64::from_bits(bits.as_u64().unwrap());
    let golden = golden("fractions/windows.json");
    for case in golden["cases"].as_array().unwrap() {
        let mut values: Vec<f64> = case["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(real)
            .collect();
        // in two orders: the result is one of numbers, not of lists
        for _ in 0..2 {
            values.reverse();
            let check = |feature: Feature, expected: f64| {
                let mut state = PartialAggregate::new(&feature);
                let at = EventTime::from_micros(0);
                for v in &values {
                    state.add(&feature, &[Value::Float(*v)], at, None);
                }
                let Value::Float(found) = state.finish(&feature, at).unwrap() else {
                    panic!("{:?} of {values:?} is no real", feature.function());
                };
                assert_eq!(
                    found.to_bits(),
                    expected.to_bits(),
                    "{found} and {expected}"
                );
            };
            let over =
                |aggregate: mlops_features::Aggregate| aggregate.over(Span::days(1)).unwrap();
            check(over(Feature::sum(&view, "x")), real(&case["sum"]));
            check(over(Feature::mean(&view, "x")), real(&case["mean"]));
            let variance = || Feature::variance(&view, "x");
            check(
                over(variance().population()),
                real(&case["population_variance"]),
            );
            if !case["variance"].is_null() {
                check(over(variance()), real(&case["variance"]));
            }
            for quantile in case["quantiles"].as_array().unwrap() {
                let (rank, expected) = (quantile[0].as_f64().unwrap(), real(&quantile[1]));
                check(over(Feature::quantile(&view, "x", rank)), expected);
            }
        }
    }
}

#[test]
fn states_of_different_features_do_not_mix() {
    let view = view();
    let features = features(&view);
    let mut refused = BTreeMap::new();
    for (i, a) in features.iter().enumerate() {
        let bytes = PartialAggregate::new(a).to_bytes();
        for (j, b) in features.iter().enumerate() {
            let read = PartialAggregate::from_bytes(b, &bytes);
            refused.insert((i, j), read.is_err());
        }
    }
    let differ = refused.iter().filter(|((i, j), _)| i != j);
    assert!(differ.clone().filter(|(_, refused)| **refused).count() > 100);
    assert!(refused.iter().all(|((i, j), refused)| i != j || !refused));
}
