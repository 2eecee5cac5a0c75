//! Experiments with their tags: known by their name, under the number that they have there if it is free.

use rusqlite::{OptionalExtension, Transaction, params};

use super::{artifacts::is_local, driver::Import, source::time};
use crate::{
    ExperimentName, Registry, Result,
    error::{During, cut},
    key::{check_key, check_length},
    limits,
    tracking::check_location,
};

/// An experiment there and here.
#[derive(Debug)]
pub(super) struct Experiment {
    /// Its number there.
    pub(super) theirs: i64,
    /// Its row here.
    pub(super) ours: i64,
    /// Where its artifacts stay, if they were not brought along.
    pub(super) location: Option<String>,
}

/// A row of the source.
struct Found {
    id: i64,
    name: String,
    location: Option<String>,
    deleted: bool,
    created: Option<i64>,
    updated: Option<i64>,
}

/// Takes all experiments over; returns those that have a place here.
pub(super) fn take(import: &mut Import<'_>) -> Result<Vec<Experiment>> {
    if let Some(remote) = import.remote {
        remote.experiments(&import.source)?;
    }
    let mut found = Vec::new();
    let sql = format!(
        "SELECT experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time
         FROM experiments WHERE {} ORDER BY experiment_id",
        import.source.in_default_workspace()
    );
    import.source.each("experiments", &sql, [], |row| {
        found.push(Found {
            id: row.int(0, "experiment_id")?,
            name: row.text(1, "name")?,
            location: row.maybe_text(2, "artifact_location")?,
            deleted: row.maybe_text(3, "lifecycle_stage")?.as_deref() == Some("deleted"),
            created: row.maybe_int(4, "creation_time")?,
            updated: row.maybe_int(5, "last_update_time")?,
        });
        Ok(())
    })?;
    let elsewhere = import.source.elsewhere("experiments")?;
    if elsewhere > 0 {
        let text = format!(
            "{elsewhere} experiments of theirs are left out: there is one space of names here"
        );
        import.report.note("the other workspaces", text);
    }
    let mut experiments = Vec::with_capacity(found.len());
    for experiment in &found {
        experiments.extend(take_one(import, experiment)?);
    }
    Ok(experiments)
}

fn take_one(import: &mut Import<'_>, found: &Found) -> Result<Option<Experiment>> {
    let about = format!("experiment {} `{}`", found.id, cut(&found.name));
    let name = match ExperimentName::new(found.name.as_str()) {
        Ok(name) => name,
        Err(error) => {
            import
                .report
                .note(&about, format!("left out with its runs: {error}"));
            return Ok(None);
        }
    };
    if found.id < 0 {
        import
            .report
            .note(&about, "left out with its runs: its number is negative");
        return Ok(None);
    }
    let location = found
        .location
        .clone()
        .filter(|location| !is_local(location));
    let location = location.filter(|location| match check_location(location) {
        Ok(()) => true,
        Err(error) => {
            import.report.note(
                &about,
                format!("its artifact location is left out: {error}"),
            );
            false
        }
    });
    let tags = tags(import, found.id, &about)?;
    let registry = import.registry;
    let (ours, new) = registry.database().write(|tx| {
        let looking = "look up an experiment";
        let known: Option<i64> = tx
            .prepare_cached("SELECT id FROM experiment WHERE name = ?1")
            .during(looking)?
            .query_row([name.as_str()], |row| row.get(0))
            .optional()
            .during(looking)?;
        let row = match known {
            Some(row) => Ok(row),
            None => insert(tx, registry, found, &name, location.as_deref()),
        }?;
        for (key, value) in &tags {
            tx.prepare_cached(
                "INSERT INTO experiment_tag (experiment_id, key, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO NOTHING",
            )
            .during("write a tag")?
            .execute(params![row, key, value])
            .during("write a tag")?;
        }
        Ok((row, known.is_none()))
    })?;
    import.report.experiments.add(new);
    if ours != found.id {
        import
            .report
            .note(&about, format!("it is experiment {ours} here"));
    }
    Ok(Some(Experiment {
        theirs: found.id,
        ours,
        location,
    }))
}

fn insert(
    tx: &Transaction<'_>,
    registry: &Registry,
    found: &Found,
    name: &ExperimentName,
    location: Option<&str>,
) -> Result<i64> {
    let creating = "create an experiment";
    let taken: bool = tx
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM experiment WHERE id = ?1)")
        .during(creating)?
        .query_row([found.id], |row| row.get(0))
        .during(creating)?;
    let now = registry.now();
    let at = |millis: Option<i64>| millis.and_then(time).unwrap_or(now).micros();
    tx.execute(
        "INSERT INTO experiment (id, name, created_us, created_by, artifact_location,
            updated_us, deleted_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            (!taken).then_some(found.id),
            name.as_str(),
            at(found.created),
            registry.actor().as_str(),
            location,
            at(found.updated),
            found.deleted.then(|| at(found.updated)),
        ],
    )
    .during(creating)?;
    Ok(tx.last_insert_rowid())
}

fn tags(import: &mut Import<'_>, id: i64, about: &str) -> Result<Vec<(String, String)>> {
    let mut tags = import.source.pairs(
        "experiment_tags",
        "SELECT key, value FROM experiment_tags WHERE experiment_id = ?1 ORDER BY key",
        [id],
    )?;
    let report = &mut import.report;
    tags.retain(|(key, value)| {
        let checked = check_key("tag", key).and_then(|()| {
            check_length(format!("tag `{key}`"), value, limits::EXPERIMENT_TAG_VALUE)
        });
        match checked {
            Ok(()) => true,
            Err(error) => {
                report.note(about, format!("left out: {error}"));
                false
            }
        }
    });
    Ok(tags)
}
