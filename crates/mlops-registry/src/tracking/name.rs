//! The identities and names of tracking: experiments by number and name, logged models, lifecycles.

use std::{fmt, str::FromStr};

use mlops_core::Digest;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, error::cut, limits};

/// The identity of an experiment: a number, written as text by MLflow's clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExperimentId(i64);

impl ExperimentId {
    /// The experiment `Default`, which is always there.
    pub const DEFAULT: Self = Self(0);

    pub(crate) fn of_row(row: i64) -> Self {
        Self(row)
    }

    pub(crate) fn row(self) -> i64 {
        self.0
    }
}

impl fmt::Display for ExperimentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ExperimentId {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits => Ok(Self(number)),
            _ => Err(invalid(
                "experiment",
                text,
                "an experiment is named by a whole number",
            )),
        }
    }
}

impl TryFrom<String> for ExperimentId {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<ExperimentId> for String {
    fn from(id: ExperimentId) -> Self {
        id.to_string()
    }
}

/// The name of an experiment: any text of one line, 500 characters at most, as MLflow's clients use
/// them (`/Users/ada/churn`, `churn Q3`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExperimentName(String);

impl ExperimentName {
    /// Checks and takes the name.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] if it is empty, too long, or holds a control character.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let reason = if name.trim().is_empty() {
            "it is empty"
        } else if name.chars().count() > limits::EXPERIMENT_NAME {
            "it is longer than 500 characters"
        } else if name.chars().any(char::is_control) {
            "it holds a control character"
        } else {
            return Ok(Self(name));
        };
        Err(invalid("experiment", &name, reason))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExperimentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ExperimentName {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        Self::new(name)
    }
}

impl TryFrom<String> for ExperimentName {
    type Error = Error;
    fn try_from(name: String) -> Result<Self> {
        Self::new(name)
    }
}

impl From<ExperimentName> for String {
    fn from(name: ExperimentName) -> Self {
        name.0
    }
}

/// The identity of a logged model: `m-` and 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LoggedModelId(String);

impl LoggedModelId {
    const PREFIX: &'static str = "m-";
    const DIGITS: usize = 32;

    pub(crate) fn from_digest(digest: &Digest) -> Self {
        let digits = digest.to_string();
        Self(format!("{}{}", Self::PREFIX, &digits[..Self::DIGITS]))
    }

    /// The identity as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LoggedModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for LoggedModelId {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        match text.strip_prefix(Self::PREFIX) {
            Some(digits) if digits.len() == Self::DIGITS && digits.bytes().all(digit) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(invalid(
                "logged model",
                text,
                "a logged model is named by `m-` and 32 hexadecimal digits in lower case",
            )),
        }
    }
}

impl TryFrom<String> for LoggedModelId {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<LoggedModelId> for String {
    fn from(id: LoggedModelId) -> Self {
        id.0
    }
}

/// Whether something is there or was deleted and can be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lifecycle {
    /// It is there.
    Active,
    /// It was deleted: it is kept, hidden, and takes no more writes.
    Deleted,
}

impl Lifecycle {
    /// The state as MLflow's clients have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deleted => "deleted",
        }
    }

    pub(crate) fn of(deleted: Option<i64>) -> Self {
        match deleted {
            None => Self::Active,
            Some(_) => Self::Deleted,
        }
    }
}

impl fmt::Display for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which lifecycles a search looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// What is there.
    #[default]
    Active,
    /// What was deleted.
    Deleted,
    /// Both.
    All,
}

fn invalid(kind: &'static str, key: &str, reason: &'static str) -> Error {
    Error::InvalidKey {
        kind,
        key: cut(key),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_experiments_are_lines_of_text() {
        for good in [
            "Default",
            "/Users/ada@example.org/churn",
            "a b",
            "é",
            &"x".repeat(500),
        ] {
            assert_eq!(ExperimentName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "  ", "a\nb", "a\0b", &"x".repeat(501)] {
            assert!(ExperimentName::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn identities_are_strict() {
        assert_eq!("17".parse::<ExperimentId>().unwrap().to_string(), "17");
        for bad in ["", "-1", "+1", "a", "1.0", "99999999999999999999"] {
            assert!(bad.parse::<ExperimentId>().is_err(), "{bad:?}");
        }
        let id = format!("m-{}", "0a".repeat(16));
        assert_eq!(id.parse::<LoggedModelId>().unwrap().as_str(), id);
        for bad in [
            "",
            "m-",
            "m-xyz",
            &id[2..],
            &id.to_uppercase(),
            &format!("{id}0"),
        ] {
            assert!(bad.parse::<LoggedModelId>().is_err(), "{bad:?}");
        }
    }
}
