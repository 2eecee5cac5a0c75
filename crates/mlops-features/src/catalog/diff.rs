//! What changed from one definition to the next.

use std::{collections::BTreeMap, fmt};

use mlops_core::VersionNumber;
use serde::{Deserialize, Serialize};

/// One setting that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Which one, for instance `ttl` or `field amount`.
    pub what: String,
    /// What it was; `None` if it was not there.
    pub before: Option<String>,
    /// What it is; `None` if it is gone.
    pub after: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.before, &self.after) {
            (None, Some(after)) => write!(f, "{} is new: {after}", self.what),
            (Some(before), None) => write!(f, "{} is gone, was {before}", self.what),
            (before, after) => {
                let text = |side: &Option<String>| side.clone().unwrap_or_default();
                write!(f, "{} was {}, is {}", self.what, text(before), text(after))
            }
        }
    }
}

/// What became of a definition that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is the first of its name.
    Created {
        /// Its version, 1.
        version: VersionNumber,
    },
    /// The catalog has it already.
    Unchanged {
        /// Its version.
        version: VersionNumber,
    },
    /// Only what people read differs; that was replaced.
    Described {
        /// Its version, as before.
        version: VersionNumber,
        /// What differs.
        changes: Vec<Change>,
    },
    /// It differs in content and is in force from now on.
    Changed {
        /// Its version: a new one, or an earlier one whose content it has.
        version: VersionNumber,
        /// What differs from what was in force.
        changes: Vec<Change>,
    },
}

impl Outcome {
    /// The version that is in force now.
    pub fn version(&self) -> VersionNumber {
        match self {
            Self::Created { version }
            | Self::Unchanged { version }
            | Self::Described { version, .. }
            | Self::Changed { version, .. } => *version,
        }
    }

    /// What changed; nothing for a first definition.
    pub fn changes(&self) -> &[Change] {
        match self {
            Self::Created { .. } | Self::Unchanged { .. } => &[],
            Self::Described { changes, .. } | Self::Changed { changes, .. } => changes,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created { version } => return write!(f, "version {version}: new"),
            Self::Unchanged { version } => return write!(f, "version {version}: unchanged"),
            Self::Described { version, .. } => write!(f, "version {version} as before: ")?,
            Self::Changed { version, .. } => write!(f, "version {version}: ")?,
        }
        let changes: Vec<String> = self.changes().iter().map(Change::to_string).collect();
        f.write_str(&changes.join("; "))
    }
}

/// The settings that differ, in the order of their names.
pub(super) fn diff(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<Change> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let changes = names.into_iter().filter_map(|name| {
        let (before, after) = (before.get(name), after.get(name));
        (before != after).then(|| Change {
            what: name.clone(),
            before: before.cloned(),
            after: after.cloned(),
        })
    });
    changes.collect()
}
