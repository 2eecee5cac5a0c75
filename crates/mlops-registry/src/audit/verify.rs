//! Verifying the audit trail: link by link, then against the state that it leads to.
//!
//! A sound chain over a registry that was changed by other hands proves nothing, so the state that the trail leads
//! to is compared with the one in force, part by part.

use std::collections::{BTreeMap, BTreeSet};

use mlops_core::ModelName;
use rusqlite::Transaction;
use serde::Deserialize;

use super::{Action, Record, broken};
use crate::{
    Error, Registry, Result, Stage,
    backend::{self, sqlite_state},
    change::Change,
    error::{During, stored},
    schema::audit_root,
    state::{ModelState, Stamp},
};

/// What a trail leads to, by model.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    states: BTreeMap<String, ModelState>,
    /// What entries of format 1 tell, until the model is taken over: by model, then by part.
    legacy: BTreeMap<String, BTreeMap<String, String>>,
    /// Renames from one chain to another, if there are several.
    moves: Option<Moves>,
}

/// The two halves of each rename, which stand in two chains and are met in any order.
#[derive(Debug, Default)]
struct Moves {
    /// What a chain begins with, by model, as long as nothing shows whether it is so: the record that decides, by its
    /// digest and the one before it, and the state.
    begun: BTreeMap<String, Begun>,
    /// Those that must be, since the model went on, and those that cannot be.
    held: Vec<Begun>,
    void: BTreeSet<String>,
    /// The states that chains ended with, by the record that says so.
    ended: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Debug, Clone)]
struct Begun {
    closing: String,
    previous: String,
    number: u64,
    facts: BTreeMap<String, String>,
}

/// The evidence of a registration in format 1.
#[derive(Deserialize)]
struct Registered {
    package: String,
}

impl Registry {
    /// Checks every link of the audit trail, and that everything about models is as it says.
    ///
    /// # Errors
    /// [`Error::AuditBroken`] with the first bad entry; [`Error::AuditDisagrees`] with the version, the
    /// alias or another part that was changed past the trail; [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy;
    /// [`Error::Busy`] or [`Error::Database`].
    ///
    /// # Complexity
    /// Linear in the entries and in what they tell; one pass.
    pub fn verify_audit(&self) -> Result<()> {
        self.may_read(&Self::itself())?;
        self.models_backend().verify()
    }
}

impl Fold {
    /// What another way of folding led to.
    pub(crate) fn of(states: BTreeMap<String, ModelState>) -> Self {
        Self {
            states,
            ..Self::default()
        }
    }

    /// A fold of several chains, between which models may be renamed.
    pub(crate) fn over_chains() -> Self {
        Self {
            moves: Some(Moves::default()),
            ..Self::default()
        }
    }

    /// Takes what is about a rename between chains; says whether there is nothing more to do.
    fn take_move(&mut self, record: &Record, change: &Change, stamp: Stamp<'_>) -> Result<bool> {
        let Some(moves) = &mut self.moves else {
            return Ok(false);
        };
        if let Some(begun) = moves.begun.remove(&record.model) {
            // a name that is given anew was not taken
            if matches!(
                change,
                Change::ModelCreated { .. } | Change::ModelMoved { .. }
            ) {
                moves.void.insert(begun.closing);
                self.states.remove(&record.model);
            } else {
                moves.held.push(begun);
            }
        }
        match change {
            Change::ModelMoved { closing, state, .. } => {
                let closing = Record::read(closing)?;
                let begun = Begun {
                    closing: closing.digest,
                    previous: closing.previous,
                    number: stamp.number,
                    facts: state.facts(),
                };
                moves.begun.insert(record.model.clone(), begun);
                Ok(false)
            }
            Change::ModelRenamed { from, to } if from.folded() != to.folded() => {
                let mut state = self.states.remove(&record.model);
                ModelState::advance(&mut state, change, stamp)?;
                let facts = state.map(|state| state.facts()).unwrap_or_default();
                moves.ended.insert(record.digest.clone(), facts);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Checks that both halves of each rename are there and tell the same. A chain whose last digest is among `ends`
    /// may end right before the record that decides: it was written when the ends had been told.
    pub(crate) fn finish(self, ends: &BTreeSet<String>) -> Result<()> {
        let Some(moves) = self.moves else {
            return Ok(());
        };
        for begun in moves.held.iter().chain(moves.begun.values()) {
            let sure = moves.held.iter().any(|held| held.closing == begun.closing);
            match moves.ended.get(&begun.closing) {
                Some(facts) if *facts == begun.facts => {}
                None if !sure || ends.contains(&begun.previous) => {}
                _ => {
                    let number = i64::try_from(begun.number).unwrap_or(0);
                    return Err(broken(number, "the model does not come from where it says"));
                }
            }
        }
        match moves
            .void
            .iter()
            .find(|void| moves.ended.contains_key(*void))
        {
            None => Ok(()),
            Some(_) => Err(broken(0, "a model that was renamed was made anew")),
        }
    }

    /// Takes the next record, whose place and digest were checked.
    pub(crate) fn take(&mut self, record: &Record) -> Result<()> {
        match record.change()? {
            Some(change) => record.stamped(|stamp| {
                if self.take_move(record, &change, stamp)? {
                    return Ok(());
                }
                self.apply(record, &change, stamp)
            }),
            None => legacy(self.legacy.entry(record.model.clone()).or_default(), record),
        }
    }

    fn apply(&mut self, record: &Record, change: &Change, stamp: Stamp<'_>) -> Result<()> {
        let mut state = self.states.remove(&record.model);
        if let Some(told) = self.legacy.remove(&record.model) {
            let Change::ModelAdopted { state: adopted } = change else {
                return Err(broken(record.id, "the model was not taken over before"));
            };
            // what format 1 told, no more and no less, must be in it
            let facts = adopted.facts();
            let kept = facts.into_iter().filter(|(part, _)| {
                part.starts_with("version ")
                    || part.starts_with("the package ")
                    || part.starts_with("alias ")
            });
            if kept.collect::<BTreeMap<_, _>>() != told {
                return Err(broken(
                    record.id,
                    "it takes over another model than the trail tells",
                ));
            }
        } else if matches!(change, Change::ModelAdopted { .. }) && state.is_some() {
            return Err(broken(record.id, "the model was taken over before"));
        }
        ModelState::advance(&mut state, change, stamp)?;
        if let Some(state) = state {
            // the name may be another one now
            if self.states.insert(state.name.to_string(), state).is_some() {
                return Err(broken(record.id, "two models have one name"));
            }
        }
        Ok(())
    }

    /// Compares what the trail leads to with what is in force.
    pub(crate) fn compare(&self, found: &BTreeMap<String, ModelState>) -> Result<()> {
        if let Some(model) = self.legacy.keys().next() {
            return disagree(model, "the model", "taken over", "as it was");
        }
        let names = self.states.keys().chain(found.keys());
        for name in names {
            let facts = |states: &BTreeMap<String, ModelState>| {
                states.get(name).map(ModelState::facts).unwrap_or_default()
            };
            let (audited, found) = (facts(&self.states), facts(found));
            if audited == found {
                continue;
            }
            // the part itself is named before the record that it is a part of
            let parts = audited.keys().chain(found.keys());
            let nothing = "nothing".to_owned();
            let differing: Vec<&String> = parts
                .filter(|part| audited.get(*part) != found.get(*part))
                .collect();
            let plain = differing.iter().find(|part| !part.contains("record"));
            let part = plain.or(differing.first()).expect("they differ");
            let says =
                |facts: &BTreeMap<String, String>| facts.get(*part).unwrap_or(&nothing).clone();
            return disagree(name, part, &says(&audited), &says(&found));
        }
        Ok(())
    }
}

/// Follows the chain of a database from its root to its head and compares.
pub(crate) fn sqlite(tx: &Transaction<'_>) -> Result<()> {
    let reading = "read the audit trail";
    let mut fold = Fold::default();
    let mut previous = audit_root().to_string();
    let mut expected = 1_i64;
    let columns = backend::COLUMNS;
    let mut statement = tx
        .prepare(&format!("SELECT {columns} FROM audit ORDER BY id"))
        .during(reading)?;
    let mut rows = statement.query([]).during(reading)?;
    while let Some(row) = rows.next().during(reading)? {
        let record = backend::record(row).map_err(|error| broken(expected, error.to_string()))?;
        record.check(expected, &previous)?;
        fold.take(&record)?;
        previous = record.digest;
        expected += 1;
    }
    let (entries, head) = backend::head(tx)?;
    if entries != expected - 1 {
        return Err(broken(
            expected.min(entries + 1),
            format!("the registry counts {entries} entries"),
        ));
    }
    if head != previous {
        return Err(broken(entries, "the registry knows another last digest"));
    }
    fold.compare(&in_force(tx)?)
}

/// The models as the tables have them.
fn in_force(tx: &Transaction<'_>) -> Result<BTreeMap<String, ModelState>> {
    let reading = "read the models";
    let rows: Vec<i64> = tx
        .prepare("SELECT id FROM model")
        .during(reading)?
        .query_map([], |row| row.get(0))
        .during(reading)?
        .collect::<rusqlite::Result<_>>()
        .during(reading)?;
    rows.into_iter()
        .map(|row| {
            let state = sqlite_state(tx, row)?;
            Ok((state.name.to_string(), state))
        })
        .collect()
}

/// Applies a record of format 1, which tells stages, packages and aliases.
fn legacy(told: &mut BTreeMap<String, String>, record: &Record) -> Result<()> {
    let missing = |what: &str| broken(record.id, format!("it names no {what}"));
    let version = || {
        let version = record.version.ok_or_else(|| missing("version"))?;
        Ok::<_, Error>(format!("version {version}"))
    };
    let alias = || {
        let alias = record.alias.as_ref().ok_or_else(|| missing("alias"))?;
        Ok::<_, Error>(format!("alias `{alias}`"))
    };
    let is = |action: Action| record.action == action.as_str();
    let (part, value) = if is(Action::VersionRegistered) {
        let package: Registered = record
            .evidence
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok())
            .ok_or_else(|| missing("package"))?;
        told.insert(format!("the package of {}", version()?), package.package);
        (version()?, Some(Stage::None.to_string()))
    } else if is(Action::StageChanged) || is(Action::Promoted) {
        (version()?, record.to.clone())
    } else if is(Action::AliasSet) {
        (alias()?, record.to.clone())
    } else if is(Action::AliasDeleted) {
        (alias()?, None)
    } else {
        return Ok(());
    };
    match value {
        Some(value) => told.insert(part, value),
        None => told.remove(&part),
    };
    Ok(())
}

fn disagree(model: &str, subject: &str, audited: &str, found: &str) -> Result<()> {
    Err(Error::AuditDisagrees {
        model: stored("model name", ModelName::new(model))?,
        subject: subject.to_owned(),
        audited: audited.to_owned(),
        found: found.to_owned(),
    })
}
