//! The rows that break a contract, whole and with their reasons, and the Parquet file that holds them.
//!
//! A file appears whole or not at all: it is written beside its place, synced and then renamed.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arrow::{
    array::{ArrayRef, ListBuilder, RecordBatch, StringArray, UInt32Array, UInt32Builder},
    datatypes::{Field, Schema},
};
use mlops_core::Table;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::{metadata::KeyValue, properties::WriterProperties},
};

use crate::{Error, Result, Validation};

/// The position of the row in the table that was validated, counted from 0.
const ROW: &str = "quarantine_row";
/// The expectations that the row breaks, in words, joined by `; `.
const REASONS: &str = "quarantine_reasons";
/// The positions of these expectations in the contract, counted from 0.
const EXPECTATIONS: &str = "quarantine_expectations";

/// Tells writers of this process apart.
static WRITES: AtomicU64 = AtomicU64::new(0);

/// Rows that break a contract: all their columns, and three more that say why.
///
/// ```
/// use mlops_features::{Contract, Csv, Expectation, Parse, SourceSchema};
///
/// let schema = SourceSchema::builder().value("price", "Price", Parse::Float).build()?;
/// let table = Csv::from_bytes("lines", "Price\n2.5\n-1\n".as_bytes()).read(&schema)?.table;
/// let contract = Contract::named("lines").expect(Expectation::within("price", 0.0..));
///
/// let (good, bad) = contract.validate(&table)?.quarantine(&table)?;
/// assert_eq!((good.rows(), bad.rows()), (1, 1));
/// assert_eq!(bad.reasons(0), Some("`price` is at least 0"));
/// // bad.write_parquet("quarantine.parquet")?;
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Quarantine {
    contract: String,
    positions: Vec<u32>,
    reasons: StringArray,
    batch: RecordBatch,
}

impl Quarantine {
    /// `broken` has rows with the rules that they break, in order.
    pub(crate) fn new(
        validation: &Validation,
        table: &Table,
        broken: &[(u32, u32)],
    ) -> Result<Self> {
        let schema = table.schema();
        if let Some(taken) = [ROW, REASONS, EXPECTATIONS]
            .into_iter()
            .find(|name| schema.index_of(name).is_ok())
        {
            return Err(Error::NameCollision {
                name: taken.to_owned(),
                first: "a column of the table".to_owned(),
                second: "a column of its quarantine".to_owned(),
            });
        }
        let mut positions = Vec::new();
        let mut reasons = Vec::new();
        let mut rules = ListBuilder::new(UInt32Builder::new());
        for broken in broken.chunk_by(|a, b| a.0 == b.0) {
            positions.push(broken[0].0);
            reasons.push(validation.reasons(broken));
            rules.append_value(broken.iter().map(|(_, rule)| Some(*rule)));
        }
        let reasons = StringArray::from(reasons);
        let bad = table.take(&positions)?;
        let more: [(&str, ArrayRef); 3] = [
            (ROW, Arc::new(UInt32Array::from(positions.clone()))),
            (REASONS, Arc::new(reasons.clone())),
            (EXPECTATIONS, Arc::new(rules.finish())),
        ];
        let mut fields = bad.batch().schema().fields().to_vec();
        let mut columns = bad.batch().columns().to_vec();
        for (name, array) in more {
            fields.push(Arc::new(Field::new(name, array.data_type().clone(), false)));
            columns.push(array);
        }
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
            .map_err(Error::arrow("put the reasons beside the rows"))?;
        Ok(Self {
            contract: validation.contract.clone(),
            positions,
            reasons,
            batch,
        })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.positions.len()
    }

    /// Whether no row breaks the contract.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// The positions of the rows in the table that was validated, counted from 0, in order.
    pub fn positions(&self) -> &[u32] {
        &self.positions
    }

    /// The expectations that a row of the quarantine breaks, in words.
    pub fn reasons(&self, row: usize) -> Option<&str> {
        (row < self.rows()).then(|| self.reasons.value(row))
    }

    /// The rows as they are written: the columns of the table, then `quarantine_row` (the position in the table),
    /// `quarantine_reasons` (in words) and `quarantine_expectations` (their positions in the contract).
    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// Writes the rows as a Parquet file, with the name of the contract in its metadata. An older file of that name is
    /// replaced; a reader sees the old one or the new one and never a part.
    ///
    /// # Errors
    /// [`Error::Write`] if the file cannot be written; nothing is left of it then.
    pub fn write_parquet(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let place = path.to_string_lossy();
        let failed = Error::write::<io::Error>(&place);
        let partial = partial(path).map_err(&failed)?;
        let written = self
            .write_to(&partial)
            .and_then(|()| fs::rename(&partial, path))
            .and_then(|()| sync_parent(path));
        if written.is_err() {
            // the first error is the one to report
            let _ = fs::remove_file(&partial);
        }
        written.map_err(&failed)
    }

    fn write_to(&self, path: &Path) -> io::Result<()> {
        let mut file = File::create_new(path)?;
        let contract = KeyValue::new("mlops:contract".to_owned(), self.contract.clone());
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_key_value_metadata(Some(vec![contract]))
            .build();
        let mut writer = ArrowWriter::try_new(&mut file, self.batch.schema(), Some(properties))
            .map_err(io::Error::other)?;
        writer.write(&self.batch).map_err(io::Error::other)?;
        writer.close().map_err(io::Error::other)?;
        file.flush()?;
        file.sync_all()
    }
}

/// A name beside the file that no other writer has.
fn partial(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let (process, write) = (std::process::id(), WRITES.fetch_add(1, Ordering::Relaxed));
    let name = name.to_string_lossy();
    Ok(path.with_file_name(format!(".{name}.{process}-{write}.partial")))
}

/// Makes the new name durable; on systems where a directory cannot be opened it is left to them.
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if cfg!(unix) {
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}
