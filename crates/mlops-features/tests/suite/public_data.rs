//! Real files, held against their published figures. Without them the tests say so and pass.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![expect(clippy::print_stdout, reason = "a skipped or timed test says so")]

use std::path::PathBuf;

use arrow::{
    array::AsArray,
    compute::sum,
    datatypes::{Float64Type, Int64Type},
};
use mlops_core::{Column, EventTime, Stopwatch, Table, arrow::datatypes::DataType};
use mlops_features::{
    Contract, Csv, Expectation, ParquetFile, Parse, RejectionKind, SourceSchema,
    SourceSchemaBuilder, TimeFormat, with_computed,
};

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

fn retail(key: impl Fn(SourceSchemaBuilder) -> SourceSchemaBuilder) -> SourceSchema {
    let time = TimeFormat::new("%Y-%m-%d %H:%M:%S", "Europe/London").unwrap();
    key(SourceSchema::builder().key("customer_id", "CustomerID", Parse::Int))
        .event_time("invoice_date", "InvoiceDate", time)
        .value("invoice", "InvoiceNo", Parse::Str)
        .value("stock_code", "StockCode", Parse::Str)
        .value("description", "Description", Parse::Str)
        .value("quantity", "Quantity", Parse::Int)
        .unit("items")
        .value("unit_price", "UnitPrice", Parse::Float)
        .unit("GBP")
        .value("country", "Country", Parse::Str)
        .build()
        .unwrap()
}

fn total(table: &Table, column: &str) -> i64 {
    sum(table.column(column).unwrap().as_primitive::<Int64Type>()).unwrap()
}

#[test]
fn online_retail_reads_to_its_published_figures() {
    let Some(path) = data("online-retail/online-retail-dataset.csv.gz") else {
        return;
    };
    let watch = Stopwatch::start();
    let all = Csv::open(&path)
        .unwrap()
        .read(&retail(SourceSchemaBuilder::nullable))
        .unwrap();
    println!("{} rows in {:.2?}", all.rows_read, watch.elapsed());
    assert_eq!((all.rows_read, all.table.rows()), (541_909, 541_909));
    assert!(all.rejected.is_empty());
    assert_eq!(total(&all.table, "quantity"), 5_176_450);
    assert_eq!(
        all.table.column("customer_id").unwrap().null_count(),
        135_080
    );
    assert_eq!(all.table.column("description").unwrap().null_count(), 1_454);
    let first = EventTime::parse("2010-12-01T08:26:00Z").unwrap();
    assert_eq!(all.table.event_times().unwrap()[0], first);

    let amount = Column::value("amount", DataType::Float64).unit("GBP");
    let table = with_computed(&all.table, amount, &["quantity", "unit_price"], |v| {
        Some(v[0] * v[1])
    })
    .unwrap();
    let revenue = sum(table
        .column("amount")
        .unwrap()
        .as_primitive::<Float64Type>())
    .unwrap();
    assert!((revenue - 9_747_747.934).abs() < 1e-3, "{revenue}");

    let columns: Vec<&str> = all
        .table
        .schema()
        .columns()
        .iter()
        .map(Column::name)
        .collect();
    let contract = Contract::named("purchases")
        .expect(Expectation::not_null("customer_id"))
        .expect(Expectation::within("quantity", 0.0..))
        .expect(Expectation::within("unit_price", 0.0..))
        .expect(Expectation::not_in_set("unit_price", [0.0]))
        .expect(Expectation::matches("invoice", "^C").mostly(0.01))
        .expect(Expectation::unique(columns))
        .expect(Expectation::not_null("description"))
        .expect(Expectation::non_decreasing("invoice_date"))
        .expect(Expectation::not_after(
            "invoice_date",
            EventTime::parse("2011-12-10T00:00:00Z").unwrap(),
        ))
        .expect(Expectation::row_count_between(541_909, 541_909));
    let watch = Stopwatch::start();
    let validation = contract.validate(&table).unwrap();
    println!(
        "{} expectations in {:.2?}",
        validation.results.len(),
        watch.elapsed()
    );
    let failed: Vec<u64> = validation.results.iter().map(|r| r.failed).collect();
    let cancelled = 541_909 - failed[4];
    assert_eq!(failed[..4], [135_080, 10_624, 2, 2_515]);
    assert_eq!((cancelled, failed[5], failed[6]), (9_288, 5_268, 1_454));
    assert_eq!(failed[8..], [0, 0]);
    assert!(validation.results[4].passed && !validation.passed());
    let (good, rejected) = validation.split(&table).unwrap();
    assert_eq!(good.rows() as u64 + rejected.total(), 541_909);
}

#[test]
fn online_retail_without_customer_is_rejected_row_by_row_when_the_key_is_required() {
    let Some(path) = data("online-retail/online-retail-dataset.csv.gz") else {
        return;
    };
    let ingest = Csv::open(&path)
        .unwrap()
        .read(&retail(|builder| builder))
        .unwrap();
    assert_eq!((ingest.rows_read, ingest.table.rows()), (541_909, 406_829));
    assert_eq!(ingest.rejected.total(), 135_080);
    assert_eq!(
        ingest
            .rejected
            .count_of("CustomerID", RejectionKind::Missing),
        135_080
    );
    assert_eq!(ingest.rejected.rows().len(), 10_000);
    assert!(!ingest.rejected.is_complete());
    assert!(ingest.table.keys().unwrap().iter().all(Option::is_some));
}

#[test]
fn green_taxi_reads_by_one_schema_though_its_types_drift() {
    let months = [
        "2022-01", "2022-02", "2022-03", "2023-01", "2023-02", "2023-03", "2023-04",
    ];
    let schema = SourceSchema::builder()
        .event_time(
            "pickup",
            "lpep_pickup_datetime",
            TimeFormat::local("America/New_York").unwrap(),
        )
        .value("location", "PULocationID", Parse::Int)
        .value("passengers", "passenger_count", Parse::Int)
        .value("flag", "store_and_fwd_flag", Parse::Str)
        .value("ehail_fee", "ehail_fee", Parse::Float)
        .value("total", "total_amount", Parse::Float)
        .unit("USD")
        .build()
        .unwrap();
    let (mut rows, mut rejected) = (0, 0);
    for month in months {
        let name = format!("nyc-green-taxi/green_tripdata_{month}.parquet");
        let Some(path) = data(&name) else { return };
        let ingest = ParquetFile::open(path).unwrap().read(&schema).unwrap();
        rows += ingest.rows_read;
        rejected += ingest.rejected.total();
        // nothing but hours that clocks skip or repeat is lost
        for count in ingest.rejected.counts() {
            let skipped = [RejectionKind::NonexistentTime, RejectionKind::AmbiguousTime];
            assert!(
                skipped.contains(&count.kind),
                "{month}: {}",
                ingest.rejected
            );
        }
    }
    println!("{rejected} of {rows} trips rejected");
    assert_eq!(rows, 480_887);
    assert!(rejected < 50, "{rejected}");
}
