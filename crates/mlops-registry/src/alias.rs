//! Aliases: names that point at one version of a model until they are moved.
//!
//! `latest` and `v<digits>` are kept free, because they read like a version, and `production`
//! follows the stage: moving it by hand would go round the gate.

use std::collections::BTreeMap;

use mlops_core::{AliasName, ModelName, VersionNumber};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::{
    Error, ModelVersion, RegisteredModel, Registry, Result,
    audit::{self, Action, Event},
    error::{During, stored},
    stage, version,
};

impl RegisteredModel {
    /// Points an alias at a version, wherever it pointed before.
    ///
    /// # Errors
    /// [`Error::ReservedAlias`] for `latest`, `v<digits>` and `production`,
    /// [`Error::UnknownVersion`], [`Error::Busy`] or [`Error::Database`].
    pub fn set_alias(&self, alias: &AliasName, number: VersionNumber) -> Result<()> {
        check_free(self.name(), alias)?;
        let registry = self.registry();
        registry.database().write_durably(|tx| {
            let row = version::model_row(tx, self.name())?;
            version::stage_of(tx, self.name(), row, number)?;
            put(tx, registry, self.name(), row, alias, number, "")?;
            audit::next_generation(tx)
        })
    }

    /// Takes an alias away.
    ///
    /// # Errors
    /// [`Error::ReservedAlias`] for `production`, [`Error::UnknownAlias`], [`Error::Busy`] or
    /// [`Error::Database`].
    pub fn delete_alias(&self, alias: &AliasName) -> Result<()> {
        check_free(self.name(), alias)?;
        let registry = self.registry();
        registry.database().write_durably(|tx| {
            let row = version::model_row(tx, self.name())?;
            remove(tx, registry, self.name(), row, alias, "")?;
            audit::next_generation(tx)
        })
    }

    /// The version that an alias points at.
    ///
    /// # Errors
    /// [`Error::UnknownAlias`], [`Error::Busy`] or [`Error::Database`].
    pub fn alias(&self, alias: &AliasName) -> Result<ModelVersion> {
        self.registry().at_alias(self.name(), alias)
    }

    /// All aliases with the versions that they point at.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`].
    pub fn aliases(&self) -> Result<BTreeMap<AliasName, VersionNumber>> {
        self.registry()
            .database()
            .read(|tx| list(tx, version::model_row(tx, self.name())?))
    }
}

impl Registry {
    pub(crate) fn at_alias(&self, model: &ModelName, alias: &AliasName) -> Result<ModelVersion> {
        self.database().read(|tx| {
            let row = version::model_row(tx, model)?;
            let number = find(tx, row, alias)?.ok_or_else(|| Error::UnknownAlias {
                model: model.clone(),
                alias: alias.clone(),
            })?;
            version::read(tx, model, row, number)
        })
    }
}

/// Points an alias at a version and says so in the audit trail; no news if it points there already.
pub(crate) fn put(
    tx: &Transaction<'_>,
    registry: &Registry,
    model: &ModelName,
    row: i64,
    alias: &AliasName,
    number: VersionNumber,
    reason: &str,
) -> Result<()> {
    let before = find(tx, row, alias)?;
    if before == Some(number) {
        return Ok(());
    }
    let writing = "write an alias";
    tx.prepare_cached(
        "INSERT INTO model_alias (model_id, alias, version) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET version = excluded.version",
    )
    .during(writing)?
    .execute(params![row, alias.as_str(), number])
    .during(writing)?;
    let event = Event {
        version: Some(number),
        alias: Some(alias),
        from: before.map(|number| number.to_string()),
        to: Some(number.to_string()),
        reason,
        ..Event::new(Action::AliasSet, model)
    };
    audit::append(tx, registry, &event)?;
    Ok(())
}

/// Takes an alias away and says so in the audit trail.
pub(crate) fn remove(
    tx: &Transaction<'_>,
    registry: &Registry,
    model: &ModelName,
    row: i64,
    alias: &AliasName,
    reason: &str,
) -> Result<()> {
    let number = find(tx, row, alias)?.ok_or_else(|| Error::UnknownAlias {
        model: model.clone(),
        alias: alias.clone(),
    })?;
    let writing = "delete an alias";
    tx.prepare_cached("DELETE FROM model_alias WHERE model_id = ?1 AND alias = ?2")
        .during(writing)?
        .execute(params![row, alias.as_str()])
        .during(writing)?;
    let event = Event {
        version: Some(number),
        alias: Some(alias),
        from: Some(number.to_string()),
        reason,
        ..Event::new(Action::AliasDeleted, model)
    };
    audit::append(tx, registry, &event)?;
    Ok(())
}

/// The aliases of a model.
pub(crate) fn list(tx: &Transaction<'_>, row: i64) -> Result<BTreeMap<AliasName, VersionNumber>> {
    let reading = "read the aliases";
    let rows: Vec<(String, VersionNumber)> = tx
        .prepare_cached("SELECT alias, version FROM model_alias WHERE model_id = ?1")
        .during(reading)?
        .query_map([row], |row| Ok((row.get(0)?, row.get(1)?)))
        .during(reading)?
        .collect::<rusqlite::Result<_>>()
        .during(reading)?;
    rows.into_iter()
        .map(|(alias, number)| Ok((stored("alias", AliasName::new(alias))?, number)))
        .collect()
}

fn find(tx: &Transaction<'_>, row: i64, alias: &AliasName) -> Result<Option<VersionNumber>> {
    let reading = "look up an alias";
    tx.prepare_cached("SELECT version FROM model_alias WHERE model_id = ?1 AND alias = ?2")
        .during(reading)?
        .query_row(params![row, alias.as_str()], |row| row.get(0))
        .optional()
        .during(reading)
}

fn check_free(model: &ModelName, alias: &AliasName) -> Result<()> {
    let text = alias.as_str();
    let version_like = text
        .strip_prefix(['v', 'V'])
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
    let reason = if text.eq_ignore_ascii_case("latest") {
        "it reads as the newest version"
    } else if version_like {
        "it reads as a version number"
    } else if *alias == stage::production() {
        "it follows the stage Production, which a version enters by promotion"
    } else {
        return Ok(());
    };
    Err(Error::ReservedAlias {
        model: model.clone(),
        alias: alias.clone(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_like_a_version_is_reserved() {
        let model = ModelName::new("churn").unwrap();
        let free = |alias: &str| check_free(&model, &AliasName::new(alias).unwrap()).is_ok();
        for reserved in ["latest", "Latest", "LATEST", "v1", "V12", "production"] {
            assert!(!free(reserved), "{reserved}");
        }
        for good in ["champion", "v", "v1a", "vx", "canary", "latest2"] {
            assert!(free(good), "{good}");
        }
    }
}
