//! Files and streams of Arrow IPC to a checked table.

use std::{path::Path, sync::Arc};

use arrow::{
    array::RecordBatch,
    datatypes::{Schema, SchemaRef},
};
use mlops_store::Location;

use super::{
    super::{
        Chunks, Ingest, Source, SourceSchema, UnpackLimit,
        batches::{BatchReader, locate, sliced},
        file::{self, Origin},
        rejection::DEFAULT_LIMIT,
    },
    bytes::IpcBytes,
    file::FileBatches,
    stream::StreamBatches,
};
use crate::Result;

const MAGIC: &[u8] = b"ARROW1";
const CHUNK_ROWS: usize = 1 << 16;

/// A file (also called Feather, version 2) or a stream of Arrow IPC; which of them is told by its first bytes.
///
/// Types are widened and values rejected as in a [`ParquetFile`](crate::ParquetFile). Batches are decoded one by one; one
/// of more than 2 GiB is refused, and so are compressed ones.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::arrow::{array::{ArrayRef, Int32Array, RecordBatch}, ipc::writer::StreamWriter};
/// use mlops_features::{ArrowIpc, Parse, SourceSchema};
///
/// let ids: ArrayRef = Arc::new(Int32Array::from(vec![Some(7), None, Some(9)]));
/// let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
/// let mut writer = StreamWriter::try_new(Vec::new(), batch.schema_ref()).unwrap();
/// writer.write(&batch).unwrap();
///
/// let schema = SourceSchema::builder().key("id", "id", Parse::Int).build()?;
/// let ingest = ArrowIpc::from_bytes("numbers", writer.into_inner().unwrap()).read(&schema)?;
/// assert_eq!((ingest.rows_read, ingest.table.rows()), (3, 2));
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ArrowIpc {
    name: String,
    origin: Origin,
    unpack_limit: UnpackLimit,
    rejection_limit: usize,
}

impl ArrowIpc {
    /// A file that is there; it is read by [`ArrowIpc::read`].
    ///
    /// # Errors
    /// [`Error::MissingFile`](crate::Error::MissingFile) if there is none, [`Error::Read`](crate::Error::Read) if it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let (name, origin) = file::existing(path.as_ref())?;
        Ok(Self::new(name, origin))
    }

    /// The same at a [`Location`], which may be an object of a store; of a file, batches are fetched as they are read.
    ///
    /// # Errors
    /// Those of [`ArrowIpc::open`], [`Error::Object`](crate::Error::Object) if the store does not give it.
    pub fn open_at(location: &Location) -> Result<Self> {
        let (name, origin) = file::located(location)?;
        Ok(Self::new(name, origin))
    }

    /// The same from memory; the name stands in errors.
    pub fn from_bytes(name: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self::new(name.into(), Origin::Bytes(bytes.into()))
    }

    fn new(name: String, origin: Origin) -> Self {
        Self {
            name,
            origin,
            unpack_limit: UnpackLimit::columns(),
            rejection_limit: DEFAULT_LIMIT,
        }
    }

    /// How many rejected rows are listed one by one, 10,000 unless said otherwise.
    #[must_use]
    pub fn rejection_limit(mut self, rows: usize) -> Self {
        self.rejection_limit = rows;
        self
    }

    /// What the texts of dictionaries may become when they are written out, [`UnpackLimit::columns`] unless said
    /// otherwise.
    #[must_use]
    pub fn unpack_limit(mut self, limit: UnpackLimit) -> Self {
        self.unpack_limit = limit;
        self
    }

    /// Reads all batches by the schema.
    ///
    /// # Errors
    /// [`Error::BrokenIpc`](crate::Error::BrokenIpc) if it is damaged, compressed or no Arrow IPC, [`Error::MissingColumn`](crate::Error::MissingColumn) or
    /// [`Error::AmbiguousColumn`](crate::Error::AmbiguousColumn) if it does not settle a column, [`Error::ColumnType`](crate::Error::ColumnType) if a type cannot become what
    /// the schema asks for, [`Error::UnstatedZone`](crate::Error::UnstatedZone) if times have no zone and none is stated,
    /// [`Error::Unpacked`](crate::Error::Unpacked) if it becomes too much, [`Error::Object`](crate::Error::Object), [`Error::Read`](crate::Error::Read).
    pub fn read(&self, schema: &SourceSchema) -> Result<Ingest> {
        self.stream(schema, CHUNK_ROWS)?.ingest()
    }

    /// Reads it in parts of at most that many rows, each when it is asked for. A part ends where a batch ends.
    ///
    /// # Errors
    /// Those of [`ArrowIpc::read`] that the schema of the file shows, [`Error::InvalidParameter`](crate::Error::InvalidParameter) if `chunk_rows` is
    /// 0. All others come with their part.
    pub fn stream<'a>(&'a self, schema: &'a SourceSchema, chunk_rows: usize) -> Result<Chunks<'a>> {
        let bytes = IpcBytes::open(&self.name, &self.origin)?;
        let size = bytes.size();
        let mut batches = Batches::open(bytes)?;
        let mut reader = BatchReader::new(self.name.clone(), schema, self.rejection_limit)
            .with_limit(self.unpack_limit, size, 0);
        let fields = batches.schema().fields().clone();
        let names: Vec<String> = fields.iter().map(|f| f.name().clone()).collect();
        let columns = schema.columns().iter();
        let columns = columns.map(|column| locate(&self.name, &names, &column.source));
        let mut columns = columns.collect::<Result<Vec<usize>>>()?;
        columns.sort_unstable();
        columns.dedup();
        let types: Vec<_> = columns.iter().map(|at| Arc::clone(&fields[*at])).collect();
        reader.check(Arc::new(Schema::new(types)))?;
        if let Batches::File(file) = batches {
            batches = Batches::File(file.project(columns));
        }
        let batches = std::iter::from_fn(move || batches.next().transpose());
        let parts = sliced(batches, chunk_rows)?.map(move |batch| reader.chunk(&batch?));
        Ok(Chunks::new(&self.name, schema, self.rejection_limit, parts))
    }
}

enum Batches {
    File(FileBatches),
    Stream(StreamBatches),
}

impl Batches {
    fn open(bytes: IpcBytes) -> Result<Self> {
        let head = bytes.range(0, bytes.size().min(MAGIC.len() as u64))?;
        Ok(if head.as_slice() == MAGIC {
            Self::File(FileBatches::open(bytes)?)
        } else {
            Self::Stream(StreamBatches::open(bytes)?)
        })
    }

    fn schema(&self) -> &SchemaRef {
        match self {
            Self::File(file) => file.schema(),
            Self::Stream(stream) => stream.schema(),
        }
    }

    fn next(&mut self) -> Result<Option<RecordBatch>> {
        match self {
            Self::File(file) => file.next(),
            Self::Stream(stream) => stream.next(),
        }
    }
}

impl Source for ArrowIpc {
    fn name(&self) -> &str {
        &self.name
    }

    fn stream<'a>(&'a self, schema: &'a SourceSchema, chunk_rows: usize) -> Result<Chunks<'a>> {
        self.stream(schema, chunk_rows)
    }

    fn read(&self, schema: &SourceSchema) -> Result<Ingest> {
        self.read(schema)
    }
}
