//! Sources: files and batches that become a checked [`Table`](mlops_core::Table).
//!
//! A [`SourceSchema`] says which column of the source becomes which column of the table, in which role and
//! how it is read. A source reads every row by it: a row is taken whole or is listed whole in
//! [`Rejections`] with its number, the column, the value and the reason. What is wrong with the
//! source as such (no file, no such column, a broken archive) is an error and nothing is taken.

mod batches;
mod cast;
mod cell;
mod chunk;
mod columns;
mod csv;
mod csv_records;
mod csv_scan;
pub(crate) mod file;
mod filter;
mod guess;
mod ingest;
mod ipc;
mod json;
mod local_time;
mod parquet;
mod quick;
mod rejection;
mod rows;
mod schema;
mod time_format;
mod time_pattern;
mod unpack;

pub use self::csv::Csv;
pub(crate) use self::parquet::{ParquetBytes, ParquetInput, guard};
pub use self::parquet::{ParquetDirectory, ParquetFile, Partition};
pub(crate) use batches::locate;
pub use batches::{from_batches, from_stream};
pub(crate) use cast::text_bytes;
pub use chunk::{Chunk, Chunks, Source};
pub(crate) use csv_records::{Records, Text};
pub(crate) use file::Origin;
pub use filter::RowFilter;
pub use ingest::Ingest;
pub use ipc::ArrowIpc;
pub use json::JsonLines;
pub(crate) use rejection::{Fault, shortened};
pub use rejection::{Rejected, RejectionCount, RejectionKind, Rejections};
pub use schema::{Parse, SourceSchema, SourceSchemaBuilder};
pub use time_format::TimeFormat;
pub use unpack::UnpackLimit;
