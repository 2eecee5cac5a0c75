//! Governance: who may do what, what a transition needs, and how the people who sign it off are heard.
//!
//! ```text
//! Policy ── grants ──────▶ may this principal do this to this model?
//!        ── transitions ─▶ request ─▶ sign-offs ─▶ complete: all that the policy asks for holds now
//!        ── protected ───▶ may this principal move this alias?
//! ```
//!
//! Without a policy everything is allowed; with one, nothing that it does not grant. A request is bound to the
//! version's content, its stage, the champion, the evidence and the policy, and every sign-off to the request: what
//! has changed in between makes them void. The transition and the proof that it was allowed are one commit.

mod complete;
mod evidence;
mod inspect;
mod judge;
mod pattern;
mod policy;
mod prospects;
mod request;
mod requests;
mod sign_off;

pub use evidence::{DriftEvidence, Evidence, Interval};
pub use judge::{Finding, Verdict};
pub use pattern::Pattern;
pub use policy::{Grant, Policy, ProtectedAlias, Requirements, SignatureRule, TransitionRule};
pub use request::{Approval, RequestState, TransitionRequest};

pub(crate) use judge::{Case, Inspected, check_by_hand, judge, require};
