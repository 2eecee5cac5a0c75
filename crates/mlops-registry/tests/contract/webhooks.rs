//! Webhooks, the queue of their deliveries, and the trail that fills it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use mlops_core::{ManualClock, Seed, Span};
use mlops_registry::{
    Delivery, Error, NewVersion, NewWebhook, RegisteredModel, Registry, WebhookEvent, WebhookUpdate,
};
use rusqlite::Connection;

use crate::{
    crash::{after, kill, say},
    crash_models::{BACKENDS, in_logs},
    fixture::{alias, clock, in_memory, name, on_every_backend, open},
};

fn webhook(events: impl IntoIterator<Item = WebhookEvent>) -> NewWebhook {
    NewWebhook {
        name: "ci".into(),
        description: String::new(),
        url: "https://hooks.example.com/".into(),
        events: events.into_iter().collect(),
        secret: None,
        active: true,
    }
}

fn seconds(seconds: i64) -> Span {
    Span::from_micros(seconds * 1_000_000).unwrap()
}

fn timed() -> (Arc<ManualClock>, Registry) {
    let clock = clock();
    (clock.clone(), in_memory(clock))
}

/// Everything in the queue, as entity, action and data.
fn queue(registry: &Registry) -> Vec<(Delivery, serde_json::Value)> {
    let claimed = registry.claim_deliveries(100_000, seconds(0)).unwrap();
    let read = |delivery: Delivery| {
        let body = serde_json::from_str(&delivery.payload).unwrap();
        (delivery, body)
    };
    claimed.into_iter().map(read).collect()
}

fn told(registry: &Registry) -> Vec<String> {
    let text = |(_, body): (Delivery, serde_json::Value)| {
        let part = |at: &str| body[at].as_str().unwrap().to_owned();
        format!("{}.{} {}", part("entity"), part("action"), body["data"])
    };
    queue(registry).into_iter().map(text).collect()
}

/// A change of each sort that is told of, and some that are not.
fn change_all(model: &RegisteredModel) {
    let version = NewVersion::source("runs:/x/model").description("first");
    model.register_version(version).unwrap();
    model.set_version_tag(1, "k", "v").unwrap();
    model.set_description("not told").unwrap();
    model.delete_version_tag(1, "k").unwrap();
    model.set_alias(&alias("live"), 1).unwrap();
    model.delete_alias(&alias("live")).unwrap();
}

#[test]
fn a_delivery_is_claimed_by_one_until_its_lease_is_over() {
    let (clock, registry) = timed();
    let made = registry
        .create_webhook(&webhook([WebhookEvent::ModelVersionCreated]))
        .unwrap();
    let model = registry.model("churn").unwrap();
    assert_eq!(registry.queue_events(None).unwrap(), 0);
    model
        .register_version(NewVersion::source("runs:/x/model"))
        .unwrap();
    assert_eq!(registry.queue_events(None).unwrap(), 1);
    assert_eq!(registry.queue_events(None).unwrap(), 0, "each once");

    let claim = || registry.claim_deliveries(10, seconds(60)).unwrap();
    let first = claim();
    assert_eq!(
        (first.len(), first[0].attempt, first[0].webhook),
        (1, 1, made.id)
    );
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
fn what_is_told_is_what_the_trail_tells_on_every_backend() {
    on_every_backend(|registry| {
        registry.model("before").unwrap();
        registry
            .create_webhook(&webhook(WebhookEvent::ALL))
            .unwrap();
        let model = registry.model("churn").unwrap();
        change_all(&model);
        registry.queue_events(None).unwrap();
        assert_eq!(
            told(&registry),
            [
                r#"registered_model.created {"description":"","name":"churn","tags":{}}"#,
                r#"model_version.created {"description":"first","name":"churn","run_id":null,"source":"runs:/x/model","tags":{},"version":"1"}"#,
                r#"model_version_tag.set {"key":"k","name":"churn","value":"v","version":"1"}"#,
                r#"model_version_tag.deleted {"key":"k","name":"churn","version":"1"}"#,
                r#"model_version_alias.created {"alias":"live","name":"churn","version":"1"}"#,
                r#"model_version_alias.deleted {"alias":"live","name":"churn"}"#,
            ]
        );
        assert_eq!(registry.queue_events(None).unwrap(), 0);
        let other = registry.model("other").unwrap();
        assert_eq!(registry.queue_events(Some(other.name())).unwrap(), 1);
    });
}

#[test]
fn a_webhook_is_told_of_what_happens_while_it_is_there_and_on() {
    on_every_backend(|registry| {
        registry.model("before").unwrap();
        let event = WebhookEvent::RegisteredModelCreated;
        let id = registry.create_webhook(&webhook([event])).unwrap().id;
        registry.model("while on").unwrap();
        // nobody has queued it yet, and it is not lost
        let set = |active| WebhookUpdate {
            active: Some(active),
            ..WebhookUpdate::default()
        };
        let changed = registry.update_webhook(id, &set(false)).unwrap();
        assert!(!changed.active && changed.events == BTreeSet::from([event]));
        registry.model("while off").unwrap();
        assert!(
            told(&registry).is_empty(),
            "one that is off is told nothing"
        );
        registry.update_webhook(id, &set(true)).unwrap();
        let second = registry.create_webhook(&webhook([event])).unwrap().id;
        registry.model("on again").unwrap();
        registry.queue_events(None).unwrap();
        let names = |id| {
            let queued = queue(&registry).into_iter();
            let mine = queued.filter(|(delivery, _)| delivery.webhook == id);
            mine.map(|(_, body)| body["data"]["name"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(id), ["while on", "on again"]);
        assert_eq!(names(second), ["on again"]);
        for id in [id, second] {
            registry.delete_webhook(id).unwrap();
        }
        registry.model("with none").unwrap();
        assert_eq!(registry.queue_events(None).unwrap(), 0);
        let third = registry.create_webhook(&webhook([event])).unwrap().id;
        registry.queue_events(None).unwrap();
        assert_eq!(names(third), [""; 0], "a first one begins at the end again");
        assert!(matches!(
            registry.webhook(id),
            Err(Error::UnknownWebhook { .. })
        ));
        assert!(registry.create_webhook(&webhook([])).is_err());
    });
}

#[test]
fn what_another_process_or_machine_does_is_told_as_well() {
    let directory = tempfile::tempdir().unwrap();
    let (here, beside) = (
        open(directory.path()).unwrap(),
        open(directory.path()).unwrap(),
    );
    here.create_webhook(&webhook(WebhookEvent::ALL)).unwrap();
    change_all(&beside.model("churn").unwrap());
    assert_eq!(here.queue_events(None).unwrap(), 6);
    assert_eq!(
        beside.queue_events(None).unwrap(),
        0,
        "one of them is enough"
    );

    // two machines with a database each, and models that they share
    let directory = tempfile::tempdir().unwrap();
    let machine = |name: &str| {
        let path = directory.path().join(name);
        let models = mlops_store::Location::file(directory.path().join("models"));
        let url = format!("sqlite://{}/mlops.db", path.display());
        Registry::builder(url).models_at(models).open().unwrap()
    };
    let (here, there) = (machine("a"), machine("b"));
    here.create_webhook(&webhook(WebhookEvent::ALL)).unwrap();
    change_all(&there.model("churn").unwrap());
    there.create_webhook(&webhook(WebhookEvent::ALL)).unwrap();
    assert_eq!(here.queue_events(None).unwrap(), 6);
    assert_eq!(there.queue_events(None).unwrap(), 0);
}

#[test]
fn models_that_are_moved_to_another_place_are_told_from_there_on() {
    let directory = tempfile::tempdir().unwrap();
    let here = open(directory.path()).unwrap();
    here.create_webhook(&webhook(WebhookEvent::ALL)).unwrap();
    drop(here);
    let other = tempfile::tempdir().unwrap();
    change_all(&in_logs(other.path()).model("churn").unwrap());
    let models = mlops_store::Location::file(other.path().join("models"));
    let url = crate::fixture::url(directory.path());
    let moved = Registry::builder(url).models_at(models).open().unwrap();
    assert_eq!(moved.queue_events(None).unwrap(), 0, "that is history");
    moved.model("new").unwrap();
    assert_eq!(moved.queue_events(None).unwrap(), 1);
}

/// Versions with a tag and an alias each, and somebody who queues now and then.
pub(crate) fn change_and_queue_for_ever(registry: &Registry) {
    let model = registry.model("churn").unwrap();
    for round in 0_u64.. {
        let version = NewVersion::source("runs:/x/model").tag("round", round.to_string());
        let version = model.register_version(&version).unwrap().version;
        say(&format!("ack version {version}"));
        model.set_version_tag(version, "k", "v").unwrap();
        say(&format!("ack tag {version}"));
        model.set_alias(&alias("canary"), version).unwrap();
        say(&format!("ack alias {version}"));
        if round % 2 == 1 {
            registry.queue_events(None).unwrap();
        }
    }
}

#[test]
fn a_kill_at_any_moment_leaves_each_acknowledged_change_in_the_queue_once() {
    for (suffix, open) in BACKENDS {
        let directory = tempfile::tempdir().unwrap();
        let registry = open(directory.path());
        registry
            .create_webhook(&webhook(WebhookEvent::ALL))
            .unwrap();
        drop(registry);
        let mut rng = Seed(21).rng();
        let mut acknowledged = Vec::new();
        for round in 0..12 {
            let work = format!("webhooks{suffix}");
            let lines = kill(directory.path(), &work, round, "ack", 150, &mut rng);
            acknowledged.extend(after(&lines, "ack ").map(str::to_owned));
        }
        let registry = open(directory.path());
        registry.queue_events(None).unwrap();
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for (delivery, body) in queue(&registry) {
            let sort = match body["entity"].as_str().unwrap() {
                "model_version" => "version",
                "model_version_tag" => "tag",
                "model_version_alias" => "alias",
                _ => continue,
            };
            let version = body["data"]["version"].as_str().unwrap();
            *counts.entry(format!("{sort} {version}")).or_default() += 1;
            assert!(ids.insert(delivery.id), "an identity of its own");
        }
        assert!(acknowledged.len() > 20, "{acknowledged:?} on{suffix}");
        for change in &acknowledged {
            assert_eq!(counts.get(change), Some(&1), "{change} on{suffix}");
        }
        // what was under way when the process died is in the trail and in the queue, or in neither
        let entries = registry.audit(Some(&name("churn"))).unwrap();
        let told = entries
            .iter()
            .filter(|entry| entry.version.is_some())
            .count();
        assert_eq!(counts.values().sum::<u32>() as usize, told);
        assert!(counts.values().all(|count| *count == 1));
    }
}

#[test]
fn without_a_key_no_webhook_has_a_secret() {
    let registry = Registry::memory().unwrap();
    let with_secret = NewWebhook {
        secret: Some("a secret".into()),
        ..webhook(WebhookEvent::ALL)
    };
    let refused = registry.create_webhook(&with_secret).unwrap_err();
    assert!(matches!(refused, Error::SecretKey { .. }), "{refused}");
    assert!(registry.webhooks().unwrap().is_empty());
    let id = registry
        .create_webhook(&webhook(WebhookEvent::ALL))
        .unwrap()
        .id;
    let update = WebhookUpdate {
        secret: Some("a secret".into()),
        ..WebhookUpdate::default()
    };
    let refused = registry.update_webhook(id, &update).unwrap_err();
    assert!(matches!(refused, Error::SecretKey { .. }), "{refused}");
}

/// A database of before secrets were encrypted, with one in the clear.
fn with_a_secret_in_the_clear(directory: &Path) {
    let registry = open(directory).unwrap();
    registry
        .create_webhook(&webhook([WebhookEvent::RegisteredModelCreated]))
        .unwrap();
    drop(registry);
    let raw = Connection::open(directory.join("mlops.db")).unwrap();
    raw.execute_batch("UPDATE webhook SET secret = 'the-secret-in-the-clear'")
        .unwrap();
}

#[test]
fn a_secret_in_the_clear_is_of_no_use_until_there_is_a_key() {
    let directory = tempfile::tempdir().unwrap();
    with_a_secret_in_the_clear(directory.path());
    let registry = open(directory.path()).unwrap();
    let error = registry.check_webhook_secrets().unwrap_err();
    assert!(matches!(error, Error::SecretKey { .. }), "{error}");
    registry.model("churn").unwrap();
    assert_eq!(registry.queue_events(None).unwrap(), 1);
    assert!(queue(&registry).is_empty(), "nothing goes out unsigned");
}

#[cfg(feature = "encryption")]
mod sealed {
    use std::fs;

    use mlops_registry::SecretKeys;

    use super::*;

    fn with(directory: &Path, keys: SecretKeys) -> Registry {
        let builder = Registry::builder(crate::fixture::url(directory));
        builder.secret_keys(keys).open().unwrap()
    }

    fn on_disk(directory: &Path, text: &str) -> bool {
        ["mlops.db", "mlops.db-wal"].into_iter().any(|file| {
            let bytes = fs::read(directory.join(file)).unwrap_or_default();
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        })
    }

    #[test]
    fn a_secret_is_on_the_disk_as_a_cipher_alone_and_keys_can_be_changed() {
        let directory = tempfile::tempdir().unwrap();
        let (first, second) = ([1; 32], [2; 32]);
        let registry = with(directory.path(), SecretKeys::new(first));
        let new = NewWebhook {
            secret: Some("quite-a-long-secret".into()),
            ..webhook([WebhookEvent::RegisteredModelCreated])
        };
        registry.create_webhook(&new).unwrap();
        registry.model("churn").unwrap();
        registry.queue_events(None).unwrap();
        let secret = |registry: &Registry| {
            let claimed = registry.claim_deliveries(10, seconds(0)).unwrap();
            claimed.first().map(|one| one.secret.clone().unwrap())
        };
        assert_eq!(secret(&registry).as_deref(), Some("quite-a-long-secret"));
        drop(registry);
        assert!(!on_disk(directory.path(), "quite-a-long-secret"));

        let other = with(directory.path(), SecretKeys::new(second));
        let error = other.check_webhook_secrets().unwrap_err();
        assert!(matches!(error, Error::SecretKey { .. }), "{error}");
        assert_eq!(secret(&other), None);
        assert!(other.reseal_webhook_secrets().is_err());
        let both = with(directory.path(), SecretKeys::new(second).or_old(first));
        both.check_webhook_secrets().unwrap();
        assert_eq!(both.reseal_webhook_secrets().unwrap(), 1);
        assert_eq!(both.reseal_webhook_secrets().unwrap(), 0);
        drop(both);
        let other = with(directory.path(), SecretKeys::new(second));
        other.check_webhook_secrets().unwrap();
        assert_eq!(secret(&other).as_deref(), Some("quite-a-long-secret"));
    }

    #[test]
    fn a_secret_in_the_clear_is_sealed_and_wiped() {
        let directory = tempfile::tempdir().unwrap();
        with_a_secret_in_the_clear(directory.path());
        assert!(on_disk(directory.path(), "the-secret-in-the-clear"));
        let registry = with(directory.path(), SecretKeys::new([3; 32]));
        assert_eq!(registry.reseal_webhook_secrets().unwrap(), 1);
        registry.check_webhook_secrets().unwrap();
        drop(registry);
        assert!(!on_disk(directory.path(), "the-secret-in-the-clear"));
        let raw = Connection::open(directory.path().join("mlops.db")).unwrap();
        raw.execute_batch("UPDATE webhook SET sealed = zeroblob(60)")
            .unwrap();
        drop(raw);
        let registry = with(directory.path(), SecretKeys::new([3; 32]));
        assert!(registry.check_webhook_secrets().is_err());
    }
}
