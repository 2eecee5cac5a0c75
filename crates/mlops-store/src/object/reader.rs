//! Ranges of one object, whatever store it lies in.

use std::{
    fmt,
    fs::File,
    io::{Error as IoError, ErrorKind},
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use object_store::{
    Error as Failure, GetOptions, ObjectStore, ObjectStoreExt, coalesce_ranges, path::Path as Key,
};

use super::location::Place;
use crate::{Error, Result, error::backend, runtime::wait};

/// Ranges nearer than this are fetched by one request: a gap of that size passes faster than a request begins.
const GAP: u64 = 256 << 10;

/// An object that was found, to be read in ranges. Clones share it, and its counters.
///
/// What is read is one version of the object: if it is replaced meanwhile, the next range is
/// [`Error::Changed`]. A local file is held open instead.
#[derive(Clone)]
pub struct ObjectReader(Arc<Inner>);

struct Inner {
    url: Arc<str>,
    source: Source,
    size: u64,
    requests: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

enum Source {
    File {
        file: File,
        path: PathBuf,
    },
    Object {
        store: Arc<dyn ObjectStore>,
        key: Key,
        tag: Option<String>,
    },
}

impl ObjectReader {
    pub(super) fn open(url: &Arc<str>, place: &Place) -> Result<Self> {
        let (source, size) = match place {
            Place::File(path) => open_file(url, path)?,
            Place::Object { store, key } => {
                let (backend_store, at) = (Arc::clone(store), key.clone());
                let meta = wait(async move { backend_store.head(&at).await })?
                    .map_err(backend("open", url))?;
                let source = Source::Object {
                    store: Arc::clone(store),
                    key: key.clone(),
                    tag: meta.e_tag,
                };
                (source, meta.size)
            }
        };
        Ok(Self(Arc::new(Inner {
            url: Arc::clone(url),
            source,
            size,
            requests: Arc::default(),
            bytes: Arc::default(),
        })))
    }

    /// The URL, or the path of a file.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// The size in bytes when it was opened.
    pub fn size(&self) -> u64 {
        self.0.size
    }

    /// Whether it is a file of this machine.
    pub fn is_file(&self) -> bool {
        matches!(self.0.source, Source::File { .. })
    }

    /// The ranges that were asked for so far, after joining near ones, by this reader and its clones.
    pub fn requests(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// The bytes that were read so far by this reader and its clones.
    pub fn bytes_read(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// The bytes of a range.
    ///
    /// # Errors
    /// [`Error::Range`] if it is not inside the object, [`Error::Changed`] if the object was replaced or cut
    /// short, [`Error::Io`] or [`Error::Object`] if it cannot be read.
    pub fn get_range(&self, range: Range<u64>) -> Result<Bytes> {
        let mut ranges = self.get_ranges(&[range])?;
        Ok(ranges.pop().expect("one range was asked for"))
    }

    /// The bytes of several ranges, in their order. Near ones are fetched together, far ones at the same time.
    ///
    /// # Errors
    /// Those of [`ObjectReader::get_range`].
    pub fn get_ranges(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let size = self.0.size;
        if let Some(bad) = ranges.iter().find(|r| r.start > r.end || r.end > size) {
            return Err(Error::Range {
                url: self.url().to_owned(),
                start: bad.start,
                end: bad.end,
                size,
            });
        }
        match &self.0.source {
            Source::File { file, path } => ranges
                .iter()
                .map(|range| self.read_file(file, path, range))
                .collect(),
            Source::Object { store, key, tag } => self.read_store(store, key, tag.as_ref(), ranges),
        }
    }

    fn read_file(&self, file: &File, path: &Path, range: &Range<u64>) -> Result<Bytes> {
        let length = usize::try_from(range.end - range.start).map_err(|_| Error::Io {
            action: "read",
            path: path.to_owned(),
            source: ErrorKind::OutOfMemory.into(),
        })?;
        let mut buffer = vec![0; length];
        let mut at = 0;
        while at < length {
            match read_at(file, &mut buffer[at..], range.start + at as u64) {
                Ok(0) => {
                    return Err(Error::Changed {
                        url: self.url().to_owned(),
                    });
                }
                Ok(read) => at += read,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(Error::Io {
                        action: "read",
                        path: path.to_owned(),
                        source,
                    });
                }
            }
        }
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        self.0.bytes.fetch_add(length as u64, Ordering::Relaxed);
        Ok(buffer.into())
    }

    fn read_store(
        &self,
        store: &Arc<dyn ObjectStore>,
        key: &Key,
        tag: Option<&String>,
        ranges: &[Range<u64>],
    ) -> Result<Vec<Bytes>> {
        // an empty range is no request
        let wanted: Vec<Range<u64>> = ranges.iter().filter(|r| !r.is_empty()).cloned().collect();
        let (store, key, tag) = (Arc::clone(store), key.clone(), tag.cloned());
        let (requests, bytes) = (Arc::clone(&self.0.requests), Arc::clone(&self.0.bytes));
        let fetched = wait(async move {
            if wanted.is_empty() {
                return Ok(Vec::new());
            }
            let fetch = |range: Range<u64>| {
                let (store, key, requests) = (store.clone(), key.clone(), requests.clone());
                let (bytes, if_match) = (bytes.clone(), tag.clone());
                async move {
                    requests.fetch_add(1, Ordering::Relaxed);
                    let options = GetOptions {
                        range: Some(range.into()),
                        if_match,
                        ..GetOptions::default()
                    };
                    let wanted = options.if_match.clone();
                    let answer = store.get_opts(&key, options).await?;
                    // some stores take no notice of the condition
                    if wanted.is_some()
                        && answer.meta.e_tag.is_some()
                        && answer.meta.e_tag != wanted
                    {
                        return Err(Failure::Precondition {
                            path: key.to_string(),
                            source: "it has another tag".into(),
                        });
                    }
                    let body = answer.bytes().await?;
                    bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
                    Ok(body)
                }
            };
            coalesce_ranges(&wanted, fetch, GAP).await
        })?
        .map_err(backend("read", self.url()))?;
        let mut fetched = fetched.into_iter();
        let whole = ranges.iter().map(|range| {
            if range.is_empty() {
                return Ok(Bytes::new());
            }
            let body = fetched.next().unwrap_or_default();
            if body.len() as u64 == range.end - range.start {
                return Ok(body);
            }
            Err(Error::Changed {
                url: self.url().to_owned(),
            })
        });
        whole.collect()
    }
}

fn open_file(url: &str, path: &Path) -> Result<(Source, u64)> {
    let failed = |source: IoError| match source.kind() {
        ErrorKind::NotFound => Error::NoObject {
            url: url.to_owned(),
        },
        _ => Error::Io {
            action: "open",
            path: path.to_owned(),
            source,
        },
    };
    let file = File::open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    if meta.is_dir() {
        return Err(failed(ErrorKind::IsADirectory.into()));
    }
    let source = Source::File {
        file,
        path: path.to_owned(),
    };
    Ok((source, meta.len()))
}

/// Reads at a position without a cursor that threads would share.
#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> Result<usize, IoError> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

/// Reads at a position; the cursor moves, and nobody here reads by it.
#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> Result<usize, IoError> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

impl fmt::Debug for ObjectReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectReader({}, {} bytes)", self.url(), self.size())
    }
}
