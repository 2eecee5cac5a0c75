//! The loop from events to a retrained champion, in process: candidates in the order that the planted behaviour asks for,
//! a pipeline that runs what changed, a promotion with its evidence.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../examples/churn/events.rs"]
#[expect(dead_code, unreachable_pub, reason = "a module of the example")]
mod events;
#[path = "../examples/churn/generator.rs"]
#[expect(unreachable_pub, reason = "a module of the example")]
mod generator;

use std::sync::Arc;

use mlops::{
    core::{Digest, ErrorKind},
    pipeline::{Cache, Runner, Status},
    prelude::*,
    recipes::{
        Cutoff, Retraining, is_refusal,
        labels::{Activity, month_starts},
        promote_if_better, publish,
    },
    store::ArtifactStore,
};

const QUARTER: Span = Span::days(90);

fn time(text: &str) -> EventTime {
    EventTime::parse(text).unwrap()
}

/// Retraining on the cut-offs of the built-in shop that lie in `[from, to]`.
fn retraining(activity: &Activity, store: &FeatureStore, from: &str, to: &str) -> Retraining {
    let cutoffs = month_starts(time(from), time(to))
        .into_iter()
        .map(|time| Cutoff {
            time,
            spine: activity
                .churn_spine(time, QUARTER, QUARTER, "churned")
                .unwrap(),
            history: Digest::of(time.to_string().as_bytes()),
        });
    let boosting = Boosting::builder()
        .trees(120)
        .learning_rate(0.1)
        .max_depth(4);
    Retraining {
        store: store.clone(),
        service: events::churn_features().unwrap(),
        cutoffs: cutoffs.collect(),
        horizon: QUARTER,
        trainers: vec![
            Arc::new(LogisticRegression::builder().build().unwrap()),
            Arc::new(boosting.seed(Seed(1)).build().unwrap()),
        ],
        evaluation: EvaluationOptions {
            bootstrap: 200,
            ..EvaluationOptions::default()
        },
        code_revision: Some("test".into()),
    }
}

#[test]
fn from_events_to_a_champion_and_to_a_refused_challenger() {
    let shop = generator::Shop {
        seed: Seed(11),
        customers: 1_500,
        start: time("2022-01-01T00:00:00Z"),
        end: time("2023-02-01T00:00:00Z"),
        shift: time("2030-01-01T00:00:00Z"),
    };
    let events = events::read("shop", &Csv::from_bytes("shop", shop.csv())).unwrap();
    let activity = Activity::of(&events.purchases).unwrap();
    let store = FeatureStore::new();
    store.register(events::Purchase::view()).unwrap();
    store.ingest("purchase", &events.lines).unwrap();
    let runner = Runner::new(ArtifactStore::memory(), Cache::memory());

    // the first run runs everything, the same again nothing, one more month what depends on it
    let first = retraining(
        &activity,
        &store,
        "2022-04-01T00:00:00Z",
        "2022-09-01T00:00:00Z",
    );
    let champion = first.run(&runner).unwrap();
    let steps = champion.report.steps.len();
    assert_eq!(champion.report.count(Status::Ran), steps);
    let again = first.run(&runner).unwrap();
    assert_eq!(again.report.count(Status::Cached), steps);
    assert_eq!(
        Digest::of_json(&again.candidates[0].spec),
        Digest::of_json(&champion.candidates[0].spec)
    );
    let later = retraining(
        &activity,
        &store,
        "2022-04-01T00:00:00Z",
        "2022-10-01T00:00:00Z",
    );
    let later = later.run(&runner).unwrap();
    assert_eq!(later.report.count(Status::Cached), 6, "{}", later.report);

    // no training row within the label's horizon of the test rows
    let last = champion.train.event_times().into_iter().max().unwrap();
    assert!(
        champion
            .test
            .event_times()
            .iter()
            .all(|t| *t >= last + QUARTER)
    );

    // the planted behaviour is not linear, and a model that knows nothing is far behind
    let names: Vec<&str> = champion
        .candidates
        .iter()
        .map(|c| c.name.as_str())
        .collect();
    assert_eq!(names, ["boosting", "logistic_regression", "base-rate"]);
    let pr_auc = |i: usize| champion.candidates[i].binary().unwrap().pr_auc.value;
    assert!(
        pr_auc(1) > 1.6 * pr_auc(2),
        "{} against {}",
        pr_auc(1),
        pr_auc(2)
    );

    // registered and promoted with evidence; a worse challenger is refused, and the champion stays
    let registry = Registry::memory().unwrap();
    let gate = Gate::no_worse_than_champion("pr_auc", 0.005)
        .and(Gate::no_higher_than_champion("log_loss", 0.0));
    let options = &first.evaluation;
    let offer = |i: usize| {
        let candidate = &champion.candidates[i];
        let (train, test) = (&champion.train, &champion.test);
        let version = publish(
            &registry, "churn", "churn", candidate, train, test, shop.end,
        )
        .unwrap();
        promote_if_better(
            &registry,
            &version.model,
            version.version,
            &gate,
            train,
            test,
            options,
        )
    };
    assert_eq!(offer(0).unwrap().version, 1);
    let refused = offer(1).unwrap_err();
    assert!(is_refusal(&refused), "{refused}");
    assert_eq!(refused.kind(), ErrorKind::Denied);
    let champion = registry.resolve("churn@production").unwrap();
    assert_eq!((champion.version, champion.stage), (1, Stage::Production));
    assert_eq!(champion.lineage.code_revision.as_deref(), Some("test"));
    assert_eq!(champion.lineage.features.len(), 20);
    assert!(
        registry
            .run(champion.run.as_ref().unwrap())
            .unwrap()
            .metrics
            .contains_key("pr_auc")
    );
    registry.verify_audit().unwrap();
}
