//! The artifact store: content-addressed, create-only, verified.

use std::{fmt, fs, num::NonZeroUsize, path::Path, sync::Arc};

use bytes::Bytes;
use mlops_core::{Digest, ErrorKind};
use object_store::{memory::InMemory, path::Path as Key};

use super::{
    chunk_list::{ChunkList, MAX_LIST},
    condemned::Condemned,
    name::{Kind, Name},
    tree::MAX_TREE,
};
use crate::{
    CommitLog, Error, Location, Result, RetryPolicy, Sleeper, ThreadSleeper,
    durable::sync_directory,
    folder::{Created, Folder},
};

/// How often something is begun anew because it was condemned meanwhile.
pub(super) const TURNS: usize = 8;

/// Keeps bytes under their digest. Clones share one store; every method blocks its thread.
///
/// What was put stays until a [`collect`](ArtifactStore::collect) finds that no root needs it, and at least for the
/// grace period of that. Nothing overwrites a sound object.
///
/// ```
/// use mlops_core::Seed;
/// use mlops_store::ArtifactStore;
///
/// let store = ArtifactStore::memory();
/// let mut rng = Seed(7).rng();
/// let model: Vec<u8> = (0..1_000_000).flat_map(|_| rng.next_u64().to_le_bytes()).collect();
/// let first = store.put_from(model.as_slice())?;
/// let mut other = model.clone();
/// other.insert(4_000_000, 7);
/// let second = store.put_from(other.as_slice())?;
/// assert!(second.sent < first.sent / 3); // the chunks that both have are kept once
/// assert_eq!(store.get(&second.digest)?.as_ref(), other);
/// # Ok::<(), mlops_store::Error>(())
/// ```
#[derive(Clone)]
pub struct ArtifactStore {
    pub(super) folder: Folder,
    pub(super) condemned: Arc<Condemned>,
    pub(super) parallel: NonZeroUsize,
    retries: RetryPolicy,
    sleeper: Arc<dyn Sleeper>,
    in_memory: bool,
}

/// Whether an object had to be sent, and under which generation of its name it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    pub(super) generation: u32,
    pub(super) sent: bool,
}

impl ArtifactStore {
    /// A store that lives as long as its last clone.
    pub fn memory() -> Self {
        let store = Arc::new(InMemory::new());
        Self {
            in_memory: true,
            ..Self::over(&Location::object("memory://", store, Key::default()))
        }
    }

    /// A store in a directory, which is made if it is not there. Several stores and processes may
    /// share it. The file system must know hard links.
    ///
    /// # Errors
    /// [`Error::Io`] if the directory cannot be made, opened or synced.
    pub fn directory(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let io = |action, source| Error::Io {
            action,
            path: path.to_owned(),
            source,
        };
        for part in [Kind::Blob.part(), "staging"] {
            fs::create_dir_all(path.join(part)).map_err(|e| io("create", e))?;
        }
        let root = fs::canonicalize(path).map_err(|e| io("open", e))?;
        sync_directory(&root)?;
        root.parent().map_or(Ok(()), sync_directory)?;
        Ok(Self::over(&Location::file(root)))
    }

    /// A store in a directory of any sort of store, which holds nothing else.
    ///
    /// # Errors
    /// As for [`directory`](Self::directory), if it is one of this machine. Nothing else is looked up yet.
    pub fn at(location: &Location) -> Result<Self> {
        match location.as_path() {
            Some(path) => Self::directory(path),
            None => Ok(Self::over(location)),
        }
    }

    fn over(location: &Location) -> Self {
        let log = location
            .join("garbage")
            .expect("a name of this crate is a sound one");
        Self {
            folder: Folder::at(location),
            condemned: Arc::new(Condemned::new(CommitLog::at(&log))),
            parallel: NonZeroUsize::new(4).expect("four is not zero"),
            retries: RetryPolicy::default(),
            sleeper: Arc::new(ThreadSleeper),
            in_memory: false,
        }
    }

    /// The same with other bounds of its tries, and another way to wait between them.
    #[must_use]
    pub fn with_retries(mut self, retries: RetryPolicy, sleeper: Arc<dyn Sleeper>) -> Self {
        self.retries = retries;
        self.sleeper = sleeper;
        self
    }

    /// The same with so many chunks on their way at once, 4 unless said otherwise.
    #[must_use]
    pub fn with_parallel(mut self, chunks: NonZeroUsize) -> Self {
        self.parallel = chunks;
        self
    }

    /// Keeps the bytes and returns their digest once they would survive a crash.
    ///
    /// Bytes that are there already are not written again: in a directory they are read and compared, and replaced
    /// whole if they are corrupt; in a store behind a network the size alone is looked at.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Object`] or [`Error::Denied`] if the disk or the store fails; then no new artifact is
    /// visible.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest> {
        self.put_from(bytes).map(|stored| stored.digest)
    }

    /// The bytes under a digest, compared with it.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Corrupt`], [`Error::Malformed`], or [`Error::Io`], [`Error::Object`] or
    /// [`Error::Denied`] if the store fails.
    pub fn get(&self, digest: &Digest) -> Result<Bytes> {
        let reader = self.reader(digest)?;
        if let Some(whole) = reader.whole() {
            return Ok(whole);
        }
        // what a list says of a size is believed when the chunks are there
        let size = usize::try_from(reader.size()).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(size.min(64 << 20));
        reader.write_to(&mut bytes)?;
        Ok(bytes.into())
    }

    /// Whether an artifact is kept, and would be for a grace period if nobody needed it. It is not read.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Object`] or [`Error::Denied`] if the store fails.
    pub fn contains(&self, digest: &Digest) -> Result<bool> {
        for _ in 0..TURNS {
            let found = self.is_kept(digest)?;
            // what is condemned now, and was not then, is not kept
            if !self.condemned.refresh()? {
                return Ok(found);
            }
        }
        Err(self.busy(digest))
    }

    /// The digests of all artifacts, and of the chunks of the large ones, in order. Objects whose name is no digest
    /// are passed over.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Object`] or [`Error::Denied`] if the store fails.
    pub fn list(&self) -> Result<Vec<Digest>> {
        let mut digests = Vec::new();
        for kind in Kind::ALL {
            let found = self.folder.walk(kind.part())?;
            let names = found.iter().filter_map(|f| Name::parse(kind, &f.name));
            digests.extend(names.map(|name| name.digest));
        }
        digests.sort_unstable();
        digests.dedup();
        Ok(digests)
    }

    fn is_kept(&self, digest: &Digest) -> Result<bool> {
        if self.is_there(Kind::Blob, digest)? {
            return Ok(true);
        }
        let name = self.live(Kind::Chunks, digest);
        let Some(list) = self.folder.get(&name.path(), MAX_LIST)? else {
            return self.is_there(Kind::Tree, digest);
        };
        // a chunk whose name was never condemned was never removed
        let doubtful = self.chunk_list(&name, &list)?;
        for chunk in doubtful.chunks() {
            let condemned = self.condemned.next(Kind::Blob, &chunk.digest) > 0;
            if condemned && !self.is_there(Kind::Blob, &chunk.digest)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_there(&self, kind: Kind, digest: &Digest) -> Result<bool> {
        let name = self.live(kind, digest).path();
        Ok(self.folder.size(&name)?.is_some())
    }

    /// The name under which bytes are to be kept, as far as is known.
    pub(super) fn live(&self, kind: Kind, digest: &Digest) -> Name {
        Name {
            kind,
            digest: *digest,
            generation: self.condemned.next(kind, digest),
        }
    }

    /// Keeps an object and says so only when its name is not condemned.
    pub(super) fn keep(&self, kind: Kind, digest: &Digest, bytes: &Bytes) -> Result<Kept> {
        let mut sent = false;
        for _ in 0..TURNS {
            let kept = self.keep_for_now(kind, digest, bytes)?;
            sent |= kept.sent;
            self.condemned.refresh()?;
            if self.condemned.next(kind, digest) == kept.generation {
                return Ok(Kept { sent, ..kept });
            }
        }
        Err(self.busy(digest))
    }

    /// Keeps an object under the name that was right when the store last looked.
    pub(super) fn keep_for_now(&self, kind: Kind, digest: &Digest, bytes: &Bytes) -> Result<Kept> {
        let name = self.live(kind, digest);
        let path = name.path();
        let kept = |sent| Kept {
            generation: name.generation,
            sent,
        };
        let (mut sent, mut last) = (false, None);
        for pause in self.retries.tries(&path) {
            if let Some(pause) = pause {
                self.sleeper.sleep(pause);
            }
            let tried = match self.is_same(&path, bytes) {
                Ok(Some(true)) => return Ok(kept(sent)),
                Ok(Some(false)) => {
                    self.folder.replace(&path, bytes.clone())?;
                    return Ok(kept(true));
                }
                Ok(None) => self.folder.create(&path, bytes.clone()),
                Err(error) => Err(error),
            };
            match tried {
                Ok(Created::New) => return Ok(kept(true)),
                // somebody else has it, or began to write it and may fail: the next look tells
                Ok(Created::Exists) => sent = true,
                Err(error) if error.kind() == ErrorKind::Unavailable => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| self.busy(digest)))
    }

    /// Whether an object is what it should be; `None` if there is none.
    fn is_same(&self, path: &str, bytes: &Bytes) -> Result<Option<bool>> {
        let size = bytes.len() as u64;
        if !self.folder.is_local() {
            return Ok(self.folder.size(path)?.map(|found| found == size));
        }
        match self.folder.size(path)? {
            None => Ok(None),
            Some(found) if found != size => Ok(Some(false)),
            Some(_) => Ok(self.folder.get(path, size)?.map(|found| found == bytes)),
        }
    }

    /// An object of some kind, whichever generation of its name has it; not compared with its digest.
    pub(super) fn find(&self, kinds: &[Kind], digest: &Digest) -> Result<Option<(Name, Bytes)>> {
        for round in 0..TURNS {
            let mut condemned = false;
            for &kind in kinds {
                let live = self.live(kind, digest);
                condemned |= live.generation > 0;
                for generation in (0..=live.generation).rev() {
                    let name = Name { generation, ..live };
                    if let Some(bytes) = self.folder.get(&name.path(), most(kind))? {
                        return Ok(Some((name, bytes)));
                    }
                }
            }
            // a name that was condemned may have moved while it was looked for
            if !self.condemned.refresh()? && (round > 0 || !condemned) {
                break;
            }
        }
        Ok(None)
    }

    pub(super) fn chunk_list(&self, name: &Name, bytes: &Bytes) -> Result<ChunkList> {
        ChunkList::decode(bytes).map_err(|reason| Error::Malformed {
            url: self.folder.url_of(&name.path()),
            reason,
        })
    }

    pub(super) fn busy(&self, digest: &Digest) -> Error {
        Error::Changed {
            url: self.folder.url_of(&digest.to_string()),
        }
    }
}

/// The most bytes of an object.
pub(super) fn most(kind: Kind) -> u64 {
    match kind {
        // what an earlier release has put may be as large as it likes
        Kind::Blob => u64::MAX - 1,
        Kind::Chunks => MAX_LIST,
        Kind::Tree => MAX_TREE,
    }
}

/// Compares bytes with their digest.
pub(super) fn verified(digest: &Digest, bytes: Bytes) -> Result<Bytes> {
    let found = Digest::of(&bytes);
    if found == *digest {
        return Ok(bytes);
    }
    Err(Error::Corrupt {
        digest: *digest,
        found,
        size: bytes.len(),
    })
}

impl fmt::Debug for ArtifactStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.in_memory {
            return f.write_str("ArtifactStore(memory)");
        }
        write!(f, "ArtifactStore({})", self.folder.url())
    }
}
