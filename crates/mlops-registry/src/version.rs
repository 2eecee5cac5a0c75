//! Versions of a model: an immutable package with its signature, its lineage and its stage.
//!
//! What a version is never changes: its stage, status, tags and description do. Numbers count up per model and are
//! never given twice. The package's files lie in the artifact store by digest, so that equal files of many versions
//! are kept once.

use std::collections::BTreeMap;

use mlops_core::{Digest, EventTime, Lineage, ModelName, Principal, VersionNumber};
use mlops_model::{ModelPackage, Signature};
use serde::{Deserialize, Serialize};

use crate::{
    Content, Error, ParentVersion, Reference, Registry, Result, RunId, Stage, VersionStatus,
};

/// One version of a model, as it stood when it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModelVersion {
    /// The model.
    pub model: ModelName,
    /// Its number, counted from 1.
    pub version: VersionNumber,
    /// How far it has come.
    pub stage: Stage,
    /// The run that made it, if it is known.
    pub run: Option<RunId>,
    /// What the version consists of.
    pub content: Content,
    /// The digest of its content: of the whole package, of the tree's manifest, or of the source's text.
    pub digest: Digest,
    /// When it was registered.
    pub created: EventTime,
    /// Who registered it.
    pub actor: Principal,
    /// The data, features and code that it came from.
    pub lineage: Lineage,
    /// The version that it was made from, if it is known.
    #[serde(default)]
    pub parent: Option<ParentVersion>,
    /// What it reads and what it answers; a package says so.
    #[serde(default)]
    pub signature: Option<Signature>,
    /// Where it came from, as the caller put it, for instance `runs:/…/model`.
    #[serde(default)]
    pub source: Option<String>,
    /// The logged model that it was registered from, as MLflow names it.
    #[serde(default)]
    pub logged_model: Option<String>,
    /// The files of the package by name; none for other contents.
    pub files: BTreeMap<String, Digest>,
    /// The signatures beside the package by name; whether they are good, a trust policy says.
    pub signatures: BTreeMap<String, Digest>,
    /// What somebody said about it.
    pub description: String,
    /// The tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Whether its content is complete.
    #[serde(default)]
    pub status: VersionStatus,
    /// When anything about it last changed.
    pub updated: EventTime,
}

impl ModelVersion {
    /// The reference that names this version for ever.
    pub fn reference(&self) -> Reference {
        Reference::Version(self.model.clone(), self.version)
    }
}

impl Registry {
    /// The version that a reference names now: `churn@production` or `churn/3`.
    ///
    /// # Errors
    /// [`Error::InvalidReference`], [`Error::UnknownModel`], [`Error::UnknownVersion`],
    /// [`Error::UnknownAlias`], [`Error::Busy`] or [`Error::Database`].
    pub fn resolve(&self, reference: &str) -> Result<ModelVersion> {
        match reference.parse()? {
            Reference::Alias(model, alias) => {
                Ok(ModelVersion::clone(self.state(&model)?.at_alias(&alias)?))
            }
            Reference::Version(model, version) => self.version(&model, version),
        }
    }

    /// The package of a version; every file is compared with its digest, and the whole with what was
    /// registered.
    ///
    /// # Errors
    /// [`Error::UnknownModel`], [`Error::UnknownVersion`], [`Error::NoPackage`] for a version of other
    /// content; [`Error::Artifact`] with the file that is gone or changed, [`Error::Package`] or [`Error::PackageMismatch`] if the files do not make the
    /// registered package; [`Error::Busy`] or [`Error::Database`].
    pub fn load(&self, model: &ModelName, version: VersionNumber) -> Result<ModelPackage> {
        let registered = self.version(model, version)?;
        self.load_version(&registered)
    }

    pub(crate) fn load_version(&self, registered: &ModelVersion) -> Result<ModelPackage> {
        let (model, version) = (&registered.model, registered.version);
        if registered.content != Content::Package {
            return Err(Error::NoPackage {
                model: model.clone(),
                version,
                content: registered.content,
            });
        }
        let files = self.fetch(model, version, &registered.files)?;
        let package = ModelPackage::from_files(files).map_err(|source| Error::Package {
            model: model.clone(),
            version,
            source: Box::new(source),
        })?;
        if package.digest() != registered.digest {
            return Err(Error::PackageMismatch {
                model: model.clone(),
                version,
                digest: registered.digest,
                found: package.digest(),
            });
        }
        Ok(package)
    }

    /// Files of a version, each compared with its digest.
    pub(crate) fn fetch(
        &self,
        model: &ModelName,
        version: VersionNumber,
        files: &BTreeMap<String, Digest>,
    ) -> Result<BTreeMap<String, Vec<u8>>> {
        let fetched = files.iter().map(|(name, digest)| {
            let bytes = self.store().get(digest).map_err(|source| Error::Artifact {
                model: model.clone(),
                version,
                artifact: name.clone(),
                source: Box::new(source),
            })?;
            Ok((name.clone(), bytes.to_vec()))
        });
        fetched.collect()
    }

    pub(crate) fn version(
        &self,
        model: &ModelName,
        version: VersionNumber,
    ) -> Result<ModelVersion> {
        Ok(ModelVersion::clone(self.state(model)?.version(version)?))
    }
}
