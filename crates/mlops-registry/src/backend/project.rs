//! Changes written into the tables that users query.
//!
//! The trail holds each change in full; the tables hold the state that it leads to, and a check compares the two.

use std::collections::BTreeMap;

use mlops_core::{Digest, VersionNumber};
use rusqlite::{Params, Transaction, params};

use crate::{
    ModelVersion, Result, TransitionRequest,
    change::Change,
    error::During,
    signature,
    state::{ModelState, Stamp},
};

/// Writes one change; returns the model's row, which the first change makes.
pub(super) fn write(
    tx: &Transaction<'_>,
    row: Option<i64>,
    change: &Change,
    after: &ModelState,
    stamp: Stamp<'_>,
) -> Result<i64> {
    let id = match row {
        Some(id) => id,
        None => create(tx, after)?,
    };
    let now = stamp.time.micros();
    match change {
        Change::ModelCreated { .. } => {
            execute(
                tx,
                "UPDATE model SET description = ?2, created_us = ?3, created_by = ?4,
                    deleted_us = NULL WHERE id = ?1",
                params![
                    id,
                    after.description,
                    after.created.micros(),
                    stamp.actor.as_str()
                ],
            )?;
            for (key, value) in &after.tags {
                model_tag(tx, id, key, Some(value))?;
            }
        }
        Change::ModelRenamed { from, to } => {
            execute(
                tx,
                "INSERT INTO model_former_name (model_id, until, name) VALUES (?1, ?2, ?3)",
                params![id, number(stamp.number), from.as_str()],
            )?;
            execute(
                tx,
                "UPDATE model SET name = ?2, folded = ?3 WHERE id = ?1",
                params![id, to.as_str(), to.folded()],
            )?;
        }
        Change::ModelDescribed { description } => execute(
            tx,
            "UPDATE model SET description = ?2 WHERE id = ?1",
            params![id, description],
        )?,
        Change::ModelTagged { key, value } => model_tag(tx, id, key, value.as_ref())?,
        Change::ModelDeleted => delete_model(tx, id, now)?,
        Change::AliasSet { alias, to, .. } => execute(
            tx,
            "INSERT INTO model_alias (model_id, alias, version) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET version = excluded.version",
            params![id, alias.as_str(), to],
        )?,
        Change::AliasDeleted { alias, .. } => execute(
            tx,
            "DELETE FROM model_alias WHERE model_id = ?1 AND alias = ?2",
            params![id, alias.as_str()],
        )?,
        Change::TransitionRequested { request } => put_request(tx, id, request)?,
        Change::RequestApproved { request, .. } | Change::RequestClosed { request, .. } => {
            put_request(tx, id, &after.requests[request])?;
        }
        Change::PolicySet { policy } => execute(
            tx,
            "INSERT INTO policy (number, digest, text, set_us, set_by)
             SELECT coalesce(max(number), 0) + 1, ?1, ?2, ?3, ?4 FROM policy",
            params![
                policy.digest().to_string(),
                policy.to_json(),
                now,
                stamp.actor.as_str()
            ],
        )?,
        Change::ModelAdopted { .. }
        | Change::ModelMoved { .. }
        | Change::PromotionRefused { .. } => {}
        _ => write_version(tx, id, change, now)?,
    }
    Ok(id)
}

fn write_version(tx: &Transaction<'_>, id: i64, change: &Change, now: i64) -> Result<()> {
    let version = match change {
        Change::VersionRegistered { version, sizes } => {
            return register(tx, id, version, sizes);
        }
        Change::VersionDescribed {
            version,
            description,
        } => {
            execute(
                tx,
                "UPDATE model_version SET description = ?3 WHERE model_id = ?1 AND version = ?2",
                params![id, version, description],
            )?;
            version
        }
        Change::VersionTagged {
            version,
            key,
            value,
        } => {
            version_tag(tx, id, *version, key, value.as_ref())?;
            version
        }
        Change::VersionStatus { version, status } => {
            execute(
                tx,
                "UPDATE model_version SET status = ?3 WHERE model_id = ?1 AND version = ?2",
                params![id, version, status.as_str()],
            )?;
            version
        }
        Change::VersionSigned {
            version,
            name,
            digest,
            size,
        } => {
            let path = format!("{}{name}", signature::PREFIX);
            file(tx, id, *version, &path, digest, *size)?;
            version
        }
        Change::VersionDeleted { version } => return delete_version(tx, id, *version, now),
        Change::StageChanged { version, to, .. } => {
            stage(tx, id, *version, to.as_str())?;
            version
        }
        Change::Promoted { version, .. } => {
            stage(tx, id, *version, crate::Stage::Production.as_str())?;
            version
        }
        _ => return Ok(()),
    };
    execute(
        tx,
        "UPDATE model_version SET updated_us = ?3 WHERE model_id = ?1 AND version = ?2",
        params![id, version, now],
    )
}

fn execute(tx: &Transaction<'_>, sql: &str, params: impl Params) -> Result<()> {
    let writing = "write a model";
    tx.prepare_cached(sql)
        .during(writing)?
        .execute(params)
        .during(writing)?;
    Ok(())
}

fn create(tx: &Transaction<'_>, after: &ModelState) -> Result<i64> {
    execute(
        tx,
        "INSERT INTO model (name, folded, created_us, created_by) VALUES (?1, ?2, ?3, ?4)",
        params![
            after.name.as_str(),
            after.name.folded(),
            after.created.micros(),
            after.created_by.as_str()
        ],
    )?;
    Ok(tx.last_insert_rowid())
}

fn register(
    tx: &Transaction<'_>,
    id: i64,
    version: &ModelVersion,
    sizes: &BTreeMap<String, u64>,
) -> Result<()> {
    let json = |result: serde_json::Result<String>| result.expect("names and digests are JSON");
    execute(
        tx,
        "UPDATE model SET next_version = ?2 WHERE id = ?1",
        params![id, version.version + 1],
    )?;
    execute(
        tx,
        "INSERT INTO model_version (model_id, version, stage, run_id, run_uid, digest, signature,
            lineage, description, created_us, created_by, content, source, logged_model,
            parent_model, parent_version, status, updated_us)
         VALUES (?1, ?2, ?3, (SELECT id FROM run WHERE uid = ?4), ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,
            ?12, ?13, ?14, ?15, ?16, ?17)",
        params![
            id,
            version.version,
            version.stage.as_str(),
            version.run.as_ref().map(crate::RunId::as_str),
            version.digest.to_string(),
            json(serde_json::to_string(&version.signature)),
            json(serde_json::to_string(&version.lineage)),
            version.description,
            version.created.micros(),
            version.actor.as_str(),
            version.content.as_str(),
            version.source,
            version.logged_model,
            version.parent.as_ref().map(|parent| parent.model.as_str()),
            version.parent.as_ref().map(|parent| parent.version),
            version.status.as_str(),
            version.updated.micros(),
        ],
    )?;
    for (path, digest) in &version.files {
        let size = sizes.get(path).copied().unwrap_or(0);
        file(tx, id, version.version, path, digest, size)?;
    }
    for (key, value) in &version.tags {
        version_tag(tx, id, version.version, key, Some(value))?;
    }
    Ok(())
}

fn file(
    tx: &Transaction<'_>,
    id: i64,
    version: VersionNumber,
    path: &str,
    digest: &Digest,
    size: u64,
) -> Result<()> {
    execute(
        tx,
        "INSERT INTO version_file (model_id, version, path, digest, size) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![id, version, path, digest.to_string(), number(size)],
    )
}

fn stage(tx: &Transaction<'_>, id: i64, version: VersionNumber, to: &str) -> Result<()> {
    execute(
        tx,
        "UPDATE model_version SET stage = ?3 WHERE model_id = ?1 AND version = ?2",
        params![id, version, to],
    )
}

fn model_tag(tx: &Transaction<'_>, id: i64, key: &str, value: Option<&String>) -> Result<()> {
    match value {
        Some(value) => execute(
            tx,
            "INSERT INTO model_tag (model_id, key, value) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET value = excluded.value",
            params![id, key, value],
        ),
        None => execute(
            tx,
            "DELETE FROM model_tag WHERE model_id = ?1 AND key = ?2",
            params![id, key],
        ),
    }
}

fn version_tag(
    tx: &Transaction<'_>,
    id: i64,
    version: VersionNumber,
    key: &str,
    value: Option<&String>,
) -> Result<()> {
    match value {
        Some(value) => execute(
            tx,
            "INSERT INTO version_tag (model_id, version, key, value) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET value = excluded.value",
            params![id, version, key, value],
        ),
        None => execute(
            tx,
            "DELETE FROM version_tag WHERE model_id = ?1 AND version = ?2 AND key = ?3",
            params![id, version, key],
        ),
    }
}

/// Leaves a tombstone: the number stays taken, what the version was is blotted out.
fn delete_version(tx: &Transaction<'_>, id: i64, version: VersionNumber, now: i64) -> Result<()> {
    for sql in [
        "DELETE FROM model_alias WHERE model_id = ?1 AND version = ?2",
        "DELETE FROM version_file WHERE model_id = ?1 AND version = ?2",
        "DELETE FROM version_tag WHERE model_id = ?1 AND version = ?2",
    ] {
        execute(tx, sql, params![id, version])?;
    }
    execute(
        tx,
        "UPDATE model_version SET deleted_us = ?3, stage = 'None', run_id = NULL, run_uid = NULL,
            source = NULL, logged_model = NULL, parent_model = NULL, parent_version = NULL,
            description = '', lineage = '{}', signature = 'null'
         WHERE model_id = ?1 AND version = ?2",
        params![id, version, now],
    )
}

fn delete_model(tx: &Transaction<'_>, id: i64, now: i64) -> Result<()> {
    for sql in [
        "DELETE FROM model_alias WHERE model_id = ?1",
        "DELETE FROM version_file WHERE model_id = ?1",
        "DELETE FROM version_tag WHERE model_id = ?1",
        "DELETE FROM model_tag WHERE model_id = ?1",
    ] {
        execute(tx, sql, params![id])?;
    }
    execute(
        tx,
        "UPDATE model_version SET deleted_us = coalesce(deleted_us, ?2), stage = 'None',
            run_id = NULL, run_uid = NULL, source = NULL, logged_model = NULL, parent_model = NULL,
            parent_version = NULL, description = '', lineage = '{}', signature = 'null'
         WHERE model_id = ?1",
        params![id, now],
    )?;
    execute(
        tx,
        "UPDATE model SET deleted_us = ?2, description = '' WHERE id = ?1",
        params![id, now],
    )
}

fn put_request(tx: &Transaction<'_>, id: i64, request: &TransitionRequest) -> Result<()> {
    let body = serde_json::to_string(request).expect("names, numbers and digests are JSON");
    execute(
        tx,
        "INSERT INTO transition_request (model_id, number, version, to_stage, state, requested_by,
            requested_us, expires_us, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT DO UPDATE SET state = excluded.state, body = excluded.body",
        params![
            id,
            request.number,
            request.version,
            request.to.as_str(),
            request.state.as_str(),
            request.requested_by.as_str(),
            request.requested.micros(),
            request.expires.map(mlops_core::EventTime::micros),
            body,
        ],
    )
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
