//! Where a value stands, for an error that names it.

use arrow::datatypes::DataType;

use crate::{Error, source::shortened};

/// The place of a piece of a column: its source, its name, and the number of its first row, from 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) source: &'a str,
    pub(super) column: &'a str,
    pub(super) first: u64,
}

impl Origin<'_> {
    /// The value of a row of this piece is not what it must be.
    pub(super) fn bad(&self, row: usize, value: &str, expected: &'static str) -> Error {
        Error::BadCell {
            source_name: self.source.to_owned(),
            row: self.first + row as u64 + 1,
            column: self.column.to_owned(),
            value: shortened(value),
            expected,
        }
    }

    /// The column as such is not what it must be.
    pub(super) fn wrong_type(&self, found: &DataType, wanted: &'static str) -> Error {
        Error::ColumnType {
            source_name: self.source.to_owned(),
            column: self.column.to_owned(),
            found: found.clone(),
            wanted,
        }
    }
}
