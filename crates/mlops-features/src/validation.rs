//! What came of a contract: one result an expectation, with every row that breaks it.
//!
//! Results are plain data with a JSON form, for reports and for the audit trail.

use mlops_core::Table;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};

use crate::{
    Error, ExpectationResult, OnFailure, RejectionKind, Rejections, Result,
    contract::{SCHEMA_VERSION, first, known_version},
    expectation_result::values,
    quarantine::Quarantine,
    source::Fault,
};

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
