//! Which files there are, what they hold, and what they may unpack to.

use std::path::Path;

use mlops_store::{ListLimits, Location};

use super::{input::Input, parquet::ParquetInput, text::TextInput};
use crate::{
    Error, Result, UnpackLimit,
    source::{ParquetInput as Source, file},
};

/// A file or a directory of a join.
#[derive(Debug, Clone)]
pub(super) struct Place {
    location: Location,
    content: Content,
    limit: Option<UnpackLimit>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Text,
    Parquet,
    /// Parquet files below it.
    Directory,
}

impl Place {
    /// A file that is there.
    ///
    /// # Errors
    /// [`Error::MissingFile`], [`Error::UnknownFormat`], [`Error::Read`].
    pub(super) fn file(path: &Path) -> Result<Self> {
        file::existing(path)?;
        Self::of(Location::file(path), &path.to_string_lossy())
    }

    /// A file or an object, which is looked for when the join begins.
    ///
    /// # Errors
    /// [`Error::UnknownFormat`].
    pub(super) fn at(location: Location) -> Result<Self> {
        let url = location.url().to_owned();
        Self::of(location, &url)
    }

    fn of(location: Location, name: &str) -> Result<Self> {
        let content = match Format::of(name)? {
            Format::Csv => Content::Text,
            Format::Parquet => Content::Parquet,
        };
        Ok(Self {
            location,
            content,
            limit: None,
        })
    }

    pub(super) fn directory(location: Location) -> Self {
        Self {
            location,
            content: Content::Directory,
            limit: None,
        }
    }

    pub(super) fn limited(mut self, limit: UnpackLimit) -> Self {
        self.limit = Some(limit);
        self
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.location.as_path()
    }

    /// What is read a column at a time; `infer` asks a text file for the types of its columns.
    pub(super) fn input(&self, infer: bool) -> Result<Box<dyn Input>> {
        Ok(match self.content {
            Content::Text => Box::new(self.text(infer)?),
            Content::Parquet => {
                let source = Source::at(self.location.clone());
                Box::new(self.parquet(vec![source])?)
            }
            Content::Directory => Box::new(self.parquet(parquet_files(&self.location)?)?),
        })
    }

    /// The same, and a text file held in memory.
    pub(super) fn held(&self) -> Result<Box<dyn Input>> {
        match self.content {
            Content::Text => Ok(Box::new(self.text(true)?.load()?)),
            Content::Parquet | Content::Directory => self.input(false),
        }
    }

    fn text(&self, infer: bool) -> Result<TextInput> {
        let limit = self.limit.unwrap_or_else(UnpackLimit::text);
        TextInput::open(&self.location, limit, infer)
    }

    fn parquet(&self, sources: Vec<Source>) -> Result<ParquetInput> {
        let limit = self.limit.unwrap_or_else(UnpackLimit::columns);
        ParquetInput::open(self.location.url().to_owned(), sources, limit)
    }
}

/// What a file holds, by its ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Csv,
    Parquet,
}

impl Format {
    /// # Errors
    /// [`Error::UnknownFormat`] for any other ending.
    pub(super) fn of(path: &str) -> Result<Self> {
        let name = path.to_ascii_lowercase();
        let ends = |with: &str| name.ends_with(with);
        if ends(".csv") || ends(".csv.gz") {
            Ok(Self::Csv)
        } else if ends(".parquet") || ends(".pq") {
            Ok(Self::Parquet)
        } else {
            Err(Error::UnknownFormat {
                path: path.to_owned(),
            })
        }
    }
}

/// The Parquet files below a directory in the order of their paths; hidden ones are left out.
fn parquet_files(directory: &Location) -> Result<Vec<Source>> {
    let listed = directory.list(ListLimits::default());
    let listed = listed.map_err(Error::object(directory.url()))?;
    let shown = |path: &str| !path.split('/').any(|part| part.starts_with(['.', '_']));
    let files: Vec<Source> = listed
        .into_iter()
        .filter(|file| {
            shown(&file.path)
                && Format::of(&file.path).is_ok_and(|format| format == Format::Parquet)
        })
        .map(|file| Source::at(file.location))
        .collect();
    if files.is_empty() {
        return Err(Error::EmptyDirectory {
            path: directory.url().to_owned(),
        });
    }
    Ok(files)
}
