//! Packages on disk: written all or none, read with a bound on what is taken in.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{Error, Result, limit, package::manifest, signature::shorten};

/// Tells apart the directories that one process is writing.
static WRITES: AtomicU64 = AtomicU64::new(0);

/// Writes the files beside `path` and moves them there.
///
/// A process that dies leaves `.<name>.<process>-<n>.partial` behind and never half a package.
pub(super) fn write(path: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    let exists = || Error::AlreadyExists {
        path: path.to_owned(),
    };
    if path.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let name = path.file_name().ok_or_else(|| Error::Io {
        action: "name the directory",
        path: path.to_owned(),
        source: ErrorKind::InvalidInput.into(),
    })?;
    fs::create_dir_all(parent).map_err(io("create", parent))?;
    let partial = parent.join(format!(
        ".{}.{}-{}.partial",
        name.to_string_lossy(),
        std::process::id(),
        WRITES.fetch_add(1, Ordering::Relaxed)
    ));
    let written = fill(&partial, files).and_then(|()| {
        fs::rename(&partial, path).map_err(|source| match source.kind() {
            ErrorKind::AlreadyExists | ErrorKind::DirectoryNotEmpty | ErrorKind::NotADirectory => {
                exists()
            }
            _ => io("write", path)(source),
        })
    });
    if written.is_err() {
        // the first error is the one to report
        let _ = fs::remove_dir_all(&partial);
    }
    written?;
    sync(parent)
}

fn fill(directory: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    fs::create_dir(directory).map_err(io("create", directory))?;
    for (name, bytes) in files {
        let path = directory.join(name);
        let mut file = File::create_new(&path).map_err(io("create", &path))?;
        file.write_all(bytes).map_err(io("write", &path))?;
        file.sync_all().map_err(io("sync", &path))?;
    }
    sync(directory)
}

/// Makes a directory's entries durable; on systems where a directory cannot be opened it is a no-op.
fn sync(directory: &Path) -> Result<()> {
    if cfg!(unix) {
        let opened = File::open(directory).map_err(io("open", directory))?;
        opened.sync_all().map_err(io("sync", directory))?;
    }
    Ok(())
}

/// Reads all files of a directory. Links and directories in it are refused, and no more is read than a
/// package may hold.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let entries = fs::read_dir(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Error::NotFound {
            path: path.to_owned(),
        },
        _ => io("read", path)(source),
    })?;
    let mut files = BTreeMap::new();
    let mut total = 0;
    for entry in entries {
        let entry = entry.map_err(io("read", path))?;
        limit::check("the number of files", files.len() + 1, limit::FILES)?;
        let file = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().map_err(io("read", &file))?;
        if !kind.is_file() {
            return Err(Error::UnexpectedFile {
                file: shorten(&name),
            });
        }
        if name != crate::package::MANIFEST {
            manifest::check_name(&name)?;
        }
        let bytes = read_bounded(&file)?;
        limit::check(
            format!("the size of `{name}` in bytes"),
            bytes.len(),
            limit::FILE_BYTES,
        )?;
        total += bytes.len();
        limit::check(
            "the size of the package in bytes",
            total,
            limit::PACKAGE_BYTES,
        )?;
        files.insert(name, bytes);
    }
    Ok(files)
}

/// Reads a file up to one byte more than the limit.
fn read_bounded(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| {
            file.take(limit::FILE_BYTES as u64 + 1)
                .read_to_end(&mut bytes)
        })
        .map_err(io("read", path))?;
    Ok(bytes)
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path: PathBuf = path.to_owned();
    move |source| Error::Io {
        action,
        path,
        source,
    }
}
