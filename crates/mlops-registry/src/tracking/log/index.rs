//! The index: how far each log was read, beside what it says, in one database.
//!
//! A log is settled when nothing more is expected of it: it is closed, and read as far as the log of experiments says
//! that it was written to.

use mlops_store::{CommitLog, Error as StoreError};
use rusqlite::{OptionalExtension, Transaction, params};

use super::{
    LogName,
    entry::{Entry, FORMAT, Told},
    failed,
};
use crate::{
    Error, LoggedModelId, Result, RunId, TrackingError,
    database::Database,
    error::{During, stored},
    tracking::ops::Write,
};

const FOLLOWING: &str = "note how far a log was read";

/// Only an index has these tables, so that they are no part of the schema of registries.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS log_index (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    location TEXT NOT NULL,
    format INTEGER NOT NULL,
    first_request TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS log_position (
    log TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    wanted INTEGER NOT NULL,
    open INTEGER NOT NULL CHECK (open IN (0, 1)),
    checkpoint INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS log_unsettled ON log_position (log) WHERE open = 1 OR at < wanted;
";

/// What a log says, child tables first, and the experiment that is always there.
const WIPE: &str = "
DELETE FROM logged_model_metric;
DELETE FROM logged_model_param;
DELETE FROM logged_model_tag;
DELETE FROM logged_model_artifact;
DELETE FROM logged_model;
DELETE FROM run_model_input;
DELETE FROM run_output;
DELETE FROM run_input_tag;
DELETE FROM run_input;
DELETE FROM dataset;
DELETE FROM batch_writer;
DELETE FROM metric_point;
DELETE FROM metric_latest;
DELETE FROM param;
DELETE FROM tag;
DELETE FROM run_artifact;
DELETE FROM run;
DELETE FROM metric_key;
DELETE FROM experiment_tag;
DELETE FROM experiment;
INSERT INTO experiment (id, name, created_us, created_by, updated_us)
    VALUES (0, 'Default', 0, 'mlops', 0);
DELETE FROM log_position;
INSERT INTO log_position (log, at, wanted, open, checkpoint) VALUES ('experiments', 0, 0, 1, 0);
";

/// How far a log was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// The last entry that was applied.
    pub(super) at: u64,
    /// The last entry that the log of experiments tells of.
    pub(super) wanted: u64,
    /// Whether it may be written to without a word in the log of experiments.
    pub(super) open: bool,
    /// The last entry that a checkpoint was read or tried of.
    pub(super) checkpoint: u64,
}

impl Position {
    pub(super) fn is_settled(self) -> bool {
        !self.open && self.at >= self.wanted
    }
}

/// Makes a database the index of a location, or finds that it is. One that leads to another history is emptied.
pub(super) fn open(database: &Database, location: &str, experiments: &CommitLog) -> Result<()> {
    let refuse = |reason| {
        Err(TrackingError::NotAnIndex {
            location: location.to_owned(),
            reason,
        }
        .into())
    };
    let opening = "open the index of runs";
    let (first, at) = database.write(|tx| {
        tx.execute_batch(TABLES).during(opening)?;
        let found: Option<(String, u32, Option<String>)> = tx
            .query_row(
                "SELECT location, format, first_request FROM log_index",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .optional()
            .during(opening)?;
        match found {
            None => {
                let own: bool = tx
                    .query_row(
                        "SELECT EXISTS (SELECT 1 FROM run) OR EXISTS (SELECT 1 FROM logged_model)
                            OR EXISTS (SELECT 1 FROM experiment WHERE id <> 0)
                            OR EXISTS (SELECT 1 FROM model)",
                        [],
                        |row| row.get(0),
                    )
                    .during(opening)?;
                if own {
                    return refuse("it holds experiments, runs or models of its own");
                }
                tx.execute_batch(WIPE).during(opening)?;
                tx.execute(
                    "INSERT INTO log_index (id, location, format) VALUES (1, ?1, ?2)",
                    params![location, FORMAT],
                )
                .during(opening)?;
                Ok((None, 0))
            }
            Some((other, ..)) if other != location => refuse("it is that of another location"),
            Some((_, FORMAT, first)) => {
                let at = position(tx, &LogName::Experiments)?.map_or(0, |position| position.at);
                Ok((first, at))
            }
            Some(_) => {
                tx.execute_batch(WIPE).during(opening)?;
                tx.execute("UPDATE log_index SET format = ?1", [FORMAT])
                    .during(opening)?;
                Ok((None, 0))
            }
        }
    })?;
    let entry = |number| -> Result<_> {
        match experiments.read(number..=number) {
            Ok(entries) => Ok(entries.into_iter().next()),
            Err(StoreError::LogFolded { .. }) => Ok(None),
            Err(error) => Err(failed(&LogName::Experiments)(error)),
        }
    };
    let actual = entry(1)?.map(|entry| entry.request.to_string());
    let same = at == 0 || (first == actual && entry(at)?.is_some());
    if same && first == actual {
        return Ok(());
    }
    database.write(|tx| {
        if !same {
            tx.execute_batch(WIPE).during(opening)?;
        }
        tx.execute("UPDATE log_index SET first_request = ?1", [&actual])
            .during(opening)?;
        Ok(())
    })
}

pub(super) fn position(tx: &Transaction<'_>, log: &LogName) -> Result<Option<Position>> {
    let number = |number: i64| u64::try_from(number).unwrap_or(0);
    tx.prepare_cached("SELECT at, wanted, open, checkpoint FROM log_position WHERE log = ?1")
        .during(FOLLOWING)?
        .query_row([log.to_string()], |row| {
            Ok(Position {
                at: number(row.get(0)?),
                wanted: number(row.get(1)?),
                open: row.get(2)?,
                checkpoint: number(row.get(3)?),
            })
        })
        .optional()
        .during(FOLLOWING)
}

/// The logs of runs and logged models that are not settled.
pub(super) fn unsettled(tx: &Transaction<'_>) -> Result<Vec<LogName>> {
    tx.prepare_cached(
        "SELECT log FROM log_position WHERE (open = 1 OR at < wanted) AND log <> 'experiments'",
    )
    .during(FOLLOWING)?
    .query_map([], |row| row.get::<_, String>(0))
    .during(FOLLOWING)?
    .map(|log| log.during(FOLLOWING)?.parse())
    .collect()
}

/// The run that made a logged model, if it is known.
pub(super) fn source_run(tx: &Transaction<'_>, id: &LoggedModelId) -> Result<Option<RunId>> {
    let looking = "look up a logged model";
    let run: Option<Option<String>> = tx
        .prepare_cached("SELECT source_run FROM logged_model WHERE uid = ?1")
        .during(looking)?
        .query_row([id.as_str()], |row| row.get(0))
        .optional()
        .during(looking)?;
    stored("run", run.flatten().map(|run| run.parse()).transpose())
}

/// Notes that a log will have an entry of a number.
pub(super) fn touch(tx: &Transaction<'_>, log: &LogName, entry: u64) -> Result<()> {
    tx.prepare_cached("UPDATE log_position SET wanted = max(wanted, ?2) WHERE log = ?1")
        .during(FOLLOWING)?
        .execute(params![log.to_string(), whole(entry)])
        .during(FOLLOWING)?;
    Ok(())
}

/// Notes that a checkpoint was read or tried.
pub(super) fn checkpointed(tx: &Transaction<'_>, log: &LogName, number: u64) -> Result<()> {
    tx.prepare_cached("UPDATE log_position SET checkpoint = max(checkpoint, ?2) WHERE log = ?1")
        .during(FOLLOWING)?
        .execute(params![log.to_string(), whole(number)])
        .during(FOLLOWING)?;
    Ok(())
}

/// Applies the entries that follow what was applied; the others were applied by somebody else meanwhile.
pub(super) fn apply(tx: &Transaction<'_>, log: &LogName, entries: &[Entry]) -> Result<Position> {
    let mut at = known(tx, log)?.at;
    for entry in entries {
        if entry.number != at + 1 {
            continue;
        }
        replay(tx, log, entry.number, &entry.told)?;
        at = entry.number;
        if *log == LogName::Experiments && at == 1 {
            tx.execute(
                "UPDATE log_index SET first_request = ?1",
                [entry.request.as_str()],
            )
            .during(FOLLOWING)?;
        }
    }
    settle(tx, log, at)
}

/// Applies a checkpoint, if nothing of the log was applied yet.
pub(super) fn begin(
    tx: &Transaction<'_>,
    log: &LogName,
    number: u64,
    told: &Told,
) -> Result<Position> {
    let mut at = known(tx, log)?.at;
    if at == 0 {
        replay(tx, log, number, told)?;
        at = number;
    }
    checkpointed(tx, log, number)?;
    settle(tx, log, at)
}

fn known(tx: &Transaction<'_>, log: &LogName) -> Result<Position> {
    position(tx, log)?.ok_or_else(|| Error::Stored {
        what: "log of tracking",
        reason: format!("`{log}` is not known to `experiments`"),
    })
}

fn replay(tx: &Transaction<'_>, log: &LogName, number: u64, told: &Told) -> Result<()> {
    for write in &told.writes {
        write.replay(tx).map_err(|error| match error {
            error @ (Error::Busy { .. } | Error::Database { .. } | Error::Stored { .. }) => error,
            error => Error::Stored {
                what: "log of tracking",
                reason: format!("entry {number} of `{log}` does not follow: {error}"),
            },
        })?;
        let made = match write {
            Write::CreateRun(run) => run.id.clone().map(LogName::Run),
            Write::StartRun(run) => run.id.clone().map(LogName::Run),
            Write::CreateModel(model) => model.id.clone().map(LogName::Model),
            _ => None,
        };
        if let Some(made) = made {
            tx.prepare_cached(
                "INSERT INTO log_position (log, at, wanted, open, checkpoint)
                 VALUES (?1, 0, 0, 1, 0)",
            )
            .during(FOLLOWING)?
            .execute([made.to_string()])
            .during(FOLLOWING)?;
        }
    }
    Ok(())
}

/// Notes how far a log was applied, and whether it is open.
fn settle(tx: &Transaction<'_>, log: &LogName, at: u64) -> Result<Position> {
    let open: bool = match log {
        LogName::Experiments => true,
        LogName::Run(id) => tx
            .prepare_cached("SELECT status IN ('running', 'scheduled') FROM run WHERE uid = ?1")
            .during(FOLLOWING)?
            .query_row([id.as_str()], |row| row.get(0))
            .during(FOLLOWING)?,
        LogName::Model(id) => tx
            .prepare_cached("SELECT status = 'pending' FROM logged_model WHERE uid = ?1")
            .during(FOLLOWING)?
            .query_row([id.as_str()], |row| row.get(0))
            .during(FOLLOWING)?,
    };
    tx.prepare_cached("UPDATE log_position SET at = ?2, open = ?3 WHERE log = ?1")
        .during(FOLLOWING)?
        .execute(params![log.to_string(), whole(at), open])
        .during(FOLLOWING)?;
    known(tx, log)
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
