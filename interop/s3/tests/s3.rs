//! Sources in S3: the same rows, by the ranges that are needed and no others.

use std::{fs, path::Path, sync::Arc, time::Duration};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use mlops_core::ErrorKind;
use mlops_features::{
    Csv, Error, JsonLines, ParquetDirectory, ParquetFile, Parse, RowFilter, SourceSchema,
};
use mlops_interop_s3::{KEY, Server};
use mlops_store::{ListLimits, Objects, S3Settings};
use parquet::{
    arrow::ArrowWriter,
    file::{
        properties::WriterProperties, reader::FileReader, serialized_reader::SerializedFileReader,
    },
};

fn objects(server: &Server) -> Objects {
    Objects::new().with_s3(server.settings())
}

/// Twenty thousand rows a group; the column `noise` is most of the file.
fn parquet(groups: i64) -> Vec<u8> {
    const ROWS: i64 = 20_000;
    let noise = |i: i64| format!("{:x}", (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)).repeat(4);
    let batch = |group: i64| {
        let ids = group * ROWS..(group + 1) * ROWS;
        let columns: [(&str, ArrayRef); 3] = [
            ("id", Arc::new(Int64Array::from_iter_values(ids.clone()))),
            (
                "noise",
                Arc::new(StringArray::from_iter_values(ids.clone().map(noise))),
            ),
            (
                "n",
                Arc::new(Int64Array::from_iter_values(ids.map(|i| i % 7))),
            ),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(20_000))
        .set_dictionary_enabled(false)
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch(0).schema(), Some(properties)).unwrap();
    for group in 0..groups {
        writer.write(&batch(group)).unwrap();
    }
    writer.into_inner().unwrap()
}

fn schema() -> SourceSchema {
    SourceSchema::builder()
        .key("id", "id", Parse::Int)
        .value("n", "n", Parse::Int)
        .build()
        .unwrap()
}

fn put(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn of_a_file_the_footer_and_the_wanted_columns_are_fetched() {
    let dir = tempfile::tempdir().unwrap();
    let file = parquet(6);
    put(dir.path(), "lake/orders.parquet", &file);
    let server = Server::start(dir.path());
    let location = objects(&server).locate("s3://lake/orders.parquet").unwrap();
    let source = ParquetFile::open_at(&location).unwrap();
    server.log().clear();
    let ingest = source.read(&schema()).unwrap();
    let local = ParquetFile::from_bytes("local", file.clone())
        .read(&schema())
        .unwrap();
    assert_eq!(ingest.table.digest(), local.table.digest());

    let metadata = SerializedFileReader::new(bytes::Bytes::from(file.clone())).unwrap();
    let columns = metadata.metadata().row_groups().iter();
    let needed: i64 = columns
        .map(|group| group.column(0).compressed_size() + group.column(2).compressed_size())
        .sum();
    let fetched = server.log().bytes();
    let tail = 64 << 10;
    println!(
        "{} bytes, {needed} needed, {fetched} fetched, {} requests",
        file.len(),
        server.log().requests().len()
    );
    assert!(
        fetched <= u64::try_from(needed).unwrap() + tail,
        "{fetched} of {needed}"
    );
    assert!(fetched < file.len() as u64 / 2);
    // a head, the tail, and at most two ranges a group
    assert!(
        server.log().requests().len() <= 2 + 12,
        "{:?}",
        server.log().requests()
    );

    // one group of six
    server.log().clear();
    let filter = RowFilter::new().at_least("id", 40_000).below("id", 60_000);
    let ingest = source.filter(filter).read(&schema()).unwrap();
    assert_eq!(ingest.table.rows(), 20_000);
    let fetched = server.log().bytes();
    println!("one group of six: {fetched} fetched");
    assert!(
        fetched <= u64::try_from(needed).unwrap() / 6 + tail + 10_000,
        "{fetched}"
    );
}

#[test]
fn a_directory_is_listed_and_pruned_by_its_keys() {
    let dir = tempfile::tempdir().unwrap();
    let file = parquet(1);
    for key in [
        "country=UK/a.parquet",
        "country=UK/b.parquet",
        "country=La%20France/a.parquet",
        "_SUCCESS",
    ] {
        put(dir.path(), &format!("lake/orders/{key}"), &file);
    }
    put(dir.path(), "lake/orders-of-others/c.parquet", b"no parquet");
    let server = Server::start(dir.path());
    let location = objects(&server).locate("s3://lake/orders").unwrap();
    let directory = ParquetDirectory::open_at(&location, ListLimits::default()).unwrap();
    let paths: Vec<&str> = directory.files().iter().map(|file| file.path()).collect();
    assert_eq!(
        paths,
        [
            "country=La%20France/a.parquet",
            "country=UK/a.parquet",
            "country=UK/b.parquet"
        ]
    );
    let schema = SourceSchema::builder()
        .key("id", "id", Parse::Int)
        .value("country", "country", Parse::Str)
        .build()
        .unwrap();
    assert_eq!(directory.read(&schema).unwrap().table.rows(), 60_000);
    server.log().clear();
    let france = directory
        .clone()
        .filter(RowFilter::new().one_of("country", ["La France"]));
    assert_eq!(france.read(&schema).unwrap().table.rows(), 20_000);
    let uk = server
        .log()
        .requests()
        .into_iter()
        .filter(|line| line.contains("UK"));
    assert_eq!(uk.count(), 0);
    let limited = ParquetDirectory::open_at(&location, ListLimits::default().objects(2));
    assert!(matches!(limited, Err(Error::Object { .. })));
}

#[test]
fn texts_are_read_in_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let csv = format!("n\n{}", "7\n".repeat(3_000_000));
    put(dir.path(), "lake/n.csv", csv.as_bytes());
    put(
        dir.path(),
        "lake/n.jsonl",
        "{\"n\":7}\n".repeat(1_000).as_bytes(),
    );
    let server = Server::start(dir.path());
    let objects = objects(&server);
    let schema = SourceSchema::builder()
        .value("n", "n", Parse::Int)
        .build()
        .unwrap();
    let source = Csv::open_at(&objects.locate("s3://lake/n.csv").unwrap()).unwrap();
    let mut parts = source.stream(&schema, 1_000).unwrap();
    assert_eq!(parts.next().unwrap().unwrap().table.rows(), 1_000);
    assert!(
        server.log().bytes() <= 4 << 20,
        "the rest is fetched when it is read"
    );
    assert_eq!(source.read(&schema).unwrap().table.rows(), 3_000_000);
    let json = JsonLines::open_at(&objects.locate("s3://lake/n.jsonl").unwrap()).unwrap();
    assert_eq!(json.read(&schema).unwrap().table.rows(), 1_000);
}

#[test]
fn what_is_written_is_read() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("lake")).unwrap();
    let server = Server::start(dir.path());
    let location = objects(&server).locate("s3://lake/a/b").unwrap();
    location.put("hello").unwrap();
    let reader = location.open().unwrap();
    assert_eq!(reader.get_range(1..4).unwrap().as_ref(), b"ell");
    // another version is another object
    location.put("other").unwrap();
    let error = reader.get_range(1..4).unwrap_err();
    assert!(
        matches!(error, mlops_store::Error::Changed { .. }),
        "{error}"
    );
}

#[test]
fn a_server_that_is_busy_is_asked_again_and_one_that_is_silent_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "lake/a", b"hello");
    let server = Server::start(dir.path());
    let location = objects(&server).locate("s3://lake/a").unwrap();
    server.log().fail(2);
    assert_eq!(location.open().unwrap().size(), 5);
    assert_eq!(server.log().requests().len(), 3);

    let once = Objects::new().with_s3(server.settings().retries(1));
    server.log().fail(100);
    let error = once.locate("s3://lake/a").unwrap().open().unwrap_err();
    assert!(
        matches!(error, mlops_store::Error::Object { .. }),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    server.log().fail(0);

    server.log().pause(Duration::from_secs(5));
    let hasty = server
        .settings()
        .retries(0)
        .timeout(Duration::from_millis(200));
    let hasty = Objects::new().with_s3(hasty);
    let error = hasty.locate("s3://lake/a").unwrap().open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[test]
fn errors_name_the_url_and_never_the_secret() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "lake/a", b"hello");
    let server = Server::start(dir.path());
    let missing = objects(&server).locate("s3://lake/nothing").unwrap();
    let error = ParquetFile::open_at(&missing).unwrap_err();
    assert!(matches!(error, Error::MissingFile { .. }), "{error}");
    assert!(error.to_string().contains("s3://lake/nothing"), "{error}");
    let bucket = objects(&server).locate("s3://no-such-bucket/a").unwrap();
    assert_eq!(
        ParquetFile::open_at(&bucket).unwrap_err().kind(),
        ErrorKind::NotFound
    );

    let wrong = S3Settings::new("us-east-1")
        .endpoint(server.endpoint())
        .credentials(KEY, "wrong-secret");
    let denied = Objects::new().with_s3(wrong).locate("s3://lake/a").unwrap();
    let error = denied.open().unwrap_err();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        text.push_str(&format!(" / {inner}"));
        source = inner.source();
    }
    println!("{text}");
    assert!(
        text.contains("s3://lake/a") && !text.contains("wrong-secret"),
        "{text}"
    );
    assert_eq!(error.kind(), ErrorKind::Denied, "{text}");

    let dead = S3Settings::new("us-east-1")
        .endpoint("http://127.0.0.1:9")
        .retries(0);
    let dead = Objects::new().with_s3(dead).locate("s3://lake/a").unwrap();
    assert_eq!(dead.open().unwrap_err().kind(), ErrorKind::Unavailable);
    let secret = S3Settings::new("us-east-1").endpoint("http://user:wrong-secret@host");
    let error = Objects::new()
        .with_s3(secret)
        .locate("s3://lake/a")
        .unwrap_err();
    assert!(!error.to_string().contains("wrong-secret"), "{error}");
}
