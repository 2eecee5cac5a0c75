//! No JSON makes a policy panic, and an accepted one is written as it was read and decides as it says.
//!
//! Up to the first NUL the input is the policy of a registry, up to the second one that of a tracking server, and
//! then a pattern and a name.

use mlops_core::{Access, Action, Authorizer, Decision, ModelName, Principal};
use mlops_registry::{Pattern, Policy};
use mlops_serve::ServerPolicy;

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let mut parts = data.splitn(4, |byte| *byte == 0);
    let mut part = || parts.next().unwrap_or_default();
    let (registry, server, pattern, name) = (part(), part(), part(), part());
    if let Ok(policy) = std::str::from_utf8(registry).map(Policy::from_json) {
        check(policy);
    }
    if let Ok(policy) = ServerPolicy::from_json(server) {
        let _ = policy.without_secrets();
        let _ = policy.with_token("ada", "blake3:x");
    }
    let (Ok(pattern), Ok(name)) = (std::str::from_utf8(pattern), std::str::from_utf8(name)) else {
        return;
    };
    if let Ok(read) = Pattern::new(pattern) {
        let fits = read.matches(name);
        assert!(!pattern.contains('*') && fits == (pattern == name) || pattern.contains('*'));
        assert!(read.matches(&pattern.replace('*', "")));
    }
}

fn check(policy: mlops_registry::Result<Policy>) {
    let policy = match policy {
        Ok(policy) => policy,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let json = policy.to_json();
    let back = Policy::from_json(&json).expect("what is written is read");
    assert_eq!(back, policy);
    assert_eq!(back.digest(), policy.digest());
    for principal in ["ada", "grace", "root"] {
        let principal = Principal::new(principal).expect("a principal");
        for name in ["churn", "fraud"] {
            let model = ModelName::new(name).expect("a name");
            for action in [Action::Read, Action::Write, Action::Promote, Action::Administer] {
                let allowed = policy.allow(&principal, action, &model).is_ok();
                let access = Access {
                    kind: "registered_model",
                    name,
                    column: None,
                    personal: false,
                };
                assert_eq!(allowed, policy.decide(&principal, action, &access) == Decision::Allow);
                assert!(!allowed || !policy.roles_of(&principal).is_empty());
            }
        }
    }
}
