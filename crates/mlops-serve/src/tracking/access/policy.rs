//! The policy file: which principals there are, how they are known, and what their roles may do.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use mlops_core::{Digest, Principal};
use serde::Deserialize;

use super::{
    grant::{Role, Who},
    secret::{self, AccessToken, StoredPassword},
};
use crate::{Error, Result};

/// The format that this version reads.
const VERSION: u32 = 1;

/// Who may use a tracking server, and for what. What a policy does not name is denied.
///
/// ```
/// use mlops_serve::{AccessToken, ServerPolicy};
///
/// let policy = ServerPolicy::from_json(br#"{
///     "version": 1,
///     "roles": {
///         "scientist": {"experiments": {"*": "edit"}, "models": {"churn*": "edit", "*": "read"}},
///         "operator": {"experiments": {"*": "manage"}, "models": {"*": "manage"}, "server": "manage"}
///     },
///     "principals": {
///         "ada": {"roles": ["scientist"], "password": null, "tokens": []},
///         "grace": {"roles": ["operator"]}
///     }
/// }"#)?;
/// assert_eq!(policy.without_secrets(), ["ada", "grace"]);
/// let token = AccessToken::from_entropy(&[7; 32]);
/// let policy = policy.with_token("ada", &token.hash())?;
/// assert_eq!(policy.without_secrets(), ["grace"]);
/// # Ok::<(), mlops_serve::Error>(())
/// ```
///
/// Rights are `read`, `edit` and `manage`, each holding those before it; names are patterns in which `*`
/// stands for any run of characters. A password is an Argon2id hash ([`hash_password`](crate::hash_password)),
/// a token the hash of one ([`AccessToken::hash`]).
#[derive(Debug, Clone)]
pub struct ServerPolicy {
    principals: BTreeMap<String, Entry>,
    tokens: BTreeMap<Digest, Arc<Who>>,
}

#[derive(Debug, Clone)]
struct Entry {
    who: Arc<Who>,
    password: Option<StoredPassword>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default)]
    roles: BTreeMap<String, Role>,
    principals: BTreeMap<String, PrincipalEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PrincipalEntry {
    #[serde(default)]
    roles: BTreeSet<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    tokens: Vec<String>,
}

fn invalid(reason: String) -> Error {
    Error::InvalidSetting {
        setting: "policy",
        reason,
    }
}

impl ServerPolicy {
    /// Reads a policy from JSON.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if it is not JSON of this form, of another version, names a role that it
    /// does not have, a principal that cannot be one, a password or token that is not a hash, or one token
    /// twice.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let file: File = serde_json::from_slice(json)
            .map_err(|error| invalid(format!("it cannot be read: {error}")))?;
        if file.version != VERSION {
            return Err(invalid(format!(
                "it is of version {}, and this server reads version {VERSION}",
                file.version
            )));
        }
        let mut policy = Self {
            principals: BTreeMap::new(),
            tokens: BTreeMap::new(),
        };
        for (name, entry) in file.principals {
            policy.add(&name, &entry, &file.roles)?;
        }
        Ok(policy)
    }

    fn add(
        &mut self,
        name: &str,
        entry: &PrincipalEntry,
        roles: &BTreeMap<String, Role>,
    ) -> Result<()> {
        // the name of Basic authentication ends at the first colon
        if name.contains(':') {
            return Err(invalid(format!("principal `{name}` holds a colon")));
        }
        let principal = Principal::new(name)?;
        let held = entry.roles.iter().map(|role| {
            roles.get(role).cloned().ok_or_else(|| {
                invalid(format!(
                    "principal `{name}` has role `{role}`, which is not there"
                ))
            })
        });
        let who = Arc::new(Who {
            principal,
            roles: Some(held.collect::<Result<_>>()?),
        });
        let password = entry.password.as_deref().map(StoredPassword::read);
        let password = password
            .transpose()
            .map_err(|reason| invalid(format!("the password of `{name}`: {reason}")))?;
        for token in &entry.tokens {
            self.add_token(name, &who, token)?;
        }
        self.principals
            .insert(name.to_owned(), Entry { who, password });
        Ok(())
    }

    fn add_token(&mut self, name: &str, who: &Arc<Who>, hash: &str) -> Result<()> {
        let digest = secret::read_token_hash(hash).ok_or_else(|| {
            invalid(format!(
                "a token of `{name}` is not a hash as `blake3:` and 64 digits"
            ))
        })?;
        match self.tokens.insert(digest, Arc::clone(who)) {
            Some(_) => Err(invalid(format!("a token of `{name}` is given twice"))),
            None => Ok(()),
        }
    }

    /// Adds a token, by its hash, to a principal.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if there is no such principal, or as for a token in the file.
    pub fn with_token(mut self, principal: &str, hash: &str) -> Result<Self> {
        let who = match self.principals.get(principal) {
            Some(entry) => Arc::clone(&entry.who),
            None => return Err(invalid(format!("there is no principal `{principal}`"))),
        };
        self.add_token(principal, &who, hash)?;
        Ok(self)
    }

    /// The principals that have neither a password nor a token, by name.
    pub fn without_secrets(&self) -> Vec<&str> {
        let has_token = |who: &Arc<Who>| self.tokens.values().any(|held| Arc::ptr_eq(held, who));
        self.principals
            .iter()
            .filter(|(_, entry)| entry.password.is_none() && !has_token(&entry.who))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// Whose token it is.
    pub(super) fn of_token(&self, token: &str) -> Option<&Arc<Who>> {
        self.tokens.get(&secret::digest(token))
    }

    /// The principal of that name and their password's hash, if they have one.
    pub(super) fn of_name(&self, name: &str) -> Option<(&Arc<Who>, &StoredPassword)> {
        let entry = self.principals.get(name)?;
        Some((&entry.who, entry.password.as_ref()?))
    }
}

impl AccessToken {
    /// Whether a policy knows the token.
    #[cfg(test)]
    fn is_known_to(&self, policy: &ServerPolicy) -> bool {
        policy.of_token(self.secret()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_says_something_else_than_it_seems_is_refused() {
        let token = AccessToken::from_entropy(&[1; 32]).hash();
        let cases = [
            ("{}".to_owned(), "missing field"),
            (r#"{"version": 2, "principals": {}}"#.into(), "version 2"),
            (
                r#"{"version": 1, "principals": {}, "princpals": {}}"#.into(),
                "unknown field",
            ),
            (
                r#"{"version": 1, "principals": {"ada": {"roles": ["x"]}}}"#.into(),
                "role `x`",
            ),
            (
                r#"{"version": 1, "roles": {"x": {"model": {}}}, "principals": {}}"#.into(),
                "unknown field",
            ),
            (
                r#"{"version": 1, "roles": {"x": {"models": {"*": "own"}}}, "principals": {}}"#
                    .into(),
                "unknown variant",
            ),
            (
                r#"{"version": 1, "principals": {"ada": {"password": "secret"}}}"#.into(),
                "not in PHC form",
            ),
            (
                r#"{"version": 1, "principals": {"ada": {"tokens": ["mlops_0"]}}}"#.into(),
                "not a hash",
            ),
            (
                r#"{"version": 1, "principals": {"a:b": {}}}"#.into(),
                "holds a colon",
            ),
            (
                format!(
                    r#"{{"version": 1, "principals": {{"a": {{"tokens": ["{token}"]}}, "b": {{"tokens": ["{token}"]}}}}}}"#
                ),
                "twice",
            ),
        ];
        for (json, expect) in cases {
            let error = ServerPolicy::from_json(json.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(expect), "{json}: {error}");
        }
    }

    #[test]
    fn a_token_is_known_by_its_hash_alone() {
        let token = AccessToken::from_entropy(&[1; 32]);
        let policy =
            ServerPolicy::from_json(br#"{"version": 1, "principals": {"ada": {}}}"#).unwrap();
        assert!(!token.is_known_to(&policy));
        let policy = policy.with_token("ada", &token.hash()).unwrap();
        assert!(token.is_known_to(&policy));
        assert!(!AccessToken::from_entropy(&[2; 32]).is_known_to(&policy));
        assert!(policy.clone().with_token("eve", &token.hash()).is_err());
        assert!(!format!("{policy:?} {token:?}").contains(token.secret()));
    }
}
