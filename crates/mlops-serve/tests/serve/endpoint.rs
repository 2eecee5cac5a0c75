//! The endpoint in process: rows, keys, swaps and what must not swap.

use std::{collections::BTreeMap, fs, time::Duration};

use mlops_core::{EntityKey, ErrorKind, Lineage, Span, Value};
use mlops_model::{
    Encoder, Estimator, Input, InputKind, Linear, Link, ModelPackage, ModelSpec, Output,
    Preprocess, Signature,
};
use mlops_serve::{
    Delivery, Endpoint, Error, LogOptions, PredictionLog, Refreshed, RequestFeatures,
};

use crate::support::{BUYER, REFERENCE, Shop, churn, expected, logistic, package, row};

#[test]
fn a_key_is_answered_with_its_features_as_of_now() {
    let shop = Shop::new();
    let version = shop.release(2.0);
    let endpoint = shop.endpoint();
    let answer = endpoint.predict(&EntityKey::from(BUYER)).unwrap();
    assert_eq!(
        (answer.prediction, answer.version),
        (expected(2.0), version)
    );
    assert_eq!(answer.model, churn());
    // the same state gives other features once the clock has moved on
    mlops_core::ManualClock::advance(&shop.clock, Span::days(60));
    let later = endpoint.predict(&BUYER.into()).unwrap();
    assert_eq!(later.prediction, logistic(2.0 + 0.25));
    assert_ne!(later.id, answer.id);
    assert_eq!(endpoint.answers(), BTreeMap::from([(version, 2)]));
}

#[test]
fn an_unknown_entity_has_the_features_it_had_in_training() {
    let shop = Shop::new();
    shop.release(2.0);
    let answer = shop.endpoint().predict(&1.into()).unwrap();
    assert_eq!(answer.prediction, logistic(2.0));
}

#[test]
fn a_full_row_is_answered_as_it_stands() {
    let shop = Shop::new();
    shop.release(0.5);
    let expect = logistic(0.5 - 1.0 - 0.5 + 0.25);
    let bare = Endpoint::open(&shop.registry, REFERENCE).unwrap();
    assert_eq!(
        bare.predict_row(row(100.0, 1, "UK")).unwrap().prediction,
        expect
    );
    let keyed = row(100.0, 1, "UK")
        .into_iter()
        .chain([("customer_id", BUYER.into())]);
    assert_eq!(
        shop.endpoint().predict_row(keyed).unwrap().prediction,
        expect
    );
    let nulls = [
        ("amount_sum_30d", Value::Float(f64::NAN)),
        ("orders_30d", Value::Int(0)),
        ("country", Value::Null),
    ];
    assert_eq!(bare.predict_row(nulls).unwrap().prediction, logistic(0.5));
}

#[test]
fn a_bad_row_is_refused_and_names_what_is_wrong() {
    let shop = Shop::new();
    shop.release(0.0);
    let endpoint = shop.endpoint();
    let mut without = row(1.0, 1, "UK").to_vec();
    without.pop();
    let mut extra = row(1.0, 1, "UK").to_vec();
    extra.push(("colour", "red".into()));
    let mut twice = row(1.0, 1, "UK").to_vec();
    twice.push(("country", "DE".into()));
    let mut null = row(1.0, 1, "UK").to_vec();
    null[1].1 = Value::Null;
    let mut wrong = row(1.0, 1, "UK").to_vec();
    wrong[0].1 = "1".into();
    let cases = [
        (
            without,
            "`country` missing; the model takes `amount_sum_30d`, `orders_30d`, `country`, or the key `customer_id`",
        ),
        (extra, "`colour` is not an input"),
        (twice, "`country`: it is given twice"),
        (null, "column `orders_30d` is null"),
        (wrong, "column `amount_sum_30d` holds a text"),
        (
            vec![("customer_id", Value::Float(0.5))],
            "`customer_id`: a key is a whole number",
        ),
        (
            vec![("customer_id", Value::Null)],
            "`customer_id`: a key is a whole number",
        ),
        (vec![], "`amount_sum_30d`, `orders_30d`, `country` missing"),
    ];
    for (row, expected) in cases {
        let error = endpoint.predict_row(row).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
    let key = EntityKey::new([BUYER.into(), 2.into()]);
    assert_eq!(
        endpoint.predict(&key).unwrap_err().to_string(),
        "the key has 2 parts, the entity's are `customer_id`"
    );
    assert!(endpoint.predict(&"17850".into()).is_err());
    let bare = Endpoint::open(&shop.registry, REFERENCE).unwrap();
    assert!(matches!(
        bare.predict(&BUYER.into()),
        Err(Error::NoFeatures { .. })
    ));
    assert_eq!(endpoint.answers().values().sum::<u64>(), 0);
}

#[test]
fn a_given_feature_replaces_a_looked_up_one_only_if_that_is_allowed() {
    let shop = Shop::new();
    shop.release(0.0);
    let ask = [("customer_id", Value::Int(BUYER)), ("country", "DE".into())];
    for refused in [RequestFeatures::Refuse, RequestFeatures::Complete] {
        let error = shop
            .endpoint()
            .with_request_features(refused)
            .predict_row(ask.clone());
        assert!(matches!(error, Err(Error::OverrideRefused { input }) if input == "country"));
    }
    let endpoint = shop
        .endpoint()
        .with_request_features(RequestFeatures::Override);
    assert_eq!(
        endpoint.predict_row(ask).unwrap().prediction,
        logistic(-1.3)
    );
}

/// A model with an input that the feature service does not provide.
fn package_with_basket() -> ModelPackage {
    let inputs = [
        Input::new("amount_sum_30d", InputKind::Float).nullable(),
        Input::new("basket", InputKind::Float),
    ];
    let signature = Signature::new(inputs, Output::Number).unwrap();
    let encoders = vec![Encoder::plain(1)];
    let preprocess = Preprocess::new(&signature, encoders).unwrap();
    let linear = Linear {
        weights: vec![2.0],
        bias: vec![1.0],
        link: Link::Identity,
    };
    let spec = ModelSpec::new(signature, preprocess, Estimator::Linear(linear)).unwrap();
    ModelPackage::builder(spec).build().unwrap()
}

#[test]
fn inputs_without_a_feature_come_with_the_request_if_that_is_allowed() {
    let shop = Shop::new();
    let version = shop.register(&package_with_basket());
    shop.promote(version);
    let open = || Endpoint::open(&shop.registry, REFERENCE).unwrap();
    let error = open()
        .with_features(shop.store.clone(), shop.service.clone())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "model `churn` version 1 needs `basket`, which the feature service does not provide"
    );
    let endpoint = open()
        .with_request_features(RequestFeatures::Complete)
        .with_features(shop.store.clone(), shop.service.clone())
        .unwrap();
    let ask = [
        ("customer_id", Value::Int(BUYER)),
        ("basket", Value::Float(3.0)),
    ];
    assert_eq!(endpoint.predict_row(ask).unwrap().prediction, 7.0);
    let error = endpoint.predict(&BUYER.into()).unwrap_err();
    assert!(error.to_string().starts_with("`basket` missing"), "{error}");
}

#[test]
fn a_feature_that_was_redefined_since_training_is_refused() {
    let shop = Shop::new();
    let mut lineage = shop.store.lineage(&shop.service).unwrap();
    lineage.features.insert(
        "country".into(),
        mlops_core::Digest::of(b"another definition"),
    );
    let model = shop.registry.model("churn").unwrap();
    let version = model
        .register(&package(1.0), None, &lineage, "")
        .unwrap()
        .version;
    shop.promote(version);
    let endpoint = Endpoint::open(&shop.registry, REFERENCE).unwrap();
    let error = endpoint
        .with_features(shop.store.clone(), shop.service.clone())
        .unwrap_err();
    assert!(matches!(error, Error::FeatureChanged { feature, .. } if feature == "country"));
}

#[test]
fn a_refresh_follows_the_alias_there_and_back() {
    let shop = Shop::new();
    let first = shop.release(1.0);
    let endpoint = shop.endpoint();
    let same = endpoint.clone();
    assert_eq!(endpoint.refresh().unwrap(), Refreshed::Unchanged);
    let second = shop.release(-1.0);
    assert_eq!(endpoint.version(), first);
    assert_eq!(
        endpoint.refresh().unwrap(),
        Refreshed::Swapped {
            from: first,
            to: second
        }
    );
    assert_eq!(
        same.predict(&BUYER.into()).unwrap().prediction,
        expected(-1.0)
    );
    shop.promote(first);
    assert_eq!(
        same.refresh().unwrap(),
        Refreshed::Swapped {
            from: second,
            to: first
        }
    );
    assert_eq!(endpoint.refresh().unwrap(), Refreshed::Unchanged);
    assert_eq!(
        endpoint.predict(&BUYER.into()).unwrap().prediction,
        expected(1.0)
    );
    assert_eq!(
        endpoint.answers(),
        BTreeMap::from([(first, 1), (second, 1)])
    );
    // a fixed version does not follow the alias
    let pinned = Endpoint::open(&shop.registry, "churn/2").unwrap();
    assert_eq!(
        (pinned.refresh().unwrap(), pinned.version()),
        (Refreshed::Unchanged, second)
    );
}

#[test]
fn a_version_that_cannot_serve_leaves_the_old_one_serving() {
    let shop = Shop::new();
    let first = shop.release(1.0);
    let endpoint = shop.endpoint();

    let corrupt = shop.release(5.0);
    let artifact = shop.artifact(corrupt, "model.json");
    let good = fs::read(&artifact).unwrap();
    fs::write(&artifact, b"{}").unwrap();
    for _ in 0..2 {
        let error = endpoint.refresh().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(endpoint.last_error().is_some());
        assert_eq!(endpoint.version(), first);
        assert_eq!(
            endpoint.predict(&BUYER.into()).unwrap().prediction,
            expected(1.0)
        );
    }
    assert!(Endpoint::open(&shop.registry, REFERENCE).is_err());

    // its bytes come back, and so does the version
    fs::write(&artifact, good).unwrap();
    assert_eq!(
        endpoint.refresh().unwrap(),
        Refreshed::Swapped {
            from: first,
            to: corrupt
        }
    );
    assert_eq!(endpoint.last_error(), None);

    // a version that asks for features nobody provides is not swapped in
    let model = shop.registry.model("churn").unwrap();
    let other = model
        .register(&package_with_basket(), None, &Lineage::default(), "")
        .unwrap();
    shop.promote(other.version);
    assert!(matches!(endpoint.refresh(), Err(Error::Uncovered { .. })));
    assert_eq!(endpoint.version(), corrupt);
}

#[test]
fn a_watcher_swaps_by_itself_until_it_is_dropped() {
    let shop = Shop::new();
    shop.release(1.0);
    let endpoint = shop.endpoint();
    let guard = endpoint.watch(Duration::from_millis(5)).unwrap();
    let second = shop.release(2.0);
    let watch = mlops_core::Stopwatch::start();
    while endpoint.version() != second {
        assert!(
            watch.elapsed() < Duration::from_secs(20),
            "{:?}",
            endpoint.last_error()
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    drop(guard);
    shop.release(3.0);
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(endpoint.version(), second);
}

#[test]
fn what_is_not_there_is_named() {
    let shop = Shop::new();
    for (reference, named) in [
        ("churn", "churn"),
        ("absent@production", "absent"),
        ("churn/7", "churn"),
    ] {
        let error = Endpoint::open(&shop.registry, reference).unwrap_err();
        assert!(error.to_string().contains(named), "{reference}: {error}");
    }
}

#[test]
fn every_answer_is_logged_with_what_explains_it() {
    let shop = Shop::new();
    shop.release(1.0);
    for options in [
        LogOptions::default(),
        LogOptions::default().delivery(Delivery::Durable),
    ] {
        let log = PredictionLog::memory_with(options).unwrap();
        let endpoint = shop.endpoint().with_log(log.clone());
        let by_key = endpoint.predict(&BUYER.into()).unwrap();
        let by_row = endpoint.predict_row(row(1.5, 2, "FR")).unwrap();
        let now = mlops_core::Clock::now(&*shop.clock);
        let window = log
            .window(&churn(), 1, now, now + Span::seconds(1))
            .unwrap();
        assert_eq!(window.len(), 2);
        let (record, outcome) = &window[0];
        assert_eq!(
            (&record.id, record.prediction),
            (&by_key.id, by_key.prediction)
        );
        assert_eq!(record.key, Some(BUYER.into()));
        let features = row(30.0, 2, "UK").map(|(name, value)| (name.to_owned(), value));
        assert_eq!(record.features, features);
        assert_eq!((record.time, outcome), (now, &None));
        assert_eq!((&window[1].0.id, &window[1].0.key), (&by_row.id, &None));
    }
}
