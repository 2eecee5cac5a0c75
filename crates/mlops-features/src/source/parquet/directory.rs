//! Directories of Parquet files as one source.

use std::{path::Path, sync::Arc};

use arrow::array::{ArrayRef, StringArray};
use mlops_core::Value;
use mlops_store::{ListLimits, Location};

use super::{
    super::{
        Chunk, Chunks, Ingest, RowFilter, Source, SourceSchema, UnpackLimit, cast::cast,
        chunk::check_rows, rejection::DEFAULT_LIMIT,
    },
    file::{BATCH_ROWS, wanted},
    groups::{Groups, Options},
    partition::Partition,
};
use crate::{Error, Result};

/// All Parquet files below a directory, in the order of their paths, as one source.
///
/// Every file is read by the same [`SourceSchema`], so that types may drift from one to the next. A directory named
/// `country=UK` gives its files a column `country`, read as a text of a CSV file is; it wins over a column of that name
/// in the file. `__HIVE_DEFAULT_PARTITION__` is no value. Names that begin with a dot or an underscore are passed over;
/// every other file must be Parquet.
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// # let lake = dir.path();
/// # use std::sync::Arc;
/// # use mlops_core::arrow::array::{ArrayRef, Int64Array, RecordBatch};
/// # for (country, id) in [("UK", 7), ("France", 8)] {
/// #     let ids: ArrayRef = Arc::new(Int64Array::from(vec![id]));
/// #     let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
/// #     let path = lake.join(format!("country={country}"));
/// #     std::fs::create_dir_all(&path).unwrap();
/// #     let file = std::fs::File::create(path.join("part-0.parquet")).unwrap();
/// #     let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
/// #     writer.write(&batch).unwrap();
/// #     writer.close().unwrap();
/// # }
/// use mlops_features::{ParquetDirectory, Parse, RowFilter, SourceSchema};
///
/// // lake/country=France/part-0.parquet, lake/country=UK/part-0.parquet
/// let schema = SourceSchema::builder()
///     .key("id", "id", Parse::Int)
///     .value("country", "country", Parse::Str)
///     .build()?;
/// let directory = ParquetDirectory::open(lake)?;
/// assert_eq!(directory.read(&schema)?.table.rows(), 2);
/// let uk = RowFilter::new().one_of("country", ["UK"]); // the other file is not opened
/// assert_eq!(directory.filter(uk).read(&schema)?.table.rows(), 1);
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ParquetDirectory {
    name: String,
    files: Arc<[Partition]>,
    options: Options,
    filter: RowFilter,
}

impl ParquetDirectory {
    /// A directory that is there, with at least one file in it.
    ///
    /// # Errors
    /// [`Error::MissingFile`] if there is no such directory, [`Error::EmptyDirectory`] if there is no file below it,
    /// [`Error::AmbiguousColumn`] if a path states a column twice, [`Error::Object`] if there are more files or
    /// deeper directories than [`ListLimits::default`] allows, [`Error::Read`] if it cannot be listed.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_at(&Location::file(path.as_ref()), ListLimits::default())
    }

    /// The same at a [`Location`], which may be the prefix of objects in a store, with limits of one's own.
    ///
    /// # Errors
    /// Those of [`ParquetDirectory::open`].
    pub fn open_at(location: &Location, limits: ListLimits) -> Result<Self> {
        let name = location.url().to_owned();
        let listed = location.list(limits).map_err(Error::object(&name))?;
        let files = listed
            .into_iter()
            .filter_map(|file| Partition::new(file).transpose());
        let files = files.collect::<Result<Vec<_>>>()?;
        if files.is_empty() {
            return Err(Error::EmptyDirectory { path: name });
        }
        Ok(Self {
            name,
            files: files.into(),
            options: Options {
                unpack_limit: UnpackLimit::columns(),
                rejection_limit: DEFAULT_LIMIT,
            },
            filter: RowFilter::new(),
        })
    }

    /// The files in the order in which they are read.
    pub fn files(&self) -> &[Partition] {
        &self.files
    }

    /// How many rejected rows are listed one by one, 10,000 unless said otherwise.
    #[must_use]
    pub fn rejection_limit(mut self, rows: usize) -> Self {
        self.options.rejection_limit = rows;
        self
    }

    /// What each file may become in memory, [`UnpackLimit::columns`] unless said otherwise.
    #[must_use]
    pub fn unpack_limit(mut self, limit: UnpackLimit) -> Self {
        self.options.unpack_limit = limit;
        self
    }

    /// Only the rows that are wanted: files that cannot hold one, by their path, are not opened, and row groups that
    /// cannot, by their statistics, are not read.
    #[must_use]
    pub fn filter(mut self, filter: RowFilter) -> Self {
        self.filter = filter;
        self
    }

    /// Reads all files by the schema.
    ///
    /// # Errors
    /// Those of [`ParquetFile::read`](crate::ParquetFile::read), each with the path of the file.
    pub fn read(&self, schema: &SourceSchema) -> Result<Ingest> {
        self.stream(schema, BATCH_ROWS)?.ingest()
    }

    /// Reads the files in parts of at most that many rows, each when it is asked for. A part ends where a row group
    /// ends. Row numbers count through all files that are opened.
    ///
    /// # Errors
    /// What the metadata of the first file shows, [`Error::InvalidParameter`] if `chunk_rows` is 0. All others come with
    /// their part.
    pub fn stream<'a>(&'a self, schema: &'a SourceSchema, chunk_rows: usize) -> Result<Chunks<'a>> {
        self.near(schema, chunk_rows, &RowFilter::new())
    }

    /// The same without files and row groups that hold no row that another filter takes.
    fn near<'a>(
        &'a self,
        schema: &'a SourceSchema,
        chunk_rows: usize,
        near: &RowFilter,
    ) -> Result<Chunks<'a>> {
        check_rows(chunk_rows)?;
        let read = self.filter.and(near);
        read.check(schema.table_schema())?;
        let mut scan = Scan {
            directory: self,
            read,
            schema,
            chunk_rows,
            next: 0,
            open: None,
            rows: 0,
        };
        scan.advance()?;
        let parts = std::iter::from_fn(move || scan.chunk().transpose());
        let limit = self.options.rejection_limit;
        Ok(Chunks::new(&self.name, schema, limit, parts))
    }
}

impl Source for ParquetDirectory {
    fn name(&self) -> &str {
        &self.name
    }

    fn stream<'a>(&'a self, schema: &'a SourceSchema, chunk_rows: usize) -> Result<Chunks<'a>> {
        self.stream(schema, chunk_rows)
    }

    fn filter_columns(&self) -> Vec<&str> {
        self.filter.columns().collect()
    }

    fn stream_near<'a>(
        &'a self,
        schema: &'a SourceSchema,
        chunk_rows: usize,
        wanted: &RowFilter,
    ) -> Result<Chunks<'a>> {
        self.near(schema, chunk_rows, wanted)
    }

    fn read(&self, schema: &SourceSchema) -> Result<Ingest> {
        self.read(schema)
    }
}

/// One pass over the files.
struct Scan<'a> {
    directory: &'a ParquetDirectory,
    /// Which rows may be read for, its filter included.
    read: RowFilter,
    schema: &'a SourceSchema,
    chunk_rows: usize,
    next: usize,
    open: Option<Groups<'a>>,
    rows: u64,
}

impl Scan<'_> {
    fn chunk(&mut self) -> Result<Option<Chunk>> {
        while let Some(open) = &mut self.open {
            if let Some(chunk) = wanted(open, &self.directory.filter)? {
                return Ok(Some(chunk));
            }
            self.rows = open.rows();
            self.open = None;
            self.advance()?;
        }
        Ok(None)
    }

    /// Opens the next file that may hold a wanted row.
    fn advance(&mut self) -> Result<()> {
        let directory = self.directory;
        while let Some(file) = directory.files.get(self.next) {
            self.next += 1;
            let constants = constants(file);
            if !self.may_hold(file, &constants)? {
                continue;
            }
            let mut groups = Groups::open(
                &file.input,
                self.schema,
                &self.read,
                directory.options,
                constants,
                self.chunk_rows,
            )?;
            groups.start_at(self.rows);
            self.open = Some(groups);
            break;
        }
        Ok(())
    }

    /// Whether the path of a file lets it hold a wanted row. What cannot be read out of it is rejected later.
    fn may_hold(&self, file: &Partition, constants: &[(String, ArrayRef)]) -> Result<bool> {
        for (name, text) in constants {
            for column in self.schema.columns().iter().filter(|c| c.source == *name) {
                let value = cast(file.input.name(), column, text)?;
                let name = column.column.name();
                if value.bad.is_empty()
                    && !self
                        .read
                        .holds(name, &Value::from_array(name, &value.array, 0)?)
                {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

fn constants(file: &Partition) -> Vec<(String, ArrayRef)> {
    let values = file.values().iter();
    values
        .map(|(name, value)| {
            let array: ArrayRef = Arc::new(StringArray::from(vec![value.as_deref()]));
            (name.clone(), array)
        })
        .collect()
}
