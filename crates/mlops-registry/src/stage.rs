//! Stages: how far a version has come, and which way it may go on.
//!
//! ```text
//! None ──▶ Staging ──▶ Production ──▶ Archived
//!  │ ▲────────┘ │        ▲  ▲            │ │
//!  └────────────┼────────┘  └────────────┘ │      into Production: only by promotion, through a gate
//!               └──▶ Archived ◀── None     └──▶ Staging
//! ```
//!
//! Invariant: a model has at most one version in Production (a unique index holds it), and the alias
//! `production` points at it and at nothing else.

use std::{fmt, str::FromStr};

use mlops_core::{Action, AliasName, ModelName, VersionNumber};
use serde::{Deserialize, Serialize};

use crate::{
    Error, ModelVersion, Registry, Result, alias,
    change::{Change, Draft},
    error::cut,
    governance,
    key::{PROSE_LIMIT, check_length},
    state::ModelState,
};

/// How far a version has come.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
pub enum Stage {
    /// Registered.
    #[default]
    None,
    /// Being tried.
    Staging,
    /// Serving; at most one version of a model.
    Production,
    /// Out of use.
    Archived,
}

impl Stage {
    /// All stages in order.
    pub const ALL: [Self; 4] = [Self::None, Self::Staging, Self::Production, Self::Archived];

    /// The stage as the database, messages and MLflow have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Staging => "Staging",
            Self::Production => "Production",
            Self::Archived => "Archived",
        }
    }

    /// Whether a version may go from this stage to that one, by hand or by promotion.
    pub fn may_become(self, to: Self) -> bool {
        use Stage::{Archived, None, Production, Staging};
        matches!(
            (self, to),
            (None | Archived, Staging)
                | (Staging, None)
                | (None | Staging | Archived, Production)
                | (None | Staging | Production, Archived)
        )
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Stage {
    type Err = Error;
    /// Reads a stage in any case.
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|stage| stage.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| Error::InvalidKey {
                kind: "stage",
                key: cut(text),
                reason: "the stages are None, Staging, Production and Archived",
            })
    }
}

/// What becomes of the versions that are in the stage already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Occupants {
    /// They stay; in Production there can be one only, so it is in the way.
    #[default]
    Stay,
    /// They are archived.
    Archive,
}

impl Registry {
    /// Moves a version to another stage by hand, along the ways of this module. Production is entered by
    /// [`promote`](Self::promote) alone; a version that leaves it takes the alias `production` along.
    ///
    /// # Errors
    /// [`Error::UnknownModel`], [`Error::UnknownVersion`], [`Error::IllegalTransition`],
    /// [`Error::TooLong`] for the reason, [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) or [`GovernanceError::PolicyUnmet`](crate::GovernanceError::PolicyUnmet) under a policy,
    /// [`Error::Busy`] or [`Error::Database`].
    pub fn transition(
        &self,
        model: &ModelName,
        number: VersionNumber,
        to: Stage,
        reason: &str,
    ) -> Result<ModelVersion> {
        check_length("the reason", reason, PROSE_LIMIT)?;
        let committed = self.commit(model, &mut |now| {
            let state = now.live_for(Action::Promote)?;
            let version = state.version(number)?;
            let illegal = |reason| illegal(version, to, reason);
            if to == Stage::Production {
                return Err(illegal(
                    "a version enters production by promotion, through a gate",
                ));
            }
            if !version.stage.may_become(to) {
                return Err(no_way(version, to));
            }
            governance::check_by_hand(&now, version, to)?;
            Ok(by_hand(state, version, to, reason))
        })?;
        let state = committed.state.expect("the model is there");
        Ok(ModelVersion::clone(state.version(number)?))
    }

    /// Moves a version to any other stage, as MLflow's clients do: there is no gate but the policy's, and no
    /// way that is closed. One version of a model is in Production at a time.
    ///
    /// # Errors
    /// [`Error::UnknownModel`], [`Error::UnknownVersion`]; [`Error::IllegalTransition`] if Production is taken and
    /// its version is to stay, or if [`Occupants::Archive`] goes with None or Archived; [`Error::TooLong`] for the
    /// reason; [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) or [`GovernanceError::PolicyUnmet`](crate::GovernanceError::PolicyUnmet) under a policy, which may ask for a request with
    /// sign-offs; [`Error::Busy`] or [`Error::Database`].
    pub fn set_stage(
        &self,
        model: &ModelName,
        number: VersionNumber,
        to: Stage,
        occupants: Occupants,
        reason: &str,
    ) -> Result<ModelVersion> {
        check_length("the reason", reason, PROSE_LIMIT)?;
        let committed = self.commit(model, &mut |now| {
            let state = now.live_for(Action::Promote)?;
            let version = state.version(number)?;
            if occupants == Occupants::Archive && !matches!(to, Stage::Staging | Stage::Production)
            {
                let reason = "only Staging and Production have versions to archive";
                return Err(illegal(version, to, reason));
            }
            governance::check_by_hand(&now, version, to)?;
            let others = state.versions.values();
            let others = others.filter(|other| other.stage == to && other.version != number);
            let mut drafts = Vec::new();
            for other in others {
                if occupants == Occupants::Stay {
                    if to == Stage::Production {
                        let reason = "another version is in Production; archive it";
                        return Err(illegal(version, to, reason));
                    }
                    continue;
                }
                drafts.push(archive(other, number));
            }
            drafts.extend(by_hand(state, version, to, reason));
            Ok(drafts)
        })?;
        let state = committed.state.expect("the model is there");
        Ok(ModelVersion::clone(state.version(number)?))
    }
}

/// The error for a way that does not exist.
pub(crate) fn no_way(version: &ModelVersion, to: Stage) -> Error {
    illegal(version, to, version.stage.ways_out())
}

fn illegal(version: &ModelVersion, to: Stage, reason: &'static str) -> Error {
    Error::IllegalTransition {
        model: version.model.clone(),
        version: version.version,
        from: version.stage,
        to,
        reason,
    }
}

/// A stage, and the alias that follows it. No news if the version is there already.
pub(crate) fn by_hand(
    state: &ModelState,
    version: &ModelVersion,
    to: Stage,
    reason: &str,
) -> Vec<Draft> {
    let from = version.stage;
    if from == to {
        return Vec::new();
    }
    let number = version.version;
    let change = Change::StageChanged {
        version: number,
        from,
        to,
    };
    let mut drafts = vec![Draft::new(change, reason)];
    if from == Stage::Production {
        drafts.extend(alias::remove(state, &production(), reason));
    }
    if to == Stage::Production {
        drafts.extend(well_known(state, number, reason));
    }
    drafts
}

/// Moves the aliases that go with Production.
pub(crate) fn well_known(state: &ModelState, number: VersionNumber, reason: &str) -> Vec<Draft> {
    let mut drafts = Vec::new();
    if state.aliases.get(&alias::challenger()) == Some(&number) {
        drafts.extend(alias::remove(state, &alias::challenger(), reason));
    }
    if state.aliases.contains_key(&alias::champion()) {
        drafts.extend(alias::put(state, &alias::champion(), number, reason));
    }
    drafts.extend(alias::put(state, &production(), number, reason));
    drafts
}

/// Sends a version out of the stage that another takes over.
pub(crate) fn archive(old: &ModelVersion, new: VersionNumber) -> Draft {
    let change = Change::StageChanged {
        version: old.version,
        from: old.stage,
        to: Stage::Archived,
    };
    Draft::new(change, format!("version {new} takes over"))
}

impl Stage {
    fn ways_out(self) -> &'static str {
        match self {
            Self::None => "from None it goes to Staging, Production or Archived",
            Self::Staging => "from Staging it goes to None, Production or Archived",
            Self::Production => "from Production it goes to Archived",
            Self::Archived => "from Archived it goes to Staging or Production",
        }
    }
}

/// The alias that follows the stage.
pub(crate) fn production() -> AliasName {
    AliasName::new("production").expect("a name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_transitions() {
        use Stage::{Archived, None, Production, Staging};
        let legal = [
            (None, Staging),
            (None, Production),
            (None, Archived),
            (Staging, None),
            (Staging, Production),
            (Staging, Archived),
            (Production, Archived),
            (Archived, Staging),
            (Archived, Production),
        ];
        for from in Stage::ALL {
            for to in Stage::ALL {
                assert_eq!(
                    from.may_become(to),
                    legal.contains(&(from, to)),
                    "{from} to {to}"
                );
            }
        }
    }

    #[test]
    fn stages_read_in_any_case() {
        assert_eq!("production".parse::<Stage>().unwrap(), Stage::Production);
        assert!("live".parse::<Stage>().is_err());
    }
}
