//! A source read in parts, so that one larger than the memory can be read.

use std::fmt;

use arrow::array::AsArray;
use mlops_core::Table;

use super::{Ingest, Rejections, RowFilter, SourceSchema};
use crate::{Error, Result};

/// Some rows of a source: those that were taken and those that were not.
///
/// `table.rows() + rejected.total() == rows_read`, always. Row numbers count through the whole source.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// The rows that were taken, in the order of the source.
    pub table: Table,
    /// The rows that were not.
    pub rejected: Rejections,
    /// The data rows of this part.
    pub rows_read: u64,
}

/// The parts of a source, read when they are asked for.
///
/// After an error nothing follows. [`Chunks::ingest`] puts the rest together.
pub struct Chunks<'a> {
    name: String,
    parts: Box<dyn Iterator<Item = Result<Chunk>> + Send + 'a>,
    schema: &'a SourceSchema,
    rejection_limit: usize,
    over: bool,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(
        name: impl Into<String>,
        schema: &'a SourceSchema,
        rejection_limit: usize,
        parts: impl Iterator<Item = Result<Chunk>> + Send + 'a,
    ) -> Self {
        Self {
            name: name.into(),
            parts: Box::new(parts),
            schema,
            rejection_limit,
            over: false,
        }
    }

    /// Reads on to the end and puts all parts together.
    ///
    /// # Errors
    /// The first error of a part, [`Error::ColumnTooLarge`] if the texts of a column pass 2 GiB.
    pub fn ingest(mut self) -> Result<Ingest> {
        let mut tables = Vec::new();
        let mut rejected = Rejections::with_limit(self.rejection_limit);
        let mut rows_read = 0;
        for chunk in self.by_ref() {
            let chunk = chunk?;
            tables.push(chunk.table);
            rejected.absorb(chunk.rejected);
            rows_read += chunk.rows_read;
        }
        let table = match tables.len() {
            0 => self.schema.empty_table()?,
            1 => tables.remove(0),
            _ => {
                self.check_texts(&tables)?;
                Table::concat(&tables)?
            }
        };
        Ok(Ingest {
            table,
            rejected,
            rows_read,
        })
    }

    /// The offsets of a text column end at 2 GiB.
    fn check_texts(&self, tables: &[Table]) -> Result<()> {
        for (i, column) in self.schema.columns().iter().enumerate() {
            let texts = tables
                .iter()
                .filter_map(|table| table.batch().column(i).as_string_opt::<i32>());
            let bytes = texts
                .map(|text| text.value_data().len() as u64)
                .sum::<u64>();
            if i32::try_from(bytes).is_err() {
                return Err(Error::ColumnTooLarge {
                    source_name: self.name.clone(),
                    column: column.source.clone(),
                });
            }
        }
        Ok(())
    }
}

impl Iterator for Chunks<'_> {
    type Item = Result<Chunk>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let part = self.parts.next();
        self.over = !matches!(part, Some(Ok(_)));
        part
    }
}

impl fmt::Debug for Chunks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks")
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}

/// Something that rows are read from by a [`SourceSchema`].
///
/// # Contract
/// - `stream` gives every data row exactly once, in the order of the source, in parts of at most `chunk_rows` data
///   rows, whatever that number is; a part may have fewer, and none is empty.
/// - What is wrong with the source as a whole is an error and ends the stream. A bad row is listed and the next is read.
/// - It can be called any number of times and from several threads, and gives the same each time.
/// - `stream_near` gives every row that its filter takes, in the same order, and any number of the others.
/// - Memory is bounded by one part and the buffers of the reader, not by the source.
pub trait Source: fmt::Debug + Send + Sync {
    /// The path, the URL or the name that stands in errors.
    fn name(&self) -> &str;

    /// Reads the source in parts of at most that many data rows.
    ///
    /// # Errors
    /// What the source as a whole can be wrong in, as far as it shows before the first row;
    /// [`Error::InvalidParameter`] if `chunk_rows` is 0.
    fn stream<'a>(&'a self, schema: &'a SourceSchema, chunk_rows: usize) -> Result<Chunks<'a>>;

    /// The same for somebody who has no use for rows that a filter does not take: parts of the source that hold none
    /// may be left out, and then count neither as read nor as rejected. Other rows come whether they are taken or not.
    /// A source that knows nothing before it reads leaves nothing out.
    ///
    /// # Errors
    /// Those of [`stream`](Self::stream), and [`Error::Core`] if a value of the filter has not the type of its column.
    fn stream_near<'a>(
        &'a self,
        schema: &'a SourceSchema,
        chunk_rows: usize,
        wanted: &RowFilter,
    ) -> Result<Chunks<'a>> {
        wanted.check(schema.table_schema())?;
        self.stream(schema, chunk_rows)
    }

    /// The columns of the table that a filter of its own asks about: a schema for it must have them.
    fn filter_columns(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Reads the whole source: all parts of [`Source::stream`] in one table.
    ///
    /// # Errors
    /// Those of the stream.
    fn read(&self, schema: &SourceSchema) -> Result<Ingest>;
}

/// A part has at least a row.
pub(super) fn check_rows(chunk_rows: usize) -> Result<()> {
    if chunk_rows > 0 {
        return Ok(());
    }
    Err(Error::InvalidParameter {
        parameter: "chunk_rows",
        value: chunk_rows.to_string(),
        rule: "a part has at least one row",
    })
}
