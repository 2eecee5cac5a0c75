//! Whether a transition meets the policy, point by point, with the reason for each.

use std::{collections::BTreeMap, fmt};

use mlops_core::Digest;
use serde::{Deserialize, Serialize};

use super::{Approval, DriftEvidence, Evidence, Policy, SignatureRule, TransitionRule, sign_off};
use crate::{GovernanceError, ModelVersion, Result, Stage, backend::Situation, state::ModelState};

/// The file of a package that holds the reference profile.
const PROFILE: &str = "reference_profile.json";

/// One point of a policy, and whether it is met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// What was looked at, for instance `gate` or `sign_offs`.
    pub what: String,
    /// Whether it is met.
    pub passed: bool,
    /// Why, with the numbers or the names.
    pub reason: String,
}

/// What a policy says to a transition.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Verdict {
    /// The policy, if there is one.
    pub policy: Option<Digest>,
    /// Every point; without a policy there is none.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// Whether every point is met.
    pub fn passed(&self) -> bool {
        self.findings.iter().all(|finding| finding.passed)
    }

    fn find(&mut self, what: &str, passed: bool, reason: impl Into<String>) {
        self.findings.push(Finding {
            what: what.to_owned(),
            passed,
            reason: reason.into(),
        });
    }
}

impl fmt::Display for Verdict {
    /// The points that are not met, or that all are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unmet: Vec<&str> = self
            .findings
            .iter()
            .filter(|finding| !finding.passed)
            .map(|finding| finding.reason.as_str())
            .collect();
        if unmet.is_empty() {
            f.write_str("the policy is met")
        } else {
            f.write_str(&unmet.join("; "))
        }
    }
}

/// What was read of a version's files before the decision; they never change, and signatures only grow in number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inspected {
    /// The content that was read.
    pub(crate) content: Option<Digest>,
    /// Whether there is a card that says something.
    pub(crate) card: bool,
    /// The holders of the trusted keys that signed, and the policy that trusts them.
    pub(crate) signers: Vec<String>,
    pub(crate) trusted_by: Option<Digest>,
}

/// What is brought forward for a transition.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Case<'a> {
    pub(crate) evidence: Option<&'a Evidence>,
    pub(crate) inspected: Option<&'a Inspected>,
    pub(crate) approvals: &'a [Approval],
    /// What the approvals have to be for.
    pub(crate) bound: Option<Digest>,
}

/// Holds a transition against every rule of the policy that fits.
pub(crate) fn judge(
    now: &Situation<'_>,
    state: &ModelState,
    version: &ModelVersion,
    to: Stage,
    case: Case<'_>,
) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let Some(policy) = now.policy else {
        return Ok(verdict);
    };
    verdict.policy = Some(policy.digest());
    for rule in policy.rules(&state.name, to) {
        sign_offs(&mut verdict, policy, rule, version, case);
        gate(&mut verdict, rule, case.evidence)?;
        drift(&mut verdict, rule, state, version, case.evidence);
        files(&mut verdict, policy, rule, version, case.inspected);
    }
    Ok(verdict)
}

/// Refuses a transition by hand that the policy asks more for.
pub(crate) fn check_by_hand(now: &Situation<'_>, version: &ModelVersion, to: Stage) -> Result<()> {
    let state = now.live()?;
    require(
        &judge(now, state, version, to, Case::default())?,
        version,
        to,
    )
}

/// Turns a verdict into an error.
pub(crate) fn require(verdict: &Verdict, version: &ModelVersion, to: Stage) -> Result<()> {
    if verdict.passed() {
        return Ok(());
    }
    Err(GovernanceError::PolicyUnmet {
        model: version.model.clone(),
        version: version.version,
        to,
        unmet: verdict.to_string(),
    }
    .into())
}

fn sign_offs(
    verdict: &mut Verdict,
    policy: &Policy,
    rule: &TransitionRule,
    version: &ModelVersion,
    case: Case<'_>,
) {
    if rule.sign_offs.is_empty() {
        return;
    }
    // the roles are those of now: who lost one in the meantime signs for it no more
    let valid: Vec<Approval> = case
        .approvals
        .iter()
        .filter(|a| Some(a.bound) == case.bound && a.principal != version.actor)
        .map(|a| {
            let roles = policy.roles_of(&a.principal);
            let mut approval = a.clone();
            approval.roles.retain(|role| roles.contains(role.as_str()));
            approval
        })
        .collect();
    let roles: Vec<_> = valid.iter().map(|approval| &approval.roles).collect();
    let missing = sign_off::missing(&rule.sign_offs, &roles);
    let signed: Vec<&str> = valid.iter().map(|a| a.principal.as_str()).collect();
    if missing.is_empty() {
        verdict.find(
            "sign_offs",
            true,
            format!("signed off by {}", signed.join(", ")),
        );
    } else {
        let missing = missing.join("`, `");
        verdict.find(
            "sign_offs",
            false,
            format!("no sign-off by `{missing}` on a request of these very contents"),
        );
    }
}

fn gate(verdict: &mut Verdict, rule: &TransitionRule, evidence: Option<&Evidence>) -> Result<()> {
    let Some(gate) = &rule.requires.gate else {
        return Ok(());
    };
    let Some(evidence) = evidence else {
        verdict.find(
            "gate",
            false,
            "there are no measurements for the policy's gate",
        );
        return Ok(());
    };
    for check in gate.decide_on(evidence)?.checks {
        verdict.find("gate", check.passed, check.reason);
    }
    Ok(())
}

fn drift(
    verdict: &mut Verdict,
    rule: &TransitionRule,
    state: &ModelState,
    version: &ModelVersion,
    evidence: Option<&Evidence>,
) {
    if rule.requires.max_drift.is_empty() {
        return;
    }
    let profile = |version: &ModelVersion| version.files.get(PROFILE).copied();
    let Some(champion) = state
        .champion()
        .filter(|champion| champion.version != version.version)
    else {
        verdict.find("drift", true, "no champion to have drifted from");
        return;
    };
    let drift = evidence.and_then(|evidence| evidence.drift.as_ref());
    let Some(drift) = drift else {
        verdict.find(
            "drift",
            false,
            "the drift against the champion was not measured",
        );
        return;
    };
    let measured = (Some(drift.candidate), Some(drift.champion));
    if measured != (profile(version), profile(champion)) {
        let reason = "the drift was measured between other reference profiles";
        verdict.find("drift", false, reason);
        return;
    }
    for (measure, limit) in &rule.requires.max_drift {
        let (passed, reason) = within(drift, measure, *limit);
        verdict.find("drift", passed, reason);
    }
}

fn within(drift: &DriftEvidence, measure: &str, limit: f64) -> (bool, String) {
    match drift.measures.get(measure) {
        None => (false, format!("the drift has no `{measure}`")),
        Some(value) if value.is_finite() && *value <= limit => {
            (true, format!("`{measure}` is {value:.6}, at most {limit}"))
        }
        Some(value) => (false, format!("`{measure}` is {value:.6}, above {limit}")),
    }
}

fn files(
    verdict: &mut Verdict,
    policy: &Policy,
    rule: &TransitionRule,
    version: &ModelVersion,
    inspected: Option<&Inspected>,
) {
    let seen = inspected.filter(|inspected| inspected.content == Some(version.digest));
    if rule.requires.card {
        match seen {
            Some(seen) if seen.card => verdict.find("card", true, "there is a card"),
            _ => verdict.find("card", false, "the package has no card that was read"),
        }
    }
    match rule.requires.signature {
        None => {}
        Some(SignatureRule::Present) => {
            let signed = !version.signatures.is_empty();
            let reason = if signed {
                "it is signed"
            } else {
                "the version has no signature"
            };
            verdict.find("signature", signed, reason);
        }
        Some(SignatureRule::Trusted(needed)) => {
            let trusted = seen.filter(|seen| seen.trusted_by == Some(policy.digest()));
            let signers = trusted.map_or(&[][..], |seen| &seen.signers);
            verdict.find(
                "signature",
                signers.len() >= needed,
                format!(
                    "signed by {} trusted keys ({}), {needed} needed",
                    signers.len(),
                    signers.join(", ")
                ),
            );
        }
    }
}

/// What the audit trail keeps of an inspection.
pub(crate) fn seen(inspected: &Inspected) -> BTreeMap<&'static str, serde_json::Value> {
    BTreeMap::from([
        ("card", inspected.card.into()),
        ("signers", inspected.signers.clone().into()),
    ])
}
