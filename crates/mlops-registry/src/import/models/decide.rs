//! What follows from a model of the source, given the model of that name here.

use std::collections::BTreeMap;

use mlops_core::VersionNumber;

use super::{Model, Version, read::tombstone};
use crate::{
    Result, Stage, alias,
    backend::Situation,
    change::{Change, Draft},
    stage,
};

/// What the audit trail says.
const REASON: &str = "imported from MLflow";

/// What a decision says beside its changes.
#[derive(Debug, Default)]
pub(super) struct Decided {
    pub(super) new: bool,
    /// For each version that is not deleted there, whether it is new here.
    pub(super) versions: Vec<bool>,
    pub(super) notes: Vec<String>,
}

/// Decides on the changes of one model.
pub(super) fn decide(
    now: &Situation<'_>,
    model: &Model,
    decided: &mut Decided,
) -> Result<Vec<Draft>> {
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
                    created: model.created,
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
    aliases(now, model, &mut drafts, decided);
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

fn aliases(now: &Situation<'_>, model: &Model, drafts: &mut Vec<Draft>, decided: &mut Decided) {
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
}
