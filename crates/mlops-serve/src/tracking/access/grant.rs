//! Rights: on which experiments and models, up to what.

use std::{collections::BTreeMap, fmt};

use mlops_core::Principal;
use serde::Deserialize;

/// What a role may do; each right holds those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Right {
    /// See what is there.
    Read,
    /// Make, log and describe.
    Edit,
    /// Delete, restore, rename; say which version serves.
    Manage,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Edit => "edit",
            Self::Manage => "manage",
        })
    }
}

/// What a right is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Object {
    /// An experiment by name, with its runs, logged models and artifacts.
    Experiment(String),
    /// A registered model by name, with its versions.
    Model(String),
    /// The server itself: its webhooks.
    #[cfg(feature = "webhooks")]
    Server,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Experiment(name) => write!(f, "experiment '{name}'"),
            Self::Model(name) => write!(f, "registered model '{name}'"),
            #[cfg(feature = "webhooks")]
            Self::Server => f.write_str("this server"),
        }
    }
}

/// The rights of one role: patterns of names, in which `*` stands for any run of characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Role {
    pub(super) experiments: BTreeMap<String, Right>,
    pub(super) models: BTreeMap<String, Right>,
    pub(super) server: Option<Right>,
}

impl Role {
    fn may(&self, right: Right, object: &Object) -> bool {
        let any = |patterns: &BTreeMap<String, Right>, name: &str| {
            patterns
                .iter()
                .any(|(pattern, held)| *held >= right && matches(pattern, name))
        };
        match object {
            Object::Experiment(name) => any(&self.experiments, name),
            Object::Model(name) => any(&self.models, name),
            #[cfg(feature = "webhooks")]
            Object::Server => self.server.is_some_and(|held| held >= right),
        }
    }
}

/// Who asks, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Who {
    pub(in super::super) principal: Principal,
    /// `None` may do everything: there is no policy.
    pub(super) roles: Option<Vec<Role>>,
}

impl Who {
    /// Whoever asks what everybody may know; in the name of the server, and without a right.
    pub(in super::super) fn nobody(principal: Principal) -> Self {
        Self {
            principal,
            roles: Some(Vec::new()),
        }
    }

    /// Whether there is nothing that could be refused.
    pub(in super::super) fn may_everything(&self) -> bool {
        self.roles.is_none()
    }

    pub(in super::super) fn may(&self, right: Right, object: &Object) -> bool {
        self.roles
            .as_ref()
            .is_none_or(|roles| roles.iter().any(|role| role.may(right, object)))
    }
}

/// Whether a name fits a pattern. Linear in the product of both in the worst case, and both are short.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        let cases = [
            ("*", "", true),
            ("*", "anything", true),
            ("churn", "churn", true),
            ("churn", "churn2", false),
            ("churn*", "churn2", true),
            ("churn*", "my churn", false),
            ("*churn", "my churn", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "ac", false),
            ("a*a", "a", false),
            ("", "x", false),
        ];
        for (pattern, name, expect) in cases {
            assert_eq!(matches(pattern, name), expect, "{pattern} {name}");
        }
    }

    #[test]
    fn a_right_holds_those_before_it_and_no_other() {
        let role: Role =
            serde_json::from_str(r#"{"experiments": {"a*": "edit"}, "models": {"*": "read"}}"#)
                .unwrap();
        let who = Who {
            principal: Principal::new("ada").unwrap(),
            roles: Some(vec![role]),
        };
        let experiment = |name: &str| Object::Experiment(name.into());
        assert!(who.may(Right::Read, &experiment("a1")));
        assert!(who.may(Right::Edit, &experiment("a1")));
        assert!(!who.may(Right::Manage, &experiment("a1")));
        assert!(!who.may(Right::Read, &experiment("b1")));
        assert!(who.may(Right::Read, &Object::Model("b1".into())));
        assert!(!who.may(Right::Edit, &Object::Model("b1".into())));
    }
}
