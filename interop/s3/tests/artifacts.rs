//! Artifacts on a server that times out, refuses, forgets to answer and answers wrongly.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Seek, SeekFrom},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, ScopedJoinHandle},
    time::Duration,
};

use mlops_core::{Clock, Digest, ErrorKind, EventTime, ManualClock, Seed, Span, SystemClock};
use mlops_interop_s3::{Faults, Server};
use mlops_store::{ArtifactStore, Error, GarbageOptions, Objects, RetryPolicy, ThreadSleeper};

const GRACE: Span = Span::hours(1);

fn server(root: &Path) -> Server {
    Server::with_bucket(root, "lake")
}

fn store(server: &Server, retries: usize) -> ArtifactStore {
    let settings = server
        .settings()
        .retries(retries)
        .timeout(Duration::from_millis(2_000));
    let location = Objects::new()
        .with_s3(settings)
        .locate("s3://lake/artifacts");
    let policy = RetryPolicy::default()
        .first(Duration::from_millis(2))
        .longest(Duration::from_millis(20));
    let store = ArtifactStore::at(&location.unwrap()).unwrap();
    store.with_retries(policy, Arc::new(ThreadSleeper))
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut rng = Seed(seed).rng();
    let words = (0..length.div_ceil(8)).flat_map(|_| rng.next_u64().to_le_bytes());
    words.take(length).collect()
}

fn count(server: &Server, method: &str) -> usize {
    let requests = server.log().requests();
    requests
        .iter()
        .filter(|line| line.starts_with(method))
        .count()
}

#[test]
fn a_large_artifact_on_s3_is_sent_once_and_read_in_parts() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let store = store(&server, 2);
    let mut bytes = noise(1, 20 << 20);
    let stored = store.put_from(bytes.as_slice()).unwrap();
    assert_eq!(stored.digest, Digest::of(&bytes));
    assert_eq!(store.get(&stored.digest).unwrap(), bytes);
    server.log().clear();
    assert_eq!(store.put_from(bytes.as_slice()).unwrap().sent, 0);
    assert_eq!(count(&server, "PUT"), 0, "what is there is not sent again");
    bytes.insert(7 << 20, 1);
    server.log().clear();
    let other = store.put_from(bytes.as_slice()).unwrap();
    assert!(other.sent < 4 << 20, "{}", other.sent);
    assert!(count(&server, "PUT") < 5);

    server.log().clear();
    let mut reader = store.reader(&other.digest).unwrap();
    let range = reader.get_range(9 << 20..(9 << 20) + 100).unwrap();
    assert_eq!(range, bytes[9 << 20..(9 << 20) + 100]);
    reader.seek(SeekFrom::End(-10)).unwrap();
    let mut end = Vec::new();
    reader.read_to_end(&mut end).unwrap();
    assert_eq!(end, bytes[bytes.len() - 10..]);
    assert!(server.log().bytes() < 5 << 20, "{}", server.log().bytes());

    let digest = store.put(b"small").unwrap();
    server.log().clear();
    assert_eq!(store.put(b"small").unwrap(), digest);
    assert_eq!(
        (
            count(&server, "HEAD"),
            count(&server, "GET"),
            count(&server, "PUT")
        ),
        (1, 1, 0)
    );
    let source = dir.path().join("source");
    fs::create_dir_all(source.join("deep")).unwrap();
    fs::write(source.join("deep/file"), b"small").unwrap();
    let tree = store.put_directory(&source).unwrap();
    store
        .download_tree(&tree.digest, dir.path().join("target"))
        .unwrap();
    assert_eq!(
        fs::read(dir.path().join("target/deep/file")).unwrap(),
        b"small"
    );
}

#[test]
fn an_upload_through_a_bad_line_is_whole_or_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let store = store(&server, 1);
    let bytes = noise(2, 30 << 20);
    server.log().misbehave(Some(Faults::new(
        3,
        20,
        "/artifacts/",
        Duration::from_millis(2_500),
    )));
    let mut tries = 0;
    let stored = loop {
        tries += 1;
        match store.put_from(bytes.as_slice()) {
            Ok(stored) => break stored,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}"),
        }
    };
    println!(
        "{} requests went wrong, {tries} tries",
        server.log().misdeeds()
    );
    server.log().misbehave(None);
    assert_eq!(store.get(&stored.digest).unwrap(), bytes);
}

#[test]
fn writers_and_collectors_on_a_bad_server_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let clock = ManualClock::new(EventTime::from_micros(SystemClock.now().micros()));
    let roots = Mutex::new(BTreeSet::new());
    let artifact = |i: usize| vec![u8::try_from(i).unwrap(); 8];
    let (done, failed, removed) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    server.log().misbehave(Some(Faults::new(
        5,
        8,
        "/artifacts/",
        Duration::from_millis(2_200),
    )));
    thread::scope(|scope| {
        let writers = [0, 1, 2].map(|writer| {
            let (server, clock, roots, failed) = (&server, &clock, &roots, &failed);
            scope.spawn(move || {
                let store = store(server, 1);
                let mut rng = Seed(writer).rng();
                for _ in 0..60 {
                    let bytes = artifact(rng.below(10));
                    let start = clock.now();
                    match store.put(&bytes) {
                        Ok(digest) => {
                            let mut roots = roots.lock().unwrap();
                            // a reference is committed in time, or is not
                            if clock.now() < start + GRACE {
                                roots.insert(digest);
                            }
                        }
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                            failed.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                    let released = Digest::of(&artifact(rng.below(10)));
                    roots.lock().unwrap().remove(&released);
                }
            })
        });
        for _ in 0..2 {
            scope.spawn(|| {
                let store = store(&server, 1);
                while !done.load(Ordering::SeqCst) {
                    let now: Vec<Digest> = roots.lock().unwrap().iter().copied().collect();
                    match store.collect(now, GarbageOptions::new(GRACE), &clock) {
                        Ok(report) => {
                            removed.fetch_add(report.removed.len() as u64, Ordering::SeqCst);
                        }
                        Err(Error::Changed { .. }) => {}
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                            failed.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                    clock.advance(Span::minutes(20));
                }
            });
        }
        let ends = writers.map(ScopedJoinHandle::join);
        done.store(true, Ordering::SeqCst);
        for end in ends {
            end.unwrap();
        }
    });
    server.log().misbehave(None);
    // what was on its way has arrived by then
    thread::sleep(Duration::from_millis(2_500));
    println!(
        "{} requests went wrong, {failed:?} calls failed, {removed:?} removed",
        server.log().misdeeds()
    );
    let store = store(&server, 2);
    let roots: Vec<Digest> = roots.into_inner().unwrap().into_iter().collect();
    for digest in &roots {
        assert_eq!(Digest::of(&store.get(digest).unwrap()), *digest);
    }
    for _ in 0..5 {
        clock.advance(Span::hours(2));
        let report = store.collect(roots.iter().copied(), GarbageOptions::new(GRACE), &clock);
        assert!(report.unwrap().missing.is_empty());
    }
    assert_eq!(store.list().unwrap(), roots);
}
