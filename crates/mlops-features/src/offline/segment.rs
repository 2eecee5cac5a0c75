//! A segment: rows of one view in a Parquet file that is written once.

use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    basic::Compression,
    file::properties::WriterProperties,
};

use super::{StoredRows, log::file_error};
use crate::{Error, FeatureView, Result};

const BATCH_ROWS: usize = 1 << 16;

/// Writes rows to a new file, on the disk when it returns.
pub(crate) fn write(path: &Path, rows: &StoredRows) -> Result<()> {
    let table = rows.to_table()?;
    let file = File::create(path).map_err(file_error("written", path))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .build();
    let failed = |error: parquet::errors::ParquetError| Error::File {
        action: "written",
        path: path.display().to_string(),
        source: std::io::Error::other(error),
    };
    let schema = table.batch().schema();
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties)).map_err(failed)?;
    writer.write(table.batch()).map_err(failed)?;
    let file = writer.into_inner().map_err(failed)?;
    file.sync_all().map_err(file_error("synced", path))
}

/// The rows of a file, in parts.
pub(crate) fn read(path: &Path, view: &FeatureView) -> Result<Vec<StoredRows>> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(file_error("read", path))?;
    let builder = guard(&name, || ParquetRecordBatchReaderBuilder::try_new(file))?;
    let builder = builder.with_batch_size(BATCH_ROWS);
    let mut batches = guard(&name, || builder.build())?;
    let mut all = Vec::new();
    while let Some(batch) = guard(&name, || batches.next().transpose())? {
        all.push(StoredRows::from_batch(view, &batch, &name)?);
    }
    Ok(all)
}

/// Calls the decoder, which answers some damaged files with a panic and others with an error.
fn guard<T, E: std::fmt::Display>(name: &str, call: impl FnOnce() -> Result<T, E>) -> Result<T> {
    let damaged = |reason: String| Error::DamagedFile {
        path: name.to_owned(),
        reason,
    };
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(damaged(error.to_string())),
        Err(_) => Err(damaged("the decoder gave up".to_owned())),
    }
}
