//! Artifacts of runs and logged models: paths that point at blobs of the store by digest.
//!
//! A path is a key in the namespace of its owner and never a path on a disk. Deleting takes the path
//! away; the blob goes when nothing refers to it any more, by garbage collection.

use std::{fmt, io::Read};

use mlops_core::Digest;
use mlops_store::{ArtifactReader, Bytes};
use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::{
    Tracking,
    log::{LogName, Reach},
    logged_model,
    ops::{LinkArtifact, Mode, UnlinkArtifact},
    run::writable_row,
};
use crate::{
    Error, LoggedModelId, Registry, Result, RunId, TrackingError,
    error::{During, cut, stored},
    key::check_artifact,
    run_info::row_of,
};

/// Whose artifacts are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ArtifactOwner {
    /// Those of a run.
    Run(RunId),
    /// Those of a logged model.
    Model(LoggedModelId),
}

impl fmt::Display for ArtifactOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(id) => write!(f, "run `{id}`"),
            Self::Model(id) => write!(f, "logged model `{id}`"),
        }
    }
}

/// A file or a directory in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ArtifactEntry {
    /// The whole path, from the owner's root.
    pub path: String,
    /// The digest and the size in bytes of a file; `None` for a directory.
    pub file: Option<(Digest, u64)>,
}

/// The statements of one table of artifacts.
pub(super) struct Table {
    first: &'static str,
    find: &'static str,
    pub(super) link: &'static str,
    pub(super) delete: &'static str,
}

const OF_RUNS: Table = Table {
    first: "SELECT path, digest, size FROM run_artifact
        WHERE run_id = ?1 AND path >= ?2 AND path < ?3 ORDER BY path LIMIT 1",
    find: "SELECT digest, size FROM run_artifact WHERE run_id = ?1 AND path = ?2",
    link: "INSERT INTO run_artifact (run_id, path, digest, size) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT DO UPDATE SET digest = excluded.digest, size = excluded.size",
    delete: "DELETE FROM run_artifact
        WHERE run_id = ?1 AND (path = ?2 OR (path >= ?2 || '/' AND path < ?2 || '0'))",
};

const OF_MODELS: Table = Table {
    first: "SELECT path, digest, size FROM logged_model_artifact
        WHERE model_id = ?1 AND path >= ?2 AND path < ?3 ORDER BY path LIMIT 1",
    find: "SELECT digest, size FROM logged_model_artifact WHERE model_id = ?1 AND path = ?2",
    link: "INSERT INTO logged_model_artifact (model_id, path, digest, size) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT DO UPDATE SET digest = excluded.digest, size = excluded.size",
    delete: "DELETE FROM logged_model_artifact
        WHERE model_id = ?1 AND (path = ?2 OR (path >= ?2 || '/' AND path < ?2 || '0'))",
};

impl ArtifactOwner {
    pub(super) fn table(&self) -> &'static Table {
        match self {
            Self::Run(_) => &OF_RUNS,
            Self::Model(_) => &OF_MODELS,
        }
    }

    fn row(&self, tx: &Transaction<'_>) -> Result<i64> {
        match self {
            Self::Run(id) => row_of(tx, id),
            Self::Model(id) => logged_model::row_of(tx, id),
        }
    }

    /// The row of an owner that is written to now, or that its log was written to.
    pub(super) fn writable_row(&self, tx: &Transaction<'_>, mode: Mode) -> Result<i64> {
        match self {
            Self::Run(id) => writable_row(tx, id, mode),
            Self::Model(id) => logged_model::active_row(tx, id),
        }
    }

    /// The log that tells of it.
    pub(super) fn log(&self) -> LogName {
        match self {
            Self::Run(id) => LogName::Run(id.clone()),
            Self::Model(id) => LogName::Model(id.clone()),
        }
    }

    fn reach(&self) -> Reach<'_> {
        match self {
            Self::Run(id) => Reach::Run(id),
            Self::Model(id) => Reach::Model(id),
        }
    }

    pub(super) fn unknown(&self, path: &str) -> Error {
        TrackingError::UnknownArtifact {
            owner: self.to_string(),
            artifact: cut(path),
        }
        .into()
    }
}

/// A row of an artifact table, as the database has it.
type Row = (String, String, i64);

impl Tracking {
    /// The files and directories in a directory, by name; the root if it is `None`. A path that names a
    /// file lists that file alone, and one that names nothing lists nothing.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] for the path, [`Error::UnknownRun`],
    /// [`TrackingError::UnknownLoggedModel`], [`Error::Busy`] or [`Error::Database`].
    ///
    /// # Complexity
    /// A step of the index for each entry of the directory, whatever lies below it.
    pub fn artifacts(
        &self,
        owner: &ArtifactOwner,
        directory: Option<&str>,
    ) -> Result<Vec<ArtifactEntry>> {
        let prefix = match directory {
            None | Some("") => String::new(),
            Some(path) => {
                check_artifact(path)?;
                format!("{path}/")
            }
        };
        // `0` follows `/`, so that this is the end of what lies in a directory
        let end = match prefix.strip_suffix('/') {
            Some(path) => format!("{path}0"),
            None => char::MAX.to_string(),
        };
        self.registry.look(owner.reach(), |tx| {
            let row = owner.row(tx)?;
            let mut entries = Vec::new();
            let mut from = prefix.clone();
            while let Some((path, digest, size)) = first(tx, owner.table(), row, &from, &end)? {
                let name = &path[prefix.len()..];
                if let Some((name, _)) = name.split_once('/') {
                    let path = format!("{prefix}{name}");
                    from = format!("{path}0");
                    entries.push(ArtifactEntry { path, file: None });
                } else {
                    from = format!("{path}\0");
                    entries.push(ArtifactEntry {
                        path,
                        file: Some(file(&digest, size)?),
                    });
                }
            }
            if let (Some(path), true) = (directory, entries.is_empty())
                && let Some((digest, size)) = find(tx, owner, row, path)?
            {
                entries.push(ArtifactEntry {
                    path: path.to_owned(),
                    file: Some((digest, size)),
                });
            }
            // `a.txt` sorts before `a/` by byte, and a reader expects names in order
            entries.sort_by(|one, other| one.path.cmp(&other.path));
            Ok(entries)
        })
    }

    /// The digest and the size in bytes of a file.
    ///
    /// # Errors
    /// [`TrackingError::UnknownArtifact`] and as for [`artifacts`](Self::artifacts).
    pub fn find_artifact(&self, owner: &ArtifactOwner, path: &str) -> Result<(Digest, u64)> {
        check_artifact(path)?;
        self.registry.look(owner.reach(), |tx| {
            let row = owner.row(tx)?;
            find(tx, owner, row, path)?.ok_or_else(|| owner.unknown(path))
        })
    }

    /// The bytes of a file, compared with their digest.
    ///
    /// # Errors
    /// [`Error::NotKept`] if the bytes are gone or changed, and as for
    /// [`find_artifact`](Self::find_artifact).
    pub fn read_artifact(&self, owner: &ArtifactOwner, path: &str) -> Result<Bytes> {
        let (digest, _) = self.find_artifact(owner, path)?;
        self.registry
            .store()
            .get(&digest)
            .map_err(|source| not_kept(path, source))
    }

    /// A reader of a file, which compares what it reads with the digest and takes a piece at a time.
    ///
    /// # Errors
    /// As for [`read_artifact`](Self::read_artifact).
    pub fn open_artifact(&self, owner: &ArtifactOwner, path: &str) -> Result<ArtifactReader> {
        let (digest, _) = self.find_artifact(owner, path)?;
        self.registry
            .store()
            .reader(&digest)
            .map_err(|source| not_kept(path, source))
    }

    /// Keeps a file under a path, in the place of an earlier one. A few pieces of it are in memory at
    /// once, never the whole.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] for the path, [`Error::NotKept`] if the store or the reader fails,
    /// [`TrackingError::ArtifactInTheWay`], [`Error::UnknownRun`],
    /// [`TrackingError::UnknownLoggedModel`], [`TrackingError::RunState`], [`Error::Busy`] or
    /// [`Error::Database`].
    pub fn put_artifact(
        &self,
        owner: &ArtifactOwner,
        path: &str,
        content: impl Read,
    ) -> Result<Digest> {
        check_artifact(path)?;
        // refused before the bytes are taken; checked again when they are linked
        self.registry.look(owner.reach(), |tx| {
            owner.writable_row(tx, Mode::Decide).map(drop)
        })?;
        let stored = self
            .registry
            .store()
            .put_from(content)
            .map_err(|source| not_kept(path, source))?;
        self.link_artifact(owner, path, stored.digest, stored.size)?;
        Ok(stored.digest)
    }

    /// Points a path at a blob that the store keeps already, in the place of an earlier one.
    ///
    /// # Errors
    /// As for [`put_artifact`](Self::put_artifact), and [`TrackingError::UnknownArtifact`] if the store
    /// does not have the blob.
    pub fn link_artifact(
        &self,
        owner: &ArtifactOwner,
        path: &str,
        digest: Digest,
        size: u64,
    ) -> Result<()> {
        check_artifact(path)?;
        let kept = self
            .registry
            .store()
            .contains(&digest)
            .map_err(|source| not_kept(path, source))?;
        let Ok(size) = i64::try_from(size) else {
            return Err(owner.unknown(path));
        };
        if !kept {
            return Err(owner.unknown(path));
        }
        self.registry.track(LinkArtifact {
            owner: owner.clone(),
            path: path.to_owned(),
            digest,
            size,
        })
    }

    /// Takes a file, or a directory with all that lies in it, away from its owner. The bytes stay until
    /// nothing refers to them.
    ///
    /// # Errors
    /// [`TrackingError::UnknownArtifact`] if there is nothing, and as for
    /// [`put_artifact`](Self::put_artifact).
    pub fn delete_artifact(&self, owner: &ArtifactOwner, path: &str) -> Result<()> {
        check_artifact(path)?;
        let (owner, path) = (owner.clone(), path.to_owned());
        self.registry.track(UnlinkArtifact { owner, path })
    }
}

impl Registry {
    /// The digests of all artifacts that runs, logged models and uploads refer to, deleted ones included: what
    /// garbage collection must keep for them. In order, each once.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`].
    pub fn tracked_digests(&self) -> Result<Vec<Digest>> {
        let reading = "read the artifacts of all runs";
        self.catch_up()?;
        self.database().read(|tx| {
            tx.prepare_cached(
                "SELECT digest FROM run_artifact UNION SELECT digest FROM logged_model_artifact
                 UNION SELECT digest FROM multipart_part JOIN multipart_upload ON id = upload_id
                    WHERE expires_us > ?1
                 ORDER BY digest",
            )
            .during(reading)?
            .query_map([self.now().micros()], |row| row.get::<_, String>(0))
            .during(reading)?
            .map(|digest| stored("digest", digest.during(reading)?.parse()))
            .collect()
        })
    }
}

fn not_kept(artifact: &str, source: mlops_store::Error) -> Error {
    Error::NotKept {
        artifact: artifact.to_owned(),
        source: Box::new(source),
    }
}

pub(super) fn first(
    tx: &Transaction<'_>,
    table: &Table,
    row: i64,
    from: &str,
    end: &str,
) -> Result<Option<Row>> {
    let listing = "list artifacts";
    tx.prepare_cached(table.first)
        .during(listing)?
        .query_row(params![row, from, end], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()
        .during(listing)
}

pub(super) fn find(
    tx: &Transaction<'_>,
    owner: &ArtifactOwner,
    row: i64,
    path: &str,
) -> Result<Option<(Digest, u64)>> {
    let looking = "look up an artifact";
    let found: Option<(String, i64)> = tx
        .prepare_cached(owner.table().find)
        .during(looking)?
        .query_row(params![row, path], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .during(looking)?;
    found.map(|(digest, size)| file(&digest, size)).transpose()
}

fn file(digest: &str, size: i64) -> Result<(Digest, u64)> {
    Ok((
        stored("digest", digest.parse())?,
        stored("size", u64::try_from(size))?,
    ))
}
