//! The audit trail: who changed which model when, chained by digests so that nothing is changed,
//! slipped in or cut out unnoticed.
//!
//! Every entry is written in the transaction of the change that it tells of. Its digest covers its own fields and
//! the digest of the entry before; the number of entries and the last digest are kept apart, so that a cut tail is
//! noticed too. Whoever can write the whole store can write a whole new trail: [`Anchor`](crate::Anchor)s that are
//! kept elsewhere tell that.

mod anchor;
mod export;
mod recent;
mod record;
pub(crate) mod verify;

use std::fmt;

use mlops_core::{AliasName, Digest, EventTime, ModelName, Principal, VersionNumber};
use serde::{Deserialize, Serialize};

#[cfg(feature = "sign")]
pub use anchor::SignedAnchor;
pub use anchor::{Anchor, AnchoredHead};
pub use export::{ExportedTrail, verify_export};
pub use recent::AuditPage;
pub(crate) use record::Record;

use crate::{Error, Registry, Result};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// A model was made.
    ModelCreated,
    /// A model of an older trail was taken over as it stood.
    ModelAdopted,
    /// A model got another name.
    ModelRenamed,
    /// A model on an object store set out to another name: it has it if the log of the old one says so as well.
    RenameBegun,
    /// A model's description was changed.
    ModelDescribed,
    /// A tag of a model was set or taken away.
    ModelTagged,
    /// A model was deleted with its versions.
    ModelDeleted,
    /// A version was registered.
    VersionRegistered,
    /// A version's description was changed.
    VersionDescribed,
    /// A tag of a version was set or taken away.
    VersionTagged,
    /// A version's status was changed.
    VersionStatusChanged,
    /// A signature was laid beside a version's package.
    VersionSigned,
    /// A version was deleted; its number is not given again.
    VersionDeleted,
    /// A version was moved to another stage.
    StageChanged,
    /// A version passed a gate and entered production.
    Promoted,
    /// A gate kept a version out of production.
    PromotionRefused,
    /// An alias was pointed at a version.
    AliasSet,
    /// An alias was taken away.
    AliasDeleted,
    /// Somebody asked for a transition that others have to sign off.
    TransitionRequested,
    /// Somebody signed a request off.
    RequestApproved,
    /// Somebody refused a request.
    RequestRejected,
    /// Who had asked took the request back.
    RequestWithdrawn,
    /// Nobody decided a request in its time.
    RequestExpired,
    /// A request no longer fitted the state that it was made for.
    RequestVoided,
    /// A request was carried out.
    RequestCompleted,
    /// The rules of the registry were set.
    PolicySet,
}

impl Action {
    pub(crate) const ALL: [Self; 26] = [
        Self::ModelCreated,
        Self::ModelAdopted,
        Self::ModelRenamed,
        Self::RenameBegun,
        Self::ModelDescribed,
        Self::ModelTagged,
        Self::ModelDeleted,
        Self::VersionRegistered,
        Self::VersionDescribed,
        Self::VersionTagged,
        Self::VersionStatusChanged,
        Self::VersionSigned,
        Self::VersionDeleted,
        Self::StageChanged,
        Self::Promoted,
        Self::PromotionRefused,
        Self::AliasSet,
        Self::AliasDeleted,
        Self::TransitionRequested,
        Self::RequestApproved,
        Self::RequestRejected,
        Self::RequestWithdrawn,
        Self::RequestExpired,
        Self::RequestVoided,
        Self::RequestCompleted,
        Self::PolicySet,
    ];

    /// The action as the database and JSON have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ModelCreated => "model_created",
            Self::ModelAdopted => "model_adopted",
            Self::ModelRenamed => "model_renamed",
            Self::RenameBegun => "rename_begun",
            Self::ModelDescribed => "model_described",
            Self::ModelTagged => "model_tagged",
            Self::ModelDeleted => "model_deleted",
            Self::VersionRegistered => "version_registered",
            Self::VersionDescribed => "version_described",
            Self::VersionTagged => "version_tagged",
            Self::VersionStatusChanged => "version_status_changed",
            Self::VersionSigned => "version_signed",
            Self::VersionDeleted => "version_deleted",
            Self::StageChanged => "stage_changed",
            Self::Promoted => "promoted",
            Self::PromotionRefused => "promotion_refused",
            Self::AliasSet => "alias_set",
            Self::AliasDeleted => "alias_deleted",
            Self::TransitionRequested => "transition_requested",
            Self::RequestApproved => "request_approved",
            Self::RequestRejected => "request_rejected",
            Self::RequestWithdrawn => "request_withdrawn",
            Self::RequestExpired => "request_expired",
            Self::RequestVoided => "request_voided",
            Self::RequestCompleted => "request_completed",
            Self::PolicySet => "policy_set",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One entry of the audit trail.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AuditEntry {
    /// Its number: counted from 1 over all models in SQLite, for each model on an object store.
    pub id: u64,
    /// When it was done.
    pub time: EventTime,
    /// Who did it.
    pub actor: Principal,
    /// What was done.
    pub action: Action,
    /// The model.
    pub model: ModelName,
    /// The version, if it is about one.
    pub version: Option<VersionNumber>,
    /// The alias, if it is about one.
    pub alias: Option<AliasName>,
    /// The stage, or the version of the alias, before.
    pub from: Option<String>,
    /// The stage, or the version of the alias, after.
    pub to: Option<String>,
    /// Why.
    pub reason: String,
    /// What it rests on, for instance the gate and its numbers.
    pub evidence: Option<serde_json::Value>,
    /// The change in full, from format 2 on.
    pub change: Option<serde_json::Value>,
    /// The digest of the entry before.
    pub previous: Digest,
    /// The digest of this entry and, through `previous`, of all before it.
    pub digest: Digest,
}

impl Registry {
    /// The audit trail, of one model or of all, oldest first.
    ///
    /// # Errors
    /// [`Error::Stored`] if an entry does not read back, [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy,
    /// [`Error::Busy`] or [`Error::Database`].
    pub fn audit(&self, model: Option<&ModelName>) -> Result<Vec<AuditEntry>> {
        self.may_read(model.unwrap_or(&Self::itself()))?;
        let mut entries = Vec::new();
        self.models_backend().records(model, &mut |record| {
            entries.push(record.entry()?);
            Ok(())
        })?;
        Ok(entries)
    }

    /// A number that grows whenever a version, a stage or an alias changes, by whichever process.
    /// Cheap enough to be polled: one row is read. On an object store it tells of the models that this handle
    /// has looked at, and costs a listing for each.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`].
    pub fn generation(&self) -> Result<u64> {
        self.models_backend().generation()
    }
}

pub(crate) fn broken(entry: i64, reason: impl Into<String>) -> Error {
    Error::AuditBroken {
        entry: u64::try_from(entry).unwrap_or(0),
        reason: reason.into(),
    }
}
