//! The push log as a file: both versions are read, whatever types a view has, wherever the file ends.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "tables of tests are small"
)]

use std::{ops::Range, path::Path, sync::Arc};

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Float32Array, Int32Array, Int64Array,
    LargeStringArray, StringArray, TimestampMicrosecondArray, UInt16Array,
};
use mlops_core::Table;
use mlops_features::{
    DataType, Durability, Entity, Feature, FeatureService, FeatureStore, FeatureView, PushOptions,
};
use proptest::prelude::*;

fn places() -> FeatureView {
    let keys = [("country", DataType::Utf8), ("number", DataType::Int32)];
    FeatureView::builder("places")
        .entity(Entity::new("place", keys).unwrap())
        .event_time("at")
        .created_time("known_at")
        .field("visitors", DataType::UInt16)
        .field("share", DataType::Float32)
        .field("name", DataType::Utf8)
        .field("open", DataType::Boolean)
        .field("price", DataType::Decimal128(12, 2))
        .build()
        .unwrap()
}

fn clicks() -> FeatureView {
    FeatureView::builder("clicks")
        .entity(Entity::new("user", [("user", DataType::Int64)]).unwrap())
        .event_time("at")
        .field("event", DataType::Utf8)
        .build()
        .unwrap()
}

/// A view with a field that has no packed form.
fn notes() -> FeatureView {
    FeatureView::builder("notes")
        .entity(Entity::new("user", [("user", DataType::Int64)]).unwrap())
        .event_time("at")
        .field("note", DataType::LargeUtf8)
        .build()
        .unwrap()
}

fn place(rows: Range<i32>) -> Table {
    let n: Vec<i32> = rows.collect();
    let times = |time: &dyn Fn(i32) -> Option<i64>| {
        let times = n
            .iter()
            .map(|i| time(*i))
            .collect::<TimestampMicrosecondArray>();
        Arc::new(times.with_timezone("UTC")) as ArrayRef
    };
    let price = n.iter().map(|i| Some(i128::from(*i) * 199 - 300));
    let price = price
        .collect::<Decimal128Array>()
        .with_precision_and_scale(12, 2);
    let country = |i: &i32| if i % 2 == 0 { "DE" } else { "GB" };
    let second = |i: i32| i64::from(i) * 1_000_000;
    let name = |i: &i32| (i % 3 != 1).then(|| format!("café {i}"));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(n.iter().map(country))),
        Arc::new(Int32Array::from_iter_values(n.iter().map(|i| i % 3))),
        times(&|i| Some(second(i))),
        times(&|i| (i % 4 != 0).then_some(second(i) + 5)),
        Arc::new(
            n.iter()
                .map(|i| (i % 5 != 0).then_some(*i as u16))
                .collect::<UInt16Array>(),
        ),
        Arc::new(Float32Array::from_iter_values(
            n.iter().map(|i| *i as f32 * 0.1),
        )),
        Arc::new(n.iter().map(name).collect::<StringArray>()),
        Arc::new(
            n.iter()
                .map(|i| (i % 7 != 0).then_some(i % 2 == 0))
                .collect::<BooleanArray>(),
        ),
        Arc::new(price.unwrap()),
    ];
    Table::new(places().schema(), columns).unwrap()
}

fn user_rows(rows: Range<i64>) -> (ArrayRef, ArrayRef, Vec<Option<String>>) {
    let n: Vec<i64> = rows.collect();
    let times = TimestampMicrosecondArray::from_iter_values(n.iter().map(|i| i * 1_000));
    let texts = n.iter().map(|i| (i % 4 != 3).then(|| format!("e{i}")));
    (
        Arc::new(Int64Array::from_iter_values(n.iter().map(|i| i % 3))),
        Arc::new(times.with_timezone("UTC")),
        texts.collect(),
    )
}

fn click(rows: Range<i64>) -> Table {
    let (users, times, events) = user_rows(rows);
    let events = Arc::new(StringArray::from(events));
    Table::new(clicks().schema(), vec![users, times, events]).unwrap()
}

fn note(rows: Range<i64>) -> Table {
    let (users, times, texts) = user_rows(rows);
    let texts = Arc::new(LargeStringArray::from(texts));
    Table::new(notes().schema(), vec![users, times, texts]).unwrap()
}

/// What both fixtures were made by.
fn push_all(store: &FeatureStore) {
    let once = PushOptions::new().event_id("event");
    store.push("places", &place(0..1)).unwrap();
    store.push_with("clicks", &click(0..6), &once).unwrap();
    store.push("places", &place(1..12)).unwrap();
    store.push_with("clicks", &click(4..8), &once).unwrap();
    store.push("places", &place(12..13)).unwrap();
}

fn register(store: &FeatureStore) {
    for view in [places(), clicks(), notes()] {
        store.register(view).unwrap();
    }
}

fn open(dir: &Path) -> FeatureStore {
    let builder = FeatureStore::builder().directory(dir);
    let store = builder.durability(Durability::Process).build().unwrap();
    register(&store);
    store
}

/// The digests of all rows of all views.
fn content(store: &FeatureStore) -> Vec<mlops_core::Digest> {
    let services = [(places(), "name"), (clicks(), "event"), (notes(), "note")];
    let digest = |(view, field): (FeatureView, &str)| {
        let service = FeatureService::named("all").unwrap();
        let service = service.feature(Feature::latest(&view, field));
        let data = store.lineage(&service.build().unwrap()).unwrap().data;
        data.into_values().next().unwrap()
    };
    services.into_iter().map(digest).collect()
}

fn in_memory(push: impl FnOnce(&FeatureStore)) -> Vec<mlops_core::Digest> {
    let store = FeatureStore::new();
    register(&store);
    push(&store);
    content(&store)
}

fn logs(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir.join("log")).unwrap();
    let mut logs: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    logs.sort();
    logs
}

/// The fixtures were written by [`push_all`] when their versions were the newest.
#[test]
fn logs_of_both_versions_are_read_and_gone_on_with() {
    for version in [1_u8, 2] {
        let dir = tempfile::tempdir().unwrap();
        drop(open(dir.path()));
        let fixture = format!("tests/fixtures/push-log-{version}.log");
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join(fixture);
        let bytes = std::fs::read(fixture).unwrap();
        assert_eq!(bytes[8], version);
        std::fs::write(&logs(dir.path())[0], &bytes).unwrap();

        let store = open(dir.path());
        assert_eq!(content(&store), in_memory(push_all), "version {version}");
        let ids = PushOptions::new().event_id("event");
        let again = store.push_with("clicks", &click(0..3), &ids).unwrap();
        assert_eq!((again.rows, again.duplicates), (0, 3), "version {version}");
        store.push("places", &place(13..15)).unwrap();
        let whole = in_memory(|store| {
            push_all(store);
            store.push("places", &place(13..15)).unwrap();
        });
        for compacted in [false, true] {
            let store = if compacted {
                assert!(store.compact().unwrap());
                assert_eq!(logs(dir.path()).len(), 1);
                &store
            } else {
                &store
            };
            assert_eq!(content(store), whole, "version {version}");
        }
        drop(store);
        assert_eq!(content(&open(dir.path())), whole, "version {version}");
    }
}

#[test]
fn a_log_of_the_first_version_stays_as_it_is_until_it_is_compacted() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let fixture = include_bytes!("fixtures/push-log-1.log");
    std::fs::write(&logs(dir.path())[0], fixture).unwrap();
    for number in 0..3 {
        let store = open(dir.path());
        store.push("clicks", &click(number..number + 1)).unwrap();
    }
    let files = logs(dir.path());
    assert_eq!(files.len(), 2);
    assert_eq!(std::fs::read(&files[0]).unwrap(), fixture);
    assert_eq!(open(dir.path()).rows("clicks").unwrap(), 8 + 3);
}

#[test]
fn wherever_the_file_ends_the_rows_before_are_there_and_the_log_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut ends = vec![(store.log_bytes(), content(&store))];
    let mut pushed = |push: &dyn Fn(&FeatureStore)| {
        push(&store);
        ends.push((store.log_bytes(), content(&store)));
    };
    pushed(&|store| store.push("places", &place(0..1)).unwrap());
    pushed(&|store| store.push("notes", &note(0..3)).unwrap());
    pushed(&|store| store.push("clicks", &click(0..1)).unwrap());
    pushed(&|store| store.push("places", &place(1..3)).unwrap());
    pushed(&|store| store.push("clicks", &click(1..2)).unwrap());
    drop(store);
    let log = logs(dir.path()).pop().unwrap();
    let bytes = std::fs::read(&log).unwrap();
    let (first, _) = ends[0];
    for cut in (first..=bytes.len() as u64).step_by(3) {
        std::fs::write(&log, &bytes[..usize::try_from(cut).unwrap()]).unwrap();
        let store = open(dir.path());
        let (_, whole) = ends.iter().rev().find(|(end, _)| *end <= cut).unwrap();
        assert_eq!(content(&store), *whole, "cut at {cut}");
        // a view whose number was cut off gets one anew
        store.push("clicks", &click(2..3)).unwrap();
        store.push("notes", &note(3..4)).unwrap();
        let after = content(&store);
        drop(store);
        assert_eq!(content(&open(dir.path())), after, "cut at {cut}");
    }
}

#[test]
fn a_pushed_row_costs_its_own_bytes_and_few_more() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.push("clicks", &click(0..1)).unwrap();
    let before = store.log_bytes();
    for number in 1..101 {
        store.push("clicks", &click(number..number + 1)).unwrap();
    }
    let each = (store.log_bytes() - before) / 100;
    assert!(each < 80, "{each} bytes a row");
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32| (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1));
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc))
    })
}

fn record(payload: &[u8]) -> Vec<u8> {
    let rest = [&[0; 8], payload].concat();
    let length = u32::try_from(rest.len()).unwrap().to_le_bytes();
    [&length[..], &crc(&rest).to_le_bytes(), &rest].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Past the checksum as well: whatever a record claims is told as damage, or it is rows.
    #[test]
    fn no_record_brings_a_store_down(
        at in any::<prop::sample::Index>(),
        with in any::<u8>(),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
        noise in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        store.push("places", &place(1..3)).unwrap();
        let start = usize::try_from(store.log_bytes()).unwrap();
        store.push("places", &place(3..6)).unwrap();
        drop(store);
        let log = logs(dir.path()).pop().unwrap();
        let bytes = std::fs::read(&log).unwrap();
        let mut payload = bytes[start + 16..].to_vec();
        let at = at.index(payload.len());
        payload[at] = with;
        if let Some(cut) = cut {
            payload.truncate(cut.index(payload.len()));
        }
        let whole = [&bytes[..start], &record(&payload), &record(&noise)].concat();
        std::fs::write(&log, whole).unwrap();
        let try_open = || {
            let builder = FeatureStore::builder().directory(dir.path());
            let store = builder.durability(Durability::Process).build().ok()?;
            store.register(places()).ok()?;
            store.rows("places").ok()
        };
        let first = try_open();
        prop_assert!(first.is_none_or(|rows| rows >= 2));
        prop_assert_eq!(try_open(), first);
    }
}
