//! The writer thread of the prediction log: takes messages, commits them in groups, then answers.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender},
    },
    time::Duration,
};

use mlops_core::{OutcomeRecord, PredictionRecord};

use super::{
    JoinedRecord, LogStats, OutcomeReceipt,
    store::{Query, Store},
};
use crate::{Error, Result, error::chain};

/// The most messages that one commit takes.
const GROUP: usize = 4_096;

/// What the writer is asked to do. All but `Record` have somebody waiting for the answer.
#[derive(Debug)]
pub(super) enum Message {
    Record(PredictionRecord),
    Durable(Vec<PredictionRecord>, SyncSender<Result<()>>),
    Outcomes(Vec<OutcomeRecord>, SyncSender<Result<OutcomeReceipt>>),
    Flush(SyncSender<Result<()>>),
    Window(Query, SyncSender<Result<Vec<JoinedRecord>>>),
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) written: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) commits: AtomicU64,
    pub(super) last_error: Mutex<Option<String>>,
    /// Those who wait for an answer of the writer.
    pub(super) waiting: AtomicUsize,
}

impl Counters {
    pub(super) fn stats(&self) -> LogStats {
        let last_error = self
            .last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        LogStats {
            written: self.written.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            commits: self.commits.load(Ordering::Relaxed),
            last_error: last_error.clone(),
        }
    }
}

/// Runs until every sender is gone and the queue is empty.
pub(super) fn run(
    mut store: Store,
    queue: &Receiver<Message>,
    linger: Duration,
    counters: &Counters,
) {
    while let Ok(first) = queue.recv() {
        if counters.waiting.load(Ordering::SeqCst) == 0 {
            // nobody waits: let others gather; who comes to wait is counted first and then unparks
            std::thread::park_timeout(linger);
        }
        let mut group = vec![first];
        group.extend(queue.try_iter().take(GROUP - 1));
        commit(&mut store, group, counters);
    }
}

/// An answer that is sent once the group is committed.
type Answer = Box<dyn FnOnce(Option<&Error>, &Store)>;

fn commit(store: &mut Store, group: Vec<Message>, counters: &Counters) {
    let mut answers: Vec<Answer> = Vec::new();
    let mut records = 0u64;
    let outcome = store.transaction(|work| {
        for message in group {
            match message {
                Message::Record(record) => {
                    records += 1;
                    work.insert(&record)?;
                }
                Message::Durable(batch, reply) => {
                    records += batch.len() as u64;
                    let inserted = batch.iter().try_for_each(|record| work.insert(record));
                    answers.push(answer(reply, |_| Ok(())));
                    inserted?;
                }
                Message::Outcomes(batch, reply) => {
                    let receipt = work.upsert(&batch);
                    let known = *receipt.as_ref().unwrap_or(&OutcomeReceipt::default());
                    answers.push(answer(reply, move |_| Ok(known)));
                    receipt?;
                }
                Message::Flush(reply) => answers.push(answer(reply, |_| Ok(()))),
                Message::Window(query, reply) => {
                    answers.push(answer(reply, move |store| store.window(&query)));
                }
            }
        }
        Ok(())
    });
    match &outcome {
        Ok(()) => {
            counters.written.fetch_add(records, Ordering::Relaxed);
            counters.commits.fetch_add(1, Ordering::Relaxed);
        }
        Err(error) => {
            let text = chain(error);
            tracing::error!(error = %text, records, "prediction log: a commit failed");
            counters.failed.fetch_add(records, Ordering::Relaxed);
            *counters
                .last_error
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(text);
        }
    }
    for answer in answers {
        answer(outcome.as_ref().err(), store);
    }
}

fn answer<T: 'static>(
    reply: SyncSender<Result<T>>,
    result: impl FnOnce(&Store) -> Result<T> + 'static,
) -> Answer {
    Box::new(move |failed, store| {
        let result = match failed {
            Some(error) => Err(store.copy_of(error)),
            None => result(store),
        };
        // who asked may have gone away
        let _ = reply.send(result);
    })
}
