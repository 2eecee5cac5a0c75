//! Verifying the audit trail: link by link, then against the state that it leads to.
//!
//! A sound chain over a registry that was changed by other hands proves nothing, so the stages and
//! aliases that the trail leads to, and the packages behind them, are compared with those in force.

use std::collections::BTreeMap;

use mlops_core::ModelName;
use rusqlite::Transaction;

use crate::{
    Error, Registry, Result, Stage,
    audit::{self, Action, Record, Registered},
    error::{During, stored},
    schema::audit_root,
};

/// What the trail leads to: by model, then by version, package of a version, or alias.
type State = BTreeMap<(String, String), String>;

impl Registry {
    /// Checks every link of the audit trail, and that stages and aliases are as it says.
    ///
    /// # Errors
    /// [`Error::AuditBroken`] with the first bad entry; [`Error::AuditDisagrees`] with the version or
    /// alias that was changed past the trail; [`Error::Busy`] or [`Error::Database`].
    ///
    /// # Complexity
    /// Linear in the entries; one pass.
    pub fn verify_audit(&self) -> Result<()> {
        self.database()
            .read(|tx| compare(&follow(tx)?, &in_force(tx)?))
    }
}

/// Follows the chain from its root to its head.
fn follow(tx: &Transaction<'_>) -> Result<State> {
    let reading = "read the audit trail";
    let mut state = State::new();
    let mut previous = audit_root().to_string();
    let mut expected = 1_i64;
    let columns = Record::COLUMNS;
    let mut statement = tx
        .prepare(&format!("SELECT {columns} FROM audit ORDER BY id"))
        .during(reading)?;
    let mut rows = statement.query([]).during(reading)?;
    while let Some(row) = rows.next().during(reading)? {
        let record = Record::from_row(row).map_err(|error| broken(expected, error.to_string()))?;
        if record.id != expected {
            return Err(broken(expected, "it is missing"));
        }
        if record.previous != previous {
            return Err(broken(expected, "it does not follow the entry before it"));
        }
        let computed = record.computed().to_string();
        if record.digest != computed {
            return Err(broken(expected, "its content does not have its digest"));
        }
        apply(&mut state, record)?;
        previous = computed;
        expected += 1;
    }
    let (entries, head) = audit::head(tx)?;
    if entries != expected - 1 {
        return Err(broken(
            expected.min(entries + 1),
            format!("the registry counts {entries} entries"),
        ));
    }
    if head != previous {
        return Err(broken(entries, "the registry knows another last digest"));
    }
    Ok(state)
}

fn apply(state: &mut State, mut record: Record) -> Result<()> {
    let entry = record.id;
    let evidence = record.evidence.take();
    let missing = |what: &str| broken(entry, format!("it names no {what}"));
    let version = || {
        let version = record.version.ok_or_else(|| missing("version"))?;
        Ok::<_, Error>(format!("version {version}"))
    };
    let alias = || {
        let alias = record.alias.as_ref().ok_or_else(|| missing("alias"))?;
        Ok::<_, Error>(format!("alias `{alias}`"))
    };
    let action = record.action.as_str();
    let (subject, value) = if action == Action::VersionRegistered.as_str() {
        let package: Registered = evidence
            .and_then(|text| serde_json::from_str(&text).ok())
            .ok_or_else(|| missing("package"))?;
        let subject = format!("the package of {}", version()?);
        state.insert((record.model.clone(), subject), package.package);
        (version()?, Some(Stage::None.to_string()))
    } else if [Action::StageChanged, Action::Promoted]
        .map(Action::as_str)
        .contains(&action)
    {
        (version()?, record.to.clone())
    } else if action == Action::AliasSet.as_str() {
        (alias()?, record.to.clone())
    } else if action == Action::AliasDeleted.as_str() {
        (alias()?, None)
    } else {
        return Ok(());
    };
    let key = (record.model, subject);
    match value {
        Some(value) => state.insert(key, value),
        None => state.remove(&key),
    };
    Ok(())
}

/// The stages and aliases as the tables have them.
fn in_force(tx: &Transaction<'_>) -> Result<State> {
    let reading = "read the stages and aliases";
    tx.prepare(
        "SELECT name, 'version ' || version, stage
         FROM model_version JOIN model ON model.id = model_id
         UNION ALL
         SELECT name, 'the package of version ' || version, digest
         FROM model_version JOIN model ON model.id = model_id
         UNION ALL
         SELECT name, 'alias `' || alias || '`', CAST(version AS TEXT)
         FROM model_alias JOIN model ON model.id = model_id",
    )
    .during(reading)?
    .query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))
    .during(reading)?
    .collect::<rusqlite::Result<_>>()
    .during(reading)
}

fn compare(audited: &State, found: &State) -> Result<()> {
    let nothing = "nothing".to_owned();
    for key in audited.keys().chain(found.keys()) {
        let says = |state: &State| state.get(key).unwrap_or(&nothing).clone();
        let (audited, found) = (says(audited), says(found));
        if audited != found {
            let (model, subject) = key;
            return Err(Error::AuditDisagrees {
                model: stored("model name", ModelName::new(model.as_str()))?,
                subject: subject.clone(),
                audited,
                found,
            });
        }
    }
    Ok(())
}

fn broken(entry: i64, reason: impl Into<String>) -> Error {
    Error::AuditBroken {
        entry: u64::try_from(entry).unwrap_or(0),
        reason: reason.into(),
    }
}
