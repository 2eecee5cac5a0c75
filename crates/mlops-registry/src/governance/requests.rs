//! Asking for a transition, signing it off, refusing it, taking it back, and carrying it out.

use std::collections::BTreeMap;

use mlops_core::{Action, ModelName, Span, VersionNumber};

use super::{
    Approval, Evidence, Policy, RequestState, TransitionRequest,
    complete::{carry_out, close},
};
use crate::{
    Error, GovernanceError, ModelVersion, Registry, Result, Stage,
    backend::Situation,
    change::{Change, Draft},
    key::{PROSE_LIMIT, check_length},
    promotion, stage,
    state::ModelState,
};

/// The most requests of a model that are open at once.
const OPEN: usize = 1_000;

impl Registry {
    /// Sets the rules of this registry for everybody who opens it. The same rules again are no news.
    ///
    /// # Errors
    /// [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) if the policy in force does not let the actor administer [`Registry::ITSELF`],
    /// [`GovernanceError::InvalidPolicy`](crate::GovernanceError::InvalidPolicy) if a rule of it could never be met, [`Error::TooLong`] for the reason, [`Error::Busy`] or [`Error::Database`].
    pub fn set_policy(&self, policy: &Policy, reason: &str) -> Result<()> {
        check_length("the reason", reason, PROSE_LIMIT)?;
        policy.check_new()?;
        self.commit(&Self::itself(), &mut |now| {
            now.may(Action::Administer)?;
            if now.policy.is_some_and(|known| **known == *policy) {
                return Ok(Vec::new());
            }
            let mut drafts = Vec::new();
            if now.state.is_none() {
                drafts.push(Draft::new(
                    Change::ModelCreated {
                        name: Self::itself(),
                        description: String::new(),
                        tags: BTreeMap::new(),
                        created: None,
                    },
                    "",
                ));
            }
            let policy = Box::new(policy.clone());
            drafts.push(Draft::new(Change::PolicySet { policy }, reason));
            Ok(drafts)
        })
        .map(drop)
    }

    /// Asks that a version enter a stage. What the policy wants to see measured goes along; sign-offs come later.
    ///
    /// # Errors
    /// [`Error::UnknownModel`], [`Error::UnknownVersion`]; [`Error::IllegalTransition`]; [`Error::StaleEvidence`] if
    /// the evidence is about another champion, [`Error::InvalidEvidence`] if it rests on no rows;
    /// [`Error::TooMany`] open requests, [`Error::TooLong`] for the reason; [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy,
    /// which has to grant [`Action::Promote`]; [`Error::Busy`] or [`Error::Database`].
    pub fn request(
        &self,
        model: &ModelName,
        number: VersionNumber,
        to: Stage,
        evidence: Option<&Evidence>,
        reason: &str,
    ) -> Result<TransitionRequest> {
        check_length("the reason", reason, PROSE_LIMIT)?;
        let mut request_number = 0;
        let committed = self.commit(model, &mut |now| {
            let state = now.live_for(Action::Promote)?;
            let version = state.version(number)?;
            if !version.stage.may_become(to) {
                return Err(stage::no_way(version, to));
            }
            if let Some(evidence) = evidence {
                promotion::check_evidence(state, version, evidence)?;
            }
            let open = |r: &&std::sync::Arc<TransitionRequest>| r.state == RequestState::Open;
            let open = state.requests.values().filter(open).count();
            if open >= OPEN {
                return Err(Error::TooMany {
                    what: "open requests",
                    found: open + 1,
                    limit: OPEN,
                });
            }
            let last = state.requests.last_key_value();
            request_number =
                last.map_or(0, |(last, _)| *last)
                    .checked_add(1)
                    .ok_or(Error::TooMany {
                        what: "requests",
                        found: usize::MAX,
                        limit: u32::MAX as usize,
                    })?;
            let policy = now.policy.map(|policy| &**policy);
            let seconds = policy
                .into_iter()
                .flat_map(|policy| policy.rules(model, to))
                .filter_map(|rule| rule.expires_after_seconds)
                .min();
            let request = TransitionRequest {
                model: model.clone(),
                number: request_number,
                version: number,
                from: version.stage,
                to,
                requested_by: now.actor.clone(),
                requested: now.now,
                expires: seconds.map(|seconds| now.now + Span::seconds(seconds)),
                reason: reason.to_owned(),
                evidence: evidence.cloned(),
                bound: TransitionRequest::binding(state, version, to, evidence, policy),
                approvals: Vec::new(),
                state: RequestState::Open,
                closed: None,
            };
            let bound = BTreeMap::from([("bound", request.bound)]);
            let request = Box::new(request);
            let change = Change::TransitionRequested { request };
            Ok(vec![Draft::new(change, reason).on(&bound)])
        })?;
        let state = committed.state.expect("the model is there");
        Ok(TransitionRequest::clone(&state.requests[&request_number]))
    }

    /// Signs a request off, in all the roles that the actor has and the policy asks for.
    ///
    /// # Errors
    /// [`Error::UnknownModel`], [`GovernanceError::UnknownRequest`](crate::GovernanceError::UnknownRequest); [`GovernanceError::RequestClosed`](crate::GovernanceError::RequestClosed) if it is decided or its time has
    /// passed, [`GovernanceError::RequestVoid`](crate::GovernanceError::RequestVoid) if what it was made for has changed: either is written down;
    /// [`GovernanceError::SignOffRefused`](crate::GovernanceError::SignOffRefused) for who registered the version, asked for the transition, signed already or has no
    /// role that is asked for; [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden); [`Error::TooLong`] for the comment; [`Error::Busy`] or
    /// [`Error::Database`].
    pub fn approve(
        &self,
        model: &ModelName,
        number: u32,
        comment: &str,
    ) -> Result<TransitionRequest> {
        check_length("the comment", comment, PROSE_LIMIT)?;
        self.on_request(model, number, Action::Approve, |now, state, request| {
            let refused = |reason| {
                GovernanceError::SignOffRefused {
                    model: model.clone(),
                    request: number,
                    principal: now.actor.clone(),
                    reason,
                }
                .into()
            };
            let version = state.version(request.version)?;
            if *now.actor == request.requested_by {
                return Err(refused("they asked for it"));
            }
            if *now.actor == version.actor {
                return Err(refused("they registered the version"));
            }
            if request.approvals.iter().any(|a| a.principal == *now.actor) {
                return Err(refused("they signed already"));
            }
            let Some(policy) = now.policy else {
                return Err(refused("there is no policy that asks for it"));
            };
            let asked = policy
                .rules(model, request.to)
                .flat_map(|rule| &rule.sign_offs);
            let own = policy.roles_of(now.actor);
            let roles = asked
                .filter(|role| own.contains(role.as_str()))
                .cloned()
                .collect();
            let approval = Approval {
                principal: now.actor.clone(),
                roles,
                time: now.now,
                comment: comment.to_owned(),
                bound: request.bound,
            };
            if approval.roles.is_empty() {
                return Err(refused("they have no role that is asked for"));
            }
            let signed = Draft::new(
                Change::RequestApproved {
                    version: request.version,
                    request: number,
                    approval: Box::new(approval.clone()),
                },
                comment,
            );
            Ok(vec![signed.on(&approval)])
        })
    }

    /// Refuses a request, once and for all.
    ///
    /// # Errors
    /// Those of [`approve`](Self::approve), but that anybody may refuse who may approve.
    pub fn reject(
        &self,
        model: &ModelName,
        number: u32,
        reason: &str,
    ) -> Result<TransitionRequest> {
        check_length("the reason", reason, PROSE_LIMIT)?;
        self.on_request(model, number, Action::Approve, |_, _, request| {
            Ok(vec![close(request, RequestState::Rejected, reason)])
        })
    }

    /// Takes a request back; who asked may do that, and who may administer the model.
    ///
    /// # Errors
    /// [`Error::UnknownModel`], [`GovernanceError::UnknownRequest`](crate::GovernanceError::UnknownRequest), [`GovernanceError::RequestClosed`](crate::GovernanceError::RequestClosed), [`GovernanceError::RequestVoid`](crate::GovernanceError::RequestVoid),
    /// [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden), [`Error::TooLong`] for the reason, [`Error::Busy`] or [`Error::Database`].
    pub fn withdraw(
        &self,
        model: &ModelName,
        number: u32,
        reason: &str,
    ) -> Result<TransitionRequest> {
        check_length("the reason", reason, PROSE_LIMIT)?;
        self.on_request(model, number, Action::Promote, |now, _, request| {
            if request.requested_by != *now.actor {
                now.may(Action::Administer)?;
            }
            Ok(vec![close(request, RequestState::Withdrawn, reason)])
        })
    }

    /// Carries a request out, if all that the policy asks for holds at this moment: the sign-offs, the gate, the
    /// drift, the signature, the card. The stage, the aliases and the evidence are one commit.
    ///
    /// # Errors
    /// [`Error::UnknownModel`], [`GovernanceError::UnknownRequest`](crate::GovernanceError::UnknownRequest); [`GovernanceError::RequestClosed`](crate::GovernanceError::RequestClosed), [`GovernanceError::RequestVoid`](crate::GovernanceError::RequestVoid);
    /// [`GovernanceError::PolicyUnmet`](crate::GovernanceError::PolicyUnmet) with what is missing, and nothing has changed; [`Error::Artifact`], [`Error::Package`]
    /// or [`Error::PackageMismatch`] if the package is damaged; [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden); [`Error::Busy`] or
    /// [`Error::Database`].
    pub fn complete(&self, model: &ModelName, number: u32) -> Result<ModelVersion> {
        let policy = self.policy()?;
        let state = self.state(model)?;
        let version = state.version(find(&state, number)?.version)?;
        let inspected = self.inspect(version, policy.as_deref())?;
        let moved = version.version;
        self.on_request(model, number, Action::Promote, |now, state, request| {
            carry_out(now, state, request, &inspected)
        })?;
        self.version(model, moved)
    }

    /// All requests of a model by number.
    ///
    /// # Errors
    /// [`Error::UnknownModel`], [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or [`Error::Database`].
    pub fn requests(&self, model: &ModelName) -> Result<Vec<TransitionRequest>> {
        let state = self.state(model)?;
        Ok(state
            .requests
            .values()
            .map(|r| TransitionRequest::clone(r))
            .collect())
    }

    /// Closes the open requests of a model whose time has passed; returns their numbers. They cannot be signed or
    /// carried out even before.
    ///
    /// # Errors
    /// [`Error::UnknownModel`], [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or [`Error::Database`].
    pub fn expire_requests(&self, model: &ModelName) -> Result<Vec<u32>> {
        let mut expired = Vec::new();
        self.commit(model, &mut |now| {
            let state = now.live_for(Action::Promote)?;
            let over = state
                .requests
                .values()
                .filter(|request| request.state == RequestState::Open && request.is_over(now.now));
            let drafts: Vec<Draft> = over
                .map(|request| close(request, RequestState::Expired, ""))
                .collect();
            expired = drafts
                .iter()
                .filter_map(|draft| request_of(&draft.change))
                .collect();
            Ok(drafts)
        })?;
        Ok(expired)
    }

    /// Decides about an open request. One that has expired or no longer fits is closed instead, and that is kept.
    fn on_request(
        &self,
        model: &ModelName,
        number: u32,
        action: Action,
        mut decide: impl FnMut(&Situation<'_>, &ModelState, &TransitionRequest) -> Result<Vec<Draft>>,
    ) -> Result<TransitionRequest> {
        let mut closed = None;
        let committed = self.commit(model, &mut |now| {
            closed = None;
            let state = now.live_for(action)?;
            let request = find(state, number)?;
            if request.state != RequestState::Open {
                return Err(GovernanceError::RequestClosed {
                    model: model.clone(),
                    request: number,
                    state: request.state,
                }
                .into());
            }
            if request.is_over(now.now) {
                closed = Some(
                    GovernanceError::RequestClosed {
                        model: model.clone(),
                        request: number,
                        state: RequestState::Expired,
                    }
                    .into(),
                );
                return Ok(vec![close(request, RequestState::Expired, "")]);
            }
            if let Some(reason) = changed(&now, state, request) {
                closed = Some(
                    GovernanceError::RequestVoid {
                        model: model.clone(),
                        request: number,
                        reason: reason.clone(),
                    }
                    .into(),
                );
                return Ok(vec![close(request, RequestState::Void, &reason)]);
            }
            decide(&now, state, request)
        })?;
        if let Some(error) = closed {
            return Err(error);
        }
        let state = committed.state.expect("the model is there");
        find(&state, number).cloned()
    }
}

pub(super) fn find(state: &ModelState, number: u32) -> Result<&TransitionRequest> {
    state
        .requests
        .get(&number)
        .map(|request| &**request)
        .ok_or_else(|| {
            GovernanceError::UnknownRequest {
                model: state.name.clone(),
                request: number,
            }
            .into()
        })
}

/// What is different from when the request was made, if anything is.
fn changed(now: &Situation<'_>, state: &ModelState, request: &TransitionRequest) -> Option<String> {
    let Ok(version) = state.version(request.version) else {
        return Some(format!("version {} was deleted", request.version));
    };
    if version.stage != request.from {
        return Some(format!("the version is in {} now", version.stage));
    }
    let policy = now.policy.map(|policy| &**policy);
    let evidence = request.evidence.as_ref();
    let bound = TransitionRequest::binding(state, version, request.to, evidence, policy);
    (bound != request.bound).then(|| "the champion or the policy is another one now".to_owned())
}

fn request_of(change: &Change) -> Option<u32> {
    match change {
        Change::RequestClosed { request, .. } => Some(*request),
        _ => None,
    }
}
