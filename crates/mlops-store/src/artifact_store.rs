//! The artifact store: content-addressed, create-only, verified.
//!
//! On a disk a blob is first written and synced as `staging/<digest>-<n>` and then linked to its
//! final key, so that no reader ever meets half a blob, not even after a power cut. What a crash
//! leaves behind lies under `staging/` and is never listed or read.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use mlops_core::Digest;
use object_store::{
    Error as BackendFailure, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
    local::LocalFileSystem, memory::InMemory, path::Path as Key,
};

use crate::{
    Error, Result,
    durable::{sync_directory, sync_file},
    error::BackendError,
    runtime::wait,
};

const BLOBS: &str = "blobs";
const STAGING: &str = "staging";

/// Keeps bytes under their digest. Clones share one store; every method blocks its thread.
///
/// A blob that was put stays until somebody removes its file: nothing here overwrites a sound blob
/// and nothing deletes one.
#[derive(Clone)]
pub struct ArtifactStore {
    backend: Arc<dyn ObjectStore>,
    disk: Option<Arc<Disk>>,
}

/// The directory below which a local store lives, and the same place as the backend knows it.
struct Disk {
    root: PathBuf,
    files: LocalFileSystem,
}

impl Disk {
    fn file(&self, key: &Key) -> Result<PathBuf> {
        self.files
            .path_to_filesystem(key)
            .map_err(failed("find", key))
    }

    /// Makes the name of a blob durable: its own directory, and that directory's name.
    fn sync_name(&self, key: &Key) -> Result<()> {
        let file = self.file(key)?;
        file.parent().map_or(Ok(()), sync_directory)?;
        sync_directory(&self.root.join(BLOBS))
    }
}

impl ArtifactStore {
    /// A store that lives as long as its last clone.
    pub fn memory() -> Self {
        Self {
            backend: Arc::new(InMemory::new()),
            disk: None,
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
        for part in [BLOBS, STAGING] {
            fs::create_dir_all(path.join(part)).map_err(|e| io("create", e))?;
        }
        let root = fs::canonicalize(path).map_err(|e| io("open", e))?;
        sync_directory(&root)?;
        root.parent().map_or(Ok(()), sync_directory)?;
        let open = || LocalFileSystem::new_with_prefix(&root);
        let key = Key::default();
        Ok(Self {
            backend: Arc::new(open().map_err(failed("open", &key))?),
            disk: Some(Arc::new(Disk {
                files: open().map_err(failed("open", &key))?,
                root,
            })),
        })
    }

    /// Keeps the bytes and returns their digest once they would survive a crash.
    ///
    /// Bytes that are there already are read and compared, not written again; if what is there is
    /// corrupt, it is replaced whole.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Store`] if the disk or the backend fails; then no new blob is visible.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        let replace = match self.get(&digest) {
            Ok(_) => {
                self.sync_name(&digest)?;
                return Ok(digest);
            }
            Err(Error::NotFound { .. }) => false,
            Err(Error::Corrupt { .. }) => true,
            Err(error) => return Err(error),
        };
        let payload = PutPayload::from(Bytes::copy_from_slice(bytes));
        match &self.disk {
            None => {
                let key = blob_key(&digest);
                self.create(&key, payload)?;
            }
            Some(disk) => self.link(disk, &digest, &payload, replace)?,
        }
        Ok(digest)
    }

    /// The bytes under a digest, compared with it.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Corrupt`], or [`Error::Store`] if the backend fails.
    pub fn get(&self, digest: &Digest) -> Result<Bytes> {
        let key = blob_key(digest);
        let (backend, at) = (self.backend.clone(), key.clone());
        let bytes = wait(async move { backend.get(&at).await?.bytes().await })?.map_err(|e| {
            if matches!(e, BackendFailure::NotFound { .. }) {
                Error::NotFound { digest: *digest }
            } else {
                failed("read", &key)(e)
            }
        })?;
        let found = Digest::of(&bytes);
        if found != *digest {
            return Err(Error::Corrupt {
                digest: *digest,
                found,
                size: bytes.len(),
            });
        }
        Ok(bytes)
    }

    /// Whether something is kept under a digest. It is not read.
    ///
    /// # Errors
    /// [`Error::Store`] if the backend fails.
    pub fn contains(&self, digest: &Digest) -> Result<bool> {
        let key = blob_key(digest);
        let (backend, at) = (self.backend.clone(), key.clone());
        match wait(async move { backend.head(&at).await })? {
            Ok(_) => Ok(true),
            Err(BackendFailure::NotFound { .. }) => Ok(false),
            Err(error) => Err(failed("look up", &key)(error)),
        }
    }

    /// The digests of all blobs, in order. Objects whose key is no digest are passed over.
    ///
    /// # Errors
    /// [`Error::Store`] if the backend fails.
    pub fn list(&self) -> Result<Vec<Digest>> {
        let root = Key::from(BLOBS);
        let (backend, at) = (self.backend.clone(), root.clone());
        let keys = wait(async move {
            let mut keys = Vec::new();
            for folder in backend
                .list_with_delimiter(Some(&at))
                .await?
                .common_prefixes
            {
                let found = backend.list_with_delimiter(Some(&folder)).await?.objects;
                keys.extend(found.into_iter().map(|object| object.location));
            }
            Ok::<_, BackendFailure>(keys)
        })?
        .map_err(failed("list", &root))?;
        let mut digests: Vec<Digest> = keys.iter().filter_map(digest_of_key).collect();
        digests.sort_unstable();
        Ok(digests)
    }

    /// Creates an object; `false` if there is one already.
    fn create(&self, key: &Key, payload: PutPayload) -> Result<bool> {
        let (backend, at) = (self.backend.clone(), key.clone());
        let options = PutOptions::from(PutMode::Create);
        match wait(async move { backend.put_opts(&at, payload, options).await })? {
            Ok(_) => Ok(true),
            Err(BackendFailure::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(failed("write", key)(error)),
        }
    }

    /// Writes, syncs, links and syncs again.
    fn link(
        &self,
        disk: &Disk,
        digest: &Digest,
        payload: &PutPayload,
        replace: bool,
    ) -> Result<()> {
        let staged = self.stage(digest, payload)?;
        let key = blob_key(digest);
        let linked = sync_file(&disk.file(&staged)?).and_then(|()| {
            let (backend, from, to) = (self.backend.clone(), staged.clone(), key.clone());
            wait(async move {
                if replace {
                    backend.copy(&from, &to).await
                } else {
                    backend.copy_if_not_exists(&from, &to).await
                }
            })?
            .or_else(|error| match error {
                // somebody else was first, with the same bytes
                BackendFailure::AlreadyExists { .. } => Ok(()),
                error => Err(failed("link", &key)(error)),
            })
        });
        // exactly once: a moment later the name may be another writer's
        let (backend, at) = (self.backend.clone(), staged.clone());
        let removed = wait(async move { backend.delete(&at).await })?;
        linked?;
        removed.map_err(failed("remove", &staged))?;
        disk.sync_name(&key)
    }

    /// Writes a file that no other writer has. A name that a crash left behind is passed over.
    fn stage(&self, digest: &Digest, payload: &PutPayload) -> Result<Key> {
        let mut attempt = 0_u64;
        loop {
            let key = Key::from_iter([STAGING.to_owned(), format!("{digest}-{attempt}")]);
            if self.create(&key, payload.clone())? {
                return Ok(key);
            }
            attempt += 1;
        }
    }

    fn sync_name(&self, digest: &Digest) -> Result<()> {
        self.disk
            .as_ref()
            .map_or(Ok(()), |disk| disk.sync_name(&blob_key(digest)))
    }
}

impl fmt::Debug for ArtifactStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.disk {
            Some(disk) => write!(f, "ArtifactStore({})", disk.root.display()),
            None => f.write_str("ArtifactStore(memory)"),
        }
    }
}

fn blob_key(digest: &Digest) -> Key {
    let text = digest.to_string();
    let (folder, name) = text.split_at(2);
    Key::from_iter([BLOBS, folder, name])
}

fn digest_of_key(key: &Key) -> Option<Digest> {
    let parts: Vec<_> = key.parts().collect();
    let [_, folder, name] = parts.as_slice() else {
        return None;
    };
    format!("{}{}", folder.as_ref(), name.as_ref()).parse().ok()
}

fn failed(action: &'static str, key: &Key) -> impl Fn(BackendFailure) -> Error {
    let key = key.to_string();
    move |error| Error::Store {
        action,
        key: key.clone(),
        source: BackendError::new(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_two_digits_and_the_rest() {
        let digest = Digest::of(b"x");
        let key = blob_key(&digest);
        let text = digest.to_string();
        assert_eq!(key.as_ref(), format!("blobs/{}/{}", &text[..2], &text[2..]));
        assert_eq!(digest_of_key(&key), Some(digest));
        assert_eq!(digest_of_key(&Key::from("blobs/aa/readme")), None);
        assert_eq!(digest_of_key(&Key::from("blobs")), None);
    }
}
