//! What goes in and out of a registry as a whole: imports, exports, and garbage.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod export;
mod export_models;
mod garbage;
mod import;
mod import_hostile;
mod import_server;
mod mlflow;
mod rest;
