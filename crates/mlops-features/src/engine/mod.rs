//! The streaming point-in-time join: files in, one file out, in memory bounded by the spine and the result.
//!
//! Keys of the spine get dense ids, and only the spine's times are sorted, inside each key. Each view is then
//! read once, keys and times alone: a row is offered to the first spine time of its key that may see it, the
//! best offer is kept, and a running maximum carries it forward. At last the features are read, of the rows
//! that won. The view is neither sorted nor held.

mod best;
mod cells;
mod csv_out;
mod deal;
mod files;
mod gather;
mod infer;
mod input;
mod join;
mod keys;
mod layout;
mod memory;
mod parquet;
mod parquet_out;
mod part;
mod pool;
mod slots;
mod spine_file;
mod spine_pass;
mod summary;
mod table;
mod text;
mod time;
mod view_file;
mod view_pass;

pub(crate) use infer::Inference;
pub use join::PointInTimeJoin;
pub use spine_file::SpineFile;
pub use summary::{JoinProgress, JoinSummary, ViewSummary};
pub use view_file::ViewFile;
