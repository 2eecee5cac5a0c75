//! What a process that trains writes to a run that goes on.

use std::collections::BTreeMap;

use mlops_core::Digest;
use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::{Mode, Op};
use crate::{
    Error, MetricPoint, Result, RunId,
    error::{During, stored},
    metric,
    run_info::running_row,
    tracking::{
        log::LogName,
        run_write::{write_param, write_tag},
    },
};

/// Writes to a run that has not ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LogByHandle {
    pub(crate) run: RunId,
    pub(crate) what: Logged,
}

/// What is written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Logged {
    Params(BTreeMap<String, String>),
    /// Points by metric.
    Points(Vec<(String, Vec<MetricPoint>)>),
    Tag(String, String),
    Artifact {
        path: String,
        digest: Digest,
        size: i64,
    },
}

impl Op for LogByHandle {
    type Answer = ();

    fn log(&self) -> LogName {
        LogName::Run(self.run.clone())
    }

    fn apply(&self, tx: &Transaction<'_>, mode: Mode) -> Result<()> {
        let row = running_row(tx, &self.run, mode)?;
        match &self.what {
            Logged::Params(params) => params
                .iter()
                .try_for_each(|(param, value)| write_param(tx, row, &self.run, param, value)),
            Logged::Points(metrics) => {
                let mut keyed = Vec::new();
                for (metric, points) in metrics {
                    let key = metric::intern(tx, metric)?;
                    keyed.extend(points.iter().map(|point| (key, *point)));
                }
                metric::insert_keyed(tx, row, keyed)
            }
            Logged::Tag(tag, value) => write_tag(tx, row, tag, value),
            Logged::Artifact { path, digest, size } => {
                write_artifact(tx, row, &self.run, (path, *digest, *size))
            }
        }
    }
}

/// Writes an artifact once: the same digest again is no news, another one is a conflict.
fn write_artifact(
    tx: &Transaction<'_>,
    row: i64,
    run: &RunId,
    (path, digest, size): (&str, Digest, i64),
) -> Result<()> {
    let writing = "write an artifact";
    let found: Option<String> = tx
        .prepare_cached("SELECT digest FROM run_artifact WHERE run_id = ?1 AND path = ?2")
        .during(writing)?
        .query_row(params![row, path], |row| row.get(0))
        .optional()
        .during(writing)?;
    let found = found
        .map(|text| stored("digest", text.parse::<Digest>()))
        .transpose()?;
    match found {
        Some(found) if found == digest => Ok(()),
        Some(found) => Err(Error::ArtifactConflict {
            run: run.clone(),
            artifact: path.to_owned(),
            stored: found,
            given: digest,
        }),
        None => {
            tx.prepare_cached(
                "INSERT INTO run_artifact (run_id, path, digest, size) VALUES (?1, ?2, ?3, ?4)",
            )
            .during(writing)?
            .execute(params![row, path, digest.to_string(), size])
            .during(writing)?;
            Ok(())
        }
    }
}
