//! The writer thread of the prediction log: takes messages, commits them in groups, then answers.

use std::{
    collections::VecDeque,
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
use crate::{Result, error::chain};

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

fn commit(store: &mut Store, group: Vec<Message>, counters: &Counters) {
    // counted first: what is not reached, or not even begun, is lost as well
    let records: u64 = group.iter().map(Message::records).sum();
    let mut receipts = VecDeque::new();
    let outcome = store.transaction(|work| {
        for message in &group {
            match message {
                Message::Record(record) => work.insert(record)?,
                Message::Durable(batch, _) => {
                    batch.iter().try_for_each(|record| work.insert(record))?;
                }
                Message::Outcomes(batch, _) => receipts.push_back(work.upsert(batch)?),
                Message::Flush(_) | Message::Window(..) => {}
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
    let committed = || outcome.as_ref().map(drop).map_err(|e| store.copy_of(e));
    for message in group {
        // who asked may have gone away
        match message {
            Message::Record(_) => {}
            Message::Durable(_, reply) | Message::Flush(reply) => drop(reply.send(committed())),
            Message::Outcomes(_, reply) => {
                let receipt = receipts.pop_front().unwrap_or_default();
                drop(reply.send(committed().map(|()| receipt)));
            }
            Message::Window(query, reply) => {
                drop(reply.send(committed().and_then(|()| store.window(&query))));
            }
        }
    }
}

impl Message {
    /// How many predictions it brings.
    fn records(&self) -> u64 {
        match self {
            Self::Record(_) => 1,
            Self::Durable(batch, _) => batch.len() as u64,
            Self::Outcomes(..) | Self::Flush(_) | Self::Window(..) => 0,
        }
    }
}
