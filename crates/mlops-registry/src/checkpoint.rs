//! Keeps the write-ahead log short, in a thread of its own: writers append to the log while it is copied.
//!
//! SQLite begins the log anew only when all of it was copied and nobody reads from it. So it is copied once while
//! others write, which leaves little, and once more while this process does not: writers wait for a few pages and
//! never for the whole log.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::{Connection, MAIN_DB, wal::CheckpointMode};

use crate::{
    database::{connect, lock},
    writer::Writer,
};

/// How long the log grows, in pages, before it is copied into the database: some 4 MiB. New space in the log costs
/// the disk twice what old space costs, so that it should begin anew soon.
const LOG_PAGES: u32 = 1_000;
/// How long writers are held up where readers have kept the log from beginning anew for long.
const PATIENCE: Duration = Duration::from_millis(20);

/// What the writer's commits say about the write-ahead log.
#[derive(Debug)]
pub(crate) struct LogState {
    /// Its length in pages after the last commit.
    pages: AtomicU32,
    /// The length at which it is copied next.
    due: AtomicU32,
    /// Whether something was written since this was last asked.
    written: AtomicBool,
}

impl Default for LogState {
    fn default() -> Self {
        Self {
            pages: AtomicU32::new(0),
            due: AtomicU32::new(LOG_PAGES),
            written: AtomicBool::new(false),
        }
    }
}

impl LogState {
    /// A commit has brought the log to that length.
    pub(crate) fn committed(&self, pages: u32) {
        self.written.store(true, Ordering::Relaxed);
        if pages < self.pages.swap(pages, Ordering::Relaxed) {
            // it began anew
            self.due.store(LOG_PAGES, Ordering::Relaxed);
        }
    }

    /// Whether something was written since this was last asked.
    pub(crate) fn take_written(&self) -> bool {
        self.written.swap(false, Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(crate) fn pages(&self) -> u32 {
        self.pages.load(Ordering::Relaxed)
    }

    fn is_due(&self) -> bool {
        self.pages.load(Ordering::Relaxed) >= self.due.load(Ordering::Relaxed)
    }

    /// Copied as far as readers allow: it begins anew, or grows by a quarter until the next try.
    fn copied(&self) {
        let pages = self.pages.load(Ordering::Relaxed);
        self.due.store(pages + LOG_PAGES / 4, Ordering::Relaxed);
    }

    fn is_overdue(&self) -> bool {
        self.pages.load(Ordering::Relaxed) > 4 * LOG_PAGES
    }
}

/// The thread, which starts when there is something to do for the first time.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    work: Arc<Work>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Work {
    path: PathBuf,
    writer: Arc<Mutex<Writer>>,
    log: Arc<LogState>,
    state: Mutex<State>,
    turn: Condvar,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Asked,
    Stopped,
}

impl Checkpointer {
    pub(crate) fn new(path: &Path, writer: &Arc<Mutex<Writer>>, log: Arc<LogState>) -> Self {
        Self {
            work: Arc::new(Work {
                path: path.to_owned(),
                writer: writer.clone(),
                log,
                state: Mutex::new(State::Idle),
                turn: Condvar::new(),
            }),
            thread: Mutex::default(),
        }
    }

    /// Has the log copied if it is due; returns at once.
    pub(crate) fn tend(&self) {
        if !self.work.log.is_due() {
            return;
        }
        let mut thread = lock(&self.thread);
        if thread.is_none() {
            let work = self.work.clone();
            let started = thread::Builder::new()
                .name("mlops-checkpoint".into())
                .spawn(move || work.run());
            let Ok(started) = started else {
                // without a thread the writer does it, as SQLite's do
                self.work.copy(lock(&self.work.writer).connection());
                return;
            };
            *thread = Some(started);
        }
        let mut state = lock(&self.work.state);
        if *state == State::Idle {
            *state = State::Asked;
            self.work.turn.notify_one();
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        *lock(&self.work.state) = State::Stopped;
        self.work.turn.notify_one();
        if let Some(thread) = lock(&self.thread).take() {
            // its connection must not be the last one, which copies the whole log
            let _ = thread.join();
        }
    }
}

impl Work {
    fn run(&self) {
        let mut connection = None;
        while self.is_asked() {
            connection = connection.or_else(|| self.connect());
            match &connection {
                Some(connection) => self.round(connection),
                None => self.log.copied(),
            }
        }
    }

    /// A connection that gives up soon where others are in its way: a later commit asks again.
    fn connect(&self) -> Option<Connection> {
        let connection = connect(&self.path).ok()?;
        // only who has read the file knows that it has a log
        let _: i64 = connection
            .pragma_query_value(None, "schema_version", |row| row.get(0))
            .ok()?;
        connection.busy_timeout(PATIENCE).ok()?;
        Some(connection)
    }

    /// Waits until there is something to do; `false` at the end.
    fn is_asked(&self) -> bool {
        let mut state = lock(&self.state);
        while *state == State::Idle {
            state = self
                .turn
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let asked = *state == State::Asked;
        if asked {
            *state = State::Idle;
        }
        asked
    }

    fn round(&self, connection: &Connection) {
        checkpoint(connection, CheckpointMode::PASSIVE);
        let _held = lock(&self.writer);
        self.copy(connection);
    }

    fn copy(&self, connection: &Connection) {
        let mode = if self.log.is_overdue() {
            CheckpointMode::RESTART
        } else {
            CheckpointMode::PASSIVE
        };
        checkpoint(connection, mode);
        // before the next commit, which sees whether it begins anew
        self.log.copied();
    }
}

/// What fails stays in the log, which is whole, and is tried again.
fn checkpoint(connection: &Connection, mode: CheckpointMode) {
    let _ = connection.wal_checkpoint_v2(Some(MAIN_DB), mode);
}

#[cfg(test)]
mod tests {
    use mlops_core::EventTime;

    use super::*;
    use crate::{Durability, database::Database, error::During};

    #[test]
    fn a_long_log_is_copied_beside_the_writers_and_begins_anew() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mlops.db");
        let now = EventTime::from_seconds(0);
        let database = Database::file(&path, Durability::Normal, now).unwrap();
        let write = |megabytes: i64| {
            database
                .write(|tx| {
                    tx.execute_batch("CREATE TABLE IF NOT EXISTS blobs (bytes BLOB)")
                        .during("make a table")?;
                    tx.execute(
                        "INSERT INTO blobs VALUES (zeroblob(1 + 1048576 * ?1))",
                        [megabytes],
                    )
                    .during("insert")
                })
                .unwrap();
            database.log_pages()
        };
        assert!(write(0) < LOG_PAGES);
        let long = write(20);
        assert!(long > LOG_PAGES);
        // the commit after the copy finds the log empty
        let watch = mlops_core::Stopwatch::start();
        while write(0) > long {
            assert!(watch.elapsed() < Duration::from_mins(1), "nobody copies");
            thread::sleep(Duration::from_millis(5));
        }
        assert!(database.log_pages() < LOG_PAGES);
        // and it stops with the database
        drop(database);
        assert!(!directory.path().join("mlops.db-wal").exists());
    }

    #[test]
    fn a_log_that_readers_hold_is_tried_again_later_and_not_all_the_time() {
        let log = LogState::default();
        log.committed(LOG_PAGES);
        assert!(log.is_due());
        log.copied();
        log.committed(LOG_PAGES + 1);
        assert!(!log.is_due());
        log.committed(LOG_PAGES + LOG_PAGES / 4);
        assert!(log.is_due() && !log.is_overdue());
        log.copied();
        // it began anew
        log.committed(3);
        log.committed(LOG_PAGES);
        assert!(log.is_due());
    }
}
