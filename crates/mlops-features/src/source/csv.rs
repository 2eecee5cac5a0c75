//! CSV files, gzipped or not, to a checked table.
//!
//! Records are read as bytes into one reused buffer and parsed straight into typed columns; a text is
//! copied once. Whether a file is gzipped is told by its first two bytes and not by its name.

use std::{
    io::{BufRead, BufReader, Cursor, Error as IoError, ErrorKind, Read},
    path::Path,
    sync::Arc,
};

use ::csv::{ByteRecord, Reader, ReaderBuilder};
use flate2::bufread::MultiGzDecoder;
use mlops_core::Table;

use super::{
    Ingest, Rejections, SourceSchema,
    batches::locate,
    columns::{ColumnBuilder, NullTokens, Stop},
    file::{self, Origin},
    rejection::{DEFAULT_LIMIT, Fault, RejectionKind},
};
use crate::{Error, Result};

const DEFAULT_RECORD_LIMIT: u64 = 1 << 20;
const BUFFER: usize = 1 << 16;

/// A CSV file with a header line (RFC 4180 quoting), plain or gzipped.
///
/// A row with the wrong number of fields, a value that does not parse or a missing required value is
/// listed in [`Ingest::rejected`] and the reading goes on. Blank lines are no rows. An empty field is no
/// value, quoted or not.
///
/// ```
/// use mlops_features::{Csv, Parse, SourceSchema};
///
/// let text = "CustomerID,Quantity\n17850.0,6\n,3\n13047,many\n";
/// let schema = SourceSchema::builder()
///     .key("customer_id", "CustomerID", Parse::Int)
///     .value("quantity", "Quantity", Parse::Int).unit("items")
///     .build()?;
/// let ingest = Csv::from_bytes("orders", text.as_bytes()).read(&schema)?;
/// assert_eq!((ingest.rows_read, ingest.table.rows()), (3, 1));
/// assert_eq!(ingest.rejected.rows()[1].to_string(), "row 3, column `Quantity`, `many`: it is not a whole number");
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Csv {
    name: String,
    origin: Origin,
    delimiter: u8,
    column_names: Option<Vec<String>>,
    null_tokens: NullTokens,
    record_limit: u64,
    rejection_limit: usize,
}

impl Csv {
    /// A file that is there; it is read by [`Csv::read`].
    ///
    /// # Errors
    /// [`Error::MissingFile`] if there is none, [`Error::Read`] if it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let (name, origin) = file::existing(path.as_ref())?;
        Ok(Self::new(name, origin))
    }

    /// The same from memory, plain or gzipped; the name stands in errors.
    pub fn from_bytes(name: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self::new(name.into(), Origin::Bytes(bytes.into()))
    }

    fn new(name: String, origin: Origin) -> Self {
        Self {
            name,
            origin,
            delimiter: b',',
            column_names: None,
            null_tokens: NullTokens::default(),
            record_limit: DEFAULT_RECORD_LIMIT,
            rejection_limit: DEFAULT_LIMIT,
        }
    }

    /// The byte between fields, a comma unless said otherwise.
    #[must_use]
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = delimiter;
        self
    }

    /// The names of the columns of a file without a header line.
    #[must_use]
    pub fn column_names<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.column_names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// A text that means "no value", for instance `NA` or `?`; may be given more than once.
    #[must_use]
    pub fn null_token(mut self, token: &str) -> Self {
        self.null_tokens.0.push(token.as_bytes().into());
        self
    }

    /// The longest record in bytes, 1 MiB unless said otherwise; it bounds what an open quote can swallow.
    /// The reader looks ahead, so that up to 128 KiB more may pass.
    #[must_use]
    pub fn record_limit(mut self, bytes: u64) -> Self {
        self.record_limit = bytes;
        self
    }

    /// How many rejected rows are listed one by one, 10,000 unless said otherwise.
    #[must_use]
    pub fn rejection_limit(mut self, rows: usize) -> Self {
        self.rejection_limit = rows;
        self
    }

    /// Reads the whole file by the schema.
    ///
    /// # Errors
    /// [`Error::MissingColumn`] or [`Error::AmbiguousColumn`] if the header does not settle a column,
    /// [`Error::MissingHeader`] if the file is empty, [`Error::NotUtf8`] if the header is no text,
    /// [`Error::BrokenGzip`] if the archive is cut off or damaged, [`Error::RecordTooLong`],
    /// [`Error::ColumnTooLarge`], [`Error::Read`], [`Error::InvalidParameter`] for a delimiter that is
    /// a quote or a line end.
    pub fn read(&self, schema: &SourceSchema) -> Result<Ingest> {
        let mut scan = Scan::start(self)?;
        let names = match &self.column_names {
            Some(names) => names.clone(),
            None => scan.header()?,
        };
        let mut columns: Vec<(usize, ColumnBuilder<'_>)> = schema
            .columns()
            .iter()
            .map(|c| {
                Ok((
                    locate(&self.name, &names, &c.source)?,
                    ColumnBuilder::new(c),
                ))
            })
            .collect::<Result<_>>()?;

        let mut rejected = Rejections::with_limit(self.rejection_limit);
        let mut taken = 0;
        while scan.advance()? {
            let record = &scan.record;
            if record.len() != names.len() {
                let reason = format!(
                    "{} fields are expected, {} are there",
                    names.len(),
                    record.len()
                );
                let fault = Fault::new(RejectionKind::FieldCount, reason);
                rejected.push(scan.rows, None, &self.excerpt(record), fault);
                continue;
            }
            match push_row(&mut columns, record, &self.null_tokens) {
                Ok(()) => taken += 1,
                Err((bad, stop)) => {
                    let source = &columns[bad].1.spec().source;
                    let Stop::Fault(fault) = stop else {
                        return Err(Error::ColumnTooLarge {
                            source_name: self.name.clone(),
                            column: source.clone(),
                        });
                    };
                    let value = String::from_utf8_lossy(&record[columns[bad].0]).into_owned();
                    rejected.push(scan.rows, Some(source), &value, fault);
                    columns[..bad]
                        .iter_mut()
                        .for_each(|(_, c)| c.truncate(taken));
                }
            }
        }
        let arrays = columns
            .into_iter()
            .map(|(_, column)| column.finish())
            .collect();
        Ok(Ingest {
            table: Table::new(schema.table_schema().clone(), arrays)?,
            rejected,
            rows_read: scan.rows,
        })
    }

    /// The start of a record, to recognise it by.
    fn excerpt(&self, record: &ByteRecord) -> String {
        let mut text = String::new();
        for (i, field) in record.iter().enumerate() {
            if i > 0 {
                text.push(char::from(self.delimiter));
            }
            let field = &field[..field.len().min(400)];
            text.push_str(&String::from_utf8_lossy(field));
            if text.len() > 400 {
                break;
            }
        }
        text
    }
}

/// Pushes all cells of a record, or tells the position of the first column that refuses.
fn push_row(
    columns: &mut [(usize, ColumnBuilder<'_>)],
    record: &ByteRecord,
    null_tokens: &NullTokens,
) -> Result<(), (usize, Stop)> {
    for (i, (at, column)) in columns.iter_mut().enumerate() {
        column
            .push(&record[*at], null_tokens)
            .map_err(|stop| (i, stop))?;
    }
    Ok(())
}

/// One pass over the records of a file.
struct Scan<'a> {
    csv: &'a Csv,
    reader: Reader<Bounded>,
    record: ByteRecord,
    gzipped: bool,
    rows: u64,
}

impl<'a> Scan<'a> {
    fn start(csv: &'a Csv) -> Result<Self> {
        if matches!(csv.delimiter, b'"' | b'\n' | b'\r') {
            return Err(Error::InvalidParameter {
                parameter: "delimiter",
                value: char::from(csv.delimiter).escape_default().to_string(),
                rule: "it must be neither a quote nor a line end",
            });
        }
        let raw: Box<dyn Read> = match &csv.origin {
            Origin::Path(path) => Box::new(file::open(path, &csv.name)?),
            Origin::Bytes(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
        };
        let mut raw = BufReader::with_capacity(BUFFER, raw);
        let head = raw.fill_buf().map_err(|e| file::read_error(&csv.name, e))?;
        let gzipped = head.starts_with(&[0x1f, 0x8b]);
        let inner: Box<dyn Read> = if gzipped {
            Box::new(MultiGzDecoder::new(raw))
        } else {
            Box::new(raw)
        };
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(csv.delimiter)
            .buffer_capacity(BUFFER)
            .from_reader(Bounded {
                inner,
                since_record: 0,
                limit: csv.record_limit.saturating_add(2 * BUFFER as u64),
                exceeded: false,
            });
        Ok(Self {
            csv,
            reader,
            record: ByteRecord::new(),
            gzipped,
            rows: 0,
        })
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

    /// Moves to the next data row.
    fn advance(&mut self) -> Result<bool> {
        let more = self.fill()?;
        self.rows += u64::from(more);
        Ok(more)
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
        let source_name = self.csv.name.clone();
        if self.reader.get_ref().exceeded {
            return Error::RecordTooLong {
                source_name,
                row: self.rows + 1,
                limit: self.csv.record_limit,
            };
        }
        let source = match error.into_kind() {
            ::csv::ErrorKind::Io(source) => source,
            kind => IoError::other(format!("{kind:?}")),
        };
        let broken = matches!(
            source.kind(),
            ErrorKind::UnexpectedEof | ErrorKind::InvalidInput | ErrorKind::InvalidData
        );
        if self.gzipped && broken {
            return Error::BrokenGzip {
                source_name,
                row: self.rows,
                source,
            };
        }
        Error::Read {
            source_name,
            source,
        }
    }
}

/// Stops a record that has no end before it fills the memory.
struct Bounded {
    inner: Box<dyn Read>,
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
