//! What every decision asks first: is the model there, and may the actor do this?

use mlops_core::Action;

use super::Situation;
use crate::{Error, Result, state::ModelState};

impl<'a> Situation<'a> {
    /// The state of a model that must be there.
    pub(crate) fn live(&self) -> Result<&'a ModelState> {
        match self.state {
            Some(state) if state.deleted.is_none() && state.name == *self.model => Ok(state),
            _ => Err(Error::UnknownModel {
                model: self.model.clone(),
            }),
        }
    }

    /// Refuses what the policy does not allow the actor.
    pub(crate) fn may(&self, action: Action) -> Result<()> {
        match self.policy {
            Some(policy) => policy.allow(self.actor, action, self.model),
            None => Ok(()),
        }
    }

    /// [`live`](Self::live) for somebody who may do this.
    pub(crate) fn live_for(&self, action: Action) -> Result<&'a ModelState> {
        self.may(action)?;
        self.live()
    }
}
