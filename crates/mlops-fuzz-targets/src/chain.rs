//! Audit records with the numbers, links and digests that a chain has, whatever else they say.

use std::collections::BTreeMap;

use mlops_core::{Digest, DigestBuilder};
use serde_json::{Map, Value, json};

/// The end of each chain, by model: its entries and its last digest.
pub(crate) type Ends = BTreeMap<String, (u64, String)>;

/// The beginning of every chain.
fn root() -> String {
    Digest::of(b"mlops registry audit trail").to_string()
}

/// Makes a record follow the end of its chain; `None` if it is no object.
pub(crate) fn link(record: &Value, ends: &mut Ends, single: bool) -> Option<Value> {
    let given = record.as_object()?;
    let text = |name: &str| given.get(name).and_then(Value::as_str).map(str::to_owned);
    let model = text("model").unwrap_or_else(|| "m".into());
    let chain = if single { String::new() } else { model.clone() };
    let (entries, previous) = ends.entry(chain).or_insert_with(|| (0, root()));
    let id = *entries + 1;
    let format = if given.get("format") == Some(&json!(1)) {
        1
    } else {
        2
    };
    let time = given.get("time_us").and_then(Value::as_i64).unwrap_or(0);
    let (actor, action, reason) = (
        text("actor").unwrap_or_else(|| "ada".into()),
        text("action").unwrap_or_else(|| "create".into()),
        text("reason").unwrap_or_default(),
    );
    let version = given.get("version").and_then(Value::as_i64);
    let mut digest = DigestBuilder::new();
    if format != 1 {
        digest.part("format", &i64::from(format).to_le_bytes());
    }
    digest
        .part("previous", previous.as_bytes())
        .part("id", &id.to_le_bytes())
        .part("time", &time.to_le_bytes())
        .part("actor", actor.as_bytes())
        .part("action", action.as_bytes())
        .part("model", model.as_bytes())
        .part("reason", reason.as_bytes());
    if let Some(version) = version {
        digest.part("version", &version.to_le_bytes());
    }
    let mut linked = Map::new();
    for name in ["alias", "from", "to"] {
        if let Some(text) = text(name) {
            digest.part(name, text.as_bytes());
        }
        linked.insert(name.into(), json!(text(name)));
    }
    for name in ["evidence", "change"] {
        let value = given.get(name).cloned().unwrap_or_default();
        if !value.is_null() {
            digest.part(name, value.to_string().as_bytes());
        }
        linked.insert(name.into(), value);
    }
    let digest = digest.finish().to_string();
    let rest = json!({
        "format": format, "id": id, "time_us": time, "actor": actor, "action": action,
        "model": model, "version": version, "reason": reason, "previous": previous,
        "digest": digest,
    });
    linked.extend(rest.as_object().cloned().unwrap_or_default());
    (*entries, *previous) = (id, digest);
    Some(Value::Object(linked))
}

/// The records in lines of JSON, each linked to the one before it.
pub(crate) fn linked(data: &[u8], single: bool) -> (Vec<Value>, Ends) {
    let mut ends = Ends::new();
    let lines = data.split(|byte| *byte == b'\n').take(64);
    let read = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let records = read
        .filter_map(|record| link(&record, &mut ends, single))
        .collect();
    (records, ends)
}
