//! Arrow batches to a checked table, by the same schema and with the same account as a file.

use arrow::{
    array::{Array, ArrayRef, BooleanArray, RecordBatch, UInt32Array},
    compute::{filter, take},
    datatypes::SchemaRef,
    util::display::array_value_to_string,
};
use mlops_core::Table;

use super::{
    Chunk, Chunks, Ingest, Rejections, SourceSchema, UnpackLimit,
    cast::{Cast, cast, plain, text_bytes},
    chunk::check_rows,
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
    let name = name.into();
    let mut reader = BatchReader::new(name.clone(), schema, DEFAULT_LIMIT);
    let parts = batches
        .iter()
        .filter(|batch| batch.num_rows() > 0)
        .map(move |batch| reader.chunk(batch));
    Chunks::new(name, schema, DEFAULT_LIMIT, parts).ingest()
}

/// Reads a stream of batches by the schema, in parts of at most that many rows, each when it is asked for.
///
/// The Arrow schema of the stream is looked at first, so that a missing column or a wrong type shows before the first
/// batch is asked for. An error of the stream ends it, as [`Error::Arrow`].
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::arrow::array::{ArrayRef, Int32Array, RecordBatch};
/// use mlops_features::{Parse, SourceSchema, from_stream};
///
/// let ids: ArrayRef = Arc::new(Int32Array::from(vec![Some(7), None, Some(9)]));
/// let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
/// let schema = SourceSchema::builder().key("id", "id", Parse::Int).build()?;
/// let mut rows = 0;
/// for chunk in from_stream("numbers", batch.schema(), [Ok(batch)], &schema, 2)? {
///     rows += chunk?.table.rows();
/// }
/// assert_eq!(rows, 2);
/// # Ok::<(), mlops_features::Error>(())
/// ```
///
/// # Errors
/// Those of [`from_batches`] that the Arrow schema shows, [`Error::InvalidParameter`] if `chunk_rows` is 0.
pub fn from_stream<'a, I>(
    name: impl Into<String>,
    types: SchemaRef,
    batches: I,
    schema: &'a SourceSchema,
    chunk_rows: usize,
) -> Result<Chunks<'a>>
where
    I: IntoIterator<Item = Result<RecordBatch, arrow::error::ArrowError>>,
    I::IntoIter: Send + 'a,
{
    let name = name.into();
    let mut reader = BatchReader::new(name.clone(), schema, DEFAULT_LIMIT);
    reader.check(types)?;
    let batches = batches
        .into_iter()
        .map(|batch| batch.map_err(Error::arrow("give the next batch of a stream")));
    let parts = sliced(batches, chunk_rows)?.map(move |batch| reader.chunk(&batch?));
    Ok(Chunks::new(name, schema, DEFAULT_LIMIT, parts))
}

/// The same batches, none of them empty and none with more rows.
pub(super) fn sliced<I: Iterator<Item = Result<RecordBatch>>>(
    mut batches: I,
    chunk_rows: usize,
) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<I>> {
    check_rows(chunk_rows)?;
    let mut open: Option<(RecordBatch, usize)> = None;
    Ok(std::iter::from_fn(move || {
        loop {
            if let Some((batch, at)) = open.take() {
                let length = (batch.num_rows() - at).min(chunk_rows);
                if length > 0 {
                    let slice = batch.slice(at, length);
                    open = Some((batch, at + length));
                    return Some(Ok(slice));
                }
            }
            match batches.next()? {
                Ok(batch) => open = Some((batch, 0)),
                Err(error) => return Some(Err(error)),
            }
        }
    }))
}

/// Turns batches into parts of a source, one after the other.
pub(super) struct BatchReader<'a> {
    name: String,
    schema: &'a SourceSchema,
    rejection_limit: usize,
    /// Columns that are the same in every row, by their name in the source, each as an array of one text.
    constants: Vec<(String, ArrayRef)>,
    rows: u64,
    meter: Option<Meter>,
}

/// What the batches of a file have become so far.
struct Meter {
    limit: UnpackLimit,
    packed: u64,
    unpacked: u64,
}

impl<'a> BatchReader<'a> {
    pub(super) fn new(name: String, schema: &'a SourceSchema, rejection_limit: usize) -> Self {
        Self {
            name,
            schema,
            rejection_limit,
            constants: Vec::new(),
            rows: 0,
            meter: None,
        }
    }

    /// Holds texts to a limit, for a file of so many bytes whose other values take so many more: a dictionary of a
    /// few long texts must not be written out for every row.
    pub(super) fn with_limit(mut self, limit: UnpackLimit, packed: u64, unpacked: u64) -> Self {
        self.meter = Some(Meter {
            limit,
            packed,
            unpacked,
        });
        self
    }

    /// Adds columns that the batches lack, with one text for all rows; they win over those of the batches.
    pub(super) fn with_constants(mut self, constants: Vec<(String, ArrayRef)>) -> Self {
        self.constants = constants;
        self
    }

    /// Counts on from a row.
    pub(super) fn start_at(&mut self, row: u64) {
        self.rows = row;
    }

    /// The rows that were met, those before it included.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Looks at types before a row is there.
    pub(super) fn check(&mut self, types: SchemaRef) -> Result<()> {
        // a type can be wrong by itself, which Arrow answers with a panic
        let empty = mlops_core::ipc::guard(|| Ok(RecordBatch::new_empty(types)));
        self.chunk(&empty.map_err(Error::arrow("make an empty batch"))?)
            .map(drop)
    }

    pub(super) fn chunk(&mut self, batch: &RecordBatch) -> Result<Chunk> {
        let fields = batch.schema();
        let names: Vec<String> = fields.fields().iter().map(|f| f.name().clone()).collect();
        let columns = self.schema.columns();
        let mut sources = Vec::with_capacity(columns.len());
        let mut arrays = Vec::with_capacity(columns.len());
        let mut rejected = Rejections::with_limit(self.rejection_limit);
        // the first fault of a row counts, in the order of the schema
        let mut faults: Vec<Option<(usize, Fault)>> = vec![None; batch.num_rows()];
        for (i, column) in columns.iter().enumerate() {
            let constant = self
                .constants
                .iter()
                .find(|(name, _)| *name == column.source);
            let (source, cast) = if let Some((_, text)) = constant {
                let one = cast(&self.name, column, text)?;
                (text, repeated(one, batch.num_rows())?)
            } else {
                let source = batch.column(locate(&self.name, &names, &column.source)?);
                let array = plain(source)?;
                if let Some(meter) = &mut self.meter {
                    meter.unpacked = meter.unpacked.saturating_add(text_bytes(&array));
                    meter
                        .limit
                        .check(&self.name, meter.packed, meter.unpacked)?;
                }
                (source, cast(&self.name, column, &array)?)
            };
            for (row, fault) in cast.bad {
                faults[row].get_or_insert((i, fault));
            }
            sources.push((source, constant.is_some()));
            arrays.push(cast.array);
        }
        let keep = BooleanArray::from(faults.iter().map(Option::is_none).collect::<Vec<_>>());
        if keep.false_count() > 0 {
            for array in &mut arrays {
                *array = filter(array, &keep).map_err(Error::arrow("leave out rejected rows"))?;
            }
        }
        for (row, fault) in faults.into_iter().enumerate() {
            let Some((column, fault)) = fault else {
                continue;
            };
            let (source, constant) = sources[column];
            let at = if constant { 0 } else { row };
            let value = if source.is_null(at) {
                String::new()
            } else {
                array_value_to_string(source, at).unwrap_or_default()
            };
            let name = &columns[column].source;
            rejected.push(self.rows + row as u64 + 1, Some(name), &value, fault);
        }
        self.rows += batch.num_rows() as u64;
        Ok(Chunk {
            table: Table::new(self.schema.table_schema().clone(), arrays)?,
            rejected,
            rows_read: batch.num_rows() as u64,
        })
    }
}

/// One value as a column of so many rows.
fn repeated(one: Cast, rows: usize) -> Result<Cast> {
    let at = UInt32Array::from(vec![0; rows]);
    let array = take(&one.array, &at, None).map_err(Error::arrow("repeat a value"))?;
    let fault = one.bad.into_iter().next();
    let bad = fault.map(|(_, fault)| (0..rows).map(|row| (row, fault.clone())).collect());
    Ok(Cast {
        array,
        bad: bad.unwrap_or_default(),
    })
}

/// The position of the one column with that name.
pub(crate) fn locate(source: &str, names: &[String], wanted: &str) -> Result<usize> {
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
