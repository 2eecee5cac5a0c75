//! One row in process: the model alone, the feature lookup alone, and the endpoint with both.
//!
//! `cargo bench --bench predict`. The model is a boosted ensemble of 300 trees that was trained on the built-in
//! shop, the features are those of the churn example, a customer has a few hundred events.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has failed")]

#[path = "../examples/churn/events.rs"]
#[expect(dead_code, unreachable_pub, reason = "a module of the example")]
mod events;
#[path = "../examples/churn/generator.rs"]
#[expect(unreachable_pub, reason = "a module of the example")]
mod generator;
#[path = "support/churn.rs"]
mod support;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use mlops::model::Scratch;

fn benches(c: &mut Criterion) {
    let churn = support::Churn::train();
    let mut group = c.benchmark_group("predict_one_row");

    let model = churn.package.load().unwrap();
    let rows = churn.rows(model.signature());
    let mut scratch = Scratch::new();
    let mut next = (0..rows.len()).cycle();
    group.bench_function("mlops/model", |b| {
        b.iter(|| {
            model
                .predict_value(black_box(&rows[next.next().unwrap()]), &mut scratch)
                .unwrap()
        });
    });

    let mut next = churn.keys.iter().cycle();
    group.bench_function("mlops/online_features", |b| {
        b.iter(|| {
            churn
                .store
                .online(&churn.service, black_box(next.next().unwrap()), churn.now)
                .unwrap()
        });
    });

    let endpoint = churn.endpoint();
    let mut next = churn.keys.iter().cycle();
    group.bench_function("mlops/endpoint_by_key", |b| {
        b.iter(|| endpoint.predict(black_box(next.next().unwrap())).unwrap());
    });
    group.finish();
}

criterion_group!(predict, benches);
criterion_main!(predict);
