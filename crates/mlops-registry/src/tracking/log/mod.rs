//! Runs on an object store: logs at a location, which machines share, and a database that is an index of them.
//!
//! ```text
//! <root>/experiments/          a log of experiments, and of runs and logged models as they are made
//! <root>/runs/<id>/            a log of all that is written to a run after that
//! <root>/logged_models/<id>/   a log of all that is written to a logged model after that
//! ```
//!
//! A write is an op (see `ops/`). It is tried on the index and taken back, appended to its log together with what
//! waits beside it, and then applied to the index like an entry of anybody else. If another has the place, his entry
//! is read and the op is tried anew, so that it is always decided on the state that its entry follows.
//!
//! Invariant: the index holds whole entries of each log from the first on, and how many, in one transaction; so it
//! may be killed, shared by processes and deleted at any time. Invariant: an entry tells how far its writer had read
//! the log of experiments, and is applied by those who have read as far. Invariant: a log that is closed (its run has
//! ended, its model is no longer pending) is written to only after the log of experiments tells that it will be; so
//! a reader asks that one log, those that are open, and those that it tells of, and has seen everything that was
//! acknowledged before it asked. Checkpoints only save reading.

mod commit;
mod entry;
mod follow;
mod index;
mod reach;

use std::{
    collections::BTreeMap,
    fmt,
    str::FromStr,
    sync::{Arc, Mutex},
};

use mlops_core::{Clock, Span};
use mlops_store::{CommitLog, Error as StoreError, Location, Sleeper};
use rusqlite::Transaction;
use serde::{Deserialize, Serialize};

use self::follow::RunLog;
use super::ops::{Mode, Op};
use crate::{
    Error, LoggedModelId, Result, RunId, TrackingError,
    backend::Requests,
    database::{Database, lock},
};

pub(crate) use reach::Reach;

/// How many logs are kept at hand that nobody uses.
const LOGS_KEPT: usize = 512;

/// Which log: its name is its path below the root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum LogName {
    Experiments,
    Run(RunId),
    Model(LoggedModelId),
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Experiments => f.write_str("experiments"),
            Self::Run(id) => write!(f, "runs/{id}"),
            Self::Model(id) => write!(f, "logged_models/{id}"),
        }
    }
}

impl FromStr for LogName {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        match text.split_once('/') {
            None if text == "experiments" => Ok(Self::Experiments),
            Some(("runs", id)) => Ok(Self::Run(id.parse()?)),
            Some(("logged_models", id)) => Ok(Self::Model(id.parse()?)),
            _ => Err(Error::Stored {
                what: "name of a log",
                reason: format!("`{}` is none", crate::error::cut(text)),
            }),
        }
    }
}

impl TryFrom<String> for LogName {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<LogName> for String {
    fn from(name: LogName) -> Self {
        name.to_string()
    }
}

/// Tells, in the log of experiments, that a closed log will have an entry of this number.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Touch {
    pub(super) log: LogName,
    pub(super) entry: u64,
}

impl Op for Touch {
    type Answer = ();

    fn log(&self) -> LogName {
        LogName::Experiments
    }

    fn apply(&self, tx: &Transaction<'_>, _mode: Mode) -> Result<()> {
        index::touch(tx, &self.log, self.entry)
    }
}

/// The logs at a location, and their index.
#[derive(Debug)]
pub(crate) struct RunLogs {
    root: Location,
    database: Arc<Database>,
    experiments: Arc<RunLog>,
    logs: Mutex<BTreeMap<LogName, Arc<RunLog>>>,
    requests: Requests,
    clock: Arc<dyn Clock>,
    /// How long what was read of a log counts as new.
    trust: Span,
}

impl RunLogs {
    /// Makes a database the index of the runs at a location, or goes on where it was.
    pub(crate) fn open(
        root: Location,
        database: Arc<Database>,
        sleeper: Arc<dyn Sleeper>,
        clock: Arc<dyn Clock>,
        trust: Span,
    ) -> Result<Self> {
        let requests = Requests::new(sleeper, &*clock);
        let name = LogName::Experiments;
        let experiments = Arc::new(RunLog::new(&root, name, requests.sleeper())?);
        index::open(&database, &identity(&root), &experiments.log)?;
        Ok(Self {
            root,
            database,
            experiments,
            logs: Mutex::default(),
            requests,
            clock,
            trust,
        })
    }

    fn log(&self, name: &LogName) -> Result<Arc<RunLog>> {
        if *name == LogName::Experiments {
            return Ok(self.experiments.clone());
        }
        let mut logs = lock(&self.logs);
        if let Some(log) = logs.get(name) {
            return Ok(log.clone());
        }
        if logs.len() >= LOGS_KEPT {
            // those that are in use have a second owner
            logs.retain(|_, log| Arc::strong_count(log) > 1);
        }
        let log = RunLog::new(&self.root, name.clone(), self.requests.sleeper())?;
        let log = Arc::new(log);
        logs.insert(name.clone(), log.clone());
        Ok(log)
    }
}

/// What tells a location from another, whatever directory a process is in.
fn identity(root: &Location) -> String {
    let path = root
        .as_path()
        .and_then(|path| std::path::absolute(path).ok());
    let name = path.map_or_else(|| root.url().to_owned(), |path| path.display().to_string());
    name.trim_end_matches('/').to_owned()
}

fn failed(name: &LogName) -> impl Fn(StoreError) -> Error {
    |source| unusable(name, Arc::new(source))
}

fn unusable(name: &LogName, source: Arc<StoreError>) -> Error {
    let log = name.to_string();
    TrackingError::Log { log, source }.into()
}

/// The log of a name below a root.
fn log_at(root: &Location, name: &LogName, sleeper: Arc<dyn Sleeper>) -> Result<CommitLog> {
    let location = root.join(&name.to_string()).map_err(failed(name))?;
    Ok(CommitLog::at(&location).with_sleeper(sleeper))
}
