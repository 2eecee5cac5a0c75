//! Rows that are read one by one into growing columns: taken whole, or listed whole.

use mlops_core::Table;

use super::{
    Chunk, Rejections, SourceSchema,
    columns::{ColumnBuilder, Stop},
    rejection::Fault,
};
use crate::{Error, Result};

/// A part of a source under construction.
pub(super) struct Rows<'a> {
    name: &'a str,
    schema: &'a SourceSchema,
    columns: Vec<ColumnBuilder<'a>>,
    rejected: Rejections,
    taken: usize,
    read: u64,
}

impl<'a> Rows<'a> {
    pub(super) fn new(name: &'a str, schema: &'a SourceSchema, rejection_limit: usize) -> Self {
        Self {
            name,
            schema,
            columns: schema.columns().iter().map(ColumnBuilder::new).collect(),
            rejected: Rejections::with_limit(rejection_limit),
            taken: 0,
            read: 0,
        }
    }

    /// The rows so far, taken or not.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// Lists a row that is at fault before any value of it is read, as a whole or in one column.
    pub(super) fn reject(&mut self, row: u64, column: Option<usize>, value: &str, fault: Fault) {
        self.read += 1;
        let column = column.map(|at| self.schema.columns()[at].source.as_str());
        self.rejected.push(row, column, value, fault);
    }

    /// Adds a row: `push` puts the value of a column into it, and `shown` gives a value that was refused.
    pub(super) fn add(
        &mut self,
        row: u64,
        mut push: impl FnMut(usize, &mut ColumnBuilder<'a>) -> Result<(), Stop>,
        shown: impl FnOnce(usize) -> String,
    ) -> Result<()> {
        let mut columns = self.columns.iter_mut().enumerate();
        let stopped = columns.find_map(|(i, column)| push(i, column).err().map(|stop| (i, stop)));
        self.read += 1;
        let Some((bad, stop)) = stopped else {
            self.taken += 1;
            return Ok(());
        };
        let source = &self.columns[bad].spec().source;
        let Stop::Fault(fault) = stop else {
            return Err(Error::ColumnTooLarge {
                source_name: self.name.to_owned(),
                column: source.clone(),
            });
        };
        self.rejected.push(row, Some(source), &shown(bad), fault);
        let taken = self.taken;
        self.columns[..bad]
            .iter_mut()
            .for_each(|column| column.truncate(taken));
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Chunk> {
        let arrays = self
            .columns
            .into_iter()
            .map(ColumnBuilder::finish)
            .collect();
        Ok(Chunk {
            table: Table::new(self.schema.table_schema().clone(), arrays)?,
            rejected: self.rejected,
            rows_read: self.read,
        })
    }
}
