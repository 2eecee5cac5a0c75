//! Parquet: files, directories of them, and what is left unread.

mod directory;
mod file;
mod groups;
mod input;
mod partition;
mod thrift;

pub use directory::ParquetDirectory;
pub use file::ParquetFile;
pub(crate) use groups::guard;
pub(crate) use input::{ParquetBytes, ParquetInput};
pub use partition::Partition;
