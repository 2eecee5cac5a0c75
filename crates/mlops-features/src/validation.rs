//! What came of a contract: one result an expectation, with every row that breaks it.
//!
//! Results are plain data with a JSON form, for reports and for the audit trail.

use std::collections::BTreeMap;

use arrow::util::display::array_value_to_string;
use mlops_core::Table;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Expectation, OnFailure, RejectionKind, Rejections, Result, expectation::Outcome,
    source::Fault,
};

/// How many bad rows are shown with their values.
const EXAMPLES: usize = 20;

/// The results of all expectations of a contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// The name of the contract.
    pub contract: String,
    /// The rows of the table.
    pub rows: u64,
    /// One result an expectation, in the order of the contract.
    pub results: Vec<ExpectationResult>,
}

/// What came of one expectation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// The rows that had a value to check; 0 for a rule on the table as a whole.
    pub checked: u64,
    /// The checked rows that break the rule.
    pub failed: u64,
    /// `failed / checked`, 0 if nothing was checked.
    pub failed_share: f64,
    /// What was seen, in words.
    pub observed: String,
    /// The first 20 rows that break the rule, with their values.
    pub examples: Vec<Example>,
    /// All rows that break the rule, as positions counted from 0, in order.
    pub bad_rows: Vec<u32>,
}

/// A row that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The position of the row, counted from 0.
    pub row: u32,
    /// The values of the columns that the rule reads, joined by `, `.
    pub value: String,
}

impl ExpectationResult {
    pub(crate) fn new(expectation: &Expectation, table: &Table, outcome: Outcome) -> Self {
        let columns: Vec<String> = expectation
            .columns()
            .into_iter()
            .map(str::to_owned)
            .collect();
        let mostly = expectation.mostly_share();
        let mut result = Self {
            expectation: expectation.words(),
            columns,
            on_failure: expectation.on_failure(),
            mostly,
            passed: true,
            checked: 0,
            failed: 0,
            failed_share: 0.0,
            observed: String::new(),
            examples: Vec::new(),
            bad_rows: Vec::new(),
        };
        match outcome {
            Outcome::Table { passed, observed } => {
                result.passed = passed;
                result.observed = observed;
            }
            Outcome::Rows {
                checked,
                bad,
                observed,
            } => {
                result.checked = checked as u64;
                result.failed = bad.len() as u64;
                result.observed = observed;
                if checked > 0 {
                    // a quotient is rounded correctly, so that 7 of 100 is the 0.07 that was written
                    result.failed_share = bad.len() as f64 / checked as f64;
                    result.passed = (checked - bad.len()) as f64 / checked as f64 >= mostly;
                }
                result.examples = bad
                    .iter()
                    .take(EXAMPLES)
                    .map(|row| Example {
                        row: *row,
                        value: values(table, &result.columns, *row),
                    })
                    .collect();
                result.bad_rows = bad;
            }
        }
        result
    }
}

impl Validation {
    /// Whether every expectation that does not merely warn is met.
    pub fn passed(&self) -> bool {
        self.failures(OnFailure::Error).next().is_none()
    }

    /// The expectations of one severity that are not met, in order.
    pub fn failures(&self, on_failure: OnFailure) -> impl Iterator<Item = &ExpectationResult> {
        self.results
            .iter()
            .filter(move |r| !r.passed && r.on_failure == on_failure)
    }

    /// The rows that break a rule which does not merely warn, as positions counted from 0, in order.
    ///
    /// [`Table::take`] gives the rows themselves.
    pub fn bad_rows(&self) -> Vec<u32> {
        self.broken_rules().into_keys().collect()
    }

    /// Nothing, if the contract is kept.
    ///
    /// # Errors
    /// [`Error::ContractBroken`] with the first expectation that is not met.
    pub fn require(&self) -> Result<()> {
        let mut failures = self.failures(OnFailure::Error);
        let Some(first) = failures.next() else {
            return Ok(());
        };
        let detail = if first.checked > 0 {
            let percent = (first.failed_share * 1e6).round() / 1e4;
            let (failed, checked) = (first.failed, first.checked);
            format!(
                "{failed} of {checked} rows ({percent} %), {}",
                first.observed
            )
        } else {
            first.observed.clone()
        };
        Err(Error::ContractBroken {
            contract: self.contract.clone(),
            failed: 1 + failures.count(),
            checked: self.results.len(),
            first: first.expectation.clone(),
            detail,
        })
    }

    /// The rows of the validated table that break no rule, and an account of the others.
    ///
    /// A row is taken out once, however many rules it breaks: its entry names the first of them and its
    /// reason tells all. Row numbers count from 1, as in a file without rejected rows.
    ///
    /// # Errors
    /// [`mlops_core::Error::LengthMismatch`] if this is not the table that was validated.
    pub fn split(&self, table: &Table) -> Result<(Table, Rejections)> {
        let broken = self.broken_rules();
        // a validation may have been read from a file, and name rows that it cannot have seen
        let last = broken.last_key_value().map(|(row, _)| u64::from(*row) + 1);
        let rows = self.rows.max(last.unwrap_or_default());
        if table.rows() as u64 != rows {
            return Err(Error::Core(mlops_core::Error::LengthMismatch {
                what: "rows of the table and of its validation",
                left: table.rows(),
                right: usize::try_from(rows).unwrap_or(usize::MAX),
            }));
        }
        let mut keep = vec![true; table.rows()];
        let mut rejected = Rejections::default();
        for (row, broken) in broken {
            keep[row as usize] = false;
            let mut words = Vec::with_capacity(broken.len());
            for rule in &broken {
                rejected.count(Some(&rule.columns.join(", ")), RejectionKind::Expectation);
                words.push(rule.expectation.as_str());
            }
            let first = broken[0];
            let fault = Fault::new(
                RejectionKind::Expectation,
                format!("not so: {}", words.join("; ")),
            );
            let value = values(table, &first.columns, row);
            rejected.list(
                u64::from(row) + 1,
                Some(&first.columns.join(", ")),
                &value,
                fault,
            );
        }
        let good = if rejected.is_empty() {
            table.clone()
        } else {
            table.filter(&keep)?
        };
        Ok((good, rejected))
    }

    /// The rules that each bad row breaks.
    fn broken_rules(&self) -> BTreeMap<u32, Vec<&ExpectationResult>> {
        let mut rows = BTreeMap::<u32, Vec<&ExpectationResult>>::new();
        for result in self
            .results
            .iter()
            .filter(|r| r.on_failure == OnFailure::Error)
        {
            for row in &result.bad_rows {
                rows.entry(*row).or_default().push(result);
            }
        }
        rows
    }
}

/// The values of some columns in one row; empty for null.
fn values(table: &Table, columns: &[String], row: u32) -> String {
    let texts = columns.iter().map(|name| {
        let array = table.column(name).ok()?;
        array_value_to_string(array, row as usize).ok()
    });
    texts
        .map(Option::unwrap_or_default)
        .collect::<Vec<_>>()
        .join(", ")
}
