//! The models of a registry: finding, making and listing them.

use std::{collections::BTreeMap, sync::Arc};

use mlops_core::{Action, ModelName};

use crate::{
    Error, ModelInfo, ModelVersion, RegisteredModel, Registry, Result,
    change::{Change, Draft},
    key::{PROSE_LIMIT, check_length},
    model::info,
    new_version::check_tags,
    state::ModelState,
};

impl Registry {
    /// The model of that name, made if it is not there.
    ///
    /// # Errors
    /// [`Error::Core`] if the name is not valid, [`Error::ModelExists`] if one is there whose name is hard to tell
    /// from it, [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or [`Error::Database`] if the database does
    /// not answer.
    pub fn model(&self, name: &str) -> Result<RegisteredModel> {
        let name = ModelName::new(name)?;
        match self.existing_model(&name) {
            Err(Error::UnknownModel { .. }) => {}
            found => return found,
        }
        match self.create_model(&name, "", &BTreeMap::new()) {
            Err(Error::ModelExists { existing, .. }) if existing == name => {
                self.existing_model(&name)
            }
            made => made,
        }
    }

    /// The model of that name, which must be there.
    ///
    /// # Errors
    /// [`Error::UnknownModel`], [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or [`Error::Database`].
    pub fn existing_model(&self, name: &ModelName) -> Result<RegisteredModel> {
        not_itself(name)?;
        self.state(name)?;
        Ok(RegisteredModel::new(self.clone(), name.clone()))
    }

    /// Makes a model that must not be there yet.
    ///
    /// # Errors
    /// [`Error::ModelExists`] if it is, or if one is there whose name is hard to tell from it; [`Error::ReservedName`],
    /// [`Error::TooLong`], [`Error::TooMany`] or [`Error::InvalidKey`] for a text or a tag; [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under
    /// a policy; [`Error::Busy`] or [`Error::Database`].
    pub fn create_model(
        &self,
        name: &ModelName,
        description: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<RegisteredModel> {
        not_itself(name)?;
        check_length("the description", description, PROSE_LIMIT)?;
        check_tags(tags)?;
        self.commit(name, &mut |now| {
            now.may(Action::Write)?;
            let taken = match now.state {
                Some(state) if state.deleted.is_none() || state.name != *name => {
                    Some(state.name.clone())
                }
                Some(_) => None,
                None => (now.taken)(name)?,
            };
            if let Some(existing) = taken {
                return Err(Error::ModelExists {
                    model: name.clone(),
                    existing,
                });
            }
            let change = Change::ModelCreated {
                name: name.clone(),
                description: description.to_owned(),
                tags: tags.clone(),
            };
            Ok(vec![Draft::new(change, "")])
        })?;
        Ok(RegisteredModel::new(self.clone(), name.clone()))
    }

    /// The names of all models that the actor may read, in order.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`].
    pub fn models(&self) -> Result<Vec<ModelName>> {
        let mut names = self.models_backend().names()?;
        if let Some(policy) = self.policy()? {
            names.retain(|name| policy.allow(self.actor(), Action::Read, name).is_ok());
        }
        Ok(names)
    }

    /// All models that the actor may read, by name, each read when it is its turn. One that was deleted in the
    /// meantime is left out.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`]; an item may fail likewise.
    pub fn model_infos(&self) -> Result<impl Iterator<Item = Result<ModelInfo>> + '_> {
        Ok(self.states()?.map(|state| state.map(|state| info(&state))))
    }

    /// All versions of all models that the actor may read, by name and number.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`]; an item may fail likewise.
    pub fn all_versions(&self) -> Result<impl Iterator<Item = Result<ModelVersion>> + '_> {
        Ok(self.states()?.flat_map(|state| match state {
            Ok(state) => state
                .versions
                .values()
                .map(|version| Ok(ModelVersion::clone(version)))
                .collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        }))
    }

    fn states(&self) -> Result<impl Iterator<Item = Result<Arc<ModelState>>> + '_> {
        Ok(self
            .models()?
            .into_iter()
            .filter_map(|name| match self.state(&name) {
                Err(Error::UnknownModel { .. }) => None,
                state => Some(state),
            }))
    }
}

/// Refuses the name of the registry itself.
pub(crate) fn not_itself(model: &ModelName) -> Result<()> {
    // nothing that looks like it either
    if model.folded() == Registry::ITSELF {
        return Err(Error::ReservedName {
            model: model.clone(),
        });
    }
    Ok(())
}
