//! Getting artifacts of any size: chunk by chunk, each compared with its digest before a byte of it is given out.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::Path,
};

use bytes::Bytes;
use mlops_core::Digest;

use super::{
    ArtifactStore,
    chunk_list::{Chunk, ChunkList},
    name::Kind,
    store::{most, verified},
};
use crate::{Error, Result, durable::sync_directory};

/// An artifact that was found, to be read from any place on. A chunk or two are in memory, unless it is one blob.
///
/// Each chunk is compared with its digest before it is given out. The order of the chunks rests on the list of them,
/// which proves itself; [`ArtifactStore::get`], [`write_to`](Self::write_to) and [`ArtifactStore::download`] compare
/// the whole with its digest as well.
#[derive(Debug)]
pub struct ArtifactReader {
    store: ArtifactStore,
    digest: Digest,
    source: Source,
    position: u64,
    /// The chunk that was read last, with its place in the list.
    current: Option<(usize, Bytes)>,
}

#[derive(Debug)]
enum Source {
    Whole(Bytes),
    Chunked(ChunkList),
}

impl ArtifactStore {
    /// Finds an artifact and makes it ready to be read.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Corrupt`] or [`Error::Malformed`], and [`Error::Io`], [`Error::Object`] or
    /// [`Error::Denied`] if the store fails.
    pub fn reader(&self, digest: &Digest) -> Result<ArtifactReader> {
        let Some((name, bytes)) = self.find(&Kind::ALL, digest)? else {
            return Err(Error::NotFound { digest: *digest });
        };
        let source = match name.kind {
            Kind::Chunks => Source::Chunked(self.chunk_list(&name, &bytes)?),
            Kind::Blob | Kind::Tree => Source::Whole(verified(digest, bytes)?),
        };
        Ok(ArtifactReader {
            store: self.clone(),
            digest: *digest,
            source,
            position: 0,
            current: None,
        })
    }

    /// Writes an artifact to a file, which is whole or not there, and returns how many bytes were fetched for it.
    ///
    /// What an interrupted download left behind, beside the file as `<name>.<12 digits>.part`, is compared chunk by
    /// chunk and not fetched again. The directory must be there; a link in the place of the file is replaced and not
    /// followed.
    ///
    /// # Errors
    /// Those of [`reader`](Self::reader), and [`Error::Write`] if the file cannot be written.
    pub fn download(&self, digest: &Digest, path: impl AsRef<Path>) -> Result<u64> {
        let path = path.as_ref();
        let failed = |source| Error::Write {
            digest: *digest,
            source,
        };
        let mut name = path
            .file_name()
            .ok_or_else(|| failed(ErrorKind::InvalidInput.into()))?
            .to_owned();
        name.push(format!(".{}.part", digest.short()));
        let part = path.with_file_name(name);
        match fs::symlink_metadata(&part) {
            Ok(meta) if !meta.is_file() => return Err(failed(ErrorKind::AlreadyExists.into())),
            _ => {}
        }
        let open = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&part);
        let mut file = open.map_err(failed)?;
        let reader = self.reader(digest)?;
        let fetched = reader.fill(&mut file)?;
        file.sync_all().map_err(failed)?;
        drop(file);
        fs::rename(&part, path).map_err(failed)?;
        match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => sync_directory(folder)?,
            _ => {}
        }
        Ok(fetched)
    }

    /// The bytes of some chunks, fetched at the same time and compared with their digests.
    fn chunks(&self, chunks: &[Chunk]) -> Result<Vec<Bytes>> {
        let paths: Vec<String> = chunks
            .iter()
            .map(|chunk| self.live(Kind::Blob, &chunk.digest).path())
            .collect();
        let found = self.folder.get_many(&paths, most(Kind::Blob))?;
        let whole = chunks.iter().zip(found).map(|(chunk, bytes)| {
            let bytes = match bytes {
                Some(bytes) => bytes,
                None => match self.find(&[Kind::Blob], &chunk.digest)? {
                    Some((_, bytes)) => bytes,
                    None => {
                        return Err(Error::NotFound {
                            digest: chunk.digest,
                        });
                    }
                },
            };
            let bytes = verified(&chunk.digest, bytes)?;
            if bytes.len() as u64 == u64::from(chunk.length) {
                return Ok(bytes);
            }
            Err(Error::Malformed {
                url: self.folder.url_of(&chunk.digest.to_string()),
                reason: "a list of chunks says that it has another length",
            })
        });
        whole.collect()
    }
}

impl ArtifactReader {
    /// The digest of the whole.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The size of the whole in bytes.
    pub fn size(&self) -> u64 {
        match &self.source {
            Source::Whole(bytes) => bytes.len() as u64,
            Source::Chunked(list) => list.size(),
        }
    }

    /// The whole, if it is in memory already.
    pub(super) fn whole(&self) -> Option<Bytes> {
        match &self.source {
            Source::Whole(bytes) => Some(bytes.clone()),
            Source::Chunked(_) => None,
        }
    }

    /// Writes the whole out, several chunks being fetched at once, and compares it with its digest.
    ///
    /// # Errors
    /// [`Error::Write`] if the writer fails; [`Error::NotFound`] or [`Error::Corrupt`] if a chunk is not there or not what
    /// was put, and then what was written before it is right; [`Error::Corrupt`] with the digest of the whole if the
    /// list of chunks was forged; and the errors of the store.
    pub fn write_to(&self, writer: &mut dyn Write) -> Result<()> {
        let failed = |source| Error::Write {
            digest: self.digest,
            source,
        };
        let list = match &self.source {
            Source::Whole(bytes) => return writer.write_all(bytes).map_err(failed),
            Source::Chunked(list) => list,
        };
        let mut whole = blake3::Hasher::new();
        for window in list.chunks().chunks(self.store.parallel.get()) {
            for bytes in self.store.chunks(window)? {
                whole.update(&bytes);
                writer.write_all(&bytes).map_err(failed)?;
            }
        }
        self.check_whole(&whole)
    }

    /// The bytes of a range.
    ///
    /// # Errors
    /// [`Error::Range`] if it is not inside the artifact; else as for [`write_to`](Self::write_to).
    pub fn get_range(&self, range: Range<u64>) -> Result<Bytes> {
        if range.start > range.end || range.end > self.size() {
            return Err(Error::Range {
                url: self.digest.to_string(),
                start: range.start,
                end: range.end,
                size: self.size(),
            });
        }
        let within = |bytes: &Bytes, start: u64| {
            // the chunks that are asked for are those that the range touches
            let from = range.start.saturating_sub(start);
            let to = (range.end - start).min(bytes.len() as u64);
            let at = |n: u64| usize::try_from(n).expect("it is at most the length of a slice");
            bytes.slice(at(from)..at(to))
        };
        match &self.source {
            Source::Whole(bytes) => Ok(within(bytes, 0)),
            Source::Chunked(_) if range.is_empty() => Ok(Bytes::new()),
            Source::Chunked(list) => {
                let chunks = &list.chunks()[list.at(range.start)..=list.at(range.end - 1)];
                let mut bytes = Vec::new();
                for window in chunks.chunks(self.store.parallel.get()) {
                    let found = self.store.chunks(window)?;
                    for (chunk, found) in window.iter().zip(&found) {
                        bytes.extend_from_slice(&within(found, chunk.start));
                    }
                }
                Ok(bytes.into())
            }
        }
    }

    /// Makes a file the whole, and fetches what it does not have. The bytes that were fetched are counted.
    fn fill(&self, file: &mut File) -> Result<u64> {
        let failed = |source| Error::Write {
            digest: self.digest,
            source,
        };
        let list = match &self.source {
            Source::Whole(bytes) => {
                file.set_len(0).map_err(failed)?;
                file.write_all(bytes).map_err(failed)?;
                return Ok(bytes.len() as u64);
            }
            Source::Chunked(list) => list,
        };
        let there = file.metadata().map_err(failed)?.len();
        let mut whole = blake3::Hasher::new();
        let (mut fetched, mut buffer) = (0, Vec::new());
        for window in list.chunks().chunks(self.store.parallel.get()) {
            let mut wanted = Vec::new();
            let mut had = Vec::new();
            for chunk in window {
                let end = chunk.start + u64::from(chunk.length);
                let mut same = false;
                if end <= there {
                    buffer.resize(chunk.length as usize, 0);
                    file.seek(SeekFrom::Start(chunk.start)).map_err(failed)?;
                    file.read_exact(&mut buffer).map_err(failed)?;
                    same = Digest::of(&buffer) == chunk.digest;
                }
                had.push(same.then(|| Bytes::copy_from_slice(&buffer)));
                if !same {
                    wanted.push(*chunk);
                }
            }
            let mut found = self.store.chunks(&wanted)?.into_iter();
            for (chunk, had) in window.iter().zip(had) {
                let bytes = if let Some(bytes) = had {
                    bytes
                } else {
                    let bytes = found
                        .next()
                        .expect("one is fetched for each that is wanted");
                    file.seek(SeekFrom::Start(chunk.start)).map_err(failed)?;
                    file.write_all(&bytes).map_err(failed)?;
                    fetched += bytes.len() as u64;
                    bytes
                };
                whole.update(&bytes);
            }
        }
        file.set_len(list.size()).map_err(failed)?;
        self.check_whole(&whole)?;
        Ok(fetched)
    }

    fn check_whole(&self, whole: &blake3::Hasher) -> Result<()> {
        let found = Digest::from_bytes(*whole.finalize().as_bytes());
        if found == self.digest {
            return Ok(());
        }
        Err(Error::Corrupt {
            digest: self.digest,
            found,
            size: usize::try_from(self.size()).unwrap_or(usize::MAX),
        })
    }

    /// The rest of the chunk at the position, and none of it at the end.
    fn rest(&mut self) -> Result<Bytes> {
        if self.position >= self.size() {
            return Ok(Bytes::new());
        }
        let (start, bytes) = match &self.source {
            Source::Whole(bytes) => (0, bytes.clone()),
            Source::Chunked(list) => {
                let at = list.at(self.position);
                let chunk = list.chunks()[at];
                let bytes = match &self.current {
                    Some((current, bytes)) if *current == at => bytes.clone(),
                    _ => {
                        let mut found = self.store.chunks(&[chunk])?;
                        found.pop().expect("one chunk was asked for")
                    }
                };
                self.current = Some((at, bytes.clone()));
                (chunk.start, bytes)
            }
        };
        let from = usize::try_from(self.position - start).expect("it is inside a chunk");
        Ok(bytes.slice(from..))
    }
}

impl Read for ArtifactReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.rest().map_err(io::Error::other)?;
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.position += length as u64;
        Ok(length)
    }
}

impl Seek for ArtifactReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(offset) => self.size().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = place.ok_or(ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
