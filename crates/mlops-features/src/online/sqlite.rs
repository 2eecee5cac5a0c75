//! An online store in a SQLite file: durable, on one machine, shared by its processes.
//!
//! One table, clustered by (table, key), in write-ahead mode: readers never wait for the writer. A call
//! to `update` is one immediate transaction, so that here a whole call is atomic and not only each key.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::{
    StoreKey,
    store::{Change, Decide, Found, OnlineStore, TableId},
};
use crate::{Error, Result};

/// How long a writer waits for another process.
const BUSY: Duration = Duration::from_secs(10);
/// "mlon" in the header of the file, so that no other program's file is taken for a store.
const APPLICATION: i32 = 0x6d6c_6f6e;
const VERSION: i32 = 1;
/// Idle readers that are kept for the next read.
const IDLE: usize = 16;

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS state (
    tab TEXT NOT NULL, key BLOB NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (tab, key)) STRICT, WITHOUT ROWID";
const SELECT: &str = "SELECT bytes FROM state WHERE tab = ?1 AND key = ?2";
const UPSERT: &str = "INSERT INTO state (tab, key, bytes) VALUES (?1, ?2, ?3)
    ON CONFLICT (tab, key) DO UPDATE SET bytes = excluded.bytes";

/// What a crash may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SqliteSync {
    /// Nothing that was written: each call waits for the disk, which on an SSD costs a tenth of a millisecond
    /// to a few.
    #[default]
    Full,
    /// Nothing if the process dies; the last calls if the machine does. No call waits for the disk. The
    /// file is whole in either case.
    Normal,
}

/// States in a SQLite file; a clone shares the connections.
///
/// ```
/// # fn main() -> mlops_features::Result<()> {
/// use mlops_features::online::{OnlineStore, SqliteStore, SqliteSync};
///
/// # let dir = tempfile::tempdir().unwrap();
/// let store = SqliteStore::open(dir.path().join("online.db"), SqliteSync::Normal)?;
/// assert!(store.is_durable());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteStore(Arc<Inner>);

struct Inner {
    path: PathBuf,
    writer: Mutex<Connection>,
    idle: Mutex<Vec<Connection>>,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SqliteStore({})", self.0.path.display())
    }
}

impl SqliteStore {
    /// Opens a file, and makes it if it is not there.
    ///
    /// # Errors
    /// [`Error::OnlineStore`] if the file cannot be opened, belongs to another program or has a newer
    /// version.
    pub fn open(path: impl AsRef<Path>, sync: SqliteSync) -> Result<Self> {
        let path = path.as_ref();
        let shown = path.display().to_string();
        let failed = failed("open", &shown);
        let writer = Connection::open(path).map_err(&failed)?;
        writer.busy_timeout(BUSY).map_err(&failed)?;
        let pragma = |name: &str| writer.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        let (application, version) = (
            pragma("application_id").map_err(&failed)?,
            pragma("user_version").map_err(&failed)?,
        );
        let fresh = (application, version) == (0, 0) && is_empty(&writer).map_err(&failed)?;
        if !fresh && (application, version) != (APPLICATION, VERSION) {
            return Err(Error::OnlineStore {
                store: "SQLite",
                action: "open",
                table: path.display().to_string(),
                reason: format!(
                    "it is no online store of version {VERSION}: application {application:#x}, version {version}"
                ),
            });
        }
        let mode: String = writer
            .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
            .map_err(&failed)?;
        debug_assert!(mode == "wal" || mode == "memory", "{mode}");
        let level = match sync {
            SqliteSync::Full => "FULL",
            SqliteSync::Normal => "NORMAL",
        };
        writer
            .pragma_update(None, "synchronous", level)
            .map_err(&failed)?;
        writer.execute_batch(SCHEMA).map_err(&failed)?;
        writer
            .pragma_update(None, "application_id", APPLICATION)
            .map_err(&failed)?;
        writer
            .pragma_update(None, "user_version", VERSION)
            .map_err(&failed)?;
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            writer: Mutex::new(writer),
            idle: Mutex::default(),
        })))
    }

    fn reader(&self) -> rusqlite::Result<Connection> {
        let idle = self
            .0
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        if let Some(reader) = idle {
            return Ok(reader);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let reader = Connection::open_with_flags(&self.0.path, flags)?;
        reader.busy_timeout(BUSY)?;
        reader.pragma_update(None, "mmap_size", 256_i64 << 20)?;
        Ok(reader)
    }

    fn give_back(&self, reader: Connection) {
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(reader);
        }
    }

    fn write<T>(
        &self,
        action: &'static str,
        table: &TableId,
        work: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        let failed = failed(action, table.as_str());
        let mut writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = writer
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(&failed)?;
        let done = work(&transaction)?;
        transaction.commit().map_err(&failed)?;
        Ok(done)
    }
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| {
        row.get(0)
    })
}

fn failed(action: &'static str, table: &str) -> impl Fn(rusqlite::Error) -> Error {
    move |error| Error::OnlineStore {
        store: "SQLite",
        action,
        table: table.to_owned(),
        reason: error.to_string(),
    }
}

fn read_all(
    reader: &Connection,
    table: &TableId,
    keys: &[StoreKey],
    found: &mut Found<'_>,
) -> Result<()> {
    let failed = failed("read", table.as_str());
    let mut select = reader.prepare_cached(SELECT).map_err(&failed)?;
    for (at, key) in keys.iter().enumerate() {
        let mut rows = select
            .query((table.as_str(), key.as_bytes()))
            .map_err(&failed)?;
        match rows.next().map_err(&failed)? {
            Some(row) => {
                let bytes = row.get_ref(0).map_err(&failed)?;
                let bytes = bytes.as_blob().map_err(|e| failed(e.into()))?;
                found(at, Some(bytes))?;
            }
            None => found(at, None)?,
        }
    }
    Ok(())
}

impl OnlineStore for SqliteStore {
    fn kind(&self) -> &'static str {
        "SQLite"
    }

    fn is_durable(&self) -> bool {
        true
    }

    fn read(&self, table: &TableId, keys: &[StoreKey], found: &mut Found<'_>) -> Result<()> {
        let failed = failed("read", table.as_str());
        let mut reader = self.reader().map_err(&failed)?;
        let done = if keys.len() == 1 {
            read_all(&reader, table, keys, found)
        } else {
            // one snapshot, and its locks once
            let snapshot = reader.transaction().map_err(&failed)?;
            read_all(&snapshot, table, keys, found)
        };
        self.give_back(reader);
        done
    }

    fn update(&self, table: &TableId, keys: &[StoreKey], decide: &mut Decide<'_>) -> Result<()> {
        let failed = failed("write", table.as_str());
        self.write("write", table, |transaction| {
            let mut select = transaction.prepare_cached(SELECT).map_err(&failed)?;
            let mut upsert = transaction.prepare_cached(UPSERT).map_err(&failed)?;
            for (at, key) in keys.iter().enumerate() {
                let change = {
                    let mut rows = select
                        .query((table.as_str(), key.as_bytes()))
                        .map_err(&failed)?;
                    match rows.next().map_err(&failed)? {
                        Some(row) => {
                            let bytes = row.get_ref(0).map_err(&failed)?;
                            let bytes = bytes.as_blob().map_err(|e| failed(e.into()))?;
                            decide(at, Some(bytes))?
                        }
                        None => decide(at, None)?,
                    }
                };
                if let Change::Put(bytes) = change {
                    upsert
                        .execute((table.as_str(), key.as_bytes(), bytes))
                        .map_err(&failed)?;
                }
            }
            Ok(())
        })
    }

    fn remove(&self, table: &TableId, keys: &[StoreKey]) -> Result<u64> {
        let failed = failed("remove from", table.as_str());
        self.write("remove from", table, |transaction| {
            let mut delete = transaction
                .prepare_cached("DELETE FROM state WHERE tab = ?1 AND key = ?2")
                .map_err(&failed)?;
            let mut removed = 0;
            for key in keys {
                let rows = delete.execute((table.as_str(), key.as_bytes()));
                removed += rows.map_err(&failed)? as u64;
            }
            Ok(removed)
        })
    }

    fn clear(&self, table: &TableId) -> Result<()> {
        let failed = failed("clear", table.as_str());
        self.write("clear", table, |transaction| {
            let delete = "DELETE FROM state WHERE tab = ?1";
            transaction
                .execute(delete, [table.as_str()])
                .map_err(&failed)?;
            Ok(())
        })
    }

    fn keys(&self, table: &TableId) -> Result<Vec<StoreKey>> {
        let failed = failed("list", table.as_str());
        let reader = self.reader().map_err(&failed)?;
        let keys = reader
            .prepare_cached("SELECT key FROM state WHERE tab = ?1")
            .and_then(|mut select| {
                let rows = select.query_map([table.as_str()], |row| row.get::<_, Vec<u8>>(0))?;
                rows.map(|key| key.map(StoreKey::from_bytes)).collect()
            })
            .map_err(&failed);
        self.give_back(reader);
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_program_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("other.db");
        let other = Connection::open(&path).unwrap();
        other.execute_batch("CREATE TABLE theirs (x)").unwrap();
        drop(other);
        let error = SqliteStore::open(&path, SqliteSync::Normal).unwrap_err();
        assert!(error.to_string().contains("no online store"), "{error}");
    }
}
