//! No feature is computed from rows after its cut-off: shift the future, and nothing changes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../examples/churn/events.rs"]
#[expect(dead_code, unreachable_pub, reason = "a module of the example")]
mod events;
#[path = "../examples/churn/generator.rs"]
#[expect(unreachable_pub, reason = "a module of the example")]
mod generator;

use std::{path::PathBuf, sync::Arc};

use mlops::{
    core::arrow::{
        array::{Array, ArrayRef, AsArray, Float64Array, TimestampMicrosecondArray},
        datatypes::Float64Type,
    },
    prelude::*,
    recipes::labels::{Activity, month_starts},
};

const QUARTER: Span = Span::days(90);

/// A store that holds the lines.
fn store(lines: &Table) -> FeatureStore {
    let store = FeatureStore::new();
    store.register(events::Purchase::view()).unwrap();
    store.ingest("purchase", lines).unwrap();
    store
}

/// The same lines with every one from `cutoff` on moved two days and paid a thousandfold.
fn shift_the_future(lines: &Table, cutoff: EventTime) -> Table {
    let times = lines.event_times().unwrap();
    let is_future: Vec<bool> = times.iter().map(|t| *t >= cutoff).collect();
    assert!(is_future.contains(&true), "there is a future to shift");
    let moved: Vec<i64> = times
        .iter()
        .zip(&is_future)
        .map(|(t, future)| {
            if *future {
                (*t + Span::days(2)).micros()
            } else {
                t.micros()
            }
        })
        .collect();
    let amounts = lines
        .column("amount")
        .unwrap()
        .as_primitive::<Float64Type>();
    let amounts: Float64Array = (0..amounts.len())
        .map(|i| Some(amounts.value(i) * if is_future[i] { 1000.0 } else { 1.0 }))
        .collect();
    let columns = lines.schema().columns().iter().map(|column| {
        let array: ArrayRef = match column.name() {
            "invoice_date" => {
                Arc::new(TimestampMicrosecondArray::from(moved.clone()).with_timezone("UTC"))
            }
            "amount" => Arc::new(amounts.clone()),
            name => Arc::clone(lines.column(name).unwrap()),
        };
        array
    });
    Table::new(lines.schema().clone(), columns.collect()).unwrap()
}

fn check(lines: &Table, purchases: &Table) {
    let service = events::churn_features().unwrap();
    let activity = Activity::of(purchases).unwrap();
    let times = lines.event_times().unwrap();
    let (first, last) = (*times.iter().min().unwrap(), *times.iter().max().unwrap());
    let as_it_was = store(lines);
    for cutoff in month_starts(first + QUARTER, last - QUARTER) {
        let spine = activity
            .churn_spine(cutoff, QUARTER, QUARTER, "churned")
            .unwrap();
        let before = as_it_was.training_set(&service, &spine).unwrap();
        let after = store(&shift_the_future(lines, cutoff))
            .training_set(&service, &spine)
            .unwrap();
        assert_eq!(before.digest(), after.digest(), "cut-off {cutoff}");
        let has_values = before.features().column(2).null_count() < before.rows();
        assert!(has_values, "the comparison is not of nothing");
    }
    // and the past does matter, or the test above could not fail
    let cutoff = month_starts(first + QUARTER, last)[0];
    let spine = activity
        .churn_spine(cutoff, QUARTER, QUARTER, "churned")
        .unwrap();
    let before = as_it_was.training_set(&service, &spine).unwrap();
    let earlier = store(&shift_the_future(lines, cutoff - Span::days(20)));
    let after = earlier.training_set(&service, &spine).unwrap();
    assert_ne!(before.digest(), after.digest());
}

#[test]
fn the_built_in_shop_keeps_its_future_to_itself() {
    let shop = generator::Shop {
        seed: Seed(3),
        customers: 100,
        start: EventTime::parse("2022-01-01T00:00:00Z").unwrap(),
        end: EventTime::parse("2022-12-31T00:00:00Z").unwrap(),
        shift: EventTime::parse("2022-09-01T00:00:00Z").unwrap(),
    };
    let events = events::read("shop", &Csv::from_bytes("shop", shop.csv())).unwrap();
    check(&events.lines, &events.purchases);
}

#[test]
fn online_retail_keeps_its_future_to_itself() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/data/online-retail/online-retail-dataset.csv.gz");
    if !path.exists() {
        eprintln!("skipped: the Online Retail data set is not beside this checkout");
        return;
    }
    let events = events::read("online retail", &Csv::open(path).unwrap()).unwrap();
    assert_eq!(events.quality.rows_read, 541_909);
    check(&events.lines, &events.purchases);
}
