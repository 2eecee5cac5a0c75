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

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use mlops_core::{Clock, Digest, DigestBuilder, ModelName, Principal, Seed};
use mlops_store::{Appended, CommitLog, Error as StoreError, Location, RequestId, Sleeper};
use serde::{Deserialize, Serialize};

use super::{ChainHead, Committed, Decide, ModelBackend, Seen, Situation};
use crate::{
    Error, Policy, Registry, Result,
    audit::{Record, verify::Fold},
    error::stored,
    schema::audit_root,
    state::{ModelState, Stamp},
};

/// How often a commit is decided anew because somebody else was faster.
const ATTEMPTS: u32 = 24;
/// How often the store is asked again whether an entry is ours.
const ASKED_AGAIN: u32 = 3;
/// The first and the longest pause between two attempts.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(800));
/// Entries after which a checkpoint is written; more for models with many versions, whose state is large.
const CHECKPOINT_AFTER: u64 = 64;
/// How many models' states are kept in memory.
const STATES_KEPT: usize = 512;
const FORMAT: u32 = 1;

#[derive(Debug)]
pub(crate) struct ObjectModels {
    root: Location,
    catalogue: CommitLog,
    sleeper: Arc<dyn Sleeper>,
    /// Tells this handle's requests from everybody else's.
    writer: Digest,
    requests: AtomicU64,
    logs: Mutex<BTreeMap<String, Arc<Mutex<Follower>>>>,
    uses: AtomicU64,
}

/// One log and how far it was read.
#[derive(Debug)]
struct Follower {
    log: CommitLog,
    known: Option<Known>,
    model: ModelName,
    /// The most news that were ever seen, which forgetting a state does not take back.
    seen: u64,
    used: u64,
}

/// The state after an entry.
#[derive(Debug, Clone)]
struct Known {
    entry: u64,
    state: Option<Arc<ModelState>>,
    digest: String,
    checkpoint: u64,
    /// How many entries a server must see.
    news: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    format: u32,
    records: Vec<Record>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Checkpoint {
    format: u32,
    digest: String,
    news: u64,
    state: ModelState,
}

#[derive(Serialize, Deserialize)]
struct Listed {
    model: ModelName,
}

impl Known {
    fn nothing() -> Self {
        Self {
            entry: 0,
            state: None,
            digest: audit_root().to_string(),
            checkpoint: 0,
            news: 0,
        }
    }

    fn records(&self) -> u64 {
        self.state.as_ref().map_or(0, |state| state.head)
    }

    /// Takes the next entry of the log.
    fn take(&mut self, number: u64, bytes: &[u8]) -> Result<()> {
        let entry = read_entry(number, bytes)?;
        let mut state = self.state.as_deref().cloned();
        let mut news = false;
        for record in &entry.records {
            let next = state.as_ref().map_or(0, |state| state.head) + 1;
            record.check(i64::try_from(next).unwrap_or(i64::MAX), &self.digest)?;
            let change = record.change()?.ok_or_else(|| Error::AuditBroken {
                entry: next,
                reason: "it does not tell its change".into(),
            })?;
            record.stamped(|stamp| ModelState::advance(&mut state, &change, stamp))?;
            news |= change.is_news();
            self.digest.clone_from(&record.digest);
        }
        self.state = state.map(Arc::new);
        self.entry = number;
        self.news += u64::from(news);
        Ok(())
    }
}

fn read_entry(number: u64, bytes: &[u8]) -> Result<Entry> {
    let entry: Entry = stored("commit", serde_json::from_slice(bytes))?;
    if entry.format == FORMAT && !entry.records.is_empty() {
        return Ok(entry);
    }
    Err(Error::Stored {
        what: "commit",
        reason: format!("entry {number} has format {}", entry.format),
    })
}

impl Follower {
    fn store(model: &ModelName) -> impl Fn(StoreError) -> Error {
        |source| Error::Log {
            model: model.clone(),
            source: Box::new(source),
        }
    }

    /// Reads what is new.
    fn follow(&mut self, model: &ModelName) -> Result<&Known> {
        let failed = Self::store(model);
        let begun = match self.known.take() {
            Some(known) => known,
            None => self.begin(model)?,
        };
        let known = self.known.insert(begun);
        let head = self
            .log
            .head()
            .map_err(&failed)?
            .map_or(0, |head| head.number);
        if head > known.entry {
            // all or nothing, so that a broken entry is met again and not passed over
            let mut next = known.clone();
            for entry in self.log.read_after(known.entry) {
                let entry = entry.map_err(&failed)?;
                next.take(entry.number, &entry.bytes)?;
            }
            *known = next;
        }
        self.seen = self.seen.max(known.news);
        Ok(known)
    }

    fn begin(&self, model: &ModelName) -> Result<Known> {
        let checkpoint = self.log.latest_checkpoint().map_err(Self::store(model))?;
        let Some(checkpoint) = checkpoint else {
            return Ok(Known::nothing());
        };
        let read: Checkpoint = stored("checkpoint", serde_json::from_slice(&checkpoint.bytes))?;
        if read.format != FORMAT {
            return Err(Error::Stored {
                what: "checkpoint",
                reason: format!("its format is {}", read.format),
            });
        }
        Ok(Known {
            entry: checkpoint.number,
            digest: read.digest,
            news: read.news,
            state: Some(Arc::new(read.state)),
            checkpoint: checkpoint.number,
        })
    }

    /// Writes the state down if many entries have come since. One that fails is made good by the next.
    fn checkpoint(&mut self) {
        let Some(known) = &mut self.known else { return };
        let Some(state) = &known.state else { return };
        let versions = state.versions.len() as u64;
        if known.entry - known.checkpoint < CHECKPOINT_AFTER.max(versions / 4) {
            return;
        }
        let checkpoint = Checkpoint {
            format: FORMAT,
            digest: known.digest.clone(),
            news: known.news,
            state: (**state).clone(),
        };
        let bytes = serde_json::to_vec(&checkpoint).expect("states are JSON");
        if self.log.checkpoint(known.entry, &bytes).is_ok() {
            known.checkpoint = known.entry;
        }
    }
}

impl ObjectModels {
    /// Opens the models below a location and tries what the store's conditional writes are worth.
    pub(crate) fn open(
        root: Location,
        sleeper: Arc<dyn Sleeper>,
        clock: &dyn Clock,
    ) -> Result<Self> {
        static OPENED: AtomicU64 = AtomicU64::new(0);
        let failed = |source| Error::Log {
            model: Registry::itself(),
            source: Box::new(source),
        };
        let catalogue =
            CommitLog::at(&root.join("catalogue").map_err(failed)?).with_sleeper(sleeper.clone());
        catalogue.probe().map_err(failed)?;
        let writer = DigestBuilder::new()
            .part("process", &std::process::id().to_le_bytes())
            .part("time", &clock.now().micros().to_le_bytes())
            .part(
                "opened",
                &OPENED.fetch_add(1, Ordering::Relaxed).to_le_bytes(),
            )
            .finish();
        Ok(Self {
            root,
            catalogue,
            sleeper,
            writer,
            requests: AtomicU64::new(0),
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
            .with_sleeper(self.sleeper.clone());
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

    fn request(&self) -> RequestId {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let mut digest = DigestBuilder::new();
        digest
            .part("writer", self.writer.as_bytes())
            .part("request", &number.to_le_bytes());
        digest.finish().into()
    }

    fn pause(&self, request: &RequestId, attempt: u32) {
        let (first, longest) = PAUSES;
        let most = first.saturating_mul(1 << attempt.min(16)).min(longest);
        let mut rng = Seed(u64::from(attempt)).derive(request.as_str()).rng();
        self.sleeper.sleep(most.mul_f64(rng.unit()));
    }

    /// Appends, and asks again where the store gave no definite answer.
    fn append(
        &self,
        log: &CommitLog,
        after: u64,
        request: &RequestId,
        bytes: &[u8],
    ) -> mlops_store::Result<Appended> {
        for attempt in 0..ASKED_AGAIN {
            match log.append(after, request, bytes) {
                Err(StoreError::LogUnknown { .. }) => self.pause(request, attempt),
                answer => return answer,
            }
        }
        log.append(after, request, bytes)
    }

    /// Notes a name before the model's first entry. A name that is noted twice is one name.
    fn list(&self, model: &ModelName) -> Result<()> {
        if self.listed()?.contains_key(model.as_str()) {
            return Ok(());
        }
        let listed = Listed {
            model: model.clone(),
        };
        let bytes = serde_json::to_vec(&listed).expect("a name is JSON");
        let failed = Follower::store(model);
        for attempt in 0..ATTEMPTS {
            let head = self.catalogue.head().map_err(&failed)?;
            let request = self.request();
            let after = head.map_or(0, |head| head.number);
            let answer = self.append(&self.catalogue, after, &request, &bytes);
            if answer.map_err(&failed)? == Appended::Won {
                return Ok(());
            }
            self.pause(&request, attempt);
        }
        Err(contended(model))
    }

    fn listed(&self) -> Result<BTreeMap<String, ModelName>> {
        let itself = Registry::itself();
        let failed = Follower::store(&itself);
        let mut names = BTreeMap::new();
        for entry in self.catalogue.read_after(0) {
            let entry = entry.map_err(&failed)?;
            let listed: Listed = stored("name", serde_json::from_slice(&entry.bytes))?;
            names.insert(listed.model.to_string(), listed.model);
        }
        Ok(names)
    }

    /// Every model that has a log, the registry itself first.
    fn everything(&self) -> Result<Vec<ModelName>> {
        let itself = Registry::itself();
        let mut all = self.listed()?;
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

/// Drops the states that were used the longest ago. The greatest entry that was seen stays.
fn forget_some(logs: &BTreeMap<String, Arc<Mutex<Follower>>>) {
    let mut loaded: Vec<_> = logs
        .values()
        // one that is in use is not forgotten
        .filter_map(|follower| follower.try_lock().ok())
        .filter(|follower| follower.known.is_some())
        .collect();
    if loaded.len() < STATES_KEPT {
        return;
    }
    loaded.sort_by_key(|follower| follower.used);
    for follower in loaded.iter_mut().take(STATES_KEPT / 4) {
        follower.known = None;
    }
}

fn contended(model: &ModelName) -> Error {
    Error::Contended {
        model: model.clone(),
        attempts: ATTEMPTS,
    }
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
        let taken = |name: &ModelName| match name == model {
            true => Ok(None),
            false => Err(Error::Unsupported {
                what: "another name for a model",
                place: "on an object store",
            }),
        };
        for attempt in 0..ATTEMPTS {
            let policy = self.policy()?;
            let request = self.request();
            let done = self.with(model, |follower| {
                let known = follower.follow(model)?.clone();
                // the registry's own log holds the rules that its next entry is written under
                let own = known.state.as_ref().and_then(|state| state.policy.as_ref());
                let policy = if model.as_str() == Registry::ITSELF {
                    own
                } else {
                    policy.as_ref()
                };
                let now = clock.now();
                let drafts = decide(Situation {
                    model,
                    state: known.state.as_deref(),
                    taken: &taken,
                    policy,
                    actor,
                    now,
                })?;
                let first = known.records() + 1;
                if drafts.is_empty() {
                    return Ok(Some(Committed {
                        state: known.state,
                        first,
                        time: now,
                    }));
                }
                if known.state.is_none() {
                    self.list(model)?;
                }
                let (after, mut previous) = (known.entry, known.digest.clone());
                let mut state = known.state.as_deref().cloned();
                let mut records = Vec::with_capacity(drafts.len());
                for (number, draft) in (first..).zip(&drafts) {
                    let stamp = Stamp {
                        time: now,
                        actor,
                        number,
                    };
                    ModelState::advance(&mut state, &draft.change, stamp)?;
                    let record = Record::new(draft, model, stamp, previous);
                    previous = record.digest.clone();
                    records.push(record);
                }
                let entry = Entry {
                    format: FORMAT,
                    records,
                };
                let bytes = serde_json::to_vec(&entry).expect("records are JSON");
                let answer = self.append(&follower.log, after, &request, &bytes);
                if answer.map_err(Follower::store(model))? != Appended::Won {
                    return Ok(None);
                }
                let state = state.map(Arc::new);
                let news = drafts.iter().any(|draft| draft.change.is_news());
                let news = known.news + u64::from(news);
                follower.seen = follower.seen.max(news);
                follower.known = Some(Known {
                    entry: after + 1,
                    state: state.clone(),
                    digest: previous,
                    checkpoint: known.checkpoint,
                    news,
                });
                follower.checkpoint();
                Ok(Some(Committed {
                    state,
                    first,
                    time: now,
                }))
            })?;
            match done {
                Some(committed) => return Ok(committed),
                None => self.pause(&request, attempt),
            }
        }
        Err(contended(model))
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
