//! From purchase lines to checked events, and from events to the features of the churn model.
//!
//! The columns are those of the UCI Online Retail data set; the built-in shop writes the same ones. Times are UTC,
//! money is in pounds. A line without a customer, with an unreadable date or a price that is not positive never
//! reaches a feature; it is counted and listed with its row and the reason.

use std::sync::Arc;

use mlops::{
    core::{
        Column, Digest, EventTime, Table,
        arrow::{
            array::{Array, ArrayRef, AsArray, Int64Array},
            datatypes::DataType,
        },
    },
    features::{
        Contract, Csv, Expectation, Ingest, Parse, Rejections, SourceSchema, TimeFormat,
        Validation, with_column, with_computed,
    },
    prelude::*,
};

/// Who buys.
#[derive(Entity)]
pub struct Customer {
    pub customer_id: i64,
}

/// One line of an invoice; a return has a negative quantity and amount. What happens on the instant of a cut-off
/// belongs to the label, so the boundary is exclusive.
#[derive(FeatureView)]
#[view(entity = Customer, time = invoice_date, boundary = "exclusive")]
pub struct Purchase {
    pub customer_id: i64,
    pub invoice_date: EventTime,
    pub invoice_no: String,
    pub stock_code: String,
    pub unit_price: f64,
    pub amount: f64,
    pub is_return: i64,
    pub country: Option<String>,
}

/// What the churn model reads, the same for training and for serving.
pub fn churn_features() -> Result<FeatureService> {
    let mut features = FeatureService::named("churn")?
        .feature(Purchase::time_since_last())
        .feature(Purchase::country().latest());
    for window in [days(30), days(90)] {
        features = features
            .feature(Purchase::amount().sum().over(window))
            .feature(Purchase::amount().mean().over(window))
            .feature(Purchase::amount().max().over(window))
            .feature(Purchase::unit_price().mean().over(window))
            .feature(Purchase::unit_price().min().over(window))
            .feature(Purchase::stock_code().count().over(window))
            .feature(Purchase::stock_code().distinct_count().over(window))
            .feature(Purchase::invoice_no().distinct_count().over(window))
            .feature(Purchase::is_return().sum().over(window));
    }
    Ok(features.build()?)
}

/// Checked events and what became of the rest.
pub struct Events {
    /// All good lines, returns included: what features see.
    pub lines: Table,
    /// The good lines that are no returns: what decides whether a customer stayed.
    pub purchases: Table,
    pub quality: Quality,
}

/// The record of reading and checking.
pub struct Quality {
    pub source: String,
    pub digest: Digest,
    pub rows_read: u64,
    pub rejected: Rejections,
    pub validation: Validation,
    pub quarantined: Rejections,
    pub returns: usize,
}

fn source_schema() -> Result<SourceSchema> {
    Ok(SourceSchema::builder()
        .key("customer_id", "CustomerID", Parse::Int)
        .event_time(
            "invoice_date",
            "InvoiceDate",
            TimeFormat::new("%Y-%m-%d %H:%M:%S", "UTC")?,
        )
        .value("invoice_no", "InvoiceNo", Parse::Trimmed)
        .required()
        .value("stock_code", "StockCode", Parse::Trimmed)
        .required()
        .value("quantity", "Quantity", Parse::Int)
        .unit("items")
        .required()
        .value("unit_price", "UnitPrice", Parse::Float)
        .unit("GBP")
        .required()
        .value("country", "Country", Parse::Trimmed)
        .build()?)
}

fn contract() -> Contract {
    Contract::named("purchase lines")
        .expect(Expectation::matches("invoice_no", "^[AC]?[0-9]{6,7}$"))
        .expect(Expectation::between("unit_price", 0.001, 50_000.0))
        .expect(Expectation::between("quantity", -100_000.0, 100_000.0))
        .expect(Expectation::not_in_set("quantity", [0]))
        .expect(Expectation::length_between("stock_code", 1, 20))
        .expect(Expectation::row_count_between(1_000, 50_000_000))
        .expect(
            Expectation::unique([
                "invoice_no",
                "stock_code",
                "quantity",
                "invoice_date",
                "unit_price",
            ])
            .mostly(0.95)
            .warn(),
        )
}

/// Reads, checks and derives.
pub fn read(name: &str, csv: &Csv) -> Result<Events> {
    let Ingest {
        table,
        rejected,
        rows_read,
        ..
    } = csv.read(&source_schema()?)?.not_empty()?;
    let contract = contract();
    let validation = contract.validate(&table)?;
    let (table, quarantined) = validation.split(&table)?;
    let amount = Column::value("amount", DataType::Float64).unit("GBP");
    let table = with_computed(&table, amount, &["quantity", "unit_price"], |v| {
        Some(v[0] * v[1])
    })?;
    let is_return = returns(&table)?;
    let bought: Vec<bool> = is_return.values().iter().map(|r| *r == 0).collect();
    let returns = bought.iter().filter(|b| !**b).count();
    let column = Column::value("is_return", DataType::Int64).nullable(false);
    let lines = with_column(&table, column, Arc::new(is_return) as ArrayRef)?;
    Ok(Events {
        purchases: lines.filter(&bought)?,
        quality: Quality {
            source: name.to_owned(),
            digest: lines.digest(),
            rows_read,
            rejected,
            validation,
            quarantined,
            returns,
        },
        lines,
    })
}

/// 1 for a cancellation (its invoice number begins with C) and for any other negative quantity, else 0.
fn returns(table: &Table) -> Result<Int64Array> {
    let invoices = table.column("invoice_no")?;
    let amounts = table.column("amount")?;
    let amounts = amounts.as_primitive::<mlops::core::arrow::datatypes::Float64Type>();
    let invoices = invoices.as_string::<i32>();
    Ok((0..invoices.len())
        .map(|row| {
            Some(i64::from(
                invoices.value(row).starts_with('C') || amounts.value(row) < 0.0,
            ))
        })
        .collect())
}
