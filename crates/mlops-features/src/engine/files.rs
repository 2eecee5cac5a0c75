//! Which files there are, and what they hold.

use std::{fs::File, path::Path};

use mlops_store::{ListLimits, Location};

use crate::{
    Error, Result,
    source::{ParquetInput, file},
};

/// Opens a file for reading.
pub(super) fn open(path: &Path) -> Result<File> {
    file::open(path, &path.display().to_string())
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
pub(super) fn parquet_files(directory: &Location) -> Result<Vec<ParquetInput>> {
    let listed = directory.list(ListLimits::default());
    let listed = listed.map_err(Error::object(directory.url()))?;
    let shown = |path: &str| !path.split('/').any(|part| part.starts_with(['.', '_']));
    let files: Vec<ParquetInput> = listed
        .into_iter()
        .filter(|file| {
            shown(&file.path)
                && Format::of(&file.path).is_ok_and(|format| format == Format::Parquet)
        })
        .map(|file| ParquetInput::at(file.location))
        .collect();
    if files.is_empty() {
        return Err(Error::EmptyDirectory {
            path: directory.url().to_owned(),
        });
    }
    Ok(files)
}
