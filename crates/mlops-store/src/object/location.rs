//! One place: a file, or an object of a store, with the URL to call it by.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use object_store::{
    ObjectStore, ObjectStoreExt, PutPayload, local::LocalFileSystem, path::Path as Key,
};

use super::{ListLimits, Listed, ObjectReader, listing};
use crate::{
    Error, Result,
    durable::{sync_directory, sync_file},
    error::backend,
    runtime::wait,
};

/// Where an object lies, or the directory of several. Clones are cheap.
///
/// It is made by [`Objects::locate`](crate::Objects::locate), or by [`Location::file`] where nothing but files are
/// wanted. Nothing is looked up until it is opened, listed or written.
#[derive(Clone)]
pub struct Location {
    url: Arc<str>,
    place: Place,
}

#[derive(Clone)]
pub(crate) enum Place {
    File(PathBuf),
    Object {
        store: Arc<dyn ObjectStore>,
        key: Key,
    },
}

impl Location {
    /// A file or directory of this machine.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self {
            url: path.display().to_string().into(),
            place: Place::File(path),
        }
    }

    pub(crate) fn object(url: &str, store: Arc<dyn ObjectStore>, key: Key) -> Self {
        Self {
            url: url.into(),
            place: Place::Object { store, key },
        }
    }

    /// The URL, or the path of a file as it was given. Credentials are never part of it.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The path, if it is a file of this machine.
    pub fn as_path(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) => Some(path),
            Place::Object { .. } => None,
        }
    }

    /// A place below this one.
    ///
    /// ```
    /// use mlops_store::Objects;
    ///
    /// let root = Objects::new().locate("memory://registry")?;
    /// assert_eq!(root.join("models/churn")?.url(), "memory://registry/models/churn");
    /// assert!(root.join("../secrets").is_err());
    /// # Ok::<(), mlops_store::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidUrl`] unless the path is parts with `/` between them, none of them empty, `.` or `..`, and
    /// without `\\`, `:` and control characters.
    pub fn join(&self, path: &str) -> Result<Self> {
        let sound = |part: &str| {
            !matches!(part, "" | "." | "..")
                && !part.chars().any(|c| c.is_control() || "\\:".contains(c))
        };
        let invalid = |reason: String| Error::InvalidUrl {
            url: path.to_owned(),
            reason,
        };
        if !path.split('/').all(sound) {
            return Err(invalid("it is no path below another".to_owned()));
        }
        Ok(match &self.place {
            Place::File(root) => Self::file(root.join(path)),
            Place::Object { store, key } => {
                let url = format!("{}/{path}", self.url.trim_end_matches('/'));
                let key = if key.as_ref().is_empty() {
                    path.to_owned()
                } else {
                    format!("{key}/{path}")
                };
                let key = Key::parse(key).map_err(|e| invalid(e.to_string()))?;
                Self::object(&url, Arc::clone(store), key)
            }
        })
    }

    /// Looks the object up and makes it ready to be read in ranges.
    ///
    /// # Errors
    /// [`Error::NoObject`] if there is none, [`Error::Io`] or [`Error::Object`] if it cannot be reached.
    pub fn open(&self) -> Result<ObjectReader> {
        ObjectReader::open(&self.url, &self.place)
    }

    /// All objects below this directory, sorted by their path.
    ///
    /// # Errors
    /// [`Error::NoObject`] if it is a file path without a directory, [`Error::ListLimit`] if there are more or
    /// deeper ones than the limits allow, [`Error::Io`] or [`Error::Object`] if it cannot be reached.
    pub fn list(&self, limits: ListLimits) -> Result<Vec<Listed>> {
        listing::list(self, &self.place, limits)
    }

    /// Writes an object whole, in the place of what was there. A reader meets the old or the new one, and
    /// what was acknowledged is durable.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Object`] if it cannot be written.
    pub fn put(&self, bytes: impl Into<Bytes>) -> Result<()> {
        let payload = PutPayload::from(bytes.into());
        let (store, key): (Arc<dyn ObjectStore>, Key) = match &self.place {
            Place::File(path) => {
                let io = |source| Error::Io {
                    action: "write",
                    path: path.clone(),
                    source,
                };
                let path = std::path::absolute(path).map_err(io)?;
                let key = Key::from_absolute_path(&path).map_err(|e| Error::InvalidUrl {
                    url: self.url.to_string(),
                    reason: e.to_string(),
                })?;
                (Arc::new(LocalFileSystem::new()), key)
            }
            Place::Object { store, key } => (Arc::clone(store), key.clone()),
        };
        wait(async move { store.put(&key, payload).await })?
            .map_err(backend("write", &self.url))?;
        if let Place::File(path) = &self.place {
            sync_file(path)?;
            path.parent()
                .filter(|parent| !parent.as_os_str().is_empty())
                .map_or(Ok(()), sync_directory)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({})", self.url)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}
