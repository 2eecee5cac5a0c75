//! No bytes in a push log, a manifest or a segment bring a store down when it is opened, and what it takes
//! from a log it has again after the next opening.
//!
//! The first byte says what the rest is: a log as it is, records of either version whose checksums are right, a
//! manifest, or a segment. Those of the second version begin with a view and its layout as they must be.

use std::{path::Path, sync::Arc};

use mlops_core::{
    Table,
    arrow::array::{ArrayRef, Float64Array, Int64Array, TimestampMicrosecondArray},
};
use mlops_features::{DataType, Durability, Entity, FeatureStore, FeatureView};

fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1));
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

fn view() -> FeatureView {
    FeatureView::builder("v")
        .entity(Entity::new("e", [("id", DataType::Int64)]).expect("a key"))
        .event_time("at")
        .field("x", DataType::Float64)
        .build()
        .expect("one field")
}

/// The layout of the view's rows, out of a log that has one.
fn layout() -> Vec<u8> {
    let dir = tempfile::tempdir().expect("a directory");
    let store = FeatureStore::builder().directory(dir.path()).durability(Durability::Process);
    let store = store.build().expect("an empty directory");
    store.register(view()).expect("it is new");
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![1])),
        Arc::new(TimestampMicrosecondArray::from(vec![1]).with_timezone("UTC")),
        Arc::new(Float64Array::from(vec![1.0])),
    ];
    let row = Table::new(view().schema(), columns).expect("the view's columns");
    store.push("v", &row).expect("a row");
    let log = std::fs::read(dir.path().join("log/00000001.log")).expect("it was made");
    // file header, length and checksum, durable, number, name
    log[9 + 8 + 8 + 4 + 3..][..32].to_vec()
}

/// The rows that a store finds, or nothing if it refuses.
fn rows(dir: &Path) -> Option<usize> {
    let store = FeatureStore::builder().directory(dir).durability(Durability::Process);
    let store = store.build().ok()?;
    store.register(view()).ok()?;
    store.rows("v").ok()
}

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    assert_eq!(rows(dir.path()), Some(0));
    let log = dir.path().join("log/00000001.log");
    match kind % 5 {
        0 => std::fs::write(&log, data).expect("a file"),
        1 | 4 => {
            let version = if kind % 5 == 1 { 1 } else { 2 };
            let mut bytes = b"mlopslog".to_vec();
            bytes.push(version);
            for (number, record) in data.split(|byte| *byte == b'|').enumerate() {
                let mut rest = 0_u64.to_le_bytes().to_vec();
                if version == 2 {
                    rest.extend(0_u32.to_le_bytes());
                }
                if version == 2 && number == 0 {
                    rest.extend([1, 0, b'v']);
                    rest.extend(layout());
                }
                rest.extend(record);
                let length = u32::try_from(rest.len()).expect("a short input");
                bytes.extend(length.to_le_bytes());
                bytes.extend(crc(&rest).to_le_bytes());
                bytes.extend(rest);
            }
            std::fs::write(&log, bytes).expect("a file");
        }
        2 => std::fs::write(dir.path().join("MANIFEST.json"), data).expect("a file"),
        _ => {
            let path = dir.path().join("MANIFEST.json");
            let manifest = std::fs::read_to_string(&path).expect("it was made");
            let views = r#""views": {"v": {"layout": "0000000000000000000000000000000000000000000000000000000000000000", "segments": ["v-1.parquet"]}}"#;
            std::fs::write(&path, manifest.replace(r#""views": {}"#, views)).expect("a file");
            std::fs::write(dir.path().join("segments/v-1.parquet"), data).expect("a file");
        }
    }
    if let Some(first) = rows(dir.path()) {
        assert_eq!(rows(dir.path()), Some(first));
    }
}
