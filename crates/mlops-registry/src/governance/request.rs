//! Requests: a transition that somebody asks for and others sign off.

use std::{collections::BTreeSet, fmt};

use mlops_core::{Digest, EventTime, ModelName, Principal, VersionNumber};
use serde::{Deserialize, Serialize};

use super::Evidence;
use crate::{ModelVersion, Policy, Stage, state::ModelState};

/// How a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// It waits for sign-offs, or for somebody to carry it out.
    Open,
    /// Somebody refused it.
    Rejected,
    /// Who had asked took it back.
    Withdrawn,
    /// Its time passed.
    Expired,
    /// What it was made for changed.
    Void,
    /// It was carried out.
    Completed,
}

impl RequestState {
    /// The state as the database and JSON have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::Void => "void",
            Self::Completed => "completed",
        }
    }
}

impl fmt::Display for RequestState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A transition that somebody asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TransitionRequest {
    /// The model.
    pub model: ModelName,
    /// Its number, counted from 1 for each model.
    pub number: u32,
    /// The version that is to move.
    pub version: VersionNumber,
    /// The stage that it is in.
    pub from: Stage,
    /// The stage that it is to enter.
    pub to: Stage,
    /// Who asked.
    pub requested_by: Principal,
    /// When.
    pub requested: EventTime,
    /// When it expires, if ever.
    pub expires: Option<EventTime>,
    /// Why.
    pub reason: String,
    /// What the version is measured at.
    pub evidence: Option<Evidence>,
    /// The digest of all that the sign-offs are for: version and content, stages, champion, evidence, policy.
    pub bound: Digest,
    /// Who signed it off.
    pub approvals: Vec<Approval>,
    /// How it stands.
    pub state: RequestState,
    /// When it was closed, if it is.
    pub closed: Option<EventTime>,
}

/// One sign-off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Approval {
    /// Who signed.
    pub principal: Principal,
    /// The roles that they had then.
    pub roles: BTreeSet<String>,
    /// When.
    pub time: EventTime,
    /// What they said.
    pub comment: String,
    /// What they signed: the request's `bound`.
    pub bound: Digest,
}

impl TransitionRequest {
    /// Whether its time has passed.
    pub fn is_over(&self, now: EventTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// What the request would be bound to if it were made now.
    pub(crate) fn binding(
        state: &ModelState,
        version: &ModelVersion,
        to: Stage,
        evidence: Option<&Evidence>,
        policy: Option<&Policy>,
    ) -> Digest {
        Digest::of_json(&(
            ("request", version.version, version.digest),
            (version.stage, to),
            state
                .champion()
                .map(|champion| (champion.version, champion.digest)),
            evidence,
            policy.map(Policy::digest),
        ))
    }
}
