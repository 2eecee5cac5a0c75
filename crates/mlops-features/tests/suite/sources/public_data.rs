//! Real files through every source. Without them the tests say so and pass.

use std::{fmt::Write as _, io::Read as _, path::PathBuf};

use flate2::read::MultiGzDecoder;
use mlops_core::Stopwatch;
use mlops_features::{
    Csv, JsonLines, ParquetDirectory, Parse, RejectionKind, RowFilter, SourceSchema, TimeFormat,
};

use super::support::gzip;

fn data(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {name} is not there");
    None
}

#[test]
fn seven_months_of_green_taxis_are_one_source_though_their_types_drift() {
    let Some(path) = data("nyc-green-taxi") else {
        return;
    };
    let schema = SourceSchema::builder()
        .event_time(
            "pickup",
            "lpep_pickup_datetime",
            TimeFormat::local("America/New_York").unwrap(),
        )
        .value("vendor", "VendorID", Parse::Int)
        .value("location", "PULocationID", Parse::Int)
        .value("passengers", "passenger_count", Parse::Int)
        .value("flag", "store_and_fwd_flag", Parse::Str)
        .value("ehail_fee", "ehail_fee", Parse::Float)
        .value("total", "total_amount", Parse::Float)
        .unit("USD")
        .build()
        .unwrap();
    let directory = ParquetDirectory::open(&path).unwrap();
    let parquet = |name: &str| name.ends_with(".parquet");
    assert!(directory.files().iter().all(|file| parquet(file.path())));
    let watch = Stopwatch::start();
    let ingest = directory.read(&schema).unwrap();
    println!(
        "{} trips in {:.2?}: {}",
        ingest.rows_read,
        watch.elapsed(),
        ingest.rejected
    );
    assert_eq!(ingest.rows_read, 480_887);
    assert!(ingest.rejected.total() < 50);
    for count in ingest.rejected.counts() {
        let skipped = [RejectionKind::NonexistentTime, RejectionKind::AmbiguousTime];
        assert!(skipped.contains(&count.kind), "{}", ingest.rejected);
    }
    // what a filter takes is what a look at every row takes
    let from = mlops_core::EventTime::parse("2023-03-15T00:00:00Z").unwrap();
    let times = ingest.table.event_times().unwrap();
    let expected = times.iter().filter(|time| **time >= from).count();
    let late = directory.filter(RowFilter::new().at_least("pickup", from));
    assert_eq!(late.read(&schema).unwrap().table.rows(), expected);
    assert!(expected > 50_000);
}

#[test]
fn online_retail_is_the_same_table_as_csv_and_as_json_lines() {
    let Some(path) = data("online-retail/online-retail-dataset.csv.gz") else {
        return;
    };
    let schema = |names: [&str; 8]| {
        let time = TimeFormat::new("%Y-%m-%d %H:%M:%S", "Europe/London").unwrap();
        SourceSchema::builder()
            .value("invoice", names[0], Parse::Str)
            .value("stock_code", names[1], Parse::Str)
            .value("description", names[2], Parse::Str)
            .value("quantity", names[3], Parse::Int)
            .event_time("invoice_date", names[4], time)
            .value("unit_price", names[5], Parse::Float)
            .key("customer_id", names[6], Parse::Int)
            .value("country", names[7], Parse::Str)
            .build()
            .unwrap()
    };
    let names = [
        "InvoiceNo",
        "StockCode",
        "Description",
        "Quantity",
        "InvoiceDate",
        "UnitPrice",
        "CustomerID",
        "Country",
    ];
    // written by another library, from the cells as they stand: numbers without quotes, nested keys
    let mut text = String::new();
    MultiGzDecoder::new(std::fs::File::open(&path).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let headers: Vec<String> = reader
        .headers()
        .unwrap()
        .iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(headers, names);
    let mut json = String::new();
    for record in reader.records() {
        let record = record.unwrap();
        let quoted = |i: usize| match &record[i] {
            "" => "null".to_owned(),
            text => serde_json::to_string(text).unwrap(),
        };
        let plain = |i: usize| match &record[i] {
            "" => "null",
            number => number,
        };
        writeln!(
            json,
            "{{\"line\":{{\"invoice\":{},\"code\":{},\"text\":{},\"n\":{}}},\"at\":{},\"price\":{},\"customer\":{{\"id\":{},\"country\":{}}}}}",
            quoted(0), quoted(1), quoted(2), plain(3), quoted(4), plain(5), plain(6), quoted(7),
        )
        .unwrap();
    }
    let nested = [
        "line.invoice",
        "line.code",
        "line.text",
        "line.n",
        "at",
        "price",
        "customer.id",
        "customer.country",
    ];
    let watch = Stopwatch::start();
    let csv = Csv::open(&path).unwrap().read(&schema(names)).unwrap();
    println!("{} rows of CSV in {:.2?}", csv.rows_read, watch.elapsed());
    let json = JsonLines::from_bytes("json", gzip(json.as_bytes()));
    let watch = Stopwatch::start();
    let json = json.read(&schema(nested)).unwrap();
    println!(
        "{} rows of JSON lines in {:.2?}",
        json.rows_read,
        watch.elapsed()
    );
    assert_eq!((json.rows_read, json.table.rows()), (541_909, 406_829));
    assert_eq!(json.table.digest(), csv.table.digest());
    assert_eq!(
        json.rejected
            .count_of("customer.id", RejectionKind::Missing),
        135_080
    );
}
