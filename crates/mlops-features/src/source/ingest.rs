//! What reading a source gives: the rows that were taken and the rows that were not.

use mlops_core::Table;

use super::Rejections;
use crate::{Error, Result};

/// The table that was read, with an account of every row that is not in it.
///
/// `table.rows() + rejected.total() == rows_read`, always.
#[derive(Debug, Clone)]
pub struct Ingest {
    /// The rows that were taken, in the order of the source.
    pub table: Table,
    /// The rows that were not.
    pub rejected: Rejections,
    /// The data rows that were met.
    pub rows_read: u64,
}

impl Ingest {
    /// The fraction of rows that were not taken, in `0.0..=1.0`; 0 for an empty source.
    pub fn rejected_share(&self) -> f64 {
        self.rejected.total() as f64 / self.rows_read.max(1) as f64
    }

    /// The same, provided that at least one row was taken.
    ///
    /// # Errors
    /// [`mlops_core::Error::EmptyTable`] if none was; the text says how many were rejected and why.
    pub fn not_empty(self) -> Result<Self> {
        if self.table.rows() > 0 {
            return Ok(self);
        }
        Err(Error::Core(mlops_core::Error::EmptyTable {
            table: format!("source with {} rows, {}", self.rows_read, self.rejected),
        }))
    }
}
