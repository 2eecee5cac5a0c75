//! Committing to a log: decide, append, and decide anew if somebody else has the place.

use std::sync::Arc;

use mlops_core::{Clock, ModelName, Principal};
use mlops_store::Appended;

use super::{
    ObjectModels,
    follower::{Entry, FORMAT, Follower},
    moving::elsewhere,
};
use crate::{
    Error, Registry, Result,
    audit::Record,
    backend::{Committed, Decide, Situation},
    change::Change,
    state::{ModelState, Stamp},
};

/// How often a commit is decided anew because somebody else was faster.
pub(super) const ATTEMPTS: u32 = 24;

impl ObjectModels {
    /// Decides on the newest state and appends what follows; decides anew if somebody else was faster.
    pub(super) fn decide_and_append(
        &self,
        model: &ModelName,
        actor: &Principal,
        clock: &dyn Clock,
        decide: &mut Decide<'_>,
    ) -> Result<Committed> {
        let taken = |name: &ModelName| {
            if elsewhere(name, model) {
                return self.twin(name);
            }
            Ok(None)
        };
        for attempt in 0..ATTEMPTS {
            let policy = self.policy()?;
            let request = self.requests.next();
            let done = self.with(model, |follower| {
                let known = self.follow_and_decide(follower)?;
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
                if let [draft] = &drafts[..]
                    && let Change::ModelRenamed { to, .. } = &draft.change
                {
                    if elsewhere(to, model) {
                        let stamp = Stamp {
                            time: now,
                            actor,
                            number: first,
                        };
                        let done = self.rename(follower, &known, draft, (model, to), stamp)?;
                        return Ok(done.map(|(state, first)| Committed {
                            state: Some(state),
                            first,
                            time: now,
                        }));
                    }
                    self.list(to)?;
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
                    let record = Record::new(draft, model, stamp, previous.as_str());
                    previous.clone_from(&record.digest);
                    records.push(record);
                }
                let entry = Entry {
                    format: FORMAT,
                    records,
                };
                let bytes = serde_json::to_vec(&entry).expect("records are JSON");
                let answer = self.requests.append(&follower.log, after, &request, &bytes);
                if answer.map_err(Follower::store(model))? != Appended::Won {
                    return Ok(None);
                }
                let state = state.map(Arc::new);
                let news = drafts.iter().any(|draft| draft.change.is_news());
                let last = known.records() + drafts.len() as u64;
                let mut next = known.after(state.clone(), last, previous);
                next.news += u64::from(news);
                follower.seen = follower.seen.max(next.news);
                follower.known = Some(next);
                follower.checkpoint();
                Ok(Some(Committed {
                    state,
                    first,
                    time: now,
                }))
            })?;
            match done {
                Some(committed) => return Ok(committed),
                None => self.requests.pause(&request, attempt),
            }
        }
        Err(contended(model))
    }
}

pub(super) fn contended(model: &ModelName) -> Error {
    Error::Contended {
        model: model.clone(),
        attempts: ATTEMPTS,
    }
}
