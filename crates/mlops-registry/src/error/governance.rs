//! What governance refuses: who may not do what, what a transition lacks, and requests that are decided or void.

use mlops_core::{Action, ErrorKind, ModelName, Principal, VersionNumber};

use crate::{RequestState, Stage};

/// A no of the policy, or of a request under it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GovernanceError {
    /// Somebody may not do what was asked, by the policy of the registry.
    #[error("`{principal}` may not {} `{model}`: {reason}", verb(*action))]
    Forbidden {
        /// Who asked.
        principal: Principal,
        /// What for.
        action: Action,
        /// The model.
        model: ModelName,
        /// Which rule says so.
        reason: String,
    },
    /// The policy is not one.
    #[error("the policy is not valid: {reason}")]
    InvalidPolicy {
        /// What is wrong, and where.
        reason: String,
    },
    /// A transition does not meet the policy.
    #[error("version {version} of model `{model}` may not enter {to}: {unmet}")]
    PolicyUnmet {
        /// The model.
        model: ModelName,
        /// The version.
        version: VersionNumber,
        /// The stage that it was to enter.
        to: Stage,
        /// What is missing.
        unmet: String,
    },
    /// There is no such request.
    #[error("model `{model}` has no request {request}")]
    UnknownRequest {
        /// The model.
        model: ModelName,
        /// The number that was asked for.
        request: u32,
    },
    /// A request is decided already, or its time has passed.
    #[error("request {request} of model `{model}` is {state}")]
    RequestClosed {
        /// The model.
        model: ModelName,
        /// The request.
        request: u32,
        /// How it ended.
        state: RequestState,
    },
    /// What a request was made for has changed, and its sign-offs count no more.
    #[error("request {request} of model `{model}` is void: {reason}")]
    RequestVoid {
        /// The model.
        model: ModelName,
        /// The request.
        request: u32,
        /// What has changed.
        reason: String,
    },
    /// Somebody may not sign a request off.
    #[error("`{principal}` may not sign request {request} of model `{model}` off: {reason}")]
    SignOffRefused {
        /// The model.
        model: ModelName,
        /// The request.
        request: u32,
        /// Who wanted to sign.
        principal: Principal,
        /// Why not.
        reason: &'static str,
    },
}

impl GovernanceError {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidPolicy { .. } => ErrorKind::Invalid,
            Self::UnknownRequest { .. } => ErrorKind::NotFound,
            Self::RequestClosed { .. } | Self::RequestVoid { .. } => ErrorKind::Conflict,
            Self::Forbidden { .. } | Self::PolicyUnmet { .. } | Self::SignOffRefused { .. } => {
                ErrorKind::Denied
            }
        }
    }
}

fn verb(action: Action) -> &'static str {
    match action {
        Action::Read => "read",
        Action::Write => "change",
        Action::Delete => "delete from",
        Action::Promote => "move versions of",
        Action::Approve => "sign off for",
        _ => "administer",
    }
}
