//! The contract of the commit log: one suite of cases, every backend runs it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::{
    cmp::Ordering,
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use mlops_core::ErrorKind;
use mlops_store::{
    Appended, CommitLog, Error, Location, LogEntry, Objects, RequestId, RetryPolicy, Sleeper,
};
use proptest::prelude::*;

/// Runs a case on every backend.
fn on_every_backend(case: impl Fn(Location)) {
    case(Objects::new().locate("memory://models/churn").unwrap());
    let dir = tempfile::tempdir().unwrap();
    case(Location::file(dir.path().join("models").join("churn")));
}

fn request(name: impl std::fmt::Display) -> RequestId {
    name.to_string().parse().unwrap()
}

fn numbers(entries: &[LogEntry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.number).collect()
}

/// Appends entries `1..=count`, each with its number as bytes.
fn fill(log: &CommitLog, count: u64) {
    for n in 0..count {
        let bytes = (n + 1).to_string();
        let appended = log.append(n, &request(format!("r{}", n + 1)), bytes.as_bytes());
        assert_eq!(appended.unwrap(), Appended::Won);
    }
}

#[test]
fn an_empty_log_has_no_head_and_no_checkpoint() {
    on_every_backend(|at| {
        let log = CommitLog::at(&at);
        assert_eq!(log.head().unwrap(), None);
        assert_eq!(log.latest_checkpoint().unwrap(), None);
        assert!(log.read(1..=u64::MAX).unwrap().is_empty());
        assert_eq!(log.fold().unwrap(), 0);
    });
}

#[test]
fn what_was_appended_is_read_in_order() {
    on_every_backend(|at| {
        let log = CommitLog::at(&at);
        fill(&log, 40);
        for log in [log, CommitLog::at(&at)] {
            let head = log.head().unwrap().unwrap();
            assert_eq!((head.number, head.bytes.as_ref()), (40, &b"40"[..]));
            assert_eq!(head.request, request("r40"));
            let all = log.read(0..=u64::MAX).unwrap();
            assert_eq!(numbers(&all), (1..=40).collect::<Vec<_>>());
            assert!(all.iter().all(|e| e.bytes == e.number.to_string()));
            assert_eq!(numbers(&log.read(7..=9).unwrap()), [7, 8, 9]);
            assert_eq!(numbers(&log.read(39..=99).unwrap()), [39, 40]);
            assert!(log.read(41..=99).unwrap().is_empty());
            let after: Vec<u64> = log.read_after(37).map(|e| e.unwrap().number).collect();
            assert_eq!(after, [38, 39, 40]);
        }
    });
}

#[test]
fn a_number_has_one_winner_and_the_other_learns_who() {
    on_every_backend(|at| {
        let (a, b) = (CommitLog::at(&at), CommitLog::at(&at));
        assert_eq!(a.append(0, &request("a"), b"a").unwrap(), Appended::Won);
        let lost = b.append(0, &request("b"), b"b").unwrap();
        assert_eq!(lost, Appended::Lost { number: 1 });
        assert_eq!(b.head().unwrap().unwrap().request, request("a"));
        assert_eq!(b.append(1, &request("b"), b"b").unwrap(), Appended::Won);
        assert_eq!(a.head().unwrap().unwrap().bytes, b"b".as_slice());
    });
}

#[test]
fn the_same_request_given_again_has_the_same_answer() {
    on_every_backend(|at| {
        let log = CommitLog::at(&at);
        for _ in 0..3 {
            assert_eq!(log.append(0, &request("a"), b"a").unwrap(), Appended::Won);
        }
        assert_eq!(log.head().unwrap().unwrap().number, 1);
        let error = log.append(0, &request("a"), b"other").unwrap_err();
        assert!(
            matches!(error, Error::RequestReused { number: 1, .. }),
            "{error}"
        );
        assert_eq!(error.kind(), ErrorKind::Conflict);
    });
}

#[test]
fn nothing_follows_an_entry_that_is_not_there() {
    on_every_backend(|at| {
        let log = CommitLog::at(&at);
        fill(&log, 2);
        for log in [log, CommitLog::at(&at)] {
            for after in [3, 4, 1_000, u64::MAX - 1, u64::MAX] {
                let error = log.append(after, &request("x"), b"").unwrap_err();
                assert!(
                    matches!(error, Error::LogGap { after: a, .. } if a == after),
                    "{error}"
                );
            }
            assert!(matches!(log.checkpoint(3, b""), Err(Error::LogGap { .. })));
        }
    });
}

#[test]
fn an_entry_of_the_greatest_size_is_kept_and_a_greater_one_refused() {
    on_every_backend(|at| {
        let log = CommitLog::at(&at);
        let mut bytes = vec![7; usize::try_from(CommitLog::MAX_ENTRY).unwrap()];
        assert_eq!(log.append(0, &request("a"), &bytes).unwrap(), Appended::Won);
        assert_eq!(log.read(1..=1).unwrap()[0].bytes.len(), bytes.len());
        bytes.push(7);
        let error = log.append(1, &request("b"), &bytes).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
        assert_eq!(log.head().unwrap().unwrap().number, 1);
    });
}

#[test]
fn the_checkpoint_of_the_greatest_number_counts_and_the_first_of_a_number_stays() {
    on_every_backend(|at| {
        let log = CommitLog::at(&at);
        fill(&log, 12);
        log.checkpoint(10, b"ten").unwrap();
        log.checkpoint(9, b"nine").unwrap();
        log.checkpoint(10, b"ten again").unwrap();
        let found = log.latest_checkpoint().unwrap().unwrap();
        assert_eq!((found.number, found.bytes.as_ref()), (10, &b"ten"[..]));
    });
}

#[test]
fn what_is_folded_is_gone_and_the_rest_goes_on() {
    on_every_backend(|at| {
        let log = CommitLog::at(&at);
        let sleepy = CommitLog::at(&at);
        fill(&log, 600);
        assert_eq!(sleepy.read(1..=5).unwrap().len(), 5);
        assert_eq!(log.fold().unwrap(), 0, "no checkpoint, no folding");
        for number in [100, 300, 560] {
            log.checkpoint(number, b"state").unwrap();
        }
        assert_eq!(log.fold().unwrap(), 512);
        assert_eq!(log.fold().unwrap(), 512);
        for log in [&log, &sleepy, &CommitLog::at(&at)] {
            let error = log.read(5..=9).unwrap_err();
            assert!(
                matches!(
                    error,
                    Error::LogFolded {
                        number: 5,
                        first: 513,
                        ..
                    }
                ),
                "{error}"
            );
            let number = log.latest_checkpoint().unwrap().unwrap().number;
            let rest: Vec<u64> = log.read_after(number).map(|e| e.unwrap().number).collect();
            assert_eq!(rest, (561..=600).collect::<Vec<_>>());
            assert_eq!(log.head().unwrap().unwrap().number, 600);
        }
        // a writer that slept through it: the number was another's, or its own
        let lost = sleepy.append(5, &request("late"), b"late").unwrap();
        assert_eq!(lost, Appended::Lost { number: 6 });
        assert_eq!(
            sleepy.append(6, &request("r7"), b"7").unwrap(),
            Appended::Won
        );
        let lost = sleepy.append(0, &request("late"), b"late").unwrap();
        assert_eq!(lost, Appended::Lost { number: 1 });
        // what it put back is no part of the log, and is cleared by the next
        assert!(matches!(log.read(6..=6), Err(Error::LogFolded { .. })));
        assert_eq!(CommitLog::at(&at).head().unwrap().unwrap().number, 600);
        assert_eq!(log.fold().unwrap(), 512);
        let left = at.list(mlops_store::ListLimits::default()).unwrap();
        let left = left.iter().filter(|l| l.path.starts_with("log/")).count();
        assert_eq!(left, 600 - 512);
    });
}

#[test]
fn the_head_is_never_folded() {
    on_every_backend(|at| {
        let log = CommitLog::at(&at);
        fill(&log, 256);
        log.checkpoint(256, b"all").unwrap();
        assert_eq!(log.fold().unwrap(), 0);
        assert_eq!(log.append(256, &request("n"), b"n").unwrap(), Appended::Won);
        assert_eq!(log.fold().unwrap(), 256);
        assert_eq!(CommitLog::at(&at).head().unwrap().unwrap().number, 257);
        assert_eq!(log.append(257, &request("m"), b"m").unwrap(), Appended::Won);
    });
}

#[test]
fn a_sound_store_passes_the_probe_as_often_as_it_is_opened() {
    on_every_backend(|at| {
        for _ in 0..3 {
            CommitLog::at(&at).probe().unwrap();
        }
        assert_eq!(CommitLog::at(&at).head().unwrap(), None);
    });
}

#[test]
fn a_request_id_is_visible_ascii() {
    for bad in ["", "a b", "é", "a\n", &"x".repeat(129)] {
        let error = bad.parse::<RequestId>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
    assert!("x".repeat(128).parse::<RequestId>().is_ok());
}

#[test]
fn a_changed_entry_is_corrupt_and_a_missing_one_too() {
    let dir = tempfile::tempdir().unwrap();
    let log = CommitLog::at(&Location::file(dir.path()));
    fill(&log, 5);
    let file = |n: u64| dir.path().join("log").join(format!("{:020}", u64::MAX - n));
    let mut bytes = fs::read(file(3)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(file(3), &bytes).unwrap();
    let error = log.read(1..=5).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    fs::copy(file(2), file(3)).unwrap();
    let error = log.read(1..=5).unwrap_err();
    assert!(matches!(error, Error::LogCorrupt { .. }), "{error}");
    fs::remove_file(file(3)).unwrap();
    let error = log.read(1..=5).unwrap_err();
    assert!(matches!(error, Error::LogCorrupt { .. }), "{error}");
    assert_eq!(numbers(&log.read(4..=5).unwrap()), [4, 5]);
}

#[test]
fn what_a_crash_left_in_staging_stops_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let log = CommitLog::at(&Location::file(dir.path()));
    let staging = dir.path().join("staging");
    fs::create_dir_all(&staging).unwrap();
    fs::write(staging.join(format!("log-{:020}-0", u64::MAX - 1)), b"half").unwrap();
    fill(&log, 2);
    assert_eq!(log.head().unwrap().unwrap().number, 2);
    assert_eq!(fs::read_dir(&staging).unwrap().count(), 1);
}

/// Notes the pauses and makes none.
#[derive(Debug, Default)]
struct Counts(Mutex<Vec<Duration>>);

impl Sleeper for Counts {
    fn sleep(&self, pause: Duration) {
        self.0.lock().unwrap().push(pause);
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("log"), b"a file").unwrap();
    let counts = Arc::new(Counts::default());
    let log = CommitLog::at(&Location::file(dir.path()))
        .with_retries(RetryPolicy::default().attempts(4))
        .with_sleeper(counts.clone());
    let error = log.append(0, &request("a"), b"a").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("entry 1"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
    assert_eq!(counts.0.lock().unwrap().len(), 3);
}

/// Appends until `count` entries of its own are in the log; reads on whenever it lost.
fn writer(at: &Location, name: &str, count: usize) -> Vec<(u64, RequestId)> {
    let log = CommitLog::at(at);
    let mut won = Vec::new();
    let mut head = 0;
    while won.len() < count {
        let id = request(format!("{name}-{}", won.len()));
        match log.append(head, &id, id.as_str().as_bytes()).unwrap() {
            Appended::Won => {
                head += 1;
                won.push((head, id));
            }
            Appended::Lost { .. } => head = log.head().unwrap().unwrap().number,
        }
    }
    won
}

#[test]
fn writers_at_once_leave_exactly_what_was_acknowledged() {
    on_every_backend(|at| {
        let won: Vec<(u64, RequestId)> = thread::scope(|scope| {
            let names = ["a", "b", "c", "d", "e", "f"];
            let at = &at;
            let writers = names.map(|name| scope.spawn(move || writer(at, name, 15)));
            writers
                .into_iter()
                .flat_map(|w| w.join().unwrap())
                .collect()
        });
        let won: BTreeSet<_> = won.into_iter().collect();
        let log = CommitLog::at(&at).read(1..=u64::MAX).unwrap();
        let log: BTreeSet<_> = log.into_iter().map(|e| (e.number, e.request)).collect();
        assert_eq!(log.len(), 90);
        assert_eq!(won, log);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Handles that know more or less of the log, against a plain list.
    #[test]
    fn any_history_reads_as_a_list_does(
        steps in prop::collection::vec((0_usize..3, 0_u8..6, 0_u64..12), 1..60),
        directory: bool,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let at = if directory {
            Location::file(dir.path())
        } else {
            Objects::new().locate("memory://log").unwrap()
        };
        let handles: Vec<CommitLog> = (0..3).map(|_| CommitLog::at(&at)).collect();
        let mut model: Vec<String> = Vec::new();
        for (step, (handle, action, number)) in steps.into_iter().enumerate() {
            let (log, len) = (&handles[handle], model.len() as u64);
            match action {
                0 | 1 => {
                    let after = if action == 0 { len } else { number };
                    let id = format!("s{step}");
                    let got = log.append(after, &request(&id), id.as_bytes());
                    match after.cmp(&len) {
                        Ordering::Greater => {
                            let gap = matches!(got, Err(Error::LogGap { .. }));
                            prop_assert!(gap);
                        }
                        Ordering::Equal => {
                            prop_assert_eq!(got.unwrap(), Appended::Won);
                            model.push(id);
                        }
                        Ordering::Less => {
                            prop_assert_eq!(got.unwrap(), Appended::Lost { number: after + 1 });
                        }
                    }
                }
                2 => {
                    let head = log.head().unwrap().map(|h| (h.number, h.request.to_string()));
                    prop_assert_eq!(head, model.last().map(|id| (len, id.clone())));
                }
                3 if number <= len && number > 0 => log.checkpoint(number, &number.to_le_bytes()).unwrap(),
                4 => prop_assert_eq!(CommitLog::at(&at).head().unwrap().map_or(0, |h| h.number), len),
                _ => {
                    let read = log.read(number..=number + 5).unwrap();
                    let expected: Vec<String> = (number.max(1)..=number + 5)
                        .filter_map(|n| model.get(usize::try_from(n - 1).unwrap()).cloned())
                        .collect();
                    let read: Vec<String> = read.iter().map(|e| e.request.to_string()).collect();
                    prop_assert_eq!(read, expected);
                }
            }
        }
    }
}

#[test]
fn the_names_are_those_of_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    fill(&CommitLog::at(&Location::file(dir.path())), 1);
    let expected: &Path = &dir.path().join("log").join("18446744073709551614");
    assert!(expected.is_file());
}
