//! Webhooks and the queue of their deliveries.

use std::{collections::BTreeSet, sync::Arc};

use mlops_core::{EventTime, ManualClock, Span};
use mlops_registry::{Error, NewWebhook, Registry, WebhookEvent, WebhookUpdate};

fn webhook(events: impl IntoIterator<Item = WebhookEvent>) -> NewWebhook {
    NewWebhook {
        name: "ci".into(),
        description: String::new(),
        url: "https://hooks.example.com/".into(),
        events: events.into_iter().collect(),
        secret: Some("a secret".into()),
        active: true,
    }
}

fn seconds(seconds: i64) -> Span {
    Span::from_micros(seconds * 1_000_000).unwrap()
}

#[test]
fn a_delivery_is_claimed_by_one_until_its_lease_is_over() {
    let clock = Arc::new(ManualClock::new(EventTime::from_seconds(1_000)));
    let registry = Registry::builder("memory://")
        .clock(clock.clone())
        .open()
        .unwrap();
    let event = WebhookEvent::ModelVersionCreated;
    let made = registry.create_webhook(&webhook([event])).unwrap();
    assert_eq!(
        registry
            .queue_event(WebhookEvent::RegisteredModelCreated, "{}")
            .unwrap(),
        0
    );
    assert_eq!(registry.queue_event(event, "{}").unwrap(), 1);

    let claim = || registry.claim_deliveries(10, seconds(60)).unwrap();
    let first = claim();
    assert_eq!(
        (first.len(), first[0].attempt, first[0].webhook),
        (1, 1, made.id)
    );
    assert_eq!(first[0].secret.as_deref(), Some("a secret"));
    assert!(claim().is_empty());
    clock.advance(seconds(61));
    let again = claim();
    assert_eq!((again[0].id, again[0].attempt), (first[0].id, 2));
    registry.put_off_delivery(again[0].id, seconds(5)).unwrap();
    assert!(claim().is_empty());
    clock.advance(seconds(6));
    assert_eq!(claim()[0].attempt, 3);
    registry.finish_delivery(first[0].id).unwrap();
    clock.advance(seconds(600));
    assert!(claim().is_empty());
}

#[test]
fn a_webhook_that_is_off_or_gone_is_told_nothing() {
    let registry = Registry::memory().unwrap();
    let event = WebhookEvent::ModelVersionTagSet;
    let id = registry.create_webhook(&webhook([event])).unwrap().id;
    registry.queue_event(event, "{}").unwrap();
    let off = WebhookUpdate {
        active: Some(false),
        ..WebhookUpdate::default()
    };
    let changed = registry.update_webhook(id, &off).unwrap();
    assert!(!changed.active && changed.events == BTreeSet::from([event]));
    assert_eq!(registry.queue_event(event, "{}").unwrap(), 0);
    assert!(
        registry
            .claim_deliveries(10, seconds(60))
            .unwrap()
            .is_empty()
    );
    registry.delete_webhook(id).unwrap();
    assert!(registry.webhooks().unwrap().is_empty());
    assert!(matches!(
        registry.webhook(id),
        Err(Error::UnknownWebhook { .. })
    ));
    assert!(registry.create_webhook(&webhook([])).is_err());
}
