//! Batches in memory as an input: a spine that was built in the process, or a text file that was read whole.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, RecordBatch, UInt32Array},
    compute::take,
    datatypes::{DataType, FieldRef},
};

use super::{
    infer::Inference,
    input::{Input, Need, PIECE, Scan, Unit},
};
use crate::{Error, Result};

/// Batches of one schema, one behind the other.
#[derive(Debug)]
pub(super) struct MemoryInput {
    name: String,
    fields: Vec<FieldRef>,
    batches: Vec<(u64, RecordBatch)>,
    rows: u64,
    /// What the values say about the types of a text file's columns.
    inferred: Option<Vec<Inference>>,
}

impl MemoryInput {
    /// Takes batches, which have the fields of the first.
    pub(super) fn new(
        name: String,
        fields: Vec<FieldRef>,
        batches: impl IntoIterator<Item = RecordBatch>,
    ) -> Self {
        let mut rows = 0;
        let batches = batches.into_iter().map(|batch| {
            let first = rows;
            rows += batch.num_rows() as u64;
            (first, batch)
        });
        Self {
            name,
            fields,
            batches: batches.collect(),
            rows,
            inferred: None,
        }
    }

    /// The same as the content of a text file.
    pub(super) fn of_text(mut self, inferred: Vec<Inference>) -> Self {
        self.inferred = Some(inferred);
        self
    }
}

impl Input for MemoryInput {
    fn name(&self) -> &str {
        &self.name
    }

    fn fields(&self) -> &[FieldRef] {
        &self.fields
    }

    fn rows(&self) -> Option<u64> {
        Some(self.rows)
    }

    fn is_text(&self) -> bool {
        self.inferred.is_some()
    }

    fn inferred(&self, column: usize) -> Option<DataType> {
        Some(self.inferred.as_ref()?[column].data_type())
    }

    fn is_whole(&self, column: usize) -> bool {
        let inferred = self.inferred.as_ref();
        inferred.is_some_and(|inferred| inferred[column].is_whole())
    }

    fn units(&self, _scan: &Scan<'_>) -> Vec<Unit> {
        let parts = self.batches.iter().enumerate();
        let units = parts.filter(|(_, (_, batch))| batch.num_rows() > 0);
        units
            .map(|(at, _)| Unit {
                at,
                need: Need::All,
            })
            .collect()
    }

    fn scan(&self, scan: &Scan<'_>, unit: Unit) -> Result<u64> {
        let (first, batch) = &self.batches[unit.at];
        for at in (0..batch.num_rows()).step_by(PIECE) {
            let rows = PIECE.min(batch.num_rows() - at);
            let columns = scan.columns.iter();
            let columns: Vec<ArrayRef> = columns
                .map(|column| batch.column(*column).slice(at, rows))
                .collect();
            (scan.progress)(rows as u64);
            (scan.sink)(first + at as u64, &columns)?;
        }
        Ok(batch.num_rows() as u64)
    }

    fn gather(&self, columns: &[usize], rows: &[u64]) -> Result<Vec<Vec<ArrayRef>>> {
        let mut pieces = vec![Vec::new(); columns.len()];
        let mut rest = rows;
        for (first, batch) in &self.batches {
            let inside = rest.partition_point(|row| *row < first + batch.num_rows() as u64);
            let (wanted, after) = rest.split_at(inside);
            rest = after;
            if wanted.is_empty() {
                continue;
            }
            let at = wanted.iter().map(|row| u32::try_from(row - first));
            let at = at.map(|at| at.expect("a spine has fewer than 2^32 rows"));
            let at = UInt32Array::from_iter_values(at);
            for (pieces, column) in pieces.iter_mut().zip(columns) {
                let array = batch.column(*column);
                pieces.push(take(array, &at, None).map_err(Error::arrow("pick rows"))?);
            }
        }
        Ok(pieces)
    }

    fn read(&self, column: usize, first: u64, rows: usize) -> Result<Vec<ArrayRef>> {
        let last = first + rows as u64;
        let mut pieces = Vec::new();
        for (start, batch) in &self.batches {
            let end = start + batch.num_rows() as u64;
            if end <= first || *start >= last {
                continue;
            }
            let inside = |row: u64| usize::try_from(row - start).unwrap_or(usize::MAX);
            let (from, to) = (inside(first.max(*start)), inside(last.min(end)));
            pieces.push(Arc::clone(batch.column(column)).slice(from, to - from));
        }
        Ok(pieces)
    }
}
