//! What is registered: models, versions, aliases, and two versions side by side.

use std::{collections::BTreeMap, fmt::Write};

use mlops::{
    core::AliasName,
    registry::{ModelVersion, Reference, Registry, RequestState, Side, Stage},
};
use serde_json::{Value, json};

use crate::{
    Answer, Result,
    args::Args,
    model_named,
    table::{Table, or_dash, time},
    version_number,
};

pub fn list(registry: &Registry) -> Result<Answer> {
    let models: Vec<_> = registry
        .model_infos()?
        .collect::<std::result::Result<_, _>>()?;
    let mut table = Table::new(&[
        "MODEL",
        "VERSIONS",
        "PRODUCTION",
        "STAGING",
        "ALIASES",
        "UPDATED",
    ]);
    for model in &models {
        let aliases: Vec<String> = model
            .aliases
            .iter()
            .map(|(alias, version)| format!("{alias}={version}"))
            .collect();
        table.row([
            model.name.to_string(),
            model.versions.to_string(),
            or_dash(model.latest.get(&Stage::Production)),
            or_dash(model.latest.get(&Stage::Staging)),
            or_dash((!aliases.is_empty()).then(|| aliases.join(" "))),
            time(model.updated),
        ]);
    }
    Answer::new(table.text(), &models)
}

pub fn show(registry: &Registry, what: &str) -> Result<Answer> {
    if what.contains(['/', '@']) {
        let reference: Reference = what.parse()?;
        let version = registry.resolve(&reference.to_string())?;
        return Answer::new(version_text(&version), &version);
    }
    let model = registry.existing_model(&model_named(what)?)?;
    let (info, versions) = (model.info()?, model.versions()?);
    let requests = registry.requests(model.name())?;
    let open = |request: &&_| {
        let request: &mlops::registry::TransitionRequest = request;
        request.state == RequestState::Open
    };
    let mut text = format!("model        {}\n", info.name);
    writeln!(text, "description  {}", or_dash(some(&info.description)))?;
    writeln!(
        text,
        "created      {} by {}",
        time(info.created),
        info.actor
    )?;
    writeln!(text, "tags         {}", pairs(&info.tags))?;
    writeln!(text, "aliases      {}", pairs(&info.aliases))?;
    for request in requests.iter().filter(open) {
        let (number, version, to) = (request.number, request.version, request.to);
        writeln!(
            text,
            "open         {what}#{number}: version {version} to {to}, asked by {}",
            request.requested_by
        )?;
    }
    let mut table = Table::new(&["VERSION", "STAGE", "CREATED", "BY", "RUN", "DESCRIPTION"]);
    for version in &versions {
        table.row([
            version.version.to_string(),
            version.stage.to_string(),
            time(version.created),
            version.actor.to_string(),
            or_dash(version.run.as_ref()),
            version.description.clone(),
        ]);
    }
    write!(text, "\n{}", table.text())?;
    let json = json!({ "model": info, "versions": versions, "requests": requests });
    Answer::new(text, json)
}

fn version_text(version: &ModelVersion) -> String {
    let mut table = Table::new(&["version", &version.reference().to_string()]);
    let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
    row("stage", version.stage.to_string());
    row("content", version.content.to_string());
    row("digest", version.digest.to_string());
    row(
        "created",
        format!("{} by {}", time(version.created), version.actor),
    );
    row("run", or_dash(version.run.as_ref()));
    row("source", or_dash(version.source.as_ref()));
    row("status", version.status.to_string());
    row("description", or_dash(some(&version.description)));
    row("tags", pairs(&version.tags));
    row("signatures", version.signatures.len().to_string());
    row("code", or_dash(version.lineage.code_revision.as_ref()));
    for (name, digest) in &version.lineage.data {
        row("data", format!("{name} {}", digest.short()));
    }
    for (name, digest) in &version.files {
        row("file", format!("{name} {}", digest.short()));
    }
    table.text()
}

pub fn compare(registry: &Registry, args: &Args) -> Result<Answer> {
    let model = registry.existing_model(&model_named(args.word(0))?)?;
    let (left, right) = (version_number(args.word(1))?, version_number(args.word(2))?);
    let compared = model.compare(left, right)?;
    let (left, right) = (left.to_string(), right.to_string());
    let mut table = Table::new(&["WHAT", "", &left, &right, "DIFFERENCE"]);
    for (name, side) in &compared.metrics {
        table.row([
            "metric".to_owned(),
            name.clone(),
            or_dash(side.left),
            or_dash(side.right),
            side.difference
                .map_or_else(String::new, |difference| format!("{difference:+.6}")),
        ]);
    }
    let mut texts = |what: &str, name: &str, left: Option<String>, right: Option<String>| {
        let differs = if left == right { "" } else { "*" };
        table.row([
            what.to_owned(),
            name.to_owned(),
            or_dash(left),
            or_dash(right),
            differs.to_owned(),
        ]);
    };
    let stage = |version: &ModelVersion| Some(version.stage.to_string());
    texts("stage", "", stage(&compared.left), stage(&compared.right));
    let mut all = |what: &str, sides: &BTreeMap<String, Side<String>>| {
        for (name, side) in sides {
            texts(what, name, side.left.clone(), side.right.clone());
        }
    };
    all("param", &compared.params);
    all("signature", &compared.signature);
    all("tag", &compared.tags);
    all(
        "code",
        &BTreeMap::from([(String::new(), compared.code.clone())]),
    );
    for (what, sides) in [
        ("data", &compared.data),
        ("features", &compared.features),
        ("file", &compared.files),
        (
            "profile",
            &BTreeMap::from([(String::new(), compared.profile.clone())]),
        ),
    ] {
        for (name, side) in sides {
            let short = |digest: Option<mlops::core::Digest>| digest.map(|digest| digest.short());
            texts(what, name, short(side.left), short(side.right));
        }
    }
    Answer::new(table.text(), &compared)
}

pub fn aliases(registry: &Registry, args: &Args) -> Result<Answer> {
    let aliases = registry
        .existing_model(&model_named(args.word(0))?)?
        .aliases()?;
    let mut table = Table::new(&["ALIAS", "VERSION"]);
    for (alias, version) in &aliases {
        table.row([alias.to_string(), version.to_string()]);
    }
    Answer::new(table.text(), &aliases)
}

pub fn set_alias(registry: &Registry, args: &Args) -> Result<Answer> {
    let model = registry.existing_model(&model_named(args.word(0))?)?;
    let alias = AliasName::new(args.word(1))?;
    let version = version_number(args.word(2))?;
    model.set_alias(&alias, version)?;
    let text = format!("{}@{alias} is version {version}", model.name());
    Answer::new(
        text,
        json!({ "model": model.name(), "alias": alias, "version": version }),
    )
}

pub fn delete_alias(registry: &Registry, args: &Args) -> Result<Answer> {
    let model = registry.existing_model(&model_named(args.word(0))?)?;
    let alias = AliasName::new(args.word(1))?;
    model.delete_alias(&alias)?;
    let text = format!("{}@{alias} is gone", model.name());
    Answer::new(
        text,
        json!({ "model": model.name(), "alias": alias, "version": Value::Null }),
    )
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn pairs(map: &BTreeMap<impl ToString, impl ToString>) -> String {
    let pairs: Vec<String> = map
        .iter()
        .map(|(key, value)| format!("{}={}", key.to_string(), value.to_string()))
        .collect();
    or_dash((!pairs.is_empty()).then(|| pairs.join(" ")))
}
