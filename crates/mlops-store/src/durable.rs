//! Durability on a local disk: `object_store` writes files and syncs none of them.
//!
//! A blob is visible under its final name only after its bytes were synced, and `put` returns only
//! after the directories that hold the name were synced as well.

use std::{fs::File, io, path::Path};

use crate::{Error, Result};

/// Waits until the bytes of a file are on the disk.
pub(crate) fn sync_file(path: &Path) -> Result<()> {
    // Windows flushes only through a handle that may write
    File::options()
        .write(true)
        .open(path)
        .and_then(|file| file.sync_all())
        .map_err(|source| Error::Io {
            action: "sync",
            path: path.to_owned(),
            source,
        })
}

/// Waits until the names in a directory are on the disk. Only Unix lets a directory be synced;
/// elsewhere the file system's own journal has to do.
pub(crate) fn sync_directory(path: &Path) -> Result<()> {
    let synced: io::Result<()> = if cfg!(unix) {
        File::open(path).and_then(|directory| directory.sync_all())
    } else {
        Ok(())
    };
    synced.map_err(|source| Error::Io {
        action: "sync",
        path: path.to_owned(),
        source,
    })
}
