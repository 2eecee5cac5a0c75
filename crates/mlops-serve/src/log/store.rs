//! The tables of the prediction log.
//!
//! Invariant: `user_version` states the layout; a file of an earlier one is brought up to this one in the
//! transaction that finds it, and a file of a later layout is refused and never rewritten. The names of a record's features are stored once and referred to by number.

use std::{path::Path, sync::Arc, time::Duration};

use mlops_core::{EventTime, ModelName, OutcomeRecord, PredictionRecord, Value, VersionNumber};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::{Delivery, JoinedRecord, OutcomeReceipt, codec, row::RawRecord};
use crate::{Error, Result};

/// Marks a SQLite file as a prediction log.
const APPLICATION: i64 = 0x6D6C_6F70;
const LAYOUT: i64 = 2;
/// From each earlier layout to the next one, the first from 1 to 2.
const STEPS: [&str; 1] = ["ALTER TABLE predictions ADD COLUMN outputs TEXT;"];
const SCHEMA: &str = "
    CREATE TABLE feature_names (id INTEGER PRIMARY KEY, names TEXT NOT NULL UNIQUE);
    CREATE TABLE predictions (
        id TEXT NOT NULL UNIQUE,
        time INTEGER NOT NULL,
        model TEXT NOT NULL,
        version INTEGER NOT NULL,
        entity TEXT,
        names INTEGER NOT NULL REFERENCES feature_names (id),
        features TEXT NOT NULL,
        prediction REAL,
        outputs TEXT
    );
    CREATE INDEX predictions_by_time ON predictions (model, time);
    CREATE TABLE outcomes (
        prediction_id TEXT PRIMARY KEY,
        time INTEGER NOT NULL,
        outcome REAL NOT NULL
    ) WITHOUT ROWID;";

/// Which records are asked for; `to` is not part of the window.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) model: ModelName,
    pub(super) version: Option<VersionNumber>,
    pub(super) from: EventTime,
    pub(super) to: EventTime,
}

#[derive(Debug)]
pub(super) struct Store {
    connection: Connection,
    path: Arc<str>,
    /// The names written last, with their number: nearly every record has the same.
    names: Option<(Vec<String>, i64)>,
}

impl Store {
    pub(super) fn open(path: &Path, delivery: Delivery) -> Result<Self> {
        let text: Arc<str> = path.display().to_string().into();
        let fail = |action| {
            let path = text.to_string();
            move |source: rusqlite::Error| Error::Log {
                path,
                action,
                source: source.into(),
            }
        };
        let connection = Connection::open(path).map_err(fail("open"))?;
        connection
            .busy_timeout(Duration::from_secs(10))
            .map_err(fail("open"))?;
        let mut store = Self {
            connection,
            path: text.clone(),
            names: None,
        };
        store.prepare()?;
        let synchronous = match delivery {
            Delivery::BestEffort => "NORMAL",
            Delivery::Durable => "FULL",
        };
        store
            .connection
            .pragma_update(None, "synchronous", synchronous)
            .map_err(fail("set up"))?;
        Ok(store)
    }

    pub(super) fn memory() -> Result<Self> {
        let path: Arc<str> = ":memory:".into();
        let connection = Connection::open_in_memory().map_err(|source| Error::Log {
            path: path.to_string(),
            action: "open",
            source: source.into(),
        })?;
        let mut store = Self {
            connection,
            path,
            names: None,
        };
        store.prepare()?;
        Ok(store)
    }

    /// Creates the tables in an empty file, or checks that they are ours.
    fn prepare(&mut self) -> Result<()> {
        let fail = self.fail("set up");
        let path = self.path.to_string();
        let read = |connection: &Connection, pragma: &str| -> rusqlite::Result<i64> {
            connection.pragma_query_value(None, pragma, |row| row.get(0))
        };
        let tables = |connection: &Connection| -> rusqlite::Result<i64> {
            let sql = "SELECT count(*) FROM sqlite_master";
            connection.query_row(sql, [], |row| row.get(0))
        };
        // the journal mode can only change outside of a transaction, and stays as it is in anybody else's file
        let first = read(&self.connection, "application_id").map_err(&fail)?;
        let empty = first == 0 && tables(&self.connection).map_err(&fail)? == 0;
        if empty || first == APPLICATION {
            self.connection
                .pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
                .map_err(&fail)?;
        }
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(&fail)?;
        let application = read(&transaction, "application_id").map_err(&fail)?;
        let layout = read(&transaction, "user_version").map_err(&fail)?;
        let tables = tables(&transaction).map_err(&fail)?;
        let foreign = |reason: String| Err(Error::ForeignLog { path, reason });
        if application == 0 && layout == 0 && tables == 0 {
            transaction.execute_batch(SCHEMA).map_err(&fail)?;
            transaction
                .pragma_update(None, "application_id", APPLICATION)
                .map_err(&fail)?;
            transaction
                .pragma_update(None, "user_version", LAYOUT)
                .map_err(&fail)?;
        } else if application != APPLICATION {
            return foreign("it is another database".into());
        } else if !(1..=LAYOUT).contains(&layout) {
            return foreign(format!("its layout is {layout}, {LAYOUT} is expected"));
        } else if layout < LAYOUT {
            for (earlier, step) in (1..).zip(STEPS) {
                if earlier >= layout {
                    transaction.execute_batch(step).map_err(&fail)?;
                }
            }
            transaction
                .pragma_update(None, "user_version", LAYOUT)
                .map_err(&fail)?;
        }
        transaction.commit().map_err(&fail)
    }

    pub(super) fn path(&self) -> Arc<str> {
        Arc::clone(&self.path)
    }

    /// Runs some work and commits it, or takes all of it back.
    pub(super) fn transaction(
        &mut self,
        work: impl FnOnce(&mut Work<'_>) -> Result<()>,
    ) -> Result<()> {
        let fail = self.fail("write");
        let mut unit = Work {
            transaction: self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(&fail)?,
            path: &self.path,
            names: &mut self.names,
        };
        let result = work(&mut unit);
        let Work {
            transaction, names, ..
        } = unit;
        let result = result.and_then(|()| transaction.commit().map_err(&fail));
        if result.is_err() {
            // the number may have been taken back with the rest
            *names = None;
        }
        result
    }

    /// The records of a window by time, with their outcomes.
    pub(super) fn window(&self, query: &Query) -> Result<Vec<JoinedRecord>> {
        let fail = self.fail("read");
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT p.id, p.time, p.version, p.entity, n.names, p.features, p.prediction, p.outputs,
                        o.time, o.outcome
                 FROM predictions p JOIN feature_names n ON n.id = p.names
                 LEFT JOIN outcomes o ON o.prediction_id = p.id
                 WHERE p.model = ?1 AND p.time >= ?2 AND p.time < ?3 AND (?4 IS NULL OR p.version = ?4)
                 ORDER BY p.time, p.rowid",
            )
            .map_err(&fail)?;
        let mut rows = statement
            .query(params![
                query.model.as_str(),
                query.from.micros(),
                query.to.micros(),
                query.version
            ])
            .map_err(&fail)?;
        let mut records = Vec::new();
        let mut names: (String, Vec<String>) = Default::default();
        while let Some(row) = rows.next().map_err(&fail)? {
            let id: String = row.get(0).map_err(&fail)?;
            let raw = RawRecord::from_row(row).map_err(&fail)?;
            let record = raw.read(&id, &query.model, &mut names);
            records.push(record.ok_or_else(|| Error::DamagedRecord {
                path: self.path.to_string(),
                id,
            })?);
        }
        Ok(records)
    }

    fn fail(&self, action: &'static str) -> impl Fn(rusqlite::Error) -> Error + 'static {
        let path = Arc::clone(&self.path);
        move |source| Error::Log {
            path: path.to_string(),
            action,
            source: source.into(),
        }
    }

    /// The error again, for each of those who wait for one commit.
    pub(super) fn copy_of(&self, error: &Error) -> Error {
        match error {
            Error::Log {
                path,
                action,
                source,
            } => Error::Log {
                path: path.clone(),
                action,
                source: source.clone(),
            },
            _ => Error::LogStopped {
                path: self.path.to_string(),
            },
        }
    }
}

/// One open transaction.
pub(super) struct Work<'a> {
    transaction: Transaction<'a>,
    path: &'a Arc<str>,
    names: &'a mut Option<(Vec<String>, i64)>,
}

impl Work<'_> {
    pub(super) fn insert(&mut self, record: &PredictionRecord) -> Result<()> {
        self.try_insert(record)
            .map_err(|source| self.failed(source))
    }

    fn try_insert(&mut self, record: &PredictionRecord) -> rusqlite::Result<()> {
        let names = self.number_of(&record.features)?;
        let entity = record
            .key
            .as_ref()
            .map(|key| serde_json::to_string(key).expect("a key is a list of plain values"));
        let outputs: Vec<Value> = record.outputs.iter().map(|x| Value::Float(*x)).collect();
        let outputs = (!outputs.is_empty()).then(|| codec::encode(outputs.iter()));
        self.transaction
            .prepare_cached(
                "INSERT OR IGNORE INTO predictions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                record.id,
                record.time.micros(),
                record.model.as_str(),
                record.version,
                entity,
                names,
                codec::encode(record.features.iter().map(|(_, value)| value)),
                record.prediction,
                outputs,
            ])
            .map(|_| ())
    }

    /// The number under which the names of these features are stored.
    fn number_of(&mut self, features: &[(String, Value)]) -> rusqlite::Result<i64> {
        if let Some((names, number)) = &*self.names
            && names.iter().eq(features.iter().map(|(name, _)| name))
        {
            return Ok(*number);
        }
        let names: Vec<String> = features.iter().map(|(name, _)| name.clone()).collect();
        let text = serde_json::to_string(&names).expect("a list of texts");
        self.transaction
            .prepare_cached("INSERT OR IGNORE INTO feature_names (names) VALUES (?1)")?
            .execute([&text])?;
        let number = self
            .transaction
            .prepare_cached("SELECT id FROM feature_names WHERE names = ?1")?
            .query_row([&text], |row| row.get(0))?;
        *self.names = Some((names, number));
        Ok(number)
    }

    pub(super) fn upsert(&mut self, outcomes: &[OutcomeRecord]) -> Result<OutcomeReceipt> {
        let mut receipt = OutcomeReceipt::default();
        for outcome in outcomes {
            self.try_upsert(outcome, &mut receipt)
                .map_err(|source| self.failed(source))?;
        }
        Ok(receipt)
    }

    fn try_upsert(
        &self,
        new: &OutcomeRecord,
        receipt: &mut OutcomeReceipt,
    ) -> rusqlite::Result<()> {
        let known: Option<(i64, f64)> = self
            .transaction
            .prepare_cached("SELECT time, outcome FROM outcomes WHERE prediction_id = ?1")?
            .query_row([&new.prediction_id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let write = match known {
            None => {
                receipt.stored += 1;
                true
            }
            Some((_, outcome)) if outcome == new.outcome => {
                receipt.unchanged += 1;
                false
            }
            Some((time, _)) if time < new.time.micros() => {
                receipt.corrected += 1;
                true
            }
            Some(_) => {
                receipt.stale += 1;
                false
            }
        };
        if write {
            self.transaction
                .prepare_cached("INSERT OR REPLACE INTO outcomes VALUES (?1, ?2, ?3)")?
                .execute(params![new.prediction_id, new.time.micros(), new.outcome])?;
        }
        let matched = self
            .transaction
            .prepare_cached("SELECT 1 FROM predictions WHERE id = ?1")?
            .exists([&new.prediction_id])?;
        receipt.unmatched += u64::from(!matched);
        Ok(())
    }

    fn failed(&self, source: rusqlite::Error) -> Error {
        Error::Log {
            path: self.path.to_string(),
            action: "write",
            source: source.into(),
        }
    }
}
