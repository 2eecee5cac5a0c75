//! Filters: what is left unread never changes what is taken.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use mlops_core::{EventTime, Value};
use mlops_features::{ParquetFile, Parse, RowFilter, SourceSchema, TimeFormat};
use parquet::{arrow::ArrowWriter, file::properties::WriterProperties};
use proptest::prelude::*;

use super::support::rows;

type Row = (Option<i32>, Option<String>, i64);

fn file(rows: &[Row], group: usize) -> Vec<u8> {
    let columns: [(&str, ArrayRef); 3] = [
        (
            "n",
            Arc::new(rows.iter().map(|r| r.0).collect::<Int32Array>()),
        ),
        (
            "s",
            Arc::new(rows.iter().map(|r| r.1.clone()).collect::<StringArray>()),
        ),
        (
            "t",
            Arc::new(TimestampMicrosecondArray::from_iter_values(
                rows.iter().map(|r| r.2),
            )),
        ),
    ];
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.map(|(n, a)| (n, a, true))).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group))
        // the shortest that is allowed, so that bounds of texts are cut
        .set_statistics_truncate_length(Some(1))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn schema(zone: &str) -> SourceSchema {
    SourceSchema::builder()
        .value("number", "n", Parse::Int)
        .value("text", "s", Parse::Str)
        .event_time("at", "t", TimeFormat::local(zone).unwrap())
        .build()
        .unwrap()
}

fn wanted(row: &[Value], least: i64, most: i64, words: &[String], from: EventTime) -> bool {
    let number = matches!(row[0], Value::Int(n) if n >= least && n < most);
    let word = row[1]
        .as_str()
        .is_some_and(|s| words.iter().any(|w| w == s));
    let late = matches!(row[2], Value::Time(t) if t >= from);
    number && word && late
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn a_filter_takes_what_a_look_at_every_row_takes(
        rows_in in prop::collection::vec((
            prop::option::of(-20..20_i32),
            prop::option::of("[abé]{0,3}"),
            -90_000_000_000..90_000_000_000_i64,
        ), 1..60),
        group in 1..20_usize,
        least in -25..20_i64,
        length in 0..30_i64,
        words in prop::collection::vec("[abé]{0,3}", 0..12),
        from in -90_000_000_000..90_000_000_000_i64,
        zone in prop::sample::select(vec!["UTC", "America/New_York", "Asia/Kolkata"]),
    ) {
        let from = EventTime::from_micros(from);
        let most = least + length;
        let file = ParquetFile::from_bytes("t", file(&rows_in, group));
        let schema = schema(zone);
        let all = file.read(&schema).unwrap();
        let expected: Vec<Vec<Value>> = rows(&all.table)
            .into_iter()
            .filter(|row| wanted(row, least, most, &words, from))
            .collect();
        let filter = RowFilter::new()
            .at_least("number", least)
            .below("number", most)
            .one_of("text", words)
            .at_least("at", from);
        let filtered = file.filter(filter).read(&schema).unwrap();
        prop_assert_eq!(rows(&filtered.table), expected);
        prop_assert_eq!(filtered.table.rows() as u64 + filtered.rejected.total(), filtered.rows_read);
    }
}

#[test]
fn a_group_that_cannot_hold_a_wanted_row_is_not_read() {
    let row = |n: i32| (Some(n), Some(format!("{n}")), i64::from(n));
    let rows_in: Vec<Row> = (0..20).map(row).collect();
    let bytes = file(&rows_in, 10);
    let source = ParquetFile::from_bytes("t", bytes);
    let early = RowFilter::new().below("number", 10);
    let ingest = source.clone().filter(early).read(&schema("UTC")).unwrap();
    assert_eq!(ingest.rows_read, 10);
    // row numbers still count what was passed over
    let strict = SourceSchema::builder()
        .value("number", "n", Parse::Int)
        .value("text", "s", Parse::Bool)
        .build()
        .unwrap();
    let late = RowFilter::new().at_least("number", 10);
    let ingest = source.filter(late).read(&strict).unwrap();
    assert_eq!(ingest.rejected.rows()[0].row, 11);
    assert_eq!((ingest.rows_read, ingest.rejected.total()), (10, 10));
}
