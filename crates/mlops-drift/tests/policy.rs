//! Verdicts and signals: what is called, what is not, and the reason that is given.

#![expect(clippy::unwrap_used, reason = "a test panics where something is wrong")]

mod support;

use std::collections::BTreeMap;

use mlops_core::{EventTime, Severity, SignalKind, metric::Interval};
use mlops_drift::{
    Context, DriftReport, Error, Judgement, Limits, Metric, Outcome, Performance, PerformanceLimit,
    Policy, PolicyBuilder, ReferenceProfile, Window,
};
use support::{batch, context, numbers};

const ROWS: u32 = 2_000;

/// Even columns `a` and `b` and predictions; the window is the same moved up by so many hundredths.
fn report(rows: u32, a: f64, b: f64, prediction: f64) -> DriftReport {
    let even = |rows: u32, by: f64| -> Vec<f64> {
        (0..rows)
            .map(|at| f64::from(at) / f64::from(rows) + by / 100.0)
            .collect()
    };
    let table = |rows, a, b| {
        batch(vec![
            ("a", numbers(even(rows, a))),
            ("b", numbers(even(rows, b))),
        ])
    };
    let profile = ReferenceProfile::build(&table(ROWS, 0.0, 0.0), Some(&even(ROWS, 0.0))).unwrap();
    let mut window = Window::new(&profile);
    window
        .push_batch(&table(rows, a, b), Some(&even(rows, prediction)))
        .unwrap();
    DriftReport::compare(&profile, &window).unwrap()
}

fn judge(policy: PolicyBuilder, report: &DriftReport) -> Judgement {
    policy
        .build()
        .unwrap()
        .judge(report, None, &context())
        .unwrap()
}

fn outcomes(judgement: &Judgement) -> Vec<Outcome> {
    judgement
        .verdicts
        .iter()
        .map(|verdict| verdict.outcome)
        .collect()
}

#[test]
fn nothing_moved_and_every_subject_says_why_there_is_no_signal() {
    let judgement = judge(Policy::builder(), &report(1_000, 0.0, 0.0, 0.0));
    assert!(judgement.signals.is_empty() && judgement.streaks.is_empty());
    assert_eq!(outcomes(&judgement), [Outcome::BelowLimit; 3]);
    let reason = &judgement.column("a").unwrap().reason;
    assert_eq!(
        reason,
        "PSI 0.000 is below 0.1 with 1000 window rows against 2000 in the reference (adjusted p 1.000)"
    );
}

#[test]
fn each_kind_of_change_raises_its_own_signal() {
    let cases = [
        ((30.0, 0.0, 0.0), SignalKind::DataDrift, "a"),
        ((0.0, 0.0, 30.0), SignalKind::PredictionDrift, "prediction"),
    ];
    for ((a, b, prediction), kind, subject) in cases {
        let judgement = judge(Policy::builder(), &report(1_000, a, b, prediction));
        assert_eq!(judgement.signals.len(), 1);
        let signal = &judgement.signals[0];
        assert_eq!((signal.kind, signal.severity), (kind, Severity::Alert));
        assert_eq!((signal.time, signal.version), (context().time, 1));
        let evidence = &signal.evidence[0];
        assert_eq!(
            (
                evidence.subject.as_str(),
                evidence.statistic.as_str(),
                evidence.limit
            ),
            (subject, "psi", 0.2)
        );
        assert_eq!(
            (evidence.reference_rows, evidence.window_rows),
            (2_000, 1_000)
        );
        assert!(evidence.p_value.unwrap() < 1e-9 && evidence.value > 0.2);
    }
}

#[test]
fn a_middling_change_is_a_warning_and_the_strongest_comes_first() {
    // a shift of a tenth moves one bin in ten
    let small = judge(
        Policy::builder().limits(Limits {
            warn: 0.1,
            drift: 5.0,
        }),
        &report(1_000, 10.0, 20.0, 0.0),
    );
    let signal = &small.signals[0];
    assert_eq!(signal.severity, Severity::Warning);
    let subjects: Vec<&str> = signal.evidence.iter().map(|e| e.subject.as_str()).collect();
    assert_eq!(subjects, ["b", "a"]);
    assert!(
        signal
            .reason
            .starts_with("2 of 2 columns differ from the reference: `b`: PSI"),
        "{}",
        signal.reason
    );
}

#[test]
fn significance_and_effect_are_both_needed() {
    let large = report(200_000, 4.0, 0.0, 0.0);
    assert!(large.columns[0].p_value < 1e-9);
    assert_eq!(
        judge(Policy::builder(), &large)
            .column("a")
            .unwrap()
            .outcome,
        Outcome::BelowLimit
    );

    let tiny = report(30, 9.0, 0.0, 0.0);
    assert!(tiny.columns[0].psi > 0.1);
    let judgement = judge(Policy::builder().min_rows(10), &tiny);
    assert_eq!(
        judgement.column("a").unwrap().outcome,
        Outcome::NotSignificant
    );
    let judgement = judge(Policy::builder(), &tiny);
    assert_eq!(outcomes(&judgement), [Outcome::TooFewRows; 3]);
    assert!(
        judgement
            .column("a")
            .unwrap()
            .reason
            .contains("30 window rows against 2000")
    );
}

#[test]
fn a_column_has_limits_of_its_own_or_is_left_out() {
    let moved = report(1_000, 30.0, 30.0, 30.0);
    let wide = Limits {
        warn: 50.0,
        drift: 60.0,
    };
    let policy = Policy::builder()
        .column_limits("a", wide)
        .exclude("b")
        .prediction_limits(wide);
    let judgement = judge(policy, &moved);
    assert_eq!(
        outcomes(&judgement),
        [Outcome::BelowLimit, Outcome::Excluded, Outcome::BelowLimit]
    );
    assert!(judgement.signals.is_empty());
    assert!(judgement.column("b").unwrap().adjusted_p.is_none());

    for policy in [
        Policy::builder().exclude("c"),
        Policy::builder().column_limits("c", wide),
    ] {
        let error = policy
            .build()
            .unwrap()
            .judge(&moved, None, &context())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "column `c` is not in the table; it has `a`, `b`"
        );
    }
}

#[test]
fn an_alert_can_ask_for_a_share_of_the_columns() {
    let one = report(1_000, 40.0, 0.0, 0.0);
    let severity = |share| judge(Policy::builder().alert_share(share), &one).signals[0].severity;
    assert_eq!(
        (severity(0.0), severity(0.5), severity(0.6)),
        (Severity::Alert, Severity::Alert, Severity::Warning)
    );
}

#[test]
fn several_windows_in_a_row_can_be_asked_for() {
    use Outcome::{BelowLimit, Drifted, TooFewRows, Waiting};
    let policy = Policy::builder().consecutive(2).build().unwrap();
    let (moved, still, few) = (
        report(1_000, 40.0, 0.0, 0.0),
        report(1_000, 0.0, 0.0, 0.0),
        report(50, 40.0, 0.0, 0.0),
    );
    let run = |windows: &[&DriftReport]| {
        let mut last: Option<Judgement> = None;
        windows
            .iter()
            .map(|report| {
                let context = last
                    .as_ref()
                    .map_or_else(context, |before| context().after(before));
                let judgement = policy.judge(report, None, &context).unwrap();
                let outcome = judgement.column("a").unwrap().outcome;
                last = Some(judgement);
                outcome
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(run(&[&moved, &moved, &moved]), [Waiting, Drifted, Drifted]);
    assert_eq!(
        run(&[&moved, &still, &moved]),
        [Waiting, BelowLimit, Waiting]
    );
    assert_eq!(run(&[&moved, &few, &moved]), [Waiting, TooFewRows, Drifted]);
}

#[test]
fn a_column_named_prediction_is_not_the_predictions() {
    let values = numbers((0..500).map(f64::from));
    let profile =
        ReferenceProfile::build(&batch(vec![("prediction", values)]), Some(&vec![0.5; 500]))
            .unwrap();
    let mut window = Window::new(&profile);
    window
        .push_batch(
            &batch(vec![("prediction", numbers(vec![3.0; 500]))]),
            Some(&vec![0.5; 500]),
        )
        .unwrap();
    let judgement = judge(
        Policy::builder(),
        &DriftReport::compare(&profile, &window).unwrap(),
    );
    assert_eq!(
        outcomes(&judgement),
        [Outcome::Drifted, Outcome::BelowLimit]
    );
    assert_eq!(
        judgement.streaks.keys().collect::<Vec<_>>(),
        ["column:prediction"]
    );
}

fn performance(outcomes: u64, value: f64, lower: f64, upper: f64) -> Performance {
    let interval = Interval {
        value,
        lower,
        upper,
        level: 0.95,
    };
    Performance {
        from: EventTime::from_seconds(0),
        until: EventTime::from_seconds(1),
        known_by: None,
        version: None,
        predictions: 1_000,
        outcomes,
        positives: outcomes / 4,
        metrics: BTreeMap::from([(Metric::PrAuc, interval), (Metric::LogLoss, interval)]),
        unavailable: BTreeMap::from([(Metric::RocAuc, "all 5 labels are false".to_owned())]),
    }
}

#[test]
fn a_metric_is_worse_when_its_whole_interval_is() {
    let still = report(1_000, 0.0, 0.0, 0.0);
    let judge = |limit: PerformanceLimit, performance: &Performance| {
        let policy = Policy::builder().performance(limit).build().unwrap();
        let judgement = policy.judge(&still, Some(performance), &context()).unwrap();
        let verdict = judgement.verdicts.last().unwrap().clone();
        assert_eq!(
            judgement.signals.len(),
            usize::from(verdict.outcome == Outcome::Drifted)
        );
        if let Some(signal) = judgement.signals.first() {
            assert_eq!(
                (signal.kind, signal.severity),
                (SignalKind::Performance, Severity::Alert)
            );
        }
        (verdict.outcome, verdict.reason)
    };
    let known = performance(950, 0.5, 0.45, 0.55);
    let pr = |reference| PerformanceLimit::new(Metric::PrAuc, reference).tolerance(0.05);
    assert_eq!(judge(pr(0.7), &known).0, Outcome::Drifted);
    assert_eq!(judge(pr(0.58), &known).0, Outcome::NotSignificant);
    assert_eq!(judge(pr(0.5), &known).0, Outcome::BelowLimit);
    let loss = |reference| PerformanceLimit::new(Metric::LogLoss, reference).tolerance(0.05);
    assert_eq!(judge(loss(0.3), &known).0, Outcome::Drifted);
    assert_eq!(judge(loss(0.43), &known).0, Outcome::NotSignificant);
    assert_eq!(judge(loss(0.7), &known).0, Outcome::BelowLimit);

    let half = performance(500, 0.1, 0.05, 0.15);
    assert_eq!(
        judge(pr(0.7), &half),
        (
            Outcome::Incomplete,
            "50.0 % of the outcomes are known, 90.0 % are needed".to_owned()
        )
    );
    assert_eq!(
        judge(pr(0.7).min_completeness(0.5), &half).0,
        Outcome::Drifted
    );
    assert_eq!(judge(pr(0.7).min_rows(1_000), &half).0, Outcome::TooFewRows);
    let roc = judge(PerformanceLimit::new(Metric::RocAuc, 0.8), &known);
    assert_eq!(
        roc,
        (Outcome::Unavailable, "all 5 labels are false".to_owned())
    );
}

#[test]
fn settings_out_of_range_are_named_also_when_read_from_json() {
    let bad = [
        (Policy::builder().family_rate(0.0), "family_rate"),
        (Policy::builder().family_rate(f64::NAN), "family_rate"),
        (Policy::builder().windows(0), "windows"),
        (Policy::builder().consecutive(0), "consecutive"),
        (Policy::builder().min_rows(0), "min_rows"),
        (Policy::builder().alert_share(1.1), "alert_share"),
        (
            Policy::builder().limits(Limits {
                warn: 0.0,
                drift: 0.2,
            }),
            "limits.warn",
        ),
        (
            Policy::builder().column_limits(
                "x",
                Limits {
                    warn: 0.3,
                    drift: 0.2,
                },
            ),
            "limits.drift",
        ),
        (
            Policy::builder().performance(PerformanceLimit::new(Metric::Brier, f64::NAN)),
            "performance.reference",
        ),
        (
            Policy::builder()
                .performance(PerformanceLimit::new(Metric::Brier, 0.1).tolerance(-0.1)),
            "performance.tolerance",
        ),
    ];
    for (builder, setting) in bad {
        let error = builder.build().unwrap_err();
        assert!(
            matches!(error, Error::Core(_)) && error.to_string().contains(setting),
            "{error}"
        );
    }
    let policy = Policy::builder()
        .windows(12)
        .performance(PerformanceLimit::new(Metric::PrAuc, 0.6))
        .build()
        .unwrap();
    let text = serde_json::to_string(&policy).unwrap();
    assert_eq!(serde_json::from_str::<Policy>(&text).unwrap(), policy);
    assert!(serde_json::from_str::<Policy>(r#"{"windows":0}"#).is_err());
    assert!(serde_json::from_str::<Policy>(r#"{"window":1}"#).is_err());
    assert_eq!(
        serde_json::from_str::<Policy>("{}").unwrap(),
        Policy::default()
    );
}

#[test]
fn a_judgement_and_its_context_survive_json() {
    let judgement = judge(
        Policy::builder().consecutive(2),
        &report(1_000, 40.0, 0.0, 40.0),
    );
    let back: Judgement =
        serde_json::from_str(&serde_json::to_string(&judgement).unwrap()).unwrap();
    assert_eq!(back, judgement);
    let context = context().after(&back);
    let back: Context = serde_json::from_str(&serde_json::to_string(&context).unwrap()).unwrap();
    assert_eq!(back.streaks.len(), 2);
}

#[test]
fn a_measured_reference_counts_with_the_worse_end_of_its_interval() {
    let measured = Interval {
        value: 0.5,
        lower: 0.4,
        upper: 0.6,
        level: 0.95,
    };
    for (metric, end) in [(Metric::RocAuc, 0.4), (Metric::LogLoss, 0.6)] {
        assert_eq!(
            PerformanceLimit::against(metric, &measured),
            PerformanceLimit::new(metric, end)
        );
    }
}
