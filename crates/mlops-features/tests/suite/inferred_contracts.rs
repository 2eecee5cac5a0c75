//! Contracts inferred from real files: they hold for what they came from, and notice what is planted in it.
//! Without the files the tests say so and pass.

#![expect(
    clippy::from_iter_instead_of_collect,
    reason = "the type of a column is the news"
)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::print_stdout, reason = "a skipped test says so")]

use std::{path::PathBuf, sync::Arc};

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, StringArray};
use mlops_core::{
    Column, Table, TableSchema,
    arrow::datatypes::{DataType, Float64Type, Int64Type},
};
use mlops_features::{
    Contract, Csv, Expectation, Inference, ParquetFile, Parse, SourceSchema, TimeFormat,
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

fn schema(columns: &[(&str, Parse)]) -> SourceSchema {
    let mut builder = SourceSchema::builder();
    for (name, parse) in columns {
        builder = builder.value(*name, *name, *parse);
    }
    builder.build().unwrap()
}

/// A value to plant in a column of any of three types.
#[derive(Debug, Clone, Copy)]
enum Plant {
    Null,
    Text(&'static str),
    Number(f64),
}

/// The table with one value of a column replaced.
fn planted(table: &Table, column: &str, row: usize, plant: Plant) -> Table {
    let at = table.schema().index_of(column).unwrap();
    let old = table.column(column).unwrap();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole numbers are planted in whole columns"
    )]
    let new: ArrayRef = match old.data_type() {
        DataType::Utf8 => {
            let texts = old.as_string::<i32>();
            let value = if let Plant::Text(text) = plant {
                Some(text)
            } else {
                None
            };
            Arc::new(StringArray::from_iter(
                texts
                    .iter()
                    .enumerate()
                    .map(|(i, old)| if i == row { value } else { old }),
            ))
        }
        DataType::Int64 => {
            let value = if let Plant::Number(v) = plant {
                Some(v as i64)
            } else {
                None
            };
            let numbers = old.as_primitive::<Int64Type>().iter().enumerate();
            Arc::new(
                numbers
                    .map(|(i, old)| if i == row { value } else { old })
                    .collect::<Int64Array>(),
            )
        }
        DataType::Float64 => {
            let value = if let Plant::Number(v) = plant {
                Some(v)
            } else {
                None
            };
            let numbers = old.as_primitive::<Float64Type>().iter().enumerate();
            Arc::new(
                numbers
                    .map(|(i, old)| if i == row { value } else { old })
                    .collect::<Float64Array>(),
            )
        }
        other => panic!("{column} is {other}"),
    };
    let columns = table.schema().columns();
    let columns = columns
        .iter()
        .map(|c| Column::value(c.name(), c.data_type().clone()));
    let mut arrays = table.batch().columns().to_vec();
    arrays[at] = new;
    Table::new(TableSchema::new(columns).unwrap(), arrays).unwrap()
}

fn words(contract: &Contract) -> Vec<String> {
    contract
        .expectations()
        .iter()
        .map(Expectation::words)
        .collect()
}

/// The contract holds for its source, twice the same, also through JSON; and each planted value is found in its row.
fn check(name: &str, table: &Table, plants: &[(&str, Plant)]) -> Contract {
    let inference = Inference::new().distributions(0.25);
    let contract = inference.contract(name, table).unwrap();
    let validation = contract.validate(table).unwrap();
    let broken: Vec<&str> = validation
        .results
        .iter()
        .filter(|r| !r.passed || r.failed > 0 && r.mostly == 1.0)
        .map(|r| r.expectation.as_str())
        .collect();
    assert!(broken.is_empty(), "{name}: {broken:#?}");
    assert_eq!(
        inference.contract(name, table).unwrap().digest(),
        contract.digest()
    );
    assert_eq!(
        Contract::from_json(contract.to_json().as_bytes()).unwrap(),
        contract
    );
    let before = validation.bad_rows();
    let row = (0..table.rows())
        .rev()
        .find(|r| !before.contains(&u32::try_from(*r).unwrap()));
    let row = row.unwrap();
    for (column, plant) in plants {
        let corrupt = planted(table, column, row, *plant);
        let validation = contract.validate(&corrupt).unwrap();
        let found = validation
            .results
            .iter()
            .any(|r| r.columns == [*column] && r.bad_rows.contains(&u32::try_from(row).unwrap()));
        assert!(
            found,
            "{name}: {plant:?} in `{column}` is not found by {:#?}",
            words(&contract)
        );
    }
    contract
}

#[test]
fn telco_churn() {
    let Some(path) = data("telco-churn/Telco-Customer-Churn.csv") else {
        return;
    };
    let schema = schema(&[
        ("customerID", Parse::Str),
        ("gender", Parse::Str),
        ("SeniorCitizen", Parse::Int),
        ("tenure", Parse::Int),
        ("InternetService", Parse::Str),
        ("Contract", Parse::Str),
        ("PaymentMethod", Parse::Str),
        ("MonthlyCharges", Parse::Float),
        ("TotalCharges", Parse::Str),
        ("Churn", Parse::Str),
    ]);
    let table = Csv::open(path).unwrap().read(&schema).unwrap().table;
    assert_eq!(table.rows(), 7_043);
    let contract = check(
        "telco",
        &table,
        &[
            ("customerID", Plant::Null),
            ("customerID", Plant::Text("")),
            ("gender", Plant::Text("female")),
            ("SeniorCitizen", Plant::Number(2.0)),
            ("tenure", Plant::Number(-1.0)),
            ("tenure", Plant::Number(99.0)),
            ("Contract", Plant::Text("Weekly")),
            ("MonthlyCharges", Plant::Number(-5.0)),
            ("MonthlyCharges", Plant::Number(1e6)),
            ("MonthlyCharges", Plant::Number(f64::NAN)),
            ("Churn", Plant::Null),
        ],
    );
    let words = words(&contract);
    for expected in [
        "`customerID` is unique",
        "`Churn` is one of \"No\", \"Yes\"",
        "`SeniorCitizen` is one of 0, 1",
        "`tenure` lies in 0..=80",
    ] {
        assert!(
            words.iter().any(|w| w == expected),
            "{expected} is not in {words:#?}"
        );
    }
}

#[test]
fn adult() {
    let columns = [
        ("age", Parse::Int),
        ("workclass", Parse::Str),
        ("fnlwgt", Parse::Int),
        ("education", Parse::Str),
        ("education_num", Parse::Int),
        ("marital_status", Parse::Str),
        ("occupation", Parse::Str),
        ("relationship", Parse::Str),
        ("race", Parse::Str),
        ("sex", Parse::Str),
        ("capital_gain", Parse::Int),
        ("capital_loss", Parse::Int),
        ("hours", Parse::Int),
        ("country", Parse::Str),
        ("income", Parse::Str),
    ];
    let read = |name: &str| {
        let csv = Csv::open(data(name)?).unwrap();
        let csv = csv
            .column_names(columns.iter().map(|(name, _)| *name))
            .null_token("?");
        Some(csv.read(&schema(&columns)).unwrap().table)
    };
    let (Some(train), Some(test)) = (read("adult/adult-train.csv"), read("adult/adult-test.csv"))
    else {
        return;
    };
    let contract = check(
        "adult",
        &train,
        &[
            ("age", Plant::Number(-1.0)),
            ("age", Plant::Number(200.0)),
            ("sex", Plant::Text("F")),
            ("education_num", Plant::Number(17.0)),
            ("hours", Plant::Number(1_000.0)),
            ("race", Plant::Null),
        ],
    );
    // the test file ends its labels with a full stop, and that is all that is wrong with it
    let validation = contract.validate(&test).unwrap();
    let broken: Vec<&str> = validation
        .results
        .iter()
        .filter(|r| !r.passed)
        .map(|r| r.expectation.as_str())
        .collect();
    assert!(
        !broken.is_empty() && broken.iter().all(|w| w.contains("income")),
        "{broken:#?}"
    );
}

#[test]
fn online_retail() {
    let Some(path) = data("online-retail/online-retail-dataset.csv.gz") else {
        return;
    };
    let schema = SourceSchema::builder()
        .value("customer", "CustomerID", Parse::Int)
        .event_time(
            "at",
            "InvoiceDate",
            TimeFormat::new("%Y-%m-%d %H:%M:%S", "Europe/London").unwrap(),
        )
        .value("invoice", "InvoiceNo", Parse::Str)
        .value("stock_code", "StockCode", Parse::Str)
        .value("quantity", "Quantity", Parse::Int)
        .value("price", "UnitPrice", Parse::Float)
        .value("country", "Country", Parse::Str)
        .build()
        .unwrap();
    let table = Csv::open(path).unwrap().read(&schema).unwrap().table;
    // enough to infer from, and quick without optimisation
    let table = table.take(&(0..60_000).collect::<Vec<u32>>()).unwrap();
    check(
        "online retail",
        &table,
        &[
            ("customer", Plant::Number(1.0)),
            ("quantity", Plant::Number(1e6)),
            ("price", Plant::Number(1e6)),
            ("invoice", Plant::Null),
            ("stock_code", Plant::Text("")),
        ],
    );
}

#[test]
fn green_taxi_of_one_month_notices_the_schema_of_the_next_year_and_nothing_in_the_next_month() {
    let schema = SourceSchema::builder()
        .event_time(
            "pickup",
            "lpep_pickup_datetime",
            TimeFormat::local("America/New_York").unwrap(),
        )
        .value("location", "PULocationID", Parse::Int)
        .value("payment", "payment_type", Parse::Int)
        .value("flag", "store_and_fwd_flag", Parse::Str)
        .value("distance", "trip_distance", Parse::Float)
        .value("ehail_fee", "ehail_fee", Parse::Float)
        .value("total", "total_amount", Parse::Float)
        .build()
        .unwrap();
    let read = |month: &str| {
        let path = data(&format!("nyc-green-taxi/green_tripdata_{month}.parquet"))?;
        Some(
            ParquetFile::open(path)
                .unwrap()
                .read(&schema)
                .unwrap()
                .table,
        )
    };
    let (Some(january), Some(february)) = (read("2022-01"), read("2022-02")) else {
        return;
    };
    let contract = check(
        "taxi",
        &january,
        &[
            ("payment", Plant::Number(9.0)),
            ("flag", Plant::Text("maybe")),
            ("total", Plant::Number(1e9)),
            ("location", Plant::Number(-3.0)),
        ],
    );
    // a column that is empty says nothing
    assert!(
        words(&contract)
            .iter()
            .all(|w| !w.contains("ehail_fee` is"))
    );
    let validation = contract.validate(&february).unwrap();
    let broken: Vec<&str> = validation
        .results
        .iter()
        .filter(|r| !r.passed)
        .map(|r| r.expectation.as_str())
        .collect();
    println!("broken a month later: {broken:#?}");
    assert!(broken.len() <= 3, "{broken:#?}");
}

#[test]
fn families_of_texts_are_recognised_and_settings_checked() {
    let texts = |of: &dyn Fn(usize) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values((0..200).map(of)))
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "uuid",
            texts(&|i| format!("{:08x}-0000-4000-8000-{:012x}", i * 77, i)),
        ),
        (
            "date",
            texts(&|i| format!("2011-{:02}-{:02}", 1 + i % 12, 1 + i % 28)),
        ),
        (
            "instant",
            texts(&|i| format!("2011-07-01T12:{:02}:{:02}.5Z", i % 60, i % 60)),
        ),
        ("email", texts(&|i| format!("user.{i}@mail.example"))),
        (
            "address",
            texts(&|i| format!("10.0.{}.{}", i / 100, i % 100)),
        ),
        ("digits", texts(&|i| format!("{}", i * 31))),
        ("number", texts(&|i| format!("{}.5", i * 31))),
        ("words", texts(&|i| format!("no family {i}"))),
    ];
    let schema = columns
        .iter()
        .map(|(n, _)| Column::value(*n, DataType::Utf8));
    let schema = TableSchema::new(schema).unwrap();
    let table = Table::new(schema, columns.into_iter().map(|(_, a)| a).collect()).unwrap();
    let contract = Inference::new().contract("texts", &table).unwrap();
    assert!(contract.validate(&table).unwrap().passed());
    let found = words(&contract)
        .iter()
        .filter(|w| w.contains("matches"))
        .count();
    assert_eq!(found, 7, "{:#?}", words(&contract));
    for (column, corrupt) in [
        ("uuid", "00000000-0000-4000-8000"),
        ("date", "01.07.2011"),
        ("instant", "noon"),
        ("email", "user at mail"),
        ("address", "10.0.0"),
        ("digits", "12a"),
        ("number", "12,5"),
    ] {
        let validation = contract
            .validate(&planted(&table, column, 150, Plant::Text(corrupt)))
            .unwrap();
        assert_eq!(validation.bad_rows(), [150], "{column}");
    }
    assert!(Inference::new().slack(-0.1).contract("x", &table).is_err());
    assert!(
        Inference::new()
            .row_factor(f64::NAN)
            .contract("x", &table)
            .is_err()
    );
    // an empty table says nothing but its columns
    let empty = table.filter(&[false; 200]).unwrap();
    let contract = Inference::new().contract("empty", &empty).unwrap();
    assert!(contract.validate(&empty).unwrap().passed());
}
