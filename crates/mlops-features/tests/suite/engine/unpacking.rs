//! What files of a join unpack to: bounded, whole or refused, and wherever they lie.

use std::{fs, io::Write as _, path::Path, sync::Arc};

use arrow::array::{ArrayRef, FixedSizeBinaryArray, LargeStringArray, RecordBatch};
use flate2::{Compression, write::GzEncoder};
use mlops_core::ErrorKind;
use mlops_features::{
    Error, JoinSummary, Objects, PointInTimeJoin, SpineFile, UnpackLimit, ViewFile,
};
use parquet::{
    arrow::ArrowWriter,
    file::properties::{WriterProperties, WriterVersion},
};

use super::support::{column_of_ints, column_of_texts, ints, read, times, write};

const SPINE: &str = "id,event_timestamp\n1,2024-01-02\n2,2024-01-02\n";
const HEADER: &str = "id,event_timestamp,n\n";

fn gzip(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

fn parquet(batch: &RecordBatch) -> Vec<u8> {
    // the second version has dictionaries of values of any type
    let properties = WriterProperties::builder().set_writer_version(WriterVersion::PARQUET_2_0);
    let properties = Some(properties.build());
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), properties).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

/// A join of the spine above with a view at a path.
fn join(dir: &Path, view: &str, limit: Option<UnpackLimit>) -> mlops_features::Result<JoinSummary> {
    fs::write(dir.join("spine.csv"), SPINE).unwrap();
    let mut view = ViewFile::open("v", dir.join(view))?.keys(["id"]);
    if let Some(limit) = limit {
        view = view.unpack_limit(limit);
    }
    let spine = SpineFile::open(dir.join("spine.csv"))?;
    PointInTimeJoin::new(spine)
        .view(view)
        .write(dir.join("out.csv"))
}

fn assert_unpacked(error: &Error, file: &str) {
    assert!(matches!(error, Error::Unpacked { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains(file), "{error}");
}

#[test]
fn a_gzip_bomb_in_a_view_or_a_spine_ends_at_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let line = format!("1,2024-01-01,{}\n", "0".repeat(50_000));
    let bomb = gzip(&format!("{HEADER}{}", line.repeat(2_000)));
    println!("100 MB of zeros are {} bytes of gzip", bomb.len());
    fs::write(dir.path().join("bomb.csv.gz"), &bomb).unwrap();
    assert_unpacked(
        &join(dir.path(), "bomb.csv.gz", None).unwrap_err(),
        "bomb.csv.gz",
    );
    assert!(!dir.path().join("out.csv").exists());
    let trusted = join(dir.path(), "bomb.csv.gz", Some(UnpackLimit::none()));
    assert_eq!(trusted.unwrap().views[0].matched, 1);

    let spine = SpineFile::open(dir.path().join("bomb.csv.gz")).unwrap();
    let small = spine
        .clone()
        .unpack_limit(UnpackLimit::text().bytes(1 << 20));
    for spine in [spine, small] {
        let error = PointInTimeJoin::new(spine).collect().unwrap_err();
        assert_unpacked(&error, "bomb.csv.gz");
    }
}

#[test]
fn an_open_quote_ends_before_it_fills_the_memory() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!("{HEADER}1,2024-01-01,\"{}\n", "x\n".repeat(40 << 20));
    fs::write(dir.path().join("open.csv"), text).unwrap();
    let error = join(dir.path(), "open.csv", None).unwrap_err();
    assert!(
        matches!(error, Error::RecordTooLong { row: 1, .. }),
        "{error}"
    );
}

#[test]
fn a_gzip_stream_that_is_cut_off_or_damaged_is_named_with_its_row() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cut.csv.gz");
    let rows: Vec<String> = (0..50_000).map(|n| format!("1,2024-01-01,{n}\n")).collect();
    let rows = rows.concat();
    let whole = gzip(&format!("{HEADER}{rows}"));
    // the end of the stream is its checksum and its length: of these two files all rows are there
    let mut damaged = whole.clone();
    let checksum = damaged.len() - 8;
    damaged[checksum] ^= 1;
    let check = |bytes: &[u8], rows: std::ops::RangeInclusive<u64>| {
        fs::write(&path, bytes).unwrap();
        let error = join(dir.path(), "cut.csv.gz", None).unwrap_err();
        assert!(
            matches!(error, Error::BrokenGzip { row, .. } if rows.contains(&row)),
            "{error:?}"
        );
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains("cut.csv.gz"), "{error}");
        assert!(!dir.path().join("out.csv").exists());
    };
    check(&whole[..whole.len() / 2], 1_000..=40_000);
    check(&whole[..whole.len() - 4], 50_000..=50_000);
    check(&damaged, 50_000..=50_000);
}

#[test]
fn members_of_a_gzip_file_are_one_text_and_its_name_says_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let members = [
        gzip(HEADER),
        gzip("1,2024-01-01,7\n2,2024"),
        gzip("-01-01,8\n"),
        gzip("1,2024-01-02,9\n"),
    ];
    for name in ["v.csv.gz", "v.csv"] {
        fs::write(dir.path().join(name), members.concat()).unwrap();
        let summary = join(dir.path(), name, None).unwrap();
        assert_eq!((summary.views[0].rows, summary.views[0].matched), (3, 2));
        let out = fs::read_to_string(dir.path().join("out.csv")).unwrap();
        assert_eq!(
            out,
            "id,event_timestamp,v__n\n1,2024-01-02,9\n2,2024-01-02,8\n"
        );
    }
}

#[test]
fn files_of_a_join_may_be_objects() {
    let objects = Objects::new();
    let at = |url: &str| objects.locate(url).unwrap();
    at("memory://spine.csv").put(SPINE).unwrap();
    let view = gzip(&format!("{HEADER}1,2024-01-01,7\n"));
    at("memory://v.csv.gz").put(view).unwrap();
    let view = ViewFile::open_at("v", at("memory://v.csv.gz")).unwrap();
    let spine = SpineFile::open_at(at("memory://spine.csv")).unwrap();
    let join = PointInTimeJoin::new(spine).view(view.keys(["id"]));
    let (batches, _) = join.collect().unwrap();
    let seen = column_of_texts(&batches[0], "v__n");
    assert_eq!(seen, [Some("7".to_owned()), None]);

    let error = SpineFile::open_at(at("memory://spine.txt")).unwrap_err();
    assert!(matches!(error, Error::UnknownFormat { .. }), "{error}");
    let gone = ViewFile::open_at("v", at("memory://gone.csv")).unwrap();
    let spine = SpineFile::open_at(at("memory://spine.csv")).unwrap();
    let error = PointInTimeJoin::new(spine).view(gone).collect();
    assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn parquet_values_that_take_no_bytes_are_refused_before_they_are_decoded() {
    let dir = tempfile::tempdir().unwrap();
    let rows = 50_000;
    let wide = vec![7_u8; 4_000];
    let wide = FixedSizeBinaryArray::try_from_iter(std::iter::repeat_n(wide, rows)).unwrap();
    let view = RecordBatch::try_from_iter([
        ("id", ints((0..).map(Some).take(rows))),
        ("event_timestamp", times(vec![Some(0); rows])),
        ("wide", Arc::new(wide) as ArrayRef),
    ]);
    fs::write(dir.path().join("v.parquet"), parquet(&view.unwrap())).unwrap();
    let error = join(
        dir.path(),
        "v.parquet",
        Some(UnpackLimit::columns().ratio(100)),
    );
    assert_unpacked(&error.unwrap_err(), "v.parquet");
    let trusted = join(dir.path(), "v.parquet", Some(UnpackLimit::none()));
    assert_eq!(trusted.unwrap().views[0].matched, 2);
}

#[test]
fn large_texts_are_measured_before_each_is_written_out() {
    let dir = tempfile::tempdir().unwrap();
    let rows = 2_000;
    let text = "x".repeat(100_000);
    let texts = LargeStringArray::from_iter_values(std::iter::repeat_n(text.as_str(), rows));
    let view = RecordBatch::try_from_iter([
        ("id", ints((1..).map(Some).take(rows))),
        ("event_timestamp", times(vec![Some(0); rows])),
        ("text", Arc::new(texts) as ArrayRef),
    ])
    .unwrap();
    let bytes = parquet(&view);
    println!("200 MB of text are {} bytes of Parquet", bytes.len());
    fs::write(dir.path().join("v.parquet"), bytes).unwrap();
    // every row is asked for, so that every text is
    let spine = view.project(&[0, 1]).unwrap();
    write(&dir.path().join("spine.parquet"), &spine, rows);
    let join = |limit: UnpackLimit| {
        let view = ViewFile::open("v", dir.path().join("v.parquet"))?.unpack_limit(limit);
        let spine = SpineFile::open(dir.path().join("spine.parquet"))?;
        PointInTimeJoin::new(spine)
            .view(view)
            .write(dir.path().join("out.parquet"))
    };
    let error = join(UnpackLimit::columns().ratio(100)).unwrap_err();
    assert_unpacked(&error, "v.parquet");
    join(UnpackLimit::columns()).unwrap();
    let out = read(&dir.path().join("out.parquet"));
    assert_eq!(column_of_ints(&out, "id").len(), rows);
    let column = out.column_by_name("v__text").unwrap();
    assert_eq!(column.data_type(), view.column(2).data_type());
    assert_eq!(column.as_ref(), view.column(2).as_ref());
}
