//! Ranges of a file, of bytes in memory or of an object.

use arrow::{buffer::Buffer, error::ArrowError};
use bytes::Bytes;
use mlops_core::ipc::claim_limit;
use mlops_store::{Location, ObjectReader};

use super::super::file::Origin;
use crate::{Error, Result};

/// The longest message; a batch is in memory as a whole.
pub(super) const MESSAGE_LIMIT: u64 = 1 << 31;

/// The bytes of one file or stream, and what was decoded out of them.
pub(super) struct IpcBytes {
    name: String,
    source: Source,
    claimed: usize,
}

enum Source {
    Bytes(Bytes),
    Object(ObjectReader),
}

impl IpcBytes {
    pub(super) fn open(name: &str, origin: &Origin) -> Result<Self> {
        let object = |location: &Location| location.open().map_err(Error::object(name));
        let source = match origin {
            Origin::Bytes(bytes) => Source::Bytes(Bytes::from_owner(bytes.clone())),
            Origin::Path(path) => Source::Object(object(&Location::file(path))?),
            Origin::Object(location) => Source::Object(object(location)?),
        };
        Ok(Self {
            name: name.to_owned(),
            source,
            claimed: 0,
        })
    }

    pub(super) fn size(&self) -> u64 {
        match &self.source {
            Source::Bytes(bytes) => bytes.len() as u64,
            Source::Object(reader) => reader.size(),
        }
    }

    /// How much of a stream is decoded at a time: bytes in memory are not copied for it.
    pub(super) fn block(&self) -> u64 {
        match &self.source {
            Source::Bytes(_) => 1 << 30,
            Source::Object(_) => 1 << 20,
        }
    }

    /// The bytes of a range; one that is not inside of what is there, or longer than a message, is an error.
    pub(super) fn range(&self, start: u64, length: u64) -> Result<Buffer> {
        let end = start.checked_add(length).filter(|end| *end <= self.size());
        let Some(end) = end else {
            return Err(self.broken(format!(
                "{length} bytes are expected at {start}, there are {}",
                self.size()
            )));
        };
        if length > MESSAGE_LIMIT {
            return Err(self.broken(format!("a message has more than {MESSAGE_LIMIT} bytes")));
        }
        Ok(match &self.source {
            Source::Bytes(bytes) => {
                let at = |at| usize::try_from(at).expect("it is inside of what is in memory");
                Buffer::from(bytes.slice(at(start)..at(end)))
            }
            Source::Object(reader) => {
                let range = reader.get_range(start..end);
                Buffer::from(range.map_err(Error::object(&self.name))?)
            }
        })
    }

    /// Counts what a batch claims; one that claims more than its bytes can hold is an error.
    pub(super) fn claim(&mut self, claim: usize) -> Result<()> {
        self.claimed = self.claimed.saturating_add(claim);
        let size = usize::try_from(self.size()).unwrap_or(usize::MAX);
        if self.claimed <= claim_limit(size) {
            return Ok(());
        }
        Err(self.broken(format!("{size} bytes claim columns of {}", self.claimed)))
    }

    pub(super) fn broken(&self, reason: impl Into<String>) -> Error {
        Error::BrokenIpc {
            source_name: self.name.clone(),
            reason: reason.into(),
        }
    }

    /// Calls the decoder.
    pub(super) fn guard<T>(&self, call: impl FnOnce() -> Result<T, ArrowError>) -> Result<T> {
        mlops_core::ipc::guard(call).map_err(|error| self.broken(error.to_string()))
    }
}
