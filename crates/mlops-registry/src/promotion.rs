//! Promotion: a candidate passes a gate and becomes the champion, all of it or nothing.
//!
//! One immediate transaction reads who is champion, refuses evidence about anybody else, lets the
//! gate decide, archives the old champion, moves stage and alias, and writes the audit trail. A
//! process that is killed in the middle leaves the old champion where it was; of two that promote at
//! once, the second finds that its evidence is stale.

use mlops_core::{EventTime, ModelName, VersionNumber};
use serde::Serialize;

use crate::{
    Error, Gate, GateDecision, GateEvidence, Registry, Result, Stage, alias,
    audit::{self, Action, Event},
    stage, version,
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
    evidence: &'a GateEvidence,
    decision: &'a GateDecision,
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
    /// [`Error::GateRefused`]; [`Error::Busy`] or [`Error::Database`].
    pub fn promote(
        &self,
        model: &ModelName,
        candidate: VersionNumber,
        gate: &Gate,
        evidence: &GateEvidence,
    ) -> Result<Promotion> {
        let decision = gate.decide(evidence)?;
        if evidence.rows == 0 {
            return Err(Error::InvalidEvidence {
                model: model.clone(),
                version: candidate,
                reason: "it rests on no rows",
            });
        }
        self.load(model, candidate)?;
        let grounds = Grounds {
            gate,
            evidence,
            decision: &decision,
        };
        let grounds = serde_json::to_string(&grounds).expect("names and numbers are JSON");
        let outcome = self.database().write_durably(|tx| {
            let row = version::model_row(tx, model)?;
            let from = version::stage_of(tx, model, row, candidate)?;
            let champion = version::champion(tx, row)?;
            if champion == Some(candidate) {
                return Err(Error::AlreadyInProduction {
                    model: model.clone(),
                    version: candidate,
                });
            }
            if champion != evidence.champion {
                return Err(Error::StaleEvidence {
                    model: model.clone(),
                    version: candidate,
                    compared: evidence.champion,
                    champion,
                });
            }
            let reason = decision.to_string();
            let mut event = Event {
                version: Some(candidate),
                from: Some(from.to_string()),
                reason: &reason,
                evidence: Some(grounds),
                ..Event::new(Action::PromotionRefused, model)
            };
            let time = self.now();
            if !decision.passed {
                audit::append(tx, self, &event)?;
                return Ok(None);
            }
            if let Some(old) = champion {
                self.retire(tx, model, row, old, candidate)?;
            }
            stage::set(tx, row, candidate, Stage::Production)?;
            event.action = Action::Promoted;
            event.to = Some(Stage::Production.to_string());
            let audit_entry = audit::append(tx, self, &event)?;
            alias::put(
                tx,
                self,
                model,
                row,
                &stage::production(),
                candidate,
                &reason,
            )?;
            audit::next_generation(tx)?;
            Ok(Some((champion, time, audit_entry)))
        })?;
        match outcome {
            Some((replaced, time, audit_entry)) => Ok(Promotion {
                model: model.clone(),
                version: candidate,
                replaced,
                time,
                decision,
                audit_entry,
            }),
            None => Err(Error::GateRefused {
                model: model.clone(),
                version: candidate,
                decision: Box::new(decision),
            }),
        }
    }

    fn retire(
        &self,
        tx: &rusqlite::Transaction<'_>,
        model: &ModelName,
        row: i64,
        old: VersionNumber,
        new: VersionNumber,
    ) -> Result<()> {
        stage::set(tx, row, old, Stage::Archived)?;
        let reason = format!("version {new} takes over");
        let event = Event {
            version: Some(old),
            from: Some(Stage::Production.to_string()),
            to: Some(Stage::Archived.to_string()),
            reason: &reason,
            ..Event::new(Action::StageChanged, model)
        };
        audit::append(tx, self, &event).map(drop)
    }
}
