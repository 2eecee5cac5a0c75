//! One Parquet file to a checked table.
//!
//! Only the columns that the schema names are decoded. Types drift from file to file in practice (an
//! `int64` key becomes `int32`, a flag becomes a large string), so every type that can be widened
//! without loss is taken.

use std::{path::Path, sync::Arc};

use mlops_store::Location;

use super::{
    super::{
        Chunk, Chunks, Ingest, RowFilter, Source, SourceSchema, UnpackLimit, chunk::check_rows,
        rejection::DEFAULT_LIMIT,
    },
    groups::{Groups, Options},
    input::ParquetInput,
};
use crate::Result;

pub(super) const BATCH_ROWS: usize = 1 << 16;

/// A Parquet file, uncompressed or in Snappy, Gzip or Zstandard.
///
/// Whole numbers become `Int64` or `Float64` and reals become `Float64` where nothing is lost; texts and
/// dictionaries are read as in a CSV file; times of any unit become instants. Times without a
/// zone and dates need a zone stated by [`TimeFormat`](crate::TimeFormat), and NaN is rejected unless declared
/// to mean "no value".
#[derive(Debug, Clone)]
pub struct ParquetFile {
    pub(in crate::source) input: ParquetInput,
    options: Options,
    filter: RowFilter,
}

impl ParquetFile {
    /// A file that is there; it is read by [`ParquetFile::read`].
    ///
    /// # Errors
    /// [`Error::MissingFile`](crate::Error::MissingFile) if there is none, [`Error::Read`](crate::Error::Read) if it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_at(&Location::file(path.as_ref()))
    }

    /// The same at a [`Location`], which may be an object of a store. Of an object, the footer and the columns of the
    /// row groups that are wanted are fetched, and nothing else.
    ///
    /// # Errors
    /// Those of [`ParquetFile::open`], [`Error::Object`](crate::Error::Object) if the store does not give it.
    pub fn open_at(location: &Location) -> Result<Self> {
        Ok(Self::new(ParquetInput::existing(location)?))
    }

    /// The same from memory; the name stands in errors.
    pub fn from_bytes(name: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes::Bytes::from_owner(bytes.into());
        Self::new(ParquetInput::bytes(name.into(), bytes))
    }

    fn new(input: ParquetInput) -> Self {
        Self {
            input,
            options: Options {
                unpack_limit: UnpackLimit::columns(),
                rejection_limit: DEFAULT_LIMIT,
            },
            filter: RowFilter::new(),
        }
    }

    /// How many rejected rows are listed one by one, 10,000 unless said otherwise.
    #[must_use]
    pub fn rejection_limit(mut self, rows: usize) -> Self {
        self.options.rejection_limit = rows;
        self
    }

    /// What the file may become in memory, [`UnpackLimit::columns`] unless said otherwise: eight bytes for each value
    /// and the texts. It is checked before anything is decoded, as far as the metadata says it.
    #[must_use]
    pub fn unpack_limit(mut self, limit: UnpackLimit) -> Self {
        self.options.unpack_limit = limit;
        self
    }

    /// Only the rows that are wanted; row groups that cannot hold one, by their statistics, are not read.
    #[must_use]
    pub fn filter(mut self, filter: RowFilter) -> Self {
        self.filter = filter;
        self
    }

    /// Reads all row groups by the schema.
    ///
    /// # Errors
    /// [`Error::BrokenParquet`](crate::Error::BrokenParquet) if the file is damaged or no Parquet, [`Error::MissingColumn`](crate::Error::MissingColumn) or
    /// [`Error::AmbiguousColumn`](crate::Error::AmbiguousColumn) if it does not settle a column, [`Error::ColumnType`](crate::Error::ColumnType) if a type
    /// cannot become what the schema asks for, [`Error::UnstatedZone`](crate::Error::UnstatedZone) if times have no zone and
    /// none is stated, [`Error::Unpacked`](crate::Error::Unpacked) if it becomes too much, [`Error::Object`](crate::Error::Object), [`Error::Read`](crate::Error::Read).
    pub fn read(&self, schema: &SourceSchema) -> Result<Ingest> {
        self.stream(schema, BATCH_ROWS)?.ingest()
    }

    /// Reads the file in parts of at most that many rows, each when it is asked for. A part ends where a row group ends.
    ///
    /// # Errors
    /// Those of [`ParquetFile::read`] that the metadata shows, [`Error::InvalidParameter`](crate::Error::InvalidParameter) if `chunk_rows` is 0. All
    /// others come with their part.
    pub fn stream<'a>(&'a self, schema: &'a SourceSchema, chunk_rows: usize) -> Result<Chunks<'a>> {
        self.near(schema, chunk_rows, &RowFilter::new())
    }

    /// The same without row groups that hold no row that another filter takes.
    fn near<'a>(
        &'a self,
        schema: &'a SourceSchema,
        chunk_rows: usize,
        near: &RowFilter,
    ) -> Result<Chunks<'a>> {
        check_rows(chunk_rows)?;
        let read = self.filter.and(near);
        read.check(schema.table_schema())?;
        let mut groups = Groups::open(
            &self.input,
            schema,
            &read,
            self.options,
            Vec::new(),
            chunk_rows,
        )?;
        let parts = std::iter::from_fn(move || wanted(&mut groups, &self.filter).transpose());
        let limit = self.options.rejection_limit;
        Ok(Chunks::new(self.input.name(), schema, limit, parts))
    }
}

/// The next part that has a row.
pub(super) fn wanted(groups: &mut Groups<'_>, filter: &RowFilter) -> Result<Option<Chunk>> {
    while let Some(chunk) = groups.chunk()? {
        let chunk = filter.apply(chunk)?;
        if chunk.rows_read > 0 {
            return Ok(Some(chunk));
        }
    }
    Ok(None)
}

impl Source for ParquetFile {
    fn name(&self) -> &str {
        self.input.name()
    }

    fn stream<'a>(&'a self, schema: &'a SourceSchema, chunk_rows: usize) -> Result<Chunks<'a>> {
        self.stream(schema, chunk_rows)
    }

    fn filter_columns(&self) -> Vec<&str> {
        self.filter.columns().collect()
    }

    fn stream_near<'a>(
        &'a self,
        schema: &'a SourceSchema,
        chunk_rows: usize,
        wanted: &RowFilter,
    ) -> Result<Chunks<'a>> {
        self.near(schema, chunk_rows, wanted)
    }

    fn read(&self, schema: &SourceSchema) -> Result<Ingest> {
        self.read(schema)
    }
}
