//! Who may do what, and who signed what off.

use std::fs;

use mlops::{
    core::ModelName,
    registry::{Evidence, Policy, Registry, RequestState, Stage, TransitionRequest},
};

use crate::{
    Answer, Result,
    args::Args,
    model_named,
    table::{Table, or_dash, time},
    version_number,
};

pub fn request(registry: &Registry, args: &Args) -> Result<Answer> {
    let model = model_named(args.word(0))?;
    let version = version_number(args.word(1))?;
    let to: Stage = args.word(2).parse()?;
    let evidence = evidence(args)?;
    let request = registry.request(&model, version, to, evidence.as_ref(), args.why())?;
    told(&request, "asked for")
}

/// The evidence in the file that `--evidence` names.
pub fn evidence(args: &Args) -> Result<Option<Evidence>> {
    args.flag("--evidence").map(read).transpose()
}

/// Reads a JSON file; the error names it.
pub fn read<T: serde::de::DeserializeOwned>(path: &str) -> Result<T> {
    let text = fs::read_to_string(path).map_err(|error| format!("`{path}`: {error}"))?;
    Ok(serde_json::from_str(&text).map_err(|error| format!("`{path}`: {error}"))?)
}

pub fn requests(registry: &Registry, model: Option<&String>) -> Result<Answer> {
    let mut found = Vec::new();
    match model {
        Some(model) => found.extend(registry.requests(&model_named(model)?)?),
        None => {
            for model in registry.models()? {
                let requests = registry.requests(&model)?.into_iter();
                found.extend(requests.filter(|request| request.state == RequestState::Open));
            }
        }
    }
    let mut table = Table::new(&[
        "REQUEST",
        "VERSION",
        "FROM",
        "TO",
        "STATE",
        "ASKED BY",
        "WHEN",
        "EXPIRES",
        "SIGNED BY",
        "WHY",
    ]);
    for request in &found {
        let signed: Vec<&str> = request
            .approvals
            .iter()
            .map(|approval| approval.principal.as_str())
            .collect();
        table.row([
            format!("{}#{}", request.model, request.number),
            request.version.to_string(),
            request.from.to_string(),
            request.to.to_string(),
            request.state.to_string(),
            request.requested_by.to_string(),
            time(request.requested),
            or_dash(request.expires.map(time)),
            or_dash((!signed.is_empty()).then(|| signed.join(", "))),
            request.reason.clone(),
        ]);
    }
    Answer::new(table.text(), &found)
}

pub fn approve(registry: &Registry, args: &Args) -> Result<Answer> {
    let (model, number) = named(args.word(0))?;
    told(&registry.approve(&model, number, args.why())?, "signed off")
}

pub fn reject(registry: &Registry, args: &Args) -> Result<Answer> {
    let (model, number) = named(args.word(0))?;
    told(&registry.reject(&model, number, args.why())?, "rejected")
}

pub fn withdraw(registry: &Registry, args: &Args) -> Result<Answer> {
    let (model, number) = named(args.word(0))?;
    told(&registry.withdraw(&model, number, args.why())?, "withdrawn")
}

pub fn complete(registry: &Registry, args: &Args) -> Result<Answer> {
    let (model, number) = named(args.word(0))?;
    let version = registry.complete(&model, number)?;
    let text = format!("{} is in {} now", version.reference(), version.stage);
    Answer::new(text, &version)
}

pub fn show_policy(registry: &Registry) -> Result<Answer> {
    match registry.policy()? {
        Some(policy) => Answer::new(serde_json::to_string_pretty(&*policy)?, &*policy),
        None => Answer::new("there is no policy: everybody may do everything", ()),
    }
}

pub fn set_policy(registry: &Registry, args: &Args) -> Result<Answer> {
    let policy: Policy = read(args.word(0))?;
    registry.set_policy(&policy, args.why())?;
    let text = format!("policy {} is in force", policy.digest().short());
    Answer::new(text, &policy)
}

fn told(request: &TransitionRequest, what: &str) -> Result<Answer> {
    let TransitionRequest {
        model,
        number,
        version,
        to,
        ..
    } = request;
    let text = format!("{model}#{number} is {what}: version {version} to {to}");
    Answer::new(text, request)
}

/// A request by its model and its number.
fn named(text: &str) -> Result<(ModelName, u32)> {
    let parts = text.rsplit_once('#');
    let number = parts.and_then(|(model, number)| Some((model, number.parse().ok()?)));
    let Some((model, number)) = number else {
        return Err(format!(
            "`{text}` is no request; a model and a number are expected, for instance churn#3"
        )
        .into());
    };
    Ok((model_named(model)?, number))
}
