//! The directory itself: what is in it, and how it goes from one state to the next.

use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use mlops_core::Digest;

use super::{
    Durability, StoredRows,
    log::{self, Log, file_error},
    manifest::{Manifest, ViewFiles, layout, sync_directory},
    record::{self, Numbers, Record, Under, Views},
    segment,
};
use crate::{Error, FeatureView, Result};

/// So many segments of a view are merged into one when the next one is written.
const SEGMENTS: usize = 8;

/// An open directory. Only one store at a time has it.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    durability: Durability,
    /// Held for as long as the store lives; the system frees it with the process.
    _lock: DirectoryLock,
    manifest: Mutex<Manifest>,
    log: RwLock<(u64, Log)>,
    next_arrival: AtomicU64,
    /// Pushes of views that nobody has registered yet.
    waiting: Mutex<BTreeMap<String, Vec<Record>>>,
    torn: u64,
}

impl Directory {
    /// Opens a directory, and makes it if it is not there.
    pub(crate) fn open(path: &Path, durability: Durability, fresh: Digest) -> Result<Self> {
        for part in ["segments", "log"] {
            let part = path.join(part);
            std::fs::create_dir_all(&part).map_err(file_error("made", &part))?;
        }
        let lock = lock(path)?;
        let manifest = if let Some(manifest) = Manifest::load(path)? {
            manifest
        } else {
            let manifest = Manifest::new(fresh);
            manifest.save(path)?;
            manifest
        };
        remove_orphans(path, &manifest)?;

        let mut waiting: BTreeMap<String, Vec<Record>> = BTreeMap::new();
        let mut next_arrival = manifest.next_arrival;
        let mut take = |record: Record| {
            next_arrival = next_arrival.max(record.arrival.saturating_add(1));
            waiting.entry(record.view.clone()).or_default().push(record);
        };
        let mut number = manifest.first_log;
        while log_path(path, number + 1).exists() {
            read_log(&log_path(path, number), &mut |record| {
                take(record);
                Ok(())
            })?;
            number += 1;
        }
        let (file, mut views) = (log_path(path, number), Views::default());
        let (mut log, replayed) = Log::open(&file, durability, &mut |version, payload| {
            take(views.record(&file, version, payload)?);
            Ok(())
        })?;
        log.number(Numbers::after(&views));
        if !log.is_current() {
            number += 1;
            (log, _) = Log::open(&log_path(path, number), durability, &mut |_, _| Ok(()))?;
        }
        sync_directory(&path.join("log"))?;
        Ok(Self {
            path: path.to_owned(),
            durability,
            _lock: lock,
            next_arrival: AtomicU64::new(next_arrival),
            manifest: Mutex::new(manifest),
            log: RwLock::new((number, log)),
            waiting: Mutex::new(waiting),
            torn: replayed.torn,
        })
    }

    /// The identity of this directory.
    pub(crate) fn origin(&self) -> Digest {
        self.manifest().origin
    }

    /// The bytes of the log's torn tail when it was opened.
    pub(crate) fn torn(&self) -> u64 {
        self.torn
    }

    /// The bytes that are in the log and not in segments.
    pub(crate) fn log_bytes(&self) -> u64 {
        self.log
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .1
            .length()
    }

    /// A number for rows that arrive now.
    pub(crate) fn arrival(&self) -> u64 {
        self.next_arrival.fetch_add(1, Ordering::Relaxed)
    }

    fn manifest(&self) -> MutexGuard<'_, Manifest> {
        self.manifest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows of a view, in order of arrival: what was there when the directory was opened; and the first
    /// arrival that is in the log.
    pub(crate) fn load(&self, view: &FeatureView) -> Result<Option<(StoredRows, u64)>> {
        let name = view.name().as_str();
        let under = Under::new(view);
        let foreign = |known: &Digest| {
            if *known == under.layout {
                return Ok(());
            }
            Err(Error::ForeignView {
                path: self.path.display().to_string(),
                view: name.to_owned(),
            })
        };
        let files = self.manifest().views.get(name).cloned();
        let mut all = Vec::new();
        if let Some(files) = files {
            foreign(&files.layout)?;
            for file in &files.segments {
                all.extend(segment::read(&self.segment_path(file), view)?);
            }
        }
        let segments = all.len();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let logged = waiting.get(name).map(Vec::as_slice).unwrap_or_default();
        logged
            .iter()
            .try_for_each(|record| foreign(&record.layout))?;
        for record in logged {
            all.push(record.rows(&under)?);
        }
        let logged = all[segments..]
            .iter()
            .filter_map(|rows| rows.arrivals.first());
        let logged_from = logged.min().copied().unwrap_or(u64::MAX);
        waiting.remove(name);
        drop(waiting);
        // a bulk load is in its segment while earlier pushes still are in the log
        Ok(StoredRows::concat(all)?.map(|rows| (rows, logged_from)))
    }

    /// Writes rows to the log; they are safe once [`commit`](Self::commit) has returned.
    pub(crate) fn append(&self, view: &FeatureView, rows: &StoredRows) -> Result<Ticket> {
        let body = record::body(rows)?;
        let arrival = rows.arrivals.first().copied().unwrap_or_default();
        let log = self.log.read().unwrap_or_else(PoisonError::into_inner);
        let length = log.1.append(|numbers, out| {
            numbers.write(view, out);
            out.extend(arrival.to_le_bytes());
            out.extend(&body);
        })?;
        Ok(Ticket { log: log.0, length })
    }

    /// Waits until appended rows are as safe as the durability asks for.
    pub(crate) fn commit(&self, ticket: Ticket) -> Result<()> {
        let log = self.log.read().unwrap_or_else(PoisonError::into_inner);
        // an older log was synced as a whole when it was closed
        if log.0 == ticket.log {
            log.1.commit(ticket.length)?;
        }
        Ok(())
    }

    /// Writes rows as a segment of their own.
    pub(crate) fn store(&self, view: &FeatureView, rows: &StoredRows) -> Result<()> {
        let mut manifest = self.manifest();
        let mut next = manifest.clone();
        self.add_segment(&mut next, view, rows)?;
        next.save(&self.path)?;
        *manifest = next;
        Ok(())
    }

    /// Writes what the log holds as segments, and begins a new log.
    ///
    /// The views must be all that have rows in the log; others are left as they are, and so is the log.
    pub(crate) fn compact(&self, views: &[FeatureView]) -> Result<bool> {
        let mut manifest = self.manifest();
        let closed = {
            let mut log = self.log.write().unwrap_or_else(PoisonError::into_inner);
            let next = log.0 + 1;
            log.1.commit(log.1.length())?;
            let path = log_path(&self.path, next);
            let (fresh, _) = Log::open(&path, self.durability, &mut |_, _| Ok(()))?;
            sync_directory(&self.path.join("log"))?;
            *log = (next, fresh);
            next - 1
        };
        let mut by_view: BTreeMap<String, Vec<StoredRows>> = BTreeMap::new();
        let mut unders: BTreeMap<&str, Under<'_>> = BTreeMap::new();
        let mut unknown = false;
        let mut last = manifest.next_arrival.saturating_sub(1);
        for number in manifest.first_log..=closed {
            read_log(&log_path(&self.path, number), &mut |record| {
                let known = views
                    .iter()
                    .find(|view| view.name().as_str() == record.view);
                let Some(view) = known else {
                    unknown = true;
                    return Ok(());
                };
                last = last.max(record.arrival);
                let under = unders.entry(view.name().as_str());
                let rows = record.rows(under.or_insert_with(|| Under::new(view)))?;
                by_view.entry(record.view).or_default().push(rows);
                Ok(())
            })?;
        }
        if unknown {
            return Ok(false);
        }
        let mut next = manifest.clone();
        let mut merged = Vec::new();
        for view in views {
            let name = view.name().as_str();
            let Some(mut rows) = by_view.remove(name) else {
                continue;
            };
            let files = next.views.get(name).map(|files| files.segments.clone());
            if let Some(files) = files.filter(|files| files.len() + 1 >= SEGMENTS) {
                let mut all = Vec::new();
                for file in &files {
                    all.extend(segment::read(&self.segment_path(file), view)?);
                }
                all.append(&mut rows);
                rows = all;
                merged.extend(files);
                if let Some(files) = next.views.get_mut(name) {
                    files.segments.clear();
                }
            }
            if let Some(rows) = StoredRows::concat(rows)? {
                self.add_segment(&mut next, view, &rows)?;
            }
        }
        next.first_log = closed + 1;
        next.next_arrival = next.next_arrival.max(last + 1);
        next.save(&self.path)?;
        let old_logs = (manifest.first_log..=closed).map(|number| log_path(&self.path, number));
        let old_segments = merged.iter().map(|file| self.segment_path(file));
        for path in old_logs.chain(old_segments) {
            // what stays is removed when the directory is opened again
            drop(std::fs::remove_file(path));
        }
        *manifest = next;
        Ok(true)
    }

    fn add_segment(
        &self,
        manifest: &mut Manifest,
        view: &FeatureView,
        rows: &StoredRows,
    ) -> Result<()> {
        let name = view.name().as_str();
        let file = format!("{name}-{:08}.parquet", manifest.next_segment);
        segment::write(&self.segment_path(&file), rows)?;
        sync_directory(&self.path.join("segments"))?;
        manifest.next_segment += 1;
        let last = rows.arrivals.last().copied().unwrap_or_default();
        manifest.next_arrival = manifest.next_arrival.max(last + 1);
        let files = manifest
            .views
            .entry(name.to_owned())
            .or_insert_with(|| ViewFiles {
                layout: layout(view),
                segments: Vec::new(),
            });
        files.segments.push(file);
        Ok(())
    }

    fn segment_path(&self, file: &str) -> PathBuf {
        self.path.join("segments").join(file)
    }
}

/// A place in a log that is to become safe.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    log: u64,
    length: u64,
}

/// The right to a directory, until it is dropped.
#[derive(Debug)]
struct DirectoryLock(File);

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // closing is not enough: a process that is being started has this file open too, until it runs
        self.0.unlock().ok();
    }
}

fn lock(path: &Path) -> Result<DirectoryLock> {
    let file = path.join("LOCK");
    let mut options = File::options();
    let lock = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&file);
    let lock = lock.map_err(file_error("opened", &file))?;
    match lock.try_lock() {
        Ok(()) => Ok(DirectoryLock(lock)),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::StoreLocked {
            path: path.display().to_string(),
        }),
        Err(std::fs::TryLockError::Error(error)) => Err(file_error("locked", &file)(error)),
    }
}

fn log_path(path: &Path, number: u64) -> PathBuf {
    path.join("log").join(format!("{number:08}.log"))
}

/// Removes what a crash left: files that the manifest does not name.
fn remove_orphans(path: &Path, manifest: &Manifest) -> Result<()> {
    let known = |name: &str| {
        manifest
            .views
            .values()
            .any(|v| v.segments.iter().any(|s| s == name))
    };
    let old = |name: &str| {
        let number = name
            .strip_suffix(".log")
            .and_then(|number| number.parse::<u64>().ok());
        number.is_some_and(|number| number < manifest.first_log)
    };
    for (part, orphan) in [
        (
            "segments",
            &(|name: &str| !known(name)) as &dyn Fn(&str) -> bool,
        ),
        ("log", &old),
    ] {
        let directory = path.join(part);
        let entries = std::fs::read_dir(&directory).map_err(file_error("listed", &directory))?;
        for entry in entries {
            let entry = entry.map_err(file_error("listed", &directory))?;
            if entry.file_name().to_str().is_some_and(orphan) {
                let file = entry.path();
                std::fs::remove_file(&file).map_err(file_error("removed", &file))?;
            }
        }
    }
    Ok(())
}

/// Hands out the records of a closed log.
fn read_log(path: &Path, each: &mut dyn FnMut(Record) -> Result<()>) -> Result<()> {
    let mut views = Views::default();
    log::read(path, &mut |version, payload| {
        each(views.record(path, version, payload)?)
    })
}
