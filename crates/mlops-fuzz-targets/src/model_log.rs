//! No entry in the logs of a registry on an object store brings it down: it is a change or damage.
//!
//! The first byte chooses: lines that are entries as they are, lines of records that are linked to the chain of one
//! model, or a checkpoint after them; an entry of the catalogue; an entry of the registry's own log. Whatever verifies is exported, and the export verifies.

use std::sync::Arc;

use mlops_core::Digest;
use mlops_registry::{Registry, verify_export};
use mlops_store::{Appended, CommitLog, Location, Objects, RetryPolicy};
use serde_json::{Value, json};

use crate::{chain::linked, commit_log::NoPause};

fn log(root: &Location, part: &str) -> CommitLog {
    let location = root.join(part).expect("a sound path");
    CommitLog::at(&location)
        .with_retries(RetryPolicy::default().attempts(2))
        .with_sleeper(Arc::new(NoPause))
}

fn of_model(root: &Location, name: &str) -> CommitLog {
    let mut id = Digest::of(name.as_bytes()).to_string();
    id.truncate(32);
    log(root, &format!("models/{id}"))
}

/// Appends to the end of a log, whose number is returned.
fn append(log: &CommitLog, entries: impl IntoIterator<Item = Vec<u8>>) -> u64 {
    let head = log.head().expect("memory answers");
    let mut number = head.map_or(0, |head| head.number);
    for entry in entries {
        let request = format!("r{number}").parse().expect("an id");
        let appended = log.append(number, &request, &entry);
        assert_eq!(appended.expect("memory takes it"), Appended::Won);
        number += 1;
    }
    number
}

fn entries(records: &[Value]) -> impl Iterator<Item = Vec<u8>> {
    let entry = |record| json!({"format": 1, "records": [record]}).to_string();
    records.iter().map(entry).map(String::into_bytes)
}

fn lines(data: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    data.split(|byte| *byte == b'\n').take(32).map(<[u8]>::to_vec)
}

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let root = Objects::new().locate("memory://registry/fuzz").expect("a URL");
    let open = || {
        Registry::builder("memory://")
            .models_at(root.clone())
            .sleeper(Arc::new(NoPause))
            .open()
    };
    append(&log(&root, "catalogue"), [br#"{"model":"m"}"#.to_vec()]);
    match choice % 5 {
        0 => {
            append(&of_model(&root, "m"), lines(rest));
        }
        1 => {
            append(&of_model(&root, "m"), entries(&linked(rest, true).0));
        }
        2 => {
            // the last line is a checkpoint of what the others lead to
            let at = rest.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
            let (records, checkpoint) = rest.split_at(at);
            let log = of_model(&root, "m");
            let number = append(&log, entries(&linked(records, true).0));
            if number > 0 {
                let _ = log.checkpoint(number, checkpoint);
            }
        }
        3 => {
            append(&log(&root, "catalogue"), lines(rest));
        }
        _ => {
            append(&of_model(&root, ".registry"), entries(&linked(rest, true).0));
        }
    }
    let Ok(registry) = open() else { return };
    let _ = registry.models();
    let _ = registry.policy();
    let _ = registry.model_infos().map(|infos| infos.take(4).count());
    let _ = registry.all_versions().map(|versions| versions.take(4).count());
    if let Ok(model) = registry.model("m") {
        let _ = model.info();
        let _ = model.champion();
        for version in model.versions().unwrap_or_default() {
            let _ = model.version(version.version);
        }
        let _ = model.set_tag("k", "v");
    }
    if registry.verify_audit().is_ok() {
        let mut export = Vec::new();
        if registry.export_audit(&mut export).is_ok() {
            verify_export(&mut export.as_slice(), &[]).expect("what verifies here verifies there");
        }
        let anchor = registry.anchor().expect("the chains end somewhere");
        registry.verify_anchor(&anchor).expect("nothing has changed");
    }
}
