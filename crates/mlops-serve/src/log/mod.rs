//! The prediction log: every answer of an endpoint, and the outcomes that come true later.
//!
//! Invariant: a request never waits for the disk unless [`Delivery::Durable`] asks for it. Records
//! travel through a bounded queue to one writer thread, which commits them in groups; when the queue
//! is full a record is dropped and counted. Outcomes always wait for their commit.

mod codec;
mod options;
mod row;
mod store;
mod writer;

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::Ordering,
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
};

use mlops_core::{EventTime, ModelName, OutcomeRecord, PredictionRecord, VersionNumber};

use crate::{Error, Result};
use store::{Query, Store};
use writer::{Counters, Message};

pub use options::{Delivery, LogOptions, LogStats, OutcomeReceipt};

/// A prediction with the outcome that is known for it, if one is.
pub type JoinedRecord = (PredictionRecord, Option<OutcomeRecord>);

/// A log of predictions and outcomes in one SQLite file. Clones are cheap and share it.
///
/// When the last clone is dropped, what is queued is written first.
///
/// ```
/// use mlops_core::{EventTime, ModelName, OutcomeRecord, PredictionRecord};
/// use mlops_serve::PredictionLog;
///
/// let log = PredictionLog::memory()?;
/// let (model, time) = (ModelName::new("churn")?, EventTime::from_seconds(10));
/// log.record(PredictionRecord {
///     id: "a-1".into(), time, model: model.clone(), version: 3,
///     key: Some(17_850.into()), features: vec![("recency".into(), 12.5.into())], prediction: 0.8, outputs: vec![],
/// })?;
/// log.record_outcome(OutcomeRecord { prediction_id: "a-1".into(), time, outcome: 1.0 })?;
///
/// let window = log.window(&model, 3, time, EventTime::MAX)?;
/// assert_eq!(window[0].1.as_ref().map(|o| o.outcome), Some(1.0));
/// # Ok::<(), mlops_serve::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct PredictionLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: Arc<str>,
    delivery: Delivery,
    sender: Option<SyncSender<Message>>,
    writer: Option<JoinHandle<()>>,
    counters: Arc<Counters>,
    /// A connection for reading beside the writer; `None` for a log in memory, which the writer reads.
    reader: Option<Mutex<Store>>,
}

impl PredictionLog {
    /// Opens or creates a log with [`LogOptions::default`].
    ///
    /// # Errors
    /// As [`PredictionLog::open_with`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, LogOptions::default())
    }

    /// Opens or creates a log.
    ///
    /// # Errors
    /// [`Error::Log`] if the file cannot be opened, [`Error::ForeignLog`] if it is another database or
    /// of a later layout, [`Error::Start`] if the writer thread cannot be started.
    pub fn open_with(path: impl AsRef<Path>, options: LogOptions) -> Result<Self> {
        let path = path.as_ref();
        let store = Store::open(path, options.delivery_mode())?;
        let reader = Store::open(path, options.delivery_mode())?;
        Self::start(store, Some(Mutex::new(reader)), &options)
    }

    /// A log that lives in memory, for tests and trials.
    ///
    /// # Errors
    /// [`Error::Start`] if the writer thread cannot be started.
    pub fn memory() -> Result<Self> {
        Self::memory_with(LogOptions::default())
    }

    /// A log in memory with options.
    ///
    /// # Errors
    /// As [`PredictionLog::memory`].
    pub fn memory_with(options: LogOptions) -> Result<Self> {
        Self::start(Store::memory()?, None, &options)
    }

    fn start(store: Store, reader: Option<Mutex<Store>>, options: &LogOptions) -> Result<Self> {
        let (sender, receiver) = sync_channel(options.queue_length());
        let counters = Arc::new(Counters::default());
        let path = store.path();
        let writer = {
            let (counters, linger) = (Arc::clone(&counters), options.linger_time());
            std::thread::Builder::new()
                .name("mlops-prediction-log".into())
                .spawn(move || writer::run(store, &receiver, linger, &counters))
                .map_err(|source| Error::Start {
                    what: "the prediction log's writer",
                    source,
                })?
        };
        Ok(Self(Arc::new(Inner {
            path,
            delivery: options.delivery_mode(),
            sender: Some(sender),
            writer: Some(writer),
            counters,
            reader,
        })))
    }

    /// Takes a record. `Ok(false)` says that the queue was full and the record was dropped, which
    /// happens with [`Delivery::BestEffort`] only. A record whose id is known already is ignored.
    ///
    /// # Errors
    /// [`Error::LogStopped`]; with [`Delivery::Durable`] also [`Error::Log`] if it was not committed.
    pub fn record(&self, record: PredictionRecord) -> Result<bool> {
        Ok(self.record_all(vec![record])? == 1)
    }

    /// Takes several records and returns how many of them were queued or committed.
    ///
    /// # Errors
    /// As [`PredictionLog::record`].
    pub fn record_all(&self, records: Vec<PredictionRecord>) -> Result<usize> {
        let count = records.len();
        match self.0.delivery {
            Delivery::Durable if count == 0 => Ok(0),
            Delivery::Durable => self
                .ask(|reply| Message::Durable(records, reply))?
                .map(|()| count),
            Delivery::BestEffort => {
                let mut taken = 0;
                for record in records {
                    match self.sender()?.try_send(Message::Record(record)) {
                        Ok(()) => taken += 1,
                        Err(TrySendError::Full(_)) => {
                            self.0.counters.dropped.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(TrySendError::Disconnected(_)) => return Err(self.stopped()),
                    }
                }
                Ok(taken)
            }
        }
    }

    /// Stores one outcome; see [`PredictionLog::record_outcomes`].
    ///
    /// # Errors
    /// As [`PredictionLog::record_outcomes`].
    pub fn record_outcome(&self, outcome: OutcomeRecord) -> Result<OutcomeReceipt> {
        self.record_outcomes(vec![outcome])
    }

    /// Stores outcomes, all or none, and returns when they are committed.
    ///
    /// It is idempotent: the same outcome again changes nothing. Another outcome for the same
    /// prediction replaces the stored one if it became known later, and is ignored otherwise. An
    /// outcome may come before its prediction is written; the two are joined when they are read.
    ///
    /// # Errors
    /// [`Error::BadInput`] if an outcome is not a finite number, [`Error::Log`] if they were not
    /// committed, [`Error::LogStopped`].
    pub fn record_outcomes(&self, outcomes: Vec<OutcomeRecord>) -> Result<OutcomeReceipt> {
        for (row, outcome) in outcomes.iter().enumerate() {
            if !outcome.outcome.is_finite() {
                let error = Error::BadInput {
                    input: "outcome".into(),
                    reason: format!("{} is not a finite number", outcome.outcome),
                };
                return Err(error.in_row(row));
            }
        }
        self.ask(|reply| Message::Outcomes(outcomes, reply))?
    }

    /// The predictions of a model from `from` up to and without `to`, by time, each with its outcome.
    ///
    /// `version` is a number, or `None` for all versions. What was recorded before the call is in it.
    ///
    /// # Errors
    /// [`Error::Log`] if the database does not answer, [`Error::DamagedRecord`] if a row does not read back.
    pub fn window(
        &self,
        model: &ModelName,
        version: impl Into<Option<VersionNumber>>,
        from: EventTime,
        to: EventTime,
    ) -> Result<Vec<JoinedRecord>> {
        let query = Query {
            model: model.clone(),
            version: version.into(),
            from,
            to,
        };
        match &self.0.reader {
            Some(reader) => {
                self.flush()?;
                let store = reader.lock().unwrap_or_else(PoisonError::into_inner);
                store.window(&query)
            }
            None => self.ask(|reply| Message::Window(query, reply))?,
        }
    }

    /// Waits until all that was recorded before is committed.
    ///
    /// # Errors
    /// [`Error::Log`] if the commit fails, [`Error::LogStopped`].
    pub fn flush(&self) -> Result<()> {
        self.ask(Message::Flush)?
    }

    /// What the log has done since it was opened.
    pub fn stats(&self) -> LogStats {
        self.0.counters.stats()
    }

    /// Whether a record waits for its commit.
    pub fn delivery(&self) -> Delivery {
        self.0.delivery
    }

    /// Whether two handles share one log.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Sends a message that carries its own way back, and waits for the answer.
    fn ask<T>(&self, message: impl FnOnce(SyncSender<T>) -> Message) -> Result<T> {
        let (reply, answer) = sync_channel(1);
        let sender = self.sender()?;
        // before the send, which itself waits while the queue is full: from here on the writer does not linger
        let waiting = &self.0.counters.waiting;
        waiting.fetch_add(1, Ordering::SeqCst);
        if let Some(writer) = &self.0.writer {
            writer.thread().unpark();
        }
        let sent = sender.send(message(reply)).is_ok();
        let answer = if sent { answer.recv().ok() } else { None };
        waiting.fetch_sub(1, Ordering::SeqCst);
        answer.ok_or_else(|| self.stopped())
    }

    fn sender(&self) -> Result<&SyncSender<Message>> {
        self.0.sender.as_ref().ok_or_else(|| self.stopped())
    }

    fn stopped(&self) -> Error {
        Error::LogStopped {
            path: self.0.path.to_string(),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(writer) = self.writer.take() {
            self.counters.waiting.fetch_add(1, Ordering::SeqCst);
            writer.thread().unpark();
            // a writer that panicked has nothing left to save
            let _ = writer.join();
        }
    }
}
