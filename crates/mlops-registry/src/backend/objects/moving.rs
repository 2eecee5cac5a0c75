//! Another name for a model: from the log of the old name to that of the new one.
//!
//! The new log says first from where the model comes, with its state and with the very record by which the old log
//! will end. That record is the rename: once it stands in the old log, right after the entry that the state follows,
//! the model has its new name, in both logs at once; until then it has the old one, whoever was killed meanwhile. A
//! writer of the old log that gets the place makes the rename void. A writer of the new log, who has to know, writes
//! the record itself and reads who got the place.

use std::sync::Arc;

use mlops_core::ModelName;
use mlops_store::{Appended, CommitLog, RequestId};

use super::{
    Logs, ObjectModels,
    follower::{Entry, FORMAT, Follower, Known, read_entry},
};
use crate::{
    Error, Result,
    audit::Record,
    change::{Change, Draft},
    error::stored,
    state::{ModelState, Stamp},
};

/// A rename that a log begins, and that another one decides.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) from: ModelName,
    /// The last entry there that the state follows.
    pub(super) entry: u64,
    pub(super) closing: Record,
    request: String,
    pub(super) state: Arc<ModelState>,
}

impl Pending {
    /// The rename that a change begins.
    pub(super) fn of(change: &Change, number: u64) -> Result<Option<Self>> {
        match change {
            Change::ModelMoved {
                from,
                entry,
                closing,
                request,
                state,
                ..
            } => Ok(Some(Self {
                from: from.clone(),
                entry: *entry,
                closing: Record::read(closing)?,
                request: request.clone(),
                state: Arc::new(ModelState {
                    head: number,
                    ..(**state).clone()
                }),
            })),
            _ => Ok(None),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let entry = Entry {
            format: FORMAT,
            records: vec![self.closing.clone()],
        };
        serde_json::to_vec(&entry).expect("records are JSON")
    }

    /// Whether the model has its new name; `None` as long as it may still get it.
    pub(super) fn decided(&self, log: &CommitLog) -> Result<Option<bool>> {
        let next = self.entry + 1;
        let entries = log.read(next..=next).map_err(Follower::store(&self.from))?;
        let Some(entry) = entries.first() else {
            return Ok(None);
        };
        let records = read_entry(next, &entry.bytes)?.records;
        let last = records.last().map(|record| &record.digest);
        Ok(Some(last == Some(&self.closing.digest)))
    }

    /// Ends the rename, one way or the other.
    fn decide(&self, models: &ObjectModels, log: &CommitLog) -> Result<()> {
        let request: RequestId = stored("request", self.request.parse())?;
        let answer = models
            .requests
            .append(log, self.entry, &request, &self.bytes());
        answer.map(drop).map_err(Follower::store(&self.from))
    }
}

/// Whether a name has another log.
pub(super) fn elsewhere(one: &ModelName, other: &ModelName) -> bool {
    one.folded() != other.folded()
}

impl ObjectModels {
    /// Follows a log for a writer: a rename that it begins is decided afterwards.
    pub(super) fn follow_and_decide(&self, follower: &mut Follower) -> Result<Known> {
        let model = follower.model.clone();
        if let Some(pending) = &follower.follow(&model)?.pending {
            let pending = pending.clone();
            pending.decide(self, &self.place.log(&pending.from)?)?;
            let known = follower.follow(&model)?;
            if known.pending.is_some() {
                return Err(super::contended(&model));
            }
        }
        Ok(follower.follow(&model)?.clone())
    }

    /// The log of a model as it stands, read past the states that are kept: their locks are others'.
    fn aside(&self, model: &ModelName) -> Result<(Follower, Known)> {
        let mut follower = self.new_follower(model)?;
        let known = self.follow_and_decide(&mut follower)?;
        Ok((follower, known))
    }

    /// Another model, deleted ones too, that has a name or one that is hard to tell from it.
    pub(super) fn twin(&self, name: &ModelName) -> Result<Option<ModelName>> {
        let (_, known) = self.aside(name)?;
        Ok(known.state.map(|state| state.name.clone()))
    }

    /// Renames the model of a log; `None` if somebody else was faster in one of both. Else the state and the number
    /// of its first entry under the new name.
    pub(super) fn rename(
        &self,
        follower: &mut Follower,
        known: &Known,
        draft: &Draft,
        (from, to): (&ModelName, &ModelName),
        stamp: Stamp<'_>,
    ) -> Result<Option<(Arc<ModelState>, u64)>> {
        let (other, there) = self.aside(to)?;
        if there.state.is_some() {
            return Ok(None);
        }
        self.list(to)?;
        let mut state = known.state.as_deref().cloned();
        ModelState::advance(&mut state, &draft.change, stamp)?;
        let mut state = state.expect("it was advanced");
        let number = there.records() + 1;
        state.head = number;
        let closing = Record::new(draft, from, stamp, known.digest.as_str());
        let request = self.requests.next();
        let change = Change::ModelMoved {
            from: from.clone(),
            to: to.clone(),
            entry: known.entry,
            closing: serde_json::to_string(&closing).expect("records are JSON"),
            request: request.to_string(),
            state: Box::new(state.clone()),
        };
        let begun = Stamp { number, ..stamp };
        let begun = Record::new(
            &Draft::new(change.clone(), draft.reason.clone()),
            to,
            begun,
            there.digest,
        );
        let entry = Entry {
            format: FORMAT,
            records: vec![begun],
        };
        let bytes = serde_json::to_vec(&entry).expect("records are JSON");
        let answer = self
            .requests
            .append(&other.log, there.entry, &self.requests.next(), &bytes);
        if answer.map_err(Follower::store(to))? != Appended::Won {
            return Ok(None);
        }
        let pending = Pending::of(&change, number)?.expect("it is one");
        let answer = self
            .requests
            .append(&follower.log, known.entry, &request, &pending.bytes());
        if answer.map_err(Follower::store(from))? != Appended::Won {
            return Ok(None);
        }
        Ok(Some((Arc::new(state), number)))
    }
}

/// The records of a model under all its names, up to an entry of the log of the last one.
pub(super) fn life(logs: &Logs, model: &ModelName, until: u64) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    let mut begun: Option<(Pending, Record)> = None;
    let settle = |begun: &mut Option<(Pending, Record)>, records: &mut Vec<Record>| {
        let Some((pending, record)) = begun.take() else {
            return Ok(());
        };
        if pending.decided(&logs.log(&pending.from)?)? == Some(true) {
            *records = life(logs, &pending.from, pending.entry)?;
            records.extend([record, pending.closing]);
        }
        Ok::<_, Error>(())
    };
    for entry in logs.log(model)?.read_after(0) {
        let entry = entry.map_err(Follower::store(model))?;
        if entry.number > until {
            break;
        }
        settle(&mut begun, &mut records)?;
        for record in read_entry(entry.number, &entry.bytes)?.records {
            let change = record.change()?;
            let number = u64::try_from(record.id).unwrap_or(0);
            match change {
                // what follows is of another model
                Some(Change::ModelRenamed { from, to }) if elsewhere(&from, &to) => records.clear(),
                Some(change @ Change::ModelMoved { .. }) => {
                    begun = Pending::of(&change, number)?.map(|pending| (pending, record));
                }
                _ => records.push(record),
            }
        }
    }
    settle(&mut begun, &mut records)?;
    Ok(records)
}

/// Checks that the log of a new name goes on where that of the old one ends.
pub(super) fn verify_end(logs: &Logs, closing: &Record, to: &ModelName) -> Result<()> {
    for entry in logs.log(to)?.read_after(0) {
        let entry = entry.map_err(Follower::store(to))?;
        for record in read_entry(entry.number, &entry.bytes)?.records {
            if let Some(Change::ModelMoved { closing: told, .. }) = record.change()?
                && Record::read(&told)?.digest == closing.digest
            {
                return Ok(());
            }
        }
    }
    Err(Error::AuditBroken {
        entry: u64::try_from(closing.id).unwrap_or(0),
        reason: format!("the log of `{to}` does not go on with the model"),
    })
}

/// Checks that a log of a model ends for good where another one says that it has come from, in the same state.
pub(super) fn verify(logs: &Logs, pending: &Pending) -> Result<()> {
    let log = logs.log(&pending.from)?;
    let mut known = Known::nothing();
    for entry in log.read_after(0) {
        let entry = entry.map_err(Follower::store(&pending.from))?;
        if entry.number > pending.entry {
            break;
        }
        known.take_all(logs, entry.number, &entry.bytes)?;
    }
    known.look(logs)?;
    let record = &pending.closing;
    let broken = |reason: &str| Error::AuditBroken {
        entry: pending.state.head,
        reason: reason.to_owned(),
    };
    let number = i64::try_from(known.records() + 1).unwrap_or(i64::MAX);
    record.check(number, &known.digest)?;
    let change = record.change()?;
    let change = change.ok_or_else(|| broken("it does not tell how the old name ends"))?;
    let mut state = known.state.as_deref().cloned();
    record.stamped(|stamp| ModelState::advance(&mut state, &change, stamp))?;
    let left = state.map(|state| ModelState {
        head: pending.state.head,
        ..state
    });
    if left.as_ref() == Some(&*pending.state) {
        return Ok(());
    }
    Err(broken(
        "it goes on with another state than the old name had",
    ))
}
