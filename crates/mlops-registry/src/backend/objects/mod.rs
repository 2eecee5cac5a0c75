//! Models on an object store: a commit log for each, and states folded from it.
//!
//! ```text
//! <root>/catalogue/     a log of the names that were ever used, each before its model's first entry
//! <root>/models/<id>/   the log of a model; the id is the digest of its folded name, so that twins meet in one log
//! ```
//!
//! Invariant: an entry is one commit, with all its audit records, and is created or not there; a decision is taken on
//! the state that the entry before leads to, and whoever loses the place reads on and decides anew. Invariant: the
//! records of a log are one chain from its root. Checkpoints only save reading: a check folds from the first entry.

mod commit;
mod follower;
mod requests;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use mlops_core::{Clock, Digest, ModelName, Principal};
use mlops_store::{Appended, CommitLog, Location, Sleeper};
use serde::{Deserialize, Serialize};

pub(crate) use self::requests::Requests;
use self::{
    commit::{ATTEMPTS, contended},
    follower::{Follower, Known, forget_some, read_entry},
};
use super::{ChainHead, Committed, Decide, ModelBackend, Seen};
use crate::{
    Error, Policy, Registry, Result,
    audit::{Record, verify::Fold},
    error::stored,
};

#[derive(Debug)]
pub(crate) struct ObjectModels {
    root: Location,
    catalogue: CommitLog,
    /// The names up to an entry of the catalogue.
    names: Mutex<(u64, BTreeMap<String, ModelName>)>,
    requests: Requests,
    logs: Mutex<BTreeMap<String, Arc<Mutex<Follower>>>>,
    uses: AtomicU64,
}

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
            root,
            catalogue,
            names: Mutex::default(),
            requests: Requests::new(sleeper, clock),
            logs: Mutex::default(),
            uses: AtomicU64::new(0),
        })
    }

    fn logs(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Mutex<Follower>>>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn follower(&self, model: &ModelName) -> Result<Arc<Mutex<Follower>>> {
        let mut id = Digest::of(model.folded().as_bytes()).to_string();
        id.truncate(32);
        let used = self.uses.fetch_add(1, Ordering::Relaxed);
        let mut logs = self.logs();
        if let Some(follower) = logs.get(&id) {
            return Ok(follower.clone());
        }
        let location = self.root.join(&format!("models/{id}"));
        let log = CommitLog::at(&location.map_err(Follower::store(model))?)
            .with_sleeper(self.requests.sleeper());
        let follower = Arc::new(Mutex::new(Follower {
            log,
            model: model.clone(),
            known: None,
            seen: 0,
            used,
        }));
        logs.insert(id, follower.clone());
        forget_some(&logs);
        Ok(follower)
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
    fn listed(&self) -> Result<MutexGuard<'_, (u64, BTreeMap<String, ModelName>)>> {
        let itself = Registry::itself();
        let failed = Follower::store(&itself);
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in self.catalogue.read_after(names.0) {
            let entry = entry.map_err(&failed)?;
            let listed: Listed = stored("name", serde_json::from_slice(&entry.bytes))?;
            names.1.insert(listed.model.to_string(), listed.model);
            names.0 = entry.number;
        }
        Ok(names)
    }

    /// Every model that has a log, the registry itself first.
    fn everything(&self) -> Result<Vec<ModelName>> {
        let itself = Registry::itself();
        let mut all = self.listed()?.1.clone();
        all.remove(itself.as_str());
        Ok(std::iter::once(itself).chain(all.into_values()).collect())
    }

    fn records_of(&self, model: &ModelName) -> Result<Vec<Record>> {
        let log = self.with(model, |follower| Ok(follower.log.clone()))?;
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
        for entry in log.read_after(0) {
            let entry = entry.map_err(Follower::store(model))?;
            known.take(entry.number, &entry.bytes)?;
            if known.entry == checkpoint.entry {
                compare(model, &known, &checkpoint)?;
                compared = true;
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
        let mut names = Vec::new();
        for model in self.everything()?.into_iter().skip(1) {
            let state = self.see(&model)?.state;
            if state.is_some_and(|state| state.deleted.is_none() && state.name == model) {
                names.push(model);
            }
        }
        Ok(names)
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
            return self.records_of(model)?.into_iter().try_for_each(each);
        }
        let mut records = Vec::new();
        for model in self.everything()? {
            records.extend(self.records_of(&model)?);
        }
        // each chain has its own numbers; over all, time is the order that there is
        records.sort_by_key(|record| record.time_us);
        records.into_iter().try_for_each(each)
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
                heads.push(ChainHead {
                    entries: known.records(),
                    digest: known.digest,
                    model: Some(model),
                });
            }
        }
        Ok(heads)
    }
}
