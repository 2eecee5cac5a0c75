//! No CSV bytes make the reader panic, and every row is in the table or in the account of the others.
//!
//! The first byte picks the reader's options, the rest is the file. What was taken keeps the promises of
//! its schema: no null where none is allowed, finite reals, instants that can be printed.

use std::sync::LazyLock;

use mlops_core::{EventTime, Value, arrow::datatypes::TimeUnit};
use mlops_features::{Csv, Parse, SourceSchema, Table, TimeFormat};

const NAMES: [&str; 9] = ["k", "t", "c", "e", "f", "b", "s", "w", "l"];

static SCHEMA: LazyLock<SourceSchema> = LazyLock::new(|| {
    let zone = "Europe/London";
    SourceSchema::builder()
        .key("key", "k", Parse::Int)
        .event_time("at", "t", TimeFormat::local(zone).expect("a zone"))
        .created_time("created", "c", TimeFormat::rfc3339())
        .time_value("epoch", "e", TimeFormat::epoch(TimeUnit::Millisecond))
        .value("float", "f", Parse::Float)
        .nan_as_null()
        .value("bool", "b", Parse::Bool)
        .value("str", "s", Parse::Str)
        .required()
        .value("word", "w", Parse::Trimmed)
        .label("label", "l", Parse::Int)
        .nan_as_null()
        .build()
        .expect("nine columns")
});

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let Some((options, bytes)) = data.split_first() else {
        return;
    };
    let mut csv = Csv::from_bytes("fuzz", bytes);
    if options & 1 != 0 {
        csv = csv.column_names(NAMES);
    }
    if options & 2 != 0 {
        csv = csv.delimiter(b';');
    }
    if options & 4 != 0 {
        csv = csv.null_token("NA").null_token("?");
    }
    if options & 8 != 0 {
        csv = csv.record_limit(16).rejection_limit(2);
    }
    let Ok(ingest) = csv.read(&SCHEMA) else {
        return;
    };
    let rejected = &ingest.rejected;
    let accounted = ingest.table.rows() as u64 + rejected.total();
    assert_eq!(accounted, ingest.rows_read);
    let mut before = 0;
    for row in rejected.rows() {
        assert!(row.row > before && row.row <= ingest.rows_read);
        assert!(row.reason.len() <= 512, "{} bytes", row.reason.len());
        before = row.row;
    }
    check(&ingest.table);
}

fn check(table: &Table) {
    let back = Table::from_ipc(&table.to_ipc()).expect("what is written is read");
    assert_eq!(back.digest(), table.digest());
    table.event_times().expect("it has an event time");
    assert!(
        table
            .keys()
            .expect("whole numbers")
            .iter()
            .all(Option::is_some)
    );
    for column in table.schema().columns() {
        let array = table.column(column.name()).expect("it is in the schema");
        for row in 0..table.rows() {
            let value = Value::from_array(column.name(), array, row).expect("a plain type");
            match &value {
                Value::Null => assert!(column.is_nullable()),
                Value::Float(float) => assert!(float.is_finite()),
                Value::Str(text) => {
                    assert!(!text.is_empty());
                    assert!(column.name() != "word" || text.trim_ascii() == text);
                }
                Value::Time(time) => {
                    assert_eq!(EventTime::parse(&time.to_string()).ok(), Some(*time));
                }
                Value::Bool(_) | Value::Int(_) => {}
                Value::List(_) | Value::Map(_) => panic!("no source has nested columns"),
            }
        }
    }
}
