//! One Parquet file of an input, and what it may become in memory.

use std::{ops::Range, sync::Arc};

use arrow::{
    array::ArrayRef,
    compute::cast,
    datatypes::{DataType, Field, Schema},
};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use crate::{
    Error, Result, UnpackLimit,
    source::{ParquetBytes, ParquetInput as Source, guard, text_bytes},
};

/// A file whose footer was read.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) source: Source,
    /// The first row, counted through all files, and how many there are.
    pub(super) first: u64,
    pub(super) rows: u64,
    /// What the decoder goes by.
    pub(super) metadata: ArrowReaderMetadata,
    /// The columns as the file declares them.
    schema: Arc<Schema>,
    /// What the values of each take, texts apart.
    unpacked: Vec<u64>,
    size: u64,
    limit: UnpackLimit,
}

impl Part {
    /// Reads the footer.
    pub(super) fn open(source: Source, first: u64, limit: UnpackLimit) -> Result<Self> {
        let bytes = source.open()?;
        let options = ArrowReaderOptions::new();
        let metadata = guard(&bytes, || ArrowReaderMetadata::load(&bytes, options))?;
        let rows = metadata.metadata().file_metadata().num_rows();
        let rows =
            u64::try_from(rows).map_err(|_| bytes.broken(format!("it claims {rows} rows")))?;
        Ok(Self {
            first,
            rows,
            schema: Arc::clone(metadata.schema()),
            unpacked: unpacked(&metadata),
            metadata: with_views(&bytes, &metadata)?,
            size: bytes.size(),
            source,
            limit,
        })
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// That columns, by their positions, may be decoded.
    pub(super) fn check(&self, columns: &[usize]) -> Result<()> {
        let bytes = columns.iter().map(|column| self.unpacked[*column]);
        let unpacked = bytes.fold(0, u64::saturating_add);
        self.limit.check(self.source.name(), self.size, unpacked)
    }

    /// Where the bytes of some columns of a row group lie.
    pub(super) fn ranges(&self, group: usize, columns: &[usize]) -> Vec<Range<u64>> {
        let schema = self.metadata.parquet_schema();
        let chunks = self.metadata.metadata().row_group(group).columns();
        let chunks = chunks.iter().enumerate().filter(|(leaf, _)| {
            columns
                .binary_search(&schema.get_column_root_idx(*leaf))
                .is_ok()
        });
        let ranges = chunks.map(|(_, chunk)| {
            let (start, length) = chunk.byte_range();
            start..start.saturating_add(length)
        });
        ranges.collect()
    }

    /// A decoded column in its declared type: texts that were shared with their page become as long as they are.
    pub(super) fn written_out(&self, array: &ArrayRef, declared: &DataType) -> Result<ArrayRef> {
        if array.data_type() == declared {
            return Ok(Arc::clone(array));
        }
        let name = self.source.name();
        self.limit.check(name, self.size, text_bytes(array))?;
        cast(array, declared).map_err(Error::arrow("write out texts"))
    }
}

/// What the values of each column of a file take in memory by their types; of texts, their places alone.
fn unpacked(metadata: &ArrowReaderMetadata) -> Vec<u64> {
    let schema = metadata.parquet_schema();
    let mut bytes = vec![0_u64; metadata.schema().fields().len()];
    let groups = metadata.metadata().row_groups().iter();
    for (leaf, chunk) in groups.flat_map(|group| group.columns().iter().enumerate()) {
        // what has no fixed length has one of 0 or less here
        let width = u64::try_from(chunk.column_descr().type_length()).unwrap_or(0);
        let values = u64::try_from(chunk.num_values()).unwrap_or(u64::MAX);
        let root = &mut bytes[schema.get_column_root_idx(leaf)];
        *root = root.saturating_add(values.saturating_mul(width.max(8)));
    }
    bytes
}

/// Large texts as views, which share the bytes of their page, so that they are measured before each is written out;
/// other texts end at 2 GiB a batch.
fn with_views(bytes: &ParquetBytes, metadata: &ArrowReaderMetadata) -> Result<ArrowReaderMetadata> {
    let view = |data_type: &DataType| match data_type {
        DataType::LargeUtf8 => Some(DataType::Utf8View),
        DataType::LargeBinary => Some(DataType::BinaryView),
        _ => None,
    };
    let schema = metadata.schema();
    let fields = schema.fields().iter();
    if fields
        .clone()
        .all(|field| view(field.data_type()).is_none())
    {
        return Ok(metadata.clone());
    }
    let fields = fields.map(|field| match view(field.data_type()) {
        Some(view) => Arc::new(Field::clone(field).with_data_type(view)),
        None => Arc::clone(field),
    });
    let fields = Schema::new(fields.collect::<Vec<_>>());
    let schema = Arc::new(fields.with_metadata(schema.metadata().clone()));
    let options = ArrowReaderOptions::new().with_schema(schema);
    let parquet = Arc::clone(metadata.metadata());
    guard(bytes, || ArrowReaderMetadata::try_new(parquet, options))
}
