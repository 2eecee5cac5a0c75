//! Who may do what: one question, asked wherever something is read or changed.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::Principal;

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// See values.
    Read,
    /// Add or change values.
    Write,
    /// Take something away.
    Delete,
    /// Bring a version into use or out of it: its stage, a protected name.
    Promote,
    /// Sign a change off, or refuse to.
    Approve,
    /// Change the rules themselves.
    Administer,
}

/// The thing that an action is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Access<'a> {
    /// Which sort of thing, for instance `feature_view`.
    pub kind: &'static str,
    /// Its name.
    pub name: &'a str,
    /// One column of it; `None` is the thing as a whole.
    pub column: Option<&'a str>,
    /// Whether its owner marked it as personal data.
    pub personal: bool,
}

/// How a value is shown to somebody who may not see it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Masking {
    /// As no value.
    Null,
    /// As one fixed text, the same for every value.
    Redact,
    /// As its keyed hash: equal values stay equal, and only who has the key can test a guess.
    Hash,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It may not be done.
    Deny,
    /// It may be done on masked values.
    Mask(Masking),
    /// It may be done.
    Allow,
}

/// Decides what a principal may do.
///
/// An implementation is a pure function of its own state: the same question has the same answer until that
/// state changes. What it does not know it denies. It is asked often, so it answers from memory.
pub trait Authorizer: Send + Sync + Debug {
    /// Whether `principal` may do `action` to `access`.
    fn decide(&self, principal: &Principal, action: Action, access: &Access<'_>) -> Decision;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_answer_is_the_greater_one() {
        let mut all = [
            Decision::Allow,
            Decision::Mask(Masking::Hash),
            Decision::Deny,
            Decision::Mask(Masking::Null),
        ];
        all.sort_unstable();
        assert_eq!((all[0], all[3]), (Decision::Deny, Decision::Allow));
    }
}
