//! What lies below a directory, bounded in number and depth.

use std::{
    collections::{BTreeSet, VecDeque},
    fs,
    future::poll_fn,
    io::ErrorKind,
    path::PathBuf,
    sync::Arc,
};

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

impl ListLimits {
    fn too_many(self, root: &Location) -> Error {
        Error::ListLimit {
            url: root.url().to_owned(),
            what: "objects",
            limit: self.objects,
        }
    }

    fn too_deep(self, root: &Location) -> Error {
        Error::ListLimit {
            url: root.url().to_owned(),
            what: "directories inside each other",
            limit: self.depth,
        }
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
struct Folder {
    at: PathBuf,
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
                let depth = folder.depth + 1;
                if depth > limits.depth {
                    return Err(limits.too_deep(root));
                }
                open.push_back(Folder {
                    at: entry.path(),
                    path,
                    depth,
                });
            } else if meta.is_file() {
                if found.len() == limits.objects {
                    return Err(limits.too_many(root));
                }
                found.push(Listed {
                    location: Location::file(entry.path()),
                    path,
                    size: meta.len(),
                });
            }
        }
    }
    Ok(found)
}

/// Objects in the order of their keys, page by page, so that a listing past its limit ends early.
fn objects(
    root: &Location,
    store: &Arc<dyn ObjectStore>,
    key: &Key,
    limits: ListLimits,
) -> Result<Vec<Listed>> {
    let (backend_store, at) = (Arc::clone(store), key.clone());
    let metas = wait(async move {
        let mut pages = backend_store.list(Some(&at));
        let mut metas = Vec::new();
        // one more than the limit, as a sign that there are more; markers of directories do not count
        while metas.len() <= limits.objects {
            match poll_fn(|context| pages.as_mut().poll_next(context)).await {
                Some(Ok(meta)) => metas.push(meta),
                Some(Err(error)) => return Err(error),
                None => break,
            }
        }
        Ok(metas)
    })?
    .map_err(backend("list", root.url()))?;
    if metas.len() > limits.objects {
        return Err(limits.too_many(root));
    }
    let mut found = Vec::with_capacity(metas.len());
    let mut directories = BTreeSet::new();
    for meta in metas {
        let parts: Vec<_> = match meta.location.prefix_match(key) {
            Some(parts) => parts.map(|part| part.as_ref().to_owned()).collect(),
            None => continue,
        };
        let path = parts.join("/");
        if path.is_empty() {
            continue;
        }
        if parts.len() > limits.depth + 1 {
            return Err(limits.too_deep(root));
        }
        let ends = path.match_indices('/').map(|(at, _)| path[..at].to_owned());
        directories.extend(ends);
        let url = joined(root.url().trim_end_matches('/'), &path);
        found.push(Listed {
            location: Location::object(&url, Arc::clone(store), meta.location),
            path,
            size: meta.size,
        });
    }
    // consoles mark a directory by an empty object of its name
    found.retain(|listed| listed.size > 0 || !directories.contains(&listed.path));
    Ok(found)
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        return name.to_owned();
    }
    format!("{folder}/{name}")
}
