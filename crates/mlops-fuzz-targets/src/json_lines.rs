//! No bytes make the reader of JSON lines panic, every line is in the table or in the account of the others, and
//! what is read in parts is what is read whole.
//!
//! The first byte picks the reader's options and the size of the parts, the rest is the file.

use std::sync::LazyLock;

use mlops_core::{EventTime, Value, arrow::datatypes::TimeUnit};
use mlops_features::{JsonLines, Parse, SourceSchema, Table, TimeFormat, UnpackLimit};

static SCHEMA: LazyLock<SourceSchema> = LazyLock::new(|| {
    SourceSchema::builder()
        .key("key", "k", Parse::Int)
        .event_time("at", "o.t", TimeFormat::rfc3339())
        .time_value("epoch", "o.e", TimeFormat::epoch(TimeUnit::Millisecond))
        .value("float", "o.i.f", Parse::Float)
        .value("bool", "b", Parse::Bool)
        .value("str", "s", Parse::Str)
        .value("word", "s.w", Parse::Trimmed)
        .build()
        .expect("seven columns")
});

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let Some((options, bytes)) = data.split_first() else {
        return;
    };
    let mut json = JsonLines::from_bytes("fuzz", bytes);
    if options & 1 != 0 {
        json = json.null_token("NA").null_token("?");
    }
    if options & 2 != 0 {
        json = json.line_limit(32).rejection_limit(2);
    }
    json = json.unpack_limit(UnpackLimit::text().bytes(1 << 20));
    let Ok(ingest) = json.read(&SCHEMA) else {
        return;
    };
    let accounted = ingest.table.rows() as u64 + ingest.rejected.total();
    assert_eq!(accounted, ingest.rows_read);
    let mut before = 0;
    for row in ingest.rejected.rows() {
        assert!(row.row > before && row.row <= ingest.rows_read);
        assert!(row.reason.len() <= 512, "{} bytes", row.reason.len());
        before = row.row;
    }
    check(&ingest.table);
    let rows = usize::from(options >> 2) + 1;
    let parts = json.stream(&SCHEMA, rows).expect("it was read before");
    let parts = parts.ingest().expect("it was read before");
    assert_eq!(parts.table.digest(), ingest.table.digest());
    assert_eq!(parts.rejected, ingest.rejected);
}

fn check(table: &Table) {
    for column in table.schema().columns() {
        let array = table.column(column.name()).expect("it is in the schema");
        for row in 0..table.rows() {
            let value = Value::from_array(column.name(), array, row).expect("a plain type");
            match &value {
                Value::Null => assert!(column.is_nullable()),
                Value::Float(float) => assert!(float.is_finite()),
                Value::Str(text) => assert!(!text.is_empty()),
                Value::Time(time) => {
                    assert_eq!(EventTime::parse(&time.to_string()).ok(), Some(*time));
                }
                _ => {}
            }
        }
    }
}
