//! Registered models: one commit for each, with its versions, tombstones, stages, aliases and tags.
//!
//! From its first import on a model is governed here: a later one adds versions, tags and aliases that are not
//! here yet, and moves nothing.

use std::collections::BTreeMap;

use mlops_core::{AliasName, Digest, EventTime, Lineage, ModelName, Principal, VersionNumber};

use super::{ImportReport, driver::Import, source::time};
use crate::{
    Content, LoggedModelId, ModelVersion, Result, Stage, VersionStatus, alias,
    backend::Situation,
    change::{Change, Draft},
    error::cut,
    key::{PROSE_LIMIT, check_length},
    new_version::{SOURCE_LIMIT, TAGS, check_line, check_tag},
    stage,
};

/// The greatest number of a version: each smaller number that is missing becomes a tombstone.
const VERSIONS: i64 = 100_000;
/// The stage of a version that was deleted.
const DELETED: &str = "Deleted_Internal";
/// What the audit trail says.
const REASON: &str = "imported from MLflow";

/// A registered model of the source.
#[derive(Debug)]
struct Model {
    name: ModelName,
    description: String,
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
                if let Some(model) = read(import, name, parsed, &about)? {
                    write(import, &model, &about)?;
                }
            }
            Err(error) => import.report.note(about, format!("left out: {error}")),
        }
    }
    Ok(())
}

fn read(
    import: &mut Import<'_>,
    name: &str,
    parsed: ModelName,
    about: &str,
) -> Result<Option<Model>> {
    let place = import.source.in_default_workspace();
    let mut model = Model {
        name: parsed,
        description: String::new(),
        tags: BTreeMap::new(),
        versions: BTreeMap::new(),
        aliases: BTreeMap::new(),
    };
    let sql = format!("SELECT description FROM registered_models WHERE name = ?1 AND {place}");
    import
        .source
        .each("registered_models", &sql, [name], |row| {
            model.description = row.maybe_text(0, "description")?.unwrap_or_default();
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
        let Some(version) = VersionNumber::try_from(number)
            .ok()
            .filter(|version| (1..=VERSIONS).contains(&i64::from(*version)))
        else {
            strange = Some(number);
            return Ok(());
        };
        let about = format!("version {version} of `{}`", model.name);
        let mut left_out = |what: &str, text: Option<String>| {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                report.note(&about, format!("{what} is left out: {}", cut(&text)));
            }
        };
        let stage = row.maybe_text(5, "current_stage")?.unwrap_or_default();
        if stage == DELETED {
            model.versions.insert(version, None);
            return Ok(());
        }
        left_out(
            "what is said about its status",
            row.maybe_text(9, "status_message")?,
        );
        left_out("its link to a run", row.maybe_text(10, "run_link")?);
        let stage = if stage.is_empty() {
            Ok(Stage::None)
        } else {
            stage.parse()
        };
        let stage = stage.unwrap_or_else(|error: crate::Error| {
            left_out("its stage", Some(error.to_string()));
            Stage::None
        });
        let source = row.maybe_text(6, "source")?.unwrap_or_default();
        let source = match check_line("source", &source, SOURCE_LIMIT) {
            Ok(()) => Some(source),
            Err(error) => {
                left_out("its source", Some(error.to_string()));
                None
            }
        };
        let run = row.maybe_text(7, "run_id")?.filter(|run| !run.is_empty());
        let run = run.and_then(|run| {
            let parsed: Result<_> = run.parse();
            parsed
                .map_err(|error| left_out("its run", Some(error.to_string())))
                .ok()
        });
        let status = row.maybe_text(8, "status")?.unwrap_or_default();
        let status = status.parse().unwrap_or_else(|error: crate::Error| {
            left_out("its status", Some(error.to_string()));
            VersionStatus::Ready
        });
        let description = row.maybe_text(3, "description")?.unwrap_or_default();
        let description = match check_length("the description", &description, PROSE_LIMIT) {
            Ok(()) => description,
            Err(error) => {
                left_out("its description", Some(error.to_string()));
                String::new()
            }
        };
        let author = row
            .maybe_text(4, "user_id")?
            .filter(|user| !user.is_empty());
        let author = author.and_then(|user| {
            let parsed = Principal::new(user);
            parsed
                .map_err(|error| left_out("its author", Some(error.to_string())))
                .ok()
        });
        let created = row.maybe_int(1, "creation_time")?.and_then(time);
        let updated = row.maybe_int(2, "last_updated_time")?.and_then(time);
        let created = created.or(updated).unwrap_or(EventTime::from_micros(0));
        let version = ModelVersion {
            version,
            run,
            created,
            updated: updated.unwrap_or(created),
            actor: author.unwrap_or_else(|| registry.actor().clone()),
            description,
            status,
            ..tombstone(&model.name, version, source.as_deref(), registry.actor())
        };
        model
            .versions
            .insert(version.version, Some(Version { version, stage }));
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

/// A version of which nothing is known but its source.
fn tombstone(
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

/// What a decision says beside its changes.
#[derive(Debug, Default)]
struct Decided {
    new: bool,
    /// For each version that is not deleted there, whether it is new here.
    versions: Vec<bool>,
    notes: Vec<String>,
}

fn decide(now: &Situation<'_>, model: &Model, decided: &mut Decided) -> Result<Vec<Draft>> {
    now.may(mlops_core::Action::Administer)?;
    let state = now.state.filter(|state| state.deleted.is_none());
    let mut drafts = Vec::new();
    if let Some(gone) = now
        .state
        .filter(|state| state.deleted.is_some() || state.name != model.name)
    {
        let text = if gone.deleted.is_some() {
            "it was deleted here"
        } else {
            "it has another name here"
        };
        decided.notes.push(format!("left out: {text}"));
        return Ok(drafts);
    }
    match state {
        None => {
            if let Some(twin) = (now.taken)(&model.name)? {
                decided
                    .notes
                    .push(format!("left out: its name is hard to tell from `{twin}`"));
                return Ok(drafts);
            }
            decided.new = true;
            drafts.push(Draft::new(
                Change::ModelCreated {
                    name: model.name.clone(),
                    description: model.description.clone(),
                    tags: model.tags.clone(),
                },
                REASON,
            ));
        }
        Some(state) => {
            for (number, version) in &state.versions {
                let same = |theirs: &Version| theirs.version.source == version.source;
                if !model
                    .versions
                    .get(number)
                    .is_some_and(|theirs| theirs.as_ref().is_none_or(same))
                {
                    decided.notes.push(format!(
                        "left as it is: version {number} is another one here"
                    ));
                    return Ok(drafts);
                }
            }
            for (key, value) in &model.tags {
                if !state.tags.contains_key(key) {
                    let change = Change::ModelTagged {
                        key: key.clone(),
                        value: Some(value.clone()),
                    };
                    drafts.push(Draft::new(change, REASON));
                }
            }
        }
    }
    let next = state.map_or(1, |state| state.next);
    versions(now, model, next, &mut drafts, decided);
    aliases(now, model, &mut drafts, decided)?;
    Ok(drafts)
}

/// Registers what is new, number by number, then moves it to its stage.
fn versions(
    now: &Situation<'_>,
    model: &Model,
    next: VersionNumber,
    drafts: &mut Vec<Draft>,
    decided: &mut Decided,
) {
    let last = model.versions.last_key_value().map_or(0, |(last, _)| *last);
    for (number, version) in model.versions.range(..next) {
        if let Some(theirs) = version {
            decided.versions.push(false);
            let here = now.state.and_then(|state| state.versions.get(number));
            let known = here.map(|here| &here.tags);
            for (key, value) in &theirs.version.tags {
                if known.is_some_and(|tags| !tags.contains_key(key)) {
                    let change = Change::VersionTagged {
                        version: *number,
                        key: key.clone(),
                        value: Some(value.clone()),
                    };
                    drafts.push(Draft::new(change, REASON));
                }
            }
        }
    }
    for number in next..=last {
        let theirs = model.versions.get(&number).and_then(Option::as_ref);
        let mut version = theirs.map_or_else(
            || tombstone(&model.name, number, None, now.actor),
            |theirs| theirs.version.clone(),
        );
        if theirs.is_none() {
            (version.created, version.updated) = (now.now, now.now);
        }
        let change = Change::VersionRegistered {
            version: Box::new(version),
            sizes: BTreeMap::new(),
        };
        drafts.push(Draft::new(change, REASON));
        if theirs.is_some() {
            decided.versions.push(true);
        } else {
            drafts.push(Draft::new(
                Change::VersionDeleted { version: number },
                REASON,
            ));
        }
    }
    // the newest first: it is the one that serves where MLflow has several in Production
    let mut serving = now
        .state
        .and_then(|state| state.champion())
        .map(|version| version.version);
    for (number, theirs) in model.versions.range(next..).rev() {
        let Some(Version { stage, .. }) = theirs else {
            continue;
        };
        let mut to = *stage;
        let asked = now
            .policy
            .is_some_and(|policy| policy.rules(&model.name, to).next().is_some());
        if asked {
            decided.notes.push(format!(
                "version {number} is in {to} there: the policy asks for a request here"
            ));
            continue;
        }
        if to == Stage::Production {
            if let Some(serving) = serving {
                decided.notes.push(format!(
                    "version {number} is in Production there as well as {serving}: it is archived here"
                ));
                to = Stage::Archived;
            } else {
                serving = Some(*number);
            }
        }
        if to == Stage::None {
            continue;
        }
        let change = Change::StageChanged {
            version: *number,
            from: Stage::None,
            to,
        };
        drafts.push(Draft::new(change, REASON));
        if to == Stage::Production {
            let change = Change::AliasSet {
                alias: stage::production(),
                from: None,
                to: *number,
            };
            drafts.push(Draft::new(change, REASON));
        }
    }
}

fn aliases(
    now: &Situation<'_>,
    model: &Model,
    drafts: &mut Vec<Draft>,
    decided: &mut Decided,
) -> Result<()> {
    for (name, number) in &model.aliases {
        let follows = |draft: &Draft| matches!(&draft.change, Change::AliasSet { alias, to, .. } if alias == name && to == number);
        let here = now.state.and_then(|state| state.aliases.get(name)).copied();
        if drafts.iter().any(follows) || here == Some(*number) {
            continue;
        }
        if let Some(here) = here {
            decided.notes.push(format!(
                "alias `{name}` stays at version {here}; there it points at {number}"
            ));
            continue;
        }
        let refused =
            alias::check_free(&model.name, name).and_then(|()| alias::check_protected(now, name));
        if let Err(error) = refused {
            decided.notes.push(format!(
                "alias `{name}` of version {number} is left out: {error}"
            ));
            continue;
        }
        let gone = now
            .state
            .is_some_and(|state| *number < state.next && !state.versions.contains_key(number));
        if gone {
            decided.notes.push(format!(
                "alias `{name}` is left out: version {number} was deleted here"
            ));
            continue;
        }
        let change = Change::AliasSet {
            alias: name.clone(),
            from: None,
            to: *number,
        };
        drafts.push(Draft::new(change, REASON));
    }
    Ok(())
}
