//! Categories as vectors: a table a column, with a row for what was not seen.

use serde::{Deserialize, Serialize};

use crate::{Error, Result, limit};

/// A table that turns the number of a category, as [`Encoder::Ordinal`](crate::Encoder::Ordinal) gives it, into
/// a vector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedding {
    /// The encoded column that holds the number.
    pub column: usize,
    /// The categories and one more: the last row stands for what is missing, was not seen, or is no number of a row.
    pub rows: usize,
    /// The length of a vector.
    pub cols: usize,
    /// `[rows, cols]`, row-major.
    #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
    pub weights: Vec<f64>,
}

impl limit::Weigh for Embedding {
    fn weigh(&self) -> usize {
        self.weights.len()
    }
}

impl Embedding {
    /// The vector for an encoded number, whatever it is.
    pub(super) fn vector(&self, number: f64) -> &[f64] {
        let last = self.rows - 1;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the number lies in 0..last"
        )]
        let row = if (0.0..last as f64).contains(&number) {
            number as usize
        } else {
            last
        };
        &self.weights[row * self.cols..(row + 1) * self.cols]
    }

    fn check(&self, width: usize) -> Result<(), String> {
        if self.column >= width {
            return Err(format!(
                "it reads encoded column {}, there are {width}",
                self.column
            ));
        }
        if self.rows == 0 || self.cols == 0 {
            return Err(format!("{} by {} is no table", self.rows, self.cols));
        }
        if self.rows.checked_mul(self.cols) != Some(self.weights.len()) {
            return Err(format!(
                "{} weights do not fill {} by {}",
                self.weights.len(),
                self.rows,
                self.cols
            ));
        }
        match self.weights.iter().find(|weight| !weight.is_finite()) {
            Some(weight) => Err(format!("a weight is {weight}")),
            None => Ok(()),
        }
    }
}

/// Checked tables, and the columns that have none.
#[derive(Debug, Clone)]
pub(super) struct Embedded {
    tables: Vec<Embedding>,
    plain: Vec<usize>,
}

impl Embedded {
    /// Checks the tables against the number of encoded columns.
    pub(super) fn new(tables: &[Embedding], width: usize) -> Result<Self> {
        for (at, table) in tables.iter().enumerate() {
            let part = || format!("embedding {at}");
            table
                .check(width)
                .map_err(|reason| Error::model(part(), reason))?;
            if at > 0 && tables[at - 1].column >= table.column {
                return Err(Error::model(part(), "its column does not ascend"));
            }
        }
        let has_table = |column: &usize| {
            let found = tables.binary_search_by_key(column, |table| table.column);
            found.is_ok()
        };
        Ok(Self {
            tables: tables.to_vec(),
            plain: (0..width).filter(|column| !has_table(column)).collect(),
        })
    }

    /// The numbers that the first layer reads. No overflow: every column of a table has a weight, and those are bounded.
    pub(super) fn width(&self) -> usize {
        self.plain.len() + self.tables.iter().map(|table| table.cols).sum::<usize>()
    }

    /// Appends what the first layer reads.
    pub(super) fn widen(&self, encoded: &[f64], into: &mut Vec<f64>) {
        if self.tables.is_empty() {
            into.extend_from_slice(encoded);
            return;
        }
        into.extend(self.plain.iter().map(|column| encoded[*column]));
        for table in &self.tables {
            into.extend_from_slice(table.vector(encoded[table.column]));
        }
    }
}
