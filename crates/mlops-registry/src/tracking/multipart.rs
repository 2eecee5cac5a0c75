//! Uploads in parts: a file that comes in pieces, in any order and from several connections, and is put together once
//! all of them are there.
//!
//! ```text
//! start_upload ─▶ put_part … put_part ─▶ complete_upload ─▶ an artifact of its owner
//!       │             └ kept by digest       └ the same again is no news
//!       └ expires, with what has come
//! ```
//!
//! Parts survive a restart, and one that is sent again stands in the place of the earlier one. Parts are artifacts of
//! the store like others, so that what a completed file has in common with its parts is kept once, and what is left of
//! an upload that nobody completed goes with the garbage.

use std::{
    collections::BTreeMap,
    io::{self, Read},
};

use mlops_core::{Digest, DigestBuilder, Span, Uuid};
use rusqlite::{OptionalExtension, Transaction, params};

use super::{ArtifactOwner, Tracking};
use crate::{
    Error, Result, TrackingError,
    error::{During, stored},
    key::check_artifact,
};

/// The most parts of an upload.
const PARTS: u32 = 10_000;
/// The most uploads that are under way.
const UPLOADS: i64 = 1_000;

/// An upload under way.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upload {
    /// Its identity.
    pub id: Uuid,
    /// Whose artifact it becomes.
    pub owner: ArtifactOwner,
    /// The path of the artifact.
    pub path: String,
    /// The number of its parts.
    pub parts: u32,
}

/// An upload as its row has it.
struct Found {
    row: i64,
    upload: Upload,
    completed: Option<Digest>,
}

impl Tracking {
    /// Begins an upload in so many parts, which has to be completed within a lifetime. Uploads that outlived theirs are
    /// given up.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] for the path, [`Error::TooMany`] for more than 10,000 parts, for none, or past 1,000
    /// uploads under way; those of [`artifacts`](Self::artifacts).
    pub fn start_upload(
        &self,
        owner: &ArtifactOwner,
        path: &str,
        parts: u32,
        lifetime: Span,
    ) -> Result<Upload> {
        check_artifact(path)?;
        if !(1..=PARTS).contains(&parts) {
            return Err(Error::TooMany {
                what: "parts of an upload",
                found: parts as usize,
                limit: PARTS as usize,
            });
        }
        // whoever is not there has no artifacts
        self.artifacts(owner, Some(path))?;
        let starting = "start an upload";
        let now = self.registry.now();
        let expires = (now + lifetime).micros();
        self.registry.database().write(|tx| {
            tx.execute(
                "DELETE FROM multipart_upload WHERE expires_us <= ?1",
                [now.micros()],
            )
            .during(starting)?;
            let count: i64 = tx
                .query_row("SELECT count(*) FROM multipart_upload", [], |row| {
                    row.get(0)
                })
                .during(starting)?;
            if count >= UPLOADS {
                return Err(Error::TooMany {
                    what: "uploads under way",
                    found: usize::try_from(count + 1).unwrap_or(usize::MAX),
                    limit: usize::try_from(UPLOADS).unwrap_or(usize::MAX),
                });
            }
            let (kind, name) = match owner {
                ArtifactOwner::Run(id) => ("run", id.as_str()),
                ArtifactOwner::Model(id) => ("model", id.as_str()),
            };
            tx.execute(
                "INSERT INTO multipart_upload (uid, kind, owner, path, parts, expires_us)
                 VALUES ('', ?1, ?2, ?3, ?4, ?5)",
                params![kind, name, path, parts, expires],
            )
            .during(starting)?;
            let row = tx.last_insert_rowid();
            let digest = DigestBuilder::new()
                .part("upload", &row.to_le_bytes())
                .part("time", &now.micros().to_le_bytes())
                .part("path", path.as_bytes())
                .finish();
            let id = Uuid::from_bytes(*digest.as_bytes().first_chunk().expect("32 bytes"));
            tx.execute(
                "UPDATE multipart_upload SET uid = ?2 WHERE id = ?1",
                params![row, id.to_string()],
            )
            .during(starting)?;
            Ok(Upload {
                id,
                owner: owner.clone(),
                path: path.to_owned(),
                parts,
            })
        })
    }

    /// The upload of that identity.
    ///
    /// # Errors
    /// [`TrackingError::UnknownUpload`], also if it was given up; [`Error::Busy`] or [`Error::Database`].
    pub fn upload(&self, id: Uuid) -> Result<Upload> {
        Ok(self.find_upload(id)?.upload)
    }

    /// Keeps a part of an upload, counted from 1, in the place of an earlier one; its digest.
    ///
    /// # Errors
    /// [`TrackingError::UploadPart`] if the upload has no such part, [`Error::NotKept`] if the store or the reader
    /// fails; those of [`upload`](Self::upload).
    pub fn put_part(&self, id: Uuid, part: u32, content: impl Read) -> Result<Digest> {
        let Found { row, upload, .. } = self.find_upload(id)?;
        if !(1..=upload.parts).contains(&part) {
            return Err(refused(
                &upload,
                part,
                "the upload has no part of that number",
            ));
        }
        let kept = self.registry.store().put_from(content);
        let kept = kept.map_err(|source| not_kept(&upload, source))?;
        let size =
            i64::try_from(kept.size).map_err(|_| refused(&upload, part, "it is too large"))?;
        self.registry.database().write(|tx| {
            let writing = "write a part of an upload";
            let linked = tx
                .prepare_cached(
                    "INSERT INTO multipart_part (upload_id, number, digest, size)
                     SELECT id, ?2, ?3, ?4 FROM multipart_upload WHERE id = ?1 AND uid = ?5
                     ON CONFLICT DO UPDATE SET digest = excluded.digest, size = excluded.size",
                )
                .during(writing)?
                .execute(params![
                    row,
                    part,
                    kept.digest.to_string(),
                    size,
                    id.to_string()
                ])
                .during(writing)?;
            if linked == 0 {
                return Err(TrackingError::UnknownUpload { upload: id }.into());
            }
            Ok(())
        })?;
        Ok(kept.digest)
    }

    /// Puts the parts together and makes the whole an artifact of its owner; its digest. The parts are named with the
    /// digests that [`put_part`](Self::put_part) gave, in their order and all of them. Once it is done, the same call
    /// answers the same until the upload expires.
    ///
    /// # Errors
    /// [`TrackingError::UploadPart`] names a part that is missing, out of order or another one than was named, or where
    /// the whole gets larger than `most` bytes; those of [`upload`](Self::upload) and of
    /// [`put_artifact`](Self::put_artifact).
    ///
    /// # Complexity
    /// One pass over the bytes; a few pieces of them are in memory at once.
    pub fn complete_upload(&self, id: Uuid, parts: &[(u32, Digest)], most: u64) -> Result<Digest> {
        let Found {
            row,
            upload,
            completed,
        } = self.find_upload(id)?;
        let here = self.registry.database().read(|tx| parts_of(tx, row))?;
        let mut total = 0_u64;
        for number in 1..=upload.parts {
            let refuse = |reason| Err(refused(&upload, number, reason));
            let given = parts.get(number as usize - 1);
            let Some((_, named)) = given.filter(|(given, _)| *given == number) else {
                return refuse("it is not named, or not in its place");
            };
            let Some((kept, size)) = here.get(&number) else {
                return refuse("it has not come");
            };
            if kept != named {
                return refuse("what has come is another one");
            }
            total = total.saturating_add(*size);
            if total > most {
                return refuse("the whole gets too large");
            }
        }
        if parts.len() > upload.parts as usize {
            return Err(refused(&upload, upload.parts + 1, "there is no such part"));
        }
        if let Some(completed) = completed {
            return Ok(completed);
        }
        let digests = here.values().map(|(digest, _)| *digest);
        let whole = Whole {
            tracking: self,
            parts: digests.collect::<Vec<_>>().into_iter(),
            part: None,
        };
        let digest = self.put_artifact(&upload.owner, &upload.path, whole)?;
        self.registry.database().write(|tx| {
            tx.execute(
                "UPDATE multipart_upload SET completed = ?2 WHERE id = ?1 AND uid = ?3",
                params![row, digest.to_string(), id.to_string()],
            )
            .during("complete an upload")
            .map(drop)
        })?;
        Ok(digest)
    }

    /// Gives an upload up; no news if there is none.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`].
    pub fn abort_upload(&self, id: Uuid) -> Result<()> {
        self.registry.database().write(|tx| {
            tx.execute(
                "DELETE FROM multipart_upload WHERE uid = ?1",
                [id.to_string()],
            )
            .during("give an upload up")
            .map(drop)
        })
    }

    fn find_upload(&self, id: Uuid) -> Result<Found> {
        let now = self.registry.now().micros();
        let found = self.registry.database().read(|tx| {
            let looking = "look up an upload";
            tx.prepare_cached(
                "SELECT id, kind, owner, path, parts, completed FROM multipart_upload
                 WHERE uid = ?1 AND expires_us > ?2",
            )
            .during(looking)?
            .query_row(params![id.to_string(), now], |row| {
                let owner: (String, String) = (row.get(1)?, row.get(2)?);
                let completed: Option<String> = row.get(5)?;
                Ok((row.get(0)?, owner, row.get(3)?, row.get(4)?, completed))
            })
            .optional()
            .during(looking)
        })?;
        let Some((row, (kind, owner), path, parts, completed)) = found else {
            return Err(TrackingError::UnknownUpload { upload: id }.into());
        };
        let owner = match kind.as_str() {
            "run" => ArtifactOwner::Run(stored("run", owner.parse())?),
            _ => ArtifactOwner::Model(stored("logged model", owner.parse())?),
        };
        let completed = completed.map(|digest| digest.parse()).transpose();
        Ok(Found {
            row,
            upload: Upload {
                id,
                owner,
                path,
                parts,
            },
            completed: stored("digest", completed)?,
        })
    }
}

fn parts_of(tx: &Transaction<'_>, row: i64) -> Result<BTreeMap<u32, (Digest, u64)>> {
    let reading = "read the parts of an upload";
    tx.prepare_cached("SELECT number, digest, size FROM multipart_part WHERE upload_id = ?1")
        .during(reading)?
        .query_map([row], |row| {
            Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
        })
        .during(reading)?
        .map(|part| {
            let (number, digest, size) = part.during(reading)?;
            let digest = stored("digest", digest.parse())?;
            Ok((number, (digest, stored("size", u64::try_from(size))?)))
        })
        .collect()
}

fn refused(upload: &Upload, part: u32, reason: &'static str) -> Error {
    TrackingError::UploadPart {
        upload: upload.id,
        part,
        reason,
    }
    .into()
}

fn not_kept(upload: &Upload, source: mlops_store::Error) -> Error {
    Error::NotKept {
        artifact: upload.path.clone(),
        source: Box::new(source),
    }
}

/// The parts, one after the other.
struct Whole<'a> {
    tracking: &'a Tracking,
    parts: std::vec::IntoIter<Digest>,
    part: Option<mlops_store::ArtifactReader>,
}

impl Read for Whole<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(part) = &mut self.part {
                let length = part.read(buffer)?;
                if length > 0 || buffer.is_empty() {
                    return Ok(length);
                }
            }
            let Some(digest) = self.parts.next() else {
                return Ok(0);
            };
            let part = self.tracking.registry.store().reader(&digest);
            self.part = Some(part.map_err(io::Error::other)?);
        }
    }
}
