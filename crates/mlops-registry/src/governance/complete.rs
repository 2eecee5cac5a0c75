//! Carrying a request out: the policy once more, at the moment of the commit, and what follows from it.

use std::collections::BTreeMap;

use super::{
    Approval, Evidence, RequestState, TransitionRequest,
    judge::{Case, Inspected, judge, require, seen},
};
use crate::{
    Result, Stage,
    backend::Situation,
    change::{Change, Draft},
    promotion, stage,
    state::ModelState,
};

/// Closes a request.
pub(super) fn close(request: &TransitionRequest, state: RequestState, reason: &str) -> Draft {
    let change = Change::RequestClosed {
        version: request.version,
        request: request.number,
        state,
    };
    Draft::new(change, reason)
}

/// What the audit trail keeps of a transition by request.
#[derive(serde::Serialize)]
struct Grounds<'a> {
    request: u32,
    requested_by: &'a mlops_core::Principal,
    evidence: Option<&'a Evidence>,
    approvals: &'a [Approval],
    verdict: &'a super::Verdict,
    seen: BTreeMap<&'static str, serde_json::Value>,
}

/// The changes that carry a request out, if the policy is met.
pub(super) fn carry_out(
    now: &Situation<'_>,
    state: &ModelState,
    request: &TransitionRequest,
    inspected: &Inspected,
) -> Result<Vec<Draft>> {
    let version = state.version(request.version)?;
    let case = Case {
        evidence: request.evidence.as_ref(),
        inspected: Some(inspected),
        approvals: &request.approvals,
        bound: Some(request.bound),
    };
    let verdict = judge(now, state, version, request.to, case)?;
    require(&verdict, version, request.to)?;
    let grounds = Grounds {
        request: request.number,
        requested_by: &request.requested_by,
        evidence: request.evidence.as_ref(),
        approvals: &request.approvals,
        verdict: &verdict,
        seen: seen(inspected),
    };
    let reason = format!("request {}: {verdict}", request.number);
    let mut drafts = vec![close(request, RequestState::Completed, &reason)];
    if request.to == Stage::Production {
        drafts.extend(promotion::promoted(state, version, &reason, &grounds));
    } else {
        let moved = stage::by_hand(state, version, request.to, &reason);
        drafts.extend(moved.into_iter().enumerate().map(|(at, draft)| match at {
            0 => draft.on(&grounds),
            _ => draft,
        }));
    }
    Ok(drafts)
}
