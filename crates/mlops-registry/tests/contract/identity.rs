//! Tracking by identity, with MLflow's rules: lifecycles, batches, datasets, logged models, artifacts.

use std::collections::BTreeMap;

use mlops_core::{Clock, Digest, ErrorKind, EventTime, Span};
use mlops_registry::{
    ArtifactOwner, Batch, Dataset, DatasetInput, Error, ExperimentId, ExperimentSearch, Lifecycle,
    LoggedModelStatus, Metric, MetricPoint, ModelOutput, NewExperiment, NewLoggedModel, NewRun,
    Registry, RunId, RunRecord, RunSearch, RunStatus, RunUpdate, Tracking, TrackingError, View,
    limits,
};
use rusqlite::Connection;

use crate::fixture::{clock, on_every_backend, url, with_every_backend};

fn run(tracking: &Tracking) -> RunId {
    let new = NewRun::new(ExperimentId::DEFAULT);
    tracking.create_run(new).unwrap().id
}

fn point(step: i64, value: f64) -> MetricPoint {
    let time = EventTime::from_seconds(100 + step);
    MetricPoint { step, time, value }
}

fn metric(key: &str, step: i64, value: f64) -> Metric {
    Metric::new(key, point(step, value))
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn kind<T: std::fmt::Debug>(result: mlops_registry::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn the_default_experiment_is_always_there() {
    on_every_backend(|registry| {
        let tracking = registry.tracking();
        let default = tracking.experiment("0".parse().unwrap()).unwrap();
        assert_eq!(
            (default.name.as_str(), default.lifecycle),
            ("Default", Lifecycle::Active)
        );
        assert_eq!(default.artifact_location, "mlflow-artifacts:/0");
        assert_eq!(
            registry.experiment("Default").unwrap().id(),
            ExperimentId::DEFAULT
        );
    });
}

#[test]
fn an_experiment_is_made_renamed_tagged_deleted_and_restored() {
    on_every_backend(|registry| {
        let tracking = registry.tracking();
        let name = |text: &str| text.parse::<mlops_registry::ExperimentName>().unwrap();
        let mut new = NewExperiment::new(name("/Users/ada/churn Q3"));
        new.tags.insert("team".into(), "red".into());
        let made = tracking.create_experiment(new.clone()).unwrap();
        let id = made.id;
        let again = tracking.create_experiment(new).unwrap_err();
        assert_eq!(
            again.to_string(),
            "experiment `/Users/ada/churn Q3` already exists"
        );
        assert_eq!(tracking.experiment_named(&made.name).unwrap(), made);
        tracking.rename_experiment(id, name("churn")).unwrap();
        tracking.rename_experiment(id, name("churn")).unwrap();
        assert_eq!(
            kind(tracking.rename_experiment(id, name("Default"))),
            ErrorKind::Conflict
        );
        tracking.set_experiment_tag(id, "team", "blue").unwrap();
        tracking.delete_experiment_tag(id, "team").unwrap();
        assert_eq!(
            kind(tracking.delete_experiment_tag(id, "team")),
            ErrorKind::NotFound
        );

        let run = tracking.create_run(NewRun::new(id)).unwrap().id;
        tracking.delete_experiment(id).unwrap();
        assert_eq!(tracking.run(&run).unwrap().lifecycle, Lifecycle::Deleted);
        assert_eq!(
            kind(tracking.create_run(NewRun::new(id))),
            ErrorKind::Conflict
        );
        assert_eq!(
            kind(tracking.rename_experiment(id, name("x"))),
            ErrorKind::Conflict
        );
        assert_eq!(
            kind(tracking.set_experiment_tag(id, "a", "b")),
            ErrorKind::Conflict
        );
        assert_eq!(kind(tracking.delete_experiment(id)), ErrorKind::Conflict);
        // the name is kept for it
        let taken = tracking
            .create_experiment(NewExperiment::new(name("churn")))
            .unwrap_err();
        assert!(matches!(
            taken,
            Error::Tracking(TrackingError::ExperimentExists { deleted: true, .. })
        ));
        let seen = |view| {
            let search = ExperimentSearch {
                view,
                ..ExperimentSearch::default()
            };
            tracking.search_experiments(&search).unwrap().items.len()
        };
        assert_eq!(
            (seen(View::Active), seen(View::Deleted), seen(View::All)),
            (1, 1, 2)
        );
        tracking.restore_experiment(id).unwrap();
        assert_eq!(kind(tracking.restore_experiment(id)), ErrorKind::Conflict);
        assert_eq!(tracking.run(&run).unwrap().lifecycle, Lifecycle::Active);
        let missing = "99".parse().unwrap();
        assert_eq!(kind(tracking.experiment(missing)), ErrorKind::NotFound);
        assert_eq!(
            kind(tracking.experiment_named(&name("none"))),
            ErrorKind::NotFound
        );
    });
}

#[test]
fn an_artifact_location_reaches_nowhere_else() {
    on_every_backend(|registry| {
        let tracking = registry.tracking();
        let create = |number: usize, location: &str| {
            let mut new = NewExperiment::new(format!("e{number}").parse().unwrap());
            new.artifact_location = Some(location.into());
            tracking.create_experiment(new)
        };
        for (number, good) in ["s3://bucket/a", "mlflow-artifacts:/x", "/var/lib/a"]
            .iter()
            .enumerate()
        {
            assert_eq!(create(number, good).unwrap().artifact_location, *good);
        }
        let long = format!("/{}", "a".repeat(limits::ARTIFACT_LOCATION));
        for bad in [
            "",
            "runs:/a",
            "http://169.254.169.254/",
            "HTTPS://a",
            "s3://a/../b",
            "/a?b",
            "/a#b",
            "/a;b",
            "/%2e%2e/a",
            "/a\\..",
            "models:/a",
            &long,
        ] {
            assert_eq!(kind(create(9, bad)), ErrorKind::Invalid, "{bad}");
        }
    });
}

#[test]
fn a_run_is_made_as_the_client_says() {
    let clock = clock();
    with_every_backend(&clock, |registry| {
        let tracking = registry.tracking();
        let parent = run(&tracking);
        let mut new = NewRun::new(ExperimentId::DEFAULT);
        new.user = "ada".into();
        new.started = Some(EventTime::from_seconds(7));
        new.tags = pairs(&[
            ("mlflow.runName", "nested"),
            ("mlflow.parentRunId", parent.as_str()),
        ])
        .into_iter()
        .collect();
        let made = tracking.create_run(new.clone()).unwrap();
        assert_eq!((made.name.as_str(), made.user.as_str()), ("nested", "ada"));
        assert_eq!(
            (made.started, made.ended),
            (EventTime::from_seconds(7), None)
        );
        assert_eq!(
            (made.status, made.parent.as_deref()),
            (RunStatus::Running, Some(parent.as_str()))
        );
        assert_eq!(
            made.artifact_uri,
            format!("mlflow-artifacts:/0/{}/artifacts", made.id)
        );
        let children: Vec<RunRecord> = tracking.children(&parent).unwrap();
        assert_eq!(children, std::slice::from_ref(&made));

        new.name = Some("other".into());
        assert_eq!(kind(tracking.create_run(new.clone())), ErrorKind::Invalid);
        new.name = None;
        new.id = Some(made.id.clone());
        assert_eq!(kind(tracking.create_run(new.clone())), ErrorKind::Conflict);
        new.experiment = "5".parse().unwrap();
        assert_eq!(kind(tracking.create_run(new)), ErrorKind::NotFound);
        // without a name there is one, in the tag as well
        let unnamed = tracking.run(&parent).unwrap();
        assert_eq!(unnamed.tags["mlflow.runName"], unnamed.name);
        assert_eq!(unnamed.started, clock.now());
    });
}

#[test]
fn a_run_is_updated_deleted_and_restored_and_takes_writes_while_it_is_there() {
    on_every_backend(|registry| {
        let tracking = registry.tracking();
        let id = run(&tracking);
        let ended = RunUpdate {
            status: Some(RunStatus::Finished),
            ended: Some(EventTime::from_seconds(9_999_999_999)),
            name: Some("done".into()),
        };
        let record = tracking.update_run(&id, &ended).unwrap();
        assert_eq!(
            (record.name.as_str(), record.status),
            ("done", RunStatus::Finished)
        );
        assert_eq!(record.tags["mlflow.runName"], "done");
        // MLflow's clients write to runs that have ended
        tracking.set_tag(&id, "mlflow.runName", "renamed").unwrap();
        assert_eq!(tracking.run(&id).unwrap().name, "renamed");
        tracking.delete_run(&id).unwrap();
        tracking.delete_run(&id).unwrap();
        let batch = Batch::of_metrics([metric("m", 0, 1.0)]);
        for refused in [
            kind(tracking.log_batch(&id, batch.clone())),
            kind(tracking.update_run(&id, &ended)),
            kind(tracking.set_tag(&id, "a", "b")),
            kind(tracking.delete_tag(&id, "mlflow.runName")),
            kind(tracking.log_inputs(&id, vec![], vec![])),
            kind(tracking.put_artifact(&ArtifactOwner::Run(id.clone()), "a", &b"x"[..])),
        ] {
            assert_eq!(refused, ErrorKind::Conflict);
        }
        tracking.restore_run(&id).unwrap();
        tracking.log_batch(&id, batch).unwrap();
        let missing: RunId = "0123456789abcdef0123456789abcdef".parse().unwrap();
        assert_eq!(kind(tracking.delete_run(&missing)), ErrorKind::NotFound);
        assert_eq!(kind(tracking.restore_run(&missing)), ErrorKind::NotFound);
        assert_eq!(
            kind(tracking.set_tag(&missing, "a", "b")),
            ErrorKind::NotFound
        );
    });
}

#[test]
fn a_batch_is_written_whole_or_not_at_all() {
    on_every_backend(|registry| {
        let tracking = registry.tracking();
        let id = run(&tracking);
        let before = Batch {
            params: pairs(&[("a", "1")]),
            ..Batch::default()
        };
        tracking.log_batch(&id, before).unwrap();
        let bad_batches = [
            Batch {
                params: pairs(&[("b", "1"), ("a", "2")]),
                ..Batch::default()
            },
            Batch {
                params: pairs(&[("b", "1"), ("b", "1")]),
                ..Batch::default()
            },
            Batch {
                tags: pairs(&[("t", "1"), ("../t", "1")]),
                ..Batch::default()
            },
            Batch {
                params: pairs(&[("b", &"x".repeat(limits::PARAM_VALUE + 1))]),
                ..Batch::default()
            },
            Batch::of_metrics([
                metric("m", 0, 1.0),
                Metric::new(
                    "m",
                    MetricPoint {
                        time: EventTime::from_micros(-1),
                        ..point(0, 1.0)
                    },
                ),
            ]),
            Batch::of_metrics((0..=1_000).map(|step| metric("m", step, 0.0))),
            Batch {
                metrics: (0..950).map(|step| metric("m", step, 0.0)).collect(),
                tags: (0..60)
                    .map(|at| (format!("t{at}"), String::new()))
                    .collect(),
                params: Vec::new(),
            },
            Batch::of_metrics([
                metric("m", 0, 1.0),
                Metric {
                    model: Some(format!("m-{}", "0".repeat(32)).parse().unwrap()),
                    ..metric("m", 1, 1.0)
                },
            ]),
        ];
        for mut bad in bad_batches {
            // something sound in front
            bad.metrics.insert(0, metric("sound", 0, 1.0));
            assert!(tracking.log_batch(&id, bad.clone()).is_err(), "{bad:.200?}");
        }
        let record = tracking.run(&id).unwrap();
        assert_eq!(record.params, pairs(&[("a", "1")]).into_iter().collect());
        assert!(record.metrics.is_empty() && record.tags.len() == 1);
        // the same again is no news
        let good = Batch {
            metrics: vec![metric("m", 3, f64::NAN), metric("m", 1, f64::INFINITY)],
            params: pairs(&[("a", "1"), ("b", "")]),
            tags: pairs(&[("t", "1"), ("t", "2")]),
        };
        for _ in 0..2 {
            tracking.log_batch(&id, good.clone()).unwrap();
        }
        let record = tracking.run(&id).unwrap();
        assert_eq!(
            (record.metrics["m"].step, record.metrics["m"].value.is_nan()),
            (3, true)
        );
        assert_eq!((record.tags["t"].as_str(), record.params.len()), ("2", 2));
        assert_eq!(
            tracking.history(&id, "m", None, None).unwrap().points.len(),
            2
        );
    });
}

#[test]
fn a_numbered_batch_is_written_once() {
    on_every_backend(|registry| {
        let tracking = registry.tracking();
        let id = run(&tracking);
        let batch = |value: &str| Batch {
            tags: pairs(&[("t", value)]),
            ..Batch::default()
        };
        assert!(tracking.log_batch_once(&id, "w", 1, batch("1")).unwrap());
        assert!(tracking.log_batch_once(&id, "w", 2, batch("2")).unwrap());
        assert!(!tracking.log_batch_once(&id, "w", 1, batch("1")).unwrap());
        assert!(
            tracking
                .log_batch_once(&id, "other", 1, batch("3"))
                .unwrap()
        );
        assert_eq!(tracking.run(&id).unwrap().tags["t"], "3");
    });
}

#[test]
fn a_history_comes_in_pages_that_stay_in_place() {
    on_every_backend(|registry| {
        let tracking = registry.tracking();
        let id = run(&tracking);
        let steps: Vec<Metric> = (0..100)
            .map(|step| metric("m", 2 * step, step as f64))
            .collect();
        tracking.log_batch(&id, Batch::of_metrics(steps)).unwrap();
        let mut points = Vec::new();
        let mut token = None;
        loop {
            let page = tracking
                .history(&id, "m", Some(7), token.as_deref())
                .unwrap();
            points.extend(page.points.iter().map(|point| point.step));
            // what is added behind the page is neither skipped nor does it move the others
            let late = points.last().unwrap() - 1;
            let late = Batch::of_metrics([metric("m", late, f64::NAN)]);
            tracking.log_batch(&id, late).unwrap();
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(points, (0..100).map(|step| 2 * step).collect::<Vec<_>>());
        assert!(
            tracking
                .history(&id, "none", None, None)
                .unwrap()
                .points
                .is_empty()
        );
        for bad in ["", "abc", "00"] {
            assert_eq!(
                kind(tracking.history(&id, "m", None, Some(bad))),
                ErrorKind::Invalid
            );
        }
        let of_another = tracking.history(&id, "m", Some(1), None).unwrap().next;
        assert!(
            tracking
                .history(&id, "n", None, of_another.as_deref())
                .is_err()
        );
    });
}

#[test]
fn inputs_and_outputs_belong_to_their_run() {
    on_every_backend(|registry| {
        let tracking = registry.tracking();
        let id = run(&tracking);
        let input = |name: &str, context: &str| DatasetInput {
            dataset: Dataset {
                name: name.into(),
                digest: "d1".into(),
                source_type: "local".into(),
                source: "{}".into(),
                schema: Some("{\"mlflow_colspec\": []}".into()),
                profile: None,
            },
            tags: pairs(&[("mlflow.data.context", context)])
                .into_iter()
                .collect(),
        };
        let model = tracking
            .create_logged_model(NewLoggedModel::new(ExperimentId::DEFAULT))
            .unwrap()
            .id;
        let inputs = vec![input("iris", "training"), input("wine", "eval")];
        tracking
            .log_inputs(&id, inputs.clone(), vec![model.clone()])
            .unwrap();
        // the first context stays
        tracking
            .log_inputs(&id, vec![input("iris", "eval")], vec![model.clone()])
            .unwrap();
        let output = ModelOutput {
            model: model.clone(),
            step: 3,
        };
        for _ in 0..2 {
            tracking.log_outputs(&id, vec![output.clone()]).unwrap();
        }
        let record = tracking.run(&id).unwrap();
        assert_eq!(record.datasets, inputs);
        assert_eq!(
            (record.model_inputs, record.outputs),
            (vec![model], vec![output])
        );
        let mut bad = input("x", "training");
        bad.dataset.digest = "d".repeat(37);
        assert_eq!(
            kind(tracking.log_inputs(&id, vec![bad], vec![])),
            ErrorKind::Invalid
        );
    });
}

#[test]
fn a_logged_model_is_pending_until_somebody_says_otherwise() {
    on_every_backend(|registry| {
        let tracking = registry.tracking();
        let run = run(&tracking);
        let mut new = NewLoggedModel::new(ExperimentId::DEFAULT);
        new.name = Some("forest".into());
        new.source_run = Some(run.clone());
        new.params = pairs(&[("depth", "3")]).into_iter().collect();
        let made = tracking.create_logged_model(new.clone()).unwrap();
        assert_eq!(made.status, LoggedModelStatus::Pending);
        assert_eq!(
            made.artifact_uri,
            format!("mlflow-artifacts:/0/models/{}/artifacts", made.id)
        );
        let id = made.id;
        let ready = tracking
            .finalize_logged_model(&id, LoggedModelStatus::Ready)
            .unwrap();
        assert_eq!(ready.status, LoggedModelStatus::Ready);
        let tags: BTreeMap<_, _> = pairs(&[("a", "1"), ("b", "2")]).into_iter().collect();
        tracking.set_logged_model_tags(&id, tags).unwrap();
        tracking.delete_logged_model_tag(&id, "a").unwrap();
        assert_eq!(
            kind(tracking.delete_logged_model_tag(&id, "a")),
            ErrorKind::NotFound
        );
        let params: BTreeMap<_, _> = pairs(&[("depth", "3"), ("seed", "1")])
            .into_iter()
            .collect();
        tracking.log_logged_model_params(&id, params).unwrap();
        let other: BTreeMap<_, _> = pairs(&[("depth", "4")]).into_iter().collect();
        assert_eq!(
            kind(tracking.log_logged_model_params(&id, other)),
            ErrorKind::Conflict
        );
        let measured = Metric {
            model: Some(id.clone()),
            ..metric("auc", 1, f64::NAN)
        };
        tracking
            .log_batch(&run, Batch::of_metrics([measured]))
            .unwrap();
        let model = tracking.logged_model(&id).unwrap();
        assert_eq!(
            (model.tags.len(), model.params.len(), model.metrics.len()),
            (1, 2, 1)
        );
        assert!(model.metrics[0].point.value.is_nan() && model.metrics[0].run == run);
        assert!(tracking.run(&run).unwrap().metrics["auc"].value.is_nan());
        for bad in ["", "a/b", "a:b", "a.b", "a%b", "a\"b", "a'b"] {
            new.name = Some(bad.into());
            assert_eq!(
                kind(tracking.create_logged_model(new.clone())),
                ErrorKind::Invalid,
                "{bad}"
            );
        }
        tracking.delete_logged_model(&id).unwrap();
        assert_eq!(kind(tracking.logged_model(&id)), ErrorKind::NotFound);
        assert_eq!(kind(tracking.delete_logged_model(&id)), ErrorKind::NotFound);
    });
}

#[test]
fn artifacts_are_listed_by_directory_and_unlinked() {
    on_every_backend(|registry| {
        let tracking = registry.tracking();
        let run = run(&tracking);
        let model = tracking
            .create_logged_model(NewLoggedModel::new(ExperimentId::DEFAULT))
            .unwrap()
            .id;
        for owner in [ArtifactOwner::Run(run), ArtifactOwner::Model(model)] {
            for path in ["a/b/c.txt", "a/b.txt", "a/b/d.txt", "a.txt", "z/y/x"] {
                tracking
                    .put_artifact(&owner, path, path.as_bytes())
                    .unwrap();
            }
            let list = |directory: Option<&str>| -> Vec<String> {
                let entries = tracking.artifacts(&owner, directory).unwrap();
                entries
                    .into_iter()
                    .map(|entry| {
                        format!(
                            "{}{}",
                            entry.path,
                            if entry.file.is_none() { "/" } else { "" }
                        )
                    })
                    .collect()
            };
            assert_eq!(list(None), ["a/", "a.txt", "z/"]);
            assert_eq!(list(Some("a")), ["a/b/", "a/b.txt"]);
            assert_eq!(list(Some("a/b")), ["a/b/c.txt", "a/b/d.txt"]);
            assert_eq!(list(Some("a.txt")), ["a.txt"]);
            assert!(list(Some("none")).is_empty());
            assert_eq!(
                tracking.read_artifact(&owner, "a/b.txt").unwrap(),
                b"a/b.txt".as_slice()
            );
            // over an earlier one, but not over a directory
            let digest = tracking.put_artifact(&owner, "a.txt", &b"new"[..]).unwrap();
            assert_eq!(
                tracking.find_artifact(&owner, "a.txt").unwrap(),
                (digest, 3)
            );
            assert_eq!(
                kind(tracking.put_artifact(&owner, "a/b", &b""[..])),
                ErrorKind::Conflict
            );
            assert_eq!(
                kind(tracking.put_artifact(&owner, "a.txt/b", &b""[..])),
                ErrorKind::Conflict
            );
            tracking.delete_artifact(&owner, "a/b").unwrap();
            assert_eq!(list(Some("a")), ["a/b.txt"]);
            assert_eq!(
                kind(tracking.delete_artifact(&owner, "a/b")),
                ErrorKind::NotFound
            );
            assert_eq!(
                kind(tracking.read_artifact(&owner, "none")),
                ErrorKind::NotFound
            );
            assert_eq!(
                kind(tracking.link_artifact(&owner, "x", Digest::of(b"never kept"), 1)),
                ErrorKind::NotFound
            );
            for bad in [
                "..",
                "../a",
                "/etc/passwd",
                "a//b",
                "a\\b",
                "a%2Fb",
                "a\0",
                "C:/a",
                "a/../b",
            ] {
                assert_eq!(
                    kind(tracking.artifacts(&owner, Some(bad))),
                    ErrorKind::Invalid,
                    "{bad:?}"
                );
                assert_eq!(
                    kind(tracking.put_artifact(&owner, bad, &b""[..])),
                    ErrorKind::Invalid
                );
                assert_eq!(
                    kind(tracking.delete_artifact(&owner, bad)),
                    ErrorKind::Invalid
                );
            }
        }
        let digests = registry.tracked_digests().unwrap();
        let mut expected = vec![
            Digest::of(b"new"),
            Digest::of(b"a/b.txt"),
            Digest::of(b"z/y/x"),
        ];
        expected.sort_by_key(ToString::to_string);
        assert_eq!(digests, expected);
    });
}

#[test]
fn a_run_that_falls_silent_is_found_and_ended() {
    let clock = clock();
    with_every_backend(&clock, |registry| {
        let tracking = registry.tracking();
        let (silent, alive, never) = (run(&tracking), run(&tracking), run(&tracking));
        tracking.beat(&silent).unwrap();
        let last = clock.now();
        clock.advance(Span::minutes(5));
        tracking.beat(&alive).unwrap();
        assert_eq!(
            tracking.abandoned(Span::minutes(4)).unwrap(),
            std::slice::from_ref(&silent)
        );
        assert_eq!(
            kind(tracking.end_abandoned(Span::minutes(4), RunStatus::Running)),
            ErrorKind::Invalid
        );
        let ended = tracking
            .end_abandoned(Span::minutes(4), RunStatus::Killed)
            .unwrap();
        assert_eq!(ended, std::slice::from_ref(&silent));
        let record = tracking.run(&silent).unwrap();
        assert_eq!(
            (record.status, record.ended),
            (RunStatus::Killed, Some(last))
        );
        for other in [alive, never] {
            assert_eq!(tracking.run(&other).unwrap().status, RunStatus::Running);
        }
        assert!(tracking.abandoned(Span::minutes(4)).unwrap().is_empty());
    });
}

#[test]
fn a_page_token_belongs_to_its_search() {
    on_every_backend(|registry| {
        let tracking = registry.tracking();
        for _ in 0..3 {
            run(&tracking);
        }
        let search = RunSearch {
            experiments: vec![ExperimentId::DEFAULT],
            limit: Some(2),
            ..RunSearch::default()
        };
        let token = tracking.search_runs(&search).unwrap().next;
        let with = |search: RunSearch| {
            let page_token = token.clone();
            tracking.search_runs(&RunSearch {
                page_token,
                ..search
            })
        };
        assert_eq!(with(search.clone()).unwrap().items.len(), 1);
        // another page size is fine, another search is not
        assert_eq!(
            with(RunSearch {
                limit: Some(9),
                ..search.clone()
            })
            .unwrap()
            .items
            .len(),
            1
        );
        for other in [
            RunSearch {
                filter: "metrics.a > 1".into(),
                ..search.clone()
            },
            RunSearch {
                view: View::All,
                ..search.clone()
            },
            RunSearch {
                order_by: vec!["status".into()],
                ..search.clone()
            },
            RunSearch {
                experiments: vec![],
                ..search.clone()
            },
        ] {
            assert_eq!(kind(with(other)), ErrorKind::Invalid);
        }
        for limit in [0, limits::SEARCH_RESULTS + 1] {
            let bad = RunSearch {
                limit: Some(limit),
                ..search.clone()
            };
            assert_eq!(kind(tracking.search_runs(&bad)), ErrorKind::Invalid);
        }
    });
}

#[test]
fn runs_of_schema_version_1_are_still_there() {
    let directory = tempfile::tempdir().unwrap();
    let raw = Connection::open(directory.path().join("mlops.db")).unwrap();
    raw.execute_batch(include_str!("../fixtures/runs_v1.sql"))
        .unwrap();
    drop(raw);
    let registry = Registry::open(url(directory.path())).unwrap();
    let tracking = registry.tracking();
    let first: RunId = "000000000000000000000000000000a1".parse().unwrap();
    let second: RunId = "000000000000000000000000000000a2".parse().unwrap();
    let record = tracking.run(&first).unwrap();
    // `Default` has become the experiment 0 that it is for MLflow's clients
    assert_eq!(
        (record.experiment, record.user.as_str()),
        (ExperimentId::DEFAULT, "ada")
    );
    assert_eq!(
        (record.status, record.lifecycle),
        (RunStatus::Finished, Lifecycle::Active)
    );
    assert!(record.metrics["loss"].value.is_nan());
    assert_eq!(record.metrics["auc"].value, f64::INFINITY);
    assert_eq!(registry.metric_history(&first, "loss").unwrap().len(), 3);
    assert_eq!(record.params["trees"], "300");
    let children: Vec<_> = tracking
        .children(&first)
        .unwrap()
        .into_iter()
        .map(|run| run.id)
        .collect();
    assert_eq!(children, std::slice::from_ref(&second));
    assert_eq!(
        registry.run(&second).unwrap().metrics["loss"],
        f64::NEG_INFINITY
    );
    assert_eq!(registry.run(&first).unwrap().artifacts.len(), 1);
    let search = RunSearch {
        experiments: vec![ExperimentId::DEFAULT],
        filter: "params.trees = '300' AND metrics.auc > 1".into(),
        ..RunSearch::default()
    };
    let found = tracking.search_runs(&search).unwrap().items;
    assert_eq!((found.len(), &found[0].id), (1, &record.id));
}
