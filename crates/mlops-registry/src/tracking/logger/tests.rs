//! A logger over a backend that goes away, comes back, and sometimes writes without saying so.

use std::sync::atomic::AtomicBool;

use mlops_core::Seed;

use super::*;
use crate::{Batch, Error, ExperimentId, NewRun, RunRecord};

#[derive(Clone)]
struct Flaky {
    tracking: Tracking,
    run: RunId,
    away: Arc<AtomicBool>,
    /// Writes, and says that it did not.
    mumbles: Arc<AtomicBool>,
}

impl Flaky {
    fn new() -> Self {
        let tracking = Registry::memory().unwrap().tracking();
        let run = tracking
            .create_run(NewRun::new(ExperimentId::DEFAULT))
            .unwrap()
            .id;
        Self {
            tracking,
            run,
            away: Arc::default(),
            mumbles: Arc::default(),
        }
    }

    fn logger(&self, options: &LoggerOptions) -> Logger {
        let registry = self.tracking.registry().clone();
        Logger::start(registry, &self.run, options, self.clone()).unwrap()
    }

    fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    fn steps(&self) -> Vec<i64> {
        let history = self.tracking.history(&self.run, "m", None, None).unwrap();
        history.points.iter().map(|point| point.step).collect()
    }

    fn record(&self) -> RunRecord {
        self.tracking.run(&self.run).unwrap()
    }
}

impl Backend for Flaky {
    fn write(&self, run: &RunId, writer: &str, sequence: u64, batch: Batch) -> Result<()> {
        let gone = Err(Error::Busy { action: "answer" });
        if self.away.load(Ordering::SeqCst) {
            return gone;
        }
        self.tracking.write_once(run, writer, sequence, batch)?;
        if self.mumbles.load(Ordering::SeqCst) {
            return gone;
        }
        Ok(())
    }

    fn beat(&self, run: &RunId) -> Result<()> {
        self.tracking.beat(run)
    }
}

fn options(journal: Option<PathBuf>) -> LoggerOptions {
    LoggerOptions {
        journal,
        retry: Duration::from_millis(5),
        ..LoggerOptions::default()
    }
}

fn log(logger: &Logger, steps: std::ops::Range<i64>) {
    for step in steps {
        assert!(logger.log_metric("m", 0.5, step).unwrap());
    }
}

#[test]
fn what_was_flushed_is_in_the_registry() {
    let backend = Flaky::new();
    let logger = backend.logger(&options(None));
    logger.log_param("seed", 7).unwrap();
    log(&logger, 0..2_500);
    logger.set_tag("team", "red").unwrap();
    assert_eq!(logger.flush().unwrap(), Flushed::Registry);
    assert_eq!(backend.steps(), (0..2_500).collect::<Vec<_>>());
    let record = backend.record();
    assert_eq!(
        (&record.params["seed"], &record.tags["team"]),
        (&"7".into(), &"red".into())
    );
    assert_eq!(logger.close().unwrap(), Flushed::Registry);
}

#[test]
fn a_journal_takes_over_and_is_replayed_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let options = options(Some(directory.path().join("journal")));
    let backend = Flaky::new();
    let logger = backend.logger(&options);
    log(&logger, 0..10);
    logger.set_tag("state", "first").unwrap();
    assert_eq!(logger.flush().unwrap(), Flushed::Registry);
    backend.set_away(true);
    log(&logger, 10..20);
    logger.set_tag("state", "second").unwrap();
    assert_eq!(logger.flush().unwrap(), Flushed::Journal);
    logger.set_tag("state", "third").unwrap();
    assert_eq!(logger.flush().unwrap(), Flushed::Journal);
    assert_eq!(backend.steps().len(), 10);
    backend.set_away(false);
    assert_eq!(logger.flush().unwrap(), Flushed::Registry);
    assert_eq!(backend.steps(), (0..20).collect::<Vec<_>>());
    assert_eq!(backend.record().tags["state"], "third");
}

#[test]
fn the_next_logger_writes_what_the_last_one_left() {
    let directory = tempfile::tempdir().unwrap();
    let options = options(Some(directory.path().join("journal")));
    let backend = Flaky::new();
    backend.set_away(true);
    let logger = backend.logger(&options);
    log(&logger, 0..7);
    assert_eq!(logger.close().unwrap(), Flushed::Journal);
    // still away: both lie in the journal
    let logger = backend.logger(&options);
    log(&logger, 7..9);
    assert_eq!(logger.close().unwrap(), Flushed::Journal);
    backend.set_away(false);
    let logger = backend.logger(&options);
    assert_eq!(logger.flush().unwrap(), Flushed::Registry);
    assert_eq!(backend.steps(), (0..9).collect::<Vec<_>>());
}

#[test]
fn a_batch_that_was_written_unheard_is_not_written_twice() {
    let directory = tempfile::tempdir().unwrap();
    let options = options(Some(directory.path().join("journal")));
    let backend = Flaky::new();
    let logger = backend.logger(&options);
    backend.mumbles.store(true, Ordering::SeqCst);
    logger.set_tag("state", "old").unwrap();
    assert_eq!(logger.flush().unwrap(), Flushed::Journal);
    // somebody else goes on, and the replay must not bring the old value back
    backend
        .tracking
        .set_tag(&backend.run, "state", "new")
        .unwrap();
    backend.mumbles.store(false, Ordering::SeqCst);
    assert_eq!(logger.flush().unwrap(), Flushed::Registry);
    assert_eq!(backend.record().tags["state"], "new");
}

#[test]
fn without_a_journal_nothing_is_lost_while_the_logger_lives() {
    let backend = Flaky::new();
    backend.set_away(true);
    let logger = backend.logger(&options(None));
    log(&logger, 0..5);
    let error = logger.flush().unwrap_err();
    assert_eq!(error.kind(), mlops_core::ErrorKind::Unavailable);
    backend.set_away(false);
    assert_eq!(logger.flush().unwrap(), Flushed::Registry);
    assert_eq!(backend.steps(), (0..5).collect::<Vec<_>>());
}

#[test]
fn a_refused_entry_is_named_once_and_takes_no_other_with_it() {
    let backend = Flaky::new();
    let logger = backend.logger(&options(None));
    logger.log_param("a", 1).unwrap();
    logger.flush().unwrap();
    logger.log_param("a", 2).unwrap();
    logger.log_param("b", 3).unwrap();
    let error = logger.flush().unwrap_err().to_string();
    assert!(
        error.contains("1 entries") && error.contains("`a`"),
        "{error}"
    );
    assert_eq!(logger.flush().unwrap(), Flushed::Registry);
    assert_eq!(backend.record().params["b"], "3");
    assert!(logger.log_metric("bad\nkey", 1.0, 0).is_err());
}

#[test]
fn a_full_queue_refuses_or_waits() {
    let backend = Flaky::new();
    backend.set_away(true);
    let small = LoggerOptions {
        capacity: 3,
        when_full: WhenFull::Refuse,
        ..options(None)
    };
    let logger = backend.logger(&small);
    let taken = (0..10)
        .filter(|step| logger.log_metric("m", 0.5, *step).unwrap())
        .count();
    // the thread may hold one batch beside the queue
    assert!((3..=7).contains(&taken), "{taken}");
    drop(logger);
    let logger = Arc::new(backend.logger(&LoggerOptions {
        when_full: WhenFull::Wait,
        ..small
    }));
    let waiting = thread::spawn({
        let logger = logger.clone();
        move || log(&logger, 100..150)
    });
    thread::sleep(Duration::from_millis(20));
    assert!(!waiting.is_finished());
    backend.set_away(false);
    waiting.join().unwrap();
    logger.flush().unwrap();
    assert_eq!(backend.steps(), (100..150).collect::<Vec<_>>());
}

#[test]
fn a_heartbeat_shows_that_the_run_goes_on() {
    let backend = Flaky::new();
    let logger = backend.logger(&LoggerOptions {
        heartbeat: Some(Duration::from_millis(5)),
        ..options(None)
    });
    let last = || backend.tracking.last_beat(&backend.run).unwrap();
    while last().is_none() {
        thread::sleep(Duration::from_millis(1));
    }
    let first = last();
    while last() == first {
        thread::sleep(Duration::from_millis(1));
    }
    drop(logger);
}

#[test]
fn a_backend_that_comes_and_goes_gets_everything_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    let backend = Flaky::new();
    let mut rng = Seed(11).rng();
    let mut step = 0;
    for _ in 0..20 {
        let logger = backend.logger(&options(Some(path.clone())));
        for _ in 0..5 {
            backend.set_away(rng.below(2) == 0);
            backend.mumbles.store(rng.below(3) == 0, Ordering::SeqCst);
            let count = i64::try_from(rng.below(30)).unwrap();
            log(&logger, step..step + count);
            step += count;
            logger.flush().unwrap();
        }
    }
    backend.set_away(false);
    backend.mumbles.store(false, Ordering::SeqCst);
    backend.logger(&options(Some(path))).close().unwrap();
    assert_eq!(backend.steps(), (0..step).collect::<Vec<_>>());
}
