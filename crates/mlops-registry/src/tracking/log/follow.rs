//! Following a log: what others have written comes into the index.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use mlops_core::EventTime;
use mlops_store::{CommitLog, Location, Sleeper};

use super::{
    LogName, RunLogs,
    commit::Job,
    entry::{Entry, Told},
    failed, index, log_at,
};
use crate::{Error, Result, database::lock, group_commit::Queue};

/// One log, who waits to write to it, and when it was last read.
#[derive(Debug)]
pub(super) struct RunLog {
    pub(super) name: LogName,
    pub(super) log: CommitLog,
    pub(super) queue: Queue<dyn Job>,
    /// How many polls have begun.
    begun: AtomicU64,
    last: Mutex<Poll>,
}

/// A poll that is done.
#[derive(Debug, Default)]
struct Poll {
    /// Its place among those that have begun.
    number: u64,
    at: Option<EventTime>,
}

/// Whether a log is asked that was asked a short while ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Now,
    AfterAWhile,
}

impl RunLog {
    pub(super) fn new(root: &Location, name: LogName, sleeper: Arc<dyn Sleeper>) -> Result<Self> {
        let log = log_at(root, &name, sleeper)?;
        Ok(Self {
            name,
            log,
            queue: Queue::default(),
            begun: AtomicU64::new(0),
            last: Mutex::default(),
        })
    }
}

impl RunLogs {
    /// Reads what is new in a log. Of those who ask at the same moment one does it for all.
    pub(super) fn poll(&self, log: &RunLog, due: Due) -> Result<()> {
        let begun = log.begun.load(Ordering::SeqCst);
        let mut last = lock(&log.last);
        // one that began after this call did has seen all that this call is to see
        if last.number > begun {
            return Ok(());
        }
        let now = self.clock.now();
        let recent = |at: EventTime| at <= now && now < at + self.trust;
        if due == Due::AfterAWhile && last.at.is_some_and(recent) {
            return Ok(());
        }
        let number = log.begun.fetch_add(1, Ordering::SeqCst) + 1;
        self.follow(log)?;
        let at = Some(now);
        *last = Poll { number, at };
        Ok(())
    }

    fn follow(&self, log: &RunLog) -> Result<()> {
        let name = &log.name;
        let position = self.database.read(|tx| index::position(tx, name))?;
        let Some(mut position) = position else {
            return Ok(());
        };
        if position.at == 0
            && let Some(checkpoint) = log.log.latest_checkpoint().map_err(failed(name))?
        {
            let told = Told::read(name, checkpoint.number, &checkpoint.bytes)?;
            self.know_experiments(name, told.experiments)?;
            position = self.take(name, move |tx, name| {
                index::begin(tx, name, checkpoint.number, &told)
            })?;
            if position.is_settled() {
                return Ok(());
            }
        }
        loop {
            let read = log.log.read(position.at + 1..=u64::MAX);
            let read = read.map_err(failed(name))?;
            let bytes: u64 = read.iter().map(|entry| entry.bytes.len() as u64).sum();
            let whole =
                (read.len() as u64) < CommitLog::MAX_READ && bytes < CommitLog::MAX_READ_BYTES;
            let entries = read
                .into_iter()
                .map(|entry| {
                    Ok(Entry {
                        number: entry.number,
                        told: Told::read(name, entry.number, &entry.bytes)?,
                        request: entry.request,
                    })
                })
                .collect::<Result<Vec<_>>>()?;
            if !entries.is_empty() {
                position = self.apply(name, entries)?;
            }
            if whole {
                return Ok(());
            }
        }
    }

    /// Applies entries that are not applied yet.
    pub(super) fn apply(&self, name: &LogName, entries: Vec<Entry>) -> Result<index::Position> {
        let experiments = entries.iter().map(|entry| entry.told.experiments).max();
        self.know_experiments(name, experiments.unwrap_or(0))?;
        self.take(name, move |tx, name| index::apply(tx, name, &entries))
    }

    fn take(
        &self,
        name: &LogName,
        work: impl Fn(&rusqlite::Transaction<'_>, &LogName) -> Result<index::Position>
        + Send
        + Sync
        + 'static,
    ) -> Result<index::Position> {
        let name = name.clone();
        self.database.write_grouped(move |tx| work(tx, &name))
    }

    /// Sees to it that the log of experiments is known as far as another log takes it for known.
    fn know_experiments(&self, name: &LogName, needed: u64) -> Result<()> {
        let known = || {
            let experiments = &self.experiments.name;
            let position = self.database.read(|tx| index::position(tx, experiments))?;
            Ok::<_, Error>(position.map_or(0, |position| position.at))
        };
        if *name == LogName::Experiments || known()? >= needed {
            return Ok(());
        }
        self.poll(&self.experiments, Due::Now)?;
        if known()? >= needed {
            return Ok(());
        }
        Err(Error::Stored {
            what: "log of tracking",
            reason: format!("`{name}` knows {needed} entries of `experiments`, there are fewer"),
        })
    }
}
