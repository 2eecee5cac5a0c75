//! A record of the trail as it is stored: the texts that its digest covers.
//!
//! Format 1 tells what was done; format 2 tells the change in full as well, so that the trail alone leads to the
//! state. Both verify for ever.

use mlops_core::{
    AliasName, Digest, DigestBuilder, EventTime, ModelName, Principal, VersionNumber,
};
use serde::{Deserialize, Serialize};

use super::{Action, AuditEntry};
use crate::{
    Error, Result,
    change::{Change, Draft},
    error::{cut, stored},
    state::Stamp,
};

/// The newest format that this build writes.
pub(crate) const FORMAT: i64 = 2;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) format: i64,
    pub(crate) id: i64,
    pub(crate) time_us: i64,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) model: String,
    pub(crate) version: Option<i64>,
    pub(crate) alias: Option<String>,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) reason: String,
    #[serde(with = "json_text")]
    pub(crate) evidence: Option<String>,
    #[serde(with = "json_text")]
    pub(crate) change: Option<String>,
    pub(crate) previous: String,
    pub(crate) digest: String,
}

impl Record {
    /// The record of a change that follows the one with `previous`.
    pub(crate) fn new(
        draft: &Draft,
        model: &ModelName,
        stamp: Stamp<'_>,
        previous: impl Into<String>,
    ) -> Self {
        let shown = draft.change.shown();
        let change = serde_json::to_value(&draft.change).expect("changes are JSON");
        let mut record = Self {
            format: FORMAT,
            id: i64::try_from(stamp.number).expect("no trail is that long"),
            time_us: stamp.time.micros(),
            actor: stamp.actor.to_string(),
            action: draft.change.action().to_string(),
            model: model.to_string(),
            version: shown.version.map(i64::from),
            alias: shown.alias.map(String::from),
            from: shown.from,
            to: shown.to,
            reason: draft.reason.clone(),
            evidence: draft.evidence.as_ref().map(ToString::to_string),
            change: Some(change.to_string()),
            previous: previous.into(),
            digest: String::new(),
        };
        record.digest = record.computed().to_string();
        record
    }

    /// A record from its JSON.
    pub(crate) fn read(json: &str) -> Result<Self> {
        stored("audit entry", serde_json::from_str(json))
    }

    /// The digest that the entry must have. An absent field adds no part, so that it differs from an empty one.
    pub(crate) fn computed(&self) -> Digest {
        let mut digest = DigestBuilder::new();
        if self.format != 1 {
            digest.part("format", &self.format.to_le_bytes());
        }
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
            ("change", &self.change),
        ];
        for (label, text) in texts {
            if let Some(text) = text {
                digest.part(label, text.as_bytes());
            }
        }
        digest.finish()
    }

    /// Whether it is the entry of that number, follows `previous`, and has its own digest.
    pub(crate) fn check(&self, number: i64, previous: &str) -> Result<()> {
        let reason = if self.id != number {
            "it is missing"
        } else if self.previous != previous {
            "it does not follow the entry before it"
        } else if !(1..=FORMAT).contains(&self.format) {
            "its format is not known to this build"
        } else if self.digest != self.computed().to_string() {
            "its content does not have its digest"
        } else if (self.format == 1) != self.change.is_none() {
            "its format does not go with what it tells"
        } else {
            return Ok(());
        };
        Err(super::broken(number, reason))
    }

    /// The change, if its format tells it. What its columns show must be what the change says.
    pub(crate) fn change(&self) -> Result<Option<Change>> {
        let Some(text) = &self.change else {
            return Ok(None);
        };
        let change: Change = serde_json::from_str(text).map_err(|error| {
            super::broken(self.id, format!("its change does not read: {error}"))
        })?;
        let shown = change.shown();
        let same = self.action == change.action().as_str()
            && self.version == shown.version.map(i64::from)
            && self.alias.as_deref() == shown.alias.as_ref().map(AliasName::as_str)
            && self.from == shown.from
            && self.to == shown.to;
        if same {
            Ok(Some(change))
        } else {
            Err(super::broken(
                self.id,
                "it shows something else than its change",
            ))
        }
    }

    /// Calls `with` with who did it when.
    pub(crate) fn stamped<T>(&self, with: impl FnOnce(Stamp<'_>) -> Result<T>) -> Result<T> {
        let actor = stored("principal", Principal::new(self.actor.as_str()))?;
        with(Stamp {
            time: EventTime::from_micros(self.time_us),
            actor: &actor,
            number: u64::try_from(self.id).unwrap_or(0),
        })
    }

    pub(crate) fn entry(self) -> Result<AuditEntry> {
        let action = Action::ALL
            .into_iter()
            .find(|action| action.as_str() == self.action)
            .ok_or_else(|| Error::Stored {
                what: "audit action",
                reason: format!("`{}` is none", cut(&self.action)),
            })?;
        let json = |text: Option<&str>| text.map(serde_json::from_str).transpose();
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
            evidence: stored("evidence", json(self.evidence.as_deref()))?,
            change: stored("change", json(self.change.as_deref()))?,
            previous: stored("digest", self.previous.parse())?,
            digest: stored("digest", self.digest.parse())?,
        })
    }
}

/// A text that is JSON, as a value among others, to the letter: the digest is that of the text.
mod json_text {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error};
    use serde_json::value::RawValue;

    #[expect(clippy::ref_option, reason = "serde hands over a reference")]
    pub(super) fn serialize<S: Serializer>(
        text: &Option<String>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let value = text.clone().map(RawValue::from_string);
        value.transpose().map_err(S::Error::custom)?.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<String>, D::Error> {
        let value = Option::<Box<RawValue>>::deserialize(from)?;
        Ok(value.map(|value| value.get().to_owned()))
    }
}
