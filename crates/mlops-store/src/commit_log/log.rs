//! The log itself: where it lies, its head, its entries and its checkpoints.

use std::{
    ops::RangeInclusive,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use mlops_core::Digest;

use super::{
    RequestId, RetryPolicy, Sleeper, ThreadSleeper,
    envelope::{Envelope, Kind},
    names,
};
use crate::{Error, Location, Result, folder::Folder};

/// Entries that are fetched at the same time, at first and at most: often there is but one that is new.
const WINDOWS: (u64, u64) = (2, 16);
/// Entries that are walked over one by one before the store is asked for a list.
const STEPS: usize = 16;
/// How often the head is looked for anew when it moves away.
const LOOKS: usize = 8;

/// A log of commits in a directory of any store. Clones share what they know of its head; every method blocks.
///
/// What was acknowledged stays, in its order, whatever other writers, processes and machines do: entries are created
/// and never overwritten. Reads see every entry that was acknowledged before they began.
///
/// ```
/// use mlops_store::{Appended, CommitLog, Objects};
///
/// let log = CommitLog::at(&Objects::new().locate("memory://models/churn")?);
/// log.probe()?; // once a store, when it is opened
/// assert_eq!(log.append(0, &"request-1".parse()?, b"created")?, Appended::Won);
/// assert_eq!(log.append(0, &"request-2".parse()?, b"created too")?, Appended::Lost { number: 1 });
/// assert_eq!(log.append(0, &"request-1".parse()?, b"created")?, Appended::Won); // the same request, once more
/// assert_eq!(log.head()?.map(|head| head.bytes).as_deref(), Some(&b"created"[..]));
/// # Ok::<(), mlops_store::Error>(())
/// ```
///
/// # Complexity
/// An append is a PUT and two GETs at most where nobody interferes; a head that is known is found again by two GETs,
/// another one by a LIST and three GETs.
///
/// # Reference
/// Names as in Lance's manifests V2; the seals are the boundary of SlateDB's RFC 0026, exact to the request.
#[derive(Debug, Clone)]
pub struct CommitLog {
    pub(super) folder: Folder,
    pub(super) retries: RetryPolicy,
    pub(super) sleeper: Arc<dyn Sleeper>,
    /// The newest entry that is known to be in the log.
    known: Arc<Mutex<Option<LogEntry>>>,
}

/// An entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogEntry {
    /// Its place: the first is 1, and none is left out.
    pub number: u64,
    /// The request that wrote it. A writer who was told [`Error::LogUnknown`] finds its own here before it tries
    /// once more under another number.
    pub request: RequestId,
    /// What was appended.
    pub bytes: Bytes,
}

/// The state after an entry, as somebody wrote it down.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The last entry that the state holds.
    pub number: u64,
    /// The state.
    pub bytes: Bytes,
}

/// Where a walk to the head ended.
enum Walked {
    Head(Option<LogEntry>),
    /// It was too far, or the entries there are folded away.
    Lost,
}

impl CommitLog {
    /// The most bytes of an entry: 16 MiB.
    pub const MAX_ENTRY: u64 = 16 << 20;
    /// The most bytes of a checkpoint: 256 MiB.
    pub const MAX_CHECKPOINT: u64 = 256 << 20;
    /// The most entries of one [`read`](CommitLog::read).
    pub const MAX_READ: u64 = 10_000;
    /// The bytes after which one [`read`](CommitLog::read) ends: 64 MiB.
    pub const MAX_READ_BYTES: u64 = 64 << 20;

    /// The log in a directory that holds nothing else. Nothing is looked up or written yet.
    pub fn at(location: &Location) -> Self {
        Self {
            folder: Folder::at(location),
            retries: RetryPolicy::default(),
            sleeper: Arc::new(ThreadSleeper),
            known: Arc::default(),
        }
    }

    /// The same with other bounds of its tries.
    #[must_use]
    pub fn with_retries(mut self, retries: RetryPolicy) -> Self {
        self.retries = retries;
        self
    }

    /// The same with another way to wait.
    #[must_use]
    pub fn with_sleeper(mut self, sleeper: Arc<dyn Sleeper>) -> Self {
        self.sleeper = sleeper;
        self
    }

    /// The URL of its directory.
    pub fn url(&self) -> &str {
        self.folder.url()
    }

    /// The newest entry, `None` if there is none.
    ///
    /// # Errors
    /// [`Error::LogCorrupt`] if it is not what was written, [`Error::Changed`] if the log grows faster than it can be
    /// followed, [`Error::Io`], [`Error::Object`] or [`Error::Denied`] if the store cannot be read.
    pub fn head(&self) -> Result<Option<LogEntry>> {
        for _ in 0..LOOKS {
            let start = match self.known() {
                Some(entry) => (entry.number, Some(entry)),
                None => (self.newest_listed()?.saturating_sub(1), None),
            };
            match self.walk(start)? {
                Walked::Head(head) => return Ok(head),
                Walked::Lost => *self.lock() = None,
            }
        }
        Err(Error::Changed {
            url: self.url().to_owned(),
        })
    }

    /// The entries of a range that are there, in their order and without a gap.
    ///
    /// It ends at the end of the range, at the head, after [`MAX_READ`](Self::MAX_READ) entries or after
    /// [`MAX_READ_BYTES`](Self::MAX_READ_BYTES), whichever is first; what is empty has nothing more.
    /// [`read_after`](Self::read_after) goes on by itself.
    ///
    /// # Errors
    /// [`Error::LogFolded`] if it begins before the oldest entry, else as for [`head`](Self::head).
    pub fn read(&self, range: RangeInclusive<u64>) -> Result<Vec<LogEntry>> {
        let (from, to) = (*range.start().max(&1), *range.end());
        let to = to.min(from.saturating_add(Self::MAX_READ - 1));
        let mut entries = Vec::new();
        let (mut next, mut bytes, (mut at_once, most)) = (from, 0, WINDOWS);
        while next <= to && bytes < Self::MAX_READ_BYTES {
            let last = to.min(next.saturating_add(at_once - 1));
            at_once = most.min(at_once * 2);
            let window = self.window(next, last)?;
            let whole = window.len() as u64 == last - next + 1;
            next += window.len() as u64;
            bytes += window.iter().map(|e| e.bytes.len() as u64).sum::<u64>();
            entries.extend(window);
            if !whole {
                break;
            }
        }
        // after the reads: what was there while its segment had no seal was never put there a second time
        self.check_not_folded(from)?;
        if let Some(last) = entries.last() {
            self.remember(last);
        }
        Ok(entries)
    }

    /// All entries after a number, read as they are asked for. It ends at the head, or after an error.
    pub fn read_after(&self, number: u64) -> impl Iterator<Item = Result<LogEntry>> {
        let (mut last, mut read, mut done) = (number, Vec::new().into_iter(), false);
        std::iter::from_fn(move || {
            if done {
                return None;
            }
            if read.as_slice().is_empty() {
                match self.read(last.saturating_add(1)..=u64::MAX) {
                    Ok(entries) => read = entries.into_iter(),
                    Err(error) => {
                        done = true;
                        return Some(Err(error));
                    }
                }
            }
            let entry: Option<LogEntry> = read.next();
            match &entry {
                Some(entry) => last = entry.number,
                None => done = true,
            }
            entry.map(Ok)
        })
    }

    /// Keeps the state after an entry. The first state that was kept of a number stays.
    ///
    /// # Errors
    /// [`Error::LogGap`] if there is no such entry, [`Error::TooLarge`], and those of [`append`](Self::append).
    pub fn checkpoint(&self, number: u64, bytes: &[u8]) -> Result<()> {
        self.check_size(bytes, Self::MAX_CHECKPOINT)?;
        self.check_exists(number)?;
        let envelope = Envelope {
            kind: Kind::Checkpoint,
            number,
            request: Digest::of(bytes).into(),
            payload: Bytes::copy_from_slice(bytes),
        };
        self.place(&names::checkpoint(number), &envelope)?;
        Ok(())
    }

    /// The checkpoint of the greatest number, `None` if there is none.
    ///
    /// # Errors
    /// As for [`head`](Self::head).
    pub fn latest_checkpoint(&self) -> Result<Option<Checkpoint>> {
        for _ in 0..LOOKS {
            let Some(number) = self.first_number(names::CHECKPOINTS)? else {
                return Ok(None);
            };
            // one that is gone was replaced by a newer one
            let name = names::checkpoint(number);
            if let Some(found) = self.object(&name, Kind::Checkpoint, number)? {
                return Ok(Some(Checkpoint {
                    number,
                    bytes: found.payload,
                }));
            }
        }
        Err(Error::Changed {
            url: self.folder.url_of(names::CHECKPOINTS),
        })
    }

    /// Goes from a number to the head.
    fn walk(&self, start: (u64, Option<LogEntry>)) -> Result<Walked> {
        let (mut number, mut last) = start;
        for _ in 0..STEPS {
            let Some(next) = self.entry(number + 1)? else {
                // it is the head only if the one after it was never there
                if self.seal_of(number + 1)?.is_some() || (number > 0 && last.is_none()) {
                    return Ok(Walked::Lost);
                }
                if let Some(head) = &last {
                    self.remember(head);
                }
                return Ok(Walked::Head(last));
            };
            number = next.number;
            last = Some(next);
        }
        Ok(Walked::Lost)
    }

    /// The entries from one number to another, up to the first that is not there.
    fn window(&self, from: u64, to: u64) -> Result<Vec<LogEntry>> {
        let names: Vec<String> = (from..=to).map(names::entry).collect();
        let found = self.folder.get_many(&names, Kind::Entry.most())?;
        let newest = found.iter().rposition(Option::is_some);
        let mut entries = Vec::with_capacity(found.len());
        for (at, bytes) in found.into_iter().enumerate() {
            let number = from + at as u64;
            let entry = match bytes {
                Some(bytes) => self.decode(&bytes, Kind::Entry, number, &names[at])?.into(),
                // it may have come between the two reads
                None if newest > Some(at) => match self.entry(number)? {
                    Some(entry) => entry,
                    None => return Err(self.missing(number)),
                },
                None => break,
            };
            entries.push(entry);
        }
        Ok(entries)
    }

    /// The entry of a number. In a log that is folded, only what is read with a seal in view is sure.
    pub(crate) fn entry(&self, number: u64) -> Result<Option<LogEntry>> {
        let name = names::entry(number);
        let found = self.object(&name, Kind::Entry, number)?;
        Ok(found.map(Into::into))
    }

    pub(super) fn object(&self, name: &str, kind: Kind, number: u64) -> Result<Option<Envelope>> {
        match self.folder.get(name, kind.most())? {
            Some(bytes) => self.decode(&bytes, kind, number, name).map(Some),
            None => Ok(None),
        }
    }

    fn decode(&self, bytes: &Bytes, kind: Kind, number: u64, name: &str) -> Result<Envelope> {
        Envelope::decode(bytes, kind, number).map_err(|reason| Error::LogCorrupt {
            url: self.folder.url_of(name),
            reason,
        })
    }

    /// Why an entry is not there while later ones are.
    pub(crate) fn missing(&self, number: u64) -> Error {
        match self.check_not_folded(number) {
            Ok(()) => Error::LogCorrupt {
                url: self.folder.url_of(&names::entry(number)),
                reason: "it is not there, and later entries are",
            },
            Err(error) => error,
        }
    }

    fn newest_listed(&self) -> Result<u64> {
        Ok(self.first_number(names::ENTRIES)?.unwrap_or(0))
    }

    /// The greatest number of a part.
    pub(super) fn first_number(&self, part: &str) -> Result<Option<u64>> {
        let listed = self.folder.list(part, None, 16)?;
        Ok(listed.iter().find_map(|found| names::number(&found.name)))
    }

    /// Fails unless an entry of this number is or was in the log.
    pub(super) fn check_exists(&self, number: u64) -> Result<()> {
        let known = self.lock().as_ref().map_or(0, |entry| entry.number);
        if number <= known || self.entry(number)?.is_some() || self.seal_of(number)?.is_some() {
            return Ok(());
        }
        Err(Error::LogGap {
            url: self.url().to_owned(),
            after: number,
        })
    }

    pub(super) fn check_size(&self, bytes: &[u8], most: u64) -> Result<()> {
        let size = bytes.len() as u64;
        if size <= most {
            return Ok(());
        }
        Err(Error::TooLarge {
            url: self.url().to_owned(),
            size,
            most,
        })
    }

    pub(super) fn known(&self) -> Option<LogEntry> {
        self.lock().clone()
    }

    /// Notes an entry that is in the log for sure.
    pub(super) fn remember(&self, entry: &LogEntry) {
        let mut known = self.lock();
        if known.as_ref().is_none_or(|k| k.number < entry.number) {
            *known = Some(entry.clone());
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<LogEntry>> {
        // the entry is whole whatever happened to a holder of the lock
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Envelope> for LogEntry {
    fn from(envelope: Envelope) -> Self {
        Self {
            number: envelope.number,
            request: envelope.request,
            bytes: envelope.payload,
        }
    }
}
