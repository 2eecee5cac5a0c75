//! What lies below a directory, bounded in number and depth.

use std::{collections::VecDeque, fs, io::ErrorKind, path::PathBuf, sync::Arc};

use object_store::{ObjectStore, path::Path as Key};

use super::{Location, location::Place};
use crate::{Error, Result, error::backend, runtime::wait};

/// How much a listing may hold before it is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListLimits {
    /// The objects, 100,000 unless said otherwise.
    pub objects: usize,
    /// The directories below the first, one inside the other, 32 unless said otherwise.
    pub depth: usize,
}

impl Default for ListLimits {
    fn default() -> Self {
        Self {
            objects: 100_000,
            depth: 32,
        }
    }
}

impl ListLimits {
    /// The most objects.
    #[must_use]
    pub fn objects(mut self, objects: usize) -> Self {
        self.objects = objects;
        self
    }

    /// The deepest directory; 0 for the files of the first directory alone.
    #[must_use]
    pub fn depth(mut self, depth: usize) -> Self {
        self.depth = depth;
        self
    }
}

/// An object that was listed.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Where it lies.
    pub location: Location,
    /// Its path below the listed directory, with `/` between the parts.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
}

/// A directory that is still to be listed.
struct Folder<D> {
    at: D,
    path: String,
    depth: usize,
}

pub(super) fn list(root: &Location, place: &Place, limits: ListLimits) -> Result<Vec<Listed>> {
    let mut found = match place {
        Place::File(path) => files(root, path.clone(), limits)?,
        Place::Object { store, key } => objects(root, store, key, limits)?,
    };
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn files(root: &Location, path: PathBuf, limits: ListLimits) -> Result<Vec<Listed>> {
    let mut found = Vec::new();
    let mut open = VecDeque::from([Folder {
        at: path,
        path: String::new(),
        depth: 0,
    }]);
    while let Some(folder) = open.pop_front() {
        let failed = |source: std::io::Error| match source.kind() {
            ErrorKind::NotFound => Error::NoObject {
                url: folder.at.display().to_string(),
            },
            _ => Error::Io {
                action: "list",
                path: folder.at.clone(),
                source,
            },
        };
        for entry in fs::read_dir(&folder.at).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let name = name.to_str().ok_or_else(|| Error::InvalidUrl {
                url: entry.path().display().to_string(),
                reason: "its name is not UTF-8".to_owned(),
            })?;
            let path = joined(&folder.path, name);
            // follows links, as opening does; loops end at the limit of the depth
            let meta = fs::metadata(entry.path()).map_err(failed)?;
            if meta.is_dir() {
                open.push_back(deeper(root, &folder.depth, limits, entry.path(), path)?);
            } else if meta.is_file() {
                let location = Location::file(entry.path());
                push(root, &mut found, limits, location, path, meta.len())?;
            }
        }
    }
    Ok(found)
}

fn objects(
    root: &Location,
    store: &Arc<dyn ObjectStore>,
    key: &Key,
    limits: ListLimits,
) -> Result<Vec<Listed>> {
    let mut found = Vec::new();
    let mut open = VecDeque::from([Folder {
        at: key.clone(),
        path: String::new(),
        depth: 0,
    }]);
    while let Some(folder) = open.pop_front() {
        let (backend_store, at) = (Arc::clone(store), folder.at.clone());
        let listed = wait(async move { backend_store.list_with_delimiter(Some(&at)).await })?
            .map_err(backend("list", root.url()))?;
        for object in listed.objects {
            let name = object.location.filename().unwrap_or_default();
            let path = joined(&folder.path, name);
            let url = joined(root.url().trim_end_matches('/'), &path);
            let location = Location::object(&url, Arc::clone(store), object.location.clone());
            push(root, &mut found, limits, location, path, object.size)?;
        }
        for prefix in listed.common_prefixes {
            let path = joined(&folder.path, prefix.filename().unwrap_or_default());
            open.push_back(deeper(root, &folder.depth, limits, prefix, path)?);
        }
    }
    Ok(found)
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        return name.to_owned();
    }
    format!("{folder}/{name}")
}

fn deeper<D>(
    root: &Location,
    depth: &usize,
    limits: ListLimits,
    at: D,
    path: String,
) -> Result<Folder<D>> {
    let depth = depth + 1;
    if depth > limits.depth {
        return Err(Error::ListLimit {
            url: root.url().to_owned(),
            what: "directories deep",
            limit: limits.depth,
        });
    }
    Ok(Folder { at, path, depth })
}

fn push(
    root: &Location,
    found: &mut Vec<Listed>,
    limits: ListLimits,
    location: Location,
    path: String,
    size: u64,
) -> Result<()> {
    if found.len() == limits.objects {
        return Err(Error::ListLimit {
            url: root.url().to_owned(),
            what: "objects",
            limit: limits.objects,
        });
    }
    found.push(Listed {
        location,
        path,
        size,
    });
    Ok(())
}
