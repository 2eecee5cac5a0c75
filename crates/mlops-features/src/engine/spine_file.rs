//! The spine of a join: the rows that ask, in the order in which they are answered.

use std::path::Path;

use arrow::array::RecordBatch;
use mlops_store::Location;

use super::{files::Place, input::Input, memory::MemoryInput};
use crate::{Error, Result, UnpackLimit, service::quoted};

/// The time column where none is named.
const EVENT_TIMESTAMP: &str = "event_timestamp";

/// The rows that ask for features: a CSV or Parquet file, or batches in memory.
///
/// A CSV file has a header line and commas, is UTF-8 and may be gzip; an empty field is null.
#[derive(Debug, Clone)]
pub struct SpineFile {
    rows: Rows,
    time: String,
}

#[derive(Debug, Clone)]
enum Rows {
    File(Place),
    Memory(Vec<RecordBatch>),
}

impl SpineFile {
    /// A `.csv`, `.csv.gz` or `.parquet` file.
    ///
    /// # Errors
    /// [`Error::MissingFile`] if there is none, [`Error::UnknownFormat`] for another ending.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self::of(Rows::File(Place::file(path.as_ref())?)))
    }

    /// The same wherever it lies, for instance in an object store; it is looked for when the join begins.
    ///
    /// # Errors
    /// [`Error::UnknownFormat`] for another ending.
    pub fn open_at(location: Location) -> Result<Self> {
        Ok(Self::of(Rows::File(Place::at(location)?)))
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
        Ok(Self::of(Rows::Memory(batches)))
    }

    fn of(rows: Rows) -> Self {
        Self {
            rows,
            time: EVENT_TIMESTAMP.to_owned(),
        }
    }

    /// Names the column that says when each row asks; `event_timestamp` unless said otherwise.
    #[must_use]
    pub fn time(mut self, column: impl Into<String>) -> Self {
        self.time = column.into();
        self
    }

    /// What a file may unpack to: [`UnpackLimit::text`] for CSV and [`UnpackLimit::columns`] for Parquet unless said
    /// otherwise. It changes nothing for batches.
    #[must_use]
    pub fn unpack_limit(mut self, limit: UnpackLimit) -> Self {
        if let Rows::File(place) = self.rows {
            self.rows = Rows::File(place.limited(limit));
        }
        self
    }

    pub(super) fn path(&self) -> Option<&Path> {
        match &self.rows {
            Rows::File(place) => place.path(),
            Rows::Memory(_) => None,
        }
    }

    pub(super) fn input(&self) -> Result<Box<dyn Input>> {
        Ok(match &self.rows {
            Rows::File(place) => place.held()?,
            Rows::Memory(batches) => {
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
