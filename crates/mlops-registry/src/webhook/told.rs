//! From a record of the trail to the event that it is, in the words of MLflow's payloads.

use mlops_core::EventTime;
use serde_json::{Value, json};

use super::WebhookEvent;
use crate::{Result, RunId, audit::Record, change::Change};

impl WebhookEvent {
    /// The body that tells of an event, as MLflow's server writes it.
    pub fn body(self, time: EventTime, data: &Value) -> String {
        json!({
            "entity": self.entity(),
            "action": self.action(),
            "timestamp": time.to_string(),
            "data": data,
        })
        .to_string()
    }
}

/// Something to be told, and the digest of the record that it stands in.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) event: WebhookEvent,
    pub(super) body: String,
    pub(super) record: String,
}

/// What a record tells webhooks; most tell nothing.
pub(super) fn told(record: &Record) -> Result<Option<Told>> {
    let Some(change) = record.change()? else {
        return Ok(None);
    };
    let Some((event, data)) = event_of(&record.model, &change) else {
        return Ok(None);
    };
    Ok(Some(Told {
        event,
        body: event.body(EventTime::from_micros(record.time_us), &data),
        record: record.digest.clone(),
    }))
}

fn event_of(name: &str, change: &Change) -> Option<(WebhookEvent, Value)> {
    Some(match change {
        Change::ModelCreated {
            description, tags, ..
        } => (
            WebhookEvent::RegisteredModelCreated,
            json!({"name": name, "tags": tags, "description": description}),
        ),
        Change::VersionRegistered { version, .. } => (
            WebhookEvent::ModelVersionCreated,
            json!({
                "name": name,
                "version": version.version.to_string(),
                "source": version.source,
                "run_id": version.run.as_ref().map(RunId::as_str),
                "tags": version.tags,
                "description": version.description,
            }),
        ),
        Change::VersionTagged {
            version,
            key,
            value: Some(value),
        } => (
            WebhookEvent::ModelVersionTagSet,
            json!({"name": name, "version": version.to_string(), "key": key, "value": value}),
        ),
        Change::VersionTagged {
            version,
            key,
            value: None,
        } => (
            WebhookEvent::ModelVersionTagDeleted,
            json!({"name": name, "version": version.to_string(), "key": key}),
        ),
        Change::AliasSet { alias, to, .. } => (
            WebhookEvent::ModelVersionAliasCreated,
            json!({"name": name, "alias": alias.as_str(), "version": to.to_string()}),
        ),
        Change::AliasDeleted { alias, .. } => (
            WebhookEvent::ModelVersionAliasDeleted,
            json!({"name": name, "alias": alias.as_str()}),
        ),
        _ => return None,
    })
}
