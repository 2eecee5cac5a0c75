//! Following a log: the state after the newest entry, from a checkpoint on or from the first.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use mlops_core::ModelName;
use mlops_store::{CommitLog, Error as StoreError};
use serde::{Deserialize, Serialize};

use super::{
    Logs,
    moving::{Pending, elsewhere},
};
use crate::{
    Error, Result, audit::Record, change::Change, error::stored, schema::audit_root,
    state::ModelState,
};

/// Entries after which a checkpoint is written; more for models with many versions, whose state is large.
const CHECKPOINT_AFTER: u64 = 64;
/// How many models' states are kept in memory.
const STATES_KEPT: usize = 512;
pub(super) const FORMAT: u32 = 1;
/// The most records of a log: far more than anybody writes, and far fewer than a number can count.
const RECORDS: u64 = 1 << 48;

/// One log and how far it was read.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) log: CommitLog,
    /// Where the logs of all models are.
    pub(super) logs: Logs,
    pub(super) known: Option<Known>,
    pub(super) model: ModelName,
    /// The most news that were ever seen, which forgetting a state does not take back.
    pub(super) seen: u64,
    pub(super) used: u64,
}

/// The state after an entry.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) entry: u64,
    pub(super) state: Option<Arc<ModelState>>,
    /// The number of its records; the state's head, where there is a state.
    records: u64,
    /// The name that the model has got, where its log ended with that.
    pub(super) gone_to: Option<ModelName>,
    /// The rename that the entry begins, until it is decided.
    pub(super) pending: Option<Pending>,
    pub(super) digest: String,
    pub(super) checkpoint: u64,
    /// How many entries a server must see.
    pub(super) news: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) format: u32,
    pub(super) records: Vec<Record>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Checkpoint {
    format: u32,
    digest: String,
    news: u64,
    state: ModelState,
}

impl Known {
    pub(super) fn nothing() -> Self {
        Self {
            entry: 0,
            state: None,
            records: 0,
            gone_to: None,
            pending: None,
            digest: audit_root().to_string(),
            checkpoint: 0,
            news: 0,
        }
    }

    /// The same after one more entry.
    pub(super) fn after(
        &self,
        state: Option<Arc<ModelState>>,
        records: u64,
        digest: String,
    ) -> Self {
        Self {
            entry: self.entry + 1,
            state,
            records,
            gone_to: None,
            pending: None,
            digest,
            checkpoint: self.checkpoint,
            news: self.news,
        }
    }

    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// Settles the rename that was begun.
    fn settle(&mut self, renamed: bool) {
        let Some(pending) = self.pending.take() else {
            return;
        };
        if renamed {
            self.state = Some(pending.state);
            self.gone_to = None;
            self.news += 1;
        }
    }

    /// [`take`](Self::take) of an entry that others may follow: one before it is decided.
    pub(super) fn take_all(&mut self, logs: &Logs, number: u64, bytes: &[u8]) -> Result<()> {
        if let Some(pending) = &self.pending {
            let decided = pending.decided(&logs.log(&pending.from)?)?;
            let decided = decided.ok_or_else(|| Error::AuditBroken {
                entry: self.records,
                reason: format!(
                    "the log of `{}` does not tell whether it is true",
                    pending.from
                ),
            })?;
            self.settle(decided);
        }
        self.take(number, bytes)
    }

    /// Looks whether the rename at the end is decided.
    pub(super) fn look(&mut self, logs: &Logs) -> Result<()> {
        if let Some(pending) = &self.pending
            && let Some(decided) = pending.decided(&logs.log(&pending.from)?)?
        {
            self.settle(decided);
        }
        Ok(())
    }

    /// Takes the next entry of the log.
    fn take(&mut self, number: u64, bytes: &[u8]) -> Result<()> {
        let entry = read_entry(number, bytes)?;
        let mut state = self.state.take().map(Arc::unwrap_or_clone);
        let mut news = false;
        for record in &entry.records {
            let next = self.records + 1;
            record.check(i64::try_from(next).unwrap_or(i64::MAX), &self.digest)?;
            let change = record.change()?.ok_or_else(|| Error::AuditBroken {
                entry: next,
                reason: "it does not tell its change".into(),
            })?;
            news |= change.is_news();
            self.records = next;
            self.digest.clone_from(&record.digest);
            if self.pending.is_some()
                || matches!(&change, Change::ModelMoved { .. } if state.is_some())
            {
                return Err(Error::AuditBroken {
                    entry: next,
                    reason: "a model that comes from elsewhere is not alone".into(),
                });
            }
            self.pending = Pending::of(&change, next)?;
            if self.pending.is_some() {
                continue;
            }
            record.stamped(|stamp| ModelState::advance(&mut state, &change, stamp))?;
            self.gone_to = match change {
                Change::ModelRenamed { from, to } if elsewhere(&from, &to) => Some(to),
                _ => None,
            };
            if self.gone_to.is_some() {
                state = None;
            }
        }
        self.state = state.map(Arc::new);
        self.entry = number;
        self.news += u64::from(news);
        Ok(())
    }
}

pub(super) fn read_entry(number: u64, bytes: &[u8]) -> Result<Entry> {
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
    pub(super) fn store(model: &ModelName) -> impl Fn(StoreError) -> Error {
        |source| Error::Log {
            model: model.clone(),
            source: Box::new(source),
        }
    }

    /// Reads what is new.
    pub(super) fn follow(&mut self, model: &ModelName) -> Result<&Known> {
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
                next.take_all(&self.logs, entry.number, &entry.bytes)?;
            }
            *known = next;
        }
        known.look(&self.logs)?;
        self.seen = self.seen.max(known.news);
        Ok(known)
    }

    pub(super) fn begin(&self, model: &ModelName) -> Result<Known> {
        let checkpoint = self.log.latest_checkpoint().map_err(Self::store(model))?;
        let Some(checkpoint) = checkpoint else {
            return Ok(Known::nothing());
        };
        let read: Checkpoint = stored("checkpoint", serde_json::from_slice(&checkpoint.bytes))?;
        let broken = if read.format != FORMAT {
            format!("its format is {}", read.format)
        } else if read.state.head > RECORDS || read.news > RECORDS {
            "it counts more records than there can be".into()
        } else {
            String::new()
        };
        if !broken.is_empty() {
            return Err(Error::Stored {
                what: "checkpoint",
                reason: broken,
            });
        }
        Ok(Known {
            entry: checkpoint.number,
            records: read.state.head,
            gone_to: None,
            pending: None,
            digest: read.digest,
            news: read.news,
            state: Some(Arc::new(read.state)),
            checkpoint: checkpoint.number,
        })
    }

    /// Writes the state down if many entries have come since. One that fails is made good by the next.
    pub(super) fn checkpoint(&mut self) {
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

/// Drops the states that were used the longest ago. The greatest entry that was seen stays.
pub(super) fn forget_some(logs: &BTreeMap<String, Arc<Mutex<Follower>>>) {
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
