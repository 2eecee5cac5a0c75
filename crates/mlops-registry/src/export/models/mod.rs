//! Registered models there: made by name, then filled number by number.
//!
//! A server counts versions itself and gives no number twice. Each version carries its number and its digest from
//! here in the tag `mlops.id`. Where one was deleted here, the next one is made twice and the first, whose number is
//! too small, is deleted once the second stands: numbers agree, and a second export finds what the first one did.

mod source;
mod version;

use std::collections::BTreeMap;

use mlops_core::{ModelName, VersionNumber};
use serde_json::{Value, json};

use super::{
    ExportError, ExportReport, MlflowServer, MlflowVerb,
    driver::{Export, pairs, text},
    runs::note,
};
use crate::{Error, Registry, Result, Stage, stage, state::ModelState};

/// How many versions a page has.
const PAGE: usize = 1_000;
/// The tag without which a search leaves prompts out.
const PROMPT_TAG: &str = "mlflow.prompt.is_prompt";

/// A version as the server tells it.
#[derive(Debug)]
struct Found {
    stage: String,
    description: String,
    tags: BTreeMap<String, String>,
}

impl Found {
    fn of(version: &Value) -> Self {
        let text = |field: &str| version[field].as_str().unwrap_or_default().to_owned();
        Self {
            stage: text("current_stage"),
            description: text("description"),
            tags: tags(version),
        }
    }
}

/// The versions there, by number; deleted ones are not told.
type Versions = BTreeMap<VersionNumber, Found>;

impl Registry {
    /// Registers models again on a server of MLflow: description, tags, versions under their numbers, stages and
    /// aliases. What a version was made from is found there by the runs and logged models that were exported before;
    /// a package or a tree of artifacts is sent as a logged model. A second export sends what has changed here since.
    ///
    /// What MLflow has no place for is told in the report and stays here: requests with their sign-offs, signatures,
    /// lineage, parents, former names, a status other than ready, and sources that the server would not take, which
    /// stand in the tag `mlops.source` of their version. The policy, the audit trail, authors and times stay here
    /// as well.
    ///
    /// # Errors
    /// [`ExportError`] if the server refuses, or answers nothing that can be understood;
    /// [`Error::UnknownModel`](crate::Error::UnknownModel), [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy;
    /// [`Error::NotKept`](crate::Error::NotKept) if an artifact is gone; [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    ///
    /// # Complexity
    /// A request for a thousand versions that are there, and some for each version that is not or has changed.
    ///
    /// # Reference
    /// The client of MLflow 3.17.2: it reads there what it reads of this registry, but for identities and the tags
    /// `mlops.id` and `mlops.source`.
    pub fn export_models(
        &self,
        models: impl IntoIterator<Item = ModelName>,
        server: &dyn MlflowServer,
    ) -> Result<ExportReport> {
        let mut export = Export::new(self, server);
        for model in models {
            send(&mut export, &*self.state(&model)?)?;
        }
        Ok(export.report)
    }
}

fn send(export: &mut Export<'_>, state: &ModelState) -> Result<()> {
    let what = format!("registered model `{}`", state.name);
    tell_what_stays(export, state, &what);
    let there = versions(export, state, &what)?;
    if let Some(number) = version::foreign(&there) {
        let text = format!("left as it is: version {number} is another one there");
        note(export, &what, &text);
        return Ok(());
    }
    let model = model(export, state, &what)?;
    let sent = version::send_all(export, state, there, &what)?;
    let mut known = BTreeMap::new();
    for alias in model["aliases"].as_array().into_iter().flatten() {
        known.insert(text(alias, "alias", &what)?, version_of(alias, &what)?);
    }
    for (alias, number) in &state.aliases {
        // the alias that follows the stage here
        let follows = *alias == stage::production()
            && (state.versions.get(number)).is_some_and(|v| v.stage == Stage::Production);
        if follows || known.get(alias.as_str()) == Some(number) || !sent.contains(number) {
            continue;
        }
        let body = json!({ "name": state.name, "alias": alias, "version": number.to_string() });
        export.post("/registered-models/alias", &what, body)?;
    }
    Ok(())
}

/// Makes the model there if it is not, and gives it what it has here. Returns how it stood.
fn model(export: &mut Export<'_>, state: &ModelState, what: &str) -> Result<Value> {
    let name = json!({ "name": state.name });
    let found = match export.ask(MlflowVerb::Get, "/registered-models/get", name) {
        Ok(answer) => answer["registered_model"].clone(),
        Err(refusal) if refusal.status == Some(404) => {
            let body = json!({
                "name": state.name,
                "description": state.description,
                "tags": pairs(&state.tags),
            });
            export.report.new_models += 1;
            let answer = export.post("/registered-models/create", what, body)?;
            return Ok(answer["registered_model"].clone());
        }
        Err(source) => {
            let what = what.to_owned();
            return Err(ExportError::Refused { what, source }.into());
        }
    };
    if found["description"].as_str().unwrap_or_default() != state.description {
        let body = json!({ "name": state.name, "description": state.description });
        export.call(MlflowVerb::Patch, "/registered-models/update", what, body)?;
    }
    let known = tags(&found);
    for (key, value) in &state.tags {
        if known.get(key) != Some(value) {
            let body = json!({ "name": state.name, "key": key, "value": value });
            export.post("/registered-models/set-tag", what, body)?;
        }
    }
    Ok(found)
}

/// The versions that are there.
fn versions(export: &Export<'_>, state: &ModelState, what: &str) -> Result<Versions> {
    // a name holds no quotes
    let mut filter = format!("name = '{}'", state.name);
    if state.tags.get(PROMPT_TAG).is_some_and(|tag| tag == "true") {
        filter = format!("{filter} AND tags.`{PROMPT_TAG}` = 'true'");
    }
    let mut versions = Versions::new();
    let mut body = json!({ "filter": filter, "max_results": PAGE });
    loop {
        let answer = export.call(
            MlflowVerb::Get,
            "/model-versions/search",
            what,
            body.clone(),
        )?;
        let before = versions.len();
        for version in answer["model_versions"].as_array().into_iter().flatten() {
            versions.insert(version_of(version, what)?, Found::of(version));
        }
        match answer["next_page_token"].as_str() {
            // a page with nothing new is the last one, whatever it says
            Some(token) if !token.is_empty() && versions.len() > before => {
                body["page_token"] = json!(token);
            }
            _ => return Ok(versions),
        }
    }
}

/// Notes what MLflow has no place for.
fn tell_what_stays(export: &mut Export<'_>, state: &ModelState, what: &str) {
    let mut stays = |count: usize, things: &str| {
        if count > 0 {
            note(export, what, &format!("{count} {things}: they stay here"));
        }
    };
    stays(state.requests.len(), "requests with their sign-offs");
    stays(state.former.len(), "former names");
    let versions = || state.versions.values();
    let count =
        |held: &dyn Fn(&crate::ModelVersion) -> bool| versions().filter(|v| held(v)).count();
    stays(
        count(&|version| !version.signatures.is_empty()),
        "versions with signatures",
    );
    stays(
        count(&|version| version.lineage != mlops_core::Lineage::default()),
        "versions with a lineage",
    );
    stays(
        count(&|version| version.parent.is_some()),
        "versions with a parent",
    );
    stays(
        count(&|version| version.status != crate::VersionStatus::Ready),
        "versions that are not ready",
    );
}

fn tags(of: &Value) -> BTreeMap<String, String> {
    let tags = of["tags"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    tags.map(|tag| (text(&tag["key"]), text(&tag["value"])))
        .collect()
}

/// The number of a version, which comes as a text or as a number.
fn version_of(of: &Value, what: &str) -> Result<VersionNumber> {
    let value = &of["version"];
    let number = value.as_str().and_then(|text| text.parse().ok());
    let number = number.or_else(|| value.as_u64().and_then(|number| number.try_into().ok()));
    number.ok_or_else(|| {
        Error::from(ExportError::Answer {
            what: what.to_owned(),
            field: "version",
        })
    })
}
