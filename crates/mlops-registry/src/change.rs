//! Changes: everything that can happen to a model, each with all that a reader of the trail needs to redo it.
//!
//! The state of a model is the fold of its changes and of nothing else ([`ModelState::apply`]
//! (crate::state::ModelState::apply)); an operation decides which changes follow from the state as it stands; a
//! backend writes them, all or none, with who, when and why. A change that was ever written is read for ever:
//! fields may be added with a default, never taken away.

use std::collections::BTreeMap;

use mlops_core::{AliasName, Digest, EventTime, ModelName, VersionNumber};
use serde::{Deserialize, Serialize};

use crate::{
    Action, Approval, ModelVersion, Policy, RequestState, Stage, TransitionRequest, VersionStatus,
    state::ModelState,
};

/// One change of one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub(crate) enum Change {
    ModelCreated {
        name: ModelName,
        #[serde(default)]
        description: String,
        #[serde(default)]
        tags: BTreeMap<String, String>,
        /// When it was made elsewhere, if it comes from there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        created: Option<EventTime>,
    },
    /// A model whose earlier entries did not tell everything, as the tables had it.
    ModelAdopted {
        state: Box<ModelState>,
    },
    ModelRenamed {
        from: ModelName,
        to: ModelName,
    },
    /// The first half of a rename from one log to another: the state that the model goes on with, if the log that it
    /// leaves ends with the very record that is told here.
    ModelMoved {
        from: ModelName,
        to: ModelName,
        /// The last entry before that record, which is JSON.
        entry: u64,
        closing: String,
        /// The request by which anybody may write it.
        request: String,
        state: Box<ModelState>,
    },
    ModelDescribed {
        description: String,
    },
    ModelTagged {
        key: String,
        value: Option<String>,
    },
    ModelDeleted,
    VersionRegistered {
        version: Box<ModelVersion>,
        /// The sizes of its files in bytes.
        #[serde(default)]
        sizes: BTreeMap<String, u64>,
    },
    VersionDescribed {
        version: VersionNumber,
        description: String,
    },
    VersionTagged {
        version: VersionNumber,
        key: String,
        value: Option<String>,
    },
    VersionStatus {
        version: VersionNumber,
        status: VersionStatus,
    },
    VersionSigned {
        version: VersionNumber,
        name: String,
        digest: Digest,
        size: u64,
    },
    VersionDeleted {
        version: VersionNumber,
    },
    StageChanged {
        version: VersionNumber,
        from: Stage,
        to: Stage,
    },
    Promoted {
        version: VersionNumber,
        from: Stage,
    },
    PromotionRefused {
        version: VersionNumber,
        from: Stage,
    },
    AliasSet {
        alias: AliasName,
        from: Option<VersionNumber>,
        to: VersionNumber,
    },
    AliasDeleted {
        alias: AliasName,
        from: VersionNumber,
    },
    TransitionRequested {
        request: Box<TransitionRequest>,
    },
    RequestApproved {
        version: VersionNumber,
        request: u32,
        approval: Box<Approval>,
    },
    RequestClosed {
        version: VersionNumber,
        request: u32,
        state: RequestState,
    },
    PolicySet {
        policy: Box<Policy>,
    },
}

/// A change that was decided and not yet written, with why and on what grounds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Draft {
    pub(crate) change: Change,
    pub(crate) reason: String,
    /// JSON.
    pub(crate) evidence: Option<serde_json::Value>,
}

impl Draft {
    pub(crate) fn new(change: Change, reason: impl Into<String>) -> Self {
        Self {
            change,
            reason: reason.into(),
            evidence: None,
        }
    }

    pub(crate) fn on(mut self, evidence: &impl Serialize) -> Self {
        let evidence = serde_json::to_value(evidence).expect("names, numbers and digests are JSON");
        self.evidence = Some(evidence);
        self
    }
}

/// What the columns of the audit trail show of a change.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    pub(crate) version: Option<VersionNumber>,
    pub(crate) alias: Option<AliasName>,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
}

impl Change {
    pub(crate) fn action(&self) -> Action {
        match self {
            Self::ModelCreated { .. } => Action::ModelCreated,
            Self::ModelAdopted { .. } => Action::ModelAdopted,
            Self::ModelRenamed { .. } => Action::ModelRenamed,
            Self::ModelMoved { .. } => Action::RenameBegun,
            Self::ModelDescribed { .. } => Action::ModelDescribed,
            Self::ModelTagged { .. } => Action::ModelTagged,
            Self::ModelDeleted => Action::ModelDeleted,
            Self::VersionRegistered { .. } => Action::VersionRegistered,
            Self::VersionDescribed { .. } => Action::VersionDescribed,
            Self::VersionTagged { .. } => Action::VersionTagged,
            Self::VersionStatus { .. } => Action::VersionStatusChanged,
            Self::VersionSigned { .. } => Action::VersionSigned,
            Self::VersionDeleted { .. } => Action::VersionDeleted,
            Self::StageChanged { .. } => Action::StageChanged,
            Self::Promoted { .. } => Action::Promoted,
            Self::PromotionRefused { .. } => Action::PromotionRefused,
            Self::AliasSet { .. } => Action::AliasSet,
            Self::AliasDeleted { .. } => Action::AliasDeleted,
            Self::TransitionRequested { .. } => Action::TransitionRequested,
            Self::RequestApproved { .. } => Action::RequestApproved,
            Self::RequestClosed { state, .. } => match state {
                RequestState::Open | RequestState::Completed => Action::RequestCompleted,
                RequestState::Rejected => Action::RequestRejected,
                RequestState::Withdrawn => Action::RequestWithdrawn,
                RequestState::Expired => Action::RequestExpired,
                RequestState::Void => Action::RequestVoided,
            },
            Self::PolicySet { .. } => Action::PolicySet,
        }
    }

    pub(crate) fn shown(&self) -> Shown {
        let of = |version: &VersionNumber| Shown {
            version: Some(*version),
            ..Shown::default()
        };
        match self {
            Self::ModelCreated { .. }
            | Self::ModelAdopted { .. }
            | Self::ModelDescribed { .. }
            | Self::ModelDeleted => Shown::default(),
            Self::PolicySet { policy } => Shown {
                to: Some(policy.digest().to_string()),
                ..Shown::default()
            },
            Self::ModelRenamed { from, to } | Self::ModelMoved { from, to, .. } => Shown {
                from: Some(from.to_string()),
                to: Some(to.to_string()),
                ..Shown::default()
            },
            Self::ModelTagged { key, value } => Shown {
                to: Some(tag_text(key, value.as_deref())),
                ..Shown::default()
            },
            Self::VersionTagged {
                version,
                key,
                value,
            } => Shown {
                to: Some(tag_text(key, value.as_deref())),
                ..of(version)
            },
            Self::VersionRegistered { version, .. } => Shown {
                to: Some(Stage::None.to_string()),
                ..of(&version.version)
            },
            Self::VersionDescribed { version, .. }
            | Self::VersionSigned { version, .. }
            | Self::VersionDeleted { version }
            | Self::RequestApproved { version, .. } => of(version),
            Self::VersionStatus { version, status } => Shown {
                to: Some(status.to_string()),
                ..of(version)
            },
            Self::StageChanged { version, from, to } => Shown {
                from: Some(from.to_string()),
                to: Some(to.to_string()),
                ..of(version)
            },
            Self::Promoted { version, from } => Shown {
                from: Some(from.to_string()),
                to: Some(Stage::Production.to_string()),
                ..of(version)
            },
            Self::PromotionRefused { version, from } => Shown {
                from: Some(from.to_string()),
                ..of(version)
            },
            Self::AliasSet { alias, from, to } => Shown {
                alias: Some(alias.clone()),
                from: from.map(|from| from.to_string()),
                to: Some(to.to_string()),
                ..of(to)
            },
            Self::AliasDeleted { alias, from } => Shown {
                alias: Some(alias.clone()),
                from: Some(from.to_string()),
                ..of(from)
            },
            Self::TransitionRequested { request } => Shown {
                from: Some(request.from.to_string()),
                to: Some(request.to.to_string()),
                ..of(&request.version)
            },
            Self::RequestClosed { version, state, .. } => Shown {
                to: Some(state.to_string()),
                ..of(version)
            },
        }
    }

    /// Whether it is news for whoever serves: a version, a stage or an alias.
    pub(crate) fn is_news(&self) -> bool {
        !matches!(
            self,
            Self::ModelCreated { .. }
                | Self::ModelAdopted { .. }
                | Self::ModelMoved { .. }
                | Self::PromotionRefused { .. }
                | Self::TransitionRequested { .. }
                | Self::RequestApproved { .. }
                | Self::RequestClosed { .. }
        )
    }
}

fn tag_text(key: &str, value: Option<&str>) -> String {
    const SHOWN: usize = 200;
    match value {
        Some(value) => format!("{key} = {}", value.chars().take(SHOWN).collect::<String>()),
        None => key.to_owned(),
    }
}
