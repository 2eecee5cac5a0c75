//! Registered models: the name under which versions are kept, compared and served.

use std::{borrow::Borrow, collections::BTreeMap};

use mlops_core::{
    Action, AliasName, Digest, EventTime, Lineage, ModelName, Principal, VersionNumber,
};
use mlops_model::ModelPackage;
use serde::Serialize;

use crate::{
    Content, Error, ModelVersion, NewVersion, Registry, Result, RunId, Stage,
    catalogue::not_itself,
    change::{Change, Draft},
    key::{PROSE_LIMIT, check_length},
    new_version::{NewContent, TAGS, check_tag},
    run_info,
    state::ModelState,
    tracking::Reach,
};

/// A handle on one registered model.
#[derive(Debug, Clone)]
pub struct RegisteredModel {
    registry: Registry,
    name: ModelName,
}

/// A model in a listing, as it stood when it was read.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ModelInfo {
    /// Its name.
    pub name: ModelName,
    /// What somebody said about it.
    pub description: String,
    /// The tags.
    pub tags: BTreeMap<String, String>,
    /// When it was made.
    pub created: EventTime,
    /// Who made it.
    pub actor: Principal,
    /// When the model, its versions or its aliases last changed.
    pub updated: EventTime,
    /// The aliases with the versions that they point at.
    pub aliases: BTreeMap<AliasName, VersionNumber>,
    /// The newest version in each stage, by the stage's order.
    pub latest: BTreeMap<Stage, VersionNumber>,
    /// The number of its versions.
    pub versions: usize,
}

/// The evidence of a registration: which package the version is, once and for all.
#[derive(Serialize)]
struct Registered {
    package: String,
}

impl RegisteredModel {
    pub(crate) fn new(registry: Registry, name: ModelName) -> Self {
        Self { registry, name }
    }

    /// Its name.
    pub fn name(&self) -> &ModelName {
        &self.name
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Keeps the package as the next version, in stage None.
    ///
    /// The files are kept first and the version is written last, so that a version that can be seen
    /// can be loaded. A failure in between leaves files that nothing refers to, and uses no number up.
    ///
    /// # Errors
    /// [`Error::TooLong`] for the description, [`Error::UnknownRun`], [`Error::NotKept`] if the store
    /// fails, [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or [`Error::Database`].
    pub fn register(
        &self,
        package: &ModelPackage,
        run: Option<&RunId>,
        lineage: &Lineage,
        description: &str,
    ) -> Result<ModelVersion> {
        if let Some(run) = run {
            self.registry
                .look(Reach::Run(run), |tx| run_info::row_of(tx, run))?;
        }
        let mut version = NewVersion::package(package)
            .lineage(lineage.clone())
            .description(description);
        version.run = run.cloned();
        self.register_version(version)
    }

    /// Registers the next version, in stage None: a package, a tree of artifacts or a source. The run may be one
    /// that this registry does not know.
    ///
    /// # Errors
    /// [`Error::TooLong`], [`Error::TooMany`] or [`Error::InvalidKey`] for a text or a tag, [`Error::UnknownTree`] if
    /// the store has no such manifest, [`Error::NotKept`] if the store fails, [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy,
    /// [`Error::Busy`] or [`Error::Database`].
    pub fn register_version<'a>(&self, new: impl Borrow<NewVersion<'a>>) -> Result<ModelVersion> {
        let new = new.borrow();
        new.check()?;
        let (content, digest, files, sizes) = self.keep(new)?;
        let signature = match new.content {
            NewContent::Package(package) => Some(package.signature().clone()),
            _ => None,
        };
        let mut number = 0;
        let committed = self.registry.commit(&self.name, &mut |now| {
            let state = now.live_for(Action::Write)?;
            number = state.next;
            let version = ModelVersion {
                model: self.name.clone(),
                version: number,
                stage: Stage::None,
                run: new.run.clone(),
                content,
                digest,
                created: now.now,
                actor: now.actor.clone(),
                lineage: new.lineage.clone(),
                parent: new.parent.clone(),
                signature: signature.clone(),
                source: new.source.clone(),
                logged_model: new.logged_model.clone(),
                files: files.clone(),
                signatures: BTreeMap::new(),
                description: new.description.clone(),
                tags: new.tags.clone(),
                status: new.status,
                updated: now.now,
            };
            let change = Change::VersionRegistered {
                version: Box::new(version),
                sizes: sizes.clone(),
            };
            let package = digest.to_string();
            Ok(vec![
                Draft::new(change, new.why()).on(&Registered { package }),
            ])
        })?;
        let state = committed.state.expect("the version was written");
        Ok(ModelVersion::clone(state.version(number)?))
    }

    /// Keeps the content of a version; says what it is, its digest, and its files with their sizes.
    #[expect(
        clippy::type_complexity,
        reason = "four things about one content, taken apart at once"
    )]
    fn keep(
        &self,
        new: &NewVersion<'_>,
    ) -> Result<(
        Content,
        Digest,
        BTreeMap<String, Digest>,
        BTreeMap<String, u64>,
    )> {
        let (mut files, mut sizes) = (BTreeMap::new(), BTreeMap::new());
        let (content, digest) = match new.content {
            NewContent::Package(package) => {
                for (name, bytes) in package.files() {
                    files.insert(name.clone(), self.registry.keep(name, bytes)?);
                    sizes.insert(name.clone(), bytes.len() as u64);
                }
                (Content::Package, package.digest())
            }
            NewContent::Tree(manifest) => {
                let found = self.registry.store().contains(&manifest);
                let found = found.map_err(|source| Error::NotKept {
                    artifact: manifest.to_string(),
                    source: Box::new(source),
                })?;
                if !found {
                    return Err(Error::UnknownTree {
                        model: self.name.clone(),
                        manifest,
                    });
                }
                (Content::Tree, manifest)
            }
            NewContent::Source => {
                let source = new.source.as_deref().unwrap_or_default();
                (Content::Source, Digest::of(source.as_bytes()))
            }
        };
        Ok((content, digest, files, sizes))
    }

    /// All versions by number.
    ///
    /// # Errors
    /// [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or [`Error::Database`].
    pub fn versions(&self) -> Result<Vec<ModelVersion>> {
        let state = self.registry.state(&self.name)?;
        Ok(state
            .versions
            .values()
            .map(|v| ModelVersion::clone(v))
            .collect())
    }

    /// One version.
    ///
    /// # Errors
    /// [`Error::UnknownVersion`], [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or [`Error::Database`].
    pub fn version(&self, version: VersionNumber) -> Result<ModelVersion> {
        self.registry.version(&self.name, version)
    }

    /// The version in production, if there is one.
    ///
    /// # Errors
    /// [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or [`Error::Database`].
    pub fn champion(&self) -> Result<Option<ModelVersion>> {
        let state = self.registry.state(&self.name)?;
        Ok(state.champion().map(|version| ModelVersion::clone(version)))
    }

    /// The version at the alias `challenger`, if there is one: the one that is to take the champion's place.
    ///
    /// # Errors
    /// [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or [`Error::Database`].
    pub fn challenger(&self) -> Result<Option<ModelVersion>> {
        let state = self.registry.state(&self.name)?;
        Ok(state
            .at_alias(&crate::alias::challenger())
            .ok()
            .map(|version| ModelVersion::clone(version)))
    }

    /// What there is to know about the model as a whole.
    ///
    /// # Errors
    /// [`Error::UnknownModel`], [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or [`Error::Database`].
    pub fn info(&self) -> Result<ModelInfo> {
        let state = self.registry.state(&self.name)?;
        Ok(info(&state))
    }

    /// Says something else about the model.
    ///
    /// # Errors
    /// [`Error::TooLong`], [`Error::UnknownModel`], [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or
    /// [`Error::Database`].
    pub fn set_description(&self, description: &str) -> Result<ModelInfo> {
        check_length("the description", description, PROSE_LIMIT)?;
        self.change(|state| {
            (state.description != description).then(|| Change::ModelDescribed {
                description: description.to_owned(),
            })
        })
    }

    /// Sets a tag of the model.
    ///
    /// # Errors
    /// [`Error::InvalidKey`], [`Error::TooLong`] or [`Error::TooMany`], [`Error::UnknownModel`],
    /// [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or [`Error::Database`].
    pub fn set_tag(&self, key: &str, value: &str) -> Result<ModelInfo> {
        check_tag(key, value)?;
        let (mut full, known) = (false, value);
        let info = self.change(|state| {
            let before = state.tags.get(key);
            full = before.is_none() && state.tags.len() >= TAGS;
            (!full && before.map(String::as_str) != Some(known)).then(|| Change::ModelTagged {
                key: key.to_owned(),
                value: Some(value.to_owned()),
            })
        })?;
        if full { Err(too_many_tags()) } else { Ok(info) }
    }

    /// Takes a tag of the model away; no news if it has none.
    ///
    /// # Errors
    /// [`Error::UnknownModel`], [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or [`Error::Database`].
    pub fn delete_tag(&self, key: &str) -> Result<ModelInfo> {
        self.change(|state| {
            state.tags.contains_key(key).then(|| Change::ModelTagged {
                key: key.to_owned(),
                value: None,
            })
        })
    }

    /// Gives the model another name, if no other has it or one that is hard to tell from it. References to the old
    /// name lead nowhere from then on.
    ///
    /// # Errors
    /// [`Error::ModelExists`], [`Error::ReservedName`], [`Error::UnknownModel`], [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy,
    /// for either name; [`Error::Log`] or [`Error::Contended`] on an object store; [`Error::Busy`] or [`Error::Database`].
    ///
    /// On an object store, where each model has a log of its own, the rename is one entry at the end of the old log: a
    /// killed process leaves the model under one of both names, and nobody else's change is lost between them.
    pub fn rename(&self, to: &ModelName) -> Result<Self> {
        not_itself(to)?;
        let registry = &self.registry;
        registry.commit(&self.name, &mut |now| {
            let state = now.live_for(Action::Write)?;
            if let Some(policy) = now.policy {
                policy.allow(now.actor, Action::Write, to)?;
            }
            if let Some(existing) = (now.taken)(to)? {
                return Err(Error::ModelExists {
                    model: to.clone(),
                    existing,
                });
            }
            Ok(vec![Draft::new(
                Change::ModelRenamed {
                    from: state.name.clone(),
                    to: to.clone(),
                },
                "",
            )])
        })?;
        Ok(Self {
            registry: registry.clone(),
            name: to.clone(),
        })
    }

    /// Deletes the model with its versions, none of which may be in production. If a model of that name is made
    /// again, its numbers go on where these ended.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::UnknownModel`], [`Error::TooLong`] for the reason, [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a
    /// policy, [`Error::Busy`] or [`Error::Database`].
    pub fn delete(&self, reason: &str) -> Result<()> {
        check_length("the reason", reason, PROSE_LIMIT)?;
        self.registry
            .commit(&self.name, &mut |now| {
                let state = now.live_for(Action::Delete)?;
                if let Some(champion) = state.champion() {
                    return Err(Error::InUse {
                        model: self.name.clone(),
                        version: champion.version,
                        reason: "it is in production; archive it first",
                    });
                }
                for alias in state.aliases.keys() {
                    crate::alias::check_protected(&now, alias)?;
                }
                Ok(vec![Draft::new(Change::ModelDeleted, reason)])
            })
            .map(drop)
    }

    fn change(&self, mut decide: impl FnMut(&ModelState) -> Option<Change>) -> Result<ModelInfo> {
        let committed = self.registry.commit(&self.name, &mut |now| {
            let state = now.live_for(Action::Write)?;
            Ok(decide(state)
                .map(|change| Draft::new(change, ""))
                .into_iter()
                .collect())
        })?;
        Ok(info(&committed.state.expect("the model is there")))
    }
}

pub(crate) fn info(state: &ModelState) -> ModelInfo {
    let latest = state
        .versions
        .values()
        .map(|v| (v.stage, v.version))
        .collect();
    ModelInfo {
        name: state.name.clone(),
        description: state.description.clone(),
        tags: state.tags.clone(),
        created: state.created,
        actor: state.created_by.clone(),
        updated: state.updated,
        aliases: state.aliases.clone(),
        latest,
        versions: state.versions.len(),
    }
}

pub(crate) fn too_many_tags() -> Error {
    Error::TooMany {
        what: "tags",
        found: TAGS + 1,
        limit: TAGS,
    }
}
