//! The policy as data: roles, grants, transitions, protected aliases; versioned and strict JSON.

use std::collections::{BTreeMap, BTreeSet};

use mlops_core::{Access, Action, AliasName, Authorizer, Decision, Digest, ModelName, Principal};
use serde::{Deserialize, Serialize};

use super::{Pattern, sign_off};
use crate::{Gate, GovernanceError, Registry, Result, Stage};

/// The format that this build writes and reads.
const FORMAT: u32 = 1;
/// The most roles, grants, rules, and members of each list.
const LIMIT: usize = 10_000;
/// The most sign-offs that one transition can ask for.
const SIGN_OFFS: usize = 16;
/// The sort of thing that a model is, for an [`Authorizer`].
pub(super) const MODEL: &str = "registered_model";
/// The sort of thing that an experiment is.
const EXPERIMENT: &str = "experiment";

/// The rules of a registry.
///
/// ```
/// use mlops_core::{Action, ModelName, Principal};
/// use mlops_registry::Policy;
///
/// let policy = Policy::from_json(r#"{
///     "format": 1,
///     "roles": { "trainer": ["ci"], "lead": ["ada"], "compliance": ["grace"], "admin": ["root"] },
///     "grants": [
///         { "role": "trainer", "models": ["churn*"], "may": ["read", "write", "promote"] },
///         { "role": "lead", "models": ["*"], "may": ["read", "approve"] },
///         { "role": "compliance", "models": ["*"], "may": ["read", "approve"] },
///         { "role": "admin", "models": ["*"], "may": ["read", "write", "delete", "promote", "administer"] }
///     ],
///     "transitions": [
///         { "models": ["*"], "to": "Production", "sign_offs": ["lead", "compliance"],
///           "requires": { "card": true }, "expires_after_seconds": 604800 }
///     ],
///     "protected_aliases": [ { "models": ["*"], "aliases": ["champion"], "roles": ["admin"] } ]
/// }"#)?;
/// let (ci, churn) = (Principal::new("ci")?, ModelName::new("churn")?);
/// assert!(policy.allow(&ci, Action::Write, &churn).is_ok());
/// assert!(policy.allow(&ci, Action::Delete, &churn).is_err());
/// # Ok::<(), mlops_registry::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Policy {
    format: u32,
    roles: BTreeMap<String, BTreeSet<Principal>>,
    grants: Vec<Grant>,
    transitions: Vec<TransitionRule>,
    protected_aliases: Vec<ProtectedAlias>,
    /// Public keys in PEM by the name of who holds them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    trusted_keys: BTreeMap<String, String>,
}

/// A policy before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    format: u32,
    roles: BTreeMap<String, BTreeSet<Principal>>,
    grants: Vec<Grant>,
    #[serde(default)]
    transitions: Vec<TransitionRule>,
    #[serde(default)]
    protected_aliases: Vec<ProtectedAlias>,
    #[serde(default)]
    trusted_keys: BTreeMap<String, String>,
}

/// What a role may do, and to what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The role.
    pub role: String,
    /// The models; `.registry` is the registry itself.
    #[serde(default)]
    pub models: Vec<Pattern>,
    /// The experiments, for whoever serves runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub experiments: Vec<Pattern>,
    /// What may be done.
    pub may: BTreeSet<Action>,
}

/// What it takes to enter a stage. Of several rules that fit, all have to be met.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransitionRule {
    /// The models.
    pub models: Vec<Pattern>,
    /// The stage.
    pub to: Stage,
    /// One sign-off by each of these roles, all by different people; a role that stands twice signs twice.
    /// Neither who registered the version nor who asked for the transition can sign.
    #[serde(default)]
    pub sign_offs: Vec<String>,
    /// What has to be shown.
    #[serde(default)]
    pub requires: Requirements,
    /// How long a request stays open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_after_seconds: Option<u32>,
}

/// What a transition has to show beside its sign-offs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirements {
    /// The rules that the evidence has to meet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// The greatest drift of the new reference profile against the champion's, by measure, for instance `psi`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub max_drift: BTreeMap<String, f64>,
    /// Whether the version has to be signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<SignatureRule>,
    /// Whether the package has to have a card.
    #[serde(default)]
    pub card: bool,
}

/// Which signatures a version has to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureRule {
    /// Any file beside the package that calls itself one.
    Present,
    /// Good ones by at least so many of the policy's trusted keys.
    Trusted(usize),
}

/// Aliases that only some roles may move.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProtectedAlias {
    /// The models.
    pub models: Vec<Pattern>,
    /// The aliases.
    pub aliases: Vec<Pattern>,
    /// The roles that may move them.
    pub roles: Vec<String>,
}

impl Policy {
    /// Reads a policy: unknown fields, roles that are nowhere defined and rules that nobody could ever meet are
    /// refused.
    ///
    /// # Errors
    /// [`GovernanceError::InvalidPolicy`](crate::GovernanceError::InvalidPolicy) with what is wrong.
    pub fn from_json(text: &str) -> Result<Self> {
        let policy: Self =
            serde_json::from_str(text).map_err(|error| GovernanceError::InvalidPolicy {
                reason: error.to_string(),
            })?;
        policy.check_new()?;
        Ok(policy)
    }

    /// What a policy must keep to before it is in force, beyond what one that is stored is held to.
    pub(crate) fn check_new(&self) -> Result<()> {
        for rule in &self.transitions {
            let mut people: BTreeMap<&Principal, BTreeSet<String>> = BTreeMap::new();
            for role in &rule.sign_offs {
                for person in &self.roles[role] {
                    people.entry(person).or_default().insert(role.clone());
                }
            }
            let people: Vec<_> = people.values().collect();
            if let Some(role) = sign_off::missing(&rule.sign_offs, &people).first() {
                return Err(GovernanceError::InvalidPolicy {
                    reason: format!(
                        "whoever can sign {} off as `{role}` is needed for another sign-off",
                        rule.to
                    ),
                }
                .into());
            }
        }
        #[cfg(feature = "sign")]
        if !self.trusted_keys.is_empty() {
            self.trust()?;
        }
        Ok(())
    }

    /// The policy as JSON, the same text for the same policy.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("names and numbers are JSON")
    }

    /// The digest of [`to_json`](Self::to_json).
    pub fn digest(&self) -> Digest {
        Digest::of(self.to_json().as_bytes())
    }

    /// The roles of somebody.
    pub fn roles_of(&self, principal: &Principal) -> BTreeSet<&str> {
        self.roles
            .iter()
            .filter(|(_, members)| members.contains(principal))
            .map(|(role, _)| role.as_str())
            .collect()
    }

    /// Whether somebody may do something to a model.
    ///
    /// # Errors
    /// [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) if no grant says so.
    pub fn allow(&self, principal: &Principal, action: Action, model: &ModelName) -> Result<()> {
        if self.grants(principal, action, MODEL, model.as_str()) {
            return Ok(());
        }
        Err(GovernanceError::Forbidden {
            principal: principal.clone(),
            action,
            model: model.clone(),
            reason: "no role of theirs is granted it".into(),
        }
        .into())
    }

    pub(crate) fn allow_alias(
        &self,
        principal: &Principal,
        model: &ModelName,
        alias: &AliasName,
    ) -> Result<()> {
        let roles = self.roles_of(principal);
        let refused = self.protected_aliases.iter().any(|rule| {
            any(&rule.models, model.as_str())
                && any(&rule.aliases, alias.as_str())
                && !rule.roles.iter().any(|role| roles.contains(role.as_str()))
        });
        if !refused {
            return Ok(());
        }
        Err(GovernanceError::Forbidden {
            principal: principal.clone(),
            action: Action::Promote,
            model: model.clone(),
            reason: format!("alias `{alias}` is protected"),
        }
        .into())
    }

    /// The rules for entering a stage.
    pub(crate) fn rules(
        &self,
        model: &ModelName,
        to: Stage,
    ) -> impl Iterator<Item = &TransitionRule> {
        let name = model.as_str().to_owned();
        self.transitions
            .iter()
            .filter(move |rule| rule.to == to && any(&rule.models, &name))
    }

    /// The public keys in PEM by name.
    pub fn trusted_keys(&self) -> &BTreeMap<String, String> {
        &self.trusted_keys
    }

    fn grants(&self, principal: &Principal, action: Action, kind: &str, name: &str) -> bool {
        self.grants.iter().any(|grant| {
            let patterns = match kind {
                MODEL => &grant.models,
                EXPERIMENT => &grant.experiments,
                _ => return false,
            };
            grant.may.contains(&action)
                && any(patterns, name)
                && self
                    .roles
                    .get(&grant.role)
                    .is_some_and(|members| members.contains(principal))
        })
    }

    fn check(&self) -> std::result::Result<(), String> {
        if self.format != FORMAT {
            return Err(format!(
                "its format is {}, this build knows {FORMAT}",
                self.format
            ));
        }
        let sizes = [
            self.roles.len(),
            self.grants.len(),
            self.transitions.len(),
            self.protected_aliases.len(),
            self.trusted_keys.len(),
        ];
        let members = self.roles.values().map(BTreeSet::len);
        if sizes.into_iter().chain(members).any(|size| size > LIMIT) {
            return Err(format!("a list has more than {LIMIT} members"));
        }
        let used = self.grants.iter().map(|grant| &grant.role);
        let used = used
            .chain(self.transitions.iter().flat_map(|rule| &rule.sign_offs))
            .chain(self.protected_aliases.iter().flat_map(|rule| &rule.roles));
        for role in used {
            if !self.roles.contains_key(role) {
                return Err(format!("role `{role}` is not defined"));
            }
        }
        let admin = |principal| self.grants(principal, Action::Administer, MODEL, Registry::ITSELF);
        if !self.roles.values().flatten().any(admin) {
            return Err(format!(
                "nobody may administer `{}`, so that it could never be changed",
                Registry::ITSELF
            ));
        }
        self.transitions
            .iter()
            .try_for_each(|rule| self.check_rule(rule))
    }

    fn check_rule(&self, rule: &TransitionRule) -> std::result::Result<(), String> {
        let to = rule.to;
        if rule.sign_offs.len() > SIGN_OFFS {
            return Err(format!(
                "a rule for {to} asks for more than {SIGN_OFFS} sign-offs"
            ));
        }
        let members = |role: &String| &self.roles[role];
        let people: BTreeSet<&Principal> = rule.sign_offs.iter().flat_map(members).collect();
        if people.len() < rule.sign_offs.len() {
            return Err(format!("too few people have the roles that sign {to} off"));
        }
        if let Some(gate) = &rule.requires.gate {
            gate.check().map_err(|error| error.to_string())?;
        }
        for (measure, limit) in &rule.requires.max_drift {
            if !(limit.is_finite() && *limit >= 0.0) {
                return Err(format!("the limit of drift `{measure}` is {limit}"));
            }
        }
        match rule.requires.signature {
            Some(SignatureRule::Trusted(0)) => Err("no trusted signature is none".into()),
            Some(SignatureRule::Trusted(needed)) if needed > self.trusted_keys.len() => {
                Err(format!(
                    "{needed} trusted signatures are asked for, and {} keys are trusted",
                    self.trusted_keys.len()
                ))
            }
            _ => Ok(()),
        }
    }
}

impl Authorizer for Policy {
    /// Models (`registered_model`) and experiments (`experiment`) by name; anything else is denied.
    fn decide(&self, principal: &Principal, action: Action, access: &Access<'_>) -> Decision {
        if self.grants(principal, action, access.kind, access.name) {
            Decision::Allow
        } else {
            Decision::Deny
        }
    }
}

impl TryFrom<Raw> for Policy {
    type Error = String;
    fn try_from(raw: Raw) -> std::result::Result<Self, String> {
        let policy = Self {
            format: raw.format,
            roles: raw.roles,
            grants: raw.grants,
            transitions: raw.transitions,
            protected_aliases: raw.protected_aliases,
            trusted_keys: raw.trusted_keys,
        };
        policy.check()?;
        Ok(policy)
    }
}

fn any(patterns: &[Pattern], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(roles: &str, sign_offs: &str) -> Result<Policy> {
        Policy::from_json(&format!(
            r#"{{"format":1,"roles":{{"admin":["root"],{roles}}},
                "grants":[{{"role":"admin","models":["*"],"may":["administer"]}}],
                "transitions":[{{"models":["*"],"to":"Production","sign_offs":[{sign_offs}]}}]}}"#
        ))
    }

    #[test]
    fn a_rule_whose_sign_offs_too_few_people_could_give_is_refused() {
        let roles = r#""lead":["ada"],"risk":["ada"],"legal":["bo","cy"]"#;
        assert!(policy(roles, r#""lead","legal","legal""#).is_ok());
        // three people, and two of the three sign-offs are ada's
        let refused = policy(roles, r#""lead","risk","legal""#).unwrap_err();
        assert!(refused.to_string().contains("`risk`"), "{refused}");
        // one that is stored is read for ever
        let stored = policy(roles, r#""lead","legal","legal""#)
            .unwrap()
            .to_json();
        let stored = stored.replace(r#"["lead","legal","legal"]"#, r#"["lead","risk","legal"]"#);
        assert!(serde_json::from_str::<Policy>(&stored).is_ok());
        assert!(Policy::from_json(&stored).is_err());
    }

    #[cfg(feature = "sign")]
    #[test]
    fn a_key_that_does_not_read_is_refused_before_it_is_in_force() {
        let text = r#"{"format":1,"roles":{"admin":["root"]},
            "grants":[{"role":"admin","models":["*"],"may":["administer"]}],
            "trusted_keys":{"ci":"-----BEGIN PUBLIC KEY-----"}}"#;
        let refused = Policy::from_json(text).unwrap_err();
        assert!(refused.to_string().contains("`ci`"), "{refused}");
    }
}
