//! What MLflow's client 3.17.2 said to its own server, said to this one: the answers must be the same, field by field.
//!
//! `golden/mlflow/record.py` recorded the calls. What a server makes up itself is bound when it is first seen:
//! identities stand there as `<run 1>`, times must be whole numbers. Where the peer is weak we differ, and `EXTRA`,
//! `LACKING` and `UNEQUAL` say where.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use mlops_registry::Registry;
use mlops_serve::TrackingServer;
use serde_json::Value;

use crate::support::{Answer, Call};

/// What only our answers have: a run always has its outputs, a version always names its logged model and its aliases,
/// a logged model the versions that were made from it.
const EXTRA: [&str; 4] = ["outputs", "model_id", "aliases", "registrations"];
/// What only the peer's answers have: presigned URLs, the classes of Databricks' errors.
const LACKING: [&str; 5] = [
    "sqlstate",
    "error_class",
    "presigned_upload_run_id_supported",
    "presigned_upload_model_id_supported",
    "features_enabled",
];
/// What is for people, or opaque.
const UNEQUAL: [&str; 2] = ["message", "next_page_token"];
const PINNED: &str = "model-versions/get-download-uri";
/// Set by the peer's server and again by its client, which leaves the same version in it twice.
const DOUBLED: &str = "mlflow.modelVersions";

/// What the names in the record stand for on our server.
#[derive(Debug, Default)]
struct Bindings(BTreeMap<String, String>);

impl Bindings {
    /// Our form of a text of the record.
    fn ours(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.0 {
            text = text.replace(name, value);
        }
        text
    }

    /// Binds the names in a text of the record to what stands there in ours.
    fn bind(&mut self, recorded: &str, found: &str) {
        let known = self.ours(recorded);
        let (Some(start), Some(end)) = (known.find('<'), known.find('>')) else {
            return;
        };
        let (name, rest) = (&known[start..=end], &known[end + 1..]);
        let rest = rest.split('<').next().unwrap();
        let Some(found) = found.get(start..) else {
            return;
        };
        let length = if rest.is_empty() {
            found.len()
        } else {
            found.find(rest).unwrap_or(found.len())
        };
        self.0.insert(name.to_owned(), found[..length].to_owned());
    }

    fn compare(&mut self, place: &str, recorded: &Value, found: &Value) {
        match (recorded, found) {
            (Value::Object(recorded), Value::Object(found)) => {
                for (key, value) in recorded {
                    let place = format!("{place}.{key}");
                    let Some(other) = found.get(key) else {
                        let empty = value.as_array().is_some_and(|list| by_key(list).is_empty());
                        let lacking = empty || LACKING.contains(&key.as_str());
                        assert!(lacking, "{place} is missing");
                        continue;
                    };
                    let made_up =
                        key.starts_with("creation_time") || key.starts_with("last_update");
                    if made_up {
                        assert!(other.is_i64(), "{place}: {other}");
                    } else if UNEQUAL.contains(&key.as_str()) {
                        assert!(other.is_string(), "{place}: {other}");
                    } else {
                        self.compare(&place, value, other);
                    }
                }
                for key in found.keys() {
                    let known = recorded.contains_key(key) || EXTRA.contains(&key.as_str());
                    assert!(known, "{place}.{key} is not in the record");
                }
            }
            (Value::Array(recorded), Value::Array(found)) => {
                let (recorded, found) = (by_key(recorded), by_key(found));
                assert_eq!(recorded.len(), found.len(), "{place}: {found:?}");
                for (recorded, found) in recorded.iter().zip(&found) {
                    self.compare(&format!("{place}[]"), recorded, found);
                }
            }
            (Value::String(recorded), Value::String(found)) => {
                self.bind(recorded, found);
                assert_eq!(&self.ours(recorded), found, "{place}");
            }
            (recorded, found) => assert_eq!(recorded, found, "{place}"),
        }
    }
}

/// Lists of keys and values, and of versions, in the order of those, since the peer's come in any.
fn by_key(list: &[Value]) -> Vec<&Value> {
    let key = |value: &&Value| {
        let key = value["key"].as_str().or(value["version"].as_str());
        key.map(str::to_owned)
    };
    let mut list: Vec<&Value> = list.iter().collect();
    list.retain(|value| value["key"] != DOUBLED);
    list.sort_by_key(key);
    list
}

fn body(bindings: &Bindings, body: &Value) -> Vec<u8> {
    match (body.get("json"), body["base64"].as_str()) {
        (Some(json), _) => bindings.ours(&json.to_string()).into_bytes(),
        (None, Some(base64)) => STANDARD.decode(base64).unwrap(),
        (None, None) => Vec::new(),
    }
}

#[test]
fn the_answers_to_recorded_calls_are_those_of_the_peer() {
    let record: Value = serde_json::from_str(include_str!("../golden/mlflow/calls.json")).unwrap();
    let registry = Registry::memory().unwrap();
    let server = TrackingServer::new(registry).bind("127.0.0.1:0").unwrap();
    let mut bindings = Bindings::default();
    let calls = record["calls"].as_array().unwrap();
    assert!(calls.len() > 100);
    for call in calls {
        let text = |key: &str| call[key].as_str().unwrap_or_default();
        let told = format!("{}: {} {}", text("step"), text("verb"), text("path"));
        let path = bindings.ours(text("path"));
        let mut request = Call::to(server.addr());
        if let Some(kind) = call["type"].as_str() {
            request = request.header("content-type", kind);
        }
        let answer: Answer = request.send(text("verb"), &path, &body(&bindings, &call["body"]));
        let shown = String::from_utf8_lossy(&answer.body);
        assert_eq!(u64::from(answer.status), call["status"], "{told}: {shown}");
        match call["reply"].get("json") {
            // the content of a version is kept here under the version, and there under what it was made from
            Some(_) if text("path").contains(PINNED) => {
                let uri = answer.json()["artifact_uri"].clone();
                let uri = uri.as_str().unwrap();
                assert!(
                    uri.starts_with("mlflow-artifacts:/registered-models/"),
                    "{uri}"
                );
            }
            Some(reply) => bindings.compare(&told, reply, &answer.json()),
            None => assert_eq!(answer.body, body(&bindings, &call["reply"]), "{told}"),
        }
    }
}
