//! The row groups of one file, decoded one after the other.

use std::{
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use ::parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{
            ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
            ParquetRecordBatchReaderBuilder, statistics::StatisticsConverter,
        },
    },
    basic::Type as PhysicalType,
    file::metadata::RowGroupMetaData,
};
use arrow::{
    array::{Array, ArrayRef},
    datatypes::{DataType, Field, Schema},
};
use mlops_core::Value;

use super::{
    super::{
        Chunk, Parse, RowFilter, SourceSchema, UnpackLimit,
        batches::{BatchReader, locate},
        cast::cast,
        schema::{Reading, SourceColumn},
    },
    input::{ParquetBytes, ParquetInput},
};
use crate::{Error, Result};

/// The settings of a file or a directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    pub(super) unpack_limit: UnpackLimit,
    pub(super) rejection_limit: usize,
}

/// A file whose types were checked, and where its reading stands.
pub(super) struct Groups<'a> {
    bytes: ParquetBytes,
    meta: ArrowReaderMetadata,
    /// The columns that are decoded, by their position in the file.
    columns: Vec<usize>,
    /// For each row group, whether it may hold a wanted row.
    may_hold: Vec<bool>,
    next: usize,
    open: Option<ParquetRecordBatchReader>,
    rows: BatchReader<'a>,
    chunk_rows: usize,
}

impl<'a> Groups<'a> {
    /// Reads the footer and checks types and sizes; no page is read yet. `constants` are columns that the file lacks,
    /// each with one text.
    pub(super) fn open(
        input: &ParquetInput,
        schema: &'a SourceSchema,
        filter: &RowFilter,
        options: Options,
        constants: Vec<(String, ArrayRef)>,
        chunk_rows: usize,
    ) -> Result<Self> {
        let bytes = input.open()?;
        let name = bytes.name();
        let load = || ArrowReaderMetadata::load(&bytes, ArrowReaderOptions::new());
        let meta = guard(&bytes, load)?;
        let fields = meta.schema().fields().clone();
        let names: Vec<String> = fields.iter().map(|f| f.name().clone()).collect();
        let mut columns = schema
            .columns()
            .iter()
            .filter(|column| !constants.iter().any(|(name, _)| *name == column.source))
            .map(|column| locate(name, &names, &column.source))
            .collect::<Result<Vec<usize>>>()?;
        columns.sort_unstable();
        columns.dedup();
        // types are checked before anything is decoded, and in a file without rows as well
        let types: Vec<_> = columns.iter().map(|at| Arc::clone(&fields[*at])).collect();
        let mut rows = BatchReader::new(name.to_owned(), schema, options.rejection_limit)
            .with_constants(constants);
        rows.check(Arc::new(Schema::new(types)))?;

        let groups = meta.metadata().row_groups();
        let may_hold: Vec<bool> = if filter.is_empty() {
            vec![true; groups.len()]
        } else {
            guard(&bytes, || Ok::<_, Error>(wanted(&meta, schema, filter)))?
        };
        let read = groups.iter().zip(&may_hold).filter(|(_, may)| **may);
        let total = read.map(|(group, _)| u64::try_from(group.num_rows()).unwrap_or(u64::MAX));
        let unpacked = total
            .fold(0, u64::saturating_add)
            .saturating_mul(8 * schema.columns().len() as u64);
        options.unpack_limit.check(name, bytes.size(), unpacked)?;
        let rows = rows.with_limit(options.unpack_limit, bytes.size(), unpacked);
        let meta = as_views(&bytes, &meta).unwrap_or(meta);
        Ok(Self {
            bytes,
            meta,
            columns,
            may_hold,
            next: 0,
            open: None,
            rows,
            chunk_rows,
        })
    }

    /// The rows of the file, whether they are wanted or not.
    pub(super) fn start_at(&mut self, row: u64) {
        self.rows.start_at(row);
    }

    /// The row after the last that was met.
    pub(super) fn rows(&self) -> u64 {
        self.rows.rows()
    }

    /// The next rows of a group, or `None` after the last.
    pub(super) fn chunk(&mut self) -> Result<Option<Chunk>> {
        loop {
            if let Some(open) = &mut self.open {
                if let Some(batch) = guard(&self.bytes, || open.next().transpose())? {
                    return self.rows.chunk(&batch).map(Some);
                }
                self.open = None;
            }
            let groups = self.meta.metadata().row_groups();
            let Some(group) = groups.get(self.next) else {
                return Ok(None);
            };
            if self.may_hold[self.next] {
                let reader = self.group(self.next, group)?;
                self.open = Some(reader);
            } else {
                let rows = u64::try_from(group.num_rows()).unwrap_or_default();
                self.rows.start_at(self.rows.rows() + rows);
            }
            self.next += 1;
        }
    }

    fn group(&self, at: usize, group: &RowGroupMetaData) -> Result<ParquetRecordBatchReader> {
        let mask = ProjectionMask::roots(self.meta.parquet_schema(), self.columns.iter().copied());
        let ranges = guard(&self.bytes, || {
            let leaves = (0..group.num_columns()).filter(|leaf| mask.leaf_included(*leaf));
            Ok::<_, Error>(leaves.map(|leaf| range(group, leaf)).collect::<Vec<_>>())
        })?;
        let size = self.bytes.size();
        if let Some(range) = ranges.iter().find(|r| r.start > r.end || r.end > size) {
            let reason = format!("{range:?} of a column is not inside of it");
            return Err(self.bytes.broken(reason));
        }
        let bytes = self.bytes.with_ranges(&ranges)?;
        guard(&self.bytes, || {
            ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, self.meta.clone())
                .with_row_groups(vec![at])
                .with_projection(mask)
                .with_batch_size(self.chunk_rows)
                .build()
        })
    }
}

fn range(group: &RowGroupMetaData, leaf: usize) -> Range<u64> {
    let (start, length) = group.column(leaf).byte_range();
    start..start.saturating_add(length)
}

/// Texts as views, which share the bytes of their page: a dictionary of long texts is not written out for each row.
fn as_views(bytes: &ParquetBytes, meta: &ArrowReaderMetadata) -> Option<ArrowReaderMetadata> {
    let is_text = |data_type: &DataType| matches!(data_type, DataType::Utf8 | DataType::LargeUtf8);
    let fields = meta
        .schema()
        .fields()
        .iter()
        .map(|field| match field.data_type() {
            DataType::Dictionary(_, values) if is_text(values) => view(field),
            text if is_text(text) => view(field),
            _ => Arc::clone(field),
        });
    let schema = Schema::new(fields.collect::<Vec<_>>());
    let schema = Arc::new(schema.with_metadata(meta.schema().metadata().clone()));
    let options = ArrowReaderOptions::new().with_schema(schema);
    let parquet = Arc::clone(meta.metadata());
    guard(bytes, || ArrowReaderMetadata::try_new(parquet, options)).ok()
}

fn view(field: &Arc<Field>) -> Arc<Field> {
    Arc::new(Field::clone(field).with_data_type(DataType::Utf8View))
}

/// For each row group, whether its statistics let it hold a wanted row.
fn wanted(meta: &ArrowReaderMetadata, schema: &SourceSchema, filter: &RowFilter) -> Vec<bool> {
    let groups = meta.metadata().row_groups();
    let mut may_hold = vec![true; groups.len()];
    for column in schema.columns() {
        let name = column.column.name();
        if !filter.columns().any(|wanted| wanted == name) {
            continue;
        }
        let Some((least, most)) = bounds(meta, column) else {
            continue;
        };
        for (may, (least, most)) in may_hold.iter_mut().zip(least.iter().zip(&most)) {
            *may &= filter.may_hold(name, least, most);
        }
    }
    may_hold
}

/// The least and the greatest value of a column in each row group, null where it is not known.
fn bounds(meta: &ArrowReaderMetadata, column: &SourceColumn) -> Option<(Vec<Value>, Vec<Value>)> {
    let (_, field) = meta.schema().column_with_name(&column.source)?;
    let is_text = match field.data_type() {
        DataType::Dictionary(_, values) => values.is_string(),
        data_type => data_type.is_string(),
    };
    // what is read out of a text has another order than the text
    if is_text && column.reading != Reading::Plain(Parse::Str) {
        return None;
    }
    let converter =
        StatisticsConverter::try_new(&column.source, meta.schema(), meta.parquet_schema()).ok()?;
    let leaf = converter.parquet_column_index()?;
    let groups = meta.metadata().row_groups();
    let known: Vec<bool> = groups
        .iter()
        .map(|group| {
            let chunk = group.column(leaf);
            let ordered = chunk.column_type() != PhysicalType::INT96;
            let statistics = chunk.statistics();
            ordered && statistics.is_some_and(|statistics| !statistics.is_min_max_deprecated())
        })
        .collect();
    let values = |array: ArrayRef| -> Option<Vec<Value>> {
        let cast = cast("", column, &array).ok()?;
        let mut values = (0..array.len())
            .map(|row| Value::from_array("", &cast.array, row).ok())
            .collect::<Option<Vec<Value>>>()?;
        for (row, value) in values.iter_mut().enumerate() {
            if !known[row] {
                *value = Value::Null;
            }
        }
        Some(values)
    };
    let least = values(converter.row_group_mins(groups).ok()?)?;
    let most = values(converter.row_group_maxes(groups).ok()?)?;
    Some((least, most))
}

/// Calls the decoder, which answers some damaged files with a panic and others with an error.
pub(crate) fn guard<T, E: std::fmt::Display>(
    bytes: &ParquetBytes,
    call: impl FnOnce() -> Result<T, E>,
) -> Result<T> {
    // after a panic the reader is dropped and never asked again
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(bytes.broken(error.to_string())),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(bytes.broken(text.unwrap_or("the decoder gave up").to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use ::parquet::{arrow::ArrowWriter, file::properties::WriterProperties};
    use arrow::array::{Int64Array, RecordBatch, StringArray};
    use mlops_store::Objects;

    use super::*;

    /// Four groups of a thousand rows; almost all of a file is the column `noise`.
    fn file() -> Vec<u8> {
        let noise = |i: i64| format!("{i:08}").repeat(20);
        let columns: [(&str, ArrayRef); 2] = [
            ("id", Arc::new(Int64Array::from_iter_values(0..4_000))),
            (
                "noise",
                Arc::new((0..4_000).map(noise).map(Some).collect::<StringArray>()),
            ),
        ];
        let batch = RecordBatch::try_from_iter(columns).expect("two columns");
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(1_000))
            .set_dictionary_enabled(false)
            .build();
        let mut writer =
            ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).expect("a file");
        writer.write(&batch).expect("a batch");
        writer.into_inner().expect("a file")
    }

    #[test]
    fn of_an_object_only_what_is_wanted_is_fetched() {
        let objects = Objects::new();
        let location = objects.locate("memory://file").expect("a URL");
        let bytes = file();
        let size = bytes.len() as u64;
        location.put(bytes).expect("memory");
        let input = ParquetInput::existing(&location).expect("it is there");
        let schema = SourceSchema::builder()
            .key("id", "id", Parse::Int)
            .build()
            .expect("a column");
        let options = Options {
            unpack_limit: UnpackLimit::columns(),
            rejection_limit: 10,
        };
        let fetched = |filter: &RowFilter| {
            let mut groups =
                Groups::open(&input, &schema, filter, options, Vec::new(), 300).expect("a footer");
            let mut rows = 0;
            while let Some(chunk) = groups.chunk().expect("sound bytes") {
                rows += chunk.rows_read;
            }
            (rows, groups.bytes.bytes_read())
        };
        let (rows, all) = fetched(&RowFilter::new());
        assert_eq!(rows, 4_000);
        // the ids, eight bytes each, and the end of the file
        assert!(
            all < 4_000 * 8 + (64 << 10) + 4_000 && all < size / 4,
            "{all} of {size}"
        );
        let (rows, one) = fetched(&RowFilter::new().below("id", 1_000));
        assert_eq!(rows, 1_000);
        assert!(one < all - 2_000 * 8, "{one} of {all}");
    }
}
