//! A checked `RecordBatch`: every column has the type, the role and the nulls that its schema states.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array},
    compute,
    datatypes::TimestampMicrosecondType,
    error::ArrowError,
    ipc::writer::StreamWriter,
};

use crate::{Column, Digest, EntityKey, Error, EventTime, Result, Role, TableSchema, ipc};

/// Rows with roles: the noun that every later step starts from.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::{Column, EventTime, Table, TableSchema};
/// use mlops_core::arrow::{array::{ArrayRef, Int64Array, TimestampMicrosecondArray}, datatypes::DataType};
///
/// let schema = TableSchema::new([Column::key("customer_id", DataType::Int64), Column::event_time("at")])?;
/// let keys: ArrayRef = Arc::new(Int64Array::from(vec![17850, 13047]));
/// let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![0, 1]).with_timezone("UTC"));
/// let table = Table::new(schema, vec![keys, times])?;
/// assert_eq!(table.event_times()?[1], EventTime::from_micros(1));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Table {
    schema: Arc<TableSchema>,
    batch: RecordBatch,
}

impl Table {
    /// Checks the columns against the schema.
    ///
    /// # Errors
    /// [`Error::LengthMismatch`] if the number of columns or rows differs, [`Error::TypeMismatch`] if a
    /// type differs, [`Error::UnexpectedNull`] if a null stands where none is allowed,
    /// [`Error::InvalidParameter`] for more than 2^32 - 1 rows.
    pub fn new(schema: TableSchema, columns: Vec<ArrayRef>) -> Result<Self> {
        if columns.len() != schema.columns().len() {
            return Err(Error::LengthMismatch {
                what: "columns and schema",
                left: columns.len(),
                right: schema.columns().len(),
            });
        }
        let rows = columns.first().map_or(0, Array::len);
        if u32::try_from(rows).is_err() {
            return Err(Error::InvalidParameter {
                parameter: "rows",
                value: rows.to_string(),
                rule: "a table holds at most 4,294,967,295 rows",
            });
        }
        for (column, array) in schema.columns().iter().zip(&columns) {
            check(column, array, rows)?;
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(schema.arrow().clone(), columns, &options)
            .map_err(arrow_error("build a table"))?;
        Ok(Self {
            schema: Arc::new(schema),
            batch,
        })
    }

    /// Takes the schema's columns from a batch by name; other columns of the batch are left out.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] if one is missing, and those of [`Table::new`].
    pub fn from_batch(schema: TableSchema, batch: &RecordBatch) -> Result<Self> {
        let columns = schema
            .columns()
            .iter()
            .map(|column| {
                batch
                    .column_by_name(column.name())
                    .cloned()
                    .ok_or_else(|| Error::UnknownColumn {
                        column: column.name().to_owned(),
                        available: batch
                            .schema()
                            .fields()
                            .iter()
                            .map(|f| format!("`{}`", f.name()))
                            .collect::<Vec<_>>()
                            .join(", "),
                    })
            })
            .collect::<Result<_>>()?;
        Self::new(schema, columns)
    }

    /// What the columns mean.
    pub fn schema(&self) -> &TableSchema {
        &self.schema
    }

    /// The columns as Arrow holds them.
    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// A column by name.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] if there is none of that name.
    pub fn column(&self, name: &str) -> Result<&ArrayRef> {
        Ok(self.batch.column(self.schema.index_of(name)?))
    }

    /// The event times, one a row.
    ///
    /// # Errors
    /// [`Error::InvalidSchema`] if the table has no event time column.
    pub fn event_times(&self) -> Result<Vec<EventTime>> {
        let column = self.batch.column(self.schema.only(Role::EventTime)?);
        let times = column.as_primitive::<TimestampMicrosecondType>();
        Ok(times
            .values()
            .iter()
            .map(|m| EventTime::from_micros(*m))
            .collect())
    }

    /// The entity keys, one a row; `None` where a part of the key is null.
    ///
    /// # Errors
    /// [`Error::TypeMismatch`] if a key column is not a whole number, text or boolean.
    pub fn keys(&self) -> Result<Vec<Option<EntityKey>>> {
        let at: Vec<usize> = self.schema.with_role(Role::Key).collect();
        let names: Vec<&str> = at
            .iter()
            .map(|i| self.schema.columns()[*i].name())
            .collect();
        let columns: Vec<ArrayRef> = at.iter().map(|i| self.batch.column(*i).clone()).collect();
        (0..self.rows())
            .map(|row| EntityKey::from_arrays(&names, &columns, row))
            .collect()
    }

    /// The rows where `keep` is true, in order.
    ///
    /// # Errors
    /// [`Error::LengthMismatch`] if `keep` has another length.
    pub fn filter(&self, keep: &[bool]) -> Result<Self> {
        if keep.len() != self.rows() {
            return Err(Error::LengthMismatch {
                what: "mask and rows",
                left: keep.len(),
                right: self.rows(),
            });
        }
        let mask = BooleanArray::from(keep.to_vec());
        let batch = compute::filter_record_batch(&self.batch, &mask)
            .map_err(arrow_error("filter a table"))?;
        Ok(self.with_batch(batch))
    }

    /// The rows at the given positions, in the given order.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if a position is past the end.
    pub fn take(&self, rows: &[u32]) -> Result<Self> {
        if let Some(row) = rows.iter().find(|r| **r as usize >= self.rows()) {
            return Err(Error::InvalidParameter {
                parameter: "row",
                value: row.to_string(),
                rule: "it must be below the number of rows",
            });
        }
        let batch = self
            .rows_at(&UInt32Array::from(rows.to_vec()))
            .map_err(arrow_error("take rows"))?;
        Ok(self.with_batch(batch))
    }

    /// The rows of all tables in order; the schemas must be the same.
    ///
    /// # Errors
    /// [`Error::EmptyTable`] if there is none, [`Error::InvalidSchema`] if the schemas differ.
    pub fn concat(tables: &[Self]) -> Result<Self> {
        let first = tables.first().ok_or_else(|| Error::EmptyTable {
            table: "concat".into(),
        })?;
        if let Some(at) = tables.iter().position(|t| t.schema != first.schema) {
            return Err(Error::InvalidSchema {
                reason: format!("table {at} has other columns than table 0"),
            });
        }
        let batches = tables.iter().map(|t| &t.batch);
        let batch = compute::concat_batches(first.schema.arrow(), batches)
            .map_err(arrow_error("concatenate tables"))?;
        Ok(first.with_batch(batch))
    }

    /// The table as one Arrow IPC stream; roles and units are in it. The bytes are a function of the
    /// content, however the rows were batched or sliced before.
    pub fn to_ipc(&self) -> Vec<u8> {
        let mut writer = StreamWriter::try_new(Vec::new(), self.schema.arrow())
            .expect("a checked schema can be written");
        let rows = u32::try_from(self.rows()).expect("`new` bounds the rows");
        let all = UInt32Array::from_iter_values(0..rows);
        let compact = self.rows_at(&all).expect("every row exists");
        writer
            .write(&blank_nulls(&compact))
            .expect("writing to memory");
        writer.into_inner().expect("writing to memory")
    }

    /// Reads what [`Table::to_ipc`] wrote, or any Arrow IPC stream without compression.
    ///
    /// The bytes may come from anywhere: the lengths that they claim are not believed.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the bytes are no such stream or claim columns out of proportion to their number, and
    /// those of [`Table::new`].
    pub fn from_ipc(bytes: &[u8]) -> Result<Self> {
        let (schema, batch) = ipc::read(bytes).map_err(|source| Error::Corrupt {
            what: "arrow stream",
            source,
        })?;
        Self::new(TableSchema::from_arrow(&schema)?, batch.columns().to_vec())
    }

    /// The digest of the columns' names, types, roles and values, the same however the rows were batched.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_ipc())
    }

    /// Arrow takes no rows where there are no columns; such a table has no rows either.
    fn rows_at(&self, rows: &UInt32Array) -> Result<RecordBatch, ArrowError> {
        if self.schema.columns().is_empty() {
            return Ok(self.batch.clone());
        }
        compute::take_record_batch(&self.batch, rows)
    }

    fn with_batch(&self, batch: RecordBatch) -> Self {
        Self {
            schema: Arc::clone(&self.schema),
            batch,
        }
    }
}

/// The same rows with nothing under their nulls: a reader may leave anything there, and that is no content.
fn blank_nulls(batch: &RecordBatch) -> RecordBatch {
    let blank = |array: &ArrayRef| {
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        let Some(nulls) = nulls else {
            return ArrayRef::clone(array);
        };
        // a null takes from past the end, where there is nothing
        let rows = (0..u32::MAX).zip(nulls);
        let rows = rows.map(|(row, valid)| if valid { row } else { u32::MAX });
        let rows = UInt32Array::new(rows.collect(), Some(nulls.clone()));
        compute::take(array, &rows, None).expect("every row that is not null exists")
    };
    let columns = batch.columns().iter().map(blank).collect();
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(batch.schema(), columns, &rows)
        .expect("columns keep their types and lengths")
}

fn check(column: &Column, array: &ArrayRef, rows: usize) -> Result<()> {
    if array.len() != rows {
        return Err(Error::LengthMismatch {
            what: "columns of a table",
            left: rows,
            right: array.len(),
        });
    }
    if array.data_type() != column.data_type() {
        return Err(Error::TypeMismatch {
            column: column.name().to_owned(),
            expected: column.data_type().clone(),
            found: array.data_type().clone(),
        });
    }
    if !column.is_nullable() && array.null_count() > 0 {
        let row = (0..rows).find(|r| array.is_null(*r)).unwrap_or_default();
        return Err(Error::UnexpectedNull {
            column: column.name().to_owned(),
            row,
        });
    }
    Ok(())
}

fn arrow_error(action: &'static str) -> impl FnOnce(ArrowError) -> Error {
    move |source| Error::Arrow { action, source }
}

#[cfg(test)]
mod tests {
    use arrow::{
        array::{FixedSizeBinaryArray, Float64Array, Int64Array, StringArray},
        buffer::NullBuffer,
        datatypes::DataType,
    };

    use super::*;

    fn table(keys: Vec<Option<i64>>) -> Result<Table> {
        let schema = TableSchema::new([
            Column::key("id", DataType::Int64),
            Column::value("name", DataType::Utf8),
        ])?;
        let names: Vec<Option<&str>> = keys.iter().map(|k| k.map(|_| "x")).collect();
        Table::new(
            schema,
            vec![
                Arc::new(Int64Array::from(keys)),
                Arc::new(StringArray::from(names)),
            ],
        )
    }

    #[test]
    fn a_null_key_is_named_with_its_row() {
        let error = table(vec![Some(1), None]).unwrap_err();
        assert_eq!(error.to_string(), "column `id` is null in row 1");
    }

    #[test]
    fn the_digest_is_of_the_content_and_not_of_the_batch() {
        let all = table(vec![Some(1), Some(2), Some(3)]).unwrap();
        let tail = all.filter(&[false, true, true]).unwrap();
        let sliced = all.with_batch(all.batch.slice(1, 2));
        assert_eq!(tail.digest(), sliced.digest());
        assert_eq!(
            tail.digest(),
            table(vec![Some(2), Some(3)]).unwrap().digest()
        );
        assert_ne!(all.digest(), tail.digest());
    }

    #[test]
    fn what_lies_under_a_null_is_no_content() {
        let nulls = || Some(NullBuffer::from(vec![true, false, true]));
        let columns = |under: u8| -> [ArrayRef; 5] {
            let (whole, real) = (i64::from(under), f64::from(under));
            let text = ["a", ["b", "cc"][usize::from(under % 2)], ""];
            let text = StringArray::from(text.to_vec());
            let (offsets, bytes, _) = text.into_parts();
            let sized = vec![1, under, 3];
            [
                Arc::new(Int64Array::new(vec![1, whole, 3].into(), nulls())),
                Arc::new(Float64Array::new(vec![0.5, real, 2.0].into(), nulls())),
                Arc::new(BooleanArray::new(
                    vec![true, under == 1, false].into(),
                    nulls(),
                )),
                Arc::new(StringArray::new(offsets, bytes, nulls())),
                Arc::new(FixedSizeBinaryArray::new(1, sized.into(), nulls())),
            ]
        };
        for (zero, one) in columns(0).into_iter().zip(columns(1)) {
            let schema = || TableSchema::new([Column::value("v", zero.data_type().clone())]);
            let digest = |array: &ArrayRef| {
                let table = Table::new(schema().unwrap(), vec![array.clone()]).unwrap();
                (
                    table.digest(),
                    Table::from_ipc(&table.to_ipc()).unwrap().digest(),
                )
            };
            assert_eq!(digest(&zero), digest(&one), "{}", zero.data_type());
            assert_eq!(digest(&zero).0, digest(&zero).1);
        }
    }

    #[test]
    fn a_table_survives_its_bytes_and_hostile_bytes_are_refused() {
        let all = table(vec![Some(1), Some(2), Some(3)]).unwrap();
        let bytes = all.to_ipc();
        let back = Table::from_ipc(&bytes).unwrap();
        assert_eq!(back.schema(), all.schema());
        assert_eq!(back.to_ipc(), bytes);
        assert!(Table::from_ipc(&bytes[..bytes.len() / 2]).is_err());
        assert!(Table::from_ipc(b"not arrow at all").is_err());
    }

    #[test]
    fn a_table_without_columns_is_empty_and_has_a_digest() {
        let none = Table::new(TableSchema::new([]).unwrap(), vec![]).unwrap();
        let back = Table::from_ipc(&none.to_ipc()).unwrap();
        assert_eq!((back.rows(), back.digest()), (0, none.digest()));
        assert_eq!(none.take(&[]).unwrap().rows(), 0);
    }

    #[test]
    fn concat_undoes_filter() {
        let all = table(vec![Some(1), Some(2), Some(3)]).unwrap();
        let parts = [
            all.filter(&[true, false, false]).unwrap(),
            all.filter(&[false, true, true]).unwrap(),
        ];
        assert_eq!(Table::concat(&parts).unwrap().digest(), all.digest());
        assert!(Table::concat(&[]).is_err());
        assert!(all.take(&[3]).is_err());
        assert_eq!(all.take(&[2, 0]).unwrap().column("id").unwrap().len(), 2);
    }
}
