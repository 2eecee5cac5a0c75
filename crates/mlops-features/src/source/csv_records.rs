//! The records of a CSV file as bytes: unzipped, bounded, and with one account of what can break.

use std::io::{Error as IoError, Read};

use ::csv::{ByteRecord, Reader, ReaderBuilder};

use super::{
    UnpackLimit,
    file::Origin,
    unpack::{BUFFER, Unpacked},
};
use crate::{Error, Result};

/// Where a CSV file is read from, and within which bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a> {
    /// The path, URL or name that stands in errors.
    pub(crate) name: &'a str,
    pub(crate) origin: &'a Origin,
    pub(crate) delimiter: u8,
    /// The bytes of the longest record.
    pub(crate) record_limit: u64,
    pub(crate) unpack_limit: UnpackLimit,
}

/// One pass over the records of a file, blank lines left out. A record may have any number of fields.
pub(crate) struct Records<'a> {
    text: Text<'a>,
    reader: Reader<Bounded>,
    record: ByteRecord,
    /// The data rows that were read.
    rows: u64,
}

impl<'a> Records<'a> {
    pub(crate) fn open(text: Text<'a>) -> Result<Self> {
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(text.delimiter)
            .buffer_capacity(BUFFER)
            .from_reader(Bounded {
                inner: Unpacked::open(text.origin, text.name, text.unpack_limit)?,
                since_record: 0,
                limit: text.record_limit.saturating_add(2 * BUFFER as u64),
                exceeded: false,
            });
        Ok(Self {
            text,
            reader,
            record: ByteRecord::new(),
            rows: 0,
        })
    }

    /// The names in the first record.
    pub(crate) fn header(&mut self) -> Result<Vec<String>> {
        let source_name = || self.text.name.to_owned();
        if !self.fill()? {
            return Err(Error::MissingHeader {
                source_name: source_name(),
            });
        }
        let names = self.record.iter().enumerate().map(|(i, name)| {
            String::from_utf8(name.to_vec()).map_err(|_| Error::NotUtf8 {
                source_name: source_name(),
                column: i + 1,
            })
        });
        names.collect()
    }

    /// Reads the next data row; false after the last.
    pub(crate) fn advance(&mut self) -> Result<bool> {
        let more = self.fill()?;
        self.rows += u64::from(more);
        Ok(more)
    }

    /// The row that was read last.
    pub(crate) fn record(&self) -> &ByteRecord {
        &self.record
    }

    /// Its number, counted from 1.
    pub(crate) fn row(&self) -> u64 {
        self.rows
    }

    fn fill(&mut self) -> Result<bool> {
        match self.reader.read_byte_record(&mut self.record) {
            Ok(more) => {
                self.reader.get_mut().since_record = 0;
                Ok(more)
            }
            Err(error) => Err(self.stopped(error)),
        }
    }

    fn stopped(&self, error: ::csv::Error) -> Error {
        let bounded = self.reader.get_ref();
        if bounded.exceeded {
            return Error::RecordTooLong {
                source_name: self.text.name.to_owned(),
                row: self.rows + 1,
                limit: self.text.record_limit,
            };
        }
        let source = match error.into_kind() {
            ::csv::ErrorKind::Io(source) => source,
            kind => IoError::other(format!("{kind:?}")),
        };
        bounded.inner.error(self.text.name, self.rows, source)
    }
}

/// Stops a record that has no end before it fills the memory.
struct Bounded {
    inner: Unpacked,
    since_record: u64,
    limit: u64,
    exceeded: bool,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.since_record > self.limit {
            self.exceeded = true;
            return Err(IoError::other("the record is too long"));
        }
        let read = self.inner.read(buffer)?;
        self.since_record += read as u64;
        Ok(read)
    }
}
