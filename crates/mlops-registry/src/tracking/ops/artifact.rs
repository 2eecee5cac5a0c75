//! Paths that point at blobs.

use mlops_core::Digest;
use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};

use super::{Mode, Op};
use crate::{
    ArtifactOwner, Result, TrackingError,
    error::{During, cut},
    tracking::{
        artifact::{find, first},
        log::LogName,
    },
};

/// Points a path at a blob, in the place of an earlier one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LinkArtifact {
    pub(crate) owner: ArtifactOwner,
    pub(crate) path: String,
    pub(crate) digest: Digest,
    pub(crate) size: i64,
}

impl Op for LinkArtifact {
    type Answer = ();

    fn log(&self) -> LogName {
        self.owner.log()
    }

    fn apply(&self, tx: &Transaction<'_>, mode: Mode) -> Result<()> {
        let row = self.owner.writable_row(tx, mode)?;
        free_path(tx, &self.owner, row, &self.path)?;
        let linking = "write an artifact";
        tx.prepare_cached(self.owner.table().link)
            .during(linking)?
            .execute(params![row, self.path, self.digest.to_string(), self.size])
            .during(linking)?;
        Ok(())
    }
}

/// Takes a file, or a directory with all that lies in it, away from its owner.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UnlinkArtifact {
    pub(crate) owner: ArtifactOwner,
    pub(crate) path: String,
}

impl Op for UnlinkArtifact {
    type Answer = ();

    fn log(&self) -> LogName {
        self.owner.log()
    }

    fn apply(&self, tx: &Transaction<'_>, mode: Mode) -> Result<()> {
        let row = self.owner.writable_row(tx, mode)?;
        let gone = tx
            .execute(self.owner.table().delete, params![row, self.path])
            .during("delete an artifact")?;
        if gone == 0 {
            return Err(self.owner.unknown(&self.path));
        }
        Ok(())
    }
}

/// Refuses a path where a directory is a file, or a file a directory.
fn free_path(tx: &Transaction<'_>, owner: &ArtifactOwner, row: i64, path: &str) -> Result<()> {
    let in_the_way = |artifact: &str, other: &str| {
        Err(TrackingError::ArtifactInTheWay {
            owner: owner.to_string(),
            artifact: cut(artifact),
            other: cut(other),
        }
        .into())
    };
    for (at, _) in path.match_indices('/') {
        if find(tx, owner, row, &path[..at])?.is_some() {
            return in_the_way(path, &path[..at]);
        }
    }
    let below = first(
        tx,
        owner.table(),
        row,
        &format!("{path}/"),
        &format!("{path}0"),
    )?;
    match below {
        Some((other, _, _)) => in_the_way(path, &other),
        None => Ok(()),
    }
}
