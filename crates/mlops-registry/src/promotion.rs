//! Promotion: a candidate passes a gate and becomes the champion, all of it or nothing.
//!
//! One commit reads who is champion, refuses evidence about anybody else, holds the gate's decision
//! and the policy's against it, archives the old champion, moves stage and alias, and writes the audit trail. A
//! process that is killed in the middle leaves the old champion where it was; of two that promote at
//! once, the second finds that its evidence is stale.

use mlops_core::{Action, EventTime, ModelName, VersionNumber};
use serde::Serialize;

use crate::{
    Error, Evidence, Gate, GateDecision, GateEvidence, ModelVersion, Registry, Result, Stage,
    Verdict,
    change::{Change, Draft},
    governance::{Case, judge, require},
    stage,
    state::ModelState,
};

/// A promotion that was committed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Promotion {
    /// The model.
    pub model: ModelName,
    /// The new champion.
    pub version: VersionNumber,
    /// The old champion, which is archived now.
    pub replaced: Option<VersionNumber>,
    /// When it was committed.
    pub time: EventTime,
    /// What the gate decided.
    pub decision: GateDecision,
    /// The entry of the audit trail that holds the evidence.
    pub audit_entry: u64,
}

/// What the audit trail keeps of a promotion: the rules, the numbers, the verdict.
#[derive(Serialize)]
struct Grounds<'a> {
    gate: &'a Gate,
    evidence: &'a Evidence,
    decision: &'a GateDecision,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'a Verdict>,
}

impl Registry {
    /// Makes a version the champion: stage Production, alias `production`, the old champion archived.
    ///
    /// The package is read and verified first, so that what cannot be loaded is never promoted. A
    /// refusal by the gate is written to the audit trail and changes nothing else.
    ///
    /// # Errors
    /// [`Error::UnknownModel`], [`Error::UnknownVersion`]; [`Error::Artifact`],
    /// [`Error::Package`] or [`Error::PackageMismatch`] if the package is damaged;
    /// [`Error::InvalidGate`], [`Error::InvalidEvidence`]; [`Error::StaleEvidence`] if another
    /// version is champion than the evidence says, [`Error::AlreadyInProduction`];
    /// [`Error::GateRefused`]; [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) or [`GovernanceError::PolicyUnmet`](crate::GovernanceError::PolicyUnmet) under a policy, which may ask for
    /// more than this gate, and for a [`request`](Self::request) with sign-offs; [`Error::Busy`] or
    /// [`Error::Database`].
    pub fn promote(
        &self,
        model: &ModelName,
        candidate: VersionNumber,
        gate: &Gate,
        evidence: &GateEvidence,
    ) -> Result<Promotion> {
        self.promote_on(model, candidate, gate, &Evidence::from(evidence.clone()))
    }

    /// [`promote`](Self::promote) on evidence that may hold intervals of differences and drift.
    ///
    /// # Errors
    /// Those of [`promote`](Self::promote).
    pub fn promote_on(
        &self,
        model: &ModelName,
        candidate: VersionNumber,
        gate: &Gate,
        evidence: &Evidence,
    ) -> Result<Promotion> {
        let decision = gate.decide_on(evidence)?;
        let policy = self.policy()?;
        let version = self.version(model, candidate)?;
        check_rows(&version, evidence)?;
        let inspected = self.inspect(&version, policy.as_deref())?;
        let reason = decision.to_string();
        let mut replaced = None;
        let committed = self.commit(model, &mut |now| {
            let state = now.live_for(Action::Promote)?;
            let version = state.version(candidate)?;
            check_evidence(state, version, evidence)?;
            replaced = state.champion().map(|champion| champion.version);
            let case = Case {
                evidence: Some(evidence),
                inspected: Some(&inspected),
                ..Case::default()
            };
            let verdict = judge(&now, state, version, Stage::Production, case)?;
            let grounds = Grounds {
                gate,
                evidence,
                decision: &decision,
                verdict: now.policy.map(|_| &verdict),
            };
            if !decision.passed {
                let change = Change::PromotionRefused {
                    version: candidate,
                    from: version.stage,
                };
                return Ok(vec![Draft::new(change, &reason).on(&grounds)]);
            }
            require(&verdict, version, Stage::Production)?;
            Ok(promoted(state, version, &reason, &grounds))
        })?;
        if !decision.passed {
            return Err(Error::GateRefused {
                model: model.clone(),
                version: candidate,
                decision: Box::new(decision),
            });
        }
        Ok(Promotion {
            model: model.clone(),
            version: candidate,
            replaced,
            time: committed.time,
            decision,
            // the old champion's entry comes first
            audit_entry: committed.first + u64::from(replaced.is_some()),
        })
    }
}

/// Refuses evidence that is not about this version and the champion of now.
pub(crate) fn check_evidence(
    state: &ModelState,
    version: &ModelVersion,
    evidence: &Evidence,
) -> Result<()> {
    check_rows(version, evidence)?;
    let champion = state.champion().map(|champion| champion.version);
    if champion == Some(version.version) {
        return Err(Error::AlreadyInProduction {
            model: version.model.clone(),
            version: version.version,
        });
    }
    if champion != evidence.measured.champion {
        return Err(Error::StaleEvidence {
            model: version.model.clone(),
            version: version.version,
            compared: evidence.measured.champion,
            champion,
        });
    }
    Ok(())
}

fn check_rows(version: &ModelVersion, evidence: &Evidence) -> Result<()> {
    if evidence.measured.rows == 0 {
        return Err(Error::InvalidEvidence {
            model: version.model.clone(),
            version: version.version,
            reason: "it rests on no rows",
        });
    }
    Ok(())
}

/// The old champion goes, the new one comes, the aliases follow.
pub(crate) fn promoted(
    state: &ModelState,
    version: &ModelVersion,
    reason: &str,
    grounds: &impl Serialize,
) -> Vec<Draft> {
    let number = version.version;
    let old = state.champion().filter(|old| old.version != number);
    let mut drafts: Vec<Draft> = old
        .map(|old| stage::archive(old, number))
        .into_iter()
        .collect();
    let change = Change::Promoted {
        version: number,
        from: version.stage,
    };
    drafts.push(Draft::new(change, reason).on(grounds));
    drafts.extend(stage::well_known(state, number, reason));
    drafts
}
