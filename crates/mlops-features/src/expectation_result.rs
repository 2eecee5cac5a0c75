//! What came of one expectation: counts, shares, examples, and the position of every row that breaks it.

use arrow::util::display::array_value_to_string;
use mlops_core::{Table, Value};
use serde::{Deserialize, Serialize};

use crate::{
    Error, Expectation, OnFailure, Result,
    expectation::{Outcome, frequent},
};

/// How many bad rows are shown with their values unless said otherwise.
pub(crate) const EXAMPLES: usize = 20;

/// What came of one expectation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExpectationResult {
    /// The expectation in words.
    pub expectation: String,
    /// The columns that it reads; none for a rule on the table as a whole.
    pub columns: Vec<String>,
    /// What a failure means.
    pub on_failure: OnFailure,
    /// The share of checked rows that must keep the rule.
    pub mostly: f64,
    /// Whether the expectation is met.
    pub passed: bool,
    /// The rows that it is about: all of them, or those that meet its condition; 0 for a rule on the table as a whole.
    #[doc(alias = "element_count")]
    #[serde(default)]
    pub elements: u64,
    /// Of these, the rows without a value to check.
    #[doc(alias = "missing_count")]
    #[serde(default)]
    pub missing: u64,
    /// `missing / elements`, 0 if there are none.
    #[serde(default)]
    pub missing_share: f64,
    /// The rows that had a value to check; 0 for a rule on the table as a whole.
    pub checked: u64,
    /// The checked rows that break the rule.
    #[doc(alias = "unexpected_count")]
    pub failed: u64,
    /// `failed / checked`, 0 if nothing was checked.
    #[doc(alias = "unexpected_percent_nonmissing")]
    pub failed_share: f64,
    /// `failed / elements`, 0 if there are none.
    #[doc(alias = "unexpected_percent_total")]
    #[serde(default)]
    pub failed_share_of_all: f64,
    /// What was seen, in words.
    pub observed: String,
    /// The figure that a rule on the table as a whole compared, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_value: Option<Value>,
    /// The first 20 rows that break the rule, with their values.
    pub examples: Vec<Example>,
    /// For a rule on one column, the bad values that are most frequent.
    #[doc(alias = "partial_unexpected_counts")]
    #[serde(default)]
    pub frequent: Vec<Frequent>,
    /// All rows that break the rule, as positions counted from 0, in order.
    #[doc(alias = "unexpected_index_list")]
    pub bad_rows: Vec<u32>,
    /// Why it could not be checked, if it could not and the inspection went on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A row that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The position of the row, counted from 0.
    pub row: u32,
    /// The values of the columns that the rule reads, joined by `, `.
    pub value: String,
}

/// A bad value and how often it was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frequent {
    /// The value in words, texts in quotes.
    pub value: String,
    /// The rows that have it, among the first 1,048,576 bad ones.
    pub count: u64,
}

impl ExpectationResult {
    /// A result in which nothing was checked yet.
    fn begin(expectation: &Expectation) -> Self {
        Self {
            expectation: expectation.words(),
            columns: expectation
                .columns()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            on_failure: expectation.on_failure(),
            mostly: expectation.mostly_share(),
            passed: true,
            elements: 0,
            missing: 0,
            missing_share: 0.0,
            checked: 0,
            failed: 0,
            failed_share: 0.0,
            failed_share_of_all: 0.0,
            observed: String::new(),
            observed_value: None,
            examples: Vec::new(),
            frequent: Vec::new(),
            bad_rows: Vec::new(),
            error: None,
        }
    }

    /// The result of what could not be checked.
    pub(crate) fn failed(expectation: &Expectation, error: &Error) -> Self {
        let mut result = Self::begin(expectation);
        result.passed = false;
        "it could not be checked".clone_into(&mut result.observed);
        result.error = Some(error.to_string());
        result
    }

    pub(crate) fn new(
        expectation: &Expectation,
        table: &Table,
        (outcome, elements): (Outcome, usize),
        examples: usize,
    ) -> Result<Self> {
        let mut result = Self::begin(expectation);
        match outcome {
            Outcome::Table {
                passed,
                observed,
                value,
            } => {
                result.passed = passed;
                result.observed = observed;
                result.observed_value = value;
            }
            Outcome::Rows {
                checked,
                bad,
                observed,
            } => {
                let missing = elements - checked;
                result.elements = elements as u64;
                result.missing = missing as u64;
                result.checked = checked as u64;
                result.failed = bad.len() as u64;
                result.observed = observed;
                if elements > 0 {
                    result.missing_share = missing as f64 / elements as f64;
                    result.failed_share_of_all = bad.len() as f64 / elements as f64;
                }
                if checked > 0 {
                    // a quotient is rounded correctly, so that 7 of 100 is the 0.07 that was written
                    result.failed_share = bad.len() as f64 / checked as f64;
                    result.passed = (checked - bad.len()) as f64 / checked as f64 >= result.mostly;
                }
                result.examples = bad
                    .iter()
                    .take(examples)
                    .map(|row| Example {
                        row: *row,
                        value: values(table, &result.columns, *row),
                    })
                    .collect();
                if let [column] = &result.columns[..] {
                    let (_, most) = frequent(table.column(column)?, &bad, examples)?;
                    let most = most.into_iter();
                    result.frequent = most
                        .map(|(value, count)| Frequent { value, count })
                        .collect();
                }
                result.bad_rows = bad;
            }
        }
        Ok(result)
    }
}

/// The values of some columns in one row; empty for null.
pub(crate) fn values(table: &Table, columns: &[String], row: u32) -> String {
    let texts = columns.iter().map(|name| {
        let array = table.column(name).ok()?;
        array_value_to_string(array, row as usize).ok()
    });
    texts
        .map(Option::unwrap_or_default)
        .collect::<Vec<_>>()
        .join(", ")
}
