//! Counting rows: what is missing, what is new, what is refused.

#![expect(clippy::unwrap_used, reason = "a test panics where something is wrong")]

mod support;

use std::sync::Arc;

use mlops_core::{
    EventTime, ModelName, PredictionRecord, Value,
    arrow::array::{ArrayRef, Float64Array, Int64Array},
};
use mlops_drift::{DriftReport, Error, ReferenceProfile, Window};
use support::{batch, numbers, texts};

fn profile() -> ReferenceProfile {
    let country: Vec<Option<&str>> = (0..1_000)
        .map(|at| Some(if at % 4 == 0 { "FR" } else { "UK" }))
        .collect();
    let features = batch(vec![
        ("amount", numbers((0..1_000).map(f64::from))),
        ("country", texts(&country)),
    ]);
    let predictions: Vec<f64> = (0..1_000).map(|at| f64::from(at) / 1_000.0).collect();
    ReferenceProfile::build(&features, Some(&predictions)).unwrap()
}

fn row(amount: impl Into<Value>, country: impl Into<Value>) -> Vec<(String, Value)> {
    vec![
        ("amount".to_owned(), amount.into()),
        ("country".to_owned(), country.into()),
    ]
}

fn report(profile: &ReferenceProfile, window: &Window) -> DriftReport {
    DriftReport::compare(profile, window).unwrap()
}

#[test]
fn values_outside_the_reference_fall_into_the_edge_bins() {
    let profile = profile();
    let mut window = Window::new(&profile);
    for amount in [-1e300, f64::NEG_INFINITY, 1e9, f64::INFINITY] {
        window.push(&row(amount, "UK"), None).unwrap();
    }
    let report = report(&profile, &window);
    let counts: Vec<u64> = report.columns[0]
        .bins
        .iter()
        .map(|bin| bin.window)
        .collect();
    assert_eq!(
        (counts[0], counts[9], counts.iter().sum::<u64>()),
        (2, 2, 4)
    );
    assert!(report.columns[0].mean.unwrap().window.is_finite());
}

#[test]
fn a_new_category_and_a_missing_value_have_bins_of_their_own() {
    let profile = profile();
    let mut window = Window::new(&profile);
    for at in 0..100 {
        let country = match at % 4 {
            0 => Value::Str("Malta".into()),
            1 => Value::Null,
            _ => Value::Str("UK".into()),
        };
        window
            .push(&row(f64::from(at * 10), country), None)
            .unwrap();
    }
    window.push(&[], None).unwrap();
    let report = report(&profile, &window);
    let country = report.column("country").unwrap();
    assert_eq!(country.other.unwrap().reference, 0.0);
    assert_eq!(country.other.unwrap().window, 25.0 / 101.0);
    assert_eq!(country.missing.window, 26.0 / 101.0);
    assert!(country.psi > 1.0 && country.p_value < 1e-30);
    let labels: Vec<&str> = country.bins.iter().map(|bin| bin.label.as_str()).collect();
    assert_eq!(labels, ["UK", "FR", "other", "missing"]);
    assert_eq!(report.by_psi()[0].name, "country");
}

#[test]
fn leaving_a_constant_is_seen() {
    let profile =
        ReferenceProfile::build(&batch(vec![("x", numbers(vec![5.0; 500]))]), None).unwrap();
    for (value, moved) in [(5.0, false), (4.0, true), (6.0, true)] {
        let report = support::compare(&profile, &batch(vec![("x", numbers(vec![value; 500]))]));
        assert_eq!(report.columns[0].psi > 0.2, moved, "{value}");
    }
}

#[test]
fn the_moved_mean_is_told_in_deviations() {
    let profile = profile();
    let moved = numbers((0..1_000).map(|at| f64::from(at) + 100.0));
    let country = texts(&vec![Some("UK"); 1_000]);
    let report = support::compare(
        &profile,
        &batch(vec![("amount", moved), ("country", country)]),
    );
    let mean = report.columns[0].mean.unwrap();
    assert!((mean.window - mean.reference - 100.0).abs() < 1e-5);
    assert!((mean.in_deviations - 100.0 / mean.reference_std).abs() < 1e-8);
    assert!((mean.window_std / mean.reference_std - 1.0).abs() < 1e-4);
    assert!(report.columns[1].mean.is_none() && report.columns[1].ks.is_none());
}

#[test]
fn a_wrong_value_is_refused_and_nothing_is_counted() {
    let profile = profile();
    let mut window = Window::new(&profile);
    for bad in [
        row("12", "UK"),
        row(true, "UK"),
        row(1.0, 0.5),
        row(EventTime::from_seconds(0), "UK"),
    ] {
        assert!(
            matches!(window.push(&bad, Some(0.5)), Err(Error::WrongValue { .. })),
            "{bad:?}"
        );
    }
    let ok = texts(&[Some("UK")]);
    let as_text = batch(vec![("amount", ok.clone()), ("country", ok.clone())]);
    let error = window.push_batch(&as_text, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "column `amount` holds Utf8, its profile is numeric"
    );
    let absent = batch(vec![("country", ok)]);
    let error = window.push_batch(&absent, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "column `amount` is not in the table; it has `country`"
    );
    let whole: ArrayRef = Arc::new(Int64Array::from(vec![3]));
    let good = batch(vec![("amount", whole), ("country", texts(&[None]))]);
    assert!(window.push_batch(&good, Some(&[0.1, 0.2])).is_err());
    assert_eq!(window, Window::new(&profile));
    window.push_batch(&good, Some(&[0.1])).unwrap();
    assert_eq!(window.rows(), 1);
}

#[test]
fn windows_of_two_profiles_do_not_mix() {
    let other = ReferenceProfile::build(&batch(vec![("x", numbers([1.0]))]), None).unwrap();
    let mut window = Window::new(&profile());
    assert!(matches!(
        window.merge(&Window::new(&other)),
        Err(Error::ProfileMismatch { .. })
    ));
    assert!(DriftReport::compare(&other, &window).is_err());
}

#[test]
fn logged_predictions_widen_the_span_and_count_their_answers() {
    let profile = profile();
    let mut window = Window::new(&profile);
    for (second, prediction) in [(50, 0.95), (10, f64::NAN)] {
        let record = PredictionRecord {
            id: second.to_string(),
            time: EventTime::from_seconds(second),
            model: ModelName::new("churn").unwrap(),
            version: 1,
            key: None,
            features: row(5, "FR"),
            prediction,
            outputs: Vec::new(),
        };
        window.push_record(&record).unwrap();
    }
    let report = report(&profile, &window);
    assert_eq!(
        report.span,
        Some((EventTime::from_seconds(10), EventTime::from_seconds(50)))
    );
    let prediction = report.prediction.unwrap();
    assert_eq!(
        (prediction.window_rows, prediction.missing.window),
        (2, 0.5)
    );
}

#[test]
fn an_empty_window_has_no_distance() {
    let profile = profile();
    let report = report(&profile, &Window::new(&profile));
    for column in report.columns.iter().chain(&report.prediction) {
        assert_eq!((column.psi, column.p_value, column.ks), (0.0, 1.0, None));
    }
    let back: DriftReport = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(back, report);
}

#[test]
fn nulls_and_nan_are_both_missing() {
    let profile = profile();
    let amounts: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), None, Some(f64::NAN)]));
    let report = support::compare(
        &profile,
        &batch(vec![
            ("amount", amounts),
            ("country", texts(&[Some("UK"); 3])),
        ]),
    );
    assert_eq!(report.columns[0].bins.last().unwrap().window, 2);
}
