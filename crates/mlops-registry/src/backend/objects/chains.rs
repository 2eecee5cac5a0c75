//! The logs as chains that somebody follows, entry by entry, from a place of their own.

use std::sync::PoisonError;

use mlops_core::{ModelName, VersionNumber};
use mlops_store::{Appended, CommitLog};

use super::{
    ObjectModels,
    follower::{Follower, read_entry},
    logs::id,
};
use crate::{LoggedModelId, Registry, Result, audit::Record, backend::Chain, error::stored};

/// How many commits are read at once for those who follow a log.
const COMMITS_AT_ONCE: usize = 64;

impl ObjectModels {
    /// What the place is called, whichever path or address leads to it.
    pub(super) fn identity(&self) -> Result<String> {
        if let Some(known) = self.identity.get() {
            return Ok(known.clone());
        }
        let itself = Registry::itself();
        let failed = Follower::store(&itself);
        let location = self.place.root.join("identity").map_err(&failed)?;
        let log = CommitLog::at(&location).with_sleeper(self.requests.sleeper());
        if log.head().map_err(&failed)?.is_none() {
            let name = self.requests.writer().to_string();
            // who loses takes the winner's
            let _: Appended = self
                .requests
                .append(&log, 0, &self.requests.next(), name.as_bytes())
                .map_err(&failed)?;
        }
        let entries = log.read(1..=1).map_err(&failed)?;
        let name = entries.first().map(|entry| entry.bytes.to_vec());
        let name = stored("identity", String::from_utf8(name.unwrap_or_default()))?;
        Ok(self.identity.get_or_init(|| name).clone())
    }

    pub(super) fn chains_of(&self, model: Option<&ModelName>) -> Result<Vec<Chain>> {
        let models = match model {
            Some(model) => vec![model.clone()],
            None => self.everything()?,
        };
        let root = self.identity()?;
        let chain = |model: ModelName| Chain {
            id: format!("{root}#{}", id(&model)),
            model: Some(model),
        };
        Ok(models.into_iter().map(chain).collect())
    }

    pub(super) fn end_of(&self, chain: &Chain) -> Result<u64> {
        let (model, log) = self.log_of(chain)?;
        let head = log.head().map_err(Follower::store(&model))?;
        Ok(head.map_or(0, |head| head.number))
    }

    pub(super) fn records_of_chain(
        &self,
        chain: &Chain,
        place: u64,
        each: &mut dyn FnMut(Record) -> Result<()>,
    ) -> Result<u64> {
        let (model, log) = self.log_of(chain)?;
        let mut last = place;
        for entry in log.read_after(place).take(COMMITS_AT_ONCE) {
            let entry = entry.map_err(Follower::store(&model))?;
            for record in read_entry(entry.number, &entry.bytes)?.records {
                each(record)?;
            }
            last = entry.number;
        }
        Ok(last)
    }

    /// The versions that were registered from logged models, in the states that are in memory.
    pub(super) fn known_from(
        &self,
        models: &[&LoggedModelId],
        each: &mut dyn FnMut(&LoggedModelId, ModelName, VersionNumber),
    ) {
        let followers: Vec<_> = self.logs().values().cloned().collect();
        for follower in followers {
            let follower = follower.lock().unwrap_or_else(PoisonError::into_inner);
            let state = follower
                .known
                .as_ref()
                .and_then(|known| known.state.clone());
            drop(follower);
            let Some(state) = state else { continue };
            for version in state.versions.values() {
                let from = version.logged_model.as_deref();
                if let Some(id) = models.iter().find(|id| Some(id.as_str()) == from) {
                    each(id, state.name.clone(), version.version);
                }
            }
        }
    }

    fn log_of(&self, chain: &Chain) -> Result<(ModelName, CommitLog)> {
        let model = chain.model.clone().unwrap_or_else(Registry::itself);
        let log = self.with(&model, |follower| Ok(follower.log.clone()))?;
        Ok((model, log))
    }
}
