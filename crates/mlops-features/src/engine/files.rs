//! Opening files, with the path in every error.

use std::{
    fs::File,
    io::{Error as IoError, ErrorKind},
    path::{Path, PathBuf},
};

use crate::{Error, Result};

/// Opens a file for reading.
pub(super) fn open(path: &Path) -> Result<File> {
    let failed = |source: IoError| match source.kind() {
        ErrorKind::NotFound => Error::MissingFile {
            path: path.display().to_string(),
        },
        _ => Error::Read {
            source_name: path.display().to_string(),
            source,
        },
    };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(failed(ErrorKind::IsADirectory.into()));
    }
    Ok(file)
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
    pub(super) fn of(path: &Path) -> Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_ascii_lowercase();
        let ends = |with: &str| name.ends_with(with);
        if ends(".csv") || ends(".csv.gz") {
            Ok(Self::Csv)
        } else if ends(".parquet") || ends(".pq") {
            Ok(Self::Parquet)
        } else {
            Err(Error::UnknownFormat {
                path: path.display().to_string(),
            })
        }
    }
}

/// The Parquet files of a directory in the order of their names; hidden ones are left out.
pub(super) fn parquet_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let failed = |source| Error::Read {
        source_name: directory.display().to_string(),
        source,
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let hidden = name.starts_with(['.', '_']);
        if !hidden && path.is_file() && Format::of(&path).is_ok_and(|f| f == Format::Parquet) {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Error::MissingFile {
            path: directory.join("*.parquet").display().to_string(),
        });
    }
    Ok(files)
}
