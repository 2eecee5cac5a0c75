//! Patterns over names: `*` is any run of characters, everything else is itself.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, GovernanceError, Result};

const LONGEST: usize = 512;

/// A name, or many: `churn`, `churn-*`, `*`.
///
/// ```
/// use mlops_registry::Pattern;
///
/// let pattern = Pattern::new("team-*-churn")?;
/// assert!(pattern.matches("team-growth-churn") && !pattern.matches("team-churn"));
/// # Ok::<(), mlops_registry::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

impl Pattern {
    /// Takes a text that is neither empty nor longer than 512 bytes.
    ///
    /// # Errors
    /// [`GovernanceError::InvalidPolicy`](crate::GovernanceError::InvalidPolicy) otherwise.
    pub fn new(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        if text.is_empty() || text.len() > LONGEST {
            return Err(GovernanceError::InvalidPolicy {
                reason: "a pattern is empty or longer than 512 bytes".into(),
            }
            .into());
        }
        Ok(Self(text))
    }

    /// The pattern as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a name is one of those that the pattern means, to the letter.
    ///
    /// # Complexity
    /// At most the product of the lengths.
    pub fn matches(&self, name: &str) -> bool {
        let Some((head, rest)) = self.0.split_once('*') else {
            return self.0 == name;
        };
        let Some(mut name) = name.strip_prefix(head) else {
            return false;
        };
        let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
        // the first place of each piece leaves most for the others
        for piece in middle.split('*') {
            match name.find(piece) {
                Some(at) => name = &name[at + piece.len()..],
                None => return false,
            }
        }
        name.ends_with(tail)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Pattern {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        Self::new(text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Slow and obvious: a star takes nothing, or one character and stays.
    fn obvious(pattern: &[char], name: &[char]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, name) => name.is_none(),
            (Some(('*', rest)), None) => obvious(rest, name),
            (Some(('*', rest)), Some((_, tail))) => obvious(rest, name) || obvious(pattern, tail),
            (Some((c, rest)), Some((d, tail))) => c == d && obvious(rest, tail),
            (Some(_), None) => false,
        }
    }

    proptest! {
        #[test]
        fn a_pattern_means_what_the_obvious_reading_means(
            pattern in "[aé*]{1,8}", name in "[aé]{0,8}",
        ) {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(
                Pattern::new(pattern.as_str()).unwrap().matches(&name),
                obvious(&chars(&pattern), &chars(&name))
            );
        }
    }
}
