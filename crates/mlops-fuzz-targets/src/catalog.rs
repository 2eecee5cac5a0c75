//! No JSON makes a catalog or an access policy panic, and an accepted one is written as it was read.
//!
//! Up to the first NUL the input is a catalog, after it a policy. Whatever the catalog holds can be listed,
//! searched, traced and changed; the policy is asked about every view of it.

use std::sync::Arc;

use mlops_core::{Access, Action, Authorizer, EventTime, ManualClock, Principal};
use mlops_features::{AccessPolicy, Catalog, Node, Outcome};

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let mut part = || parts.next().unwrap_or_default();
    let clock = Arc::new(ManualClock::new(EventTime::MIN));
    let catalog = Catalog::from_json(part(), clock.clone());
    let policy: AccessPolicy = serde_json::from_slice(part()).unwrap_or_default();
    let text = serde_json::to_string(&policy).expect("a policy serialises");
    assert_eq!(
        serde_json::from_str::<AccessPolicy>(&text).ok(),
        Some(policy.clone())
    );
    let Ok(catalog) = catalog else { return };
    let json = catalog.to_json();
    let back = Catalog::from_json(&json, clock).expect("what is written is read");
    assert_eq!(back.to_json(), json);
    let listing = catalog.listing();
    let _ = (
        listing.to_string(),
        serde_json::to_string(&listing).expect("a listing serialises"),
    );
    let principals = policy.roles().values().flat_map(|role| &role.members);
    let principals: Vec<&Principal> = principals.take(4).collect();
    for entry in catalog.views().into_iter().take(16) {
        let reference = format!("{}@v{}", entry.name, entry.version);
        let view = catalog.view(&reference).expect("it is listed");
        assert_eq!(view.digest(), entry.digest);
        assert!(!catalog.search(&entry.name).is_empty());
        let node = Node::View {
            name: entry.name.clone(),
            version: entry.version,
        };
        let _ = catalog.downstream(node.clone()).map(|trace| trace.to_string());
        let _ = catalog.upstream(node).map(|trace| trace.to_string());
        for field in view.fields() {
            for principal in &principals {
                let access = Access {
                    kind: "feature_view",
                    name: view.name().as_str(),
                    column: Some(field.name()),
                    personal: field.is_pii(),
                };
                let _ = policy.decide(principal, Action::Read, &access);
            }
        }
        if entry.current {
            let again = catalog.apply_view(&view).expect("in memory");
            assert!(matches!(again, Outcome::Unchanged { .. }));
        }
    }
}
