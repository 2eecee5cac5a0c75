//! A view as a join reads it: a file, which of its columns are keys and times, and what may be seen.

use std::path::Path;

use mlops_core::{Span, ViewName};
use mlops_store::Location;

use super::{files::Place, input::Input};
use crate::{Boundary, Cutoff, Result, UnpackLimit};

/// A feature view in a CSV or Parquet file, or in a directory of Parquet files.
///
/// All columns that are neither key nor time are features, unless [`columns`](Self::columns) names some.
#[derive(Debug, Clone)]
pub struct ViewFile {
    pub(super) name: ViewName,
    place: Place,
    /// Columns of the spine with those of the view; without it, the columns that both have.
    pub(super) keys: Option<Vec<(String, String)>>,
    pub(super) time: String,
    pub(super) created: Option<String>,
    pub(super) ttl: Option<Span>,
    pub(super) boundary: Boundary,
    pub(super) cutoff: Cutoff,
    pub(super) columns: Option<Vec<String>>,
}

impl ViewFile {
    /// A `.csv`, `.csv.gz` or `.parquet` file, or a directory with Parquet files, which are read in the
    /// order of their names.
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) if `name` is no view name, [`Error::MissingFile`](crate::Error::MissingFile),
    /// [`Error::UnknownFormat`](crate::Error::UnknownFormat) for another ending, [`Error::Read`](crate::Error::Read).
    pub fn open(name: impl Into<String>, path: impl AsRef<Path>) -> Result<Self> {
        let (name, path) = (ViewName::new(name)?, path.as_ref());
        if path.is_dir() {
            return Ok(Self::of(name, Place::directory(Location::file(path))));
        }
        Ok(Self::of(name, Place::file(path)?))
    }

    /// The same wherever it lies, for instance in an object store: of an ending that is none of those three, all
    /// Parquet files below it. It is looked for when the join begins.
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) if `name` is no view name.
    pub fn open_at(name: impl Into<String>, location: Location) -> Result<Self> {
        let name = ViewName::new(name)?;
        let place = Place::at(location.clone());
        let place = place.unwrap_or_else(|_| Place::directory(location));
        Ok(Self::of(name, place))
    }

    fn of(name: ViewName, place: Place) -> Self {
        Self {
            name,
            place,
            keys: None,
            time: "event_timestamp".to_owned(),
            created: None,
            ttl: None,
            boundary: Boundary::default(),
            cutoff: Cutoff::default(),
            columns: None,
        }
    }

    /// Names the key columns, which are called the same in the spine; none joins on time alone.
    ///
    /// Without this, they are all columns that spine and view have in common, times apart.
    #[must_use]
    pub fn keys<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        let columns = columns.into_iter().map(|column| {
            let column = column.into();
            (column.clone(), column)
        });
        self.keys = Some(columns.collect());
        self
    }

    /// Adds a key column that is called differently in the spine: `origin_id` there, `place_id` here.
    #[must_use]
    pub fn key_as(mut self, spine: impl Into<String>, view: impl Into<String>) -> Self {
        let keys = self.keys.get_or_insert_with(Vec::new);
        keys.push((spine.into(), view.into()));
        self
    }

    /// Names the event time column; `event_timestamp` unless said otherwise.
    #[must_use]
    pub fn time(mut self, column: impl Into<String>) -> Self {
        self.time = column.into();
        self
    }

    /// Names the created time column, which breaks ties of the event time: the newer wins, and null is
    /// the oldest.
    #[must_use]
    pub fn created(mut self, column: impl Into<String>) -> Self {
        self.created = Some(column.into());
        self
    }

    /// For how long a row is valid, both ends included; zero is for ever, as no TTL is.
    #[must_use]
    pub fn ttl(mut self, ttl: Span) -> Self {
        self.ttl = Some(ttl).filter(|ttl| *ttl != Span::ZERO);
        self
    }

    /// Whether an event at the very instant of a spine row is seen; it is unless said otherwise.
    #[must_use]
    pub fn boundary(mut self, boundary: Boundary) -> Self {
        self.boundary = boundary;
        self
    }

    /// Whether rows that were created after the instant of a spine row are hidden from it; they are not
    /// unless said otherwise. It changes nothing for a view without a created time.
    #[must_use]
    pub fn cutoff(mut self, cutoff: Cutoff) -> Self {
        self.cutoff = cutoff;
        self
    }

    /// Names the columns that are features, in the order of the output.
    #[must_use]
    pub fn columns<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// What each file may unpack to: [`UnpackLimit::text`] for CSV and [`UnpackLimit::columns`] for Parquet unless
    /// said otherwise.
    #[must_use]
    pub fn unpack_limit(mut self, limit: UnpackLimit) -> Self {
        self.place = self.place.limited(limit);
        self
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.place.path()
    }

    pub(super) fn input(&self, infer: bool) -> Result<Box<dyn Input>> {
        self.place.input(infer)
    }
}
