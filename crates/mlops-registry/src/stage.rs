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

use mlops_core::{AliasName, ModelName, VersionNumber};
use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};

use crate::{
    Error, ModelVersion, Registry, Result, alias,
    audit::{self, Action, Event},
    error::{During, cut},
    key::{PROSE_LIMIT, check_length},
    version,
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

impl Registry {
    /// Moves a version to another stage by hand. Production is entered by [`promote`](Self::promote)
    /// alone; a version that leaves it takes the alias `production` along.
    ///
    /// # Errors
    /// [`Error::UnknownModel`], [`Error::UnknownVersion`], [`Error::IllegalTransition`],
    /// [`Error::TooLong`] for the reason, [`Error::Busy`] or [`Error::Database`].
    pub fn transition(
        &self,
        model: &ModelName,
        number: VersionNumber,
        to: Stage,
        reason: &str,
    ) -> Result<ModelVersion> {
        check_length("the reason", reason, PROSE_LIMIT)?;
        self.database().write_durably(|tx| {
            let row = version::model_row(tx, model)?;
            let from = version::stage_of(tx, model, row, number)?;
            let illegal = |reason| Error::IllegalTransition {
                model: model.clone(),
                version: number,
                from,
                to,
                reason,
            };
            if to == Stage::Production {
                return Err(illegal(
                    "a version enters production by promotion, through a gate",
                ));
            }
            if !from.may_become(to) {
                return Err(illegal(from.ways_out()));
            }
            set(tx, row, number, to)?;
            let event = Event {
                version: Some(number),
                from: Some(from.to_string()),
                to: Some(to.to_string()),
                reason,
                ..Event::new(Action::StageChanged, model)
            };
            audit::append(tx, self, &event)?;
            if from == Stage::Production {
                alias::remove(tx, self, model, row, &production(), reason)?;
            }
            audit::next_generation(tx)?;
            version::read(tx, model, row, number)
        })
    }
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

/// Writes a stage without asking.
pub(crate) fn set(tx: &Transaction<'_>, row: i64, number: VersionNumber, to: Stage) -> Result<()> {
    let writing = "write a stage";
    tx.prepare_cached("UPDATE model_version SET stage = ?3 WHERE model_id = ?1 AND version = ?2")
        .during(writing)?
        .execute(params![row, number, to.as_str()])
        .during(writing)?;
    Ok(())
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
