//! Checked names: of views, features, models, experiments, aliases.
//!
//! One rule for all: it begins with a letter or an underscore, goes on with letters, digits, `_`,
//! `-` or `.`, and has at most 128 characters, all ASCII. Such a name is safe in a URL, a column, a
//! metric label and a message, and two names never look alike.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

const MAX_LENGTH: usize = 128;

fn check(kind: &'static str, name: &str) -> Result<()> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.len() > MAX_LENGTH {
        "it is longer than 128 characters"
    } else if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        "it must begin with a letter or an underscore"
    } else if !name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
    {
        "only letters, digits, `_`, `-` and `.` are allowed"
    } else {
        return Ok(());
    };
    Err(Error::InvalidName {
        kind,
        name: name.chars().take(MAX_LENGTH).collect(),
        reason,
    })
}

macro_rules! name {
    ($(#[doc = $doc:literal] $type:ident = $kind:literal;)*) => {$(
        #[doc = $doc]
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Checks and takes the name.
            ///
            /// # Errors
            /// [`Error::InvalidName`] if it breaks the rule of this module.
            pub fn new(name: impl Into<String>) -> Result<Self> {
                let name = name.into();
                check($kind, &name)?;
                Ok(Self(name))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = Error;
            fn from_str(name: &str) -> Result<Self> {
                Self::new(name)
            }
        }

        impl TryFrom<&str> for $type {
            type Error = Error;
            fn try_from(name: &str) -> Result<Self> {
                Self::new(name)
            }
        }

        impl TryFrom<String> for $type {
            type Error = Error;
            fn try_from(name: String) -> Result<Self> {
                Self::new(name)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }
    )*};
}

name! {
    /// The name of an entity, for instance `customer`.
    EntityName = "entity";
    /// The name of a feature view, for instance `purchase`.
    ViewName = "feature view";
    /// The name of a feature inside a view or a training set, for instance `amount_sum_30d`.
    FeatureName = "feature";
    /// The name of a feature service: a group of features that a model uses.
    ServiceName = "feature service";
    /// The name of an experiment.
    ExperimentName = "experiment";
    /// The name of a registered model.
    ModelName = "model";
    /// The name of an alias that points at one version of a model, for instance `production`.
    AliasName = "alias";
    /// The name of a pipeline step.
    StepName = "step";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_to_the_rule() {
        for good in ["a", "_x", "amount_sum_30d", "a.b-c", &"x".repeat(128)] {
            assert!(ModelName::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "1a",
            "a b",
            "a/b",
            "a%2F",
            "ä",
            "-a",
            "..",
            &"x".repeat(129),
        ] {
            assert!(ModelName::new(bad).is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<ViewName>("\"a b\"").is_err());
    }
}
