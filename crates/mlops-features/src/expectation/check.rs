//! What a rule gets and what it gives: a table with typed access, and an outcome.

use std::fmt::Debug;

use arrow::{
    array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, StringViewArray},
    compute,
    datatypes::{DataType, Float64Type, Int64Type},
};
use mlops_core::{EventTime, Table};

use crate::{Error, Result};

/// A rule of an expectation.
pub(super) trait Check: Debug {
    /// The columns that the rule reads.
    fn columns(&self) -> Vec<&str>;

    /// The rule in words, for people.
    fn words(&self) -> String;

    /// Tries the rule on a table.
    fn check(&self, context: &Context<'_>) -> Result<Outcome>;
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
    Table { passed: bool, observed: String },
}

/// The table that is checked, and the names for an error.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) contract: &'a str,
    pub(crate) words: &'a str,
    pub(crate) table: &'a Table,
}

impl Context<'_> {
    pub(super) fn column(&self, name: &str) -> Result<&ArrayRef> {
        self.table.column(name).map_err(|error| match error {
            mlops_core::Error::UnknownColumn { column, available } => Error::ContractColumn {
                contract: self.contract.to_owned(),
                column,
                available,
            },
            other => other.into(),
        })
    }

    /// A numeric column as 64-bit floats.
    pub(super) fn numbers(&self, name: &str) -> Result<Float64Array> {
        let array = self.column(name)?;
        if !array.data_type().is_numeric() {
            return Err(self.wrong_type(name, "a number"));
        }
        Ok(cast(array, &DataType::Float64)?
            .as_primitive::<Float64Type>()
            .clone())
    }

    /// A time column as microseconds.
    pub(super) fn instants(&self, name: &str) -> Result<Int64Array> {
        let array = self.column(name)?;
        if *array.data_type() != EventTime::data_type() {
            return Err(self.wrong_type(name, "an instant"));
        }
        Ok(cast(array, &DataType::Int64)?
            .as_primitive::<Int64Type>()
            .clone())
    }

    /// A text column.
    pub(super) fn texts(&self, name: &str) -> Result<StringViewArray> {
        let array = self.column(name)?;
        if !matches!(
            array.data_type(),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
        ) {
            return Err(self.wrong_type(name, "a text"));
        }
        Ok(cast(array, &DataType::Utf8View)?.as_string_view().clone())
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

pub(super) fn cast(array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    compute::cast(array, data_type).map_err(Error::arrow("read a column for a contract"))
}

/// The positions of the non-null values that break a rule.
pub(super) fn bad_rows<T>(
    values: impl IntoIterator<Item = Option<T>>,
    mut holds: impl FnMut(T) -> bool,
) -> Vec<u32> {
    (0..)
        .zip(values)
        .filter_map(|(row, value)| (!holds(value?)).then_some(row))
        .collect()
}

/// The outcome of a rule on one column.
pub(super) fn rows(array: &dyn Array, bad: Vec<u32>, observed: String) -> Outcome {
    Outcome::Rows {
        checked: array.len() - array.null_count(),
        bad,
        observed,
    }
}
