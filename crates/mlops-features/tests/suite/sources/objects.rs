//! Sources that lie in a store: the same rows, by ranges.

use mlops_core::ErrorKind;
use mlops_features::{
    ArrowIpc, Csv, Error, JsonLines, ParquetDirectory, ParquetFile, Parse, SourceSchema,
    from_batches,
};
use mlops_store::{ListLimits, Objects};

use super::support::{batch, gzip, ids, parquet, schema};

#[test]
fn a_source_reads_in_a_store_as_it_reads_on_a_disk() {
    let objects = Objects::new();
    let batches = [batch(&ids(0, 150)), batch(&ids(150, 150))];
    let expected = from_batches("direct", &batches, &schema()).unwrap();
    for (i, part) in batches.iter().enumerate() {
        let file = objects
            .locate(&format!("memory://lake/x={i}/part.parquet"))
            .unwrap();
        file.put(parquet(std::slice::from_ref(part))).unwrap();
    }
    let lake = objects.locate("memory://lake").unwrap();
    let directory = ParquetDirectory::open_at(&lake, ListLimits::default()).unwrap();
    let ingest = directory.read(&schema()).unwrap();
    assert_eq!(ingest.table.digest(), expected.table.digest());
    assert_eq!(ingest.rejected, expected.rejected);

    let file = objects.locate("memory://all.parquet").unwrap();
    file.put(parquet(&batches)).unwrap();
    let ingest = ParquetFile::open_at(&file)
        .unwrap()
        .read(&schema())
        .unwrap();
    assert_eq!(ingest.table.digest(), expected.table.digest());

    let mut writer =
        arrow::ipc::writer::FileWriter::try_new(Vec::new(), batches[0].schema_ref()).unwrap();
    for batch in &batches {
        writer.write(batch).unwrap();
    }
    let file = objects.locate("memory://all.arrow").unwrap();
    file.put(writer.into_inner().unwrap()).unwrap();
    let ingest = ArrowIpc::open_at(&file).unwrap().read(&schema()).unwrap();
    assert_eq!(ingest.table.digest(), expected.table.digest());

    // texts, longer than the block by which they are fetched
    let rows = 600_000;
    let ids = SourceSchema::builder()
        .key("n", "n", Parse::Int)
        .build()
        .unwrap();
    let csv = format!("n\n{}", "000000000007\n".repeat(rows));
    let file = objects.locate("memory://n.csv").unwrap();
    file.put(csv.into_bytes()).unwrap();
    let ingest = Csv::open_at(&file).unwrap().read(&ids).unwrap();
    assert_eq!(ingest.table.rows(), rows);
    let json = "{\"n\":1}\n".repeat(1_000);
    let file = objects.locate("memory://n.jsonl.gz").unwrap();
    file.put(gzip(json.as_bytes())).unwrap();
    let ingest = JsonLines::open_at(&file).unwrap().read(&ids).unwrap();
    assert_eq!(ingest.table.rows(), 1_000);
}

#[test]
fn what_is_not_in_the_store_or_changes_is_a_typed_error() {
    let objects = Objects::new();
    let missing = objects.locate("memory://nothing").unwrap();
    for error in [
        ParquetFile::open_at(&missing).unwrap_err(),
        Csv::open_at(&missing).unwrap_err(),
        JsonLines::open_at(&missing).unwrap_err(),
        ArrowIpc::open_at(&missing).unwrap_err(),
    ] {
        assert!(matches!(error, Error::MissingFile { .. }), "{error}");
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    let empty = ParquetDirectory::open_at(&missing, ListLimits::default()).unwrap_err();
    assert!(matches!(empty, Error::EmptyDirectory { .. }), "{empty}");

    // more than the tail that is fetched first, so that a group is fetched later
    let file = objects.locate("memory://file").unwrap();
    let ids: Vec<Option<i32>> = (0..30_000).map(Some).collect();
    file.put(parquet(&[batch(&ids)])).unwrap();
    let source = ParquetFile::open_at(&file).unwrap();
    let schema = schema();
    let mut parts = source.stream(&schema, 100).unwrap();
    assert!(parts.next().unwrap().is_ok());
    file.put(&b"something else"[..]).unwrap();
    let error = parts.find_map(Result::err).unwrap();
    assert!(matches!(error, Error::Object { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Conflict);
}
