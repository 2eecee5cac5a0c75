//! Parquet and batches: the same table from both, and typed errors for what is not there.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray, TimestampMillisecondArray,
    },
    datatypes::DataType,
};
use mlops_core::{ErrorKind, EventTime, Value};
use mlops_features::{
    Error, Ingest, ParquetFile, Parse, RejectionKind, SourceSchema, TimeFormat, from_batches,
};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, GzipLevel, ZstdLevel},
    file::properties::WriterProperties,
};
use proptest::prelude::*;

fn batch(ids: &[Option<i32>]) -> RecordBatch {
    let rows = ids.len();
    let text = |i: usize| (!i.is_multiple_of(3)).then(|| format!("name {i}"));
    let columns: [(&str, ArrayRef); 5] = [
        ("unused", Arc::new(StringArray::from(vec!["x"; rows]))),
        ("Id", Arc::new(Int32Array::from(ids.to_vec()))),
        (
            "Price",
            Arc::new(Float64Array::from_iter_values(
                (0..rows).map(|i| i as f64 / 4.0),
            )),
        ),
        (
            "At",
            Arc::new(TimestampMillisecondArray::from_iter_values(
                (0..).take(rows),
            )),
        ),
        (
            "Name",
            Arc::new((0..rows).map(text).collect::<StringArray>()),
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(n, a)| (n, a, true))).unwrap()
}

fn schema() -> SourceSchema {
    SourceSchema::builder()
        .key("id", "Id", Parse::Int)
        .event_time("at", "At", TimeFormat::local("Europe/London").unwrap())
        .value("name", "Name", Parse::Str)
        .value("price", "Price", Parse::Float)
        .build()
        .unwrap()
}

fn file(batches: &[RecordBatch], compression: Compression) -> Vec<u8> {
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_max_row_group_row_count(Some(100))
        .build();
    let schema = batches[0].schema();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties)).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.into_inner().unwrap()
}

fn account(ingest: &Ingest) -> (u64, usize, u64) {
    (
        ingest.rows_read,
        ingest.table.rows(),
        ingest.rejected.total(),
    )
}

#[test]
fn a_file_reads_as_its_batches_do_in_every_compression() {
    let ids = |from: i32| {
        (from..from + 150)
            .map(|i| (i % 50 != 7).then_some(i))
            .collect::<Vec<_>>()
    };
    let batches = [batch(&ids(0)), batch(&ids(150))];
    let direct = from_batches("direct", &batches, &schema()).unwrap();
    assert_eq!(account(&direct), (300, 294, 6));
    assert_eq!(direct.rejected.count_of("Id", RejectionKind::Missing), 6);
    assert_eq!(direct.rejected.rows()[3].row, 158);
    // midnight local time in London at the epoch was an hour before that of UTC
    let first = EventTime::parse("1969-12-31T23:00:00Z").unwrap();
    assert_eq!(direct.table.event_times().unwrap()[0], first);
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        let bytes = file(&batches, compression);
        let ingest = ParquetFile::from_bytes("test", bytes)
            .read(&schema())
            .unwrap();
        assert_eq!(
            ingest.table.digest(),
            direct.table.digest(),
            "{compression}"
        );
        assert_eq!(ingest.rejected, direct.rejected, "{compression}");
    }
}

#[test]
fn the_first_fault_of_a_row_counts_and_the_value_is_told() {
    let schema = SourceSchema::builder()
        .key("id", "Id", Parse::Int)
        .value("price", "Price", Parse::Int)
        .value("name", "Name", Parse::Str)
        .required()
        .build()
        .unwrap();
    let ingest = from_batches(
        "test",
        &[batch(&[None, Some(1), Some(2), Some(3), Some(4)])],
        &schema,
    )
    .unwrap();
    let listed: Vec<String> = ingest
        .rejected
        .rows()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        listed,
        [
            "row 1, column `Id`: a value is required and none is there",
            "row 2, column `Price`, `0.25`: it is not a whole number",
            "row 3, column `Price`, `0.5`: it is not a whole number",
            "row 4, column `Price`, `0.75`: it is not a whole number",
        ]
    );
    assert_eq!(ingest.table.rows(), 1);
    let price = ingest.table.column("price").unwrap();
    assert_eq!(Value::from_array("price", price, 0).unwrap(), Value::Int(1));
}

#[test]
fn a_file_that_is_wrong_as_a_whole_is_a_typed_error() {
    let bytes = file(&[batch(&[Some(1)])], Compression::SNAPPY);
    let read = |bytes: &[u8]| {
        ParquetFile::from_bytes("test", bytes)
            .read(&schema())
            .unwrap_err()
    };
    for broken in [
        &b""[..],
        b"PAR1",
        b"Id,At\n1,2\n",
        &bytes[..bytes.len() / 2],
        &bytes[1..],
    ] {
        let error = read(broken);
        assert!(matches!(error, Error::BrokenParquet { .. }), "{error}");
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
    let ask = |name: &str, parse| {
        let schema = SourceSchema::builder()
            .value("v", name, parse)
            .build()
            .unwrap();
        ParquetFile::from_bytes("test", &bytes[..])
            .read(&schema)
            .unwrap_err()
    };
    let missing = ask("Nope", Parse::Int).to_string();
    assert!(
        missing.ends_with("it has `unused`, `Id`, `Price`, `At`, `Name`"),
        "{missing}"
    );
    let error = ask("Price", Parse::Bool);
    assert!(
        matches!(
            error,
            Error::ColumnType {
                found: DataType::Float64,
                ..
            }
        ),
        "{error}"
    );
    let naive = SourceSchema::builder()
        .event_time("at", "At", TimeFormat::rfc3339())
        .build()
        .unwrap();
    let error = ParquetFile::from_bytes("test", &bytes[..])
        .read(&naive)
        .unwrap_err();
    assert!(matches!(error, Error::UnstatedZone { .. }), "{error}");
    let missing = ParquetFile::open("no/such/file.parquet").unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

#[test]
fn types_are_checked_even_when_no_row_is_there() {
    let empty = file(&[batch(&[])], Compression::UNCOMPRESSED);
    let ingest = ParquetFile::from_bytes("empty", &empty[..])
        .read(&schema())
        .unwrap();
    assert_eq!(account(&ingest), (0, 0, 0));
    assert_eq!(
        account(&from_batches("none", &[], &schema()).unwrap()),
        (0, 0, 0)
    );
    let wrong = SourceSchema::builder()
        .value("v", "Price", Parse::Str)
        .build()
        .unwrap();
    assert!(
        ParquetFile::from_bytes("empty", &empty[..])
            .read(&wrong)
            .is_err()
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_is_read_or_refused(at in any::<prop::sample::Index>(), value in any::<u8>()) {
        let mut bytes = file(&[batch(&[Some(1), None, Some(3)])], Compression::SNAPPY);
        let at = at.index(bytes.len());
        bytes[at] = value;
        if let Ok(ingest) = ParquetFile::from_bytes("damaged", bytes).read(&schema()) {
            prop_assert_eq!(ingest.table.rows() as u64 + ingest.rejected.total(), ingest.rows_read);
        }
    }
}
