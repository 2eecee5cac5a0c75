//! The audit trail: who changed which model when, chained by digests so that nothing is changed,
//! slipped in or cut out unnoticed.
//!
//! Every entry is written in the transaction of the change that it tells of. Its digest covers its
//! own fields and the digest of the entry before; the number of entries and the last digest stand in
//! the registry's state, so that a cut tail is noticed too. Whoever can write the whole file can
//! write a whole new trail: keep a copy of [`AuditEntry::digest`] elsewhere to notice that.

use std::fmt;

use mlops_core::{
    AliasName, Digest, DigestBuilder, EventTime, ModelName, Principal, VersionNumber,
};
use rusqlite::{Row, Transaction, params};
use serde::{Deserialize, Serialize};

use crate::{
    Error, Registry, Result,
    error::{During, cut, stored},
};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// A model was made.
    ModelCreated,
    /// A version was registered.
    VersionRegistered,
    /// A signature was laid beside a version's package.
    VersionSigned,
    /// A version was moved to another stage.
    StageChanged,
    /// A version passed a gate and entered production.
    Promoted,
    /// A gate kept a version out of production.
    PromotionRefused,
    /// An alias was pointed at a version.
    AliasSet,
    /// An alias was taken away.
    AliasDeleted,
}

impl Action {
    const ALL: [Self; 8] = [
        Self::ModelCreated,
        Self::VersionRegistered,
        Self::VersionSigned,
        Self::StageChanged,
        Self::Promoted,
        Self::PromotionRefused,
        Self::AliasSet,
        Self::AliasDeleted,
    ];

    /// The action as the database and JSON have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ModelCreated => "model_created",
            Self::VersionRegistered => "version_registered",
            Self::VersionSigned => "version_signed",
            Self::StageChanged => "stage_changed",
            Self::Promoted => "promoted",
            Self::PromotionRefused => "promotion_refused",
            Self::AliasSet => "alias_set",
            Self::AliasDeleted => "alias_deleted",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One entry of the audit trail.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AuditEntry {
    /// Its number, counted from 1 over all models.
    pub id: u64,
    /// When it was done.
    pub time: EventTime,
    /// Who did it.
    pub actor: Principal,
    /// What was done.
    pub action: Action,
    /// The model.
    pub model: ModelName,
    /// The version, if it is about one.
    pub version: Option<VersionNumber>,
    /// The alias, if it is about one.
    pub alias: Option<AliasName>,
    /// The stage, or the version of the alias, before.
    pub from: Option<String>,
    /// The stage, or the version of the alias, after.
    pub to: Option<String>,
    /// Why.
    pub reason: String,
    /// What it rests on, for instance the gate and its numbers.
    pub evidence: Option<serde_json::Value>,
    /// The digest of the entry before.
    pub previous: Digest,
    /// The digest of this entry and, through `previous`, of all before it.
    pub digest: Digest,
}

/// The evidence of a registration: which package the version is, once and for all.
#[derive(Serialize, Deserialize)]
pub(crate) struct Registered {
    pub(crate) package: String,
}

impl Registered {
    pub(crate) fn evidence(package: &Digest) -> String {
        let registered = Self {
            package: package.to_string(),
        };
        serde_json::to_string(&registered).expect("a text is JSON")
    }
}

/// What an entry is made of, before it has a place in the chain.
pub(crate) struct Event<'a> {
    pub(crate) action: Action,
    pub(crate) model: &'a ModelName,
    pub(crate) version: Option<VersionNumber>,
    pub(crate) alias: Option<&'a AliasName>,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) reason: &'a str,
    pub(crate) evidence: Option<String>,
}

impl<'a> Event<'a> {
    pub(crate) fn new(action: Action, model: &'a ModelName) -> Self {
        Self {
            action,
            model,
            version: None,
            alias: None,
            from: None,
            to: None,
            reason: "",
            evidence: None,
        }
    }
}

/// A row of the trail as it is stored: the texts that the digest covers.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) id: i64,
    time_us: i64,
    actor: String,
    pub(crate) action: String,
    pub(crate) model: String,
    pub(crate) version: Option<i64>,
    pub(crate) alias: Option<String>,
    from: Option<String>,
    pub(crate) to: Option<String>,
    reason: String,
    pub(crate) evidence: Option<String>,
    pub(crate) previous: String,
    pub(crate) digest: String,
}

impl Record {
    pub(crate) const COLUMNS: &'static str = "id, time_us, actor, action, model, version, alias, \
         from_state, to_state, reason, evidence, previous, digest";

    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
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
        })
    }

    /// The digest that the entry must have. An absent field adds no part, so that it differs from an empty one.
    pub(crate) fn computed(&self) -> Digest {
        let mut digest = DigestBuilder::new();
        digest
            .part("previous", self.previous.as_bytes())
            .part("id", &self.id.to_le_bytes())
            .part("time", &self.time_us.to_le_bytes())
            .part("actor", self.actor.as_bytes())
            .part("action", self.action.as_bytes())
            .part("model", self.model.as_bytes())
            .part("reason", self.reason.as_bytes());
        if let Some(version) = self.version {
            digest.part("version", &version.to_le_bytes());
        }
        let texts = [
            ("alias", &self.alias),
            ("from", &self.from),
            ("to", &self.to),
            ("evidence", &self.evidence),
        ];
        for (label, text) in texts {
            if let Some(text) = text {
                digest.part(label, text.as_bytes());
            }
        }
        digest.finish()
    }

    fn entry(self) -> Result<AuditEntry> {
        let action = Action::ALL
            .into_iter()
            .find(|action| action.as_str() == self.action)
            .ok_or_else(|| Error::Stored {
                what: "audit action",
                reason: format!("`{}` is none", cut(&self.action)),
            })?;
        let evidence = self.evidence.as_deref().map(serde_json::from_str);
        Ok(AuditEntry {
            id: stored("audit entry", u64::try_from(self.id))?,
            time: EventTime::from_micros(self.time_us),
            actor: stored("principal", Principal::new(self.actor))?,
            action,
            model: stored("model name", ModelName::new(self.model))?,
            version: stored(
                "version",
                self.version.map(VersionNumber::try_from).transpose(),
            )?,
            alias: stored("alias", self.alias.map(AliasName::new).transpose())?,
            from: self.from,
            to: self.to,
            reason: self.reason,
            evidence: stored("evidence", evidence.transpose())?,
            previous: stored("digest", self.previous.parse())?,
            digest: stored("digest", self.digest.parse())?,
        })
    }
}

impl Registry {
    /// The audit trail, of one model or of all, oldest first.
    ///
    /// # Errors
    /// [`Error::Stored`] if an entry does not read back, [`Error::Busy`] or [`Error::Database`].
    pub fn audit(&self, model: Option<&ModelName>) -> Result<Vec<AuditEntry>> {
        let reading = "read the audit trail";
        let columns = Record::COLUMNS;
        self.database().read(|tx| {
            let records: Vec<Record> = tx
                .prepare_cached(&format!(
                    "SELECT {columns} FROM audit WHERE ?1 IS NULL OR model = ?1 ORDER BY id"
                ))
                .during(reading)?
                .query_map([model.map(ModelName::as_str)], Record::from_row)
                .during(reading)?
                .collect::<rusqlite::Result<_>>()
                .during(reading)?;
            records.into_iter().map(Record::entry).collect()
        })
    }

    /// A number that grows whenever a version, a stage or an alias changes, by whichever process.
    /// Cheap enough to be polled: one row is read.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`].
    pub fn generation(&self) -> Result<u64> {
        let reading = "read the generation";
        let generation: i64 = self.database().read(|tx| {
            tx.prepare_cached("SELECT generation FROM registry_state")
                .during(reading)?
                .query_row([], |row| row.get(0))
                .during(reading)
        })?;
        stored("generation", u64::try_from(generation))
    }
}

/// Writes an entry at the end of the chain and returns its number.
pub(crate) fn append(tx: &Transaction<'_>, registry: &Registry, event: &Event<'_>) -> Result<u64> {
    let writing = "write the audit trail";
    let (entries, head) = head(tx)?;
    let mut record = Record {
        id: entries + 1,
        time_us: registry.now().micros(),
        actor: registry.actor().to_string(),
        action: event.action.to_string(),
        model: event.model.to_string(),
        version: event.version.map(i64::from),
        alias: event.alias.map(ToString::to_string),
        from: event.from.clone(),
        to: event.to.clone(),
        reason: event.reason.to_owned(),
        evidence: event.evidence.clone(),
        previous: head,
        digest: String::new(),
    };
    record.digest = record.computed().to_string();
    let columns = Record::COLUMNS;
    tx.prepare_cached(&format!(
        "INSERT INTO audit ({columns}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
    ))
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
    ])
    .during(writing)?;
    tx.prepare_cached("UPDATE registry_state SET audit_entries = ?1, audit_head = ?2")
        .during(writing)?
        .execute(params![record.id, record.digest])
        .during(writing)?;
    stored("audit entry", u64::try_from(record.id))
}

/// The number of entries and the digest of the last one.
pub(crate) fn head(tx: &Transaction<'_>) -> Result<(i64, String)> {
    let reading = "read the end of the audit trail";
    tx.prepare_cached("SELECT audit_entries, audit_head FROM registry_state")
        .during(reading)?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .during(reading)
}

/// Says to whoever polls that something changed.
pub(crate) fn next_generation(tx: &Transaction<'_>) -> Result<()> {
    let writing = "write the generation";
    tx.prepare_cached("UPDATE registry_state SET generation = generation + 1")
        .during(writing)?
        .execute([])
        .during(writing)?;
    Ok(())
}
