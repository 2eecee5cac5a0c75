//! One pass over the records of a CSV file.

use std::io::{Error as IoError, Read};

use ::csv::{ByteRecord, Reader, ReaderBuilder};

use super::{
    Chunk, Csv, SourceSchema,
    batches::locate,
    rejection::{Fault, RejectionKind},
    rows::Rows,
    unpack::{BUFFER, Unpacked},
};
use crate::{Error, Result};

/// Where the reader stands.
pub(super) struct Scan<'a> {
    csv: &'a Csv,
    schema: &'a SourceSchema,
    reader: Reader<Bounded>,
    record: ByteRecord,
    /// How many fields a record has, and which of them each column of the schema is.
    fields: usize,
    at: Vec<usize>,
    rows: u64,
}

impl<'a> Scan<'a> {
    /// Reads the header and finds the columns of the schema in it.
    pub(super) fn start(csv: &'a Csv, schema: &'a SourceSchema) -> Result<Self> {
        if matches!(csv.delimiter, b'"' | b'\n' | b'\r') {
            return Err(Error::InvalidParameter {
                parameter: "delimiter",
                value: char::from(csv.delimiter).escape_default().to_string(),
                rule: "it must be neither a quote nor a line end",
            });
        }
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(csv.delimiter)
            .buffer_capacity(BUFFER)
            .from_reader(Bounded {
                inner: Unpacked::open(&csv.origin, &csv.name, csv.unpack_limit)?,
                since_record: 0,
                limit: csv.record_limit.saturating_add(2 * BUFFER as u64),
                exceeded: false,
            });
        let mut scan = Self {
            csv,
            schema,
            reader,
            record: ByteRecord::new(),
            fields: 0,
            at: Vec::new(),
            rows: 0,
        };
        let names = match &csv.column_names {
            Some(names) => names.clone(),
            None => scan.header()?,
        };
        let columns = schema.columns().iter();
        let at = columns.map(|column| locate(&csv.name, &names, &column.source));
        scan.at = at.collect::<Result<_>>()?;
        scan.fields = names.len();
        Ok(scan)
    }

    /// The names in the first record.
    fn header(&mut self) -> Result<Vec<String>> {
        let source_name = || self.csv.name.clone();
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

    /// The next part of at most that many rows, or `None` after the last.
    pub(super) fn chunk(&mut self, rows: usize, rejection_limit: usize) -> Result<Option<Chunk>> {
        let mut part = Rows::new(&self.csv.name, self.schema, rejection_limit);
        while part.read() < rows as u64 && self.fill()? {
            self.rows += 1;
            let (record, at) = (&self.record, &self.at);
            if record.len() != self.fields {
                let found = record.len();
                let reason = format!("{} fields are expected, {found} are there", self.fields);
                let fault = Fault::new(RejectionKind::FieldCount, reason);
                part.reject(self.rows, None, &self.excerpt(), fault);
                continue;
            }
            part.add(
                self.rows,
                |i, column| column.push(&record[at[i]], &self.csv.null_tokens),
                |i| String::from_utf8_lossy(&record[at[i]]).into_owned(),
            )?;
        }
        (part.read() > 0).then(|| part.finish()).transpose()
    }

    /// The start of the record, to recognise it by.
    fn excerpt(&self) -> String {
        let mut text = String::new();
        for (i, field) in self.record.iter().enumerate() {
            if i > 0 {
                text.push(char::from(self.csv.delimiter));
            }
            let field = &field[..field.len().min(400)];
            text.push_str(&String::from_utf8_lossy(field));
            if text.len() > 400 {
                break;
            }
        }
        text
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
                source_name: self.csv.name.clone(),
                row: self.rows + 1,
                limit: self.csv.record_limit,
            };
        }
        let source = match error.into_kind() {
            ::csv::ErrorKind::Io(source) => source,
            kind => IoError::other(format!("{kind:?}")),
        };
        bounded.inner.error(&self.csv.name, self.rows, source)
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
