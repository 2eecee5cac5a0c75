//! Searches for registered models and their versions.

use std::borrow::Cow;

use super::{
    Attribute, Filter, Ordered, Page, Searchable, Subject, experiments::millis, page_of,
    runs::check_limit,
};
use crate::{ModelInfo, ModelVersion, Registry, Result, RunId, limits};

/// A search for registered models or for versions, as MLflow's clients ask.
#[derive(Debug, Clone, Default)]
pub struct ModelSearch {
    /// The filter; an empty one lets all pass.
    pub filter: String,
    /// The orderings; models by name, versions by the latest change by default.
    pub order_by: Vec<String>,
    /// How many a page has; 100 models or 10,000 versions by default.
    pub limit: Option<usize>,
    /// Where to go on.
    pub page_token: Option<String>,
}

impl Registry {
    /// A page of the registered models that a filter lets pass, in order.
    ///
    /// # Errors
    /// As for [`Tracking::search_runs`](crate::Tracking::search_runs), and those of
    /// [`model_infos`](Self::model_infos).
    ///
    /// # Complexity
    /// Every model is looked at.
    ///
    /// # Reference
    /// `search_registered_models` of MLflow 3.17.2's SQLAlchemy store, for models that are no prompts.
    pub fn search_models(&self, search: &ModelSearch) -> Result<Page<ModelInfo>> {
        let filter = Filter::parse(Searchable::RegisteredModels, &search.filter)?;
        let ordered = Ordered::parse(Searchable::RegisteredModels, &search.order_by)?;
        let limit = check_limit(search.limit, limits::MODELS_DEFAULT, limits::MODELS)?;
        let models = self.model_infos()?.collect::<Result<Vec<_>>>()?;
        page_of(
            models,
            &filter,
            &ordered,
            limit,
            search.page_token.as_deref(),
        )
    }

    /// A page of the versions of all models that a filter lets pass, in order.
    ///
    /// # Errors
    /// As for [`search_models`](Self::search_models).
    ///
    /// # Complexity
    /// Every version is looked at.
    ///
    /// # Reference
    /// `search_model_versions` of MLflow 3.17.2's SQLAlchemy store, for models that are no prompts.
    pub fn search_versions(&self, search: &ModelSearch) -> Result<Page<ModelVersion>> {
        let filter = Filter::parse(Searchable::ModelVersions, &search.filter)?;
        let ordered = Ordered::parse(Searchable::ModelVersions, &search.order_by)?;
        let limit = check_limit(search.limit, limits::VERSIONS_DEFAULT, limits::VERSIONS)?;
        let mut versions = Vec::new();
        for version in self.all_versions()? {
            let version = version?;
            if filter.matches(&version) {
                versions.push(version);
            }
        }
        page_of(
            versions,
            &filter,
            &ordered,
            limit,
            search.page_token.as_deref(),
        )
    }
}

impl Subject for ModelInfo {
    fn attribute(&self, name: &str) -> Option<Attribute<'_>> {
        match name {
            "name" => Some(Attribute::Text(Cow::Borrowed(self.name.as_str()))),
            "last_updated_timestamp" => Some(Attribute::Integer(millis(self.updated))),
            _ => None,
        }
    }

    fn tag(&self, key: &str) -> Option<&str> {
        self.tags.get(key).map(String::as_str)
    }
}

impl Subject for ModelVersion {
    fn attribute(&self, name: &str) -> Option<Attribute<'_>> {
        let text = |text: &'_ str| Attribute::Text(Cow::Owned(text.to_owned()));
        match name {
            "name" => Some(text(self.model.as_str())),
            "version_number" => Some(Attribute::Integer(self.version.into())),
            // the peer keeps an empty text where there is none
            "run_id" => Some(text(self.run.as_ref().map_or("", RunId::as_str))),
            "source_path" => Some(text(self.source.as_deref().unwrap_or_default())),
            "creation_timestamp" => Some(Attribute::Integer(millis(self.created))),
            "last_updated_timestamp" => Some(Attribute::Integer(millis(self.updated))),
            _ => None,
        }
    }

    fn tag(&self, key: &str) -> Option<&str> {
        self.tags.get(key).map(String::as_str)
    }
}
