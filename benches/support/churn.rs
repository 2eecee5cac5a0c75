//! The churn model of the example, trained in memory, for benches.

#![allow(dead_code, reason = "each bench uses its part of it")]

use std::sync::Arc;

use mlops::{
    core::{Lineage, ModelName},
    model::Signature,
    prelude::*,
    recipes::{Candidate, labels::Activity, promote_if_better, publish},
};

use crate::{events, generator::Shop};

/// A trained and registered model with the store that its features come from.
#[derive(Debug)]
pub(crate) struct Churn {
    pub(crate) store: FeatureStore,
    pub(crate) service: FeatureService,
    pub(crate) package: ModelPackage,
    pub(crate) keys: Vec<EntityKey>,
    pub(crate) now: EventTime,
    registry: Registry,
}

const QUARTER: Span = Span::days(90);

impl Churn {
    /// Trains 300 trees on one cut-off of a year of the built-in shop and promotes them.
    pub(crate) fn train() -> Self {
        let time = |text: &str| EventTime::parse(text).expect("a constant");
        let shop = Shop {
            seed: Seed(7),
            customers: 2_000,
            start: time("2022-01-01T00:00:00Z"),
            end: time("2023-01-01T00:00:00Z"),
            shift: time("2024-01-01T00:00:00Z"),
        };
        let events = events::read("shop", &Csv::from_bytes("shop", shop.csv())).expect("it reads");
        let store = FeatureStore::new();
        store
            .register(events::Purchase::view())
            .expect("a new store");
        store
            .ingest("purchase", &events.lines)
            .expect("lines fit the view");
        let service = events::churn_features().expect("constants");
        let activity = Activity::of(&events.purchases).expect("there are purchases");
        let set = |cutoff| {
            let spine = activity
                .churn_spine(cutoff, QUARTER, QUARTER, "churned")
                .expect("active customers");
            store.training_set(&service, &spine).expect("features")
        };
        let (train, test) = (
            set(time("2022-06-01T00:00:00Z")),
            set(time("2022-09-01T00:00:00Z")),
        );
        let trainer = Boosting::builder()
            .trees(300)
            .learning_rate(0.05)
            .early_stopping(None);
        let trainer = trainer.build().expect("settings in range");
        let options = EvaluationOptions::default();
        let candidate = Candidate::fit(&trainer, &train, &test, &options).expect("both classes");
        let now = time("2023-01-01T00:00:00Z");
        let registry = Registry::memory().expect("memory");
        let version = publish(&registry, "churn", "churn", &candidate, &train, &test, now)
            .expect("a version");
        let name = ModelName::new("churn").expect("a constant");
        promote_if_better(
            &registry,
            &name,
            version.version,
            &Gate::open(),
            &train,
            &test,
            &options,
        )
        .expect("an open gate");
        debug_assert_ne!(version.lineage, Lineage::default());
        Self {
            package: registry
                .load(&name, version.version)
                .expect("it was just written"),
            keys: activity.active(now, QUARTER).into_iter().cloned().collect(),
            store,
            service,
            now,
            registry,
        }
    }

    /// The endpoint on `churn@production` as a service would open it, with a prediction log in memory.
    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::open(&self.registry, "churn@production")
            .and_then(|e| {
                let e = e.with_clock(Arc::new(ManualClock::new(self.now)));
                e.with_features(self.store.clone(), self.service.clone())
            })
            .expect("the package loads and its inputs are features")
            .with_log(PredictionLog::memory().expect("memory"))
    }

    /// The model's inputs of every customer.
    pub(crate) fn rows(&self, signature: &Signature) -> Vec<Vec<Value>> {
        let online = |key| {
            self.store
                .online(&self.service, key, self.now)
                .expect("features")
                .into_map()
        };
        self.keys
            .iter()
            .map(|key| {
                signature
                    .row_from_map(&online(key))
                    .expect("features fit the model")
            })
            .collect()
    }
}
