//! Opening files, with the path in every error.

use std::{
    fs::File,
    io::{Error as IoError, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{Error, Result};

/// Where the bytes of a source come from. It can be read more than once.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    Path(PathBuf),
    Bytes(Arc<[u8]>),
}

/// Takes the path of a file that is there and can be opened.
pub(super) fn existing(path: &Path) -> Result<(String, Origin)> {
    let name = path.display().to_string();
    open(path, &name)?;
    Ok((name, Origin::Path(path.to_owned())))
}

/// Opens a file for reading.
pub(super) fn open(path: &Path, name: &str) -> Result<File> {
    let failed = |source: IoError| match source.kind() {
        ErrorKind::NotFound => Error::MissingFile { path: name.into() },
        _ => read_error(name, source),
    };
    let file = File::open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    if meta.is_dir() {
        return Err(read_error(name, ErrorKind::IsADirectory.into()));
    }
    Ok(file)
}

pub(super) fn read_error(name: &str, source: IoError) -> Error {
    Error::Read {
        source_name: name.to_owned(),
        source,
    }
}
