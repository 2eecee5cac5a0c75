//! The prediction log on its own: what is kept, what is joined, what is dropped and counted.

use std::{sync::Arc, time::Duration};

use mlops_core::{
    ErrorKind, EventTime, KeyPart, ModelName, OutcomeRecord, PredictionRecord, Span, Value,
    VersionNumber,
};
use mlops_serve::{Delivery, Error, LogOptions, OutcomeReceipt, PredictionLog};

use crate::support::churn;

fn record(id: &str, seconds: i64, version: VersionNumber) -> PredictionRecord {
    PredictionRecord {
        id: id.into(),
        time: EventTime::from_seconds(seconds),
        model: churn(),
        version,
        key: Some(mlops_core::EntityKey::new([
            KeyPart::Int(7),
            "x".into(),
            true.into(),
        ])),
        features: vec![
            ("a".into(), Value::Float(0.1)),
            ("b".into(), Value::Null),
            ("c".into(), "ü".into()),
        ],
        prediction: 0.25,
        outputs: Vec::new(),
    }
}

fn outcome(id: &str, seconds: i64, outcome: f64) -> OutcomeRecord {
    OutcomeRecord {
        prediction_id: id.into(),
        time: EventTime::from_seconds(seconds),
        outcome,
    }
}

fn ids(log: &PredictionLog, version: impl Into<Option<u32>>, from: i64, to: i64) -> Vec<String> {
    let (from, to) = (EventTime::from_seconds(from), EventTime::from_seconds(to));
    let window = log.window(&churn(), version, from, to).unwrap();
    window.into_iter().map(|(record, _)| record.id).collect()
}

/// Runs a test on a log in memory and on one in a file.
fn on_both(test: impl Fn(PredictionLog)) {
    test(PredictionLog::memory().unwrap());
    let directory = tempfile::tempdir().unwrap();
    test(PredictionLog::open(directory.path().join("log.db")).unwrap());
}

#[test]
fn a_window_holds_what_was_recorded_in_it_by_time() {
    on_both(|log| {
        for (id, seconds, version) in [("d", 30, 2), ("a", 10, 1), ("c", 20, 1), ("b", 10, 2)] {
            assert!(log.record(record(id, seconds, version)).unwrap());
        }
        assert_eq!(ids(&log, None, 10, 31), ["a", "b", "c", "d"]);
        assert_eq!(ids(&log, 1, 10, 30), ["a", "c"]);
        assert_eq!(ids(&log, 2, 10, 30), ["b"]);
        assert_eq!(ids(&log, 3, 0, 100), [""; 0]);
        let other = ModelName::new("other").unwrap();
        assert!(
            log.window(&other, None, EventTime::MIN, EventTime::MAX)
                .unwrap()
                .is_empty()
        );
        let whole = log
            .window(&churn(), 1, EventTime::MIN, EventTime::MAX)
            .unwrap();
        assert_eq!(whole[0], (record("a", 10, 1), None));
    });
}

#[test]
fn a_record_with_a_known_id_is_ignored() {
    on_both(|log| {
        log.record(record("a", 10, 1)).unwrap();
        log.record(record("a", 99, 2)).unwrap();
        assert_eq!(ids(&log, None, 0, 100), ["a"]);
        assert_eq!(ids(&log, 1, 10, 11), ["a"]);
    });
}

#[test]
fn outcomes_are_joined_late_and_once() {
    on_both(|log| {
        let known = |id: &str| {
            let window = log
                .window(&churn(), None, EventTime::MIN, EventTime::MAX)
                .unwrap();
            let found = window.into_iter().find(|(record, _)| record.id == id);
            found
                .and_then(|(_, outcome)| outcome)
                .map(|o| (o.time.micros() / 1_000_000, o.outcome))
        };
        let send = |outcomes: Vec<OutcomeRecord>| log.record_outcomes(outcomes).unwrap();
        // the outcome may be here before its prediction
        let early = OutcomeReceipt {
            stored: 1,
            unmatched: 1,
            ..Default::default()
        };
        assert_eq!(send(vec![outcome("b", 50, 1.0)]), early);
        log.record_all(vec![record("a", 10, 1), record("b", 10, 1)])
            .unwrap();
        assert_eq!(known("b"), Some((50, 1.0)));
        assert_eq!(known("a"), None);

        let steps = [
            (
                outcome("a", 60, 0.0),
                OutcomeReceipt {
                    stored: 1,
                    ..Default::default()
                },
                (60, 0.0),
            ),
            (
                outcome("a", 70, 0.0),
                OutcomeReceipt {
                    unchanged: 1,
                    ..Default::default()
                },
                (60, 0.0),
            ),
            (
                outcome("a", 70, 1.0),
                OutcomeReceipt {
                    corrected: 1,
                    ..Default::default()
                },
                (70, 1.0),
            ),
            (
                outcome("a", 65, 0.0),
                OutcomeReceipt {
                    stale: 1,
                    ..Default::default()
                },
                (70, 1.0),
            ),
            (
                outcome("a", 70, 0.0),
                OutcomeReceipt {
                    stale: 1,
                    ..Default::default()
                },
                (70, 1.0),
            ),
        ];
        for (sent, receipt, expected) in steps {
            assert_eq!(send(vec![sent.clone()]), receipt, "{sent:?}");
            assert_eq!(known("a"), Some(expected));
        }
        let bad = vec![outcome("b", 99, 0.0), outcome("a", 99, f64::NAN)];
        let error = log.record_outcomes(bad).unwrap_err();
        assert!(matches!(error, Error::Row { row: 1, .. }));
        assert_eq!(known("b"), Some((50, 1.0)));
    });
}

#[test]
fn values_and_predictions_that_json_loses_are_kept() {
    on_both(|log| {
        let mut odd = record("a", 10, 1);
        odd.key = None;
        odd.prediction = f64::NAN;
        odd.features = vec![
            ("x".into(), Value::Float(f64::NAN)),
            ("y".into(), Value::Float(f64::NEG_INFINITY)),
            ("z".into(), Value::Time(EventTime::from_seconds(5))),
            ("i".into(), Value::Int(i64::MIN)),
        ];
        log.record(odd.clone()).unwrap();
        let window = log
            .window(&churn(), 1, EventTime::MIN, EventTime::MAX)
            .unwrap();
        let back = &window[0].0;
        assert!(back.prediction.is_nan() && back.key.is_none());
        assert!(matches!(back.features[0].1, Value::Float(f) if f.is_nan()));
        assert_eq!(back.features[1..], odd.features[1..]);
    });
}

#[test]
fn a_full_queue_drops_and_counts_and_never_waits() {
    // a linger of an hour keeps the writer from emptying the queue
    let options = LogOptions::default()
        .capacity(10)
        .linger(Duration::from_hours(1));
    let log = PredictionLog::memory_with(options).unwrap();
    let watch = mlops_core::Stopwatch::start();
    let taken = (0..100)
        .filter(|i| log.record(record(&i.to_string(), 1, 1)).unwrap())
        .count();
    assert!(watch.elapsed() < Duration::from_secs(5));
    assert!((10..=11).contains(&taken), "{taken}");
    assert_eq!(log.stats().dropped, 100 - taken as u64);
    assert_eq!(log.record_all(vec![record("x", 1, 1)]).unwrap(), 0);
    // who waits is not kept waiting by the linger
    log.flush().unwrap();
    assert_eq!(ids(&log, 1, 0, 2).len(), taken);
    assert_eq!(log.stats().written, taken as u64);
}

#[test]
fn a_durable_log_drops_nothing_and_shares_commits() {
    let directory = tempfile::tempdir().unwrap();
    let options = LogOptions::default()
        .delivery(Delivery::Durable)
        .capacity(2);
    let log = PredictionLog::open_with(directory.path().join("log.db"), options).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let log = log.clone();
            scope.spawn(move || {
                for i in 0..25 {
                    assert!(log.record(record(&format!("{thread}-{i}"), i, 1)).unwrap());
                }
            });
        }
    });
    let stats = log.stats();
    assert_eq!((stats.written, stats.dropped, stats.failed), (200, 0, 0));
    assert!(stats.commits <= 200, "{}", stats.commits);
    assert_eq!(ids(&log, 1, 0, 100).len(), 200);
}

#[test]
fn every_record_of_a_commit_that_fails_is_counted_and_who_waits_is_told_why() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.db");
    let log = PredictionLog::open(&path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("DROP TABLE predictions").unwrap();
    for i in 0..5 {
        assert!(log.record(record(&i.to_string(), i, 1)).unwrap());
    }
    let outcomes = log.record_outcome(outcome("0", 1, 1.0));
    let told = outcomes.and_then(|_| log.flush().map(|()| OutcomeReceipt::default()));
    if let Err(error) = told {
        assert!(matches!(error, Error::Log { .. }), "{error}");
    }
    log.flush().unwrap();
    let stats = log.stats();
    assert_eq!((stats.written, stats.dropped, stats.failed), (0, 0, 5));
    assert!(stats.last_error.is_some_and(|e| e.contains("predictions")));
}

#[test]
fn a_database_of_somebody_else_is_left_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("theirs.db");
    let theirs = rusqlite::Connection::open(&path).unwrap();
    theirs.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(theirs);
    let before = std::fs::read(&path).unwrap();
    let error = PredictionLog::open(&path).unwrap_err();
    assert!(matches!(error, Error::ForeignLog { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn what_was_queued_is_there_after_the_log_was_dropped_and_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.db");
    let log = PredictionLog::open(&path).unwrap();
    let clone = log.clone();
    for i in 0..500 {
        log.record(record(&i.to_string(), i, 1)).unwrap();
    }
    drop(log);
    clone.record_outcome(outcome("3", 900, 1.0)).unwrap();
    drop(clone);
    let log = PredictionLog::open(&path).unwrap();
    let window = log
        .window(&churn(), 1, EventTime::MIN, EventTime::MAX)
        .unwrap();
    assert_eq!(window.len(), 500);
    assert_eq!(
        window
            .iter()
            .filter(|(_, outcome)| outcome.is_some())
            .count(),
        1
    );
    // records of other models have other features
    let mut other = record("other", 1, 1);
    other.features.truncate(1);
    log.record(other.clone()).unwrap();
    log.record(record("last", 1, 1)).unwrap();
    let window = log.window(
        &churn(),
        1,
        EventTime::from_seconds(1),
        EventTime::from_seconds(2),
    );
    let found: Vec<usize> = window
        .unwrap()
        .iter()
        .map(|(r, _)| r.features.len())
        .collect();
    assert_eq!(found, [3, 1, 3]);
}

#[test]
fn two_logs_on_one_file_see_each_others_records() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.db");
    let logs = [
        PredictionLog::open(&path).unwrap(),
        PredictionLog::open(&path).unwrap(),
    ];
    std::thread::scope(|scope| {
        for (name, log) in ["a", "b"].iter().zip(&logs) {
            scope.spawn(move || {
                for i in 0..100 {
                    log.record(record(&format!("{name}{i}"), i, 1)).unwrap();
                }
                log.flush().unwrap();
            });
        }
    });
    for log in &logs {
        assert_eq!(ids(log, 1, 0, 100).len(), 200);
    }
}

#[test]
fn a_file_that_is_no_log_is_refused_by_name_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("notes.txt");
    std::fs::write(&text, "these are notes and no database at all, for certain").unwrap();
    let foreign = directory.path().join("foreign.db");
    let connection = rusqlite::Connection::open(&foreign).unwrap();
    connection
        .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        .unwrap();
    let newer = directory.path().join("newer.db");
    drop(PredictionLog::open(&newer).unwrap());
    rusqlite::Connection::open(&newer)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let absent = directory.path().join("absent").join("log.db");
    let cases = [
        (&text, ErrorKind::Corrupt),
        (&foreign, ErrorKind::Unsupported),
        (&newer, ErrorKind::Unsupported),
        (&absent, ErrorKind::Unavailable),
    ];
    for (path, kind) in cases {
        let error = PredictionLog::open(path).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(
            error.to_string().contains(&path.display().to_string()),
            "{error}"
        );
    }
    assert!(
        std::fs::read_to_string(&text)
            .unwrap()
            .starts_with("these are notes")
    );
    let rows: i64 = connection
        .query_row("SELECT count(*) FROM t", [], |r| r.get(0))
        .unwrap();
    assert_eq!(rows, 1);
}

#[test]
fn a_damaged_record_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.db");
    let log = PredictionLog::open(&path).unwrap();
    log.record_all((0..3).map(|i| record(&format!("r{i}"), i, 1)).collect())
        .unwrap();
    log.flush().unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute("UPDATE predictions SET features = '[1' WHERE id = 'r1'", [])
        .unwrap();
    let error = log
        .window(&churn(), 1, EventTime::MIN, EventTime::MAX)
        .unwrap_err();
    assert!(
        matches!(&error, Error::DamagedRecord { id, .. } if id == "r1"),
        "{error}"
    );
}

#[test]
fn many_threads_share_one_log() {
    let log = Arc::new(PredictionLog::memory().unwrap());
    std::thread::scope(|scope| {
        for thread in 0..4i64 {
            let log = Arc::clone(&log);
            scope.spawn(move || {
                for i in 0..200 {
                    log.record(record(&format!("{thread}-{i}"), thread, 1))
                        .unwrap();
                }
            });
        }
    });
    let (from, to) = (
        EventTime::from_seconds(0),
        EventTime::from_seconds(2) + Span::seconds(2),
    );
    let window = log.window(&churn(), None, from, to).unwrap();
    assert_eq!(window.len(), 800);
    assert_eq!(log.stats().dropped, 0);
}
