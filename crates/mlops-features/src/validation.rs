//! What came of a contract: one result an expectation, with every row that breaks it.
//!
//! Results are plain data with a JSON form, for reports and for the audit trail.

use arrow::util::display::array_value_to_string;
use mlops_core::{Table, Value};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};

use crate::{
    Error, Expectation, OnFailure, RejectionKind, Rejections, Result,
    contract::{SCHEMA_VERSION, first, known_version},
    expectation::{Outcome, frequent},
    quarantine::Quarantine,
    source::Fault,
};

/// How many bad rows are shown with their values unless said otherwise.
pub(crate) const EXAMPLES: usize = 20;

/// The results of all expectations of a contract.
///
/// The JSON form has a `schema_version`, and `passed` and `statistics` beside what is here, for readers that do
/// not count themselves; they are not believed when it is read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Validation {
    /// The name of the contract.
    pub contract: String,
    /// The rows of the table.
    pub rows: u64,
    /// One result an expectation, in the order of the contract.
    pub results: Vec<ExpectationResult>,
}

/// How many expectations were met.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// All expectations.
    pub evaluated: u64,
    /// Those that are met.
    pub successful: u64,
    /// Those that are not, and break the contract.
    pub unsuccessful: u64,
    /// Those that are not, and only warn.
    pub warnings: u64,
    /// `successful / evaluated`, in `0.0..=1.0`; 1 if there is none.
    pub success_share: f64,
}

/// How much of a result is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[doc(alias = "result_format")]
pub enum Detail {
    /// Whether it passed.
    Verdict,
    /// Counts, shares and what was observed as well.
    Basic,
    /// Examples and the most frequent bad values as well.
    Summary,
    /// The position of every bad row as well.
    Complete,
}

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

    /// How many expectations were met.
    pub fn statistics(&self) -> Statistics {
        let evaluated = self.results.len() as u64;
        let unsuccessful = self.failures(OnFailure::Error).count() as u64;
        let warnings = self.failures(OnFailure::Warn).count() as u64;
        let successful = evaluated - unsuccessful - warnings;
        Statistics {
            evaluated,
            successful,
            unsuccessful,
            warnings,
            success_share: if evaluated == 0 {
                1.0
            } else {
                successful as f64 / evaluated as f64
            },
        }
    }

    /// The same with no more than some detail, for a log or a message.
    ///
    /// A validation that is not [`Detail::Complete`] splits no table.
    #[must_use]
    pub fn at(&self, detail: Detail) -> Self {
        let results = self.results.iter().map(|result| {
            let mut less = ExpectationResult {
                bad_rows: Vec::new(),
                ..result.clone()
            };
            if detail >= Detail::Complete {
                less.bad_rows.clone_from(&result.bad_rows);
            }
            if detail < Detail::Summary {
                less.examples.clear();
                less.frequent.clear();
            }
            if detail < Detail::Basic {
                less.observed.clear();
                less.observed_value = None;
            }
            less
        });
        Self {
            contract: self.contract.clone(),
            rows: self.rows,
            results: results.collect(),
        }
    }

    /// The rows that break a rule which does not merely warn, as positions counted from 0, in order.
    ///
    /// [`Table::take`] gives the rows themselves.
    pub fn bad_rows(&self) -> Vec<u32> {
        let mut rows: Vec<u32> = self
            .broken_rules()
            .into_iter()
            .map(|(row, _)| row)
            .collect();
        rows.dedup();
        rows
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
            first
                .error
                .clone()
                .unwrap_or_else(|| first.observed.clone())
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
    /// reason tells all. Row numbers count from 1, as in a file without rejected rows. The account lists up to
    /// 10,000 rows; [`Validation::quarantine`] keeps all of them.
    ///
    /// # Errors
    /// [`mlops_core::Error::LengthMismatch`] if this is not the table that was validated.
    pub fn split(&self, table: &Table) -> Result<(Table, Rejections)> {
        let broken = self.broken_rules();
        self.require_rows_of(table, &broken)?;
        let mut keep = vec![true; table.rows()];
        let mut rejected = Rejections::default();
        for rules in broken.chunk_by(|a, b| a.0 == b.0) {
            let row = rules[0].0;
            keep[row as usize] = false;
            for (_, at) in rules {
                let columns = self.results[*at as usize].columns.join(", ");
                rejected.count(Some(&columns), RejectionKind::Expectation);
            }
            let first = &self.results[rules[0].1 as usize];
            let reason = format!("not so: {}", self.reasons(rules));
            let fault = Fault::new(RejectionKind::Expectation, reason);
            let value = values(table, &first.columns, row);
            let columns = first.columns.join(", ");
            rejected.list(u64::from(row) + 1, Some(&columns), &value, fault);
        }
        let good = if rejected.is_empty() {
            table.clone()
        } else {
            table.filter(&keep)?
        };
        Ok((good, rejected))
    }

    /// The rows of the validated table that break no rule, and the others with their reasons, to be
    /// [written](Quarantine::write_parquet) somewhere.
    ///
    /// # Errors
    /// [`mlops_core::Error::LengthMismatch`] if this is not the table that was validated.
    pub fn quarantine(&self, table: &Table) -> Result<(Table, Quarantine)> {
        let broken = self.broken_rules();
        self.require_rows_of(table, &broken)?;
        let mut keep = vec![true; table.rows()];
        for (row, _) in &broken {
            keep[*row as usize] = false;
        }
        Ok((table.filter(&keep)?, Quarantine::new(self, table, &broken)?))
    }

    /// The rules of some entries in words.
    pub(crate) fn reasons(&self, rules: &[(u32, u32)]) -> String {
        let words = rules
            .iter()
            .map(|(_, at)| self.results[*at as usize].expectation.as_str());
        words.collect::<Vec<_>>().join("; ")
    }

    /// A validation may have been read from a file, and name rows that it cannot have seen.
    fn require_rows_of(&self, table: &Table, broken: &[(u32, u32)]) -> Result<()> {
        let last = broken.last().map(|(row, _)| u64::from(*row) + 1);
        let rows = self.rows.max(last.unwrap_or_default());
        if table.rows() as u64 != rows {
            return Err(Error::Core(mlops_core::Error::LengthMismatch {
                what: "rows of the table and of its validation",
                left: table.rows(),
                right: usize::try_from(rows).unwrap_or(usize::MAX),
            }));
        }
        Ok(())
    }

    /// The bad rows with the positions of the rules that they break, in order of rows and then rules.
    fn broken_rules(&self) -> Vec<(u32, u32)> {
        let strict = (0_u32..)
            .zip(&self.results)
            .filter(|(_, r)| r.on_failure == OnFailure::Error);
        let mut all: Vec<(u32, u32)> = strict
            .flat_map(|(at, result)| result.bad_rows.iter().map(move |row| (*row, at)))
            .collect();
        all.sort_unstable();
        // a file may name a row twice
        all.dedup();
        all
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

impl Serialize for Validation {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut form = to.serialize_struct("Validation", 6)?;
        form.serialize_field("schema_version", &SCHEMA_VERSION)?;
        form.serialize_field("contract", &self.contract)?;
        form.serialize_field("passed", &self.passed())?;
        form.serialize_field("rows", &self.rows)?;
        form.serialize_field("statistics", &self.statistics())?;
        form.serialize_field("results", &self.results)?;
        form.end()
    }
}

/// The form that is read; the first one had no version.
#[derive(Deserialize)]
struct Stored {
    #[serde(default = "first")]
    schema_version: u32,
    contract: String,
    rows: u64,
    results: Vec<ExpectationResult>,
}

impl TryFrom<Stored> for Validation {
    type Error = String;
    fn try_from(stored: Stored) -> Result<Self, String> {
        known_version(stored.schema_version)?;
        Ok(Self {
            contract: stored.contract,
            rows: stored.rows,
            results: stored.results,
        })
    }
}
