//! Arrow IPC: files and streams, drifting types, and bytes that lie.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, DictionaryArray, FixedSizeListArray, Int32Array, NullArray, RecordBatch,
        StringArray, StringViewArray,
    },
    datatypes::{DataType, Field, Int8Type},
    ipc::writer::{FileWriter, StreamWriter},
};
use mlops_core::ErrorKind;
use mlops_features::{ArrowIpc, Error, Parse, SourceSchema, UnpackLimit, from_batches};
use proptest::prelude::*;

use super::support::{batch, ids, rows, schema};

fn file(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = FileWriter::try_new(Vec::new(), batches[0].schema_ref()).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.into_inner().unwrap()
}

fn stream(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), batches[0].schema_ref()).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.into_inner().unwrap()
}

#[test]
fn a_file_and_a_stream_read_as_their_batches() {
    let batches = [batch(&ids(0, 150)), batch(&ids(150, 40))];
    let expected = from_batches("direct", &batches, &schema()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("batches.arrow");
    for bytes in [file(&batches), stream(&batches)] {
        std::fs::write(&path, &bytes).unwrap();
        for source in [
            ArrowIpc::from_bytes("t", bytes),
            ArrowIpc::open(&path).unwrap(),
        ] {
            let ingest = source.read(&schema()).unwrap();
            assert_eq!(ingest.table.digest(), expected.table.digest());
            assert_eq!(ingest.rejected, expected.rejected);
        }
    }
}

#[test]
fn dictionaries_views_and_columns_that_nobody_asks_for_are_read() {
    let words: DictionaryArray<Int8Type> = ["UK", "France", "UK"].into_iter().collect();
    let item = Arc::new(Field::new_list_field(DataType::Null, true));
    let lists = FixedSizeListArray::new(item, 2, Arc::new(NullArray::new(6)), None);
    let columns: [(&str, ArrayRef); 4] = [
        ("word", Arc::new(words)),
        (
            "view",
            Arc::new(StringViewArray::from(vec![
                Some("1"),
                None,
                Some("a long text that is not inline"),
            ])),
        ),
        ("lists", Arc::new(lists)),
        ("n", Arc::new(Int32Array::from(vec![1, 2, 3]))),
    ];
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.map(|(n, a)| (n, a, true))).unwrap();
    let schema = SourceSchema::builder()
        .value("n", "n", Parse::Int)
        .value("view", "view", Parse::Str)
        .value("word", "word", Parse::Str)
        .build()
        .unwrap();
    for bytes in [
        file(std::slice::from_ref(&batch)),
        stream(&[batch.clone(), batch.slice(0, 0)]),
    ] {
        let ingest = ArrowIpc::from_bytes("t", bytes).read(&schema).unwrap();
        let rows = rows(&ingest.table);
        assert_eq!(
            rows[1],
            [2.into(), mlops_core::Value::Null, "France".into()]
        );
        assert_eq!(rows[2][1], "a long text that is not inline".into());
    }
    let wrong = SourceSchema::builder()
        .value("l", "lists", Parse::Int)
        .build()
        .unwrap();
    let error = ArrowIpc::from_bytes("t", file(&[batch]))
        .read(&wrong)
        .unwrap_err();
    assert!(matches!(error, Error::ColumnType { .. }), "{error}");
}

#[test]
fn what_is_no_ipc_is_a_typed_error() {
    let good = file(&[batch(&ids(0, 10))]);
    for bad in [
        &b""[..],
        b"Id,At\n1,2\n",
        b"ARROW1",
        b"ARROW1\0\0\0\0\0\0ARROW1",
        &good[..good.len() - 1],
        &[
            &good[..good.len() - 10],
            &i32::MAX.to_le_bytes()[..],
            b"ARROW1",
        ]
        .concat(),
    ] {
        let error = ArrowIpc::from_bytes("bad", bad)
            .read(&schema())
            .unwrap_err();
        assert!(matches!(error, Error::BrokenIpc { .. }), "{error}");
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
}

#[test]
fn rows_that_take_no_bytes_and_dictionaries_of_long_texts_are_bounded() {
    let nulls: ArrayRef = Arc::new(NullArray::new(1 << 40));
    let batch = RecordBatch::try_from_iter([("n", nulls)]).unwrap();
    let schema = SourceSchema::builder()
        .value("n", "n", Parse::Int)
        .build()
        .unwrap();
    for bytes in [file(std::slice::from_ref(&batch)), stream(&[batch])] {
        let error = ArrowIpc::from_bytes("bomb", bytes)
            .read(&schema)
            .unwrap_err();
        assert!(
            error.to_string().contains("bytes claim columns of"),
            "{error}"
        );
    }
    // a hundred thousand rows of one text of a megabyte
    let text = "x".repeat(1 << 20);
    let values: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let keys = arrow::array::Int8Array::from(vec![0; 100_000]);
    let words: ArrayRef = Arc::new(DictionaryArray::new(keys, values));
    let batch = RecordBatch::try_from_iter([("n", words)]).unwrap();
    let schema = SourceSchema::builder()
        .value("n", "n", Parse::Str)
        .build()
        .unwrap();
    let source = ArrowIpc::from_bytes("bomb", stream(&[batch]));
    let error = source
        .clone()
        .unpack_limit(UnpackLimit::columns().ratio(10))
        .read(&schema)
        .unwrap_err();
    assert!(matches!(error, Error::Unpacked { .. }), "{error}");
    assert!(error.to_string().starts_with("`bomb` unpacks"), "{error}");
    let mut parts = source.stream(&schema, 10).unwrap();
    assert_eq!(parts.next().unwrap().unwrap().table.rows(), 10);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_bytes_are_read_or_refused(
        as_file in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let batches = [batch(&[Some(1), None, Some(3)])];
        let mut bytes = if as_file { file(&batches) } else { stream(&batches) };
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(ingest) = ArrowIpc::from_bytes("damaged", bytes).read(&schema()) {
            prop_assert_eq!(ingest.table.rows() as u64 + ingest.rejected.total(), ingest.rows_read);
        }
    }
}
