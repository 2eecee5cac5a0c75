//! How an open request stands: what the policy of now still misses.

use mlops_core::ModelName;

use super::{Case, Verdict, judge, requests::find};
use crate::{Registry, Result, backend::Situation};

impl Registry {
    /// What the policy in force says to a request as it stands: every point with its reason, the sign-offs that
    /// are missing among them. Nothing is changed. The files of the version are read only if a rule asks for them.
    ///
    /// # Errors
    /// [`Error::UnknownModel`](crate::Error::UnknownModel),
    /// [`GovernanceError::UnknownRequest`](crate::GovernanceError::UnknownRequest),
    /// [`Error::UnknownVersion`](crate::Error::UnknownVersion) if the version was deleted,
    /// [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy; those of
    /// [`load`](Self::load) if the files do not read; [`Error::Busy`](crate::Error::Busy) or
    /// [`Error::Database`](crate::Error::Database).
    pub fn prospects(&self, model: &ModelName, number: u32) -> Result<Verdict> {
        let policy = self.policy()?;
        let state = self.state(model)?;
        let request = find(&state, number)?;
        let version = state.version(request.version)?;
        let rules = policy
            .iter()
            .flat_map(|policy| policy.rules(model, request.to));
        let inspected = rules
            .into_iter()
            .any(|rule| rule.requires.card || rule.requires.signature.is_some())
            .then(|| self.inspect(version, policy.as_deref()))
            .transpose()?;
        let now = Situation {
            model,
            state: Some(&state),
            taken: &|_| Ok(None),
            policy: policy.as_ref(),
            actor: self.actor(),
            now: self.now(),
        };
        let case = Case {
            evidence: request.evidence.as_ref(),
            inspected: inspected.as_ref(),
            approvals: &request.approvals,
            bound: Some(request.bound),
        };
        judge(&now, &state, version, request.to, case)
    }
}
