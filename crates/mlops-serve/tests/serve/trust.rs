//! An endpoint with a trust policy: only what is signed as it asks gets to serve.

use std::{fs, sync::Arc};

use mlops_core::{ErrorKind, EventTime, ManualClock, VersionNumber};
use mlops_model::{Error as ModelError, SigningKey, TrustPolicy, TrustedKey};
use mlops_serve::{Endpoint, Error, Refreshed};

use crate::support::{REFERENCE, Shop, churn, row};

fn sign(shop: &Shop, version: VersionNumber, key: &SigningKey, name: &str) {
    let package = shop.registry.load(&churn(), version).unwrap();
    let signature = package.sign(key).to_base64();
    let model = shop.registry.model("churn").unwrap();
    model
        .add_signature(version, name, signature.as_bytes())
        .unwrap();
}

fn untrusted(error: &Error) -> bool {
    error.kind() == ErrorKind::Denied && matches!(error, Error::Model(ModelError::Untrusted { .. }))
}

#[test]
fn only_signed_versions_serve_and_an_unsigned_one_does_not_take_over() {
    let shop = Shop::new();
    let (key, stranger) = (
        SigningKey::generate().unwrap(),
        SigningKey::generate().unwrap(),
    );
    let policy = TrustPolicy::single("release", key.public_key()).unwrap();
    let open = || {
        Endpoint::open_trusted(
            &shop.registry,
            REFERENCE,
            policy.clone(),
            shop.clock.clone(),
        )
    };
    let first = shop.release(1.0);
    assert!(untrusted(&open().unwrap_err()), "unsigned");
    sign(&shop, first, &stranger, "stranger.sig");
    assert!(untrusted(&open().unwrap_err()), "signed by another key");
    sign(&shop, first, &key, "release.sig");
    let endpoint = open().unwrap();

    let second = shop.release(2.0);
    let model = shop.registry.model("churn").unwrap();
    let stolen = shop.registry.signatures(&churn(), first).unwrap();
    model
        .add_signature(second, "stolen.sig", &stolen["release.sig"])
        .unwrap();
    model.add_signature(second, "noise.sig", b"noise").unwrap();
    assert!(untrusted(&endpoint.refresh().unwrap_err()));
    assert_eq!(
        endpoint.predict_row(row(1.0, 1, "UK")).unwrap().version,
        first
    );
    assert!(
        endpoint
            .last_error()
            .unwrap()
            .contains("1 trusted keys must have signed")
    );

    sign(&shop, second, &key, "release.sig");
    let swapped = Refreshed::Swapped {
        from: first,
        to: second,
    };
    assert_eq!(endpoint.refresh().unwrap(), swapped);
    // without a policy nothing is asked for
    shop.release(3.0);
    Endpoint::open(&shop.registry, REFERENCE).unwrap();
}

#[test]
fn a_key_counts_at_the_endpoints_own_time() {
    let shop = Shop::new();
    let key = SigningKey::generate().unwrap();
    let version = shop.release(1.0);
    sign(&shop, version, &key, "release.sig");
    let clock = Arc::new(ManualClock::new(EventTime::from_seconds(99)));
    let until = EventTime::from_seconds(100);
    let trusted = TrustedKey::new("release", key.public_key()).valid_until(until);
    let policy = TrustPolicy::new(1, [trusted]).unwrap();
    let open = || Endpoint::open_trusted(&shop.registry, REFERENCE, policy.clone(), clock.clone());
    open().unwrap();
    clock.set(until);
    assert!(untrusted(&open().unwrap_err()));
}

#[test]
fn a_damaged_signature_is_named() {
    let shop = Shop::new();
    let key = SigningKey::generate().unwrap();
    let version = shop.release(1.0);
    sign(&shop, version, &key, "release.sig");
    let model = shop.registry.model("churn").unwrap();
    let digest = model.version(version).unwrap().signatures["release.sig"].to_string();
    fs::write(shop.blob(&digest), b"MEUC").unwrap();
    let policy = TrustPolicy::single("release", key.public_key()).unwrap();
    let opened = Endpoint::open_trusted(&shop.registry, REFERENCE, policy, shop.clock.clone());
    let error = opened.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("release.sig"), "{error}");
}
