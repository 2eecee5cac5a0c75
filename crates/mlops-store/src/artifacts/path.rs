//! Paths inside a tree: keys in a namespace, which can name nothing outside it.

use std::{borrow::Borrow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The path of a file in a tree: a key, never a path of the machine.
///
/// Parts with `/` between them; none is empty, `.` or `..`, or longer than 255 bytes; no backslash, colon, percent sign
/// or control character; at most 1,024 bytes and 32 parts. What a client sent is decoded once before.
///
/// ```
/// use mlops_store::ArtifactPath;
///
/// assert_eq!("model/MLmodel".parse::<ArtifactPath>()?.as_str(), "model/MLmodel");
/// for bad in ["../secrets", "/etc/passwd", "a//b", "C:\\x", "a/%2e%2e/b", ""] {
///     assert!(bad.parse::<ArtifactPath>().is_err());
/// }
/// # Ok::<(), mlops_store::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ArtifactPath(String);

impl ArtifactPath {
    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ArtifactPath {
    type Err = Error;
    fn from_str(path: &str) -> Result<Self> {
        let invalid = |reason| {
            Err(Error::InvalidPath {
                path: path.chars().take(200).collect(),
                reason,
            })
        };
        if path.len() > 1_024 {
            return invalid("it has more than 1,024 bytes");
        }
        if path.split('/').count() > 32 {
            return invalid("it has more than 32 parts");
        }
        for part in path.split('/') {
            match part {
                "" => return invalid("a part of it is empty"),
                "." | ".." => return invalid("it has a part that is no name"),
                part if part.len() > 255 => return invalid("a part of it has more than 255 bytes"),
                _ => {}
            }
        }
        if path
            .chars()
            .any(|c| c.is_control() || matches!(c, '\\' | ':' | '%'))
        {
            return invalid("it has a backslash, a colon, a percent sign or a control character");
        }
        Ok(Self(path.to_owned()))
    }
}

impl TryFrom<String> for ArtifactPath {
    type Error = Error;
    fn try_from(path: String) -> Result<Self> {
        path.parse()
    }
}

impl From<ArtifactPath> for String {
    fn from(path: ArtifactPath) -> Self {
        path.0
    }
}

impl Borrow<str> for ArtifactPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ArtifactPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_could_leave_the_tree_is_none() {
        for bad in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "a/..",
            "../a",
            "a/./b",
            "a\\b",
            "C:",
            "c:/x",
            "a\0b",
            "a\nb",
            "%2e%2e/a",
            "a%",
            "file:///etc",
            "\\\\host\\share",
            "a\u{85}b",
            &"x".repeat(256),
            &"x/".repeat(32),
            &format!("{}y", "xxxxxxxxxxx/".repeat(90)),
        ] {
            let error = bad.parse::<ArtifactPath>().unwrap_err();
            assert!(matches!(error, Error::InvalidPath { .. }), "{bad}: {error}");
        }
        for good in [
            "a",
            "a/b",
            "a b/c#d?.txt",
            "...",
            "..a",
            "é/ü",
            &"x".repeat(255),
        ] {
            assert_eq!(good.parse::<ArtifactPath>().unwrap().as_str(), good);
        }
    }
}
