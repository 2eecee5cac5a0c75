//! Encoded rows: what an estimator computes on.

use crate::{Error, Result};

/// Real numbers, row after row. NaN stands for a missing value.
///
/// # Shapes
/// `[rows, width]`, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    values: Vec<f64>,
    rows: usize,
    width: usize,
}

impl Matrix {
    /// Rows of equal width, one after another; what a [`Model`](crate::Model) of one's own answers.
    ///
    /// # Errors
    /// [`Error::WrongWidth`] if the last row is not complete.
    pub fn from_values(values: Vec<f64>, width: usize) -> Result<Self> {
        let (rows, rest) = match width {
            0 => (0, values.len()),
            _ => (values.len() / width, values.len() % width),
        };
        if rest > 0 {
            return Err(Error::WrongWidth {
                row: Some(rows),
                expected: width,
                found: rest,
            });
        }
        Ok(Self::new(values, rows, width))
    }

    pub(crate) fn new(values: Vec<f64>, rows: usize, width: usize) -> Self {
        debug_assert_eq!(
            values.len(),
            rows * width,
            "row-major values fill the shape"
        );
        Self {
            values,
            rows,
            width,
        }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All values, row after row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// All values, row after row, to be changed in place.
    pub fn values_mut(&mut self) -> &mut [f64] {
        &mut self.values
    }

    /// One row.
    ///
    /// # Panics
    /// If there are not as many rows.
    pub fn row(&self, row: usize) -> &[f64] {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        &self.values[row * self.width..(row + 1) * self.width]
    }

    /// All values, taken out.
    pub fn into_values(self) -> Vec<f64> {
        self.values
    }
}
