//! Opening files and objects, with the path or URL in every error.

use std::{
    fs::File,
    io::{Cursor, Error as IoError, ErrorKind, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::{Buf, Bytes};
use mlops_store::{Location, ObjectReader};

use crate::{Error, Result};

/// What is fetched of an object at a time when it is read from its beginning to its end.
const BLOCK: u64 = 4 << 20;

/// Where the bytes of a source come from. It can be read more than once.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    Path(PathBuf),
    Bytes(Arc<[u8]>),
    Object(Location),
}

impl Origin {
    /// The bytes from the beginning to the end.
    pub(super) fn open(&self, name: &str) -> Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Path(path) => Box::new(open(path, name)?),
            Self::Bytes(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
            Self::Object(location) => Box::new(Blocks {
                reader: location.open().map_err(Error::object(name))?,
                at: 0,
                block: Bytes::new(),
            }),
        })
    }
}

/// Takes the path of a file that is there and can be opened.
pub(crate) fn existing(path: &Path) -> Result<(String, Origin)> {
    let name = path.display().to_string();
    open(path, &name)?;
    Ok((name, Origin::Path(path.to_owned())))
}

/// Takes an object that is there, or a file by its URL.
pub(crate) fn located(location: &Location) -> Result<(String, Origin)> {
    if let Some(path) = location.as_path() {
        return existing(path);
    }
    let name = location.url().to_owned();
    location.open().map_err(Error::object(&name))?;
    Ok((name, Origin::Object(location.clone())))
}

/// Opens a file for reading.
fn open(path: &Path, name: &str) -> Result<File> {
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

/// An object from its beginning to its end, a block at a time.
struct Blocks {
    reader: ObjectReader,
    at: u64,
    block: Bytes,
}

impl Read for Blocks {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.block.is_empty() && self.at < self.reader.size() {
            let end = self.reader.size().min(self.at + BLOCK);
            self.block = self
                .reader
                .get_range(self.at..end)
                .map_err(IoError::other)?;
            self.at = end;
        }
        let length = self.block.len().min(buffer.len());
        self.block.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
