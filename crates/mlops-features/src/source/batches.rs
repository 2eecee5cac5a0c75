//! Arrow batches to a checked table, by the same schema and with the same account as a file.

use arrow::{
    array::{ArrayRef, BooleanArray, RecordBatch, new_empty_array},
    compute::{concat, filter},
    util::display::array_value_to_string,
};
use mlops_core::Table;

use super::{
    Ingest, Rejections, SourceSchema,
    cast::{Cast, cast},
    rejection::{DEFAULT_LIMIT, Fault},
};
use crate::{Error, Result};

/// Reads batches by the schema; the name stands in errors.
///
/// Columns are found by name in each batch. Types are widened without loss (see
/// [`ParquetFile`](crate::ParquetFile)); a value that would lose something is rejected with its row. The row number
/// counts through all batches.
///
/// # Errors
/// [`Error::MissingColumn`] or [`Error::AmbiguousColumn`] if a batch does not settle a column,
/// [`Error::ColumnType`] if a type cannot become what the schema asks for, [`Error::UnstatedZone`] if
/// times have no zone and none is stated.
pub fn from_batches(
    name: impl Into<String>,
    batches: &[RecordBatch],
    schema: &SourceSchema,
) -> Result<Ingest> {
    let mut reader = BatchReader::new(name.into(), schema, DEFAULT_LIMIT);
    batches.iter().try_for_each(|batch| reader.push(batch))?;
    reader.finish()
}

/// Takes batches one after the other.
pub(super) struct BatchReader<'a> {
    name: String,
    schema: &'a SourceSchema,
    pieces: Vec<Vec<ArrayRef>>,
    rejected: Rejections,
    rows: u64,
}

impl<'a> BatchReader<'a> {
    pub(super) fn new(name: String, schema: &'a SourceSchema, limit: usize) -> Self {
        Self {
            name,
            schema,
            pieces: vec![Vec::new(); schema.columns().len()],
            rejected: Rejections::with_limit(limit),
            rows: 0,
        }
    }

    pub(super) fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        let names: Vec<String> = batch
            .schema()
            .fields()
            .iter()
            .map(|f| f.name().clone())
            .collect();
        let mut sources = Vec::with_capacity(self.pieces.len());
        let mut arrays = Vec::with_capacity(self.pieces.len());
        // the first fault of a row counts, in the order of the schema
        let mut faults: Vec<Option<(usize, Fault)>> = vec![None; batch.num_rows()];
        for (i, column) in self.schema.columns().iter().enumerate() {
            let source = batch.column(locate(&self.name, &names, &column.source)?);
            let Cast { array, bad } = cast(&self.name, column, source)?;
            for (row, fault) in bad {
                faults[row].get_or_insert((i, fault));
            }
            sources.push(source);
            arrays.push(array);
        }
        let keep = BooleanArray::from(faults.iter().map(Option::is_none).collect::<Vec<_>>());
        for (pieces, array) in self.pieces.iter_mut().zip(arrays) {
            let kept = match keep.false_count() {
                0 => array,
                _ => filter(&array, &keep).map_err(Error::arrow("leave out rejected rows"))?,
            };
            pieces.push(kept);
        }
        for (row, fault) in faults.into_iter().enumerate() {
            let Some((column, fault)) = fault else {
                continue;
            };
            let source = sources[column];
            let value = if source.is_null(row) {
                String::new()
            } else {
                array_value_to_string(source, row).unwrap_or_default()
            };
            let name = &self.schema.columns()[column].source;
            self.rejected
                .push(self.rows + row as u64 + 1, Some(name), &value, fault);
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Ingest> {
        let types = self
            .schema
            .table_schema()
            .columns()
            .iter()
            .map(mlops_core::Column::data_type);
        let arrays = self.pieces.iter().zip(types).map(|(pieces, data_type)| {
            if pieces.is_empty() {
                return Ok(new_empty_array(data_type));
            }
            let pieces: Vec<_> = pieces.iter().map(AsRef::as_ref).collect();
            concat(&pieces).map_err(Error::arrow("join the batches of a source"))
        });
        Ok(Ingest {
            table: Table::new(
                self.schema.table_schema().clone(),
                arrays.collect::<Result<_>>()?,
            )?,
            rejected: self.rejected,
            rows_read: self.rows,
        })
    }
}

/// The position of the one column with that name.
pub(super) fn locate(source: &str, names: &[String], wanted: &str) -> Result<usize> {
    let mut found = (0..names.len()).filter(|i| names[*i] == wanted);
    let Some(at) = found.next() else {
        let available: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
        return Err(Error::MissingColumn {
            source_name: source.to_owned(),
            column: wanted.to_owned(),
            available: available.join(", "),
        });
    };
    match found.count() {
        0 => Ok(at),
        more => Err(Error::AmbiguousColumn {
            source_name: source.to_owned(),
            column: wanted.to_owned(),
            count: more + 1,
        }),
    }
}
