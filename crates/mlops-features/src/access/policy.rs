//! Grants by role, as data.

use std::collections::{BTreeMap, BTreeSet};

use mlops_core::{Access, Action, Authorizer, Decision, Masking, Principal};
use serde::{Deserialize, Serialize};

/// The sort of thing that a policy speaks of.
pub(super) const VIEW: &str = "feature_view";
/// Every view.
const ANY: &str = "*";

/// Which principals may read which columns: what it does not grant is denied.
///
/// ```
/// use mlops_core::{Masking, Principal};
/// use mlops_features::{AccessPolicy, Personal};
///
/// let policy = AccessPolicy::new()
///     .member("analyst", Principal::new("ada")?)
///     .grant("analyst", "purchase", ["amount", "phone"])
///     .grant_all("analyst", "weather")
///     .personal("analyst", Personal::Masked(Masking::Hash));
/// let json = serde_json::to_value(&policy)?;
/// assert_eq!(json["roles"]["analyst"]["views"]["weather"], "*");
/// assert_eq!(serde_json::from_value::<AccessPolicy>(json)?, policy);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessPolicy {
    roles: BTreeMap<String, RoleGrants>,
}

/// What one role may read, and who has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoleGrants {
    /// Who has the role.
    pub members: BTreeSet<Principal>,
    /// The columns by view; `*` is every view.
    pub views: BTreeMap<String, Columns>,
    /// What becomes of personal data in these columns.
    pub personal: Personal,
}

/// Columns of a view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Columns {
    /// Those with these names; in JSON a list.
    Only(BTreeSet<String>),
    /// All that there are and will be; in JSON `"*"`.
    All(All),
}

/// The text `*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum All {
    /// The only one.
    #[serde(rename = "*")]
    Columns,
}

/// What becomes of personal data in granted columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Personal {
    /// It is refused, grant or not.
    #[default]
    Refused,
    /// It is masked.
    Masked(Masking),
    /// It is shown as it is.
    Shown,
}

impl AccessPolicy {
    /// A policy that denies everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives somebody a role.
    #[must_use]
    pub fn member(mut self, role: impl Into<String>, principal: Principal) -> Self {
        self.role(role).members.insert(principal);
        self
    }

    /// Lets a role read some columns of a view.
    #[must_use]
    pub fn grant<C: Into<String>>(
        mut self,
        role: impl Into<String>,
        view: impl Into<String>,
        columns: impl IntoIterator<Item = C>,
    ) -> Self {
        let none = || Columns::Only(BTreeSet::new());
        let granted = self
            .role(role)
            .views
            .entry(view.into())
            .or_insert_with(none);
        if let Columns::Only(names) = granted {
            names.extend(columns.into_iter().map(Into::into));
        }
        self
    }

    /// Lets a role read all columns of a view, those to come included; the view `*` is every view.
    ///
    /// Personal data among them is still subject to [`personal`](Self::personal).
    #[must_use]
    pub fn grant_all(mut self, role: impl Into<String>, view: impl Into<String>) -> Self {
        let views = &mut self.role(role).views;
        views.insert(view.into(), Columns::All(All::Columns));
        self
    }

    /// What becomes of personal data in the columns of a role.
    #[must_use]
    pub fn personal(mut self, role: impl Into<String>, personal: Personal) -> Self {
        self.role(role).personal = personal;
        self
    }

    /// The roles by name.
    pub fn roles(&self) -> &BTreeMap<String, RoleGrants> {
        &self.roles
    }

    fn role(&mut self, role: impl Into<String>) -> &mut RoleGrants {
        self.roles.entry(role.into()).or_default()
    }
}

impl RoleGrants {
    fn decide(&self, access: &Access<'_>) -> Decision {
        let grants = [access.name, ANY].map(|view| self.views.get(view));
        let mut grants = grants.into_iter().flatten();
        let granted = match access.column {
            // some column of it
            None => grants.any(|columns| match columns {
                Columns::Only(names) => !names.is_empty(),
                Columns::All(_) => true,
            }),
            Some(column) => grants.any(|columns| match columns {
                Columns::Only(names) => names.contains(column),
                Columns::All(_) => true,
            }),
        };
        match (granted, access.personal, self.personal) {
            (false, _, _) | (true, true, Personal::Refused) => Decision::Deny,
            (true, true, Personal::Masked(masking)) => Decision::Mask(masking),
            (true, false, _) | (true, true, Personal::Shown) => Decision::Allow,
        }
    }
}

impl Authorizer for AccessPolicy {
    /// The best answer that any role of the principal has. Only reading is granted.
    fn decide(&self, principal: &Principal, action: Action, access: &Access<'_>) -> Decision {
        if action != Action::Read || access.kind != VIEW {
            return Decision::Deny;
        }
        let roles = self.roles.values();
        let roles = roles.filter(|role| role.members.contains(principal));
        let best = roles.map(|role| role.decide(access)).max();
        best.unwrap_or(Decision::Deny)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access<'a>(name: &'a str, column: Option<&'a str>, personal: bool) -> Access<'a> {
        Access {
            kind: VIEW,
            name,
            column,
            personal,
        }
    }

    #[test]
    fn what_no_role_grants_is_denied() {
        let ada = Principal::new("ada").unwrap();
        let policy = AccessPolicy::new()
            .member("analyst", ada.clone())
            .grant("analyst", "purchase", ["amount", "phone"])
            .grant("analyst", "*", ["country"])
            .grant("owner", "visit", ["page"])
            .grant_all("auditor", "*")
            .personal("auditor", Personal::Masked(Masking::Redact));
        let check = |policy: &AccessPolicy, access: Access<'_>, expect: Decision| {
            assert_eq!(
                policy.decide(&ada, Action::Read, &access),
                expect,
                "{access:?}"
            );
        };
        check(
            &policy,
            access("purchase", Some("amount"), false),
            Decision::Allow,
        );
        check(
            &policy,
            access("purchase", Some("amoun"), false),
            Decision::Deny,
        );
        check(
            &policy,
            access("purchase", Some("*"), false),
            Decision::Deny,
        );
        check(
            &policy,
            access("purchase", Some("phone"), true),
            Decision::Deny,
        );
        check(&policy, access("purchase", None, false), Decision::Allow);
        check(
            &policy,
            access("visit", Some("page"), false),
            Decision::Deny,
        );
        check(
            &policy,
            access("visit", Some("country"), false),
            Decision::Allow,
        );
        let write = policy.decide(
            &ada,
            Action::Write,
            &access("purchase", Some("amount"), false),
        );
        assert_eq!(write, Decision::Deny);

        let both = policy.member("auditor", ada.clone());
        check(&both, access("visit", Some("page"), false), Decision::Allow);
        let masked = Decision::Mask(Masking::Redact);
        check(&both, access("purchase", Some("phone"), true), masked);
        let none = AccessPolicy::new();
        check(&none, access("visit", None, false), Decision::Deny);
    }

    #[test]
    fn a_policy_that_says_something_unknown_is_refused() {
        for bad in [
            r#"{"roles": {"a": {"member": []}}}"#,
            r#"{"roles": {"a": {"views": {"v": "all"}}}}"#,
            r#"{"roles": {"a": {"personal": "hidden"}}}"#,
            r#"{"roles": {"a": {"members": [""]}}}"#,
            r#"{"role": {}}"#,
        ] {
            assert!(serde_json::from_str::<AccessPolicy>(bad).is_err(), "{bad}");
        }
    }
}
