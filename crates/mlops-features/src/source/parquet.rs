//! Parquet files to a checked table.
//!
//! Only the columns that the schema names are decoded. Types drift from file to file in practice (an
//! `int64` key becomes `int32`, a flag becomes a large string), so every type that can be widened
//! without loss is taken.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
};

use ::parquet::{
    arrow::{ProjectionMask, arrow_reader::ParquetRecordBatchReaderBuilder},
    file::reader::ChunkReader,
};
use arrow::{array::RecordBatch, datatypes::Schema};
use bytes::Bytes;

use super::{
    Ingest, SourceSchema,
    batches::{BatchReader, locate},
    file::{self, Origin},
    rejection::DEFAULT_LIMIT,
};
use crate::{Error, Result};

const BATCH_ROWS: usize = 1 << 16;

/// A Parquet file, uncompressed or in Snappy, Gzip or Zstandard.
///
/// Whole numbers become `Int64` or `Float64` and reals become `Float64` where nothing is lost; texts and
/// dictionaries are read as in a CSV file; times of any unit become instants. Times without a
/// zone and dates need a zone stated by [`TimeFormat`](crate::TimeFormat), and NaN is rejected unless declared
/// to mean "no value".
#[derive(Debug, Clone)]
pub struct ParquetFile {
    name: String,
    origin: Origin,
    rejection_limit: usize,
}

impl ParquetFile {
    /// A file that is there; it is read by [`ParquetFile::read`].
    ///
    /// # Errors
    /// [`Error::MissingFile`] if there is none, [`Error::Read`] if it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let (name, origin) = file::existing(path.as_ref())?;
        Ok(Self {
            name,
            origin,
            rejection_limit: DEFAULT_LIMIT,
        })
    }

    /// The same from memory; the name stands in errors.
    pub fn from_bytes(name: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self {
            name: name.into(),
            origin: Origin::Bytes(bytes.into()),
            rejection_limit: DEFAULT_LIMIT,
        }
    }

    /// How many rejected rows are listed one by one, 10,000 unless said otherwise.
    #[must_use]
    pub fn rejection_limit(mut self, rows: usize) -> Self {
        self.rejection_limit = rows;
        self
    }

    /// Reads all row groups by the schema.
    ///
    /// # Errors
    /// [`Error::BrokenParquet`] if the file is damaged or no Parquet, [`Error::MissingColumn`] or
    /// [`Error::AmbiguousColumn`] if it does not settle a column, [`Error::ColumnType`] if a type
    /// cannot become what the schema asks for, [`Error::UnstatedZone`] if times have no zone and
    /// none is stated, [`Error::Read`].
    pub fn read(&self, schema: &SourceSchema) -> Result<Ingest> {
        match &self.origin {
            Origin::Path(path) => self.read_from(file::open(path, &self.name)?, schema),
            Origin::Bytes(bytes) => self.read_from(Bytes::from_owner(Arc::clone(bytes)), schema),
        }
    }

    fn read_from(&self, file: impl ChunkReader + 'static, schema: &SourceSchema) -> Result<Ingest> {
        let builder = self.guard(|| ParquetRecordBatchReaderBuilder::try_new(file))?;
        let fields = builder.schema().fields().clone();
        let names: Vec<String> = fields.iter().map(|f| f.name().clone()).collect();
        let mut wanted = schema
            .columns()
            .iter()
            .map(|c| locate(&self.name, &names, &c.source))
            .collect::<Result<Vec<usize>>>()?;
        wanted.sort_unstable();
        wanted.dedup();

        let mut rows = BatchReader::new(self.name.clone(), schema, self.rejection_limit);
        // types are checked before anything is decoded, and in a file without rows as well
        let types = Schema::new(
            wanted
                .iter()
                .map(|at| Arc::clone(&fields[*at]))
                .collect::<Vec<_>>(),
        );
        rows.push(&RecordBatch::new_empty(Arc::new(types)))?;

        let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
        let builder = builder.with_projection(mask).with_batch_size(BATCH_ROWS);
        let mut batches = self.guard(|| builder.build())?;
        while let Some(batch) = self.guard(|| batches.next().transpose())? {
            rows.push(&batch)?;
        }
        rows.finish()
    }

    /// Calls the decoder, which answers some damaged files with a panic and others with an error.
    fn guard<T, E: std::fmt::Display>(&self, call: impl FnOnce() -> Result<T, E>) -> Result<T> {
        let broken = |reason: String| Error::BrokenParquet {
            source_name: self.name.clone(),
            reason,
        };
        // after a panic the reader is dropped and never asked again
        match catch_unwind(AssertUnwindSafe(call)) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(broken(error.to_string())),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
                Err(broken(text.unwrap_or("the decoder gave up").to_owned()))
            }
        }
    }
}
