//! The bytes of one Parquet file, wherever it lies, as its decoder asks for them.
//!
//! A [`ParquetInput`] names a file, bytes in memory or an object of a store, and is cheap to clone. Opened, it is a
//! [`ParquetBytes`]: a [`ChunkReader`] that threads may share, because nothing in it has a cursor. Every header of a
//! page and the footer pass [`thrift`] before the decoder sees them.
//!
//! Of an object only what is asked for is fetched. Whoever knows the ranges in advance names them by
//! [`ParquetBytes::with_ranges`]: near ones come by one request, and the decoder then finds them there.

use std::{
    fmt,
    io::{Error as IoError, Read},
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use ::parquet::{
    errors::ParquetError,
    file::reader::{ChunkReader, Length},
};
use bytes::{Buf, Bytes};
use flate2::bufread::MultiGzDecoder;
use mlops_store::{Location, ObjectReader};

use super::thrift::{self, Flaw, PageHeader};
use crate::{Error, Result};

/// The bytes at the end of an object that are fetched with the first request; most footers fit.
const TAIL: u64 = 64 << 10;
/// What is fetched of an object for the header of a page that nobody named in advance.
const AHEAD: u64 = 64 << 10;
/// What is read of a file for the header of a page. Most have less than 100 bytes.
const HEADER: u64 = 512;
/// The longest header of a page; statistics of long texts stand in it.
const HEADER_LIMIT: u64 = 1 << 20;
/// The footer's length and the magic number.
const TRAILER: u64 = 8;
/// The largest page, decompressed. Writers make pages of a megabyte, and few of more than a hundred.
pub(crate) const PAGE_LIMIT: u64 = 256 << 20;
/// A gzipped page that is larger than this is measured before it is decompressed: what it says of its own size
/// binds nobody. A smaller one cannot unpack to more than `PAGE_LIMIT`.
const UNMEASURED: u64 = PAGE_LIMIT / 1_032;

/// One Parquet file, not yet opened.
#[derive(Clone)]
pub(crate) struct ParquetInput {
    name: Arc<str>,
    place: Place,
}

#[derive(Clone)]
enum Place {
    Bytes(Bytes),
    Location(Location),
}

impl ParquetInput {
    /// Bytes in memory; the name stands in errors.
    pub(crate) fn bytes(name: impl Into<Arc<str>>, bytes: impl Into<Bytes>) -> Self {
        Self {
            name: name.into(),
            place: Place::Bytes(bytes.into()),
        }
    }

    /// A file or an object.
    pub(crate) fn at(location: Location) -> Self {
        Self {
            name: location.url().into(),
            place: Place::Location(location),
        }
    }

    /// A file or an object that is there and can be opened.
    pub(crate) fn existing(location: &Location) -> Result<Self> {
        let input = Self::at(location.clone());
        location.open().map_err(Error::object(&input.name))?;
        Ok(input)
    }

    /// The path, the URL or the name that stands in errors.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Opens it for reading by any number of threads, each with a clone or all with one.
    pub(crate) fn open(&self) -> Result<ParquetBytes> {
        let (source, held) = match &self.place {
            Place::Bytes(bytes) => (Source::Bytes(bytes.clone()), Vec::new()),
            Place::Location(location) => {
                let reader = location.open().map_err(Error::object(&self.name))?;
                let held = if location.as_path().is_some() {
                    Vec::new()
                } else {
                    let start = reader.size().saturating_sub(TAIL);
                    let tail = reader.get_range(start..reader.size());
                    vec![(start, tail.map_err(Error::object(&self.name))?)]
                };
                (Source::Object(reader), held)
            }
        };
        Ok(ParquetBytes {
            name: Arc::clone(&self.name),
            source,
            held: held.into(),
            page_limit: PAGE_LIMIT,
            failure: Arc::default(),
        })
    }
}

impl fmt::Debug for ParquetInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ParquetInput({})", self.name)
    }
}

/// The bytes of an opened Parquet file. Clones are cheap, and read independently of each other.
#[derive(Clone)]
pub(crate) struct ParquetBytes {
    name: Arc<str>,
    source: Source,
    /// Ranges that were fetched already: where each begins, in order.
    held: Arc<[(u64, Bytes)]>,
    page_limit: u64,
    /// What a store said when a range could not be had; the decoder's own error only quotes it.
    failure: Arc<Mutex<Option<mlops_store::Error>>>,
}

#[derive(Clone)]
enum Source {
    Bytes(Bytes),
    Object(ObjectReader),
}

impl ParquetBytes {
    /// The path, the URL or the name that stands in errors.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The size of the file in bytes.
    pub(crate) fn size(&self) -> u64 {
        match &self.source {
            Source::Bytes(bytes) => bytes.len() as u64,
            Source::Object(reader) => reader.size(),
        }
    }

    /// The bytes that were fetched so far, the end of the file included.
    #[cfg(test)]
    pub(super) fn bytes_read(&self) -> u64 {
        match &self.source {
            Source::Bytes(_) => 0,
            Source::Object(reader) => reader.bytes_read(),
        }
    }

    /// A reader that has these ranges at hand: those of an object are fetched now, near ones together, and are held
    /// until the reader is dropped. Files and memory are read when it is time, so there it costs nothing.
    ///
    /// # Errors
    /// [`Error::Object`] if they cannot be fetched.
    pub(crate) fn with_ranges(&self, ranges: &[Range<u64>]) -> Result<Self> {
        let mut reader = self.clone();
        if let (Source::Object(object), false) = (&self.source, self.is_local()) {
            let fetched = object
                .get_ranges(ranges)
                .map_err(Error::object(&self.name))?;
            let starts = ranges.iter().map(|range| range.start);
            let mut held: Vec<(u64, Bytes)> = starts.zip(fetched).collect();
            held.sort_unstable_by_key(|(start, _)| *start);
            reader.held = held.into();
        }
        Ok(reader)
    }

    /// What an error of the decoder means: the store's own, if it did not give a range, or a file that is broken.
    pub(crate) fn broken(&self, reason: String) -> Error {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        match failure.take() {
            Some(error) => Error::object(&self.name)(error),
            None => Error::BrokenParquet {
                source_name: self.name.as_ref().to_owned(),
                reason,
            },
        }
    }

    fn is_local(&self) -> bool {
        match &self.source {
            Source::Bytes(_) => true,
            Source::Object(reader) => reader.is_file(),
        }
    }

    /// What is held of a range, from its start on.
    fn held(&self, start: u64) -> Option<Bytes> {
        let next = self.held.partition_point(|(at, _)| *at <= start);
        let (at, bytes) = &self.held[next.checked_sub(1)?];
        let skipped = usize::try_from(start - at).ok()?;
        (skipped < bytes.len()).then(|| bytes.slice(skipped..))
    }

    /// The bytes of a range that is inside the file.
    fn range(&self, start: u64, length: u64) -> Result<Bytes, ParquetError> {
        let end = start.checked_add(length).filter(|end| *end <= self.size());
        let Some(end) = end else {
            return Err(ParquetError::EOF(format!(
                "{length} bytes are expected at {start}, the file has {}",
                self.size()
            )));
        };
        if let Some(held) = self.held(start).filter(|held| held.len() as u64 >= length) {
            let length = usize::try_from(length).expect("it is held");
            return Ok(held.slice(..length));
        }
        match &self.source {
            Source::Bytes(bytes) => {
                let at = |at| usize::try_from(at).expect("it is inside of what is in memory");
                Ok(bytes.slice(at(start)..at(end)))
            }
            Source::Object(reader) => reader.get_range(start..end).map_err(|error| {
                let text = error.to_string();
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                ParquetError::General(text)
            }),
        }
    }

    /// The header of the page that begins here, once it has been looked through.
    fn header(&self, start: u64) -> Result<Bytes, ParquetError> {
        let left = self.size().saturating_sub(start);
        let mut length = match self.held(start) {
            Some(held) => held.len() as u64,
            None if self.is_local() => HEADER,
            None => AHEAD,
        };
        length = length.min(left).min(HEADER_LIMIT);
        loop {
            let bytes = self.range(start, length)?;
            match thrift::page_header(&bytes) {
                Ok(header) => {
                    self.check_page(start, &header)?;
                    return Ok(bytes.slice(..header.length));
                }
                Err(Flaw::Short) if length < left.min(HEADER_LIMIT) => {
                    length = (length * 4).min(left).min(HEADER_LIMIT);
                }
                Err(Flaw::Short) => return Err(flawed("the header of a page has no end")),
                Err(Flaw::Bad(reason)) => {
                    return Err(flawed(&format!("in the header of a page, {reason}")));
                }
            }
        }
    }

    /// Refuses a page that is too large before it is decompressed.
    fn check_page(&self, start: u64, header: &PageHeader) -> Result<(), ParquetError> {
        let too_large = || {
            flawed(&format!(
                "a page unpacks to more than {} bytes",
                self.page_limit
            ))
        };
        if header.unpacked > self.page_limit || header.packed > self.page_limit {
            return Err(too_large());
        }
        if header.packed <= UNMEASURED {
            return Ok(());
        }
        let Some(packed) = header.packed.checked_sub(header.levels) else {
            return Err(flawed("the levels of a page are larger than the page"));
        };
        let at = start + header.length as u64 + header.levels;
        if self.range(at, 2)?.as_ref() == [0x1f, 0x8b] {
            let body = self.range(at, packed)?;
            let mut unpacked = MultiGzDecoder::new(&body[..]).take(header.unpacked + 1);
            // what is no gzip stream is left to the decoder, which knows how the page is packed
            if std::io::copy(&mut unpacked, &mut std::io::sink()).unwrap_or_default()
                > header.unpacked
            {
                return Err(too_large());
            }
        }
        Ok(())
    }
}

fn flawed(reason: &str) -> ParquetError {
    ParquetError::General(reason.to_owned())
}

impl Length for ParquetBytes {
    fn len(&self) -> u64 {
        self.size()
    }
}

impl ChunkReader for ParquetBytes {
    type T = HeaderReader;

    /// The decoder asks in this way for headers of pages, and for the last bytes of the file.
    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(HeaderReader {
            file: self.clone(),
            start,
            bytes: None,
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let bytes = self.range(start, length as u64)?;
        if start + length as u64 + TRAILER == self.size() {
            match thrift::footer(&bytes) {
                Ok(()) => {}
                Err(Flaw::Short) => return Err(flawed("the metadata has no end")),
                Err(Flaw::Bad(reason)) => {
                    return Err(flawed(&format!("in the metadata, {reason}")));
                }
            }
        }
        Ok(bytes)
    }
}

impl fmt::Debug for ParquetBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ParquetBytes({}, {} bytes)", self.name, self.size())
    }
}

/// Gives the header of a page and nothing after it. It is looked up at the first read, because the decoder opens
/// readers that it does not read.
#[derive(Debug)]
pub(crate) struct HeaderReader {
    file: ParquetBytes,
    start: u64,
    bytes: Option<Bytes>,
}

impl Read for HeaderReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.bytes.is_none() {
            let found = if self.start.saturating_add(TRAILER) == self.file.size() {
                self.file.range(self.start, TRAILER)
            } else {
                self.file.header(self.start)
            };
            self.bytes = Some(found.map_err(IoError::other)?);
        }
        let bytes = self.bytes.as_mut().expect("it was just set");
        let length = bytes.len().min(buffer.len());
        bytes.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
