//! The logger: what training writes goes into a bounded queue, and a thread of its own writes batches.
//!
//! ```text
//! metric, param, tag ─▶ queue ─▶ batches, numbered ─▶ registry
//!                                      └─ backend away ─▶ journal ─ backend back ─▶ registry
//! ```
//!
//! [`Logger::flush`] is the acknowledgement: what was logged before it survives as the registry's
//! durability says, or lies synced in the journal. Each batch has a number, and the registry keeps the
//! last one of each logger, so that a batch that was written, but not heard to be, is not written twice.

mod entry;
mod journal;
#[cfg(test)]
mod tests;
mod worker;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    path::PathBuf,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use mlops_core::DigestBuilder;

use self::{
    entry::Entry,
    journal::Journal,
    worker::{Backend, Worker},
};
use super::Tracking;
use crate::{MetricPoint, Registry, Result, Run, RunId, TrackingError, database::lock};

/// How a logger works.
#[derive(Debug, Clone)]
pub struct LoggerOptions {
    /// How many entries wait at most; 100,000 by default.
    pub capacity: usize,
    /// What happens to one more.
    pub when_full: WhenFull,
    /// The file that keeps batches while the backend is away. Without one they wait in the queue. What
    /// an earlier logger left in it is written first. One logger at a time may hold it.
    pub journal: Option<PathBuf>,
    /// How large the journal may grow, in bytes; 1 GiB by default.
    pub journal_limit: u64,
    /// How often the run says that it goes on; never by default.
    pub heartbeat: Option<Duration>,
    /// How long the logger waits before it tries a backend again that was away.
    pub retry: Duration,
}

impl Default for LoggerOptions {
    fn default() -> Self {
        Self {
            capacity: 100_000,
            when_full: WhenFull::Wait,
            journal: None,
            journal_limit: 1 << 30,
            heartbeat: None,
            retry: Duration::from_millis(500),
        }
    }
}

/// What happens to an entry for which there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// The caller waits for room.
    Wait,
    /// The entry is not taken, and the caller is told.
    Refuse,
}

/// Where what was flushed lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flushed {
    /// In the registry.
    Registry,
    /// In the journal, because the backend is away; it is written to the registry once that is back.
    Journal,
}

/// Logs without waiting for the registry. Clones and threads share it by reference or in an `Arc`.
pub struct Logger {
    shared: Arc<Shared>,
    run: RunId,
    registry: Registry,
    worker: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    capacity: usize,
    refuses: bool,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Entry>,
    /// Entries that were ever taken.
    accepted: u64,
    /// Entries of those that need nobody's care any more: written, journalled or lost.
    settled: u64,
    /// Entries that no backend takes, and why the first one was not.
    lost: usize,
    reason: Option<String>,
    /// Why nothing moves at the moment.
    stuck: Option<String>,
    in_journal: bool,
    /// How often the backend was asked to take what lies in the journal.
    tries: u64,
    flushes: u64,
    closing: bool,
}

/// Tells the loggers of one process apart.
static COUNT: AtomicU64 = AtomicU64::new(0);

impl Run {
    /// A logger for this run; see [`Logger`]. The run can be written to directly as well.
    ///
    /// # Errors
    /// [`TrackingError::Journal`] or [`TrackingError::NotAJournal`] for the journal.
    pub fn logger(&self, options: &LoggerOptions) -> Result<Logger> {
        self.registry().tracking().logger(self.id(), options)
    }
}

impl Tracking {
    /// A logger for a run; see [`Logger`]. The run is not looked at before the first entry.
    ///
    /// # Errors
    /// [`TrackingError::Journal`] or [`TrackingError::NotAJournal`] for the journal.
    pub fn logger(&self, run: &RunId, options: &LoggerOptions) -> Result<Logger> {
        Logger::start(self.registry.clone(), run, options, self.clone())
    }
}

impl Logger {
    fn start(
        registry: Registry,
        run: &RunId,
        options: &LoggerOptions,
        backend: impl Backend + 'static,
    ) -> Result<Self> {
        let (journal, left) = match &options.journal {
            None => (None, Vec::new()),
            Some(path) => {
                let (journal, left) = Journal::open(path, options.journal_limit)?;
                (Some(journal), left)
            }
        };
        let writer = DigestBuilder::new()
            .part("run", run.as_str().as_bytes())
            .part("time", &registry.now().micros().to_le_bytes())
            .part("process", &std::process::id().to_le_bytes())
            .part(
                "logger",
                &COUNT.fetch_add(1, Ordering::Relaxed).to_le_bytes(),
            )
            .finish()
            .short();
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                in_journal: !left.is_empty(),
                ..State::default()
            }),
            changed: Condvar::new(),
            capacity: options.capacity.max(1),
            refuses: options.when_full == WhenFull::Refuse,
        });
        let worker = Worker::new(
            shared.clone(),
            backend,
            run.clone(),
            writer,
            options,
            journal,
            left,
        );
        let worker = thread::Builder::new()
            .name("mlops logger".into())
            .spawn(move || worker.work())
            .map_err(|source| TrackingError::Journal {
                action: "start the thread of",
                path: options.journal.clone().unwrap_or_default(),
                source,
            })?;
        Ok(Self {
            shared,
            run: run.clone(),
            registry,
            worker: Some(worker),
        })
    }

    /// Takes a point of a metric, stamped with the registry's clock. Says whether it was taken, which it
    /// is unless the queue is full and [`WhenFull::Refuse`] holds.
    ///
    /// # Errors
    /// [`Error::InvalidKey`](crate::Error::InvalidKey), [`TrackingError::LoggerClosed`].
    pub fn log_metric(&self, metric: &str, value: f64, step: i64) -> Result<bool> {
        let time = self.registry.now();
        let point = MetricPoint { step, time, value };
        self.take(vec![Entry::Metric(metric.to_owned(), point)])
    }

    /// Takes one point for each of several metrics, all or none.
    ///
    /// # Errors
    /// As for [`log_metric`](Self::log_metric).
    pub fn log_metrics(&self, metrics: &BTreeMap<String, f64>, step: i64) -> Result<bool> {
        let time = self.registry.now();
        let entry = |(metric, value): (&String, &f64)| {
            let value = *value;
            Entry::Metric(metric.clone(), MetricPoint { step, time, value })
        };
        self.take(metrics.iter().map(entry).collect())
    }

    /// Takes a param.
    ///
    /// # Errors
    /// [`Error::TooLong`](crate::Error::TooLong) and as for [`log_metric`](Self::log_metric). That the
    /// param has another value already, [`flush`](Self::flush) says.
    pub fn log_param(&self, param: &str, value: impl fmt::Display) -> Result<bool> {
        self.take(vec![Entry::Param(param.to_owned(), value.to_string())])
    }

    /// Takes a tag.
    ///
    /// # Errors
    /// As for [`log_param`](Self::log_param).
    pub fn set_tag(&self, tag: &str, value: &str) -> Result<bool> {
        self.take(vec![Entry::Tag(tag.to_owned(), value.to_owned())])
    }

    fn take(&self, entries: Vec<Entry>) -> Result<bool> {
        entries.iter().try_for_each(Entry::check)?;
        let mut state = lock(&self.shared.state);
        // more than the queue ever holds goes into an empty one
        while !state.closing
            && !state.queue.is_empty()
            && state.queue.len() + entries.len() > self.shared.capacity
        {
            if self.shared.refuses {
                return Ok(false);
            }
            state = self
                .shared
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.closing {
            return Err(TrackingError::LoggerClosed {
                run: self.run.clone(),
            }
            .into());
        }
        let idle = state.queue.is_empty();
        state.accepted += entries.len() as u64;
        state.queue.extend(entries);
        drop(state);
        if idle {
            self.shared.changed.notify_all();
        }
        Ok(true)
    }

    /// Waits until everything that was taken before is durable, and says where it lies.
    ///
    /// # Errors
    /// [`TrackingError::NotLogged`] if some of it is refused for good (a param that has another value, a
    /// run that was deleted), once for each entry; or if the backend is away and there is no journal,
    /// or none with room: then nothing is lost, and a later flush may succeed.
    pub fn flush(&self) -> Result<Flushed> {
        let mut state = lock(&self.shared.state);
        let (target, tries) = (state.accepted, state.tries);
        state.flushes += 1;
        state.stuck = None;
        self.shared.changed.notify_all();
        loop {
            let tried = !state.in_journal || state.tries > tries;
            if (state.settled >= target && tried) || state.stuck.is_some() {
                state.flushes -= 1;
                return self.answer(&mut state);
            }
            state = self
                .shared
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn answer(&self, state: &mut State) -> Result<Flushed> {
        let refused = |lost, reason| {
            Err(TrackingError::NotLogged {
                run: self.run.clone(),
                lost,
                reason,
            }
            .into())
        };
        if let Some(reason) = state.stuck.clone() {
            return refused(0, reason);
        }
        if let Some(reason) = state.reason.take() {
            return refused(std::mem::take(&mut state.lost), reason);
        }
        Ok(if state.in_journal {
            Flushed::Journal
        } else {
            Flushed::Registry
        })
    }

    /// Flushes and ends. What is in a journal stays there for the next logger.
    ///
    /// # Errors
    /// As for [`flush`](Self::flush).
    pub fn close(mut self) -> Result<Flushed> {
        let answer = self.flush();
        self.end();
        answer
    }

    fn end(&mut self) {
        lock(&self.shared.state).closing = true;
        self.shared.changed.notify_all();
        if let Some(worker) = self.worker.take() {
            // a worker that panicked has nothing more to say
            let _ = worker.join();
        }
    }
}

impl Drop for Logger {
    /// Ends the thread after one more try to write what waits.
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logger")
            .field("run", &self.run)
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
}
