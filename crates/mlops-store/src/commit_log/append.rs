//! Appending: one winner a number, and a definite answer even where the store gave none.

use bytes::Bytes;

use super::{
    CommitLog, LogEntry, RequestId,
    envelope::{Envelope, Kind},
    names,
};
use crate::{Error, Result, folder::Created};

/// What became of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Appended {
    /// The entry is in the log, under the number after the one that was given.
    Won,
    /// Another request was first. Read on from this number, decide anew, and append after the new head.
    Lost {
        /// The number that the other request has.
        number: u64,
    },
}

/// Whose an object is that was to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    Ours,
    Theirs,
}

impl CommitLog {
    /// Appends an entry as number `after + 1`, unless another request has that number.
    ///
    /// `after` is the newest entry that the decision knew, 0 for none. An answer that was lost, a timeout, a server
    /// error and a conflict in flight are resolved by reading the entry: it is ours if it holds our request's id.
    /// The same request may be given once more under the same number, and has the same answer.
    ///
    /// # Errors
    /// - [`Error::LogGap`] if there is no entry `after`.
    /// - [`Error::RequestReused`] if the request has that number already, with other bytes.
    /// - [`Error::LogUnknown`] if the tries were used up before the store gave a definite answer: the entry may be or
    ///   become part of the log. Give the same request and the same `after` again, or read the number.
    /// - [`Error::TooLarge`], [`Error::LogCorrupt`], [`Error::Denied`], [`Error::Io`] and [`Error::Object`]: nothing was
    ///   written.
    pub fn append(&self, after: u64, request: &RequestId, bytes: &[u8]) -> Result<Appended> {
        self.check_size(bytes, Self::MAX_ENTRY)?;
        if after > 0 {
            self.check_exists(after)?;
        }
        let number = after.checked_add(1).ok_or_else(|| Error::LogGap {
            url: self.url().to_owned(),
            after,
        })?;
        let envelope = Envelope {
            kind: Kind::Entry,
            number,
            request: request.clone(),
            payload: Bytes::copy_from_slice(bytes),
        };
        match self.place(&names::entry(number), &envelope)? {
            Placed::Theirs => return Ok(Appended::Lost { number }),
            Placed::Ours => {}
        }
        // a writer that slept may have put back what was folded away long ago: the seal knows who had the number
        let seal = self
            .seal_of(number)
            .map_err(|error| unknown(self, number, request, Some(error)))?;
        match seal {
            Some(seal) if seal.request(number) != Some(request) => Ok(Appended::Lost { number }),
            Some(_) => Ok(Appended::Won),
            None => {
                self.remember(&LogEntry::from(envelope));
                Ok(Appended::Won)
            }
        }
    }

    /// Creates an object, or finds out whose it is.
    pub(super) fn place(&self, name: &str, envelope: &Envelope) -> Result<Placed> {
        let bytes = envelope.encode();
        let (number, request) = (envelope.number, &envelope.request);
        let mut open = None;
        for pause in self.retries.tries(request.as_str()) {
            if let Some(pause) = pause {
                self.sleeper.sleep(pause);
            }
            let refused = match self.folder.create(name, bytes.clone()) {
                Ok(Created::New) => return Ok(Placed::Ours),
                // 412: it is there. 409: somebody is writing it, and may fail
                Ok(Created::Exists) => None,
                Err(error) => Some(error),
            };
            match self.whose(name, envelope) {
                Ok(Some(placed)) => return Ok(placed),
                // nothing is there, and nothing that is still on its way
                Ok(None) => match refused {
                    Some(error) if open.is_none() && for_good(&error) => return Err(error),
                    refused => open = refused.or(open),
                },
                Err(error) if tells(&error) => return Err(error),
                Err(error) => match refused {
                    Some(refused) if open.is_none() && for_good(&refused) => return Err(refused),
                    _ => open = Some(error),
                },
            }
        }
        Err(unknown(self, number, request, open))
    }

    /// Who wrote the object of this name, if it is there.
    fn whose(&self, name: &str, ours: &Envelope) -> Result<Option<Placed>> {
        let Some(found) = self.object(name, ours.kind, ours.number)? else {
            return Ok(None);
        };
        if found.request != ours.request {
            return Ok(Some(Placed::Theirs));
        }
        if found.payload == ours.payload {
            return Ok(Some(Placed::Ours));
        }
        Err(Error::RequestReused {
            url: self.url().to_owned(),
            number: ours.number,
            request: ours.request.clone(),
        })
    }
}

/// Whether the same call would fail in the same way again.
fn for_good(error: &Error) -> bool {
    use mlops_core::ErrorKind;
    error.kind() != ErrorKind::Unavailable
}

/// Whether an error of reading says something about the object itself.
fn tells(error: &Error) -> bool {
    matches!(
        error,
        Error::LogCorrupt { .. } | Error::RequestReused { .. } | Error::TooLarge { .. }
    )
}

fn unknown(log: &CommitLog, number: u64, request: &RequestId, source: Option<Error>) -> Error {
    Error::LogUnknown {
        url: log.url().to_owned(),
        number,
        request: request.clone(),
        source: source.map(Box::new),
    }
}
