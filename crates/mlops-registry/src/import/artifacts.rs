//! The files of runs and logged models, read below the folders that the caller named.
//!
//! Where an artifact lies is a text in a database of strangers. It leads to a file only if that file lies below a
//! named folder once all links are resolved, so that an import takes nothing else of the disk along.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use mlops_core::Digest;
use rusqlite::{Transaction, params};

use super::{ImportError, ImportReport, driver::Import};
use crate::{
    Error, Registry, Result,
    error::{During, cut, stored},
    export::proxied,
    key::check_artifact,
};

/// How deep folders may lie in each other.
const DEPTH: usize = 64;
/// The most files of one run or logged model.
const FILES: usize = 100_000;

/// The folders below which artifacts are read.
#[derive(Debug, Default)]
pub(super) struct Roots(Vec<PathBuf>);

/// A file that the store keeps now, under its path from the owner's root.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) path: String,
    digest: Digest,
    size: i64,
}

impl Kept {
    pub(super) fn new(path: String, digest: Digest, size: i64) -> Self {
        Self { path, digest, size }
    }
}

impl Roots {
    /// Checks that the folders are there.
    pub(super) fn new(folders: &[PathBuf]) -> Result<Self> {
        let canonical = folders.iter().map(|folder| {
            let failed = |source| ImportError::Folder {
                path: folder.clone(),
                source,
            };
            let path = folder.canonicalize().map_err(failed)?;
            if !path.is_dir() {
                return Err(failed(io::ErrorKind::NotADirectory.into()).into());
            }
            Ok(path)
        });
        Ok(Self(canonical.collect::<Result<_>>()?))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The folder that a location means, if it lies below a root; `usual` is where MLflow keeps such a thing.
    fn find(&self, location: &str, usual: &str) -> Option<PathBuf> {
        let below = |path: PathBuf| {
            let path = path.canonicalize().ok().filter(|path| path.is_dir())?;
            self.0
                .iter()
                .any(|root| path.starts_with(root))
                .then_some(path)
        };
        let proxied = proxied(location);
        if proxied.is_none() {
            let plain = match location.strip_prefix("file://") {
                Some(path) => mlops_store::percent_decode(path),
                None => (!location.contains("://")).then_some(location.into()),
            };
            let found = plain.filter(|path| Path::new(&**path).is_absolute());
            if let Some(found) = found.and_then(|path| below(PathBuf::from(&*path))) {
                return Some(found);
            }
        }
        let relative = proxied.into_iter().chain([usual]);
        relative
            .filter(|path| !path.is_empty() && check_artifact(path).is_ok())
            .find_map(|path| self.0.iter().find_map(|root| below(root.join(path))))
    }

    /// Keeps the files of a folder in the store.
    fn keep(
        registry: &Registry,
        about: &str,
        root: &Path,
        report: &mut ImportReport,
    ) -> Result<Vec<Kept>> {
        let mut files = BTreeSet::new();
        walk(root, "", 0, &mut files, &mut |path, text| {
            report.note(format!("artifact `{}` of {about}", cut(path)), text);
        })
        .map_err(|source| ImportError::Folder {
            path: root.to_owned(),
            source,
        })?;
        let mut kept = Vec::with_capacity(files.len());
        for path in files {
            let file = root.join(&path);
            let failed = |source| ImportError::Folder {
                path: file.clone(),
                source,
            };
            let reader = fs::File::open(&file).map_err(failed)?;
            let stored = registry.store().put_from(reader);
            let stored = stored.map_err(|source| Error::NotKept {
                artifact: path.clone(),
                source: Box::new(source),
            })?;
            kept.push(Kept {
                path,
                digest: stored.digest,
                size: i64::try_from(stored.size).unwrap_or(i64::MAX),
            });
        }
        Ok(kept)
    }
}

impl Import<'_> {
    /// Keeps the files of one owner in the store: those below a folder that was named, or those that the server
    /// hands out. Nothing refers to them until [`link`] does.
    pub(super) fn keep(
        &mut self,
        owner: (Table, &str),
        about: &str,
        location: &str,
        usual: &str,
    ) -> Result<Vec<Kept>> {
        if let Some(root) = self.roots.find(location, usual) {
            return Roots::keep(self.registry, about, &root, &mut self.report);
        }
        match (self.remote, proxied(location)) {
            (Some(remote), Some(path)) => {
                let known = known(self.registry, owner)?;
                remote.keep(self.registry, about, path, &known, &mut self.report)
            }
            // most runs have no artifacts, and then MLflow makes no folder
            (None, _) if self.roots.is_empty() || is_local(location) => Ok(Vec::new()),
            (Some(_), _) if is_local(location) => {
                self.unreached += 1;
                Ok(Vec::new())
            }
            _ => {
                let text = format!("its artifacts stay at `{}`", cut(location));
                self.report.note(about, text);
                Ok(Vec::new())
            }
        }
    }
}

/// The files of an owner that are here already.
fn known(
    registry: &Registry,
    (table, uid): (Table, &str),
) -> Result<BTreeMap<String, (Digest, i64)>> {
    let looking = "look up artifacts";
    registry.database().read(|tx| {
        let mut statement = tx.prepare_cached(table.select()).during(looking)?;
        let rows = statement
            .query_map([uid], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get::<_, String>(1)?,
                    row.get(2)?,
                ))
            })
            .during(looking)?;
        let mut known = BTreeMap::new();
        for row in rows {
            let (path, digest, size) = row.during(looking)?;
            known.insert(path, (stored("digest", digest.parse())?, size));
        }
        Ok(known)
    })
}

/// Whether a location is one that a folder of artifacts can stand for.
pub(super) fn is_local(location: &str) -> bool {
    let scheme = location.split_once(':').map(|(scheme, _)| scheme);
    matches!(scheme, None | Some("file" | "mlflow-artifacts")) || Path::new(location).is_absolute()
}

/// Points the paths of an owner at the files, but for paths that point somewhere already. Says how many are new.
pub(super) fn link(tx: &Transaction<'_>, table: Table, row: i64, kept: &[Kept]) -> Result<u64> {
    let linking = "write an artifact";
    let mut new = 0;
    let mut statement = tx.prepare_cached(table.insert()).during(linking)?;
    for file in kept {
        let values = params![row, file.path, file.digest.to_string(), file.size];
        new += statement.execute(values).during(linking)? as u64;
    }
    Ok(new)
}

/// Whose artifacts are meant.
#[derive(Debug, Clone, Copy)]
pub(super) enum Table {
    Runs,
    Models,
}

impl Table {
    fn select(self) -> &'static str {
        match self {
            Self::Runs => {
                "SELECT path, digest, size FROM run_artifact JOIN run ON run.id = run_id WHERE uid = ?1"
            }
            Self::Models => {
                "SELECT path, digest, size FROM logged_model_artifact
                 JOIN logged_model ON logged_model.id = model_id WHERE uid = ?1"
            }
        }
    }

    fn insert(self) -> &'static str {
        match self {
            Self::Runs => {
                "INSERT INTO run_artifact (run_id, path, digest, size)
                 VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING"
            }
            Self::Models => {
                "INSERT INTO logged_model_artifact (model_id, path, digest, size)
                 VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING"
            }
        }
    }
}

/// Collects the files below a folder by their paths from there, through no link.
fn walk(
    root: &Path,
    prefix: &str,
    depth: usize,
    files: &mut BTreeSet<String>,
    note: &mut dyn FnMut(&str, &'static str),
) -> io::Result<()> {
    for entry in fs::read_dir(root.join(prefix))? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            note(&name.to_string_lossy(), "its name is no UTF-8: left out");
            continue;
        };
        let path = if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}/{name}")
        };
        let kind = entry.file_type()?;
        if check_artifact(&path).is_err() {
            note(&path, "no artifact can have that name here: left out");
        } else if kind.is_dir() {
            if depth >= DEPTH {
                note(&path, "it lies too deep: left out");
                continue;
            }
            walk(root, &path, depth + 1, files, note)?;
        } else if !kind.is_file() {
            note(
                &path,
                "it is a link or something else that is no file: left out",
            );
        } else if files.len() >= FILES {
            note(&path, "there are too many files: left out");
        } else {
            files.insert(path);
        }
    }
    Ok(())
}
