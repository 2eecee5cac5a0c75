//! What a rule gets and what it gives: a table with typed access, and an outcome.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, OnceLock},
};

use arrow::{array::ArrayRef, buffer::BooleanBuffer, datatypes::DataType};
use mlops_core::{EventTime, Table, Value};

use super::{
    distinct::{distinct, is_repetitive},
    intern::Distinct,
    live::Live,
    values::{Text, Values},
};
use crate::{Error, Result};

/// A rule of an expectation.
pub(super) trait Check: Debug {
    /// The columns that the rule reads.
    fn columns(&self) -> Vec<&str>;

    /// The rule in words, for people.
    fn words(&self) -> String;

    /// Tries the rule on a table.
    fn check(&self, context: &Context<'_>) -> Result<Outcome>;

    /// Whether the rule is about rows, so that a condition on rows can narrow it.
    fn reads_rows(&self) -> bool {
        true
    }

    /// How much work the rule is beside a pass over numbers; what is much begins first.
    fn effort(&self) -> u32 {
        1
    }
}

/// What came of a rule.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Rows were checked one by one.
    Rows {
        /// Rows that had a value to check.
        checked: usize,
        /// The positions of those that break the rule, in order.
        bad: Vec<u32>,
        /// What was seen in all of them.
        observed: String,
    },
    /// The table was checked as a whole.
    Table {
        passed: bool,
        observed: String,
        /// The figure that was compared, if it is one.
        value: Option<Value>,
    },
}

/// What several rules need of a table, found once.
#[derive(Debug)]
pub(crate) struct Cache {
    distinct: Vec<OnceLock<Arc<Distinct>>>,
    repetitive: Vec<OnceLock<bool>>,
}

impl Cache {
    pub(crate) fn of(table: &Table) -> Self {
        let columns = table.schema().columns().len();
        Self {
            distinct: (0..columns).map(|_| OnceLock::new()).collect(),
            repetitive: (0..columns).map(|_| OnceLock::new()).collect(),
        }
    }
}

/// The table that is checked, what it is checked against, and the names for an error.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) contract: &'a str,
    pub(crate) words: &'a str,
    pub(crate) table: &'a Table,
    pub(crate) cache: &'a Cache,
    pub(crate) others: &'a BTreeMap<String, &'a Table>,
    pub(crate) as_of: Option<EventTime>,
    /// The rows that the expectation is about; all if there is no condition.
    pub(crate) when: Option<BooleanBuffer>,
}

impl Context<'_> {
    pub(super) fn column(&self, name: &str) -> Result<&ArrayRef> {
        self.column_of(self.table, name)
    }

    /// A column of another table.
    pub(super) fn column_of<'t>(&self, table: &'t Table, name: &str) -> Result<&'t ArrayRef> {
        table.column(name).map_err(|error| match error {
            mlops_core::Error::UnknownColumn { column, available } => Error::ContractColumn {
                contract: self.contract.to_owned(),
                column,
                available,
            },
            other => other.into(),
        })
    }

    /// The values of a column and the rows that have one.
    pub(super) fn values(&self, name: &str) -> Result<(Values, Live)> {
        let array = self.column(name)?;
        Ok((Values::of(array)?, self.rows().with_values(array)))
    }

    /// A time column as microseconds.
    pub(super) fn instants(&self, name: &str) -> Result<(arrow::buffer::ScalarBuffer<i64>, Live)> {
        match self.values(name)? {
            (Values::Time(micros), live) => Ok((micros, live)),
            _ => Err(self.wrong_type(name, "an instant")),
        }
    }

    /// A text column.
    pub(super) fn texts(&self, name: &str) -> Result<(Text, Live)> {
        match self.values(name)? {
            (Values::Text(texts), live) => Ok((texts, live)),
            _ => Err(self.wrong_type(name, "a text")),
        }
    }

    /// The rows that the expectation is about.
    pub(super) fn rows(&self) -> Live {
        Live::new(self.table.rows(), self.when.as_ref())
    }

    /// The distinct values of a column, whatever rows the expectation is about.
    pub(super) fn distinct(&self, name: &str) -> Result<Arc<Distinct>> {
        let array = self.column(name)?;
        let slot = &self.cache.distinct[self.table.schema().index_of(name)?];
        if let Some(known) = slot.get() {
            return Ok(Arc::clone(known));
        }
        // two threads may both do it, and come to the same
        let found = Arc::new(distinct(array)?);
        Ok(Arc::clone(slot.get_or_init(|| found)))
    }

    /// The rows whose text breaks a rule. Where texts repeat, each distinct one is tested once.
    pub(super) fn bad_texts(
        &self,
        name: &str,
        texts: &Text,
        live: &Live,
        holds: impl Fn(&str) -> bool,
    ) -> Result<Vec<u32>> {
        let at = self.table.schema().index_of(name)?;
        let repetitive =
            *self.cache.repetitive[at].get_or_init(|| is_repetitive(texts, self.table.rows()));
        if !repetitive {
            return Ok(
                super::values::each_text!(texts, texts => live.bad_at(|row| holds(texts.value(row)))),
            );
        }
        let distinct = self.distinct(name)?;
        let firsts = distinct.firsts.iter();
        let kept = firsts.map(|row| holds(texts.value(*row as usize)));
        let kept: Vec<bool> = kept.chain([true]).collect();
        if kept.iter().all(|kept| *kept) {
            return Ok(Vec::new());
        }
        Ok(live.bad(&distinct.codes, |code| kept[code as usize]))
    }

    /// The instant that the check is made at.
    pub(super) fn as_of(&self) -> Result<EventTime> {
        self.as_of
            .ok_or_else(|| self.invalid("no instant was given; see `Inspection::as_of`"))
    }

    /// Another table by the name that the caller gave it.
    pub(super) fn other(&self, name: &str) -> Result<&Table> {
        self.others
            .get(name)
            .copied()
            .ok_or_else(|| self.invalid(format!("no table `{name}` was given to compare with")))
    }

    pub(super) fn wrong_type(&self, name: &str, wanted: &'static str) -> Error {
        let found = self
            .table
            .column(name)
            .map_or(DataType::Null, |a| a.data_type().clone());
        Error::ContractType {
            contract: self.contract.to_owned(),
            expectation: self.words.to_owned(),
            column: name.to_owned(),
            found,
            wanted,
        }
    }

    pub(crate) fn invalid(&self, reason: impl Into<String>) -> Error {
        Error::InvalidExpectation {
            expectation: self.words.to_owned(),
            reason: reason.into(),
        }
    }
}

/// The outcome of a rule on rows.
pub(super) fn rows(live: &Live, bad: Vec<u32>, observed: String) -> Outcome {
    Outcome::Rows {
        checked: live.count(),
        bad,
        observed,
    }
}

/// The outcome of a rule on the table.
pub(super) fn whole(passed: bool, observed: impl Into<String>, value: Option<Value>) -> Outcome {
    // NaN has no form in JSON
    let value = value.filter(|v| !matches!(v, Value::Float(f) if !f.is_finite()));
    Outcome::Table {
        passed,
        observed: observed.into(),
        value,
    }
}

/// Names in backticks, for words.
pub(super) fn list(names: &[String], between: &str) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(between)
}
