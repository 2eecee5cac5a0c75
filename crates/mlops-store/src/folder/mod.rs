//! A directory of objects, wherever it lies: what the commit log and the artifact store are written over.
//!
//! Five operations that a directory of this machine, a memory and S3 all have: create a name that is not
//! there, read, list in order, replace, delete. Each is whole or not at all, and what was acknowledged is durable.

mod files;
mod objects;

use std::{fmt, sync::Arc};

use bytes::Bytes;
use mlops_core::EventTime;

use crate::{Location, Result, object::Place};

/// A directory of a location. Names below it may hold `/` and are made by this crate, never by a caller.
#[derive(Clone)]
pub(crate) struct Folder {
    url: Arc<str>,
    place: Place,
}

/// What became of a name that was to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Created {
    /// It was not there, and is now.
    New,
    /// The store says that it is there already, or that somebody else is writing it.
    Exists,
}

/// An object that was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The last part of its name, or the last two.
    pub(crate) name: String,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// When it was written, by the clock of the store.
    pub(crate) modified: EventTime,
}

impl Folder {
    pub(crate) fn at(location: &Location) -> Self {
        Self {
            url: location.url().trim_end_matches('/').into(),
            place: location.place().clone(),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What to call an object in an error.
    pub(crate) fn url_of(&self, name: &str) -> String {
        format!("{}/{name}", self.url)
    }

    /// Writes an object under a name that nothing has.
    pub(crate) fn create(&self, name: &str, bytes: Bytes) -> Result<Created> {
        match &self.place {
            Place::File(root) => files::create(root, name, &bytes),
            Place::Object { store, key } => {
                objects::create(store, &objects::child(key, name), bytes, &self.url_of(name))
            }
        }
    }

    /// The bytes under a name, `None` if nothing has it.
    ///
    /// An object of more than `most` bytes is [`Error::TooLarge`](crate::Error::TooLarge) and is not read.
    pub(crate) fn get(&self, name: &str, most: u64) -> Result<Option<Bytes>> {
        match &self.place {
            Place::File(root) => files::get(root, name, most),
            Place::Object { store, key } => {
                objects::get(store, &objects::child(key, name), most, &self.url_of(name))
            }
        }
    }

    /// The bytes under several names, fetched at the same time.
    pub(crate) fn get_many(&self, names: &[String], most: u64) -> Result<Vec<Option<Bytes>>> {
        match &self.place {
            Place::File(root) => names
                .iter()
                .map(|name| files::get(root, name, most))
                .collect(),
            Place::Object { store, key } => {
                let keys = names.iter().map(|name| objects::child(key, name)).collect();
                objects::get_many(store, keys, most, &self.url)
            }
        }
    }

    /// Writes an object in the place of what has its name, if anything has.
    pub(crate) fn replace(&self, name: &str, bytes: Bytes) -> Result<()> {
        match &self.place {
            Place::File(root) => files::replace(root, name, &bytes),
            Place::Object { store, key } => {
                objects::replace(store, &objects::child(key, name), bytes, &self.url_of(name))
            }
        }
    }

    /// The size of the object of a name, `None` if nothing has it. What is told is durable.
    pub(crate) fn size(&self, name: &str) -> Result<Option<u64>> {
        match &self.place {
            Place::File(root) => files::size(root, name),
            Place::Object { store, key } => {
                objects::size(store, &objects::child(key, name), &self.url_of(name))
            }
        }
    }

    /// Whether a read is cheap enough to look at bytes before they are trusted to be there.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.place, Place::File(_))
    }

    /// All objects two levels below a part of this folder, named `<directory>/<name>`, in no order.
    pub(crate) fn walk(&self, part: &str) -> Result<Vec<Found>> {
        match &self.place {
            Place::File(root) => files::walk(root, part),
            Place::Object { store, key } => {
                objects::walk(store, &objects::child(key, part), &self.url_of(part))
            }
        }
    }

    /// Removes what crashed writers left behind and nobody touched since an instant.
    pub(crate) fn clear_staging(&self, before: EventTime) -> Result<()> {
        match &self.place {
            Place::File(root) => files::clear_staging(root, before),
            Place::Object { .. } => Ok(()),
        }
    }

    /// Removes names. One that is not there is removed already.
    pub(crate) fn delete_many(&self, names: &[String]) -> Result<()> {
        match &self.place {
            Place::File(root) => names.iter().try_for_each(|name| files::delete(root, name)),
            Place::Object { store, key } => {
                let keys = names.iter().map(|name| objects::child(key, name)).collect();
                objects::delete_many(store, keys, &self.url)
            }
        }
    }

    /// The first objects directly below a part of this folder, in the order of their names and after one of them.
    pub(crate) fn list(&self, part: &str, after: Option<&str>, most: usize) -> Result<Vec<Found>> {
        match &self.place {
            Place::File(root) => files::list(root, part, after, most),
            Place::Object { store, key } => {
                let at = objects::child(key, part);
                objects::list(store, &at, after, most, &self.url_of(part))
            }
        }
    }
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Folder({})", self.url)
    }
}
