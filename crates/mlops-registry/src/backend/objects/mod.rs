//! Models on an object store: a commit log for each, and states folded from it.
//!
//! ```text
//! <root>/catalogue/     a log of the names that were ever used, each before its model's first entry
//! <root>/identity/      a log of one entry, which whoever asks first makes: what the place is called
//! <root>/models/<id>/   the log of a model; the id is the digest of its folded name, so that twins meet in one log
//! ```
//!
//! Invariant: an entry is one commit, with all its audit records, and is created or not there; a decision is taken on
//! the state that the entry before leads to, and whoever loses the place reads on and decides anew. Invariant: the
//! records of a log are one chain from its root, whatever models had its name one after the other. Invariant: a rename
//! between two logs is one entry of the old one (see `moving.rs`). Checkpoints only save reading: a check folds from
//! the first entry.

mod chains;
mod commit;
mod follower;
mod logs;
mod moving;
mod requests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use mlops_core::{Clock, ModelName, Principal, VersionNumber};
use mlops_store::{Appended, CommitLog, Location, Sleeper};
use serde::{Deserialize, Serialize};

pub(crate) use self::requests::Requests;
use self::{
    commit::{ATTEMPTS, contended},
    follower::{Follower, Known, forget_some, read_entry},
    logs::{Logs, id},
};
use super::{Chain, ChainHead, Committed, Decide, ModelBackend, Seen};
use crate::{
    Error, LoggedModelId, Policy, Registry, Result,
    audit::{Record, verify::Fold},
    change::Change,
    error::stored,
};

/// How often a name is looked at while models are renamed.
const LOOKS: u32 = 8;

#[derive(Debug)]
pub(crate) struct ObjectModels {
    place: Logs,
    catalogue: CommitLog,
    /// The names up to an entry of the catalogue.
    names: Mutex<Names>,
    /// What the place is called, once it was asked for.
    identity: OnceLock<String>,
    requests: Requests,
    logs: Mutex<BTreeMap<String, Arc<Mutex<Follower>>>>,
    uses: AtomicU64,
}

/// The names up to an entry of the catalogue, each with the entry that listed it first.
type Names = (u64, BTreeMap<String, (u64, ModelName)>);

#[derive(Serialize, Deserialize)]
struct Listed {
    model: ModelName,
}

impl ObjectModels {
    /// Opens the models below a location and tries what the store's conditional writes are worth.
    pub(crate) fn open(
        root: Location,
        sleeper: Arc<dyn Sleeper>,
        clock: &dyn Clock,
    ) -> Result<Self> {
        let failed = |source| Error::Log {
            model: Registry::itself(),
            source: Box::new(source),
        };
        let catalogue =
            CommitLog::at(&root.join("catalogue").map_err(failed)?).with_sleeper(sleeper.clone());
        catalogue.probe().map_err(failed)?;
        Ok(Self {
            place: Logs {
                root,
                sleeper: sleeper.clone(),
            },
            catalogue,
            names: Mutex::default(),
            identity: OnceLock::new(),
            requests: Requests::new(sleeper, clock),
            logs: Mutex::default(),
            uses: AtomicU64::new(0),
        })
    }

    fn logs(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Mutex<Follower>>>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn follower(&self, model: &ModelName) -> Result<Arc<Mutex<Follower>>> {
        let id = id(model);
        let used = self.uses.fetch_add(1, Ordering::Relaxed);
        let mut logs = self.logs();
        if let Some(follower) = logs.get(&id) {
            return Ok(follower.clone());
        }
        let mut follower = self.new_follower(model)?;
        follower.used = used;
        let follower = Arc::new(Mutex::new(follower));
        logs.insert(id, follower.clone());
        forget_some(&logs);
        Ok(follower)
    }

    fn new_follower(&self, model: &ModelName) -> Result<Follower> {
        Ok(Follower {
            log: self.place.log(model)?,
            logs: self.place.clone(),
            model: model.clone(),
            known: None,
            seen: 0,
            used: 0,
        })
    }

    /// Works on a model's log, which nobody else in this process follows meanwhile.
    fn with<T>(
        &self,
        model: &ModelName,
        work: impl FnOnce(&mut Follower) -> Result<T>,
    ) -> Result<T> {
        let follower = self.follower(model)?;
        let mut follower = follower.lock().unwrap_or_else(PoisonError::into_inner);
        follower.used = self.uses.load(Ordering::Relaxed);
        work(&mut follower)
    }

    fn policy(&self) -> Result<Option<Arc<Policy>>> {
        let itself = Registry::itself();
        self.with(&itself, |follower| {
            let known = follower.follow(&itself)?;
            Ok(known.state.as_ref().and_then(|state| state.policy.clone()))
        })
    }

    /// Notes a name before the model's first entry. A name that is noted twice is one name.
    fn list(&self, model: &ModelName) -> Result<()> {
        if self.listed()?.1.contains_key(model.as_str()) {
            return Ok(());
        }
        let listed = Listed {
            model: model.clone(),
        };
        let bytes = serde_json::to_vec(&listed).expect("a name is JSON");
        let failed = Follower::store(model);
        for attempt in 0..ATTEMPTS {
            let head = self.catalogue.head().map_err(&failed)?;
            let request = self.requests.next();
            let after = head.map_or(0, |head| head.number);
            let answer = self
                .requests
                .append(&self.catalogue, after, &request, &bytes);
            if answer.map_err(&failed)? == Appended::Won {
                return Ok(());
            }
            self.requests.pause(&request, attempt);
        }
        Err(contended(model))
    }

    /// Reads what is new in the catalogue.
    fn listed(&self) -> Result<MutexGuard<'_, Names>> {
        let itself = Registry::itself();
        let failed = Follower::store(&itself);
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in self.catalogue.read_after(names.0) {
            let entry = entry.map_err(&failed)?;
            let listed: Listed = stored("name", serde_json::from_slice(&entry.bytes))?;
            let name = listed.model.to_string();
            let first = (entry.number, listed.model);
            names.1.entry(name).or_insert(first);
            names.0 = entry.number;
        }
        Ok(names)
    }

    /// Every log by the first name that it had, the registry itself first.
    fn everything(&self) -> Result<Vec<ModelName>> {
        let itself = Registry::itself();
        let mut all: Vec<_> = self.listed()?.1.values().cloned().collect();
        all.sort_by_key(|(entry, _)| *entry);
        let mut logs = BTreeMap::new();
        for (_, name) in all {
            logs.entry(id(&name)).or_insert(name);
        }
        logs.remove(&id(&itself));
        let mut names: Vec<_> = logs.into_values().collect();
        names.sort();
        names.insert(0, itself);
        Ok(names)
    }

    /// The records of a log, whatever names they are of.
    fn records_of(&self, model: &ModelName) -> Result<Vec<Record>> {
        let log = self.place.log(model)?;
        let mut records = Vec::new();
        for entry in log.read_after(0) {
            let entry = entry.map_err(Follower::store(model))?;
            records.extend(read_entry(entry.number, &entry.bytes)?.records);
        }
        Ok(records)
    }

    /// Follows one log from its first entry and compares it with its checkpoint.
    fn verify_log(&self, model: &ModelName) -> Result<()> {
        let (log, checkpoint) = self.with(model, |follower| {
            Ok((follower.log.clone(), follower.begin(model)?))
        })?;
        let mut known = Known::nothing();
        let mut compared = checkpoint.entry == 0;
        let mut begun = Vec::new();
        for entry in log.read_after(0) {
            let entry = entry.map_err(Follower::store(model))?;
            known.take_all(&self.place, entry.number, &entry.bytes)?;
            begun.extend(known.pending.clone());
            for record in read_entry(entry.number, &entry.bytes)?.records {
                match record.change()? {
                    Some(Change::ModelRenamed { from, to }) if moving::elsewhere(&from, &to) => {
                        moving::verify_end(&self.place, &record, &to)?;
                    }
                    _ => {}
                }
            }
            if known.entry == checkpoint.entry {
                compare(model, &known, &checkpoint)?;
                compared = true;
            }
        }
        for pending in begun {
            if pending.decided(&self.place.log(&pending.from)?)? == Some(true) {
                moving::verify(&self.place, &pending)?;
            }
        }
        if compared {
            return Ok(());
        }
        Err(Error::AuditBroken {
            entry: known.records() + 1,
            reason: format!("`{model}` has a checkpoint of a later entry"),
        })
    }
}

/// The checkpoint must be what the log leads to.
fn compare(model: &ModelName, known: &Known, checkpoint: &Known) -> Result<()> {
    let states = |known: &Known| {
        let state = known.state.as_deref().cloned();
        state
            .map(|state| (model.to_string(), state))
            .into_iter()
            .collect()
    };
    let (told, found): (BTreeMap<_, _>, _) = (states(known), states(checkpoint));
    Fold::of(told).compare(&found)?;
    if known.digest == checkpoint.digest {
        return Ok(());
    }
    Err(Error::AuditBroken {
        entry: known.records(),
        reason: "the checkpoint knows another last digest".into(),
    })
}

impl ModelBackend for ObjectModels {
    fn see(&self, model: &ModelName) -> Result<Seen> {
        let policy = self.policy()?;
        let state = self.with(model, |follower| Ok(follower.follow(model)?.state.clone()))?;
        Ok(Seen { state, policy })
    }

    fn names(&self) -> Result<Vec<ModelName>> {
        let listed = self.listed()?.1.clone();
        let mut left: Vec<ModelName> = listed.into_values().map(|(_, name)| name).collect();
        let mut names = BTreeSet::new();
        let mut looks: BTreeMap<ModelName, u32> = BTreeMap::new();
        while let Some(model) = left.pop() {
            let (state, gone_to) = self.with(&model, |follower| {
                let known = follower.follow(&model)?;
                Ok((known.state.clone(), known.gone_to.clone()))
            })?;
            if state.is_some_and(|state| state.deleted.is_none() && state.name == model) {
                names.insert(model);
            } else if let Some(to) = gone_to
                && !names.contains(&to)
            {
                // it may have been renamed after its new name was looked at
                let looked = looks.entry(to.clone()).or_default();
                *looked += 1;
                if *looked <= LOOKS {
                    left.push(to);
                }
            }
        }
        names.remove(&Registry::itself());
        Ok(names.into_iter().collect())
    }

    fn commit(
        &self,
        model: &ModelName,
        actor: &Principal,
        clock: &dyn Clock,
        decide: &mut Decide<'_>,
    ) -> Result<Committed> {
        self.decide_and_append(model, actor, clock, decide)
    }

    fn generation(&self) -> Result<u64> {
        let followers: Vec<_> = self.logs().values().cloned().collect();
        let mut sum = 0;
        for follower in followers {
            let mut follower = follower.lock().unwrap_or_else(PoisonError::into_inner);
            // a model that was looked for and was not there may be there now
            let model = follower.model.clone();
            follower.follow(&model)?;
            sum += follower.seen;
        }
        Ok(sum)
    }

    fn records(
        &self,
        model: Option<&ModelName>,
        each: &mut dyn FnMut(Record) -> Result<()>,
    ) -> Result<()> {
        if let Some(model) = model {
            let records = moving::life(&self.place, model, u64::MAX)?;
            return records.into_iter().try_for_each(each);
        }
        let mut records = Vec::new();
        for model in self.everything()? {
            records.extend(self.records_of(&model)?);
        }
        // each chain has its own numbers; over all, time is the order that there is
        records.sort_by_key(|record| record.time_us);
        records.into_iter().try_for_each(each)
    }

    fn chain(
        &self,
        head: Option<&ModelName>,
        each: &mut dyn FnMut(Record) -> Result<()>,
    ) -> Result<()> {
        match head {
            Some(model) => self.records_of(model)?.into_iter().try_for_each(each),
            None => self.records(None, each),
        }
    }

    fn verify(&self) -> Result<()> {
        self.everything()?
            .iter()
            .try_for_each(|model| self.verify_log(model))
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn heads(&self) -> Result<Vec<ChainHead>> {
        let mut heads = Vec::new();
        for model in self.everything()? {
            let known = self.with(&model, |follower| Ok(follower.follow(&model)?.clone()))?;
            if known.entry > 0 {
                let name = known.state.as_ref().map_or(&model, |state| &state.name);
                heads.push(ChainHead {
                    model: Some(name.clone()),
                    entries: known.records(),
                    digest: known.digest,
                });
            }
        }
        Ok(heads)
    }

    fn root(&self) -> Result<String> {
        self.identity()
    }

    fn chains(&self, model: Option<&ModelName>) -> Result<Vec<Chain>> {
        self.chains_of(model)
    }

    fn registered_from(
        &self,
        models: &[&LoggedModelId],
        each: &mut dyn FnMut(&LoggedModelId, ModelName, VersionNumber),
    ) -> Result<()> {
        self.known_from(models, each);
        Ok(())
    }

    fn end(&self, chain: &Chain) -> Result<u64> {
        self.end_of(chain)
    }

    fn records_after(
        &self,
        chain: &Chain,
        place: u64,
        each: &mut dyn FnMut(Record) -> Result<()>,
    ) -> Result<u64> {
        self.records_of_chain(chain, place, each)
    }
}

#[cfg(test)]
mod tests {
    use mlops_store::Objects;

    use super::*;
    use crate::verify_export;

    #[test]
    fn two_names_that_are_one_to_the_eye_have_one_chain() {
        for (first, second) in [("churn", "Churn"), ("Churn", "churn")] {
            let root = Objects::new().locate("memory://registry").unwrap();
            let registry = Registry::builder("memory://").models_at(root.clone());
            let registry = registry.open().unwrap();
            registry.model(first).unwrap();
            // what a writer leaves who noted the other name and lost the race for the first entry
            let catalogue = CommitLog::at(&root.join("catalogue").unwrap());
            let noted = format!(r#"{{"model":"{second}"}}"#);
            let request = "other".parse().unwrap();
            let appended = catalogue.append(1, &request, noted.as_bytes());
            assert_eq!(appended.unwrap(), Appended::Won);

            assert_eq!(registry.models().unwrap(), [ModelName::new(first).unwrap()]);
            let anchor = registry.anchor().unwrap();
            assert_eq!(anchor.heads.len(), 1);
            registry.verify_anchor(&anchor).unwrap();
            let mut export = Vec::new();
            registry.export_audit(&mut export).unwrap();
            let verified = verify_export(&mut export.as_slice(), &[anchor]);
            assert_eq!(verified.unwrap().entries, 1);
        }
    }
}
