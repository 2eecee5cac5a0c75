//! What a directory store consists of: one small file that is replaced as a whole.

use std::{collections::BTreeMap, fs::File, io::Write, path::Path};

use mlops_core::Digest;
use serde::{Deserialize, Serialize};

use super::log::file_error;
use crate::{Error, FeatureView, Result};

const NAME: &str = "MANIFEST.json";
const FORMAT: u32 = 1;

/// The segments of each view, and which logs are not yet in them.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct Manifest {
    format: u32,
    /// The identity of this directory: arrivals are counted within it.
    pub(crate) origin: Digest,
    /// The first arrival that is in no segment.
    pub(crate) next_arrival: u64,
    /// The first log whose records are in no segment.
    pub(crate) first_log: u64,
    /// The next number of a segment file.
    pub(crate) next_segment: u64,
    pub(crate) views: BTreeMap<String, ViewFiles>,
}

/// The files of one view.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct ViewFiles {
    /// What the rows look like; the rest of a definition may change without a row being rewritten.
    pub(crate) layout: Digest,
    /// File names, in order of arrival.
    pub(crate) segments: Vec<String>,
}

impl Manifest {
    pub(crate) fn new(origin: Digest) -> Self {
        Self {
            format: FORMAT,
            origin,
            next_arrival: 1,
            first_log: 1,
            next_segment: 1,
            views: BTreeMap::new(),
        }
    }

    /// The manifest of a directory, if it has one.
    pub(crate) fn load(directory: &Path) -> Result<Option<Self>> {
        let path = directory.join(NAME);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(file_error("read", &path)(error)),
        };
        let damaged = |reason: String| Error::DamagedFile {
            path: path.display().to_string(),
            reason,
        };
        let manifest: Self =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if manifest.format != FORMAT {
            let format = manifest.format;
            return Err(damaged(format!(
                "its format is {format}, this reads {FORMAT}"
            )));
        }
        let names = manifest.views.values().flat_map(|view| &view.segments);
        // a name from a file must not lead out of the directory
        let mut strange = names.filter(|name| name.contains(['/', '\\']) || name.starts_with('.'));
        match strange.next() {
            Some(name) => Err(damaged(format!("`{name}` is no name of a segment"))),
            None => Ok(Some(manifest)),
        }
    }

    /// Puts this manifest in the place of the one before; after a crash there is one or the other.
    pub(crate) fn save(&self, directory: &Path) -> Result<()> {
        let path = directory.join(NAME);
        let next = directory.join("MANIFEST.next");
        let bytes = serde_json::to_vec_pretty(self).expect("a manifest serialises");
        write_synced(&next, &bytes)?;
        std::fs::rename(&next, &path).map_err(file_error("replaced", &path))?;
        sync_directory(directory)
    }
}

/// What rows of a view look like: names and types of keys, times and fields.
pub(crate) fn layout(view: &FeatureView) -> Digest {
    let schema = view.schema();
    let columns = schema.columns().iter();
    let columns = columns.map(|column| (column.name(), column.data_type().to_string()));
    Digest::of_json(&(view.entity().keys().len(), columns.collect::<Vec<_>>()))
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = File::create(path).map_err(file_error("written", path))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(file_error("written", path))
}

/// Waits until the names in a directory are on the disk; only Unix lets one ask for that.
pub(crate) fn sync_directory(path: &Path) -> Result<()> {
    if cfg!(unix) {
        let synced = File::open(path).and_then(|directory| directory.sync_all());
        synced.map_err(file_error("synced", path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_comes_back_and_a_strange_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::load(dir.path()).unwrap(), None);
        let mut manifest = Manifest::new(Digest::of(b"x"));
        let files = |name: &str| ViewFiles {
            layout: Digest::of(b"y"),
            segments: vec![name.to_owned()],
        };
        manifest
            .views
            .insert("purchase".to_owned(), files("purchase-1.parquet"));
        manifest.save(dir.path()).unwrap();
        assert_eq!(Manifest::load(dir.path()).unwrap(), Some(manifest.clone()));
        manifest
            .views
            .insert("purchase".to_owned(), files("../../etc/passwd"));
        manifest.save(dir.path()).unwrap();
        assert!(Manifest::load(dir.path()).is_err());
        std::fs::write(dir.path().join(NAME), "{}").unwrap();
        assert!(Manifest::load(dir.path()).is_err());
    }
}
