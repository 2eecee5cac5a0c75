//! A model's state as the tables have it.

use std::{collections::BTreeMap, sync::Arc};

use mlops_core::{AliasName, Digest, EventTime, ModelName, Principal, VersionNumber};
use rusqlite::{Row, Transaction, types::FromSql};

use crate::{
    Content, ModelVersion, ParentVersion, Policy, Result, TransitionRequest,
    error::{During, stored},
    signature,
    state::ModelState,
};

const READING: &str = "read a model";

/// Reads everything about the model of a row.
///
/// # Complexity
/// Linear in the versions of the model.
pub(crate) fn sqlite_state(tx: &Transaction<'_>, id: i64) -> Result<ModelState> {
    let (name, next, description, times, created_by) = tx
        .prepare_cached(
            "SELECT name, next_version, description, created_us, updated_us, deleted_us, head, created_by
             FROM model WHERE id = ?1",
        )
        .during(READING)?
        .query_row([id], |row| {
            let times: (i64, i64, Option<i64>, i64) =
                (row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?);
            Ok((
                row.get::<_, String>(0)?,
                row.get(1)?,
                row.get(2)?,
                times,
                row.get::<_, String>(7)?,
            ))
        })
        .during(READING)?;
    let (created, updated, deleted, head) = times;
    let name = stored("model name", ModelName::new(name))?;
    let deleted = deleted.map(EventTime::from_micros);
    Ok(ModelState {
        former: former(tx, id)?,
        description,
        tags: pairs(
            tx,
            "SELECT key, value FROM model_tag WHERE model_id = ?1",
            id,
        )?
        .into_iter()
        .collect(),
        created: EventTime::from_micros(created),
        created_by: stored("principal", Principal::new(created_by))?,
        updated: EventTime::from_micros(updated),
        deleted,
        next,
        versions: if deleted.is_some() {
            BTreeMap::new()
        } else {
            versions(tx, id, &name)?
        },
        aliases: aliases(tx, id)?,
        requests: requests(tx, id)?,
        policy: if name.as_str() == crate::Registry::ITSELF {
            policy(tx)?.map(Arc::new)
        } else {
            None
        },
        head: stored("audit entry", u64::try_from(head))?,
        name,
    })
}

fn pairs<K: FromSql, V: FromSql>(tx: &Transaction<'_>, sql: &str, id: i64) -> Result<Vec<(K, V)>> {
    tx.prepare_cached(sql)
        .during(READING)?
        .query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .during(READING)?
        .collect::<rusqlite::Result<_>>()
        .during(READING)
}

fn former(tx: &Transaction<'_>, id: i64) -> Result<BTreeMap<u64, ModelName>> {
    pairs::<i64, String>(
        tx,
        "SELECT until, name FROM model_former_name WHERE model_id = ?1",
        id,
    )?
    .into_iter()
    .map(|(until, name)| {
        Ok((
            stored("audit entry", u64::try_from(until))?,
            stored("model name", ModelName::new(name))?,
        ))
    })
    .collect()
}

fn aliases(tx: &Transaction<'_>, id: i64) -> Result<BTreeMap<AliasName, VersionNumber>> {
    pairs::<String, VersionNumber>(
        tx,
        "SELECT alias, version FROM model_alias WHERE model_id = ?1",
        id,
    )?
    .into_iter()
    .map(|(alias, number)| Ok((stored("alias", AliasName::new(alias))?, number)))
    .collect()
}

fn requests(tx: &Transaction<'_>, id: i64) -> Result<BTreeMap<u32, Arc<TransitionRequest>>> {
    pairs::<u32, String>(
        tx,
        "SELECT number, body FROM transition_request WHERE model_id = ?1",
        id,
    )?
    .into_iter()
    .map(|(number, body)| Ok((number, stored("request", serde_json::from_str(&body))?)))
    .collect()
}

fn policy(tx: &Transaction<'_>) -> Result<Option<Policy>> {
    let texts: Vec<String> = tx
        .prepare_cached("SELECT text FROM policy ORDER BY number DESC LIMIT 1")
        .during(READING)?
        .query_map([], |row| row.get(0))
        .during(READING)?
        .collect::<rusqlite::Result<_>>()
        .during(READING)?;
    let policy = texts.first().map(|text| serde_json::from_str(text));
    stored("policy", policy.transpose())
}

fn versions(
    tx: &Transaction<'_>,
    id: i64,
    model: &ModelName,
) -> Result<BTreeMap<VersionNumber, Arc<ModelVersion>>> {
    let mut files = by_version::<String, String>(
        tx,
        "SELECT version, path, digest FROM version_file WHERE model_id = ?1",
        id,
    )?;
    let mut tags = by_version::<String, String>(
        tx,
        "SELECT version, key, value FROM version_tag WHERE model_id = ?1",
        id,
    )?;
    let mut statement = tx
        .prepare_cached(
            "SELECT version, stage, run_uid, digest, signature, lineage, description, created_us,
                created_by, content, source, logged_model, parent_model, parent_version, status,
                updated_us
             FROM model_version WHERE model_id = ?1 AND deleted_us IS NULL ORDER BY version",
        )
        .during(READING)?;
    let mut rows = statement.query([id]).during(READING)?;
    let mut versions = BTreeMap::new();
    while let Some(row) = rows.next().during(READING)? {
        let raw = RawVersion::read(row).during(READING)?;
        let number = raw.number;
        let files = files.remove(&number).unwrap_or_default();
        let tags = tags.remove(&number).unwrap_or_default();
        versions.insert(number, Arc::new(raw.version(model, files, tags)?));
    }
    Ok(versions)
}

fn by_version<K: FromSql + Ord, V: FromSql>(
    tx: &Transaction<'_>,
    sql: &str,
    id: i64,
) -> Result<BTreeMap<VersionNumber, BTreeMap<K, V>>> {
    let mut found: BTreeMap<_, BTreeMap<K, V>> = BTreeMap::new();
    let mut statement = tx.prepare_cached(sql).during(READING)?;
    let mut rows = statement.query([id]).during(READING)?;
    while let Some(row) = rows.next().during(READING)? {
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let (version, key, value) = read(row).during(READING)?;
        found.entry(version).or_default().insert(key, value);
    }
    Ok(found)
}

/// A version's row as it stands.
struct RawVersion {
    number: VersionNumber,
    stage: String,
    run: Option<String>,
    digest: String,
    signature: String,
    lineage: String,
    description: String,
    created: i64,
    actor: String,
    content: String,
    source: Option<String>,
    logged_model: Option<String>,
    parent: (Option<String>, Option<VersionNumber>),
    status: String,
    updated: i64,
}

impl RawVersion {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get(0)?,
            stage: row.get(1)?,
            run: row.get(2)?,
            digest: row.get(3)?,
            signature: row.get(4)?,
            lineage: row.get(5)?,
            description: row.get(6)?,
            created: row.get(7)?,
            actor: row.get(8)?,
            content: row.get(9)?,
            source: row.get(10)?,
            logged_model: row.get(11)?,
            parent: (row.get(12)?, row.get(13)?),
            status: row.get(14)?,
            updated: row.get(15)?,
        })
    }

    fn version(
        self,
        model: &ModelName,
        files: BTreeMap<String, String>,
        tags: BTreeMap<String, String>,
    ) -> Result<ModelVersion> {
        let digests = files
            .into_iter()
            .map(|(path, digest)| Ok((path, stored("digest", digest.parse())?)));
        let mut files = digests.collect::<Result<BTreeMap<String, Digest>>>()?;
        let signatures = signature::split_off(&mut files);
        let parent = match self.parent {
            (Some(model), Some(version)) => Some(ParentVersion {
                model: stored("model name", ModelName::new(model))?,
                version,
            }),
            _ => None,
        };
        Ok(ModelVersion {
            model: model.clone(),
            version: self.number,
            stage: stored("stage", self.stage.parse())?,
            run: stored("run", self.run.map(|run| run.parse()).transpose())?,
            digest: stored("digest", self.digest.parse())?,
            created: EventTime::from_micros(self.created),
            actor: stored("principal", Principal::new(self.actor))?,
            lineage: stored("lineage", serde_json::from_str(&self.lineage))?,
            signature: stored("signature", serde_json::from_str(&self.signature))?,
            files,
            signatures,
            description: self.description,
            content: stored("content", Content::read(&self.content))?,
            source: self.source,
            logged_model: self.logged_model,
            parent,
            tags,
            status: stored("status", self.status.parse())?,
            updated: EventTime::from_micros(self.updated),
        })
    }
}
