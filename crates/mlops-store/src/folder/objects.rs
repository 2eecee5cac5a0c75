//! The folder's operations on an object store.

use std::{future::poll_fn, sync::Arc};

use bytes::Bytes;
use mlops_core::EventTime;
use object_store::{
    Error as Failure, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
    path::Path as Key,
};
use tokio::task::{JoinError, JoinSet};

use super::{Created, Found};
use crate::{Error, Result, error::backend, runtime::wait};

type Store = Arc<dyn ObjectStore>;

/// Requests that are made at the same time.
const AT_ONCE: usize = 16;

/// The key of a name below a key.
pub(super) fn child(key: &Key, name: &str) -> Key {
    name.split('/').fold(key.clone(), Key::join)
}

pub(super) fn create(store: &Store, key: &Key, bytes: Bytes, url: &str) -> Result<Created> {
    let (store, key) = (Arc::clone(store), key.clone());
    let options = PutOptions::from(PutMode::Create);
    match wait(async move { store.put_opts(&key, PutPayload::from(bytes), options).await })? {
        Ok(_) => Ok(Created::New),
        // 412, and 409 as well: which of the two it was, the caller finds out by reading
        Err(Failure::AlreadyExists { .. }) => Ok(Created::Exists),
        Err(error) => Err(failed("write", url)(error)),
    }
}

pub(super) fn get(store: &Store, key: &Key, most: u64, url: &str) -> Result<Option<Bytes>> {
    let (store, key) = (Arc::clone(store), key.clone());
    let answer = wait(async move { fetch(&store, &key, most).await })?;
    bounded(answer, most, url)
}

pub(super) fn get_many(
    store: &Store,
    keys: Vec<Key>,
    most: u64,
    url: &str,
) -> Result<Vec<Option<Bytes>>> {
    let count = keys.len();
    let names: Vec<Key> = keys.clone();
    let store = Arc::clone(store);
    let answers = wait(async move {
        let mut tasks = JoinSet::new();
        for (at, key) in keys.into_iter().enumerate() {
            let store = Arc::clone(&store);
            tasks.spawn(async move { (at, fetch(&store, &key, most).await) });
        }
        let mut answers = Vec::with_capacity(count);
        while let Some(answer) = tasks.join_next().await {
            answers.push(answer?);
        }
        Ok::<_, JoinError>(answers)
    })?;
    let mut answers = answers.map_err(|e| Error::Runtime {
        reason: e.to_string(),
    })?;
    answers.sort_unstable_by_key(|(at, _)| *at);
    answers
        .into_iter()
        .map(|(at, answer)| bounded(answer, most, &format!("{url} ({})", names[at])))
        .collect()
}

/// The size of an object, and its bytes unless these are too many.
async fn fetch(store: &Store, key: &Key, most: u64) -> Result<(u64, Bytes), Failure> {
    let found = store.get(key).await?;
    let size = found.meta.size;
    if size > most {
        return Ok((size, Bytes::new()));
    }
    Ok((size, found.bytes().await?))
}

fn bounded(answer: Result<(u64, Bytes), Failure>, most: u64, url: &str) -> Result<Option<Bytes>> {
    match answer {
        Ok((size, _)) if size > most => Err(Error::TooLarge {
            url: url.to_owned(),
            size,
            most,
        }),
        Ok((_, bytes)) => Ok(Some(bytes)),
        // a bucket that is not there is no empty bucket; only the text of the error tells them apart
        Err(error @ Failure::NotFound { .. }) if !no_bucket(&error) => Ok(None),
        Err(error) => Err(backend("read", url)(error)),
    }
}

pub(super) fn delete_many(store: &Store, keys: Vec<Key>, url: &str) -> Result<()> {
    let store = Arc::clone(store);
    wait(async move {
        let mut tasks = JoinSet::new();
        for key in keys {
            if tasks.len() == AT_ONCE
                && let Some(deleted) = tasks.join_next().await
            {
                deleted.map_err(lost)??;
            }
            let store = Arc::clone(&store);
            tasks.spawn(async move {
                match store.delete(&key).await {
                    Ok(()) | Err(Failure::NotFound { .. }) => Ok(()),
                    Err(error) => Err(error),
                }
            });
        }
        while let Some(deleted) = tasks.join_next().await {
            deleted.map_err(lost)??;
        }
        Ok(())
    })?
    .map_err(failed("delete", url))
}

fn lost(error: JoinError) -> Failure {
    Failure::JoinError { source: error }
}

pub(super) fn replace(store: &Store, key: &Key, bytes: Bytes, url: &str) -> Result<()> {
    let (store, key) = (Arc::clone(store), key.clone());
    wait(async move { store.put(&key, PutPayload::from(bytes)).await })?
        .map_err(failed("write", url))?;
    Ok(())
}

pub(super) fn size(store: &Store, key: &Key, url: &str) -> Result<Option<u64>> {
    let (store, key) = (Arc::clone(store), key.clone());
    match wait(async move { store.head(&key).await })? {
        Ok(meta) => Ok(Some(meta.size)),
        // an answer without a body: a bucket that is not there looks the same, and is told by the first write
        Err(Failure::NotFound { .. }) => Ok(None),
        Err(error) => Err(failed("look up", url)(error)),
    }
}

pub(super) fn list(
    store: &Store,
    key: &Key,
    after: Option<&str>,
    most: usize,
    url: &str,
) -> Result<Vec<Found>> {
    let offset = after.map(|name| child(key, name));
    pages(store, key, offset, 1, most, url)
}

pub(super) fn walk(store: &Store, key: &Key, url: &str) -> Result<Vec<Found>> {
    pages(store, key, None, 2, usize::MAX, url)
}

/// The objects so many levels below a key, page by page, so that a listing that has enough ends early.
fn pages(
    store: &Store,
    key: &Key,
    offset: Option<Key>,
    levels: usize,
    most: usize,
    url: &str,
) -> Result<Vec<Found>> {
    let (store, at) = (Arc::clone(store), key.clone());
    wait(async move {
        let mut pages = match &offset {
            Some(offset) => store.list_with_offset(Some(&at), offset),
            None => store.list(Some(&at)),
        };
        let mut found = Vec::new();
        while found.len() < most {
            let Some(meta) = poll_fn(|context| pages.as_mut().poll_next(context)).await else {
                break;
            };
            let meta = meta?;
            let Some(parts) = meta.location.prefix_match(&at) else {
                continue;
            };
            let parts: Vec<_> = parts.map(|part| part.as_ref().to_owned()).collect();
            if parts.len() == levels {
                found.push(Found {
                    name: parts.join("/"),
                    size: meta.size,
                    modified: EventTime::from_micros(meta.last_modified.timestamp_micros()),
                });
            }
        }
        Ok(found)
    })?
    .map_err(failed("list", url))
}

/// As of any object, but a bucket that is not there is told as such, whatever was asked of it.
fn failed(action: &'static str, url: &str) -> impl FnOnce(Failure) -> Error {
    let url = url.to_owned();
    move |error| match error {
        error if no_bucket(&error) => Error::NoObject { url },
        error => backend(action, &url)(error),
    }
}

fn no_bucket(error: &Failure) -> bool {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(inner) = source {
        if inner.to_string().contains("NoSuchBucket") {
            return true;
        }
        source = inner.source();
    }
    false
}
