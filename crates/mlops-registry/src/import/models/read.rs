//! A registered model as the source tells it, without what nobody could have registered here.

use std::collections::BTreeMap;

use mlops_core::{AliasName, Digest, EventTime, Lineage, ModelName, Principal, VersionNumber};

use super::{Model, Version};
use crate::{
    Content, LoggedModelId, ModelVersion, Result, RunId, Stage, VersionStatus,
    error::cut,
    import::{
        ImportReport,
        driver::Import,
        source::{Fields, time},
    },
    key::{PROSE_LIMIT, check_length},
    new_version::{SOURCE_LIMIT, TAGS, check_line, check_tag},
};

/// The greatest number of a version: each smaller number that is missing becomes a tombstone.
const VERSIONS: i64 = 100_000;
/// The stage of a version that was deleted.
const DELETED: &str = "Deleted_Internal";

/// Reads a model; `None` with a note if it has no place here.
pub(super) fn read(
    import: &mut Import<'_>,
    name: &str,
    parsed: ModelName,
    about: &str,
) -> Result<Option<Model>> {
    let place = import.source.in_default_workspace();
    let mut model = Model {
        name: parsed,
        description: String::new(),
        created: None,
        tags: BTreeMap::new(),
        versions: BTreeMap::new(),
        aliases: BTreeMap::new(),
    };
    let sql = format!(
        "SELECT description, creation_time FROM registered_models WHERE name = ?1 AND {place}"
    );
    import
        .source
        .each("registered_models", &sql, [name], |row| {
            model.description = row.maybe_text(0, "description")?.unwrap_or_default();
            model.created = row.maybe_int(1, "creation_time")?.and_then(time);
            Ok(())
        })?;
    if let Err(error) = check_length("the description", &model.description, PROSE_LIMIT) {
        import.report.note(about, format!("left out: {error}"));
        model.description.clear();
    }
    let sql = format!(
        "SELECT key, value FROM registered_model_tags WHERE name = ?1 AND {place} ORDER BY key"
    );
    let tags = import.source.pairs("registered_model_tags", &sql, [name])?;
    model.tags = valid_tags(tags, about, &mut import.report);
    if !read_versions(import, name, place, &mut model, about)? {
        return Ok(None);
    }
    let sql =
        format!("SELECT alias, version FROM registered_model_aliases WHERE name = ?1 AND {place}");
    let mut aliases = Vec::new();
    import
        .source
        .each("registered_model_aliases", &sql, [name], |row| {
            aliases.push((row.text(0, "alias")?, row.int(1, "version")?));
            Ok(())
        })?;
    for (alias, number) in aliases {
        let number = VersionNumber::try_from(number).ok();
        let number = number.filter(|number| matches!(model.versions.get(number), Some(Some(_))));
        match (AliasName::new(alias.as_str()), number) {
            (Ok(alias), Some(number)) => {
                model.aliases.insert(alias, number);
            }
            (Err(error), _) => import.report.note(about, format!("left out: {error}")),
            (_, None) => {
                let text = format!("alias `{}` points at no version: left out", cut(&alias));
                import.report.note(about, text);
            }
        }
    }
    Ok(Some(model))
}

/// Reads the versions of a model; says whether they can be kept.
fn read_versions(
    import: &mut Import<'_>,
    name: &str,
    place: &str,
    model: &mut Model,
    about: &str,
) -> Result<bool> {
    let sql = format!(
        "SELECT version, creation_time, last_updated_time, description, user_id, current_stage, source,
            run_id, status, status_message, run_link
         FROM model_versions WHERE name = ?1 AND {place} ORDER BY version"
    );
    let Import {
        source,
        report,
        registry,
        ..
    } = import;
    let mut strange = None;
    source.each("model_versions", &sql, [name], |row| {
        let number = row.int(0, "version")?;
        let version = VersionNumber::try_from(number).ok();
        let version = version.filter(|version| (1..=VERSIONS).contains(&i64::from(*version)));
        let Some(version) = version else {
            strange = Some(number);
            return Ok(());
        };
        let found = version_of(row, &model.name, version, registry.actor(), report)?;
        model.versions.insert(version, found);
        Ok(())
    })?;
    if let Some(number) = strange {
        report.note(about, format!("left out: it has a version {number}"));
        return Ok(false);
    }
    let numbers: Vec<VersionNumber> = model.versions.keys().copied().collect();
    for number in numbers {
        let sql = format!(
            "SELECT key, value FROM model_version_tags WHERE name = ?1 AND version = ?2 AND {place} ORDER BY key"
        );
        let tags = source.pairs("model_version_tags", &sql, (name, number))?;
        if let Some(Some(version)) = model.versions.get_mut(&number) {
            let about = format!("version {number} of `{}`", model.name);
            version.version.tags = valid_tags(tags, &about, report);
        }
    }
    Ok(true)
}

/// Reads a version; `None` if it was deleted.
fn version_of(
    row: &Fields<'_, '_>,
    model: &ModelName,
    number: VersionNumber,
    actor: &Principal,
    report: &mut ImportReport,
) -> Result<Option<Version>> {
    let stage = row.maybe_text(5, "current_stage")?.unwrap_or_default();
    if stage == DELETED {
        return Ok(None);
    }
    let text = |at, column| row.maybe_text(at, column).map(Option::unwrap_or_default);
    let description = text(3, "description")?;
    let author = text(4, "user_id")?;
    let source = text(6, "source")?;
    let run = text(7, "run_id")?;
    let status = text(8, "status")?;
    let about = format!("version {number} of `{model}`");
    for (what, said) in [
        ("what is said about its status", text(9, "status_message")?),
        ("its link to a run", text(10, "run_link")?),
    ] {
        if !said.is_empty() {
            report.note(&about, format!("{what} is left out: {}", cut(&said)));
        }
    }
    let mut or_note = |what: &str, checked: Result<()>| match checked {
        Ok(()) => true,
        Err(error) => {
            report.note(&about, format!("{what} is left out: {error}"));
            false
        }
    };
    let parsed = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let stage = parsed(&stage).map(|stage| stage.parse::<Stage>());
    let stage = stage
        .transpose()
        .map_err(|error| or_note("its stage", Err(error)));
    let run = parsed(&run).map(|run| run.parse::<RunId>());
    let run = run
        .transpose()
        .map_err(|error| or_note("its run", Err(error)));
    let status = parsed(&status).map(|status| status.parse::<VersionStatus>());
    let status = status
        .transpose()
        .map_err(|error| or_note("its status", Err(error)));
    let author = parsed(&author).map(Principal::new);
    let author = author
        .transpose()
        .map_err(|error| or_note("its author", Err(error.into())));
    let sound = or_note("its source", check_line("source", &source, SOURCE_LIMIT));
    let source = sound.then_some(source);
    let told = check_length("the description", &description, PROSE_LIMIT);
    let described = or_note("its description", told);
    let created = row.maybe_int(1, "creation_time")?.and_then(time);
    let updated = row.maybe_int(2, "last_updated_time")?.and_then(time);
    let created = created.or(updated).unwrap_or(EventTime::from_micros(0));
    let version = ModelVersion {
        run: run.unwrap_or_default(),
        created,
        updated: updated.unwrap_or(created),
        actor: author.unwrap_or_default().unwrap_or_else(|| actor.clone()),
        description: if described {
            description
        } else {
            String::new()
        },
        status: status.unwrap_or_default().unwrap_or_default(),
        ..tombstone(model, number, source.as_deref(), actor)
    };
    let stage = stage.unwrap_or_default().unwrap_or(Stage::None);
    Ok(Some(Version { version, stage }))
}

/// A version of which nothing is known but its source.
pub(super) fn tombstone(
    model: &ModelName,
    version: VersionNumber,
    source: Option<&str>,
    actor: &Principal,
) -> ModelVersion {
    let logged_model = source
        .and_then(|source| source.strip_prefix("models:/"))
        .and_then(|id| id.parse::<LoggedModelId>().ok());
    ModelVersion {
        model: model.clone(),
        version,
        stage: Stage::None,
        run: None,
        content: Content::Source,
        digest: Digest::of(source.unwrap_or_default().as_bytes()),
        created: EventTime::from_micros(0),
        actor: actor.clone(),
        lineage: Lineage::default(),
        parent: None,
        signature: None,
        source: source.map(str::to_owned),
        logged_model: logged_model.map(|id| id.as_str().to_owned()),
        files: BTreeMap::new(),
        signatures: BTreeMap::new(),
        description: String::new(),
        tags: BTreeMap::new(),
        status: VersionStatus::Ready,
        updated: EventTime::from_micros(0),
    }
}

fn valid_tags(
    tags: Vec<(String, String)>,
    about: &str,
    report: &mut ImportReport,
) -> BTreeMap<String, String> {
    let mut valid = BTreeMap::new();
    for (key, value) in tags {
        match check_tag(&key, &value) {
            Ok(()) if valid.len() < TAGS => {
                valid.insert(key, value);
            }
            Ok(()) => report.note(about, format!("tag `{key}` is one too many: left out")),
            Err(error) => report.note(about, format!("left out: {error}")),
        }
    }
    valid
}
