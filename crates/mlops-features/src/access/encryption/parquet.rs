//! Tables as encrypted Parquet files.
//!
//! Parquet modular encryption with an encrypted footer: without the main key not even the names of the columns can be
//! read, and statistics and dictionaries are encrypted with their column. Every column has its key stated; Parquet would
//! leave those without one in plain text.

use std::{
    fs::File,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, OnceLock},
};

use arrow::{array::RecordBatch, compute::concat_batches};
use bytes::Bytes;
use mlops_core::{Digest, Table, TableSchema};
use parquet::{
    arrow::{
        ArrowWriter, ProjectionMask,
        arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
    },
    basic::Compression,
    encryption::{
        decrypt::{FileDecryptionProperties, KeyRetriever},
        encrypt::FileEncryptionProperties,
    },
    errors::ParquetError,
    file::{
        column_crypto_metadata::ColumnCryptoMetaData,
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties},
    },
};

use super::{KeyPlan, KeyRing, frame};
use crate::{Error, Result};

/// The name under which the footer has the digest of all that stands before it.
///
/// Parquet authenticates pages and not the lengths between them.
const BODY: &str = "mlops:body";
/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 64 << 30;
/// What stands in errors for the footer.
const FOOTER: &str = "the footer";

/// Writes and reads tables as encrypted Parquet files of one identity.
///
/// The identity (a view and a partition, say) is authenticated with every page and not stored: a file that was written as
/// something else does not open.
///
/// ```
/// use std::sync::Arc;
/// use mlops_core::{Column, Table, TableSchema, arrow::array::{ArrayRef, StringArray}};
/// use mlops_features::{DataType, EncryptedParquet, KeyPlan, KeyRing, SecretKey};
///
/// let schema = TableSchema::new([Column::value("phone", DataType::Utf8)])?;
/// let phones: ArrayRef = Arc::new(StringArray::from(vec!["+44 20 7946 0991"]));
/// let table = Table::new(schema, vec![phones])?;
///
/// let ring = KeyRing::new().with("main", SecretKey::new([1; 32]))?;
/// let files = EncryptedParquet::new("purchase/2026", ring);
/// let bytes = files.to_bytes(&table, &KeyPlan::new("main"))?;
/// assert!(!bytes.windows(4).any(|bytes| bytes == b"7946"));
/// assert_eq!(files.from_bytes("p.parquet", bytes.clone(), None)?.digest(), table.digest());
///
/// let no_keys = EncryptedParquet::new("purchase/2026", KeyRing::new());
/// let error = no_keys.from_bytes("p.parquet", bytes, None).unwrap_err();
/// assert_eq!(error.to_string(), "the footer of `p.parquet` is encrypted under key `main`, which was not given");
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct EncryptedParquet {
    identity: String,
    ring: KeyRing,
}

impl EncryptedParquet {
    /// Files of one identity, with the keys at hand.
    pub fn new(identity: impl Into<String>, ring: KeyRing) -> Self {
        Self {
            identity: identity.into(),
            ring,
        }
    }

    /// The table as an encrypted file; roles and units are in it.
    ///
    /// # Errors
    /// [`Error::MissingKey`] if a key of the plan is not on the ring, [`Error::InvalidParameter`] if the plan names a
    /// column that is not there, [`Error::Write`] if Parquet cannot hold the table.
    pub fn to_bytes(&self, table: &Table, plan: &KeyPlan) -> Result<Vec<u8>> {
        let failed = Error::encode(&self.identity);
        let columns = table.schema().columns();
        let named = |name: &str| columns.iter().any(|column| column.name() == name);
        if let Some(column) = plan.columns().find(|column| !named(column)) {
            return Err(Error::InvalidParameter {
                parameter: "key plan",
                value: column.to_owned(),
                rule: "it names columns of the table",
            });
        }
        let key = |name: &str, what: &str| -> Result<(Vec<u8>, Vec<u8>)> {
            let key = self.ring.need(name, &self.identity, what)?;
            Ok((key.bytes().to_vec(), name.as_bytes().to_vec()))
        };
        let (main, id) = key(plan.main(), FOOTER)?;
        let mut encryption = FileEncryptionProperties::builder(main)
            .with_footer_key_metadata(id)
            .with_aad_prefix(self.identity.clone().into_bytes())
            .with_aad_prefix_storage(false);
        for column in columns {
            let name = column.name();
            let (key, id) = key(plan.key_of(name), &quote(name))?;
            encryption = encryption.with_column_key_and_metadata(name, key, id);
        }
        let properties = WriterProperties::builder()
            .with_file_encryption_properties(encryption.build().map_err(&failed)?)
            .set_compression(Compression::SNAPPY)
            // an index would be one more place to check, and its readers have no key
            .set_statistics_enabled(EnabledStatistics::None)
            .set_offset_index_disabled(true)
            .build();
        let schema = Arc::clone(table.schema().arrow());
        let mut writer =
            ArrowWriter::try_new(Vec::new(), schema, Some(properties)).map_err(&failed)?;
        writer.write(table.batch()).map_err(&failed)?;
        writer.flush().map_err(&failed)?;
        writer.sync().map_err(|error| failed(error.into()))?;
        // all but the footer is written, and the footer is authenticated
        let body = Digest::of(writer.inner()).to_string();
        writer.append_key_value_metadata(KeyValue::new(BODY.to_owned(), body));
        writer.into_inner().map_err(&failed)
    }

    /// Reads a file that [`to_bytes`](Self::to_bytes) wrote; `columns` are those that are wanted, all if none are named.
    ///
    /// # Errors
    /// [`Error::MissingKey`] with file and column, of the first wanted column whose key is not on the ring;
    /// [`Error::Undecryptable`] if a key is another one, if the file was written as something else, or if it was
    /// altered anywhere in what is read; [`mlops_core::Error::UnknownColumn`].
    pub fn from_bytes(
        &self,
        name: &str,
        bytes: impl Into<Bytes>,
        columns: Option<&[&str]>,
    ) -> Result<Table> {
        let bytes: Bytes = bytes.into();
        let body = frame::body(&bytes).ok_or_else(|| undecryptable(name, "the frame"))?;
        let body = Digest::of(body).to_string();
        let asked = Arc::new(Asked::new(self.ring.clone()));
        let retriever: Arc<dyn KeyRetriever> = asked.clone();
        let keys = FileDecryptionProperties::with_key_retriever(retriever)
            .with_aad_prefix(self.identity.clone().into_bytes())
            .build();
        let keys = keys.map_err(|_| undecryptable(name, FOOTER))?;
        let options = ArrowReaderOptions::new().with_file_decryption_properties(keys);
        let load = || ArrowReaderMetadata::load(&bytes, options).map_err(|e| column_at_fault(&e));
        let metadata = guarded(load).map_err(|column| match (asked.missing(), column) {
            (Some(key), _) => Error::MissingKey {
                place: name.to_owned(),
                what: FOOTER.to_owned(),
                key,
            },
            (None, Some(column)) => undecryptable(name, &quote(&column)),
            (None, None) => undecryptable(name, FOOTER),
        })?;
        let notes = metadata.metadata().file_metadata().key_value_metadata();
        let said = notes.into_iter().flatten().find(|note| note.key == BODY);
        if said.and_then(|note| note.value.as_ref()) != Some(&body) {
            return Err(undecryptable(name, "the body"));
        }
        let schema = TableSchema::from_arrow(metadata.schema())?;
        let wanted: Vec<usize> = match columns {
            None => (0..schema.columns().len()).collect(),
            Some(names) => {
                let at = names.iter().map(|name| schema.index_of(name));
                at.collect::<mlops_core::Result<_>>()?
            }
        };
        let picked = wanted.iter().map(|at| schema.columns()[*at].clone());
        let picked = TableSchema::new(picked)?;
        for at in &wanted {
            self.check_key(name, schema.columns()[*at].name(), *at, &metadata)?;
        }
        let mut batches = Vec::new();
        let mask = ProjectionMask::roots(metadata.parquet_schema(), wanted.iter().copied());
        let altered = |()| undecryptable(name, "a column");
        let silent = |_: ParquetError| ();
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, metadata);
        let builder = builder.with_projection(mask);
        let mut reader = guarded(|| builder.build().map_err(silent)).map_err(altered)?;
        loop {
            let next = guarded(|| reader.next().transpose().map_err(|_| ()));
            let next = next.map_err(altered)?;
            let Some(batch) = next else { break };
            batches.push(batch);
        }
        let whole = match batches.first() {
            Some(first) => concat_batches(&first.schema(), &batches),
            None => Ok(RecordBatch::new_empty(Arc::clone(picked.arrow()))),
        };
        let whole = whole.map_err(Error::arrow("join the parts of a file"))?;
        Ok(Table::from_batch(picked, &whole)?)
    }

    /// Writes the table to a file, whole or not at all.
    ///
    /// # Errors
    /// Those of [`to_bytes`](Self::to_bytes), and [`Error::Write`].
    pub fn write(&self, path: impl AsRef<Path>, table: &Table, plan: &KeyPlan) -> Result<()> {
        let path = path.as_ref();
        let bytes = self.to_bytes(table, plan)?;
        let mut next = path.as_os_str().to_owned();
        next.push(".next");
        let replace = || {
            let mut file = File::create(&next)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            std::fs::rename(&next, path)
        };
        let replaced: std::io::Result<()> = replace();
        replaced.map_err(Error::write(&path.to_string_lossy()))
    }

    /// Reads a file that [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// Those of [`from_bytes`](Self::from_bytes), [`Error::MissingFile`] and [`Error::Read`].
    pub fn read(&self, path: impl AsRef<Path>, columns: Option<&[&str]>) -> Result<Table> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let unreadable = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::NotFound => Error::MissingFile { path: name.clone() },
            _ => Error::Read {
                source_name: name.clone(),
                source,
            },
        };
        let length = std::fs::metadata(path).map_err(unreadable)?.len();
        if length > MAX_BYTES {
            return Err(Error::InvalidParameter {
                parameter: "file",
                value: format!("{length} bytes long"),
                rule: "an encrypted file is read whole and has at most 64 GiB",
            });
        }
        let bytes = std::fs::read(path).map_err(unreadable)?;
        self.from_bytes(&name, bytes, columns)
    }

    /// Whether the key of a column is at hand, by the name that the footer gives it.
    fn check_key(
        &self,
        file: &str,
        column: &str,
        at: usize,
        metadata: &ArrowReaderMetadata,
    ) -> Result<()> {
        for group in metadata.metadata().row_groups() {
            let chunk = group.columns().get(at);
            let chunk = chunk.ok_or_else(|| undecryptable(file, &quote(column)))?;
            let Some(ColumnCryptoMetaData::ENCRYPTION_WITH_COLUMN_KEY(crypto)) =
                chunk.crypto_metadata()
            else {
                // what was not written by this type may have columns in plain text; they are not for it to read
                return Err(undecryptable(file, &quote(column)));
            };
            let key = crypto.key_metadata.as_deref().unwrap_or_default();
            let key = String::from_utf8_lossy(key);
            self.ring.need(&key, file, &quote(column))?;
        }
        Ok(())
    }
}

/// Hands keys out by name, and remembers whether the first one, the footer's, was there.
#[derive(Debug)]
struct Asked {
    ring: KeyRing,
    footer: OnceLock<Option<String>>,
}

impl Asked {
    fn new(ring: KeyRing) -> Self {
        Self {
            ring,
            footer: OnceLock::new(),
        }
    }

    /// The name of the footer's key, if it was not there.
    fn missing(&self) -> Option<String> {
        self.footer.get().cloned().flatten()
    }
}

impl KeyRetriever for Asked {
    fn retrieve_key(&self, name: &[u8]) -> parquet::errors::Result<Vec<u8>> {
        let name = String::from_utf8_lossy(name);
        let key = self.ring.get(&name);
        let missing = || key.is_none().then(|| name.chars().take(64).collect());
        self.footer.get_or_init(missing);
        key.map(|key| key.bytes().to_vec())
            .ok_or_else(|| ParquetError::General("the key was not given".to_owned()))
    }
}

fn quote(column: &str) -> String {
    format!("column `{column}`")
}

fn undecryptable(file: &str, what: &str) -> Error {
    Error::Undecryptable {
        place: file.to_owned(),
        what: what.to_owned(),
    }
}

/// The column that Parquet's error is about, where its text names one.
fn column_at_fault(error: &ParquetError) -> Option<String> {
    let text = error.to_string();
    let (_, rest) = text.split_once("Unable to decrypt column '")?;
    Some(rest.rsplit_once("', perhaps")?.0.to_owned())
}

/// Calls the decoder, which answers some altered files with a panic; what it says may hold a part of the
/// content and goes nowhere.
fn guarded<T, E: Default>(call: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    // after a panic the reader is dropped and never asked again
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err(E::default()))
}
