//! Into production and back: by a request that was signed off, through a gate, or by hand.

use mlops::{
    core::{ModelName, VersionNumber},
    registry::{Action, Gate, Occupants, Registry, RequestState, Stage},
};

use crate::{
    Answer, Result,
    args::Args,
    governance::{evidence, read},
    model_named, version_number,
};

pub fn promote(registry: &Registry, args: &Args) -> Result<Answer> {
    let model = model_named(args.word(0))?;
    let version = version_number(args.word(1))?;
    let gate: Option<Gate> = args.flag("--gate").map(read).transpose()?;
    match (gate, evidence(args)?) {
        (Some(gate), Some(evidence)) => {
            let promotion = registry.promote_on(&model, version, &gate, &evidence)?;
            let text = format!("{model}/{version} is in production: {}", promotion.decision);
            let promoted = registry.resolve(&format!("{model}/{version}"))?;
            Answer::new(text, promoted)
        }
        (None, None) => produce(registry, &model, version, args.why()),
        (Some(_), None) => Err("--gate needs --evidence".into()),
        (None, Some(_)) => Err("--evidence needs --gate".into()),
    }
}

pub fn rollback(registry: &Registry, args: &Args) -> Result<Answer> {
    let model = model_named(args.word(0))?;
    let handle = registry.existing_model(&model)?;
    let now = handle.champion()?.map(|version| version.version);
    let there: Vec<VersionNumber> = handle.versions()?.iter().map(|v| v.version).collect();
    let entered = |action: Action| matches!(action, Action::Promoted | Action::StageChanged);
    let production = Stage::Production.to_string();
    let before = registry
        .audit(Some(&model))?
        .into_iter()
        .rev()
        .filter(|entry| entered(entry.action) && entry.to.as_ref() == Some(&production))
        .filter_map(|entry| entry.version)
        .find(|version| Some(*version) != now && there.contains(version));
    let Some(before) = before else {
        return Err(
            format!("no other version of `{model}` that is still there was in production").into(),
        );
    };
    let why = match args.why() {
        "" => "rollback",
        why => why,
    };
    produce(registry, &model, before, why)
}

/// Carries the version's open request out, or moves it by hand where no policy stands against it.
fn produce(
    registry: &Registry,
    model: &ModelName,
    version: VersionNumber,
    why: &str,
) -> Result<Answer> {
    let requests = registry.requests(model)?;
    let open = requests.iter().rev().find(|request| {
        request.state == RequestState::Open
            && request.version == version
            && request.to == Stage::Production
    });
    let moved = match open {
        Some(request) => registry.complete(model, request.number)?,
        None => registry.set_stage(model, version, Stage::Production, Occupants::Archive, why)?,
    };
    let by = open.map_or_else(String::new, |request| {
        format!(" by {model}#{}", request.number)
    });
    let text = format!("{} is in production{by}", moved.reference());
    Answer::new(text, &moved)
}
