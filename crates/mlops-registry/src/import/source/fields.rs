//! The values of a row, each taken by its type.

use mlops_core::EventTime;
use rusqlite::{Row, types::ValueRef};

use super::ImportError;
use crate::Result;

/// The values of one row, each by its type.
#[derive(Debug)]
pub(in crate::import) struct Fields<'a, 's> {
    pub(super) table: &'static str,
    pub(super) row: &'a Row<'s>,
}

impl Fields<'_, '_> {
    fn value(&self, index: usize) -> ValueRef<'_> {
        self.row
            .get_ref(index)
            .expect("the statement has that column")
    }

    fn wrong(
        &self,
        column: &'static str,
        found: &ValueRef<'_>,
        expected: &'static str,
    ) -> ImportError {
        ImportError::Value {
            table: self.table,
            column,
            found: match found {
                ValueRef::Null => "nothing",
                ValueRef::Integer(_) => "a whole number",
                ValueRef::Real(_) => "a real number",
                ValueRef::Text(_) => "a text that is no UTF-8",
                ValueRef::Blob(_) => "bytes",
            },
            expected,
        }
    }

    pub(in crate::import) fn maybe_text(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<String>> {
        let value = self.value(index);
        match value {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text.to_owned())),
                Err(_) => Err(self.wrong(column, &value, "a text").into()),
            },
            _ => Err(self.wrong(column, &value, "a text").into()),
        }
    }

    pub(in crate::import) fn text(&self, index: usize, column: &'static str) -> Result<String> {
        match self.maybe_text(index, column)? {
            Some(text) => Ok(text),
            None => Err(self.wrong(column, &ValueRef::Null, "a text").into()),
        }
    }

    pub(in crate::import) fn maybe_int(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<i64>> {
        match self.value(index) {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => Ok(Some(number)),
            value => Err(self.wrong(column, &value, "a whole number").into()),
        }
    }

    pub(in crate::import) fn int(&self, index: usize, column: &'static str) -> Result<i64> {
        match self.maybe_int(index, column)? {
            Some(number) => Ok(number),
            None => Err(self.wrong(column, &ValueRef::Null, "a whole number").into()),
        }
    }

    /// A value of a metric: MLflow keeps NaN as a missing number or under a flag, and an infinity as the
    /// greatest number that there is.
    pub(in crate::import) fn metric(&self, index: usize, column: &'static str) -> Result<f64> {
        let value = match self.value(index) {
            ValueRef::Null => f64::NAN,
            ValueRef::Real(value) => value,
            #[expect(
                clippy::cast_precision_loss,
                reason = "SQLite keeps a whole real number as an integer"
            )]
            ValueRef::Integer(number) => number as f64,
            value => return Err(self.wrong(column, &value, "a number").into()),
        };
        Ok(if value == f64::MAX {
            f64::INFINITY
        } else if value == f64::MIN {
            f64::NEG_INFINITY
        } else {
            value
        })
    }
}

/// A time of MLflow's in milliseconds, if it is one that can be kept.
pub(in crate::import) fn time(millis: i64) -> Option<EventTime> {
    let micros = millis.checked_mul(1_000).filter(|micros| *micros >= 0)?;
    Some(EventTime::from_micros(micros))
}
