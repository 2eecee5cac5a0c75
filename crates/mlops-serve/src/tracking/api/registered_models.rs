//! Registered models: made, described, tagged, renamed, deleted, searched; their aliases and latest versions.

use std::{borrow::Cow, collections::BTreeMap};

use mlops_core::{AliasName, ModelName, VersionNumber};
use mlops_registry::{
    Attribute, ModelInfo, ModelVersion, RegisteredModel, Searchable, Stage, Subject,
};
use serde::Serialize;

use super::{
    model_versions::{VersionView, read_version, told as told_version},
    search::listed,
    subject,
    view::{KeyValue, millis, pairs, read_pair, read_pairs},
};
use crate::tracking::{
    access::{Object, Right},
    failure::{Failure, Outcome},
    params::Params,
    route::{Call, Needs, Reply, Route, Verb},
};

const READ: Needs = Needs::RightOn(Right::Read, subject::model);
const EDIT: Needs = Needs::RightOn(Right::Edit, subject::model);
const MANAGE: Needs = Needs::RightOn(Right::Manage, subject::model);
const RENAME: Needs = Needs::RightOn(Right::Manage, subject::renamed_model);

pub(super) const ROUTES: &[Route] = &[
    Route::v2(Verb::Post, "/registered-models/create", EDIT, create),
    Route::v2(Verb::Get, "/registered-models/get", READ, get),
    Route::v2(Verb::Patch, "/registered-models/update", EDIT, update),
    Route::v2(Verb::Post, "/registered-models/rename", RENAME, rename),
    Route::v2(Verb::Delete, "/registered-models/delete", MANAGE, delete),
    Route::v2(
        Verb::Get,
        "/registered-models/search",
        Needs::Somebody,
        find,
    ),
    Route::v2(Verb::Post, "/registered-models/set-tag", EDIT, set_tag),
    Route::v2(
        Verb::Delete,
        "/registered-models/delete-tag",
        EDIT,
        delete_tag,
    ),
    Route::v2(
        Verb::Post,
        "/registered-models/get-latest-versions",
        READ,
        latest,
    ),
    Route::v2(
        Verb::Get,
        "/registered-models/get-latest-versions",
        READ,
        latest,
    ),
    Route::v2(Verb::Get, "/registered-models/alias", READ, get_alias),
    Route::v2(Verb::Post, "/registered-models/alias", MANAGE, set_alias),
    Route::v2(
        Verb::Delete,
        "/registered-models/alias",
        MANAGE,
        delete_alias,
    ),
];

/// The page of a search where the client does not say, and the longest.
const PAGE: (usize, usize) = (100, 1000);

#[derive(Debug, Serialize)]
struct AliasView<'a> {
    alias: &'a str,
    version: String,
}

#[derive(Debug, Serialize)]
struct ModelView<'a> {
    name: &'a str,
    creation_timestamp: i64,
    last_updated_timestamp: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    latest_versions: Vec<VersionView<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<KeyValue<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<AliasView<'a>>,
}

/// A model with the newest version of each stage.
struct Whole {
    info: ModelInfo,
    latest: Vec<ModelVersion>,
}

impl Whole {
    fn read(call: &Call<'_>, info: ModelInfo) -> Outcome<Self> {
        let model = call.registry.existing_model(&info.name)?;
        let latest = info.latest.values();
        let latest = latest
            .map(|number| model.version(*number))
            .collect::<Result<_, _>>()?;
        Ok(Self { info, latest })
    }

    fn view(&self) -> ModelView<'_> {
        let info = &self.info;
        let latest = self.latest.iter();
        let aliases = info.aliases.iter();
        ModelView {
            name: info.name.as_str(),
            creation_timestamp: millis(info.created),
            last_updated_timestamp: millis(info.updated),
            description: &info.description,
            latest_versions: latest
                .map(|version| VersionView::new(version, &info.aliases))
                .collect(),
            tags: pairs(&info.tags),
            aliases: aliases
                .map(|(alias, version)| AliasView {
                    alias: alias.as_str(),
                    version: version.to_string(),
                })
                .collect(),
        }
    }
}

fn told(call: &Call<'_>, info: ModelInfo) -> Outcome<Reply> {
    #[derive(Serialize)]
    struct Told<'a> {
        registered_model: ModelView<'a>,
    }
    let whole = Whole::read(call, info)?;
    Ok(Reply::json(&Told {
        registered_model: whole.view(),
    }))
}

/// The name of the model that a request names.
pub(super) fn name(params: &Params) -> Outcome<ModelName> {
    let name = params.opt_text("name")?.unwrap_or_default();
    if name.is_empty() {
        return Err(Failure::missing("name"));
    }
    Ok(ModelName::new(name)?)
}

/// The model that a request names.
pub(super) fn model(call: &Call<'_>) -> Outcome<RegisteredModel> {
    Ok(call.registry.existing_model(&name(call.params)?)?)
}

fn create(call: &Call<'_>) -> Outcome<Reply> {
    let params = call.params;
    let description = params.opt_text("description")?.unwrap_or_default();
    let tags = read_pairs(params, "tags")?;
    let name = name(params)?;
    let model = call.registry.create_model(&name, description, &tags)?;
    call.changed(&name);
    told(call, model.info()?)
}

fn get(call: &Call<'_>) -> Outcome<Reply> {
    told(call, model(call)?.info()?)
}

fn update(call: &Call<'_>) -> Outcome<Reply> {
    let description = call.params.opt_text("description")?.unwrap_or_default();
    told(call, model(call)?.set_description(description)?)
}

fn rename(call: &Call<'_>) -> Outcome<Reply> {
    let to = ModelName::new(call.params.text("new_name")?)?;
    told(call, model(call)?.rename(&to)?.info()?)
}

fn delete(call: &Call<'_>) -> Outcome<Reply> {
    model(call)?.delete("deleted over MLflow's API")?;
    Ok(Reply::empty())
}

fn set_tag(call: &Call<'_>) -> Outcome<Reply> {
    let (key, value) = read_pair(call.params)?;
    model(call)?.set_tag(&key, &value)?;
    Ok(Reply::empty())
}

fn delete_tag(call: &Call<'_>) -> Outcome<Reply> {
    let key = call.params.text("key")?;
    model(call)?.delete_tag(key)?;
    Ok(Reply::empty())
}

/// The stage that a text names, in any case.
pub(super) fn read_stage(text: &str) -> Outcome<Stage> {
    Stage::ALL
        .into_iter()
        .find(|stage| stage.as_str().eq_ignore_ascii_case(text))
        .ok_or_else(|| {
            let shown: String = text.chars().take(64).collect();
            Failure::invalid(format!(
                "Invalid Model Version stage: {shown}. Value must be one of None, Staging, \
                 Production, Archived."
            ))
        })
}

fn latest(call: &Call<'_>) -> Outcome<Reply> {
    #[derive(Serialize)]
    struct Told<'a> {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        model_versions: Vec<VersionView<'a>>,
    }
    let stages = call.params.texts("stages")?;
    let stages = stages.iter().map(|stage| read_stage(stage));
    let stages: Vec<Stage> = stages.collect::<Outcome<_>>()?;
    let whole = Whole::read(call, model(call)?.info()?)?;
    let wanted = |version: &&ModelVersion| stages.is_empty() || stages.contains(&version.stage);
    let latest = whole.latest.iter().filter(wanted);
    Ok(Reply::json(&Told {
        model_versions: latest
            .map(|version| VersionView::new(version, &whole.info.aliases))
            .collect(),
    }))
}

fn alias(params: &Params) -> Outcome<AliasName> {
    let text = params.text("alias")?;
    // the registry has aliases with points, the peer's clients have not
    if text.contains('.') {
        return Err(Failure::invalid(format!(
            "Invalid alias name: '{}'. Names may only contain alphanumerics, underscores (_), and dashes (-).",
            text.chars().take(64).collect::<String>()
        )));
    }
    Ok(AliasName::new(text)?)
}

fn get_alias(call: &Call<'_>) -> Outcome<Reply> {
    let model = model(call)?;
    let text = call.params.text("alias")?;
    // the alias that every model has; it cannot be set
    let version = if text.eq_ignore_ascii_case("latest") {
        let info = model.info()?;
        let number = info.latest.values().max();
        let none = || Failure::invalid(format!("Registered model alias {text} not found."));
        model.version(*number.ok_or_else(none)?)?
    } else {
        model.alias(&alias(call.params)?)?
    };
    Ok(told_version(&version, &model.aliases()?))
}

fn set_alias(call: &Call<'_>) -> Outcome<Reply> {
    let number = read_version(call.params)?;
    let (model, alias) = (model(call)?, alias(call.params)?);
    model.set_alias(&alias, number)?;
    call.changed(model.name());
    Ok(Reply::empty())
}

fn delete_alias(call: &Call<'_>) -> Outcome<Reply> {
    let (model, alias) = (model(call)?, alias(call.params)?);
    match model.delete_alias(&alias) {
        Ok(()) => {}
        // the peer takes away what is not there
        Err(mlops_registry::Error::UnknownAlias { .. }) => return Ok(Reply::empty()),
        Err(error) => return Err(error.into()),
    }
    call.changed(model.name());
    Ok(Reply::empty())
}

/// What a search looks at.
struct Found(ModelInfo);

impl Subject for Found {
    fn attribute(&self, name: &str) -> Option<Attribute<'_>> {
        match name {
            "name" => Some(Attribute::Text(Cow::Borrowed(self.0.name.as_str()))),
            "last_updated_timestamp" => Some(Attribute::Integer(millis(self.0.updated))),
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
        registered_models: Vec<ModelView<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_page_token: Option<&'a str>,
    }
    let list = || {
        let models = call.registry.model_infos()?;
        Ok(models.map(|info| info.map(Found)))
    };
    let seen = |found: &Found| may_read(call, &found.0.name);
    let page = listed(call.params, Searchable::RegisteredModels, PAGE, list, seen)?;
    let whole: Vec<Whole> = page
        .items
        .into_iter()
        .map(|found| Whole::read(call, found.0))
        .collect::<Outcome<_>>()?;
    Ok(Reply::json(&Told {
        registered_models: whole.iter().map(Whole::view).collect(),
        next_page_token: page.next.as_deref(),
    }))
}

/// Whether the caller may read a model.
pub(super) fn may_read(call: &Call<'_>, name: &ModelName) -> bool {
    call.who.may(Right::Read, &Object::Model(name.to_string()))
}

/// Aliases with the versions that they point at.
pub(super) type Aliases = BTreeMap<AliasName, VersionNumber>;
