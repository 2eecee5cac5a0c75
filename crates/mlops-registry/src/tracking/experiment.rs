//! Experiments by identity: made, renamed, tagged, deleted and restored.

use std::collections::BTreeMap;

use mlops_core::EventTime;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::Serialize;

use super::{
    Tracking,
    log::Reach,
    ops::{ChangeExperiment, CreateExperiment, ExperimentChange},
    texts,
};
use crate::{
    Error, ExperimentId, ExperimentName, Lifecycle, Result, TrackingError,
    error::{During, cut, stored},
    key::{check_key, check_length},
    limits,
};

/// What an experiment is made of.
#[derive(Debug, Clone)]
pub struct NewExperiment {
    /// Its name.
    pub name: ExperimentName,
    /// Where clients are told to keep artifacts; below the server's own root by default.
    pub artifact_location: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl NewExperiment {
    /// An experiment without tags, with artifacts below the server's own root.
    pub fn new(name: ExperimentName) -> Self {
        Self {
            name,
            artifact_location: None,
            tags: BTreeMap::new(),
        }
    }
}

/// An experiment, as it stood when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExperimentRecord {
    /// Its identity.
    pub id: ExperimentId,
    /// Its name.
    pub name: ExperimentName,
    /// Where clients are told to keep artifacts.
    pub artifact_location: String,
    /// Whether it is there or was deleted.
    pub lifecycle: Lifecycle,
    /// When it was made.
    pub created: EventTime,
    /// When its name or its lifecycle last changed.
    pub updated: EventTime,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Tracking {
    /// Makes an experiment. A deleted one keeps its name until it is restored or renamed.
    ///
    /// # Errors
    /// [`TrackingError::ExperimentExists`], [`TrackingError::InvalidValue`] for the artifact location,
    /// [`Error::InvalidKey`], [`Error::TooLong`], [`Error::Busy`] or [`Error::Database`].
    pub fn create_experiment(&self, new: NewExperiment) -> Result<ExperimentRecord> {
        if let Some(location) = &new.artifact_location {
            check_location(location)?;
        }
        check_count("tags", new.tags.len(), limits::CREATE_TAGS)?;
        check_tags(&new.tags)?;
        self.registry.track(CreateExperiment {
            id: None,
            name: new.name,
            location: new.artifact_location,
            tags: new.tags,
            actor: self.registry.actor().clone(),
            now: self.registry.now().micros(),
        })
    }

    /// The experiment of that identity, deleted or not.
    ///
    /// # Errors
    /// [`TrackingError::UnknownExperimentId`], [`Error::Busy`] or [`Error::Database`].
    pub fn experiment(&self, id: ExperimentId) -> Result<ExperimentRecord> {
        self.registry.look(Reach::Experiments, |tx| read(tx, id))
    }

    /// The experiment of that name, deleted or not.
    ///
    /// # Errors
    /// [`Error::UnknownExperiment`], [`Error::Busy`] or [`Error::Database`].
    pub fn experiment_named(&self, name: &ExperimentName) -> Result<ExperimentRecord> {
        self.registry
            .look(Reach::Experiments, |tx| match find(tx, name)? {
                Some((id, _)) => read(tx, id),
                None => Err(Error::UnknownExperiment {
                    experiment: name.clone(),
                }),
            })
    }

    /// Renames an experiment that is not deleted.
    ///
    /// # Errors
    /// [`TrackingError::ExperimentExists`], [`TrackingError::UnknownExperimentId`],
    /// [`TrackingError::ExperimentState`], [`Error::Busy`] or [`Error::Database`].
    pub fn rename_experiment(&self, id: ExperimentId, name: ExperimentName) -> Result<()> {
        self.change(id, ExperimentChange::Rename(name))
    }

    /// Deletes an experiment and its runs; both are kept, hidden, until they are restored.
    ///
    /// # Errors
    /// [`TrackingError::UnknownExperimentId`], [`TrackingError::ExperimentState`] if it is deleted
    /// already, [`Error::Busy`] or [`Error::Database`].
    pub fn delete_experiment(&self, id: ExperimentId) -> Result<()> {
        self.change(id, ExperimentChange::Delete)
    }

    /// Restores an experiment and all its runs.
    ///
    /// # Errors
    /// [`TrackingError::UnknownExperimentId`], [`TrackingError::ExperimentState`] if it is not
    /// deleted, [`Error::Busy`] or [`Error::Database`].
    pub fn restore_experiment(&self, id: ExperimentId) -> Result<()> {
        self.change(id, ExperimentChange::Restore)
    }

    /// Sets a tag, over an earlier value if there is one.
    ///
    /// # Errors
    /// [`Error::InvalidKey`], [`Error::TooLong`], [`TrackingError::UnknownExperimentId`],
    /// [`TrackingError::ExperimentState`], [`Error::Busy`] or [`Error::Database`].
    pub fn set_experiment_tag(&self, id: ExperimentId, tag: &str, value: &str) -> Result<()> {
        check_tag(tag, value)?;
        self.change(id, ExperimentChange::SetTag(tag.into(), value.into()))
    }

    /// Takes a tag away.
    ///
    /// # Errors
    /// [`TrackingError::UnknownTag`], [`TrackingError::UnknownExperimentId`],
    /// [`TrackingError::ExperimentState`], [`Error::Busy`] or [`Error::Database`].
    pub fn delete_experiment_tag(&self, id: ExperimentId, tag: &str) -> Result<()> {
        self.change(id, ExperimentChange::DeleteTag(tag.into()))
    }

    fn change(&self, id: ExperimentId, change: ExperimentChange) -> Result<()> {
        let now = self.registry.now().micros();
        self.registry.track(ChangeExperiment { id, change, now })
    }
}

/// Where clients are told to keep the artifacts of an experiment that names no place of its own.
pub(crate) fn location_of(id: ExperimentId, own: Option<String>) -> String {
    own.unwrap_or_else(|| format!("mlflow-artifacts:/{id}"))
}

/// Refuses an experiment that is not in the state that the call needs.
pub(super) fn check_state(tx: &Transaction<'_>, id: ExperimentId, needed: Lifecycle) -> Result<()> {
    let looking = "look up an experiment";
    let deleted: Option<Option<i64>> = tx
        .prepare_cached("SELECT deleted_us FROM experiment WHERE id = ?1")
        .during(looking)?
        .query_row([id.row()], |row| row.get(0))
        .optional()
        .during(looking)?;
    let Some(deleted) = deleted else {
        return Err(TrackingError::UnknownExperimentId { experiment: id }.into());
    };
    let state = Lifecycle::of(deleted);
    if state == needed {
        return Ok(());
    }
    Err(TrackingError::ExperimentState {
        experiment: id,
        state,
        needed,
    }
    .into())
}

/// Refuses more than a call may carry.
pub(crate) fn check_count(what: &'static str, count: usize, limit: usize) -> Result<()> {
    if count > limit {
        return Err(TrackingError::TooMany { what, count, limit }.into());
    }
    Ok(())
}

fn check_tags(tags: &BTreeMap<String, String>) -> Result<()> {
    tags.iter()
        .try_for_each(|(key, value)| check_tag(key, value))
}

fn check_tag(key: &str, value: &str) -> Result<()> {
    check_key("tag", key)?;
    check_length(format!("tag `{key}`"), value, limits::EXPERIMENT_TAG_VALUE)
}

/// A location is handed to clients and never opened here; what would make them reach elsewhere is refused.
pub(crate) fn check_location(location: &str) -> Result<()> {
    check_length("the artifact location", location, limits::ARTIFACT_LOCATION)?;
    let scheme = location
        .split_once(':')
        .map_or_else(String::new, |(scheme, _)| scheme.to_ascii_lowercase());
    let reason = if location.trim().is_empty() {
        "it is empty"
    } else if location.chars().any(char::is_control) || location.contains('\\') {
        "it holds a control character or a backslash"
    } else if location.contains(['?', '#', ';', '%']) {
        "queries, fragments, parameters and percent signs are not allowed"
    } else if location.split('/').any(|segment| segment == "..") {
        "`..` is not allowed as a segment"
    } else if ["runs", "models", "http", "https"].contains(&scheme.as_str()) {
        "its scheme is not allowed"
    } else {
        return Ok(());
    };
    Err(TrackingError::InvalidValue {
        what: format!("the artifact location `{}`", cut(location)),
        reason,
    }
    .into())
}

pub(super) fn find(
    tx: &Transaction<'_>,
    name: &ExperimentName,
) -> Result<Option<(ExperimentId, bool)>> {
    let looking = "look up an experiment";
    tx.prepare_cached("SELECT id, deleted_us IS NOT NULL FROM experiment WHERE name = ?1")
        .during(looking)?
        .query_row([name.as_str()], |row| {
            Ok((ExperimentId::of_row(row.get(0)?), row.get(1)?))
        })
        .optional()
        .during(looking)
}

pub(super) fn free_name(tx: &Transaction<'_>, name: &ExperimentName) -> Result<()> {
    match find(tx, name)? {
        None => Ok(()),
        Some((_, deleted)) => Err(TrackingError::ExperimentExists {
            name: name.clone(),
            deleted,
        }
        .into()),
    }
}

pub(super) fn write_tag(tx: &Transaction<'_>, row: i64, key: &str, value: &str) -> Result<()> {
    let writing = "write a tag";
    tx.prepare_cached(
        "INSERT INTO experiment_tag (experiment_id, key, value) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET value = excluded.value",
    )
    .during(writing)?
    .execute(params![row, key, value])
    .during(writing)?;
    Ok(())
}

pub(crate) fn read(tx: &Transaction<'_>, id: ExperimentId) -> Result<ExperimentRecord> {
    let reading = "read an experiment";
    let record = tx
        .prepare_cached(
            "SELECT name, artifact_location, deleted_us, created_us, updated_us
             FROM experiment WHERE id = ?1",
        )
        .during(reading)?
        .query_row([id.row()], |row: &Row<'_>| {
            let created: i64 = row.get(3)?;
            Ok((
                row.get::<_, String>(0)?,
                row.get(1)?,
                Lifecycle::of(row.get(2)?),
                created,
                row.get::<_, Option<i64>>(4)?.unwrap_or(created),
            ))
        })
        .optional()
        .during(reading)?;
    let Some((name, location, lifecycle, created, updated)) = record else {
        return Err(TrackingError::UnknownExperimentId { experiment: id }.into());
    };
    Ok(ExperimentRecord {
        id,
        name: stored("experiment name", ExperimentName::new(name))?,
        artifact_location: location_of(id, location),
        lifecycle,
        created: EventTime::from_micros(created),
        updated: EventTime::from_micros(updated),
        tags: texts(
            tx,
            "SELECT key, value FROM experiment_tag WHERE experiment_id = ?1",
            id.row(),
        )?,
    })
}
