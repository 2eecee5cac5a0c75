//! What a directory store keeps: through the end of a process, however sudden, through compaction, and
//! through damage that is told and not read over.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::cast_possible_wrap, reason = "tables of tests are small")]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use mlops_core::ErrorKind;
use mlops_features::{
    Durability, Entity, EntityRow, Error, EventTime, FeatureService, FeatureStore, FeatureView,
    PushOptions, Status, Target, Value, ViewRow, days,
    online::{MemoryStore, OnlineStore},
};

#[derive(Entity)]
struct User {
    user: i64,
}

#[derive(FeatureView)]
#[view(entity = User, time = at)]
struct Click {
    user: i64,
    at: EventTime,
    number: i64,
    event: String,
}

/// The same with a TTL: another definition over the same columns.
mod with_ttl {
    use super::{EventTime, FeatureView, User};

    #[derive(FeatureView)]
    #[view(name = "click", entity = User, time = at, ttl = "1d")]
    pub(crate) struct Click {
        user: i64,
        at: EventTime,
        number: i64,
        event: String,
    }
}

/// The same with another field.
mod with_field {
    use super::{EventTime, FeatureView, User};

    #[derive(FeatureView)]
    #[view(name = "click", entity = User, time = at)]
    pub(crate) struct Click {
        user: i64,
        at: EventTime,
        number: f64,
        event: String,
    }
}

fn click(user: i64, second: i64, number: i64) -> Click {
    Click {
        user,
        at: EventTime::from_seconds(second),
        number,
        event: format!("e{number}"),
    }
}

fn service() -> FeatureService {
    FeatureService::named("clicks")
        .unwrap()
        .feature(Click::number().latest())
        .feature(Click::number().sum().over(days(1)))
        .feature(Click::number().count().over(days(1)))
        .build()
        .unwrap()
}

fn open(dir: &Path, durability: Durability) -> FeatureStore {
    let store = FeatureStore::builder()
        .directory(dir)
        .durability(durability)
        .build()
        .unwrap();
    store.register(Click::view()).unwrap();
    store
}

fn open_online(dir: &Path, online: &Arc<dyn OnlineStore>) -> FeatureStore {
    let store = FeatureStore::builder()
        .directory(dir)
        .durability(Durability::Process)
        .online(Arc::clone(online))
        .serving(&service())
        .build()
        .unwrap();
    store.register(Click::view()).unwrap();
    store
}

fn totals(store: &FeatureStore, user: i64) -> (Value, Value) {
    let row = store
        .online(
            &service(),
            &User { user }.key(),
            EventTime::from_seconds(80_000),
        )
        .unwrap();
    (row.values[1].1.clone(), row.values[2].1.clone())
}

fn logs(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir.join("log")).unwrap();
    let mut logs: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    logs.sort();
    logs
}

/// No test of its own: what [`acknowledged_pushes_survive_kill_9`] runs in another process and kills.
#[test]
fn child_that_is_killed() {
    #[expect(
        clippy::disallowed_methods,
        reason = "how the parent talks to its child"
    )]
    let Ok(dir) = std::env::var("MLOPS_TEST_CHILD") else {
        return;
    };
    let store = open(Path::new(&dir), Durability::Process);
    let start = store.rows("click").unwrap() as i64;
    for number in start.. {
        store
            .push_rows(&[click(number % 7, number % 1_000, number)])
            .unwrap();
        println!("acknowledged {number}");
        if number % 97 == 96 {
            store.compact().unwrap();
        }
    }
}

#[test]
fn acknowledged_pushes_survive_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = -1;
    for round in 0..12 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_is_killed", "--nocapture"])
            .env("MLOPS_TEST_CHILD", dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let wanted = acknowledged + 1 + 40 * (round % 5) + round;
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines.by_ref() {
            let line = line.unwrap();
            let Some((_, number)) = line.split_once("acknowledged ") else {
                continue;
            };
            acknowledged = number.trim().parse().unwrap();
            if acknowledged >= wanted {
                break;
            }
        }
        child.kill().unwrap();
        // what it had acknowledged before the blow fell counts as well
        for line in lines.map_while(Result::ok) {
            let number = line
                .split_once("acknowledged ")
                .map(|(_, number)| number.trim().to_owned());
            acknowledged = number.and_then(|n| n.parse().ok()).unwrap_or(acknowledged);
        }
        child.wait().unwrap();

        let store = open(dir.path(), Durability::Process);
        let rows = store.rows("click").unwrap() as i64;
        assert!(
            rows > acknowledged,
            "round {round}: {rows} rows, {acknowledged} acknowledged"
        );
        assert!(
            rows <= acknowledged + 2,
            "round {round}: {rows} rows, {acknowledged} acknowledged"
        );
        let all: i64 = (0..7)
            .map(|user| match totals(&store, user) {
                (Value::Int(sum), _) => sum,
                _ => 0,
            })
            .sum();
        assert_eq!(
            all,
            (0..rows).sum::<i64>(),
            "round {round}: each row once, as it was"
        );
    }
}

#[test]
fn a_store_is_the_same_after_it_was_opened_again_and_after_compaction() {
    let dir = tempfile::tempdir().unwrap();
    let digest = |store: &FeatureStore| store.lineage(&service()).unwrap().data["click"];
    let store = open(dir.path(), Durability::Disk);
    store
        .ingest(
            "click",
            &Click::table(&[click(1, 5, 50), click(2, 1, 10)]).unwrap(),
        )
        .unwrap();
    for number in 0..20 {
        store.push_rows(&[click(number % 3, 5, number)]).unwrap();
    }
    store
        .ingest(
            "click",
            &Click::table(&[click(1, 5, 51), click(1, 4, 40)]).unwrap(),
        )
        .unwrap();
    let before = digest(&store);
    assert!(store.log_bytes() > 1_000);
    drop(store);

    let store = open(dir.path(), Durability::Disk);
    assert_eq!(digest(&store), before);
    assert!(store.compact().unwrap());
    assert!(store.log_bytes() < 100);
    store.push_rows(&[click(1, 5, 99)]).unwrap();
    let after = digest(&store);
    drop(store);
    // many small segments become one
    for number in 0..12 {
        let store = open(dir.path(), Durability::Process);
        store.push_rows(&[click(9, number, number)]).unwrap();
        assert!(store.compact().unwrap());
    }
    let segments = std::fs::read_dir(dir.path().join("segments"))
        .unwrap()
        .count();
    assert!(segments < 9, "{segments} segments");
    let store = open(dir.path(), Durability::Process);
    assert_ne!(digest(&store), after);
    assert_eq!(store.rows("click").unwrap(), 4 + 20 + 1 + 12);
    let last = store
        .online(&service(), &1.into(), EventTime::from_seconds(80_000))
        .unwrap();
    assert_eq!(
        last.get("number_latest"),
        Some(&Value::Int(99)),
        "ties stay in order of arrival"
    );
}

#[test]
fn a_directory_has_one_owner() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), Durability::Disk);
    let error = FeatureStore::open(dir.path()).unwrap_err();
    assert!(matches!(error, Error::StoreLocked { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let clone = store.clone();
    drop(store);
    assert!(
        FeatureStore::open(dir.path()).is_err(),
        "a clone still has it"
    );
    drop(clone);
    FeatureStore::open(dir.path()).unwrap();
}

#[test]
fn rows_outlive_a_change_of_ttl_and_not_one_of_columns() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path(), Durability::Disk)
        .push_rows(&[click(1, 5, 50)])
        .unwrap();
    let store = FeatureStore::open(dir.path()).unwrap();
    store.register(with_ttl::Click::view()).unwrap();
    assert_eq!(store.rows("click").unwrap(), 1);
    drop(store);
    let store = FeatureStore::open(dir.path()).unwrap();
    let error = store.register(with_field::Click::view()).unwrap_err();
    assert!(matches!(error, Error::ForeignView { .. }), "{error}");
    store.register(Click::view()).unwrap();
}

#[test]
fn rows_of_a_view_that_nobody_registered_stay_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path(), Durability::Disk)
        .push_rows(&[click(1, 5, 50)])
        .unwrap();
    let store = FeatureStore::open(dir.path()).unwrap();
    assert!(!store.compact().unwrap());
    drop(store);
    assert_eq!(open(dir.path(), Durability::Disk).rows("click").unwrap(), 1);
}

#[test]
fn a_torn_tail_is_dropped_and_damage_before_it_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), Durability::Disk);
    for number in 0..3 {
        store.push_rows(&[click(1, number, number)]).unwrap();
    }
    drop(store);
    let log = logs(dir.path()).pop().unwrap();
    let whole = std::fs::read(&log).unwrap();
    std::fs::write(&log, &whole[..whole.len() - 3]).unwrap();
    let store = open(dir.path(), Durability::Disk);
    assert_eq!(store.rows("click").unwrap(), 2);
    assert!(store.torn_bytes() > 0);
    store.push_rows(&[click(1, 7, 7)]).unwrap();
    drop(store);
    assert_eq!(open(dir.path(), Durability::Disk).rows("click").unwrap(), 3);

    let mut broken = whole.clone();
    broken[100] ^= 1;
    std::fs::write(&log, &broken).unwrap();
    let error = FeatureStore::open(dir.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(
        error.to_string().contains("was on the disk and is broken"),
        "{error}"
    );
}

#[test]
fn an_event_id_is_taken_once_and_by_the_first_row() {
    let dir = tempfile::tempdir().unwrap();
    let once = PushOptions::new().event_id("event");
    let store = open(dir.path(), Durability::Disk);
    let mut twice = click(1, 6, 1_000);
    twice.event = "e2".to_owned();
    let push = |store: &FeatureStore, rows: &[Click]| {
        store
            .push_with("click", &Click::table(rows).unwrap(), &once)
            .unwrap()
    };
    let report = push(&store, &[click(1, 5, 1), click(1, 6, 2), twice]);
    assert_eq!((report.rows, report.duplicates), (2, 1));
    let report = push(&store, &[click(1, 5, 1), click(1, 6, 2)]);
    assert_eq!((report.rows, report.duplicates), (0, 2));
    drop(store);
    let store = open(dir.path(), Durability::Disk);
    assert_eq!(push(&store, &[click(1, 5, 1), click(1, 9, 3)]).rows, 1);
    assert!(store.compact().unwrap());
    drop(store);
    let store = open(dir.path(), Durability::Disk);
    assert_eq!(push(&store, &[click(1, 5, 1), click(1, 9, 3)]).rows, 0);
    assert_eq!(totals(&store, 1), (Value::Int(6), Value::Int(3)));
    let wrong = PushOptions::new().event_id("at");
    let error = store.push_with("click", &Click::table(&[click(1, 1, 1)]).unwrap(), &wrong);
    assert!(matches!(error, Err(Error::EventId { .. })), "{error:?}");
}

#[test]
fn pushes_go_where_they_are_sent_and_are_there_again_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let memory = || -> Arc<dyn OnlineStore> { Arc::new(MemoryStore::new()) };
    let push = |store: &FeatureStore, target, row: Click| {
        let options = PushOptions::new().target(target);
        store
            .push_with("click", &Click::table(&[row]).unwrap(), &options)
            .unwrap()
    };
    let store = open_online(dir.path(), &memory());
    push(&store, Target::Both, click(1, 5, 1));
    push(&store, Target::Online, click(1, 6, 10));
    push(&store, Target::Online, click(1, 6, 11)); // replaces the one before
    let both_and_online = (Value::Int(12), Value::Int(2));
    assert_eq!(totals(&store, 1), both_and_online);
    assert_eq!(store.rows("click").unwrap(), 1);
    for compacted in [false, true] {
        assert!(!compacted || store.compact().unwrap());
    }
    drop(store);
    let store = open_online(dir.path(), &memory());
    assert_eq!(totals(&store, 1), both_and_online);
    assert_eq!(store.rows("click").unwrap(), 1);

    push(&store, Target::Offline, click(2, 7, 100));
    let answer = store
        .online(&service(), &2.into(), EventTime::from_seconds(9))
        .unwrap();
    assert_eq!(
        answer.statuses,
        [Status::NotRetained; 3],
        "it has rows that were never brought online"
    );
    store
        .materialize("click", EventTime::MIN, EventTime::from_seconds(9))
        .unwrap();
    assert_eq!(totals(&store, 2), (Value::Int(100), Value::Int(1)));
    assert_eq!(totals(&store, 1), both_and_online);

    let alone = FeatureStore::new();
    alone.register(Click::view()).unwrap();
    let table = Click::table(&[click(1, 1, 1)]).unwrap();
    let error = alone.push_with("click", &table, &PushOptions::new().target(Target::Both));
    assert!(
        matches!(error, Err(Error::NoOnlineStore { .. })),
        "{error:?}"
    );
}

#[test]
fn concurrent_pushes_wait_for_the_disk_together_and_all_of_them_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), Durability::Disk);
    std::thread::scope(|scope| {
        for user in 0..8 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..25 {
                    store.push_rows(&[click(user, number, number)]).unwrap();
                }
            });
        }
        scope.spawn(|| (0..5).for_each(|_| assert!(store.compact().unwrap())));
    });
    let before = store.lineage(&service()).unwrap();
    drop(store);
    let store = open(dir.path(), Durability::Disk);
    assert_eq!(store.rows("click").unwrap(), 200);
    assert_eq!(store.lineage(&service()).unwrap(), before);
}
