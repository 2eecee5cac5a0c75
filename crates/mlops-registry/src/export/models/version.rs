//! The versions of one model: made in the order of their numbers, then brought to where they stand here.

use std::collections::BTreeSet;

use mlops_core::VersionNumber;
use serde_json::{Value, json};

use super::{Found, Versions, source, version_of};
use crate::{
    ModelVersion, Result,
    export::{
        MlflowVerb,
        driver::{Export, ID_TAG, pairs},
        runs::note,
    },
    state::ModelState,
};

/// The first version there that comes from somebody else.
pub(super) fn foreign(there: &Versions) -> Option<VersionNumber> {
    // one that was made for a later number holds the place of one that was deleted here
    let strange = |(number, found): &(&VersionNumber, &Found)| {
        meant(found).is_none_or(|meant| meant < **number)
    };
    there.iter().find(strange).map(|(number, _)| *number)
}

/// Sends all versions; returns those that stand there.
pub(super) fn send_all(
    export: &mut Export<'_>,
    state: &ModelState,
    mut there: Versions,
    what: &str,
) -> Result<BTreeSet<VersionNumber>> {
    let known = there.last_key_value().map_or(0, |(last, _)| *last);
    for (number, version) in &state.versions {
        if there.contains_key(number) {
            continue;
        }
        if *number < known {
            let text = format!("version {number} was deleted there: left as it is");
            note(export, what, &text);
            continue;
        }
        loop {
            let made = make(export, version, what)?;
            let got = version_of(&made, what)?;
            if got > *number {
                delete(export, state, got, what)?;
                let text =
                    format!("left out from version {number} on: the next number there is {got}");
                note(export, what, &text);
                return finish(export, state, &there, what);
            }
            there.insert(got, Found::of(&made));
            if got == *number {
                export.report.new_versions += 1;
                break;
            }
        }
    }
    finish(export, state, &there, what)
}

/// Brings each version to where it stands here, and takes away what was deleted here.
fn finish(
    export: &mut Export<'_>,
    state: &ModelState,
    there: &Versions,
    what: &str,
) -> Result<BTreeSet<VersionNumber>> {
    let mut sent = BTreeSet::new();
    for (number, found) in there {
        match state.versions.get(number) {
            Some(version) if meant(found) == Some(*number) => {
                update(export, version, found)?;
                sent.insert(*number);
            }
            _ => delete(export, state, *number, what)?,
        }
    }
    Ok(sent)
}

fn make(export: &mut Export<'_>, version: &ModelVersion, what: &str) -> Result<Value> {
    let from = source::of(export, version, &about(version))?;
    let mut tags = version.tags.clone();
    tags.extend(from.tag);
    tags.insert(ID_TAG.to_owned(), identity(version));
    let mut body = json!({
        "name": version.model,
        "source": from.source,
        "description": version.description,
        "tags": pairs(&tags),
    });
    for (field, id) in [("run_id", from.run), ("model_id", from.model)] {
        if let Some(id) = id {
            body[field] = json!(id);
        }
    }
    Ok(export.post("/model-versions/create", what, body)?["model_version"].clone())
}

/// Brings a version to where it stands here.
fn update(export: &Export<'_>, version: &ModelVersion, found: &Found) -> Result<()> {
    let what = about(version);
    let named = || json!({ "name": version.model, "version": version.version.to_string() });
    if found.description != version.description {
        let mut body = named();
        body["description"] = json!(version.description);
        export.call(MlflowVerb::Patch, "/model-versions/update", &what, body)?;
    }
    for (key, value) in &version.tags {
        if found.tags.get(key) != Some(value) && key != ID_TAG {
            let mut body = named();
            body["key"] = json!(key);
            body["value"] = json!(value);
            export.post("/model-versions/set-tag", &what, body)?;
        }
    }
    if found.stage != version.stage.as_str() {
        let mut body = named();
        body["stage"] = json!(version.stage);
        // the others are moved to where they stand here, each by itself
        body["archive_existing_versions"] = json!(false);
        export.post("/model-versions/transition-stage", &what, body)?;
    }
    Ok(())
}

fn delete(
    export: &Export<'_>,
    state: &ModelState,
    number: VersionNumber,
    what: &str,
) -> Result<()> {
    let body = json!({ "name": state.name, "version": number.to_string() });
    export
        .call(MlflowVerb::Delete, "/model-versions/delete", what, body)
        .map(drop)
}

fn about(version: &ModelVersion) -> String {
    format!("version {} of `{}`", version.version, version.model)
}

/// What the tag of a version says.
pub(super) fn identity(version: &ModelVersion) -> String {
    format!("{}@{}", version.version, version.digest)
}

/// The number that a version was made for, if it comes from here.
fn meant(found: &Found) -> Option<VersionNumber> {
    let (number, _) = found.tags.get(ID_TAG)?.split_once('@')?;
    number.parse().ok()
}
