//! Arrow IPC, as files and as streams, out of bytes that nobody vouches for.
//!
//! A file has its batches listed at its end and is read batch by batch; a stream is read message by message. Either
//! way what a header claims is held against the bytes that are there, and the decoder's panics are errors.

mod arrow_ipc;
mod bytes;
mod file;
mod stream;

pub use arrow_ipc::ArrowIpc;
