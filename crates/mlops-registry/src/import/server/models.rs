//! Registered models and their versions, as a server answers them.

use mlops_core::ModelName;
use rusqlite::params;
use serde_json::json;

use super::{
    Listing, Remote,
    answer::Answer,
    stage::{Stage, put},
};
use crate::{MlflowVerb, Result};

/// The most registered models of a server.
const MODELS: usize = 1_000_000;
/// The most versions of a registered model.
const VERSIONS: usize = 100_000;
/// What a search must name to find prompts, which are models of a kind; without it, it leaves them out.
const PROMPTS: &str = "tags.`mlflow.prompt.is_prompt` = 'true'";

impl Remote<'_> {
    /// Stages the registered models, prompts among them.
    pub(in crate::import) fn models(self, stage: Stage<'_, '_>) -> Result<()> {
        for body in [json!({}), json!({ "filter": PROMPTS })] {
            let listing = Listing {
                verb: MlflowVerb::Get,
                path: "/registered-models/search",
                what: "the registered models",
                entries: "registered_models",
                body,
                page: 100,
                limit: MODELS,
            };
            // a server that knows nothing of prompts lists those that carry their tag twice
            let mut seen = std::collections::BTreeSet::new();
            self.list(listing, |found| {
                let name = found.text("name")?;
                let new = seen.insert(name.to_owned());
                model(stage, name, found)?;
                Ok(new)
            })?;
        }
        Ok(())
    }

    /// Stages the versions of a model. Deleted ones are not told.
    pub(in crate::import) fn versions(self, stage: Stage<'_, '_>, name: &ModelName) -> Result<()> {
        let what = format!("the versions of `{name}`");
        // a name holds no quotes
        let one = format!("name = '{name}'");
        let prompts = format!("{one} AND {PROMPTS}");
        for filter in [one, prompts] {
            let listing = Listing {
                verb: MlflowVerb::Get,
                path: "/model-versions/search",
                what: &what,
                entries: "model_versions",
                body: json!({ "filter": filter }),
                page: 1_000,
                limit: VERSIONS,
            };
            let mut seen = std::collections::BTreeSet::new();
            self.list(listing, |found| {
                let number = found.int("version")?;
                if found.text("name")? == name.as_str() {
                    version(stage, name.as_str(), number, found)?;
                }
                Ok(seen.insert(number))
            })?;
        }
        Ok(())
    }
}

fn model(stage: Stage<'_, '_>, name: &str, found: &Answer<'_>) -> Result<()> {
    put(
        stage,
        "registered_models",
        params![
            name,
            found.maybe_int("creation_timestamp")?,
            found.maybe_int("last_updated_timestamp")?,
            found.maybe_text("description")?,
        ],
    )?;
    for (key, value) in found.pairs("tags")? {
        put(stage, "registered_model_tags", (key, value, name))?;
    }
    for alias in found.list("aliases")? {
        let (alias, version) = (alias.text("alias")?, alias.int("version")?);
        put(stage, "registered_model_aliases", (alias, version, name))?;
    }
    Ok(())
}

fn version(stage: Stage<'_, '_>, name: &str, number: i64, found: &Answer<'_>) -> Result<()> {
    put(
        stage,
        "model_versions",
        params![
            name,
            number,
            found.maybe_int("creation_timestamp")?,
            found.maybe_int("last_updated_timestamp")?,
            found.maybe_text("description")?,
            found.maybe_text("user_id")?,
            found.maybe_text("current_stage")?,
            found.maybe_text("source")?,
            found.maybe_text("run_id")?,
            found.maybe_text("status")?,
            found.maybe_text("status_message")?,
            found.maybe_text("run_link")?,
        ],
    )?;
    for (key, value) in found.pairs("tags")? {
        put(stage, "model_version_tags", (key, value, name, number))?;
    }
    Ok(())
}
