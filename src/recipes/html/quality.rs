//! What became of the rows that were read.

use mlops_features::{OnFailure, Rejections, Validation};
use mlops_report::{Cell, DataTable, Tone};

/// Rows that were not taken, counted by column and sort of fault, with the first examples.
pub fn rejections(caption: &str, rejected: &Rejections, rows: u64) -> DataTable {
    let example = |column: &Option<String>, kind| {
        rejected
            .rows()
            .iter()
            .find(|r| r.column == *column && r.kind == kind)
            .map(ToString::to_string)
    };
    let rows = rows.max(1) as f64;
    DataTable::new(caption)
        .text_column("Column")
        .text_column("Fault")
        .number_column("Rows")
        .number_column("Share")
        .text_column("First example")
        .rows(rejected.counts().into_iter().map(|count| {
            [
                count
                    .column
                    .clone()
                    .unwrap_or_else(|| "whole row".into())
                    .into(),
                count.kind.to_string().into(),
                Cell::count(count.rows),
                Cell::percent(count.rows as f64 / rows),
                example(&count.column, count.kind).into(),
            ]
        }))
}

/// Every expectation of a contract with what was found.
pub fn contract(validation: &Validation) -> DataTable {
    DataTable::new(format!("Contract: {}", validation.contract))
        .text_column("Expectation")
        .text_column("Result")
        .number_column("Checked")
        .number_column("Failed")
        .text_column("Observed")
        .rows(validation.results.iter().map(|result| {
            let (word, tone) = match (result.passed, result.on_failure) {
                (true, _) => ("met", Tone::Good),
                (false, OnFailure::Warn) => ("warning", Tone::Warn),
                (false, OnFailure::Error) => ("quarantined", Tone::Bad),
            };
            [
                result.expectation.clone().into(),
                Cell::text(word).tone(tone),
                Cell::count(result.checked),
                Cell::count(result.failed),
                result.observed.clone().into(),
            ]
        }))
}
