//! Committing to a log: decide, append, and decide anew if somebody else has the place.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use mlops_core::{Clock, DigestBuilder, ModelName, Principal, Seed};
use mlops_store::{Appended, CommitLog, Error as StoreError, RequestId};

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
/// How often the store is asked again whether an entry is ours.
const ASKED_AGAIN: u32 = 3;
/// The first and the longest pause between two attempts.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(800));

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
            let request = self.request();
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
                let answer = self.append(&follower.log, after, &request, &bytes);
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
                None => self.pause(&request, attempt),
            }
        }
        Err(contended(model))
    }

    pub(super) fn request(&self) -> RequestId {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let mut digest = DigestBuilder::new();
        digest
            .part("writer", self.writer.as_bytes())
            .part("request", &number.to_le_bytes());
        digest.finish().into()
    }

    pub(super) fn pause(&self, request: &RequestId, attempt: u32) {
        let (first, longest) = PAUSES;
        let most = first.saturating_mul(1 << attempt.min(16)).min(longest);
        let mut rng = Seed(u64::from(attempt)).derive(request.as_str()).rng();
        self.sleeper.sleep(most.mul_f64(rng.unit()));
    }

    /// Appends, and asks again where the store gave no definite answer.
    pub(super) fn append(
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
}

pub(super) fn contended(model: &ModelName) -> Error {
    Error::Contended {
        model: model.clone(),
        attempts: ATTEMPTS,
    }
}
