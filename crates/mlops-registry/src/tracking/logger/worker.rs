//! The thread behind a logger: takes batches from the queue and sees that each becomes durable.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use mlops_core::{ErrorKind, Stopwatch};

use super::{
    LoggerOptions, Shared,
    entry::{Numbered, take},
    journal::Journal,
};
use crate::{Batch, Result, RunId, Tracking, database::lock};

/// What a logger writes to.
pub(super) trait Backend: Send {
    /// Writes a batch, unless one with that number or a greater one was written by the same writer.
    fn write(&self, run: &RunId, writer: &str, sequence: u64, batch: Batch) -> Result<()>;

    /// Says that a run goes on.
    fn beat(&self, run: &RunId) -> Result<()>;
}

impl Backend for Tracking {
    fn write(&self, run: &RunId, writer: &str, sequence: u64, batch: Batch) -> Result<()> {
        self.write_once(run, writer, sequence, batch).map(drop)
    }

    fn beat(&self, run: &RunId) -> Result<()> {
        Tracking::beat(self, run)
    }
}

pub(super) struct Worker<B> {
    shared: Arc<Shared>,
    backend: B,
    run: RunId,
    writer: String,
    sequence: u64,
    journal: Option<Journal>,
    /// What lies in the journal, in order.
    waiting: VecDeque<Numbered>,
    heartbeat: Option<Duration>,
    since_beat: Stopwatch,
    retry: Duration,
    /// Since the backend did not answer, if it did not.
    away: Option<Stopwatch>,
}

/// Counts a try to write what lies in the journal, when it is over.
struct Tried(Arc<Shared>);

impl Drop for Tried {
    fn drop(&mut self) {
        lock(&self.0.state).tries += 1;
        self.0.changed.notify_all();
    }
}

/// What became of a batch at the backend.
enum Outcome {
    Written,
    /// Not now; perhaps later.
    Away(String),
    /// Never.
    Refused(String),
}

impl<B: Backend> Worker<B> {
    pub(super) fn new(
        shared: Arc<Shared>,
        backend: B,
        run: RunId,
        writer: String,
        options: &LoggerOptions,
        journal: Option<Journal>,
        left: Vec<Numbered>,
    ) -> Self {
        Self {
            shared,
            backend,
            run,
            writer,
            sequence: 0,
            journal,
            waiting: left.into(),
            heartbeat: options.heartbeat,
            since_beat: Stopwatch::start(),
            retry: options.retry.max(Duration::from_millis(1)),
            away: None,
        }
    }

    pub(super) fn work(mut self) {
        self.beat();
        loop {
            let (entries, closing) = self.next();
            self.replay(closing);
            if !entries.is_empty() {
                let batch = self.number(entries);
                if !self.settle(batch, closing) {
                    return;
                }
            } else if closing {
                return;
            }
            if self
                .heartbeat
                .is_some_and(|every| self.since_beat.elapsed() >= every)
            {
                self.beat();
            }
        }
    }

    fn number(&mut self, entries: Vec<super::entry::Entry>) -> Numbered {
        self.sequence += 1;
        Numbered {
            run: self.run.clone(),
            writer: self.writer.clone(),
            sequence: self.sequence,
            entries,
        }
    }

    /// Waits for something to do and takes it.
    fn next(&self) -> (Vec<super::entry::Entry>, bool) {
        let mut state = lock(&self.shared.state);
        loop {
            let due = !self.waiting.is_empty() && (state.flushes > 0 || self.is_due());
            let beat = self
                .heartbeat
                .map(|every| every.saturating_sub(self.since_beat.elapsed()));
            if !state.queue.is_empty() || state.closing || due || beat == Some(Duration::ZERO) {
                let entries = take(&mut state.queue);
                let closing = state.closing && entries.is_empty();
                self.shared.changed.notify_all();
                return (entries, closing);
            }
            let retry = (!self.waiting.is_empty()).then_some(self.retry);
            let pause = beat.into_iter().chain(retry).min();
            state = match pause {
                Some(pause) => {
                    self.shared
                        .changed
                        .wait_timeout(state, pause)
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .0
                }
                None => self
                    .shared
                    .changed
                    .wait(state)
                    .unwrap_or_else(std::sync::PoisonError::into_inner),
            };
        }
    }

    /// Whether a backend that was away is to be tried again.
    fn is_due(&self) -> bool {
        self.away
            .as_ref()
            .is_none_or(|away| away.elapsed() >= self.retry)
    }

    /// Writes what lies in the journal to the backend, in order, as far as that takes it.
    fn replay(&mut self, closing: bool) {
        let asked = lock(&self.shared.state).flushes > 0 || closing;
        if self.waiting.is_empty() || !(asked || self.is_due()) {
            return;
        }
        // whoever flushes waits for one try, however it ends
        let _tried = Tried(self.shared.clone());
        while let Some(batch) = self.waiting.front() {
            match self.send(batch) {
                Outcome::Written => {}
                Outcome::Refused(reason) => {
                    let count = batch.entries.len();
                    self.lose(count, reason);
                }
                Outcome::Away(_) => {
                    self.away = Some(Stopwatch::start());
                    return;
                }
            }
            self.waiting.pop_front();
        }
        self.away = None;
        // numbers make a second replay harmless, so that a journal that cannot be emptied is no loss
        if let Some(journal) = &mut self.journal
            && journal.clear().is_ok()
        {
            lock(&self.shared.state).in_journal = false;
        }
    }

    /// Sees that a batch becomes durable or is given up; says whether the thread goes on.
    fn settle(&mut self, batch: Numbered, mut closing: bool) -> bool {
        loop {
            let mut reason = String::new();
            if self.waiting.is_empty() {
                match self.send(&batch) {
                    Outcome::Written => {
                        self.settled(batch.entries.len());
                        return true;
                    }
                    Outcome::Refused(reason) => return self.one_by_one(batch, reason, closing),
                    Outcome::Away(why) => reason = why,
                }
                self.away = Some(Stopwatch::start());
                lock(&self.shared.state).tries += 1;
            }
            if let Some(journal) = &mut self.journal {
                match journal.append(&batch) {
                    Ok(true) => {
                        let count = batch.entries.len();
                        self.waiting.push_back(batch);
                        lock(&self.shared.state).in_journal = true;
                        self.settled(count);
                        return true;
                    }
                    Ok(false) => reason = "the journal has grown to its limit".into(),
                    Err(error) => reason = error.to_string(),
                }
            }
            let mut state = lock(&self.shared.state);
            if closing || state.closing {
                state.lost += batch.entries.len() + state.queue.len();
                return false;
            }
            state.stuck = Some(reason);
            self.shared.changed.notify_all();
            let (state, _) = self
                .shared
                .changed
                .wait_timeout(state, self.retry)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            closing |= state.closing;
            drop(state);
            self.replay(true);
        }
    }

    /// Writes what a refused batch holds one by one, so that one bad entry takes no other with it.
    fn one_by_one(&mut self, batch: Numbered, reason: String, closing: bool) -> bool {
        if batch.entries.len() == 1 {
            self.lose(1, reason);
            self.settled(1);
            return true;
        }
        batch.entries.into_iter().all(|entry| {
            let single = self.number(vec![entry]);
            self.settle(single, closing)
        })
    }

    fn send(&self, batch: &Numbered) -> Outcome {
        let written = self
            .backend
            .write(&batch.run, &batch.writer, batch.sequence, batch.batch());
        match written {
            Ok(()) => Outcome::Written,
            Err(error) => match error.kind() {
                ErrorKind::Unavailable | ErrorKind::Internal | ErrorKind::Corrupt => {
                    Outcome::Away(error.to_string())
                }
                _ => Outcome::Refused(error.to_string()),
            },
        }
    }

    fn settled(&self, entries: usize) {
        let mut state = lock(&self.shared.state);
        state.settled += entries as u64;
        state.stuck = None;
        self.shared.changed.notify_all();
    }

    fn lose(&self, entries: usize, reason: String) {
        let mut state = lock(&self.shared.state);
        state.lost += entries;
        state.reason.get_or_insert(reason);
    }

    /// A heartbeat that fails is the next one's matter.
    fn beat(&mut self) {
        if self.heartbeat.is_some() {
            let _ = self.backend.beat(&self.run);
            self.since_beat = Stopwatch::start();
        }
    }
}
