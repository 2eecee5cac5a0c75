//! Registered models: one commit for each, with its versions, tombstones, stages, aliases and tags.
//!
//! From its first import on a model is governed here: a later one adds versions, tags and aliases that are not
//! here yet, and moves nothing.

mod decide;
mod read;

use std::collections::BTreeMap;

use mlops_core::{AliasName, EventTime, ModelName, VersionNumber};

use self::decide::{Decided, decide};
use super::driver::Import;
use crate::{ModelVersion, Result, Stage, error::cut};

/// A registered model of the source.
#[derive(Debug)]
struct Model {
    name: ModelName,
    description: String,
    created: Option<EventTime>,
    tags: BTreeMap<String, String>,
    /// By number; a deleted one is `None`.
    versions: BTreeMap<VersionNumber, Option<Version>>,
    aliases: BTreeMap<AliasName, VersionNumber>,
}

/// A version of the source, and the stage that it is in.
#[derive(Debug, Clone)]
struct Version {
    version: ModelVersion,
    stage: Stage,
}

/// Takes all registered models over.
pub(super) fn take(import: &mut Import<'_>) -> Result<()> {
    if let Some(remote) = import.remote {
        remote.models(&import.source)?;
    }
    let mut names = Vec::new();
    let sql = format!(
        "SELECT name FROM registered_models WHERE {} ORDER BY name",
        import.source.in_default_workspace()
    );
    import.source.each("registered_models", &sql, [], |row| {
        names.push(row.text(0, "name")?);
        Ok(())
    })?;
    let elsewhere = import.source.elsewhere("registered_models")?;
    if elsewhere > 0 {
        let text = format!(
            "{elsewhere} registered models of theirs are left out: there is one space of names here"
        );
        import.report.note("the other workspaces", text);
    }
    for name in &names {
        let about = format!("registered model `{}`", cut(name));
        match ModelName::new(name.as_str()) {
            Ok(parsed) => {
                if let Some(remote) = import.remote {
                    remote.versions(&import.source, &parsed)?;
                }
                if let Some(model) = read::read(import, name, parsed, &about)? {
                    write(import, &model, &about)?;
                }
            }
            Err(error) => import.report.note(about, format!("left out: {error}")),
        }
        import.tell();
    }
    Ok(())
}

fn write(import: &mut Import<'_>, model: &Model, about: &str) -> Result<()> {
    let mut decided = Decided::default();
    import.registry.commit(&model.name, &mut |now| {
        decided = Decided::default();
        decide(&now, model, &mut decided)
    })?;
    import.report.models.add(decided.new);
    for new in &decided.versions {
        import.report.versions.add(*new);
    }
    for note in decided.notes {
        import.report.note(about, note);
    }
    Ok(())
}
