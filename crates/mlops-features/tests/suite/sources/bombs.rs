//! Small files that would become large, or would keep a reader busy: each is a typed error, soon.

use std::{fmt::Write as _, sync::Arc};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use bytes::Bytes;
use mlops_core::{ErrorKind, Seed};
use mlops_features::{Csv, Error, JsonLines, ParquetFile, Parse, SourceSchema, UnpackLimit};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, GzipLevel},
    file::{
        properties::WriterProperties,
        reader::{FileReader, SerializedFileReader},
    },
};

use super::support::gzip;

fn schema() -> SourceSchema {
    SourceSchema::builder()
        .value("v", "v", Parse::Str)
        .build()
        .unwrap()
}

fn assert_unpacked(error: &Error, name: &str) {
    assert!(matches!(error, Error::Unpacked { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let text = error.to_string();
    assert!(text.starts_with(&format!("`{name}` unpacks")), "{text}");
}

#[test]
fn a_gzip_bomb_ends_at_the_limit() {
    let line = format!("{}\n", "0".repeat(50_000));
    let csv = gzip(format!("v\n{}", line.repeat(2_000)).as_bytes());
    println!("100 MB of zeros are {} bytes of gzip", csv.len());
    let error = Csv::from_bytes("csv.gz", &csv[..])
        .read(&schema())
        .unwrap_err();
    assert_unpacked(&error, "csv.gz");
    // 100 MB are more than 64 MiB and less than what is trusted
    let trusted = Csv::from_bytes("t", &csv[..]).unpack_limit(UnpackLimit::none());
    assert_eq!(trusted.read(&schema()).unwrap().table.rows(), 2_000);
    let small =
        Csv::from_bytes("csv.gz", &csv[..]).unpack_limit(UnpackLimit::text().bytes(1 << 20));
    assert_unpacked(&small.read(&schema()).unwrap_err(), "csv.gz");

    // blank lines are no rows, and are counted all the same
    let json = gzip(&b" \n".repeat(4_000_000));
    let error = JsonLines::from_bytes("json.gz", &json[..])
        .unpack_limit(UnpackLimit::text().bytes(4 << 20))
        .read(&schema())
        .unwrap_err();
    assert_unpacked(&error, "json.gz");

    // a stream gives what came before, and then the error
    let zipped = Csv::from_bytes("csv.gz", csv);
    let schema = schema();
    let mut rows = 0;
    let mut last = None;
    for chunk in zipped.stream(&schema, 100).unwrap() {
        match chunk {
            Ok(chunk) => rows += chunk.table.rows(),
            Err(error) => last = Some(error),
        }
    }
    assert!(rows > 1_000, "{rows}");
    assert_unpacked(&last.unwrap(), "csv.gz");
}

#[test]
fn a_plain_file_has_no_limit_but_its_size() {
    let line = format!("{}\n", "0".repeat(50_000));
    let text = format!("v\n{}", line.repeat(100));
    let csv = Csv::from_bytes("t", text.as_bytes()).unpack_limit(UnpackLimit::text().bytes(10));
    assert_eq!(csv.read(&schema()).unwrap().table.rows(), 100);
}

fn parquet(column: ArrayRef, properties: WriterProperties) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter([("v", column)]).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// Where the first data page of a file begins.
fn first_page(file: &[u8]) -> usize {
    let reader = SerializedFileReader::new(Bytes::copy_from_slice(file)).unwrap();
    let offset = reader.metadata().row_group(0).column(0).data_page_offset();
    usize::try_from(offset).unwrap()
}

#[test]
fn rows_that_take_no_bytes_are_refused_before_they_are_decoded() {
    let file = parquet(
        Arc::new(Int64Array::from(vec![7; 1_000_000])),
        WriterProperties::default(),
    );
    println!("a million constants are {} bytes of Parquet", file.len());
    let mut schema = SourceSchema::builder();
    for i in 0..20 {
        schema = schema.value(format!("v{i}"), "v", Parse::Int);
    }
    let schema = schema.build().unwrap();
    let source = ParquetFile::from_bytes("flat.parquet", file);
    assert_unpacked(&source.read(&schema).unwrap_err(), "flat.parquet");
    let trusted = source.unpack_limit(UnpackLimit::none());
    assert_eq!(trusted.read(&schema).unwrap().table.rows(), 1_000_000);
}

#[test]
fn a_dictionary_of_one_long_text_is_not_written_out_for_every_row() {
    // short enough for a dictionary; ten million rows would be a terabyte, and two thousand are enough
    let text = "x".repeat(100_000);
    let texts = StringArray::from_iter_values(std::iter::repeat_n(text.as_str(), 2_000));
    let file = parquet(Arc::new(texts), WriterProperties::default());
    println!("200 MB of text are {} bytes of Parquet", file.len());
    assert!(file.len() < 1_000_000);
    let source = ParquetFile::from_bytes("text.parquet", file);
    let limited = source
        .clone()
        .unpack_limit(UnpackLimit::columns().ratio(100));
    let refused = limited.read(&schema()).map(|ingest| ingest.rows_read);
    assert_unpacked(&refused.unwrap_err(), "text.parquet");
    let mut parts = 0;
    for part in limited.stream(&schema(), 10).unwrap() {
        match part {
            Ok(part) => parts += part.table.rows(),
            Err(error) => assert_unpacked(&error, "text.parquet"),
        }
    }
    assert!(parts < 2_000, "{parts}");
}

#[test]
fn a_page_header_that_lists_two_billion_booleans_is_refused() {
    let mut file = parquet(
        Arc::new(Int64Array::from_iter_values(0..1_000)),
        WriterProperties::default(),
    );
    let at = first_page(&file);
    // an unknown field of lists of booleans, which take no bytes: each list is two billion steps
    let list = [0xf1, 0xff, 0xff, 0xff, 0xff, 0x07];
    let mut header = vec![0x99, 0xf9, 100];
    header.extend(list.iter().cycle().take(600));
    file[at..at + header.len()].copy_from_slice(&header);
    let schema = SourceSchema::builder()
        .value("v", "v", Parse::Int)
        .build()
        .unwrap();
    let error = ParquetFile::from_bytes("busy", file)
        .read(&schema)
        .unwrap_err();
    assert!(matches!(error, Error::BrokenParquet { .. }), "{error}");
    assert!(error.to_string().contains("it lists booleans"), "{error}");
}

#[test]
fn a_page_that_lies_about_its_size_is_measured_before_it_is_unpacked() {
    let mut rng = Seed(7).rng();
    let mut text = String::new();
    while text.len() < 900_000 {
        write!(text, "{:016x}", rng.next_u64()).unwrap();
    }
    let properties = WriterProperties::builder()
        .set_compression(Compression::GZIP(GzipLevel::default()))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None)
        .build();
    let good = parquet(Arc::new(StringArray::from(vec![text])), properties);
    let read = |file: Vec<u8>| ParquetFile::from_bytes("liar", file).read(&schema());
    assert_eq!(read(good.clone()).unwrap().table.rows(), 1);
    // `type: data page`, then the unpacked size as a number of three bytes
    let at = first_page(&good);
    assert_eq!(good[at..at + 3], [0x15, 0, 0x15]);
    let with_size = |size: [u8; 3]| {
        let mut file = good.clone();
        file[at + 3..at + 6].copy_from_slice(&size);
        read(file).unwrap_err().to_string()
    };
    let error = with_size([0xfe, 0xff, 0x00]);
    assert!(error.contains("a page unpacks to more than"), "{error}");
}

#[test]
fn a_page_larger_than_the_limit_is_refused_by_its_header() {
    let good = parquet(
        Arc::new(Int64Array::from_iter_values(0..1_000)),
        WriterProperties::default(),
    );
    let at = first_page(&good);
    let mut file = good;
    // `type: data page`, `unpacked: 2 GiB - 1`
    file[at..at + 8].copy_from_slice(&[0x15, 0, 0x15, 0xfe, 0xff, 0xff, 0xff, 0x0f]);
    let schema = SourceSchema::builder()
        .value("v", "v", Parse::Int)
        .build()
        .unwrap();
    let error = ParquetFile::from_bytes("large", file)
        .read(&schema)
        .unwrap_err();
    assert!(matches!(error, Error::BrokenParquet { .. }), "{error}");
}

#[test]
fn a_schema_of_a_hundred_thousand_levels_does_not_end_the_process() {
    let levels: u32 = 100_000;
    // `version: 2`, `schema: [{name: "a", num_children: 1}, …]`
    let mut footer = vec![0x15, 4, 0x19, 0xfc];
    let mut count = levels;
    while count >= 0x80 {
        footer.push(u8::try_from(count & 0x7f).unwrap() | 0x80);
        count >>= 7;
    }
    footer.push(u8::try_from(count).unwrap());
    for _ in 0..levels {
        footer.extend_from_slice(&[0x48, 1, b'a', 0x15, 2, 0]);
    }
    footer.push(0);
    let length = u32::try_from(footer.len()).unwrap();
    let file = [&b"PAR1"[..], &footer, &length.to_le_bytes(), b"PAR1"].concat();
    let error = ParquetFile::from_bytes("deep", file)
        .read(&schema())
        .unwrap_err();
    assert!(error.to_string().contains("nested too deep"), "{error}");
}
