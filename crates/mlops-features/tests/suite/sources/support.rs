//! Batches, files and tables that several tests share.

use std::{io::Write as _, sync::Arc};

use arrow::array::{
    ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use flate2::{Compression, write::GzEncoder};
use mlops_core::{Column, Table, Value};
use mlops_features::{Ingest, Parse, SourceSchema, TimeFormat};
use parquet::{arrow::ArrowWriter, file::properties::WriterProperties};

/// The columns `Id`, `Price`, `At` and `Name`; the ids are given, every third name is missing.
pub(crate) fn batch(ids: &[Option<i32>]) -> RecordBatch {
    let rows = ids.len();
    let text = |i: usize| (!i.is_multiple_of(3)).then(|| format!("name {i}"));
    let columns: [(&str, ArrayRef); 4] = [
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

/// Some ids, one of 50 missing.
pub(crate) fn ids(from: i32, count: i32) -> Vec<Option<i32>> {
    let ids = from..from + count;
    ids.map(|i| (i % 50 != 7).then_some(i)).collect()
}

pub(crate) fn schema() -> SourceSchema {
    SourceSchema::builder()
        .key("id", "Id", Parse::Int)
        .event_time("at", "At", TimeFormat::local("Europe/London").unwrap())
        .value("name", "Name", Parse::Str)
        .value("price", "Price", Parse::Float)
        .build()
        .unwrap()
}

/// A Parquet file with row groups of 100 rows.
pub(crate) fn parquet(batches: &[RecordBatch]) -> Vec<u8> {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(100))
        .build();
    let mut writer =
        ArrowWriter::try_new(Vec::new(), batches[0].schema(), Some(properties)).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.into_inner().unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// All values of a table, row by row.
pub(crate) fn rows(table: &Table) -> Vec<Vec<Value>> {
    let names: Vec<&str> = table.schema().columns().iter().map(Column::name).collect();
    let cell = |name: &str, row| Value::from_array(name, table.column(name).unwrap(), row).unwrap();
    (0..table.rows())
        .map(|row| names.iter().map(|name| cell(name, row)).collect())
        .collect()
}

/// The rejected rows as text.
pub(crate) fn why(ingest: &Ingest) -> Vec<String> {
    ingest
        .rejected
        .rows()
        .iter()
        .map(ToString::to_string)
        .collect()
}
