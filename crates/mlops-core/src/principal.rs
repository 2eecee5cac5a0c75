//! Who acts: the name that an audit trail records.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A person or service that changes something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Principal(String);

impl Principal {
    /// Takes a name of 1 to 256 characters without control characters, for instance an e-mail address.
    ///
    /// # Errors
    /// [`Error::InvalidName`] otherwise.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let reason = if name.trim().is_empty() {
            "it is empty"
        } else if name.chars().count() > 256 {
            "it is longer than 256 characters"
        } else if name.chars().any(char::is_control) {
            "it holds a control character"
        } else {
            return Ok(Self(name));
        };
        Err(Error::InvalidName {
            kind: "principal",
            name: name.chars().take(64).collect(),
            reason,
        })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Principal {
    type Error = Error;
    fn try_from(name: String) -> Result<Self> {
        Self::new(name)
    }
}

impl From<Principal> for String {
    fn from(principal: Principal) -> Self {
        principal.0
    }
}
