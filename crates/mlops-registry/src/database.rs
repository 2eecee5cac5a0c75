//! Connections: one that writes, a few that read, and the pragmas that make them safe.
//!
//! Callers that write small things at the same time share one transaction; see `group_commit.rs`. How that reaches
//! the disk stands in `writer.rs`, how the write-ahead log is kept short in `checkpoint.rs`.
//!
//! Invariant: every write is one `BEGIN IMMEDIATE` transaction, so that what it reads is what it
//! commits against, in this process and in all others. Invariant: every read is one transaction, so
//! that it sees one state. The write-ahead log lets readers go on while somebody writes.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use mlops_core::EventTime;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction};

use crate::{
    Durability, Error, Result,
    checkpoint::Checkpointer,
    error::{DatabaseError, During},
    group_commit::{Queue, Ticket},
    schema,
    writer::{Writer, immediately},
};

/// How often a call looks again whether another process still writes: for half a minute.
const BUSY_ATTEMPTS: i32 = 20_000;
/// How often a journal mode is asked for before it counts as busy: SQLite does not wait there itself.
const JOURNAL_ATTEMPTS: u32 = 200;
const READERS_KEPT: usize = 8;
/// How much a connection keeps in memory at most, in KiB: the indexes that a search over 100,000 runs scans.
const CACHE_KIB: i64 = 24 * 1024;

#[derive(Debug)]
pub(crate) struct Database {
    writer: Arc<Mutex<Writer>>,
    queue: Queue,
    readers: Mutex<Vec<Connection>>,
    /// `None` in memory, where a second connection would see another database.
    file: Option<(PathBuf, Checkpointer)>,
}

impl Database {
    pub(crate) fn memory(now: EventTime) -> Result<Self> {
        let mut writer = Connection::open_in_memory().during("open a database in memory")?;
        prepare(&mut writer)?;
        migrate(&mut writer, Path::new(":memory:"), now)?;
        Ok(Self {
            writer: Arc::new(Mutex::new(Writer::memory(writer))),
            queue: Queue::default(),
            readers: Mutex::default(),
            file: None,
        })
    }

    pub(crate) fn file(path: &Path, durability: Durability, now: EventTime) -> Result<Self> {
        let mut writer = connect(path)?;
        let current = deferred(&mut writer, |tx| schema::is_current(tx, path));
        let current = current.map_err(|error| match error {
            Error::Database { ref source, .. } if source.is_foreign() => Error::NotARegistry {
                path: path.to_owned(),
                reason: "it is no SQLite database",
            },
            error => error,
        })?;
        write_ahead(&writer)?;
        if !current {
            migrate(&mut writer, path, now)?;
        }
        enlarge_cache(&writer)?;
        let writer = Writer::file(writer, durability)?;
        let log = writer.log().clone();
        let writer = Arc::new(Mutex::new(writer));
        let checkpointer = Checkpointer::new(path, &writer, log);
        Ok(Self {
            writer,
            queue: Queue::default(),
            readers: Mutex::default(),
            file: Some((path.to_owned(), checkpointer)),
        })
    }

    /// Reads one state of the database.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let Some((path, _)) = &self.file else {
            return deferred(lock(&self.writer).connection(), work);
        };
        let pooled = lock(&self.readers).pop();
        let mut reader = if let Some(reader) = pooled {
            reader
        } else {
            let reader = connect(path)?;
            enlarge_cache(&reader)?;
            reader
        };
        let output = deferred(&mut reader, work);
        let mut readers = lock(&self.readers);
        if readers.len() < READERS_KEPT {
            readers.push(reader);
        }
        output
    }

    /// Writes all or nothing, as durably as the registry was opened.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let output = lock(&self.writer).commit(work);
        self.tend();
        output
    }

    /// Writes all or nothing, in one transaction with what others write at the same moment. The work
    /// may run twice: once with the others and, if that transaction fails, once more alone.
    pub(crate) fn write_grouped<T: Send + 'static>(
        &self,
        work: impl Fn(&Transaction<'_>) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        let ticket = Arc::new(Ticket::new(work));
        self.queue.commit(ticket.clone(), || lock(&self.writer));
        self.tend();
        ticket.answer()
    }

    /// Writes, looks at what comes of it, and takes it all back.
    pub(crate) fn rehearse<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        lock(&self.writer).rehearse(work)
    }

    /// Writes all or nothing, and through a power cut: for what decides which model serves.
    pub(crate) fn write_durably<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        let output = lock(&self.writer).commit_durably(work);
        self.tend();
        output
    }

    /// How long the log was after the last commit.
    #[cfg(test)]
    pub(crate) fn log_pages(&self) -> u32 {
        lock(&self.writer).log().pages()
    }

    /// Has the log shortened, beside the writers, where it has grown long.
    fn tend(&self) {
        if let Some((_, checkpointer)) = &self.file {
            checkpointer.tend();
        }
    }

    /// Moves all that is in the write-ahead log to the file and empties the log, unless others still read it.
    pub(crate) fn empty_log(&self) -> Result<()> {
        lock(&self.writer)
            .connection()
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .during("empty the write-ahead log")
    }
}

/// A panic in the middle of a transaction rolled it back; the connection is as good as before.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn deferred<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T>,
) -> Result<T> {
    let tx = connection.transaction().during("begin to read")?;
    let output = work(&tx)?;
    tx.finish().during("end reading")?;
    Ok(output)
}

pub(crate) fn connect(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|error| Error::Open {
        path: path.to_owned(),
        source: DatabaseError::new(error),
    })?;
    prepare(&mut connection)?;
    Ok(connection)
}

fn prepare(connection: &mut Connection) -> Result<()> {
    let preparing = "prepare the connection";
    // SQLite's own waits grow to a tenth of a second, in which many writers starve one
    connection
        .busy_handler(Some(|attempt: i32| {
            thread::sleep(Duration::from_micros(
                400 + 300 * u64::from(attempt.unsigned_abs() % 7),
            ));
            attempt < BUSY_ATTEMPTS
        }))
        .during(preparing)?;
    connection.set_prepared_statement_cache_capacity(128);
    for (pragma, value) in [("foreign_keys", true), ("trusted_schema", false)] {
        connection
            .pragma_update(None, pragma, value)
            .during(preparing)?;
    }
    Ok(())
}

/// Lets a connection keep more in memory. It reads the file, which must be known to be a registry.
fn enlarge_cache(connection: &Connection) -> Result<()> {
    // negative means KiB, positive would mean pages
    connection
        .pragma_update(None, "cache_size", -CACHE_KIB)
        .during("prepare the connection")
}

/// Brings the tables up to date; references are checked at the end and not in between.
fn migrate(connection: &mut Connection, path: &Path, now: EventTime) -> Result<()> {
    let foreign_keys = |connection: &Connection, value: bool| {
        connection
            .pragma_update(None, "foreign_keys", value)
            .during("migrate the database")
    };
    foreign_keys(connection, false)?;
    immediately(connection, |tx| schema::migrate(tx, path, now))?;
    foreign_keys(connection, true)
}

/// Switches to the write-ahead log. SQLite answers busy at once when others open the file too.
fn write_ahead(connection: &Connection) -> Result<()> {
    let switching = "switch to the write-ahead log";
    for attempt in 1.. {
        let answer = connection.query_row("PRAGMA journal_mode = WAL", [], |row| {
            row.get::<_, String>(0)
        });
        match answer {
            Ok(mode) if mode.eq_ignore_ascii_case("wal") => break,
            // a file system without shared memory keeps its old mode, which is safe and slower
            Ok(_) => break,
            Err(error) => {
                let busy = matches!(
                    error.sqlite_error_code(),
                    Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
                );
                if !busy || attempt >= JOURNAL_ATTEMPTS {
                    return Err(error).during(switching);
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
    Ok(())
}
