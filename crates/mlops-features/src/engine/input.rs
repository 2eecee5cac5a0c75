//! What the engine asks of a source: its columns, one pass over a few of them, some rows of others.

use std::fmt::Debug;

use arrow::{array::ArrayRef, datatypes::FieldRef};

use super::time::Precision;
use crate::Result;

/// Rows are handed on in pieces of at most this many.
pub(super) const PIECE: usize = 1 << 16;

/// A source of rows with named columns, in a fixed order, that can be read more than once.
pub(super) trait Input: Debug + Send + Sync {
    /// The file or name, for errors.
    fn name(&self) -> &str;

    /// The columns; those of a text file are texts.
    fn fields(&self) -> &[FieldRef];

    /// The number of rows, where it is known before they are read.
    fn rows(&self) -> Option<u64>;

    /// Whether the columns are untyped texts, whose types are only inferred.
    fn is_text(&self) -> bool {
        false
    }

    /// The work of one pass over all rows, in parts that may be done in any order and at once.
    fn units(&self, scan: &Scan<'_>) -> Vec<Unit>;

    /// Does one part, and returns the number of its rows, read or left out.
    fn scan(&self, scan: &Scan<'_>, unit: Unit) -> Result<u64>;

    /// The values of columns in the given rows, which are in order, each once: pieces for each column,
    /// which add up to the rows.
    fn gather(&self, columns: &[usize], rows: &[u64]) -> Result<Vec<Vec<ArrayRef>>>;

    /// The values of a column in a run of rows, as pieces.
    fn read(&self, column: usize, first: u64, rows: usize) -> Result<Vec<ArrayRef>>;

    /// Whether a text column of the spine holds whole numbers alone.
    fn is_whole(&self, column: usize) -> bool {
        let _ = column;
        false
    }

    /// The type that a text column has by its values; only asked after a scan, and only of text.
    fn inferred(&self, column: usize) -> Option<arrow::datatypes::DataType> {
        let _ = column;
        None
    }
}

/// A part of a pass: which one of its source, and how much of it must be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    pub(super) at: usize,
    pub(super) need: Need,
}

/// What a part must be read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    All,
    /// Its rows are too old to be seen; only whether a key has any matters.
    Keys,
    Nothing,
}

/// One pass: which columns, and where the pieces go.
pub(super) struct Scan<'a> {
    /// The positions of the columns that are read.
    pub(super) columns: &'a [usize],
    /// What may be left out, where the source can tell without reading.
    pub(super) prune: Option<Prune>,
    /// Takes a piece: the number of its first row, and its columns in the order above.
    pub(super) sink: &'a (dyn Fn(u64, &[ArrayRef]) -> Result<()> + Sync),
    /// Takes the key columns alone of rows that are too old to be seen.
    pub(super) old: &'a (dyn Fn(u64, &[ArrayRef]) -> Result<()> + Sync),
    /// Hears how many more rows are done.
    pub(super) progress: &'a (dyn Fn(u64) + Sync),
}

impl Debug for Scan<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scan")
            .field("columns", &self.columns)
            .field("prune", &self.prune)
            .finish_non_exhaustive()
    }
}

/// What no spine row can see. The time column stands behind the key columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prune {
    /// The number of key columns, which come first.
    pub(super) keys: usize,
    pub(super) precision: Precision,
    /// The oldest instant that any spine row may see.
    pub(super) oldest: i64,
    /// The newest.
    pub(super) newest: i64,
    /// The smallest and the largest key, if there is one key column and it holds whole numbers.
    pub(super) key: Option<(i64, i64)>,
}
