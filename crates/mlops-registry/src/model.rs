//! Registered models: the name under which versions are kept, compared and served.

use std::collections::BTreeMap;

use mlops_core::{Digest, Lineage, ModelName, VersionNumber};
use mlops_model::ModelPackage;
use rusqlite::{Transaction, params};

use crate::{
    ModelVersion, Registry, Result, RunId, Stage,
    audit::{self, Action, Event, Registered},
    error::{During, stored},
    key::{PROSE_LIMIT, check_length, size_of},
    run_info, version,
};

/// A handle on one registered model.
#[derive(Debug, Clone)]
pub struct RegisteredModel {
    registry: Registry,
    name: ModelName,
}

impl RegisteredModel {
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
    /// [`Error::TooLong`](crate::Error::TooLong) for the description, [`Error::UnknownRun`](crate::Error::UnknownRun), [`Error::NotKept`](crate::Error::NotKept) if the store
    /// fails, [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub fn register(
        &self,
        package: &ModelPackage,
        run: Option<&RunId>,
        lineage: &Lineage,
        description: &str,
    ) -> Result<ModelVersion> {
        check_length("the description", description, PROSE_LIMIT)?;
        let mut files = BTreeMap::new();
        for (name, bytes) in package.files() {
            files.insert(
                name.as_str(),
                (self.registry.keep(name, bytes)?, size_of(bytes)),
            );
        }
        let lineage = serde_json::to_string(lineage).expect("names and digests are JSON");
        let signature = serde_json::to_string(package.signature()).expect("names are JSON");
        let registering = "register a version";
        self.registry.database().write_durably(|tx| {
            let row = version::model_row(tx, &self.name)?;
            let run = run.map(|run| run_info::row_of(tx, run)).transpose()?;
            let number: VersionNumber = tx
                .query_row(
                    "UPDATE model SET next_version = next_version + 1 WHERE id = ?1
                     RETURNING next_version - 1",
                    [row],
                    |row| row.get(0),
                )
                .during(registering)?;
            tx.execute(
                "INSERT INTO model_version (model_id, version, stage, run_id, digest, signature,
                    lineage, description, created_us, created_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    row,
                    number,
                    Stage::None.as_str(),
                    run,
                    package.digest().to_string(),
                    signature,
                    lineage,
                    description,
                    self.registry.now().micros(),
                    self.registry.actor().as_str(),
                ],
            )
            .during(registering)?;
            write_files(tx, row, number, &files)?;
            let event = Event {
                version: Some(number),
                to: Some(Stage::None.to_string()),
                reason: description,
                evidence: Some(Registered::evidence(&package.digest())),
                ..Event::new(Action::VersionRegistered, &self.name)
            };
            audit::append(tx, &self.registry, &event)?;
            audit::next_generation(tx)?;
            version::read(tx, &self.name, row, number)
        })
    }

    /// All versions by number.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub fn versions(&self) -> Result<Vec<ModelVersion>> {
        let listing = "list the versions";
        self.registry.database().read(|tx| {
            let row = version::model_row(tx, &self.name)?;
            let numbers: Vec<VersionNumber> = tx
                .prepare_cached(
                    "SELECT version FROM model_version WHERE model_id = ?1 ORDER BY version",
                )
                .during(listing)?
                .query_map([row], |row| row.get(0))
                .during(listing)?
                .collect::<rusqlite::Result<_>>()
                .during(listing)?;
            numbers
                .into_iter()
                .map(|number| version::read(tx, &self.name, row, number))
                .collect()
        })
    }

    /// One version.
    ///
    /// # Errors
    /// [`Error::UnknownVersion`](crate::Error::UnknownVersion), [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub fn version(&self, version: VersionNumber) -> Result<ModelVersion> {
        self.registry.version(&self.name, version)
    }

    /// The version in production, if there is one.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub fn champion(&self) -> Result<Option<ModelVersion>> {
        self.registry.database().read(|tx| {
            let row = version::model_row(tx, &self.name)?;
            version::champion(tx, row)?
                .map(|number| version::read(tx, &self.name, row, number))
                .transpose()
        })
    }
}

impl Registry {
    /// The model of that name, made if it is not there.
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) if the name is not valid, [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database) if the
    /// database does not answer.
    pub fn model(&self, name: &str) -> Result<RegisteredModel> {
        let name = ModelName::new(name)?;
        if self
            .database()
            .read(|tx| version::find_model(tx, &name))?
            .is_none()
        {
            self.database()
                .write_durably(|tx| self.create_model(tx, &name))?;
        }
        Ok(RegisteredModel {
            registry: self.clone(),
            name,
        })
    }

    fn create_model(&self, tx: &Transaction<'_>, name: &ModelName) -> Result<()> {
        if version::find_model(tx, name)?.is_some() {
            return Ok(());
        }
        tx.execute(
            "INSERT INTO model (name, created_us, created_by) VALUES (?1, ?2, ?3)",
            params![name.as_str(), self.now().micros(), self.actor().as_str()],
        )
        .during("create a model")?;
        audit::append(tx, self, &Event::new(Action::ModelCreated, name)).map(drop)
    }

    /// All models by name.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub fn models(&self) -> Result<Vec<ModelName>> {
        let listing = "list the models";
        self.database().read(|tx| {
            let names: Vec<String> = tx
                .prepare_cached("SELECT name FROM model ORDER BY name")
                .during(listing)?
                .query_map([], |row| row.get(0))
                .during(listing)?
                .collect::<rusqlite::Result<_>>()
                .during(listing)?;
            names
                .into_iter()
                .map(|name| stored("model name", ModelName::new(name)))
                .collect()
        })
    }
}

pub(crate) fn write_files(
    tx: &Transaction<'_>,
    row: i64,
    number: VersionNumber,
    files: &BTreeMap<&str, (Digest, i64)>,
) -> Result<()> {
    let writing = "write the files of a version";
    let mut insert = tx
        .prepare_cached(
            "INSERT INTO version_file (model_id, version, path, digest, size)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .during(writing)?;
    for (name, (digest, size)) in files {
        insert
            .execute(params![row, number, name, digest.to_string(), size])
            .during(writing)?;
    }
    Ok(())
}
