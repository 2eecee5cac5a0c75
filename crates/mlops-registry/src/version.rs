//! Versions of a model: an immutable package with its signature, its lineage and its stage.
//!
//! Only the stage ever changes. Numbers count up per model and are never given twice. The package's
//! files lie in the artifact store by digest, so that equal files of many versions are kept once.

use std::collections::BTreeMap;

use mlops_core::{Digest, EventTime, Lineage, ModelName, Principal, VersionNumber};
use mlops_model::{ModelPackage, Signature};
use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;

use crate::{
    Error, Reference, Registry, Result, RunId, Stage,
    error::{During, stored},
    signature,
};

/// One version of a model, as it stood when it was read.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    /// The digest of the whole package.
    pub digest: Digest,
    /// When it was registered.
    pub created: EventTime,
    /// Who registered it.
    pub actor: Principal,
    /// The data, features and code that it came from.
    pub lineage: Lineage,
    /// What it reads and what it answers.
    pub signature: Signature,
    /// The files of the package by name.
    pub files: BTreeMap<String, Digest>,
    /// The signatures beside the package by name; whether they are good, a trust policy says.
    pub signatures: BTreeMap<String, Digest>,
    /// What somebody said about it.
    pub description: String,
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
            Reference::Alias(model, alias) => self.at_alias(&model, &alias),
            Reference::Version(model, version) => self.version(&model, version),
        }
    }

    /// The package of a version; every file is compared with its digest, and the whole with what was
    /// registered.
    ///
    /// # Errors
    /// [`Error::UnknownModel`], [`Error::UnknownVersion`]; [`Error::Artifact`] with the file that is
    /// gone or changed, [`Error::Package`] or [`Error::PackageMismatch`] if the files do not make the
    /// registered package; [`Error::Busy`] or [`Error::Database`].
    pub fn load(&self, model: &ModelName, version: VersionNumber) -> Result<ModelPackage> {
        let registered = self.version(model, version)?;
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
        self.database()
            .read(|tx| read(tx, model, model_row(tx, model)?, version))
    }
}

/// The row of a model that must be there.
pub(crate) fn model_row(tx: &Transaction<'_>, model: &ModelName) -> Result<i64> {
    find_model(tx, model)?.ok_or_else(|| Error::UnknownModel {
        model: model.clone(),
    })
}

/// The row of a model, if it is there.
pub(crate) fn find_model(tx: &Transaction<'_>, model: &ModelName) -> Result<Option<i64>> {
    let looking = "look up a model";
    tx.prepare_cached("SELECT id FROM model WHERE name = ?1")
        .during(looking)?
        .query_row([model.as_str()], |row| row.get(0))
        .optional()
        .during(looking)
}

/// The stage of a version that must be there.
pub(crate) fn stage_of(
    tx: &Transaction<'_>,
    model: &ModelName,
    row: i64,
    version: VersionNumber,
) -> Result<Stage> {
    let looking = "look up a version";
    let stage: Option<String> = tx
        .prepare_cached("SELECT stage FROM model_version WHERE model_id = ?1 AND version = ?2")
        .during(looking)?
        .query_row(params![row, version], |row| row.get(0))
        .optional()
        .during(looking)?;
    let stage = stage.ok_or_else(|| Error::UnknownVersion {
        model: model.clone(),
        version,
    })?;
    stored("stage", stage.parse())
}

/// The version in production.
pub(crate) fn champion(tx: &Transaction<'_>, row: i64) -> Result<Option<VersionNumber>> {
    let looking = "look up the champion";
    tx.prepare_cached(
        "SELECT version FROM model_version WHERE model_id = ?1 AND stage = 'Production'",
    )
    .during(looking)?
    .query_row([row], |row| row.get(0))
    .optional()
    .during(looking)
}

/// Everything about a version.
pub(crate) fn read(
    tx: &Transaction<'_>,
    model: &ModelName,
    row: i64,
    version: VersionNumber,
) -> Result<ModelVersion> {
    let reading = "read a version";
    let texts = tx
        .prepare_cached(
            "SELECT stage, uid, digest, signature, lineage, description, created_us, created_by
             FROM model_version LEFT JOIN run ON run.id = run_id
             WHERE model_id = ?1 AND version = ?2",
        )
        .during(reading)?
        .query_row(params![row, version], |row| {
            Ok((
                [row.get::<_, String>(0)?, row.get(2)?, row.get(7)?],
                row.get::<_, Option<String>>(1)?,
                [row.get::<_, String>(3)?, row.get(4)?],
                row.get::<_, String>(5)?,
                row.get::<_, i64>(6)?,
            ))
        })
        .optional()
        .during(reading)?;
    let Some(([stage, digest, actor], run, [signature, lineage], description, created)) = texts
    else {
        return Err(Error::UnknownVersion {
            model: model.clone(),
            version,
        });
    };
    let mut files = files(tx, row, version)?;
    let signatures = signature::split_off(&mut files);
    Ok(ModelVersion {
        model: model.clone(),
        version,
        stage: stored("stage", stage.parse())?,
        run: stored("run", run.map(|run| run.parse()).transpose())?,
        digest: stored("digest", digest.parse())?,
        created: EventTime::from_micros(created),
        actor: stored("principal", Principal::new(actor))?,
        lineage: stored("lineage", serde_json::from_str(&lineage))?,
        signature: stored("signature", serde_json::from_str(&signature))?,
        files,
        signatures,
        description,
    })
}

fn files(
    tx: &Transaction<'_>,
    row: i64,
    version: VersionNumber,
) -> Result<BTreeMap<String, Digest>> {
    let reading = "read the files of a version";
    let rows: Vec<(String, String)> = tx
        .prepare_cached(
            "SELECT path, digest FROM version_file WHERE model_id = ?1 AND version = ?2",
        )
        .during(reading)?
        .query_map(params![row, version], |row| Ok((row.get(0)?, row.get(1)?)))
        .during(reading)?
        .collect::<rusqlite::Result<_>>()
        .during(reading)?;
    rows.into_iter()
        .map(|(path, digest)| Ok((path, stored("digest", digest.parse())?)))
        .collect()
}
