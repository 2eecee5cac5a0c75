//! What was written of a run: its identity, how it stands, and everything it logged.

use std::{collections::BTreeMap, fmt, str::FromStr};

use mlops_core::{Digest, EventTime, Principal};
use mlops_store::Bytes;
use rusqlite::{OptionalExtension, Transaction};
use serde::{Deserialize, Serialize};

use crate::{
    Error, ExperimentName, Lifecycle, MetricPoint, Registry, Result, TrackingError,
    error::{During, cut, stored},
    experiment, metric, number,
    tracking::{
        log::Reach,
        ops::{EndRun, Mode},
    },
};

/// The identity of a run: 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

impl RunId {
    const DIGITS: usize = 32;

    pub(crate) fn from_digest(digest: &Digest) -> Self {
        let mut text = digest.to_string();
        text.truncate(Self::DIGITS);
        Self(text)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RunId {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == Self::DIGITS && text.bytes().all(digit) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::InvalidKey {
            kind: "run",
            key: cut(text),
            reason: "a run is named by 32 hexadecimal digits in lower case",
        })
    }
}

impl TryFrom<String> for RunId {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// It goes on, or its process died.
    Running,
    /// It will start.
    Scheduled,
    /// It ended well.
    Finished,
    /// It ended in an error.
    Failed,
    /// Somebody stopped it.
    Killed,
}

impl RunStatus {
    /// The status as the database and messages have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Scheduled => "scheduled",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Killed => "killed",
        }
    }

    pub(crate) const ALL: [Self; 5] = [
        Self::Running,
        Self::Scheduled,
        Self::Finished,
        Self::Failed,
        Self::Killed,
    ];

    /// Whether a run of that status goes on or will.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Scheduled)
    }

    pub(crate) fn read(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| Error::Stored {
                what: "run status",
                reason: format!("`{}` is none", cut(text)),
            })
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Everything about a run but the histories of its metrics.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunInfo {
    /// Its identity.
    pub id: RunId,
    /// The experiment that it belongs to.
    pub experiment: ExperimentName,
    /// Its name, for people.
    pub name: String,
    /// How it stands.
    pub status: RunStatus,
    /// Who started it.
    pub actor: Principal,
    /// When it started.
    pub started: EventTime,
    /// When it ended, if it did.
    pub ended: Option<EventTime>,
    /// The params.
    pub params: BTreeMap<String, String>,
    /// The last value of each metric.
    #[serde(with = "number::map")]
    pub metrics: BTreeMap<String, f64>,
    /// The tags.
    pub tags: BTreeMap<String, String>,
    /// The artifacts by name.
    pub artifacts: BTreeMap<String, Digest>,
}

impl Registry {
    /// Everything about a run but the histories of its metrics.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::Busy`] or [`Error::Database`].
    pub fn run(&self, id: &RunId) -> Result<RunInfo> {
        self.look(Reach::Run(id), |tx| read(tx, row_of(tx, id)?))
    }

    /// The runs of an experiment, the latest one first; deleted ones are left out.
    ///
    /// # Errors
    /// [`Error::UnknownExperiment`], [`Error::Busy`] or [`Error::Database`].
    pub fn runs(&self, experiment: &ExperimentName) -> Result<Vec<RunInfo>> {
        let listing = "list the runs";
        self.look(Reach::Everything, |tx| {
            let experiment = experiment::existing(tx, experiment)?;
            let rows: Vec<i64> = tx
                .prepare_cached("SELECT id FROM run WHERE experiment_id = ?1 AND deleted_us IS NULL ORDER BY id DESC")
                .during(listing)?
                .query_map([experiment], |row| row.get(0))
                .during(listing)?
                .collect::<rusqlite::Result<_>>()
                .during(listing)?;
            rows.into_iter().map(|row| read(tx, row)).collect()
        })
    }

    /// All points of a metric by step, then time.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::UnknownMetric`], [`Error::Busy`] or [`Error::Database`].
    pub fn metric_history(&self, run: &RunId, metric: &str) -> Result<Vec<MetricPoint>> {
        let points = self.look(Reach::Run(run), |tx| {
            metric::history(tx, row_of(tx, run)?, metric)
        })?;
        if points.is_empty() {
            return Err(Error::UnknownMetric {
                run: run.clone(),
                metric: cut(metric),
            });
        }
        Ok(points)
    }

    /// The bytes of a run's artifact, compared with their digest.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::UnknownArtifact`], [`Error::RunArtifact`] if the bytes are
    /// gone or changed, [`Error::Busy`] or [`Error::Database`].
    pub fn artifact(&self, run: &RunId, artifact: &str) -> Result<Bytes> {
        let artifacts = self.run(run)?.artifacts;
        let digest = artifacts
            .get(artifact)
            .ok_or_else(|| Error::UnknownArtifact {
                run: run.clone(),
                artifact: cut(artifact),
            })?;
        self.store()
            .get(digest)
            .map_err(|source| Error::RunArtifact {
                run: run.clone(),
                artifact: artifact.to_owned(),
                source: Box::new(source),
            })
    }

    /// Ends a run whose handle is lost, for instance because its process was killed.
    ///
    /// # Errors
    /// [`Error::UnknownRun`], [`Error::InvalidStatus`] for a status that is open,
    /// [`Error::RunEnded`], [`Error::Tracking`] if it was deleted, [`Error::Busy`] or [`Error::Database`].
    pub fn end_run(&self, id: &RunId, status: RunStatus) -> Result<RunInfo> {
        if status.is_open() {
            return Err(Error::InvalidStatus {
                run: id.clone(),
                status,
            });
        }
        self.track(EndRun {
            run: id.clone(),
            status,
            now: self.now().micros(),
        })
    }
}

/// The row of a run that must be there.
pub(crate) fn row_of(tx: &Transaction<'_>, id: &RunId) -> Result<i64> {
    let looking = "look up a run";
    tx.prepare_cached("SELECT id FROM run WHERE uid = ?1")
        .during(looking)?
        .query_row([id.as_str()], |row| row.get(0))
        .optional()
        .during(looking)?
        .ok_or_else(|| Error::UnknownRun { run: id.clone() })
}

/// The row of a run that has not ended and was not deleted. That it was deleted since it was written to, says
/// another log.
pub(crate) fn running_row(tx: &Transaction<'_>, id: &RunId, mode: Mode) -> Result<i64> {
    let looking = "look up a run";
    let found: Option<(i64, String, Option<i64>)> = tx
        .prepare_cached("SELECT id, status, deleted_us FROM run WHERE uid = ?1")
        .during(looking)?
        .query_row([id.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()
        .during(looking)?;
    let Some((row, status, deleted)) = found else {
        return Err(Error::UnknownRun { run: id.clone() });
    };
    let status = RunStatus::read(&status)?;
    if !status.is_open() {
        return Err(Error::RunEnded {
            run: id.clone(),
            status,
        });
    }
    match Lifecycle::of(deleted) {
        state @ Lifecycle::Deleted if mode == Mode::Decide => Err(TrackingError::RunState {
            run: id.clone(),
            state,
            needed: Lifecycle::Active,
        }
        .into()),
        _ => Ok(row),
    }
}

pub(crate) fn read(tx: &Transaction<'_>, run: i64) -> Result<RunInfo> {
    let reading = "read a run";
    let texts = |sql: &str| -> Result<BTreeMap<String, String>> {
        tx.prepare_cached(sql)
            .during(reading)?
            .query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))
            .during(reading)?
            .collect::<rusqlite::Result<_>>()
            .during(reading)
    };
    let (id, experiment, name, status, actor, started, ended) = tx
        .prepare_cached(
            "SELECT uid, experiment.name, run.name, status, started_by, started_us, ended_us
             FROM run JOIN experiment ON experiment.id = experiment_id WHERE run.id = ?1",
        )
        .during(reading)?
        .query_row([run], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, String>(3)?,
                row.get::<_, String>(4)?,
                row.get::<_, i64>(5)?,
                row.get::<_, Option<i64>>(6)?,
            ))
        })
        .during(reading)?;
    Ok(RunInfo {
        id: stored("run", id.parse())?,
        experiment: stored("experiment name", ExperimentName::new(experiment))?,
        name,
        status: RunStatus::read(&status)?,
        actor: stored("principal", Principal::new(actor))?,
        started: EventTime::from_micros(started),
        ended: ended.map(EventTime::from_micros),
        params: texts("SELECT key, value FROM param WHERE run_id = ?1")?,
        metrics: metric::latest(tx, run)?
            .into_iter()
            .map(|(key, point)| (key, point.value))
            .collect(),
        tags: texts("SELECT key, value FROM tag WHERE run_id = ?1")?,
        artifacts: texts("SELECT path, digest FROM run_artifact WHERE run_id = ?1")?
            .into_iter()
            .map(|(path, digest)| Ok((path, stored("digest", digest.parse())?)))
            .collect::<Result<_>>()?,
    })
}
