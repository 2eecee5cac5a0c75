//! One suite for every source: its parts are the whole, whatever their size.

use std::{fmt::Write as _, sync::Arc};

use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::Int64Type,
    error::ArrowError,
    ipc::writer::StreamWriter,
};
use mlops_core::{ErrorKind, Table};
use mlops_features::{
    ArrowIpc, Chunk, Csv, Error, Ingest, JsonLines, ParquetDirectory, ParquetFile, RowFilter,
    Source, SourceSchema, from_batches, from_stream,
};

use super::support::{batch, ids, parquet, schema};

fn csv_text(batches: &[RecordBatch]) -> String {
    let mut text = "Id,Price,At,Name\n".to_owned();
    for row in batches.iter().flat_map(lines) {
        text.push_str(&row.map(Option::unwrap_or_default).join(","));
        text.push('\n');
    }
    text
}

fn json_text(batches: &[RecordBatch]) -> String {
    let mut text = String::new();
    for [id, price, at, name] in batches.iter().flat_map(lines) {
        let (id, price) = (id.unwrap_or("null".to_owned()), price.unwrap());
        let name = name.map_or("null".to_owned(), |name| format!("\"{name}\""));
        let at = at.unwrap();
        writeln!(
            text,
            "{{\"Id\":{id},\"Price\":{price},\"At\":\"{at}\",\"Name\":{name}}}"
        )
        .unwrap();
    }
    text
}

/// The values of each row as text; times as a local time that has milliseconds.
fn lines(batch: &RecordBatch) -> Vec<[Option<String>; 4]> {
    use arrow::util::display::array_value_to_string;
    let cell = |column: usize, row: usize| {
        let array = batch.column(column);
        array
            .is_valid(row)
            .then(|| array_value_to_string(array, row).unwrap())
    };
    (0..batch.num_rows())
        .map(|row| {
            let at = cell(2, row).map(|at| {
                let at = at.replace('T', " ");
                if at.contains('.') {
                    at
                } else {
                    format!("{at}.000")
                }
            });
            [cell(0, row), cell(1, row), at, cell(3, row)]
        })
        .collect()
}

fn text_schema() -> SourceSchema {
    use mlops_features::{Parse, TimeFormat};
    let london = TimeFormat::new("%Y-%m-%d %H:%M:%S%.f", "Europe/London").unwrap();
    SourceSchema::builder()
        .key("id", "Id", Parse::Int)
        .event_time("at", "At", london)
        .value("name", "Name", Parse::Str)
        .value("price", "Price", Parse::Float)
        .build()
        .unwrap()
}

fn check(source: &dyn Source, schema: &SourceSchema, expected: &Ingest) {
    let whole = source.read(schema).unwrap();
    let name = source.name();
    assert_eq!(whole.table.digest(), expected.table.digest(), "{name}");
    assert_eq!(whole.rejected, expected.rejected, "{name}");
    for chunk_rows in [1, 7, 100, 1_000, usize::MAX] {
        let chunks: Vec<Chunk> = source
            .stream(schema, chunk_rows)
            .unwrap()
            .collect::<Result<_, Error>>()
            .unwrap();
        for chunk in &chunks {
            assert!(
                chunk.rows_read > 0 && chunk.rows_read <= chunk_rows as u64,
                "{name}"
            );
            let rows = chunk.table.rows() as u64 + chunk.rejected.total();
            assert_eq!(rows, chunk.rows_read, "{name}");
        }
        let tables: Vec<Table> = chunks.iter().map(|chunk| chunk.table.clone()).collect();
        assert_eq!(
            Table::concat(&tables).unwrap().digest(),
            whole.table.digest(),
            "{name}"
        );
        let together = source.stream(schema, chunk_rows).unwrap().ingest().unwrap();
        assert_eq!(together.table.digest(), whole.table.digest(), "{name}");
        assert_eq!(together.rejected, whole.rejected, "{name}");
        assert_eq!(together.rows_read, whole.rows_read, "{name}");
    }
    // what a filter takes comes, in order, whatever comes with it
    let wanted = RowFilter::new().at_least("id", 120).below("id", 160);
    let taken = |ingest: &Ingest| {
        let ids = ingest.table.column("id").unwrap();
        let ids = ids.as_primitive::<Int64Type>().values();
        let keep: Vec<bool> = ids.iter().map(|id| (120..160).contains(id)).collect();
        ingest.table.filter(&keep).unwrap().digest()
    };
    let near = source.stream_near(schema, 7, &wanted).unwrap();
    let near = near.ingest().unwrap();
    assert_eq!(taken(&near), taken(&whole), "{name}");
    assert!(near.rows_read <= whole.rows_read, "{name}");
    let text = RowFilter::new().below("id", "x");
    let error = source.stream_near(schema, 7, &text).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{name}");

    let error = source.stream(schema, 0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{name}");
}

#[test]
fn every_source_reads_in_parts_what_it_reads_whole() {
    let batches = [batch(&ids(0, 150)), batch(&ids(150, 150))];
    let expected = from_batches("direct", &batches, &schema()).unwrap();
    assert_eq!((expected.rows_read, expected.rejected.total()), (300, 6));
    let dir = tempfile::tempdir().unwrap();
    for (i, batch) in batches.iter().enumerate() {
        let file = dir.path().join(format!("part-{i}.parquet"));
        std::fs::write(file, parquet(std::slice::from_ref(batch))).unwrap();
    }
    let file = dir.path().join("_hidden");
    std::fs::write(&file, parquet(&batches)).unwrap();
    let mut stream = StreamWriter::try_new(Vec::new(), batches[0].schema_ref()).unwrap();
    for batch in &batches {
        stream.write(batch).unwrap();
    }
    let stream = stream.into_inner().unwrap();
    let typed: [&dyn Source; 4] = [
        &ParquetFile::from_bytes("parquet in memory", parquet(&batches)),
        &ParquetFile::open(&file).unwrap(),
        &ParquetDirectory::open(dir.path()).unwrap(),
        &ArrowIpc::from_bytes("ipc stream", stream),
    ];
    for source in typed {
        check(source, &schema(), &expected);
    }
    let texts: [&dyn Source; 2] = [
        &Csv::from_bytes("csv", csv_text(&batches).as_bytes()),
        &JsonLines::from_bytes("json", json_text(&batches).as_bytes()),
    ];
    for source in texts {
        check(source, &text_schema(), &expected);
    }
}

#[test]
fn a_stream_of_batches_is_read_as_it_comes() {
    let batches = [batch(&ids(0, 150)), batch(&[]), batch(&ids(150, 150))];
    let expected = from_batches("direct", &batches, &schema()).unwrap();
    let schema = schema();
    for chunk_rows in [1, 64, 1_000] {
        let items = batches.clone().map(Ok);
        let stream = from_stream("stream", batches[0].schema(), items, &schema, chunk_rows);
        let ingest = stream.unwrap().ingest().unwrap();
        assert_eq!(ingest.table.digest(), expected.table.digest());
        assert_eq!(ingest.rejected, expected.rejected);
    }
    let failing = [
        Ok(batch(&[Some(1)])),
        Err(ArrowError::CastError("no".into())),
        Ok(batch(&[Some(2)])),
    ];
    let mut stream = from_stream("stream", batches[0].schema(), failing, &schema, 10).unwrap();
    assert_eq!(stream.next().unwrap().unwrap().table.rows(), 1);
    assert!(matches!(stream.next(), Some(Err(Error::Arrow { .. }))));
    assert!(stream.next().is_none(), "after an error nothing follows");
    let nothing: [Result<RecordBatch, ArrowError>; 0] = [];
    let types = Arc::new(batches[0].schema().project(&[0]).unwrap());
    let error = from_stream("stream", types, nothing, &schema, 10).unwrap_err();
    assert!(matches!(error, Error::MissingColumn { .. }), "{error}");
}

#[test]
fn memory_is_bounded_by_a_part_and_not_by_the_file() {
    // a reader that has given a part holds no row of the next: the file may go away after it was opened
    let rows = 200_000;
    let mut text = String::new();
    for i in 0..rows {
        writeln!(text, "{{\"n\":{i}}}").unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("n.jsonl");
    std::fs::write(&path, text).unwrap();
    let schema = SourceSchema::builder()
        .key("n", "n", mlops_features::Parse::Int)
        .build()
        .unwrap();
    let json = JsonLines::open(&path).unwrap();
    let mut read = 0;
    let mut largest = 0;
    for chunk in json.stream(&schema, 1_000).unwrap() {
        let chunk = chunk.unwrap();
        read += chunk.table.rows();
        largest = largest.max(chunk.table.batch().get_array_memory_size());
    }
    assert_eq!(read, rows);
    assert!(largest < 20_000, "{largest} bytes");
}
