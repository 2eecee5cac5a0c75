//! The folder's operations on a directory of this machine.
//!
//! An object is first written and synced as `staging/<name>-<n>` and then linked to its name, so that no
//! reader ever meets half an object, not even after a power cut, and so that one of two writers wins. What a
//! crash leaves behind lies under `staging/` and is never listed or read.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use mlops_core::EventTime;

use super::{Created, Found};
use crate::{Error, Result, durable::sync_directory};

const STAGING: &str = "staging";

pub(super) fn create(root: &Path, name: &str, bytes: &Bytes) -> Result<Created> {
    let path = root.join(name);
    let folder = path.parent().unwrap_or(root);
    if path.exists() {
        sync_name(folder)?;
        return Ok(Created::Exists);
    }
    make_directory(folder)?;
    let staged = stage(root, name, bytes)?;
    let linked = fs::hard_link(&staged.path, &path);
    staged.remove()?;
    let created = match linked {
        Ok(()) => Created::New,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Created::Exists,
        Err(error) => return Err(failed("link", &path)(error)),
    };
    sync_name(folder)?;
    Ok(created)
}

pub(super) fn replace(root: &Path, name: &str, bytes: &Bytes) -> Result<()> {
    let path = root.join(name);
    let folder = path.parent().unwrap_or(root);
    make_directory(folder)?;
    let staged = stage(root, name, bytes)?;
    if let Err(error) = fs::rename(&staged.path, &path) {
        // the first error is the one to tell
        let _ = staged.remove();
        return Err(failed("replace", &path)(error));
    }
    sync_name(folder)
}

pub(super) fn size(root: &Path, name: &str) -> Result<Option<u64>> {
    let path = root.join(name);
    match fs::metadata(&path) {
        Ok(meta) => {
            sync_name(path.parent().unwrap_or(root))?;
            Ok(Some(meta.len()))
        }
        Err(error) if absent(&error) => Ok(None),
        Err(error) => Err(failed("look up", &path)(error)),
    }
}

pub(super) fn walk(root: &Path, part: &str) -> Result<Vec<Found>> {
    let path = root.join(part);
    let folders = match fs::read_dir(&path) {
        Ok(folders) => folders,
        Err(error) if absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(failed("list", &path)(error)),
    };
    let mut found = Vec::new();
    for folder in folders {
        let folder = folder.map_err(failed("list", &path))?;
        // a name that is not UTF-8 is none of ours, and what is no directory has nothing below it
        if let Ok(name) = folder.file_name().into_string() {
            let objects = list(&path, &name, None, usize::MAX)?;
            found.extend(objects.into_iter().map(|object| Found {
                name: format!("{name}/{}", object.name),
                ..object
            }));
        }
    }
    Ok(found)
}

pub(super) fn clear_staging(root: &Path, before: EventTime) -> Result<()> {
    for left in list(root, STAGING, None, usize::MAX)? {
        if left.modified >= before {
            continue;
        }
        let path = root.join(STAGING).join(&left.name);
        match File::open(&path) {
            // its writer is at work, or the name is another's by now
            Ok(file) if file.try_lock().is_err() || !is_file_of(&file, &path) => {}
            Ok(_locked) => delete(root, &format!("{STAGING}/{}", left.name))?,
            Err(error) if absent(&error) => {}
            Err(error) => return Err(failed("open", &path)(error)),
        }
    }
    Ok(())
}

pub(super) fn get(root: &Path, name: &str, most: u64) -> Result<Option<Bytes>> {
    let path = root.join(name);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if absent(&error) => return Ok(None),
        Err(error) => return Err(failed("open", &path)(error)),
    };
    let size = file.metadata().map_err(failed("open", &path))?.len();
    let mut bytes = Vec::new();
    if size <= most {
        file.take(most + 1)
            .read_to_end(&mut bytes)
            .map_err(failed("read", &path))?;
    }
    let size = size.max(bytes.len() as u64);
    if size > most {
        return Err(Error::TooLarge {
            url: path.display().to_string(),
            size,
            most,
        });
    }
    Ok(Some(bytes.into()))
}

pub(super) fn delete(root: &Path, name: &str) -> Result<()> {
    let path = root.join(name);
    match fs::remove_file(&path) {
        // a power cut may bring it back, which its owner has to bear in any case
        Ok(()) => Ok(()),
        Err(error) if absent(&error) => Ok(()),
        Err(error) => Err(failed("remove", &path)(error)),
    }
}

pub(super) fn list(
    root: &Path,
    part: &str,
    after: Option<&str>,
    most: usize,
) -> Result<Vec<Found>> {
    let path = root.join(part);
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(failed("list", &path)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed("list", &path))?;
        // a name that is not UTF-8 is none of ours
        if let Ok(name) = entry.file_name().into_string()
            && after.is_none_or(|after| name.as_str() > after)
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    let mut found = Vec::with_capacity(names.len().min(most));
    for name in names {
        if found.len() == most {
            break;
        }
        match fs::symlink_metadata(path.join(&name)) {
            Ok(meta) if meta.is_file() => found.push(Found {
                size: meta.len(),
                modified: meta.modified().map_or(EventTime::from_micros(0), instant),
                name,
            }),
            // deleted meanwhile, or no object
            Ok(_) => {}
            Err(error) if absent(&error) => {}
            Err(error) => return Err(failed("list", &path)(error)),
        }
    }
    Ok(found)
}

/// A file that is being written. It is locked until it has its name, so that nobody takes it for left behind.
struct Staged {
    path: PathBuf,
    _lock: File,
}

impl Staged {
    fn remove(self) -> Result<()> {
        fs::remove_file(&self.path).map_err(failed("remove", &self.path))
    }
}

/// Writes a file that no other writer has. A name that a crash left behind is passed over.
fn stage(root: &Path, name: &str, bytes: &Bytes) -> Result<Staged> {
    let folder = root.join(STAGING);
    make_directory(&folder)?;
    let name = name.replace('/', "-");
    let mut attempt = 0_u64;
    let (path, mut file) = loop {
        let path = folder.join(format!("{name}-{attempt}"));
        match File::create_new(&path) {
            Ok(file) => {
                file.lock().map_err(failed("lock", &path))?;
                // it may have been cleared before it was locked, and the name be another's
                if is_file_of(&file, &path) {
                    break (path, file);
                }
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed("create", &path)(error)),
        }
        attempt += 1;
    };
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let staged = Staged { path, _lock: file };
    match written {
        Ok(()) => Ok(staged),
        Err(error) => {
            let error = failed("write", &staged.path)(error);
            // the first error is the one to tell
            let _ = staged.remove();
            Err(error)
        }
    }
}

#[cfg(unix)]
fn is_file_of(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |meta: fs::Metadata| (meta.dev(), meta.ino());
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(file), Ok(path)) => place(file) == place(path),
        _ => false,
    }
}

/// An open file cannot be removed here.
#[cfg(not(unix))]
fn is_file_of(_: &File, _: &Path) -> bool {
    true
}

/// Makes a directory and those above it, and their names durable.
fn make_directory(path: &Path) -> Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let above = path.parent().unwrap_or(Path::new(""));
    make_directory(above)?;
    match fs::create_dir(path) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => {}
        Err(error) => return Err(failed("create", path)(error)),
    }
    if above.as_os_str().is_empty() {
        return Ok(());
    }
    sync_directory(above)
}

/// Makes the names in a directory durable, and its own: whoever made them may have gone before they were.
fn sync_name(folder: &Path) -> Result<()> {
    sync_directory(folder)?;
    match folder.parent() {
        Some(above) if !above.as_os_str().is_empty() => sync_directory(above),
        _ => Ok(()),
    }
}

/// Whether an error says that there is no such file, or no such directory above it.
fn absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn instant(time: SystemTime) -> EventTime {
    let micros = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX));
    EventTime::from_micros(micros)
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io {
        action,
        path,
        source,
    }
}
