//! Sources: JSON lines, Arrow IPC, directories, streams, objects, and what is refused.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![expect(clippy::print_stdout, reason = "a skipped or timed test says so")]

mod bombs;
mod directory;
mod filter;
mod ipc;
mod json;
mod json_oracle;
mod objects;
mod public_data;
mod streams;
mod support;
