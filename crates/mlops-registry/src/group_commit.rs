//! Group commit: callers that write at the same moment share one transaction.
//!
//! Whoever finds nobody leading leads: it takes everything that waits, runs it in one transaction and
//! hands out the answers. Under load a group is as large as the number of callers that came while the
//! last one was committed, and each of them waits for one flush of the disk, not for one after the
//! other. Each piece of work has a savepoint of its own, so that one that fails leaves nothing behind
//! and takes nobody with it.

use std::{
    fmt, mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use rusqlite::{Connection, Transaction};

use crate::{
    Error, Result,
    database::{immediately, lock},
    error::During,
};

/// Who waits for a commit, and whether somebody leads one.
pub(crate) struct Queue<J: ?Sized = dyn Job> {
    state: Mutex<State<J>>,
    turn: Condvar,
}

struct State<J: ?Sized> {
    waiting: Vec<Arc<J>>,
    leading: bool,
}

impl<J: ?Sized> Default for Queue<J> {
    fn default() -> Self {
        let state = State {
            waiting: Vec::new(),
            leading: false,
        };
        Self {
            state: Mutex::new(state),
            turn: Condvar::new(),
        }
    }
}

impl<J: ?Sized> fmt::Debug for Queue<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.state);
        f.debug_struct("Queue")
            .field("waiting", &state.waiting.len())
            .field("leading", &state.leading)
            .finish_non_exhaustive()
    }
}

type Work<T> = Box<dyn Fn(&Transaction<'_>) -> Result<T> + Send + Sync>;

/// One piece of work and its answer.
pub(crate) struct Ticket<T> {
    work: Work<T>,
    answer: Mutex<Option<Result<T>>>,
}

/// What waits for an answer.
pub(crate) trait Waiting: Send + Sync {
    /// Answers with an error.
    fn fail(&self, error: Error);
    fn is_answered(&self) -> bool;
}

pub(crate) trait Job: Waiting {
    /// Does the work and keeps its answer; says whether it went well.
    fn run(&self, tx: &Transaction<'_>) -> bool;
    /// Does the work in a transaction of its own.
    fn run_alone(&self, connection: &mut Connection);
}

impl<T> Ticket<T> {
    pub(crate) fn new(
        work: impl Fn(&Transaction<'_>) -> Result<T> + Send + Sync + 'static,
    ) -> Self {
        Self {
            work: Box::new(work),
            answer: Mutex::new(None),
        }
    }

    pub(crate) fn answer(&self) -> Result<T> {
        lock(&self.answer).take().unwrap_or(Err(Error::Busy {
            action: "commit with others",
        }))
    }
}

impl<T: Send> Job for Ticket<T> {
    fn run(&self, tx: &Transaction<'_>) -> bool {
        let answer = (self.work)(tx);
        let well = answer.is_ok();
        *lock(&self.answer) = Some(answer);
        well
    }

    fn run_alone(&self, connection: &mut Connection) {
        let answer = immediately(connection, |tx| (self.work)(tx));
        *lock(&self.answer) = Some(answer);
    }
}

impl<T: Send> Waiting for Ticket<T> {
    fn fail(&self, error: Error) {
        *lock(&self.answer) = Some(Err(error));
    }

    fn is_answered(&self) -> bool {
        lock(&self.answer).is_some()
    }
}

impl Queue {
    /// Waits until the ticket is answered, or answers it together with all that wait.
    pub(crate) fn commit<'a, T: Send + 'static>(
        &self,
        ticket: Arc<Ticket<T>>,
        writer: impl FnOnce() -> MutexGuard<'a, Connection>,
    ) {
        let job: Arc<dyn Job> = ticket;
        self.wait_or_lead(&job, |waiting| {
            let mut writer = writer();
            // those who came while the writer was elsewhere come along
            let jobs = waiting();
            together(&mut writer, &jobs);
        });
    }
}

impl<J: ?Sized + Waiting> Queue<J> {
    /// Waits until a job is answered, or leads: answers it together with all that wait, which `lead` asks for
    /// when it is ready for them.
    pub(crate) fn wait_or_lead(&self, mine: &Arc<J>, lead: impl FnOnce(&dyn Fn() -> Vec<Arc<J>>)) {
        let mut state = lock(&self.state);
        state.waiting.push(mine.clone());
        while state.leading {
            state = self
                .turn
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            if mine.is_answered() {
                return;
            }
        }
        state.leading = true;
        drop(state);
        // a panic in somebody's work must not leave the others waiting
        let _reign = Reign(self);
        lead(&|| mem::take(&mut lock(&self.state).waiting));
    }
}

/// Ends the leading when it is dropped, and wakes those whose turn may have come.
struct Reign<'a, J: ?Sized>(&'a Queue<J>);

impl<J: ?Sized> Drop for Reign<'_, J> {
    fn drop(&mut self) {
        lock(&self.0.state).leading = false;
        self.0.turn.notify_all();
    }
}

/// Answers those who were left without an answer by a panic.
pub(crate) struct Answers<'a, J: ?Sized + Waiting>(pub(crate) &'a [Arc<J>]);

impl<J: ?Sized + Waiting> Drop for Answers<'_, J> {
    fn drop(&mut self) {
        for job in self.0.iter().filter(|job| !job.is_answered()) {
            job.fail(Error::Busy {
                action: "commit with others",
            });
        }
    }
}

/// Does something that is taken back, and nothing else with it, unless it says that it went well.
pub(crate) fn in_savepoint(tx: &Transaction<'_>, work: impl FnOnce() -> bool) -> Result<()> {
    let mark = |sql| {
        let marking = "mark a savepoint";
        tx.prepare_cached(sql)
            .during(marking)?
            .execute([])
            .during(marking)
    };
    mark("SAVEPOINT job")?;
    if !work() {
        mark("ROLLBACK TO job")?;
    }
    mark("RELEASE job")?;
    Ok(())
}

fn together(writer: &mut Connection, jobs: &[Arc<dyn Job>]) {
    let _answers = Answers(jobs);
    if let [job] = jobs {
        job.run_alone(writer);
        return;
    }
    let outcome = immediately(writer, |tx| {
        jobs.iter()
            .try_for_each(|job| in_savepoint(tx, || job.run(tx)))
    });
    match outcome {
        Ok(()) => {}
        // waiting for each alone would take as long again for each
        Err(Error::Busy { action }) => {
            for job in jobs {
                job.fail(Error::Busy { action });
            }
        }
        Err(_) => {
            for job in jobs {
                job.run_alone(writer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_table() -> Mutex<Connection> {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t (n INTEGER NOT NULL CHECK (n >= 0))")
            .unwrap();
        Mutex::new(connection)
    }

    fn insert(number: i64) -> impl Fn(&Transaction<'_>) -> Result<i64> {
        move |tx| {
            tx.execute("INSERT INTO t VALUES (?1)", [number.abs()])
                .during("insert")?;
            tx.execute("INSERT INTO t VALUES (?1)", [number])
                .during("insert")?;
            Ok(number)
        }
    }

    #[test]
    fn everybody_gets_their_own_answer_and_a_failure_leaves_nothing_behind() {
        let queue = Queue::default();
        let writer = with_table();
        std::thread::scope(|scope| {
            for thread in 0..8_i64 {
                let (queue, writer) = (&queue, &writer);
                scope.spawn(move || {
                    for turn in 0..50 {
                        let number = 1 + thread * 50 + turn;
                        let number = if turn % 5 == 0 { -number } else { number };
                        let ticket = Arc::new(Ticket::new(insert(number)));
                        queue.commit(ticket.clone(), || lock(writer));
                        match ticket.answer() {
                            Ok(answer) => assert_eq!(answer, number),
                            Err(_) => assert!(number < 0),
                        }
                    }
                });
            }
        });
        let (rows, least): (i64, i64) = lock(&writer)
            .query_row("SELECT count(*), min(n) FROM t", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!((rows, least > 0), (8 * 40 * 2, true));
    }

    #[test]
    fn a_panic_in_a_leader_leaves_nobody_waiting() {
        let queue = Queue::default();
        let writer = with_table();
        let panicked = std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    let work = |_: &Transaction<'_>| -> Result<()> { panic!("on purpose") };
                    queue.commit(Arc::new(Ticket::new(work)), || lock(&writer));
                })
                .join()
        });
        assert!(panicked.is_err());
        let ticket = Arc::new(Ticket::new(insert(1)));
        queue.commit(ticket.clone(), || lock(&writer));
        assert_eq!(ticket.answer().unwrap(), 1);
    }
}
