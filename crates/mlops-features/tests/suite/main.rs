//! All tests that may share a process, in one binary, because every binary is linked by itself. A test that starts
//! itself again or a compiler has its own beside this directory.

mod access;
mod catalog;
mod concurrent;
mod contract;
mod csv;
mod encryption;
mod engine;
mod exact;
mod expectations;
mod inferred_contracts;
mod materialize;
mod on_demand;
mod online_equals_offline;
mod online_stores;
mod online_tiles;
mod oracle;
mod parquet;
mod public_data;
mod quarantine;
mod scan;
mod sketches;
mod sources;
mod support;
mod table_expectations;
mod transform;
mod transform_oracle;
mod transforms;
mod types;
mod windows;
mod worked_cases;
