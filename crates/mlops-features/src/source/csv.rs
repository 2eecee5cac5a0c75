//! CSV files, gzipped or not, to a checked table.
//!
//! Records are read as bytes into one reused buffer and parsed straight into typed columns; a text is
//! copied once. Whether a file is gzipped is told by its first two bytes and not by its name.

use std::{path::Path, sync::Arc};

use mlops_store::Location;

use super::{
    Chunks, Ingest, Source, SourceSchema, UnpackLimit,
    chunk::check_rows,
    columns::NullTokens,
    csv_scan::Scan,
    file::{self, Origin},
    rejection::DEFAULT_LIMIT,
};
use crate::Result;

const DEFAULT_RECORD_LIMIT: u64 = 1 << 20;

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
    pub(super) name: String,
    pub(super) origin: Origin,
    pub(super) delimiter: u8,
    pub(super) column_names: Option<Vec<String>>,
    pub(super) null_tokens: NullTokens,
    pub(super) record_limit: u64,
    pub(super) unpack_limit: UnpackLimit,
    rejection_limit: usize,
}

impl Csv {
    /// A file that is there; it is read by [`Csv::read`].
    ///
    /// # Errors
    /// [`Error::MissingFile`](crate::Error::MissingFile) if there is none, [`Error::Read`](crate::Error::Read) if it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let (name, origin) = file::existing(path.as_ref())?;
        Ok(Self::new(name, origin))
    }

    /// The same at a [`Location`], which may be an object of a store; it is fetched block by block as it is read.
    ///
    /// # Errors
    /// Those of [`Csv::open`], [`Error::Object`](crate::Error::Object) if the store does not give it.
    pub fn open_at(location: &Location) -> Result<Self> {
        let (name, origin) = file::located(location)?;
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
            unpack_limit: UnpackLimit::text(),
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

    /// What a gzipped file may unpack to, [`UnpackLimit::text`] unless said otherwise.
    #[must_use]
    pub fn unpack_limit(mut self, limit: UnpackLimit) -> Self {
        self.unpack_limit = limit;
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
    /// [`Error::MissingColumn`](crate::Error::MissingColumn) or [`Error::AmbiguousColumn`](crate::Error::AmbiguousColumn) if the header does not settle a column,
    /// [`Error::MissingHeader`](crate::Error::MissingHeader) if the file is empty, [`Error::NotUtf8`](crate::Error::NotUtf8) if the header is no text,
    /// [`Error::BrokenGzip`](crate::Error::BrokenGzip) if the archive is cut off or damaged, [`Error::Unpacked`](crate::Error::Unpacked) if it becomes too much,
    /// [`Error::RecordTooLong`](crate::Error::RecordTooLong), [`Error::ColumnTooLarge`](crate::Error::ColumnTooLarge), [`Error::Read`](crate::Error::Read), [`Error::InvalidParameter`](crate::Error::InvalidParameter) for a
    /// delimiter that is a quote or a line end.
    pub fn read(&self, schema: &SourceSchema) -> Result<Ingest> {
        self.stream(schema, usize::MAX)?.ingest()
    }

    /// Reads the file in parts of at most that many rows, each when it is asked for.
    ///
    /// # Errors
    /// Those of [`Csv::read`] that the header shows, [`Error::InvalidParameter`](crate::Error::InvalidParameter) if `chunk_rows` is 0. All others come
    /// with their part.
    pub fn stream<'a>(&'a self, schema: &'a SourceSchema, chunk_rows: usize) -> Result<Chunks<'a>> {
        check_rows(chunk_rows)?;
        let mut scan = Scan::start(self, schema)?;
        let limit = self.rejection_limit;
        let parts = std::iter::from_fn(move || scan.chunk(chunk_rows, limit).transpose());
        Ok(Chunks::new(&self.name, schema, limit, parts))
    }
}

impl Source for Csv {
    fn name(&self) -> &str {
        &self.name
    }

    fn stream<'a>(&'a self, schema: &'a SourceSchema, chunk_rows: usize) -> Result<Chunks<'a>> {
        self.stream(schema, chunk_rows)
    }

    fn read(&self, schema: &SourceSchema) -> Result<Ingest> {
        self.read(schema)
    }
}
