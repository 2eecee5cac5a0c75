//! Bounds on what compressed bytes become: a file of a megabyte can hold a gigabyte of zeros.

use std::{
    io::{BufRead, BufReader, Error as IoError, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::bufread::MultiGzDecoder;

use super::file::Origin;
use crate::{Error, Result};

/// What a source may unpack to before the ratio counts.
const FREE: u64 = 64 << 20;
pub(super) const BUFFER: usize = 1 << 16;

/// How much a compressed source may become; past it, reading ends with [`Error::Unpacked`].
///
/// Up to 64 MiB is always allowed. Past it, a source may not become more than `ratio` times its own size, and never
/// more than `bytes`. Text that people and programs write shrinks to a fifth or, when it repeats itself, a fiftieth;
/// gzip itself ends at 1,032.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnpackLimit {
    /// The bytes that come out, at most.
    pub bytes: u64,
    /// The same for each byte of the file.
    pub ratio: u64,
}

impl UnpackLimit {
    /// 256 GiB and 250 times the file: the limit of gzipped texts unless they are told otherwise.
    pub fn text() -> Self {
        Self {
            bytes: 256 << 30,
            ratio: 250,
        }
    }

    /// 256 GiB and 5,000 times the file: the limit of typed files, where a constant column takes next to nothing.
    pub fn columns() -> Self {
        Self {
            bytes: 256 << 30,
            ratio: 5_000,
        }
    }

    /// No limit but the bytes of a file system: for sources that you trust.
    pub fn none() -> Self {
        Self {
            bytes: u64::MAX,
            ratio: u64::MAX,
        }
    }

    /// The bytes that come out, at most.
    #[must_use]
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }

    /// The bytes that come out for each byte of the file, at most, past 64 MiB.
    #[must_use]
    pub fn ratio(mut self, ratio: u64) -> Self {
        self.ratio = ratio;
        self
    }

    /// The bytes that may come out of so many.
    pub(super) fn of(self, packed: u64) -> u64 {
        packed.saturating_mul(self.ratio).max(FREE).min(self.bytes)
    }

    /// That `unpacked` bytes may come out of `packed` ones.
    pub(crate) fn check(self, name: &str, packed: u64, unpacked: u64) -> Result<()> {
        let limit = self.of(packed);
        if unpacked <= limit {
            return Ok(());
        }
        Err(Error::Unpacked {
            source_name: name.to_owned(),
            packed,
            limit,
        })
    }
}

/// The bytes of a source, unzipped if it begins as gzip does, and counted.
pub(super) struct Unpacked {
    inner: Box<dyn Read + Send>,
    gzipped: bool,
    limit: UnpackLimit,
    packed: Arc<AtomicU64>,
    /// The bytes that came out so far.
    given: u64,
    exceeded: bool,
}

impl Unpacked {
    pub(super) fn open(origin: &Origin, name: &str, limit: UnpackLimit) -> Result<Self> {
        let packed = Arc::new(AtomicU64::new(0));
        let counted = Counted {
            inner: origin.open(name)?,
            count: Arc::clone(&packed),
        };
        let mut raw = BufReader::with_capacity(BUFFER, counted);
        let head = raw
            .fill_buf()
            .map_err(|e| super::file::read_error(name, e))?;
        let gzipped = head.starts_with(&[0x1f, 0x8b]);
        let inner: Box<dyn Read + Send> = if gzipped {
            Box::new(MultiGzDecoder::new(raw))
        } else {
            Box::new(raw)
        };
        Ok(Self {
            inner,
            gzipped,
            limit,
            packed,
            given: 0,
            exceeded: false,
        })
    }

    /// What an error of reading means, after so many rows.
    pub(super) fn error(&self, name: &str, row: u64, source: IoError) -> Error {
        use std::io::ErrorKind;
        let source_name = name.to_owned();
        if self.exceeded {
            let packed = self.packed.load(Ordering::Relaxed);
            return Error::Unpacked {
                source_name,
                packed,
                limit: self.limit.of(packed),
            };
        }
        let broken = matches!(
            source.kind(),
            ErrorKind::UnexpectedEof | ErrorKind::InvalidInput | ErrorKind::InvalidData
        );
        if self.gzipped && broken {
            return Error::BrokenGzip {
                source_name,
                row,
                source,
            };
        }
        super::file::read_error(name, source)
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if self.gzipped {
            self.given += read as u64;
            if self.given > self.limit.of(self.packed.load(Ordering::Relaxed)) {
                self.exceeded = true;
                return Err(IoError::other("it unpacks to too much"));
            }
        }
        Ok(read)
    }
}

struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
