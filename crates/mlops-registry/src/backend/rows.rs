//! Reading rows: where a model is, what its trail holds, which names are taken.

use mlops_core::{ModelName, VersionNumber};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::{
    Registry, Result,
    audit::Record,
    error::{During, stored},
    schema::audit_root,
};

/// A model's row and the number of the last entry about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) head: u64,
}

/// Reads an audit row in the order of [`COLUMNS`].
pub(crate) fn record(row: &rusqlite::Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        id: row.get(0)?,
        time_us: row.get(1)?,
        actor: row.get(2)?,
        action: row.get(3)?,
        model: row.get(4)?,
        version: row.get(5)?,
        alias: row.get(6)?,
        from: row.get(7)?,
        to: row.get(8)?,
        reason: row.get(9)?,
        evidence: row.get(10)?,
        previous: row.get(11)?,
        digest: row.get(12)?,
        format: row.get(13)?,
        change: row.get(14)?,
    })
}

pub(crate) const COLUMNS: &str = "id, time_us, actor, action, model, version, alias, from_state, \
     to_state, reason, evidence, previous, digest, format, change";

/// The records after `from` up to `until`.
pub(super) fn records_between(
    tx: &Transaction<'_>,
    model: Option<&str>,
    from: i64,
    until: i64,
    each: &mut dyn FnMut(Record) -> Result<()>,
) -> Result<()> {
    let reading = "read the audit trail";
    let filter = match model {
        Some(_) => "model = ?3",
        None => "?3 IS NULL",
    };
    let mut statement = tx
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM audit WHERE {filter} AND id > ?1 AND id <= ?2 ORDER BY id"
        ))
        .during(reading)?;
    let mut rows = statement
        .query(params![from, until, model])
        .during(reading)?;
    while let Some(row) = rows.next().during(reading)? {
        each(record(row).during(reading)?)?;
    }
    Ok(())
}

/// The records between two numbers, both left out, the newest first, at most so many.
pub(super) fn records_before(
    tx: &Transaction<'_>,
    model: Option<&str>,
    (after, before): (i64, i64),
    most: usize,
    found: &mut Vec<(u64, Record)>,
) -> Result<()> {
    let reading = "read the audit trail";
    let filter = match model {
        Some(_) => "model = ?4",
        None => "?4 IS NULL",
    };
    let mut statement = tx
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM audit WHERE {filter} AND id > ?1 AND id < ?2
             ORDER BY id DESC LIMIT ?3"
        ))
        .during(reading)?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut rows = statement
        .query(params![after, before, most, model])
        .during(reading)?;
    while let Some(row) = rows.next().during(reading)? {
        let record = record(row).during(reading)?;
        let place = stored("audit entry", u64::try_from(record.id))?;
        found.push((place, record));
    }
    Ok(())
}

pub(super) fn rows(tx: &Transaction<'_>, model: &ModelName) -> Result<(Option<Row>, Option<Row>)> {
    let looking = "look up a model";
    let row = |id: Option<i64>, head: Option<i64>| {
        let head = head.and_then(|head| u64::try_from(head).ok());
        Some(Row {
            id: id?,
            head: head?,
        })
    };
    tx.prepare_cached(
        "SELECT m.id, m.head, r.id, r.head FROM (SELECT 1)
         LEFT JOIN model m ON m.name = ?1 LEFT JOIN model r ON r.name = ?2",
    )
    .during(looking)?
    .query_row([model.as_str(), Registry::ITSELF], |found| {
        Ok((
            row(found.get(0)?, found.get(1)?),
            row(found.get(2)?, found.get(3)?),
        ))
    })
    .during(looking)
}

/// Another model than that of the row, deleted ones too, whose name is this one to the eye.
pub(super) fn twin(
    tx: &Transaction<'_>,
    name: &ModelName,
    row: Option<i64>,
) -> Result<Option<ModelName>> {
    let looking = "look up a model";
    let name: Option<String> = tx
        .prepare_cached("SELECT name FROM model WHERE folded = ?1 AND id IS NOT ?2 LIMIT 1")
        .during(looking)?
        .query_row(params![name.folded(), row], |row| row.get(0))
        .optional()
        .during(looking)?;
    stored("model name", name.map(ModelName::new).transpose())
}

pub(super) fn former_names(tx: &Transaction<'_>, model: &ModelName) -> Result<Vec<(i64, String)>> {
    let looking = "look up the former names of a model";
    tx.prepare_cached(
        "SELECT until, f.name FROM model_former_name f JOIN model ON model.id = model_id
         WHERE model.name = ?1 ORDER BY until",
    )
    .during(looking)?
    .query_map([model.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
    .during(looking)?
    .collect::<rusqlite::Result<_>>()
    .during(looking)
}

/// The last entry before `until` of a model that gave this name up.
pub(super) fn last_of_former(tx: &Transaction<'_>, name: &str, until: i64) -> Result<i64> {
    let looking = "look up the former names of a model";
    tx.prepare_cached(
        "SELECT coalesce(max(until), 0) FROM model_former_name WHERE name = ?1 AND until < ?2",
    )
    .during(looking)?
    .query_row(params![name, until], |row| row.get(0))
    .during(looking)
}

/// The versions that were registered from a logged model.
pub(super) fn registered_from(
    tx: &Transaction<'_>,
    logged_model: &str,
) -> Result<Vec<(String, VersionNumber)>> {
    let looking = "look up the versions of a logged model";
    tx.prepare_cached(
        "SELECT model.name, version FROM model_version v JOIN model ON model.id = model_id
         WHERE logged_model = ?1 AND v.deleted_us IS NULL",
    )
    .during(looking)?
    .query_map([logged_model], |row| Ok((row.get(0)?, row.get(1)?)))
    .during(looking)?
    .collect::<rusqlite::Result<_>>()
    .during(looking)
}

/// The number of entries and the digest of the last one.
pub(crate) fn head(tx: &Transaction<'_>) -> Result<(i64, String)> {
    let reading = "read the end of the audit trail";
    let found: Option<(i64, String)> = tx
        .prepare_cached("SELECT audit_entries, audit_head FROM registry_state")
        .during(reading)?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .during(reading)?;
    Ok(found.unwrap_or_else(|| (0, audit_root().to_string())))
}

/// Writes a record at the end of the trail.
pub(super) fn insert(tx: &Transaction<'_>, record: &Record) -> Result<()> {
    let writing = "write the audit trail";
    tx.prepare_cached(
        "INSERT INTO audit (id, time_us, actor, action, model, version, alias, from_state, to_state,
            reason, evidence, previous, digest, format, change)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )
    .during(writing)?
    .execute(params![
        record.id,
        record.time_us,
        record.actor,
        record.action,
        record.model,
        record.version,
        record.alias,
        record.from,
        record.to,
        record.reason,
        record.evidence,
        record.previous,
        record.digest,
        record.format,
        record.change,
    ])
    .during(writing)?;
    Ok(())
}
