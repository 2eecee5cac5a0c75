//! Experiments, runs, params, metrics, tags, artifacts.

use std::collections::BTreeMap;

use mlops_core::{Clock, Digest, ErrorKind, EventTime, Principal, Span};
use mlops_registry::{Error, ExperimentName, MetricPoint, Registry, RunId, RunStatus};
use proptest::prelude::*;

use crate::fixture::{
    clock, in_directory, machine, metrics, on_every_backend, somewhere, with_every_backend,
};

fn texts(values: &[(&str, &str)]) -> BTreeMap<String, String> {
    values
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

#[test]
fn a_run_keeps_everything_that_was_written() {
    let clock = clock();
    with_every_backend(&clock, |registry| {
        let registry = registry.acting_as(Principal::new("ada").unwrap());
        let began = clock.now();
        let run = registry
            .experiment("churn")
            .unwrap()
            .start_run("boosting")
            .unwrap();
        run.log_param("trees", 300).unwrap();
        run.log_params(&texts(&[("rate", "0.1"), ("empty", "")]))
            .unwrap();
        run.log_metric("loss", 0.7, 0).unwrap();
        clock.advance(Span::seconds(1));
        run.log_metric("loss", 0.5, 1).unwrap();
        run.log_metrics(&metrics(&[("pr_auc", 0.8), ("roc_auc", 0.9)]), 1)
            .unwrap();
        run.log_history("rounds", &[3.0, 2.0, 1.0]).unwrap();
        run.set_tag("team", "red").unwrap();
        run.set_tag("team", "blue").unwrap();
        let digest = run.log_artifact("plots/roc.svg", b"<svg/>").unwrap();
        assert_eq!(digest, Digest::of(b"<svg/>"));
        clock.advance(Span::seconds(1));
        let info = run.finish(RunStatus::Finished).unwrap();

        assert_eq!(info, registry.run(&info.id).unwrap());
        assert_eq!(info.experiment.as_str(), "churn");
        assert_eq!(
            (info.name.as_str(), info.status),
            ("boosting", RunStatus::Finished)
        );
        assert_eq!(info.actor.as_str(), "ada");
        assert_eq!(info.started, began);
        assert_eq!(info.ended, Some(began + Span::seconds(2)));
        assert_eq!(
            info.params,
            texts(&[("trees", "300"), ("rate", "0.1"), ("empty", "")])
        );
        let last = [
            ("loss", 0.5),
            ("pr_auc", 0.8),
            ("roc_auc", 0.9),
            ("rounds", 1.0),
        ];
        assert_eq!(info.metrics, metrics(&last));
        assert_eq!(info.tags, texts(&[("team", "blue")]));
        assert_eq!(
            info.artifacts,
            BTreeMap::from([("plots/roc.svg".to_owned(), digest)])
        );
        assert_eq!(
            registry.artifact(&info.id, "plots/roc.svg").unwrap(),
            b"<svg/>".as_slice()
        );
        let history = registry.metric_history(&info.id, "rounds").unwrap();
        let steps: Vec<_> = history
            .iter()
            .map(|point| (point.step, point.value))
            .collect();
        assert_eq!(steps, [(0, 3.0), (1, 2.0), (2, 1.0)]);
    });
}

#[test]
fn nan_and_the_infinities_come_back_as_they_were_written() {
    on_every_backend(|registry| {
        let run = registry
            .experiment("churn")
            .unwrap()
            .start_run("r")
            .unwrap();
        let values = [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MAX,
            5e-324,
            0.1,
        ];
        run.log_history("m", &values).unwrap();
        let history = registry.metric_history(run.id(), "m").unwrap();
        assert_eq!(history.len(), values.len());
        for (point, value) in history.iter().zip(values) {
            assert!(point.value == value || (point.value.is_nan() && value.is_nan()));
        }
        run.log_metric("m", f64::NAN, 9).unwrap();
        let info = run.finish(RunStatus::Finished).unwrap();
        assert!(info.metrics["m"].is_nan());
        let json = serde_json::to_string(&info).unwrap();
        assert!(json.contains(r#""m":"NaN""#), "{json}");
    });
}

#[test]
fn the_latest_value_has_the_greatest_step_then_time() {
    let clock = clock();
    with_every_backend(&clock, |registry| {
        let run = registry
            .experiment("churn")
            .unwrap()
            .start_run("r")
            .unwrap();
        run.log_metric("m", 5.0, 5).unwrap();
        clock.advance(Span::seconds(1));
        run.log_metric("m", 9.0, 1).unwrap();
        run.log_metric("n", 1.0, -3).unwrap();
        run.log_metric("same", 1.0, 0).unwrap();
        clock.advance(Span::seconds(1));
        run.log_metric("same", 0.5, 0).unwrap();
        let info = run.finish(RunStatus::Finished).unwrap();
        assert_eq!(
            info.metrics,
            metrics(&[("m", 5.0), ("n", 1.0), ("same", 0.5)])
        );
    });
}

#[test]
fn an_identical_point_is_no_news() {
    let clock = clock();
    with_every_backend(&clock, |registry| {
        let run = registry
            .experiment("churn")
            .unwrap()
            .start_run("r")
            .unwrap();
        for value in [f64::NAN, 1.0, f64::INFINITY] {
            for _ in 0..3 {
                run.log_metric("m", value, 0).unwrap();
            }
        }
        assert_eq!(registry.metric_history(run.id(), "m").unwrap().len(), 3);
        let again = MetricPoint {
            step: 0,
            time: clock.now(),
            value: 1.0,
        };
        run.log_points("m", &[again, again]).unwrap();
        assert_eq!(registry.metric_history(run.id(), "m").unwrap().len(), 3);
    });
}

#[test]
fn a_param_is_written_once() {
    on_every_backend(|registry| {
        let run = registry
            .experiment("churn")
            .unwrap()
            .start_run("r")
            .unwrap();
        run.log_param("seed", 7).unwrap();
        run.log_param("seed", 7).unwrap();
        let error = run
            .log_params(&texts(&[("a", "1"), ("seed", "8")]))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        let message = error.to_string();
        for part in ["seed", "`7`", "`8`", run.id().as_str()] {
            assert!(message.contains(part), "{message}");
        }
        // all or none
        let info = run.finish(RunStatus::Finished).unwrap();
        assert_eq!(info.params, texts(&[("seed", "7")]));
    });
}

#[test]
fn an_artifact_is_written_once_and_kept_once() {
    on_every_backend(|registry| {
        let experiment = registry.experiment("churn").unwrap();
        let (one, two) = (
            experiment.start_run("1").unwrap(),
            experiment.start_run("2").unwrap(),
        );
        let digest = one.log_artifact("a.txt", b"same").unwrap();
        assert_eq!(one.log_artifact("a.txt", b"same").unwrap(), digest);
        assert_eq!(two.log_artifact("b.txt", b"same").unwrap(), digest);
        assert_eq!(registry.store().list().unwrap(), [digest]);
        let error = one.log_artifact("a.txt", b"other").unwrap_err();
        assert!(matches!(&error, Error::ArtifactConflict { artifact, .. } if artifact == "a.txt"));
        assert_eq!(error.kind(), ErrorKind::Conflict);
    });
}

#[test]
fn bad_names_are_refused_and_nothing_is_written() {
    on_every_backend(|registry| {
        assert_eq!(
            registry.experiment("a\nb").unwrap_err().kind(),
            ErrorKind::Invalid
        );
        let experiment = registry.experiment("churn").unwrap();
        for name in ["", " ", "a\nb", "x".repeat(251).as_str()] {
            assert_eq!(
                experiment.start_run(name).unwrap_err().kind(),
                ErrorKind::Invalid,
                "{name:?}"
            );
        }
        let run = experiment.start_run("r").unwrap();
        let bad_artifact = |name| run.log_artifact(name, b"").map(drop);
        let errors = [
            run.log_param("", "x"),
            run.log_param("a", "x".repeat(6_001)),
            run.log_metric("../a", 1.0, 0),
            run.log_metrics(&metrics(&[("ok", 1.0), ("not ok\n", 1.0)]), 0),
            run.set_tag("a", &"x".repeat(8_001)),
            bad_artifact("../../etc/passwd"),
            bad_artifact("/etc/passwd"),
            bad_artifact("a\\..\\b"),
        ];
        for result in errors {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Invalid);
        }
        let info = run.finish(RunStatus::Finished).unwrap();
        assert!(info.params.is_empty() && info.metrics.is_empty() && info.tags.is_empty());
        assert!(registry.store().list().unwrap().is_empty());
    });
}

#[test]
fn what_does_not_exist_is_named() {
    on_every_backend(|registry| {
        let missing: RunId = "0123456789abcdef0123456789abcdef".parse().unwrap();
        let experiment = ExperimentName::new("absent").unwrap();
        let run = registry
            .experiment("churn")
            .unwrap()
            .start_run("r")
            .unwrap();
        let cases = [
            (registry.run(&missing).map(drop), missing.as_str()),
            (registry.runs(&experiment).map(drop), "absent"),
            (registry.metric_history(run.id(), "nope").map(drop), "nope"),
            (
                registry.artifact(run.id(), "nope.txt").map(drop),
                "nope.txt",
            ),
            (
                registry.end_run(&missing, RunStatus::Killed).map(drop),
                missing.as_str(),
            ),
        ];
        for (result, name) in cases {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
            assert!(error.to_string().contains(name), "{error}");
        }
        for bad in ["", "xyz", "0123456789ABCDEF0123456789ABCDEF"] {
            assert!(bad.parse::<RunId>().is_err(), "{bad}");
        }
    });
}

#[test]
fn a_dropped_run_stays_running_until_somebody_ends_it() {
    on_every_backend(|registry| {
        let run = registry
            .experiment("churn")
            .unwrap()
            .start_run("r")
            .unwrap();
        let id = run.id().clone();
        drop(run);
        assert_eq!(registry.run(&id).unwrap().status, RunStatus::Running);
        let error = registry.end_run(&id, RunStatus::Running).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let ended = registry.end_run(&id, RunStatus::Killed).unwrap();
        assert_eq!(ended.status, RunStatus::Killed);
        let error = registry.end_run(&id, RunStatus::Failed).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
    });
}

#[test]
fn a_run_that_somebody_ended_takes_no_more() {
    on_every_backend(|registry| {
        let run = registry
            .experiment("churn")
            .unwrap()
            .start_run("r")
            .unwrap();
        registry.end_run(run.id(), RunStatus::Killed).unwrap();
        let error = run.log_metric("m", 1.0, 0).unwrap_err();
        assert!(matches!(
            error,
            Error::RunEnded {
                status: RunStatus::Killed,
                ..
            }
        ));
        assert_eq!(
            run.finish(RunStatus::Finished).unwrap_err().kind(),
            ErrorKind::Conflict
        );
    });
}

#[test]
fn experiments_and_runs_are_listed() {
    on_every_backend(|registry| {
        let churn = registry.experiment("churn").unwrap();
        registry.experiment("age").unwrap();
        registry.experiment("churn").unwrap();
        let ids: Vec<RunId> = (0..3)
            .map(|i| churn.start_run(&format!("run {i}")).unwrap().id().clone())
            .collect();
        let listed = registry.experiments().unwrap();
        let counts: Vec<_> = listed.iter().map(|e| (e.name.as_str(), e.runs)).collect();
        assert_eq!(counts, [("Default", 0), ("age", 0), ("churn", 3)]);
        let runs = registry.runs(churn.name()).unwrap();
        let found: Vec<_> = runs.iter().rev().map(|run| run.id.clone()).collect();
        assert_eq!(found, ids);
    });
}

#[test]
fn a_damaged_run_artifact_is_named_and_not_handed_out() {
    let (directory, registry) = in_directory();
    let run = registry
        .experiment("churn")
        .unwrap()
        .start_run("r")
        .unwrap();
    let digest = run
        .log_artifact("notes/a.txt", b"sound")
        .unwrap()
        .to_string();
    let blobs = directory.path().join("artifacts").join("blobs");
    std::fs::write(blobs.join(&digest[..2]).join(&digest[2..]), b"SOUND").unwrap();
    let error = registry.artifact(run.id(), "notes/a.txt").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("notes/a.txt"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// The oracle is an ordered set of points, where NaN is one value and -0.0 is 0.0.
    #[test]
    fn histories_are_sets_of_points(
        points in prop::collection::vec((-3i64..3, 0i64..3, prop_oneof![
            any::<f64>(), Just(f64::NAN), Just(f64::INFINITY), Just(0.0), Just(1.0),
        ]), 1..20),
        shared in any::<bool>(),
    ) {
        let registry = if shared { machine(&somewhere(), clock()) } else { Registry::memory().unwrap() };
        let run = registry.experiment("churn").unwrap().start_run("r").unwrap();
        for (step, time, value) in &points {
            let point = MetricPoint { step: *step, time: EventTime::from_seconds(*time), value: *value };
            run.log_points("m", &[point]).unwrap();
        }
        let number = |value: f64| if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() };
        let mut oracle: Vec<(i64, i64, u64)> =
            points.iter().map(|(s, t, v)| (*s, *t * 1_000_000, number(*v))).collect();
        let mut found: Vec<(i64, i64, u64)> = registry.metric_history(run.id(), "m").unwrap()
            .iter().map(|p| (p.step, p.time.micros(), number(p.value))).collect();
        let order: Vec<_> = found.iter().map(|(s, t, _)| (*s, *t)).collect();
        prop_assert!(order.is_sorted());
        oracle.sort_unstable();
        oracle.dedup();
        found.sort_unstable();
        prop_assert_eq!(oracle, found);
    }
}
