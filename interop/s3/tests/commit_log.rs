//! Commit logs on a server that times out, refuses, forgets to answer and answers wrongly.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use mlops_core::{ErrorKind, Seed};
use mlops_interop_s3::{Faults, KEY, SECRET, Server};
use mlops_store::{
    Appended, CommitLog, Error, Location, Objects, RequestId, RetryPolicy, S3Settings,
};

fn server(root: &Path) -> Server {
    Server::with_bucket(root, "registry")
}

/// A client of its own, with its own connections, that waits as long as a busy machine takes.
fn locate(server: &Server, retries: usize) -> Location {
    client(server, retries, Duration::from_secs(20))
}

fn client(server: &Server, retries: usize, timeout: Duration) -> Location {
    let settings = server.settings().retries(retries).timeout(timeout);
    let objects = Objects::new().with_s3(settings);
    objects.locate("s3://registry/models/churn").unwrap()
}

fn request(text: impl std::fmt::Display) -> RequestId {
    text.to_string().parse().unwrap()
}

#[test]
fn a_log_on_s3_does_what_a_log_in_memory_does() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let log = CommitLog::at(&locate(&server, 1));
    log.probe().unwrap();
    log.probe().unwrap();
    assert_eq!(log.head().unwrap(), None);
    for n in 0..300_u64 {
        let won = log.append(n, &request(n), n.to_string().as_bytes());
        assert_eq!(won.unwrap(), Appended::Won);
    }
    let other = CommitLog::at(&locate(&server, 1));
    assert_eq!(other.head().unwrap().unwrap().number, 300);
    let lost = other.append(299, &request("late"), b"late").unwrap();
    assert_eq!(lost, Appended::Lost { number: 300 });
    let numbers: Vec<u64> = other.read_after(0).map(|e| e.unwrap().number).collect();
    assert_eq!(numbers, (1..=300).collect::<Vec<_>>());
    log.checkpoint(280, b"state").unwrap();
    assert_eq!(log.fold().unwrap(), 256);
    let state = other.latest_checkpoint().unwrap().unwrap();
    assert_eq!((state.number, state.bytes.as_ref()), (280, &b"state"[..]));
    assert!(matches!(
        other.read(1..=9),
        Err(Error::LogFolded { first: 257, .. })
    ));
    let lost = other.append(6, &request("late"), b"late").unwrap();
    assert_eq!(lost, Appended::Lost { number: 7 });
    assert_eq!(other.head().unwrap().unwrap().number, 300);
}

#[test]
fn an_append_costs_one_write_and_a_known_head_costs_two_reads() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let log = CommitLog::at(&locate(&server, 0));
    let requests = |expected: &[&str]| {
        let seen = server.log().requests();
        let methods: Vec<&str> = seen.iter().map(|l| l.split(' ').next().unwrap()).collect();
        assert_eq!(methods, expected, "{seen:?}");
        server.log().clear();
    };
    assert_eq!(log.append(0, &request("a"), b"a").unwrap(), Appended::Won);
    requests(&["PUT", "GET"]);
    assert_eq!(log.append(1, &request("b"), b"b").unwrap(), Appended::Won);
    requests(&["PUT", "GET"]);
    assert_eq!(log.head().unwrap().unwrap().number, 2);
    requests(&["GET", "GET"]);
    let cold = CommitLog::at(&locate(&server, 0));
    assert_eq!(cold.head().unwrap().unwrap().number, 2);
    requests(&["GET", "GET", "GET", "GET"]);
}

/// Appends until `count` of its own are acknowledged, and gives each request as often as it takes.
fn writer(log: &CommitLog, name: &str, count: usize, unknown: &AtomicU64) -> Vec<(u64, RequestId)> {
    let mut won = Vec::new();
    let mut head = 0;
    while won.len() < count {
        let id = request(format!("{name}-{}", won.len()));
        match log.append(head, &id, id.as_str().as_bytes()) {
            Ok(Appended::Won) => {
                head += 1;
                won.push((head, id));
            }
            Ok(Appended::Lost { number }) => {
                assert_eq!(number, head + 1);
                head = number;
            }
            Err(Error::LogUnknown {
                number, request, ..
            }) => {
                assert_eq!((number, &request), (head + 1, &id));
                unknown.fetch_add(1, Ordering::SeqCst);
            }
            // before anything was written
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}"),
        }
    }
    won
}

/// Writers at once on a server that does so many requests wrong.
fn rounds(seeds: std::ops::Range<u64>, percent: u64, attempts: u32) {
    let unknown = AtomicU64::new(0);
    let mut misdeeds = 0;
    for seed in seeds {
        let dir = tempfile::tempdir().unwrap();
        let server = server(dir.path());
        let pause = Duration::from_millis(600);
        server
            .log()
            .misbehave(Some(Faults::new(seed, percent, "/churn/", pause)));
        let won: Vec<(u64, RequestId)> = thread::scope(|scope| {
            let (server, unknown) = (&server, &unknown);
            let writers = ["a", "b", "c", "d"].map(|name| {
                scope.spawn(move || {
                    let policy = RetryPolicy::default()
                        .attempts(attempts)
                        .first(Duration::from_millis(2))
                        .longest(Duration::from_millis(20))
                        .seed(Seed(seed));
                    let hasty = Duration::from_millis(400);
                    let log = CommitLog::at(&client(server, usize::from(name > "b"), hasty));
                    writer(&log.with_retries(policy), name, 6, unknown)
                })
            });
            writers
                .into_iter()
                .flat_map(|w| w.join().unwrap())
                .collect()
        });
        server.log().misbehave(None);
        // what was on its way has arrived by then
        thread::sleep(pause * 2);
        let acknowledged: BTreeMap<u64, RequestId> = won.iter().cloned().collect();
        assert_eq!(
            acknowledged.len(),
            won.len(),
            "a number has two winners: {won:?}"
        );
        let log = CommitLog::at(&locate(&server, 3));
        let found: BTreeMap<u64, RequestId> = log
            .read_after(0)
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.number, entry.request))
            .collect();
        assert_eq!(found, acknowledged, "seed {seed}");
        misdeeds += server.log().misdeeds();
    }
    println!(
        "{misdeeds} requests went wrong, {} appends were left open",
        unknown.into_inner()
    );
}

#[test]
fn the_log_is_exactly_what_was_acknowledged_whatever_the_server_does() {
    rounds(0..6, 25, 6);
}

#[test]
fn an_append_that_is_left_open_is_settled_by_the_same_request() {
    rounds(100..103, 45, 1);
}

#[test]
fn a_store_that_creates_twice_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    server.log().ignore_conditions();
    let error = CommitLog::at(&locate(&server, 0)).probe().unwrap_err();
    assert!(matches!(error, Error::Unconditional { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn a_bucket_that_is_not_there_and_a_wrong_secret_are_told_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let settings = |secret: &str| {
        S3Settings::new("us-east-1")
            .endpoint(server.endpoint())
            .credentials(KEY, secret)
            .retries(0)
    };
    let no_sleep = RetryPolicy::default()
        .first(Duration::from_secs(3_600))
        .longest(Duration::MAX);
    let denied = Objects::new().with_s3(settings("wrong-secret"));
    let log = CommitLog::at(&denied.locate("s3://registry/log").unwrap()).with_retries(no_sleep);
    let error = log.append(0, &request("a"), b"a").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert_eq!(log.probe().unwrap_err().kind(), ErrorKind::Denied);
    let nowhere = Objects::new().with_s3(settings(SECRET));
    let log = CommitLog::at(&nowhere.locate("s3://no-such-bucket/log").unwrap());
    assert_eq!(log.head().unwrap_err().kind(), ErrorKind::NotFound);
}
