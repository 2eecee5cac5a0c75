//! Versions of registered models: made, described, tagged, moved between stages, deleted, searched.

use std::{borrow::Cow, collections::BTreeMap};

use mlops_core::{ModelName, VersionNumber};
use mlops_registry::{Attribute, ModelVersion, NewVersion, Occupants, RunId, Searchable, Subject};
use serde::Serialize;
use serde_json::json;

use super::{
    registered_models::{Aliases, may_read, model, name, read_stage},
    search::listed,
    source::{Source, download_uri},
    subject::{self, parse_logged_model, parse_run},
    view::{KeyValue, millis, pairs, read_pair, read_pairs},
};
use crate::tracking::{
    access::Right,
    failure::{Failure, Outcome},
    params::Params,
    route::{Call, Needs, Reply, Route, Verb},
};

const READ: Needs = Needs::RightOn(Right::Read, subject::model);
const EDIT: Needs = Needs::RightOn(Right::Edit, subject::model);
const MANAGE: Needs = Needs::RightOn(Right::Manage, subject::model);

pub(super) const ROUTES: &[Route] = &[
    Route::v2(Verb::Post, "/model-versions/create", EDIT, create),
    Route::v2(Verb::Get, "/model-versions/get", READ, get),
    Route::v2(Verb::Patch, "/model-versions/update", EDIT, update),
    Route::v2(Verb::Delete, "/model-versions/delete", MANAGE, delete),
    Route::v2(Verb::Get, "/model-versions/search", Needs::Somebody, find),
    Route::v2(
        Verb::Post,
        "/model-versions/transition-stage",
        MANAGE,
        transition,
    ),
    Route::v2(
        Verb::Get,
        "/model-versions/get-download-uri",
        READ,
        get_download_uri,
    ),
    Route::v2(Verb::Post, "/model-versions/set-tag", EDIT, set_tag),
    Route::v2(Verb::Delete, "/model-versions/delete-tag", EDIT, delete_tag),
];

/// The page of a search where the client does not say, and the longest.
const PAGE: (usize, usize) = (10_000, 200_000);

#[derive(Debug, Serialize)]
pub(super) struct VersionView<'a> {
    name: &'a str,
    version: String,
    creation_timestamp: i64,
    last_updated_timestamp: i64,
    current_stage: &'static str,
    description: &'a str,
    source: &'a str,
    run_id: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<KeyValue<'a>>,
    run_link: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_id: Option<&'a str>,
}

impl<'a> VersionView<'a> {
    pub(super) fn new(version: &'a ModelVersion, aliases: &'a Aliases) -> Self {
        let aliases = aliases
            .iter()
            .filter(|(_, number)| **number == version.version);
        Self {
            name: version.model.as_str(),
            version: version.version.to_string(),
            creation_timestamp: millis(version.created),
            last_updated_timestamp: millis(version.updated),
            current_stage: version.stage.as_str(),
            description: &version.description,
            source: version.source.as_deref().unwrap_or_default(),
            run_id: version.run.as_ref().map_or("", RunId::as_str),
            status: version.status.as_str(),
            tags: pairs(&version.tags),
            run_link: "",
            aliases: aliases.map(|(alias, _)| alias.as_str()).collect(),
            model_id: version.logged_model.as_deref(),
        }
    }
}

/// An answer that tells of one version.
pub(super) fn told(version: &ModelVersion, aliases: &Aliases) -> Reply {
    #[derive(Serialize)]
    struct Told<'a> {
        model_version: VersionView<'a>,
    }
    Reply::json(&Told {
        model_version: VersionView::new(version, aliases),
    })
}

/// The number of the version that a request names.
pub(super) fn read_version(params: &Params) -> Outcome<VersionNumber> {
    let text = params.id("version")?;
    text.parse().map_err(|_| match text.parse::<i64>() {
        Ok(number) => Failure::not_found(format!("There is no model version {number}")),
        Err(_) => Failure::value("version", &text.into(), "it must be a whole number"),
    })
}

fn create(call: &Call<'_>) -> Outcome<Reply> {
    let params = call.params;
    let given = |param| Ok::<_, Failure>(params.opt_text(param)?.filter(|text| !text.is_empty()));
    let text = params.text("source")?;
    let source = Source::parse(text)?;
    source.check(call)?;
    let mut run = given("run_id")?.map(parse_run).transpose()?;
    let mut logged_model = given("model_id")?.map(parse_logged_model).transpose()?;
    let contradicts = |param: &str| {
        Failure::invalid(format!(
            "Invalid model version source: '{text}'. The {param} request parameter must identify the \
             resource that contains the source."
        ))
    };
    match &source {
        Source::Run { run: of, .. } => {
            if run.get_or_insert_with(|| of.clone()) != of {
                return Err(contradicts("run_id"));
            }
        }
        Source::LoggedModel { id, .. } => {
            if logged_model.get_or_insert_with(|| id.clone()) != id {
                return Err(contradicts("model_id"));
            }
        }
        Source::Version(name, number) => {
            // a copy comes from where its original comes from
            let original = call.registry.existing_model(name)?.version(*number)?;
            if run.is_some() && run != original.run {
                return Err(contradicts("run_id"));
            }
            run = original.run;
            let of = original.logged_model.as_deref();
            let of = of.map(parse_logged_model).transpose()?;
            if logged_model.is_some() && logged_model != of {
                return Err(contradicts("model_id"));
            }
            logged_model = of;
        }
        Source::Elsewhere => {}
    }
    if let Some(id) = &logged_model {
        let found = call.registry.tracking().logged_model(id)?;
        run = run.or(found.source_run);
    }
    source.check_place(call, text, run.as_ref(), logged_model.as_ref())?;
    let mut new = match source.pin(call)? {
        Some(manifest) => NewVersion::tree(manifest).from_source(text),
        None => NewVersion::source(text),
    };
    if let Some(run) = run {
        new = new.run(run);
    }
    if let Some(id) = &logged_model {
        new = new.logged_model(id.as_str());
    }
    for (key, value) in read_pairs(params, "tags")? {
        new = new.tag(key, value);
    }
    let description = params.opt_text("description")?.unwrap_or_default();
    let model = model(call)?;
    let version = model.register_version(new.description(description))?;
    call.changed(model.name());
    Ok(told(&version, &Aliases::new()))
}

fn get(call: &Call<'_>) -> Outcome<Reply> {
    let model = model(call)?;
    let version = model.version(read_version(call.params)?)?;
    Ok(told(&version, &model.aliases()?))
}

fn update(call: &Call<'_>) -> Outcome<Reply> {
    let model = model(call)?;
    let number = read_version(call.params)?;
    let version = match call.params.opt_text("description")? {
        Some(description) => model.describe_version(number, description)?,
        None => model.version(number)?,
    };
    Ok(told(&version, &model.aliases()?))
}

fn delete(call: &Call<'_>) -> Outcome<Reply> {
    let number = read_version(call.params)?;
    model(call)?.delete_version(number, "deleted over MLflow's API")?;
    Ok(Reply::empty())
}

fn transition(call: &Call<'_>) -> Outcome<Reply> {
    let stage = read_stage(call.params.text("stage")?)?;
    let occupants = match call.params.opt_flag("archive_existing_versions")? {
        Some(true) => Occupants::Archive,
        _ => Occupants::Stay,
    };
    let version = call.registry.set_stage(
        &name(call.params)?,
        read_version(call.params)?,
        stage,
        occupants,
        "moved over MLflow's API",
    )?;
    Ok(told(&version, &model(call)?.aliases()?))
}

fn get_download_uri(call: &Call<'_>) -> Outcome<Reply> {
    let version = model(call)?.version(read_version(call.params)?)?;
    let uri = download_uri(call, &version)?;
    Ok(Reply::json(&json!({ "artifact_uri": uri })))
}

fn set_tag(call: &Call<'_>) -> Outcome<Reply> {
    let (key, value) = read_pair(call.params)?;
    let number = read_version(call.params)?;
    let model = model(call)?;
    model.set_version_tag(number, &key, &value)?;
    call.changed(model.name());
    Ok(Reply::empty())
}

fn delete_tag(call: &Call<'_>) -> Outcome<Reply> {
    let number = read_version(call.params)?;
    let key = call.params.text("key")?;
    let model = model(call)?;
    model.delete_version_tag(number, key)?;
    call.changed(model.name());
    Ok(Reply::empty())
}

/// What a search looks at.
struct Found(ModelVersion);

impl Subject for Found {
    fn attribute(&self, name: &str) -> Option<Attribute<'_>> {
        let version = &self.0;
        let text = |text| Some(Attribute::Text(Cow::Borrowed(text)));
        match name {
            "name" => text(version.model.as_str()),
            // the peer keeps an empty text where there is none
            "run_id" => text(version.run.as_ref().map_or("", RunId::as_str)),
            "source_path" => text(version.source.as_deref().unwrap_or_default()),
            "version_number" => Some(Attribute::Integer(version.version.into())),
            "creation_timestamp" => Some(Attribute::Integer(millis(version.created))),
            "last_updated_timestamp" => Some(Attribute::Integer(millis(version.updated))),
            _ => None,
        }
    }

    fn tag(&self, key: &str) -> Option<&str> {
        self.0.tags.get(key).map(String::as_str)
    }
}

fn find(call: &Call<'_>) -> Outcome<Reply> {
    #[derive(Serialize)]
    struct Told<'a> {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        model_versions: Vec<VersionView<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_page_token: Option<&'a str>,
    }
    let list = || {
        let versions = call.registry.all_versions()?;
        Ok(versions.map(|version| version.map(Found)))
    };
    let seen = |found: &Found| may_read(call, &found.0.model);
    let page = listed(call.params, Searchable::ModelVersions, PAGE, list, seen)?;
    let mut aliases: BTreeMap<&ModelName, Aliases> = BTreeMap::new();
    for Found(version) in &page.items {
        if !aliases.contains_key(&version.model) {
            let model = call.registry.existing_model(&version.model)?;
            aliases.insert(&version.model, model.aliases()?);
        }
    }
    let views = page.items.iter().map(|Found(version)| {
        let aliases = &aliases[&version.model];
        VersionView::new(version, aliases)
    });
    Ok(Reply::json(&Told {
        model_versions: views.collect(),
        next_page_token: page.next.as_deref(),
    }))
}
