//! Sources: files and batches that become a checked [`Table`](mlops_core::Table).
//!
//! A [`SourceSchema`] says which column of the source becomes which column of the table, in which role and
//! how it is read. A source reads every row by it: a row is taken whole or is listed whole in
//! [`Rejections`] with its number, the column, the value and the reason. What is wrong with the
//! source as such (no file, no such column, a broken archive) is an error and nothing is taken.

mod batches;
mod cast;
mod cell;
mod columns;
mod csv;
mod file;
mod ingest;
mod input;
mod local_time;
mod parquet;
mod quick;
mod rejection;
mod schema;
mod thrift;
mod time_format;

pub use self::csv::Csv;
pub use self::parquet::ParquetFile;
pub use batches::from_batches;
pub use ingest::Ingest;
pub(crate) use input::{ParquetBytes, ParquetInput};
pub(crate) use rejection::Fault;
pub use rejection::{Rejected, RejectionCount, RejectionKind, Rejections};
pub use schema::{Parse, SourceSchema, SourceSchemaBuilder};
pub use time_format::TimeFormat;
