//! Putting artifacts of any size: cut where their content says, so that near-identical ones share their chunks.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Cursor, Read},
    sync::{Mutex, PoisonError, mpsc},
    thread,
};

use bytes::Bytes;
use fastcdc::v2020::{Error as CutError, StreamCDC};
use mlops_core::Digest;

use super::{
    ArtifactStore,
    chunk_list::{ChunkList, MAX_CHUNKS},
    name::Kind,
    store::{Kept, TURNS, verified},
};
use crate::{Error, Result};

/// Artifacts of more bytes than this are kept in chunks.
const CHUNKED_FROM: u64 = 4 << 20;
/// The least, the usual and the greatest bytes of a chunk. Others would be right as well, and would share nothing with
/// what is kept already.
const LEAST: usize = 128 << 10;
const USUAL: usize = 512 << 10;
const GREATEST: usize = 2 << 20;

/// What came of putting an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// The digest of all its bytes, whether it is kept in chunks or not.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
    /// The bytes that were not kept already and had to be written. Lists of chunks count as well.
    pub sent: u64,
}

/// The chunks of one artifact on their way: each with the generation under which it is kept.
type Places = BTreeMap<Digest, u32>;

impl ArtifactStore {
    /// Keeps all that a reader gives and returns its digest once it would survive a crash.
    ///
    /// More than 4 MiB are cut into chunks of about half a MiB at places that the content chooses; what is kept
    /// already, of this or any other artifact, is not sent again. An upload that was cut off is resumed by putting the
    /// same once more. A few chunks are in memory at once, never the whole.
    ///
    /// # Errors
    /// [`Error::Read`] if the reader fails, [`Error::TooLarge`] past some 800 GB, [`Error::Changed`] if it takes so long
    /// that chunks of it were collected meanwhile, and those of [`put`](Self::put).
    ///
    /// # Reference
    /// FastCDC (Xia et al. 2020) as the crate `fastcdc` cuts it.
    pub fn put_from(&self, mut reader: impl Read) -> Result<Stored> {
        let mut start = Vec::new();
        let head = reader
            .by_ref()
            .take(CHUNKED_FROM + 1)
            .read_to_end(&mut start);
        head.map_err(|source| Error::Read { source })?;
        let size = start.len() as u64;
        if size > CHUNKED_FROM {
            return self.put_chunked(Cursor::new(start).chain(reader));
        }
        let digest = Digest::of(&start);
        let kept = self.keep(Kind::Blob, &digest, &start.into())?;
        Ok(Stored {
            digest,
            size,
            sent: if kept.sent { size } else { 0 },
        })
    }

    fn put_chunked(&self, reader: impl Read) -> Result<Stored> {
        let mut whole = blake3::Hasher::new();
        let mut list = ChunkList::default();
        let mut seen = BTreeSet::new();
        let cut = StreamCDC::new(reader, LEAST, USUAL, GREATEST);
        let chunks = cut.map(|chunk| {
            let chunk = chunk.map_err(unread)?;
            whole.update(&chunk.data);
            let digest = Digest::of(&chunk.data);
            let length = u32::try_from(chunk.data.len()).expect("a chunk has 2 MiB at most");
            list.push(digest, length);
            if list.chunks().len() > MAX_CHUNKS {
                return Err(Error::TooLarge {
                    url: self.folder.url().to_owned(),
                    size: list.size(),
                    most: (MAX_CHUNKS * USUAL) as u64,
                });
            }
            // the same chunk twice is sent once
            Ok(seen
                .insert(digest)
                .then(|| (digest, Bytes::from(chunk.data))))
        });
        let (mut places, mut sent) = self.send(chunks.filter_map(Result::transpose))?;
        let digest = Digest::from_bytes(*whole.finalize().as_bytes());
        let bytes = list.encode();
        for _ in 0..TURNS {
            let kept = self.keep(Kind::Chunks, &digest, &bytes)?;
            sent += if kept.sent { bytes.len() as u64 } else { 0 };
            // all of it must be safe at one instant, and this is it
            sent += self.settle(&digest, &mut places)?;
            if self.condemned.next(Kind::Chunks, &digest) == kept.generation {
                return Ok(Stored {
                    digest,
                    size: list.size(),
                    sent,
                });
            }
        }
        Err(self.busy(&digest))
    }

    /// Keeps chunks, several at once. The bytes that had to be written are returned as well.
    fn send(&self, chunks: impl Iterator<Item = Result<(Digest, Bytes)>>) -> Result<(Places, u64)> {
        let (sender, receiver) = mpsc::sync_channel::<(Digest, Bytes)>(self.parallel.get());
        let receiver = Mutex::new(receiver);
        let failure: Mutex<Option<Error>> = Mutex::new(None);
        let failed = || failure.lock().unwrap_or_else(PoisonError::into_inner);
        let worker = || {
            let (mut places, mut sent) = (Places::new(), 0);
            loop {
                let next = receiver
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .recv();
                let Ok((digest, bytes)) = next else {
                    return (places, sent);
                };
                // after a failure the rest is only taken, so that nobody waits for ever
                if failed().is_some() {
                    continue;
                }
                match self.keep_for_now(Kind::Blob, &digest, &bytes) {
                    Ok(kept) => {
                        places.insert(digest, kept.generation);
                        sent += if kept.sent { bytes.len() as u64 } else { 0 };
                    }
                    Err(error) => *failed() = Some(error),
                }
            }
        };
        self.condemned.refresh()?;
        let (places, sent) = thread::scope(|scope| {
            let workers: Vec<_> = (0..self.parallel.get())
                .map(|_| scope.spawn(worker))
                .collect();
            let mut broken = None;
            for chunk in chunks {
                match chunk {
                    Ok(chunk) if failed().is_none() => {
                        sender
                            .send(chunk)
                            .expect("the receiver outlives the senders");
                    }
                    Ok(_) => break,
                    Err(error) => {
                        broken = Some(error);
                        break;
                    }
                }
            }
            drop(sender);
            let (mut all, mut sum) = (Places::new(), 0);
            for worker in workers {
                let (places, sent) = worker.join().expect("a worker has no panic of its own");
                all.extend(places);
                sum += sent;
            }
            // what was read is kept first, for the next upload to find
            if let Some(error) = broken {
                failed().get_or_insert(error);
            }
            (all, sum)
        });
        match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok((places, sent)),
        }
    }

    /// Moves chunks whose names were condemned while others were sent, until none is.
    fn settle(&self, digest: &Digest, places: &mut Places) -> Result<u64> {
        let mut sent = 0;
        for _ in 0..TURNS {
            self.condemned.refresh()?;
            let moved: Vec<Digest> = places
                .iter()
                .filter(|(chunk, generation)| {
                    self.condemned.next(Kind::Blob, chunk) != **generation
                })
                .map(|(chunk, _)| *chunk)
                .collect();
            if moved.is_empty() {
                return Ok(sent);
            }
            for chunk in moved {
                let (_, bytes) = self
                    .find(&[Kind::Blob], &chunk)?
                    .ok_or_else(|| self.busy(digest))?;
                let bytes = verified(&chunk, bytes)?;
                let Kept {
                    generation,
                    sent: new,
                } = self.keep_for_now(Kind::Blob, &chunk, &bytes)?;
                places.insert(chunk, generation);
                sent += if new { bytes.len() as u64 } else { 0 };
            }
        }
        Err(self.busy(digest))
    }
}

fn unread(error: CutError) -> Error {
    Error::Read {
        source: match error {
            CutError::IoError(source) => source,
            other => std::io::Error::other(other.to_string()),
        },
    }
}
