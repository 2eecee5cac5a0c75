//! The connection that writes, and how what it commits reaches the disk.
//!
//! SQLite flushes with `fsync`, which waits for the time stamps of the file as well. Where a commit has to survive a
//! power cut, the log is flushed here instead, by `fdatasync` right after SQLite's own commit: the same bytes are
//! on the disk before anybody is told. What is committed can be read a moment before that, so that what
//! decides which model serves is left to SQLite's own flush.

use std::{ffi::OsString, fs::File, io, path::PathBuf, sync::Arc};

use rusqlite::{Connection, MAIN_DB, Transaction, TransactionBehavior, wal::CheckpointMode};

use crate::{Durability, Error, Result, checkpoint::LogState, error::During};

/// How much of the log's file is kept for the next round, in bytes: new space costs more than old.
const LOG_KEPT: i64 = 32 << 20;

#[derive(Debug)]
pub(crate) struct Writer {
    connection: Connection,
    log: Arc<LogState>,
    flush: Flush,
    /// A flush failed: what the log holds may never reach the disk.
    doubtful: bool,
}

/// Who brings what was committed to the disk.
#[derive(Debug)]
enum Flush {
    /// The system, at its leisure.
    System,
    /// SQLite, at each commit.
    Sqlite,
    /// The writer, at each commit.
    Writer { log: File, path: PathBuf },
}

impl Writer {
    /// The writer of a database in memory.
    pub(crate) fn memory(connection: Connection) -> Self {
        Self {
            connection,
            log: Arc::default(),
            flush: Flush::System,
            doubtful: false,
        }
    }

    /// The writer of a database in a file, with a write-ahead log if its file system can have one.
    pub(crate) fn file(mut connection: Connection, durability: Durability) -> Result<Self> {
        let preparing = "prepare the write-ahead log";
        connection
            .pragma_update(None, "journal_size_limit", LOG_KEPT)
            .during(preparing)?;
        let log = Arc::new(LogState::default());
        let watching = log.clone();
        // it replaces SQLite's own hook, which copies the log while the writer waits
        connection
            .wal_hook(Some(move |_: &mut _, pages: i32| {
                watching.committed(pages.unsigned_abs());
                Ok(())
            }))
            .during(preparing)?;
        let flush = match durability {
            Durability::Full => {
                let mut path = OsString::from(connection.path().unwrap_or_default());
                path.push("-wal");
                let path = PathBuf::from(path);
                match File::open(&path) {
                    Ok(log) => Flush::Writer { log, path },
                    Err(_) => Flush::Sqlite,
                }
            }
            Durability::Normal => Flush::System,
        };
        synchronous(&connection, matches!(flush, Flush::Sqlite))?;
        Ok(Self {
            connection,
            log,
            flush,
            doubtful: false,
        })
    }

    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    pub(crate) fn log(&self) -> &Arc<LogState> {
        &self.log
    }

    /// Writes all or nothing, as durably as the database was opened. [`Error::Flush`] says that all was written,
    /// and may not survive a power cut.
    pub(crate) fn commit<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        let output = immediately(&mut self.connection, work)?;
        let written = self.log.take_written();
        if let Flush::Writer { log, path } = &self.flush {
            if self.doubtful {
                self.settle()?;
            } else if written && let Err(source) = log.sync_data() {
                self.doubtful = true;
                return Err(Error::Flush {
                    path: path.clone(),
                    source,
                });
            }
        }
        Ok(output)
    }

    /// Writes all or nothing, and through a power cut; nobody reads it before it would survive one.
    pub(crate) fn commit_durably<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        self.settle()?;
        if matches!(self.flush, Flush::Sqlite) {
            return immediately(&mut self.connection, work);
        }
        synchronous(&self.connection, true)?;
        let output = immediately(&mut self.connection, work);
        synchronous(&self.connection, false)?;
        output
    }

    /// Writes, looks at what comes of it, and takes it all back.
    pub(crate) fn rehearse<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        let tx = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .during("begin to rehearse")?;
        let output = work(&tx)?;
        tx.rollback().during("take a rehearsal back")?;
        Ok(output)
    }

    /// Moves what a failed flush left in doubt into the database: the system may have given up on those bytes, and
    /// a later flush of the same file would not tell.
    fn settle(&mut self) -> Result<()> {
        if let (true, Flush::Writer { path, .. }) = (self.doubtful, &self.flush) {
            self.connection
                .wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::TRUNCATE)
                .map_err(|error| Error::Flush {
                    path: path.clone(),
                    source: io::Error::other(error),
                })?;
            self.doubtful = false;
        }
        Ok(())
    }
}

/// Runs one transaction that is alone from its beginning.
pub(crate) fn immediately<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T>,
) -> Result<T> {
    let tx = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .during("begin to write")?;
    let output = work(&tx)?;
    tx.commit().during("commit")?;
    Ok(output)
}

/// Whether SQLite flushes each commit, or only what keeps the database whole.
fn synchronous(connection: &Connection, each: bool) -> Result<()> {
    connection
        .pragma_update(None, "synchronous", if each { "FULL" } else { "NORMAL" })
        .during("set the durability")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer(directory: &tempfile::TempDir, durability: Durability) -> Writer {
        let connection = Connection::open(directory.path().join("writer.db")).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER)")
            .unwrap();
        Writer::file(connection, durability).unwrap()
    }

    fn insert(tx: &Transaction<'_>) -> Result<()> {
        tx.execute("INSERT INTO t VALUES (1)", [])
            .during("insert")
            .map(drop)
    }

    #[test]
    fn commits_are_flushed_by_the_writer_or_left_to_the_system() {
        let directory = tempfile::tempdir().unwrap();
        for (durability, ours) in [(Durability::Full, true), (Durability::Normal, false)] {
            let mut writer = writer(&directory, durability);
            assert_eq!(matches!(writer.flush, Flush::Writer { .. }), ours);
            let level = |writer: &Writer| -> i64 {
                writer
                    .connection
                    .pragma_query_value(None, "synchronous", |row| row.get(0))
                    .unwrap()
            };
            writer.commit_durably(insert).unwrap();
            // what keeps the database whole is SQLite's to flush all the time
            assert_eq!(level(&writer), 1);
            drop(writer);
            std::fs::remove_file(directory.path().join("writer.db")).unwrap();
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_flush_that_fails_is_told_and_the_next_write_makes_it_good() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = writer(&directory, Durability::Full);
        let Flush::Writer { log, .. } = &mut writer.flush else {
            panic!("the writer flushes");
        };
        // a device that cannot be flushed
        let good = std::mem::replace(log, File::open("/dev/null").unwrap());
        let error = writer.commit(insert).unwrap_err();
        assert!(
            matches!(&error, Error::Flush { path, .. } if path.ends_with("writer.db-wal")),
            "{error}"
        );
        assert!(writer.doubtful);
        let reader = Connection::open(directory.path().join("writer.db")).unwrap();
        let count = || -> i64 {
            let count = reader.query_row("SELECT count(*) FROM t", [], |row| row.get(0));
            count.unwrap()
        };
        assert_eq!(count(), 1);
        // nothing is written, but what was written before is made good
        writer.commit(|_| Ok(())).unwrap();
        assert!(!writer.doubtful);
        let log = directory.path().join("writer.db-wal");
        assert_eq!(std::fs::metadata(log).unwrap().len(), 0);
        if let Flush::Writer { log, .. } = &mut writer.flush {
            *log = good;
        }
        writer.commit(insert).unwrap();
        assert_eq!(count(), 2);
    }
}
