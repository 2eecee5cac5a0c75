//! No Parquet bytes bring the reader down, and every row is in the table or in the account of the others.
//!
//! The decoder answers some damaged files with a panic, which the reader turns into an error. The
//! fuzzer's own hook would end the run at that panic, so it is kept for panics elsewhere; one of the
//! decoder's that gets out ends the run as well.

use std::sync::LazyLock;

use mlops_core::{EventTime, Value};
use mlops_features::{ParquetFile, Parse, SourceSchema, Table, TimeFormat};

static SCHEMA: LazyLock<SourceSchema> = LazyLock::new(|| {
    let zone = "Europe/London";
    SourceSchema::builder()
        .key("key", "k", Parse::Int)
        .event_time("at", "t", TimeFormat::local(zone).expect("a zone"))
        .value("float", "f", Parse::Float)
        .nan_as_null()
        .value("bool", "b", Parse::Bool)
        .value("str", "s", Parse::Str)
        .build()
        .expect("five columns")
});

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let Ok(ingest) = ParquetFile::from_bytes("fuzz", data).read(&SCHEMA) else {
        return;
    };
    let accounted = ingest.table.rows() as u64 + ingest.rejected.total();
    assert_eq!(accounted, ingest.rows_read);
    check(&ingest.table);
}

fn check(table: &Table) {
    table.event_times().expect("it has an event time");
    for column in table.schema().columns() {
        let array = table.column(column.name()).expect("it is in the schema");
        for row in 0..table.rows().min(1_000) {
            let value = Value::from_array(column.name(), array, row).expect("a plain type");
            match value {
                Value::Null => assert!(column.is_nullable()),
                Value::Float(float) => assert!(float.is_finite()),
                Value::Time(time) => {
                    assert_eq!(EventTime::parse(&time.to_string()).ok(), Some(time));
                }
                Value::Bool(_) | Value::Int(_) | Value::Str(_) => {}
                Value::List(_) | Value::Map(_) => panic!("no source has nested columns"),
            }
        }
    }
}
