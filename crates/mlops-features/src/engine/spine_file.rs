//! The spine of a join: the rows that ask, in the order in which they are answered.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use mlops_store::Location;

use super::{
    files::{self, Format},
    input::Input,
    memory::MemoryInput,
    parquet::ParquetInput,
    text::TextInput,
};
use crate::{Error, Result, service::quoted, source::ParquetInput as Source};

/// The time column where none is named.
const EVENT_TIMESTAMP: &str = "event_timestamp";

/// The rows that ask for features: a CSV or Parquet file, or batches in memory.
///
/// A CSV file has a header line and commas, is UTF-8 and may be gzip; an empty field is null.
#[derive(Debug, Clone)]
pub struct SpineFile {
    place: Place,
    time: String,
}

#[derive(Debug, Clone)]
enum Place {
    Text(PathBuf),
    Parquet(Location),
    Memory(Vec<RecordBatch>),
}

impl SpineFile {
    /// A `.csv`, `.csv.gz` or `.parquet` file.
    ///
    /// # Errors
    /// [`Error::MissingFile`] if there is none, [`Error::UnknownFormat`] for another ending.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        files::open(path)?;
        Ok(match Format::of(&path.to_string_lossy())? {
            Format::Csv => Self::of(Place::Text(path.to_owned())),
            Format::Parquet => Self::parquet_at(Location::file(path)),
        })
    }

    /// A Parquet file wherever it lies, for instance in an object store.
    pub fn parquet_at(location: Location) -> Self {
        Self::of(Place::Parquet(location))
    }

    /// Batches of one schema.
    ///
    /// # Errors
    /// [`Error::ViewMismatch`] without a batch, or if two have different columns.
    pub fn from_batches(batches: Vec<RecordBatch>) -> Result<Self> {
        let mismatch = |reason: &str| Error::ViewMismatch {
            view: "spine".to_owned(),
            reason: reason.to_owned(),
        };
        let schema = batches.first().map(RecordBatch::schema);
        let schema = schema.ok_or_else(|| mismatch("there is no batch, and so no columns"))?;
        if batches
            .iter()
            .any(|b| b.schema().fields() != schema.fields())
        {
            return Err(mismatch("its batches have different columns"));
        }
        Ok(Self::of(Place::Memory(batches)))
    }

    fn of(place: Place) -> Self {
        Self {
            place,
            time: EVENT_TIMESTAMP.to_owned(),
        }
    }

    /// Names the column that says when each row asks; `event_timestamp` unless said otherwise.
    #[must_use]
    pub fn time(mut self, column: impl Into<String>) -> Self {
        self.time = column.into();
        self
    }

    pub(super) fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::Text(path) => Some(path),
            Place::Parquet(location) => location.as_path(),
            Place::Memory(_) => None,
        }
    }

    pub(super) fn input(&self) -> Result<Box<dyn Input>> {
        Ok(match &self.place {
            Place::Parquet(location) => {
                let source = Source::at(location.clone());
                Box::new(ParquetInput::open(location.url().to_owned(), vec![source])?)
            }
            Place::Text(path) => Box::new(TextInput::open(path, true)?.load()?),
            Place::Memory(batches) => {
                let fields = batches[0].schema().fields().iter().cloned().collect();
                let batches = batches.iter().cloned();
                Box::new(MemoryInput::new("the spine".to_owned(), fields, batches))
            }
        })
    }

    pub(super) fn time_column(&self, input: &dyn Input) -> Result<usize> {
        let fields = input.fields();
        let at = fields.iter().position(|field| *field.name() == self.time);
        at.ok_or_else(|| Error::MissingColumn {
            source_name: input.name().to_owned(),
            column: self.time.clone(),
            available: quoted(fields.iter().map(|field| field.name().as_str())),
        })
    }
}
