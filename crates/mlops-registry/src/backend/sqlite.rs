//! Models in SQLite: real tables, one chain of audit entries over all models, and states in memory.
//!
//! Invariant: every commit is one `BEGIN IMMEDIATE` transaction that reads the head of the model, decides, writes
//! tables and trail, and moves the head. Invariant: a state in memory with the head's number is the state of the
//! tables, because nothing but a commit changes them; an older one is brought up to date from the trail.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mlops_core::{Clock, EventTime, ModelName, Principal, VersionNumber};
use rusqlite::{Transaction, params};

use super::{
    Chain, ChainHead, Committed, Decide, ModelBackend, Seen, Situation,
    load::sqlite_state,
    project,
    rows::{
        Row, former_names, head, insert, last_of_former, records_before, records_between,
        registered_from, rows, twin,
    },
};
use crate::{
    LoggedModelId, Registry, Result,
    audit::{Record, verify},
    change::{Change, Draft},
    database::Database,
    error::{During, stored},
    state::{ModelState, Stamp},
};

/// How many models' states are kept in memory.
const STATES_KEPT: usize = 512;
/// How many records are read at once for those who follow the chain.
const RECORDS_AT_ONCE: u64 = 256;

#[derive(Debug)]
pub(crate) struct SqliteModels {
    database: Arc<Database>,
    states: Mutex<States>,
}

#[derive(Debug, Default)]
struct States {
    by_row: BTreeMap<i64, (Arc<ModelState>, u64)>,
    uses: u64,
}

impl SqliteModels {
    pub(crate) fn new(database: Arc<Database>) -> Self {
        Self {
            database,
            states: Mutex::default(),
        }
    }

    /// A panic elsewhere leaves whole entries behind.
    fn states(&self) -> MutexGuard<'_, States> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state at a row's head.
    fn current(&self, tx: &Transaction<'_>, row: Row, name: &str) -> Result<Arc<ModelState>> {
        let known = self.states().get(row.id);
        match known {
            Some(state) if state.head >= row.head => return Ok(state),
            Some(state) if state.name.as_str() == name => {
                if let Some(state) = catch_up(tx, &state, row.head)? {
                    return Ok(self.states().put(row.id, Arc::new(state)));
                }
            }
            _ => {}
        }
        let state = Arc::new(sqlite_state(tx, row.id)?);
        Ok(self.states().put(row.id, state))
    }

    fn look(&self, tx: &Transaction<'_>, model: &ModelName) -> Result<(Option<Row>, Seen)> {
        let (model_row, own_row) = rows(tx, model)?;
        let state = model_row.map(|row| self.current(tx, row, model.as_str()));
        let own = own_row.map(|row| self.current(tx, row, Registry::ITSELF));
        let policy = own.transpose()?.and_then(|own| own.policy.clone());
        let state = state.transpose()?;
        Ok((model_row, Seen { state, policy }))
    }
}

impl States {
    fn get(&mut self, row: i64) -> Option<Arc<ModelState>> {
        self.uses += 1;
        let uses = self.uses;
        self.by_row.get_mut(&row).map(|(state, used)| {
            *used = uses;
            state.clone()
        })
    }

    /// Keeps a state, unless a newer one is there.
    fn put(&mut self, row: i64, state: Arc<ModelState>) -> Arc<ModelState> {
        if let Some(known) = self.get(row)
            && known.head > state.head
        {
            return known;
        }
        if self.by_row.len() >= STATES_KEPT && !self.by_row.contains_key(&row) {
            let oldest = self.by_row.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(row, _)| *row) {
                self.by_row.remove(&oldest);
            }
        }
        self.by_row.insert(row, (state.clone(), self.uses));
        state
    }
}

impl ModelBackend for SqliteModels {
    fn see(&self, model: &ModelName) -> Result<Seen> {
        self.database
            .read(|tx| self.look(tx, model).map(|(_, seen)| seen))
    }

    fn names(&self) -> Result<Vec<ModelName>> {
        let listing = "list the models";
        self.database.read(|tx| {
            let names: Vec<String> = tx
                .prepare_cached(
                    "SELECT name FROM model WHERE deleted_us IS NULL AND name <> ?1 ORDER BY name",
                )
                .during(listing)?
                .query_map([Registry::ITSELF], |row| row.get(0))
                .during(listing)?
                .collect::<rusqlite::Result<_>>()
                .during(listing)?;
            names
                .into_iter()
                .map(|name| stored("model name", ModelName::new(name)))
                .collect()
        })
    }

    fn commit(
        &self,
        model: &ModelName,
        actor: &Principal,
        clock: &dyn Clock,
        decide: &mut Decide<'_>,
    ) -> Result<Committed> {
        let (row, committed) = self.database.write_durably(|tx| {
            let (row, seen) = self.look(tx, model)?;
            let taken = |name: &ModelName| twin(tx, name, row.map(|row| row.id));
            let now = clock.now();
            let drafts = decide(Situation {
                model,
                state: seen.state.as_deref(),
                taken: &taken,
                policy: seen.policy.as_ref(),
                actor,
                now,
            })?;
            let mut state = seen.state;
            let mut first = 0;
            let mut id = row.map(|row| row.id);
            if !drafts.is_empty() {
                // readers go on with the state before
                let mut next = state.as_deref().cloned();
                (id, first) = write(tx, id, model, &mut next, &drafts, actor, now)?;
                state = next.map(Arc::new);
            }
            let committed = Committed {
                state,
                first,
                time: now,
            };
            Ok((id, committed))
        })?;
        if let (Some(row), Some(state)) = (row, &committed.state) {
            self.states().put(row, state.clone());
        }
        Ok(committed)
    }

    fn generation(&self) -> Result<u64> {
        let reading = "read the generation";
        let generation: i64 = self.database.read(|tx| {
            tx.prepare_cached("SELECT generation FROM registry_state")
                .during(reading)?
                .query_row([], |row| row.get(0))
                .during(reading)
        })?;
        stored("generation", u64::try_from(generation))
    }

    fn records(
        &self,
        model: Option<&ModelName>,
        each: &mut dyn FnMut(Record) -> Result<()>,
    ) -> Result<()> {
        self.database.read(|tx| {
            let Some(model) = model else {
                return records_between(tx, None, 0, i64::MAX, each);
            };
            let mut from = 0;
            let mut names = former_names(tx, model)?;
            names.push((i64::MAX, model.to_string()));
            for (until, name) in names {
                // another model may have had the name before
                let from_here = last_of_former(tx, &name, until)?.max(from);
                records_between(tx, Some(&name), from_here, until, each)?;
                from = until;
            }
            Ok(())
        })
    }

    fn recent_records(
        &self,
        model: Option<&ModelName>,
        before: Option<u64>,
        most: usize,
    ) -> Result<Vec<(u64, Record)>> {
        let before = before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
        self.database.read(|tx| {
            let mut found = Vec::new();
            let Some(model) = model else {
                records_before(tx, None, (0, before), most, &mut found)?;
                return Ok(found);
            };
            let mut names = former_names(tx, model)?;
            names.push((i64::MAX, model.to_string()));
            for (at, (until, name)) in names.iter().enumerate().rev() {
                let from = if at == 0 { 0 } else { names[at - 1].0 };
                // another model may have had the name before
                let from = last_of_former(tx, name, *until)?.max(from);
                // an entry of the number `until` still has the name
                let before = before.min(until.saturating_add(1));
                records_before(
                    tx,
                    Some(name),
                    (from, before),
                    most - found.len(),
                    &mut found,
                )?;
            }
            Ok(found)
        })
    }

    fn verify(&self) -> Result<()> {
        self.database.read(verify::sqlite)
    }

    fn heads(&self) -> Result<Vec<ChainHead>> {
        let (entries, digest) = self.database.read(head)?;
        Ok(vec![ChainHead {
            model: None,
            entries: stored("audit entry", u64::try_from(entries))?,
            digest,
        }])
    }

    fn root(&self) -> Result<String> {
        Ok(String::new())
    }

    fn chains(&self, _: Option<&ModelName>) -> Result<Vec<Chain>> {
        Ok(vec![Chain {
            id: self.root()?,
            model: None,
        }])
    }

    fn registered_from(
        &self,
        models: &[&LoggedModelId],
        each: &mut dyn FnMut(&LoggedModelId, ModelName, VersionNumber),
    ) -> Result<()> {
        self.database.read(|tx| {
            models.iter().try_for_each(|id| {
                for (name, version) in registered_from(tx, id.as_str())? {
                    each(id, stored("model name", ModelName::new(name))?, version);
                }
                Ok(())
            })
        })
    }

    fn end(&self, _: &Chain) -> Result<u64> {
        let (entries, _) = self.database.read(head)?;
        stored("audit entry", u64::try_from(entries))
    }

    fn records_after(
        &self,
        _: &Chain,
        place: u64,
        each: &mut dyn FnMut(Record) -> Result<()>,
    ) -> Result<u64> {
        let until = place.saturating_add(RECORDS_AT_ONCE);
        let mut last = place;
        self.database.read(|tx| {
            records_between(tx, None, place_of(place), place_of(until), &mut |record| {
                last = stored("audit entry", u64::try_from(record.id))?;
                each(record)
            })
        })?;
        Ok(last)
    }
}

fn place_of(place: u64) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}

/// Writes what was decided: the tables, the trail, the heads. Returns the model's row and the first entry's number.
fn write(
    tx: &Transaction<'_>,
    id: Option<i64>,
    model: &ModelName,
    state: &mut Option<ModelState>,
    drafts: &[Draft],
    actor: &Principal,
    time: EventTime,
) -> Result<(Option<i64>, u64)> {
    let (entries, mut previous) = head(tx)?;
    let first = stored("audit entry", u64::try_from(entries + 1))?;
    let mut row = id;
    for (number, draft) in (first..).zip(drafts) {
        let stamp = Stamp {
            time,
            actor,
            number,
        };
        // entries stand under the name that the model had when they were written
        let name = state
            .as_ref()
            .map_or_else(|| model.clone(), |state| state.name.clone());
        ModelState::advance(state, &draft.change, stamp)?;
        let after = state.as_ref().expect("it was advanced");
        row = Some(project::write(tx, row, &draft.change, after, stamp)?);
        let record = Record::new(draft, &name, stamp, previous);
        insert(tx, &record)?;
        previous = record.digest;
    }
    let last = entries + i64::try_from(drafts.len()).expect("a handful");
    let moving = "move the end of the audit trail";
    tx.prepare_cached(
        "UPDATE registry_state SET audit_entries = ?1, audit_head = ?2, generation = generation + ?3",
    )
    .during(moving)?
    .execute(params![
        last,
        previous,
        drafts.iter().any(|draft| draft.change.is_news())
    ])
    .during(moving)?;
    tx.prepare_cached("UPDATE model SET head = ?2, updated_us = ?3 WHERE id = ?1")
        .during(moving)?
        .execute(params![
            row,
            last,
            state.as_ref().map_or(0, |state| state.updated.micros())
        ])
        .during(moving)?;
    Ok((row, first))
}

/// Takes every model of a trail of format 1 over as the tables have it.
pub(crate) fn adopt(tx: &Transaction<'_>, now: EventTime) -> Result<()> {
    let adopting = "take the models over";
    let models: Vec<(i64, String)> = tx
        .prepare("SELECT id, name FROM model ORDER BY id")
        .during(adopting)?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .during(adopting)?
        .collect::<rusqlite::Result<_>>()
        .during(adopting)?;
    let actor = Principal::new("mlops")?;
    for (id, name) in models {
        let name = stored("model name", ModelName::new(name))?;
        tx.execute(
            "UPDATE model SET folded = ?2 WHERE id = ?1",
            params![id, name.folded()],
        )
        .during(adopting)?;
        let state = sqlite_state(tx, id)?;
        let change = Change::ModelAdopted {
            state: Box::new(state.clone()),
        };
        let draft = Draft::new(change, "the trail tells whole changes from here on");
        write(tx, Some(id), &name, &mut Some(state), &[draft], &actor, now)?;
    }
    Ok(())
}

/// The state with the changes since; `None` if the trail does not tell them all.
fn catch_up(tx: &Transaction<'_>, state: &ModelState, head: u64) -> Result<Option<ModelState>> {
    let (from, until) = (state.head, head);
    let mut next = state.clone();
    let mut whole = true;
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let name = state.name.as_str();
    records_between(
        tx,
        Some(name),
        number(from),
        number(until),
        &mut |record| match record.change()? {
            Some(change) if whole => record.stamped(|stamp| next.apply(&change, stamp)),
            _ => {
                whole = false;
                Ok(())
            }
        },
    )?;
    Ok((whole && next.head == head && next.name == state.name).then_some(next))
}
