//! One JSON file, shared by processes: changed under a lock, replaced as a whole.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use super::state::{MAX_BYTES, State};
use crate::{Error, Result};

/// Where a catalog is kept.
#[derive(Debug)]
pub(super) struct CatalogFile {
    path: PathBuf,
}

/// The right to change the file; dropping it lets the next process in.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "closing the file unlocks it")] File);

impl CatalogFile {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// What the file holds; an empty catalog if it is not there.
    pub(super) fn read(&self) -> Result<State> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::default()),
            Err(error) => return Err(self.unreadable(error)),
        };
        let mut json = Vec::new();
        // one byte more than is allowed tells that there is more
        let mut bounded = file.take(MAX_BYTES + 1);
        bounded
            .read_to_end(&mut json)
            .map_err(|error| self.unreadable(error))?;
        if json.len() as u64 > MAX_BYTES {
            return Err(self.broken(format!("it is longer than {MAX_BYTES} bytes")));
        }
        State::from_json(&json).map_err(|error| match error {
            Error::BrokenCatalog { reason, .. } => self.broken(reason),
            error => self.broken(error.to_string()),
        })
    }

    /// Waits until no other process changes the file.
    ///
    /// The lock is on a file beside it, for the file itself is replaced. It goes with the process, also when that is
    /// killed.
    pub(super) fn lock(&self) -> Result<Lock> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        let file = options.open(self.beside("lock"));
        let file = file.map_err(|error| self.unreadable(error))?;
        file.lock().map_err(|error| self.unreadable(error))?;
        Ok(Lock(file))
    }

    /// Replaces the file: a reader sees the old or the new one, also after a power cut.
    pub(super) fn write(&self, state: &State, _held: &Lock) -> Result<()> {
        let next = self.beside("next");
        let replace = || {
            let mut file = File::create(&next)?;
            file.write_all(&state.to_json())?;
            file.sync_all()?;
            drop(file);
            fs::rename(&next, &self.path)?;
            // the new name is in the directory, which must reach the disk as well
            match self.path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
                Some(dir) => File::open(dir)?.sync_all(),
                None => File::open(".")?.sync_all(),
            }
        };
        replace().map_err(|error| self.unreadable(error))
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".");
        name.push(ending);
        name.into()
    }

    fn unreadable(&self, source: io::Error) -> Error {
        Error::Read {
            source_name: self.path.display().to_string(),
            source,
        }
    }

    fn broken(&self, reason: String) -> Error {
        Error::BrokenCatalog {
            place: self.path.display().to_string(),
            reason,
        }
    }
}
