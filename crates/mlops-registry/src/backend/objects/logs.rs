//! Where the log of a model is.

use std::sync::Arc;

use mlops_core::{Digest, ModelName};
use mlops_store::{CommitLog, Location, Sleeper};

use super::follower::Follower;
use crate::Result;

/// Where the logs of models are.
#[derive(Debug, Clone)]
pub(super) struct Logs {
    pub(super) root: Location,
    pub(super) sleeper: Arc<dyn Sleeper>,
}

impl Logs {
    /// The log of a model: that of all names which are hard to tell from it.
    pub(super) fn log(&self, model: &ModelName) -> Result<CommitLog> {
        let location = self.root.join(&format!("models/{}", id(model)));
        let location = location.map_err(Follower::store(model))?;
        Ok(CommitLog::at(&location).with_sleeper(self.sleeper.clone()))
    }
}

/// What a model's log is called.
pub(super) fn id(model: &ModelName) -> String {
    let mut id = Digest::of(model.folded().as_bytes()).to_string();
    id.truncate(32);
    id
}
