//! Writing to a log: try on the index, append, apply; and anew if somebody else has the place.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use mlops_store::{Appended, CommitLog, Error as StoreError, RequestId};
use rusqlite::Transaction;
use serde_json::value::RawValue;

use super::{
    LogName, RunLogs, Touch,
    entry::{Entry, Told, telling},
    failed,
    follow::{Due, RunLog},
    index::{self, Position},
    unusable,
};
use crate::{
    Error, Result, TrackingError,
    database::lock,
    group_commit::{Answers, Waiting, in_savepoint},
    tracking::ops::{Mode, Op, Write},
};

/// How often an entry is decided anew because somebody else was faster.
const ATTEMPTS: u32 = 64;
/// The bytes after which no further op comes into an entry.
const ENTRY_BYTES: usize = 4 << 20;
/// Entries after which a log that is open is worth a checkpoint, and one that is closed a further one.
const CHECKPOINT_AFTER: (u64, u64) = (64, 16);
/// The bytes of entries up to which they are put together into a checkpoint: those of some 200,000 runs that are made.
const CHECKPOINT_BYTES: usize = 64 << 20;

/// Somebody's op, and its answer when it has one.
pub(super) trait Job: Waiting {
    /// Tries the op, and keeps the answer to itself.
    fn decide(&self, tx: &Transaction<'_>) -> Decided;
    /// Hands out the answer that was kept.
    fn grant(&self);
}

/// What comes of a try.
pub(super) enum Decided {
    /// This is to be kept.
    Write(Box<Write>),
    /// It is so already.
    Nothing,
    /// It may not be.
    Refused,
}

struct Ticket<O: Op> {
    op: O,
    kept: Mutex<Option<Result<O::Answer>>>,
    answered: AtomicBool,
}

impl<O: Op> Job for Ticket<O> {
    fn decide(&self, tx: &Transaction<'_>) -> Decided {
        let answer = self.op.apply(tx, Mode::Decide);
        let decided = match &answer {
            Ok(answer) => match self.op.settled(answer) {
                Some(write) => Decided::Write(Box::new(write)),
                None => Decided::Nothing,
            },
            Err(_) => Decided::Refused,
        };
        *lock(&self.kept) = Some(answer);
        decided
    }

    fn grant(&self) {
        self.answered.store(true, Ordering::Release);
    }
}

impl<O: Op> Waiting for Ticket<O> {
    fn fail(&self, error: Error) {
        *lock(&self.kept) = Some(Err(error));
        self.grant();
    }

    fn is_settled(&self) -> bool {
        self.answered.load(Ordering::Acquire)
    }
}

/// Why nobody of those who wait is granted anything.
enum Failure {
    Store(Arc<StoreError>),
    Contended,
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// What an entry would hold.
struct Trial {
    /// How many of those who wait were tried.
    count: usize,
    /// Whether one of them was refused.
    refused: bool,
    position: Option<Position>,
    experiments: u64,
    writes: Vec<Write>,
    texts: Vec<Box<RawValue>>,
}

impl RunLogs {
    /// Writes an op to its log and to the index, together with those that wait beside it.
    pub(crate) fn commit<O: Op>(&self, op: O) -> Result<O::Answer> {
        let log = self.log(&op.log())?;
        let ticket = Arc::new(Ticket {
            op,
            kept: Mutex::new(None),
            answered: AtomicBool::new(false),
        });
        let job: Arc<dyn Job> = ticket.clone();
        log.queue.wait_or_lead(&job, |waiting| {
            self.lead(&log, &waiting());
        });
        lock(&ticket.kept).take().unwrap_or(Err(Error::Busy {
            action: "commit with others",
        }))
    }

    fn lead(&self, log: &RunLog, jobs: &[Arc<dyn Job>]) {
        let _answers = Answers(jobs);
        let mut rest = jobs;
        while !rest.is_empty() {
            match self.commit_some(log, rest) {
                Ok(done) => rest = &rest[done..],
                Err(failure) => {
                    fail(rest, &log.name, failure);
                    return;
                }
            }
        }
    }

    /// Commits one entry with as many as it takes, and says how many that are.
    fn commit_some(&self, log: &RunLog, jobs: &[Arc<dyn Job>]) -> Result<usize, Failure> {
        let mut is_new = false;
        for attempt in 0..ATTEMPTS {
            if log.name != LogName::Experiments {
                // what was deleted takes no writes
                self.poll(&self.experiments, Due::AfterAWhile)?;
            }
            let trial = self.database.rehearse(|tx| try_out(tx, log, jobs))?;
            // nobody is refused for what others have changed since
            if trial.refused && !is_new {
                self.poll(log, Due::Now)?;
                is_new = true;
                continue;
            }
            let (Some(position), false) = (trial.position, trial.writes.is_empty()) else {
                grant(&jobs[..trial.count]);
                return Ok(trial.count);
            };
            let number = position.at + 1;
            if !position.open && position.wanted < number {
                self.commit(Touch {
                    log: log.name.clone(),
                    entry: number,
                })?;
            }
            let request = self.requests.next();
            let bytes = telling(trial.experiments, &trial.texts);
            let appended = self
                .requests
                .append(&log.log, position.at, &request, &bytes);
            let appended = match appended {
                Ok(appended) => appended,
                // it is alone in its entry, and the others may fit
                Err(error @ StoreError::TooLarge { .. }) => {
                    let failure = Failure::Store(Arc::new(error));
                    fail(&jobs[..trial.count], &log.name, failure);
                    return Ok(trial.count);
                }
                Err(error) => return Err(Failure::Store(Arc::new(error))),
            };
            if appended == Appended::Won {
                self.have_won(log, number, request, trial.experiments, trial.writes)?;
                grant(&jobs[..trial.count]);
                return Ok(trial.count);
            }
            self.requests.pause(&request, attempt);
            self.poll(log, Due::Now)?;
            is_new = true;
        }
        Err(Failure::Contended)
    }

    /// Applies an entry of our own.
    fn have_won(
        &self,
        log: &RunLog,
        number: u64,
        request: RequestId,
        experiments: u64,
        writes: Vec<Write>,
    ) -> Result<()> {
        let told = Told::of(experiments, writes);
        let entry = Entry {
            number,
            request,
            told,
        };
        let position = self.apply(&log.name, vec![entry])?;
        if is_worth_a_checkpoint(&log.name, position) {
            // one that fails, or does not fit, is made good by the next, and that is as far off as ever
            let _ = checkpoint(log, position);
            self.database
                .write(|tx| index::checkpointed(tx, &log.name, position.at))?;
        }
        Ok(())
    }
}

/// Puts the entries up to a position together.
fn checkpoint(log: &RunLog, position: Position) -> Result<()> {
    let name = &log.name;
    let last = match position.checkpoint {
        0 => None,
        _ => log.log.latest_checkpoint().map_err(failed(name))?,
    };
    let (mut at, mut bytes, mut all) = (0, 0, Told::of(0, Vec::new()));
    if let Some(last) = last {
        at = last.number;
        bytes = last.bytes.len();
        all = Told::read(name, last.number, &last.bytes)?;
    }
    while at < position.at && bytes < CHECKPOINT_BYTES {
        let entries = log.log.read(at + 1..=position.at).map_err(failed(name))?;
        let Some(newest) = entries.last() else { break };
        at = newest.number;
        for entry in &entries {
            bytes += entry.bytes.len();
            all.then(Told::read(name, entry.number, &entry.bytes)?);
        }
    }
    if at != position.at || bytes as u64 > CommitLog::MAX_CHECKPOINT {
        return Ok(());
    }
    let written = log.log.checkpoint(at, &all.checkpoint());
    written.map_err(failed(name))
}

fn is_worth_a_checkpoint(name: &LogName, position: Position) -> bool {
    let new = position.at.saturating_sub(position.checkpoint);
    let (open, closed) = CHECKPOINT_AFTER;
    if *name == LogName::Experiments || position.open {
        // each is larger than the last by a quarter, so that all together are a few times the last
        new >= open.max(position.checkpoint / 4)
    } else {
        position.checkpoint == 0 || new >= closed.max(position.checkpoint / 4)
    }
}

/// Tries ops one after the other; the caller takes the transaction back.
fn try_out(tx: &Transaction<'_>, log: &RunLog, jobs: &[Arc<dyn Job>]) -> Result<Trial> {
    let at = |name| Ok::<_, Error>(index::position(tx, name)?.map_or(0, |position| position.at));
    let mut trial = Trial {
        count: 0,
        refused: false,
        position: index::position(tx, &log.name)?,
        experiments: at(&LogName::Experiments)?,
        writes: Vec::new(),
        texts: Vec::new(),
    };
    let mut bytes = 0;
    for job in jobs {
        let mut full = false;
        in_savepoint(tx, || match job.decide(tx) {
            Decided::Refused => {
                trial.refused = true;
                false
            }
            Decided::Nothing => true,
            Decided::Write(write) => {
                let text = serde_json::value::to_raw_value(&write).expect("writes are JSON");
                bytes += text.get().len();
                full = !trial.texts.is_empty() && bytes > ENTRY_BYTES;
                if !full {
                    trial.writes.push(*write);
                    trial.texts.push(text);
                }
                !full
            }
        })?;
        if full {
            break;
        }
        trial.count += 1;
    }
    Ok(trial)
}

fn grant(jobs: &[Arc<dyn Job>]) {
    for job in jobs {
        job.grant();
    }
}

fn fail(jobs: &[Arc<dyn Job>], name: &LogName, failure: Failure) {
    let mut first = match failure {
        Failure::Store(source) => {
            for job in jobs {
                job.fail(unusable(name, source.clone()));
            }
            return;
        }
        Failure::Contended => None,
        Failure::Other(error) => Some(error),
    };
    let contended = first.is_none();
    for job in jobs {
        let rest = if contended {
            let (log, attempts) = (name.to_string(), ATTEMPTS);
            TrackingError::Contended { log, attempts }.into()
        } else {
            Error::Busy {
                action: "commit with others",
            }
        };
        job.fail(first.take().unwrap_or(rest));
    }
}
