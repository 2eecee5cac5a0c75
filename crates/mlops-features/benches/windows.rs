//! Windows at size: events and spine rows on a key each, twelve features over 7, 30 and 90 days.
//!
//! `cargo bench -p mlops-features --bench windows -- EVENTS SPINE KEYS THREADS`, by default 10 million events, 1 million
//! rows, 100,000 keys and two threads. A fifth of the events belongs to a hundredth of the keys. It prints the
//! seconds of loading and joining, user CPU of both, and the peak memory that Linux counted. The peers' script is
//! `benches/peers/windows.py`.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "the figures are for people to read")]
#![expect(clippy::cast_possible_wrap, reason = "sizes that fit memory")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use std::{fs, hint::black_box, num::NonZeroUsize, sync::Arc, time::Instant};

use mlops_core::{
    Column, Role, Seed, Table, TableSchema,
    arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray},
};
use mlops_features::{DataType, Entity, Feature, FeatureService, FeatureStore, FeatureView, days};

const YEAR: usize = 365 * 86_400;

fn times(seconds: impl Iterator<Item = usize>) -> ArrayRef {
    let micros = seconds.map(|second| second as i64 * 1_000_000);
    Arc::new(TimestampMicrosecondArray::from_iter_values(micros).with_timezone("UTC"))
}

/// Seconds of user time so far, in clock ticks of a hundredth, and the peak of resident memory in MiB.
fn used() -> (f64, u64) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after_name
        .split(' ')
        .nth(12)
        .and_then(|t| t.parse().ok())
        .unwrap_or(0.0);
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<u64>().ok());
    (ticks / 100.0, kib.unwrap_or(0) / 1024)
}

fn main() {
    let sizes: Vec<usize> = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .collect();
    let size = |at: usize, default: usize| sizes.get(at).copied().unwrap_or(default);
    let (events, rows, keys) = (size(0, 10_000_000), size(1, 1_000_000), size(2, 100_000));
    let threads = NonZeroUsize::new(size(3, 2)).unwrap();

    let customer = Entity::new("customer", [("id", DataType::Int64)]).unwrap();
    let view = FeatureView::builder("purchase")
        .entity(customer)
        .event_time("at")
        .field("amount", DataType::Float64)
        .field("country", DataType::Utf8)
        .build()
        .unwrap();
    let mut features = Vec::new();
    for window in [7, 30, 90] {
        features.push(Feature::count(&view, "amount").over(days(window)));
        features.push(Feature::sum(&view, "amount").over(days(window)));
        features.push(Feature::mean(&view, "amount").over(days(window)));
    }
    features.push(Feature::max(&view, "amount").over(days(30)));
    features.push(Feature::std_dev(&view, "amount").over(days(30)));
    features.push(Feature::distinct_count(&view, "country").over(days(90)));
    let service = FeatureService::named("s")
        .unwrap()
        .features(features)
        .build()
        .unwrap();

    let mut rng = Seed(1).rng();
    let mut key = |_| match rng.below(5) {
        0 => rng.below(keys / 100 + 1) as i64,
        _ => rng.below(keys) as i64,
    };
    let (owners, asked): (Vec<i64>, Vec<i64>) = (
        (0..events).map(&mut key).collect(),
        (0..rows).map(&mut key).collect(),
    );
    let countries: Vec<String> = (0..40).map(|i| format!("country {i}")).collect();
    let amounts = (0..events).map(|_| (rng.exponential(2_000.0)).round() / 100.0);
    let amounts: ArrayRef = Arc::new(Float64Array::from_iter_values(amounts));
    let names = (0..events).map(|_| &countries[rng.below(40)]);
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(names));
    let stamps = times((0..events).map(|_| rng.below(2 * YEAR)));
    let owners: ArrayRef = Arc::new(Int64Array::from(owners));
    let table = Table::new(view.schema(), vec![owners, stamps, amounts, names]).unwrap();
    let schema = TableSchema::new([
        Column::key("id", DataType::Int64),
        Column::event_time("event_timestamp"),
        Column::new("label", DataType::Int64, Role::Label),
    ]);
    let spine = vec![
        Arc::new(Int64Array::from(asked)) as ArrayRef,
        times((0..rows).map(|_| rng.below(2 * YEAR))),
        Arc::new(Int64Array::from_iter_values(0..rows as i64)),
    ];
    let spine = Table::new(schema.unwrap(), spine).unwrap();

    let store = FeatureStore::new();
    store.register(view).unwrap();
    let (before, start) = (used().0, Instant::now());
    store.ingest("purchase", &table).unwrap();
    let loaded = (start.elapsed().as_secs_f64(), used().0 - before);
    drop(table);
    let (before, start) = (used().0, Instant::now());
    let joined = black_box(store.join_on(&service, &spine, threads).unwrap());
    let (seconds, (user, peak)) = (start.elapsed().as_secs_f64(), used());
    println!(
        "{events} events, {rows} rows, {keys} keys, {} features, {threads} threads",
        joined.batch().num_columns() - 3
    );
    println!("load   {:.2} s, {:.2} s of user CPU", loaded.0, loaded.1);
    println!("join   {seconds:.2} s, {:.2} s of user CPU", user - before);
    println!("memory {peak} MiB at the peak, loading and the table that was loaded included");
}
