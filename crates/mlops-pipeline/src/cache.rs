//! The cache: which outputs a fingerprint gave, and what each step was made of when it last ran.
//!
//! A record is a small JSON file that is written to `staging/`, synced, and renamed to its place, so
//! that a killed process leaves either the whole record or none. It carries a digest of its own
//! content: a record that was cut, edited or mixed up is reported and never used. Losing the cache
//! costs a rerun and nothing else.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use mlops_core::{Digest, DigestBuilder};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Error, Result, fingerprint::Parts};

/// The version of the records' form. A reader refuses any other and the step reruns.
const SCHEMA: u32 = 1;
/// A record larger than this is not one of ours.
const MOST_BYTES: u64 = 4 << 20;

const ENTRIES: &str = "entries";
const LAST: &str = "last";
const STAGING: &str = "staging";

/// Remembers results by fingerprint. Clones share one cache, and so may several processes.
#[derive(Clone)]
pub struct Cache(Place);

#[derive(Clone)]
enum Place {
    Memory(Arc<Mutex<BTreeMap<PathBuf, Vec<u8>>>>),
    Directory(Arc<PathBuf>),
}

/// What was looked up.
#[derive(Debug)]
pub(crate) enum Found<T> {
    Yes(T),
    No,
    /// Something is there that must not be used, and why.
    Unusable(String),
}

/// The outputs of a step that ran, with everything that its fingerprint was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) parts: Parts,
    pub(crate) outputs: BTreeMap<String, Digest>,
}

#[derive(Serialize, Deserialize)]
struct Record<T> {
    schema: u32,
    check: Digest,
    content: T,
}

impl Cache {
    /// A cache that lives as long as its last clone.
    pub fn memory() -> Self {
        Self(Place::Memory(Arc::default()))
    }

    /// A cache in a directory, which is made if it is not there.
    ///
    /// # Errors
    /// [`Error::Io`] if the directory cannot be made.
    pub fn directory(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        for part in [ENTRIES, LAST, STAGING] {
            let part = path.join(part);
            fs::create_dir_all(&part).map_err(failed("create", &part))?;
        }
        sync_directory(path).map_err(failed("sync", path))?;
        Ok(Self(Place::Directory(Arc::new(path.to_owned()))))
    }

    pub(crate) fn entry(&self, parts: &Parts) -> Found<Entry> {
        let entry: Entry = match self.load(&entry_key(&parts.fingerprint())) {
            Found::Yes(entry) => entry,
            Found::No => return Found::No,
            Found::Unusable(reason) => return Found::Unusable(reason),
        };
        if entry.parts != *parts || !entry.outputs.keys().eq(parts.outputs.iter()) {
            return Found::Unusable("the cache entry describes another step".to_owned());
        }
        Found::Yes(entry)
    }

    pub(crate) fn save_entry(&self, entry: &Entry) -> Result<()> {
        self.save(&entry_key(&entry.parts.fingerprint()), entry)
    }

    /// What the step was made of when it last ran or was found in the cache.
    pub(crate) fn last(&self, pipeline: &str, step: &str) -> Found<Parts> {
        match self.load::<Parts>(&last_key(pipeline, step)) {
            Found::Yes(parts) if parts.pipeline != pipeline || parts.step != step => {
                Found::Unusable("the record of its last run is another step's".to_owned())
            }
            found => found,
        }
    }

    pub(crate) fn save_last(&self, parts: &Parts) -> Result<()> {
        self.save(&last_key(&parts.pipeline, &parts.step), parts)
    }

    fn load<T: Serialize + DeserializeOwned>(&self, key: &Path) -> Found<T> {
        let bytes = match self.read(key) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Found::No,
            Err(error) => return Found::Unusable(format!("the cache cannot be read: {error}")),
        };
        match serde_json::from_slice::<Record<T>>(&bytes) {
            Ok(record) if record.schema != SCHEMA => Found::Unusable(format!(
                "the cache entry has schema {}, only {SCHEMA} is known",
                record.schema
            )),
            Ok(record) if record.check != Digest::of_json(&record.content) => {
                Found::Unusable("the cache entry was changed after it was written".to_owned())
            }
            Ok(record) => Found::Yes(record.content),
            Err(error) => Found::Unusable(format!("the cache entry is corrupt: {error}")),
        }
    }

    fn read(&self, key: &Path) -> io::Result<Option<Vec<u8>>> {
        match &self.0 {
            Place::Memory(map) => {
                let map = map.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(map.get(key).cloned())
            }
            Place::Directory(root) => {
                let file = match File::open(root.join(key)) {
                    Ok(file) => file,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(error) => return Err(error),
                };
                let mut bytes = Vec::new();
                file.take(MOST_BYTES).read_to_end(&mut bytes)?;
                Ok(Some(bytes))
            }
        }
    }

    fn save<T: Serialize>(&self, key: &Path, content: &T) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(&Record {
            schema: SCHEMA,
            check: Digest::of_json(content),
            content,
        })
        .expect("records hold texts and digests alone");
        match &self.0 {
            Place::Memory(map) => {
                let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
                map.insert(key.to_owned(), bytes);
                Ok(())
            }
            Place::Directory(root) => replace(root, key, &bytes),
        }
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Memory(_) => f.write_str("Cache(memory)"),
            Place::Directory(root) => write!(f, "Cache({})", root.display()),
        }
    }
}

fn entry_key(fingerprint: &Digest) -> PathBuf {
    Path::new(ENTRIES).join(format!("{fingerprint}.json"))
}

/// Named by digest, because two names may be one file on some file systems.
fn last_key(pipeline: &str, step: &str) -> PathBuf {
    let mut digest = DigestBuilder::new();
    digest
        .part("pipeline", pipeline.as_bytes())
        .part("step", step.as_bytes());
    Path::new(LAST).join(format!("{}.json", digest.finish()))
}

/// Writes a file so that a crash at any moment leaves the old content or the new one.
fn replace(root: &Path, key: &Path, bytes: &[u8]) -> Result<()> {
    let target = root.join(key);
    let (staged, mut file) = stage(root)?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&staged, &target))
        .and_then(|()| target.parent().map_or(Ok(()), sync_directory))
        .map_err(|source| {
            // best effort: what stays in `staging` is never read
            let _ = fs::remove_file(&staged);
            failed("write", &target)(source)
        })
}

/// A file that nobody else writes to. A name that a killed process left behind is passed over.
fn stage(root: &Path) -> Result<(PathBuf, File)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let name = format!("{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = root.join(STAGING).join(name);
        match File::create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed("create", &path)(error)),
        }
    }
}

/// Makes the names in a directory durable; only Unix can.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(path)?.sync_all()
    } else {
        Ok(())
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io {
        action,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn entry(code: &str) -> Entry {
        Entry {
            parts: Parts {
                pipeline: "p".into(),
                step: "train".into(),
                code: code.into(),
                params: BTreeMap::from([("trees".into(), "200".into())]),
                inputs: BTreeMap::new(),
                outputs: BTreeSet::from(["model".into()]),
            },
            outputs: BTreeMap::from([("model".into(), Digest::of(b"m"))]),
        }
    }

    fn reason(cache: &Cache, parts: &Parts) -> String {
        match cache.entry(parts) {
            Found::Unusable(reason) => reason,
            found => panic!("{found:?}"),
        }
    }

    #[test]
    fn what_was_saved_is_found_again_and_nothing_is_left_in_staging() {
        let dir = tempfile::tempdir().unwrap();
        for cache in [Cache::memory(), Cache::directory(dir.path()).unwrap()] {
            assert!(matches!(cache.entry(&entry("1").parts), Found::No));
            cache.save_entry(&entry("1")).unwrap();
            cache.save_entry(&entry("2")).unwrap();
            cache.save_entry(&entry("1")).unwrap();
            cache.save_last(&entry("2").parts).unwrap();
            let Found::Yes(found) = cache.entry(&entry("1").parts) else {
                panic!()
            };
            assert_eq!(found, entry("1"));
            assert!(matches!(cache.last("p", "train"), Found::Yes(p) if p.code == "2"));
            assert!(matches!(cache.last("p", "other"), Found::No));
        }
        assert_eq!(fs::read_dir(dir.path().join(STAGING)).unwrap().count(), 0);
        assert_eq!(fs::read_dir(dir.path().join(ENTRIES)).unwrap().count(), 2);
    }

    #[test]
    fn a_damaged_entry_is_refused_wherever_it_is_cut_or_changed() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::directory(dir.path()).unwrap();
        let entry = entry("1");
        cache.save_entry(&entry).unwrap();
        let path = dir.path().join(entry_key(&entry.parts.fingerprint()));
        let good = fs::read(&path).unwrap();
        for end in 0..good.len() {
            fs::write(&path, &good[..end]).unwrap();
            assert!(
                matches!(cache.entry(&entry.parts), Found::Unusable(_)),
                "cut at {end}"
            );
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad).unwrap();
            match cache.entry(&entry.parts) {
                Found::Unusable(_) => {}
                // white space may change; the content may not
                Found::Yes(found) => assert_eq!(found, entry, "byte {at}"),
                Found::No => panic!("byte {at}"),
            }
        }
    }

    #[test]
    fn an_entry_under_another_name_and_one_of_the_future_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::directory(dir.path()).unwrap();
        let (one, two) = (entry("1"), entry("2"));
        cache.save_entry(&one).unwrap();
        let path = |entry: &Entry| dir.path().join(entry_key(&entry.parts.fingerprint()));
        fs::copy(path(&one), path(&two)).unwrap();
        assert_eq!(
            reason(&cache, &two.parts),
            "the cache entry describes another step"
        );
        let text = fs::read_to_string(path(&one)).unwrap();
        fs::write(
            path(&one),
            text.replacen("\"schema\": 1", "\"schema\": 2", 1),
        )
        .unwrap();
        assert_eq!(
            reason(&cache, &one.parts),
            "the cache entry has schema 2, only 1 is known"
        );
    }

    #[test]
    fn entries_of_the_first_schema_are_read_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::directory(dir.path()).unwrap();
        let entry = entry("1");
        let path = dir.path().join(entry_key(&entry.parts.fingerprint()));
        fs::write(path, include_bytes!("../tests/data/entry-v1.json")).unwrap();
        assert!(matches!(cache.entry(&entry.parts), Found::Yes(found) if found == entry));
    }
}
