//! Experiments, runs and registered models of an MLflow database or server, taken over into a registry of ours.
//!
//! A database is read in one transaction and never written; a server is asked by its REST API. What comes out of it is data of strangers: every
//! name, key, length and time is checked as if a client had sent it, artifacts are read below the folders that
//! the caller names and nowhere else, and damage is an error with the table and the row.
//!
//! An import only adds. What is here already stays as it is, so that it may be run again: after a failure it
//! goes on where it ended, and a second time it changes nothing. What has no place here is told in the
//! [`ImportReport`], one note for each thing.

mod artifacts;
mod driver;
mod error;
mod experiments;
mod logged_models;
mod models;
mod report;
mod runs;
mod server;
mod source;

pub use driver::MlflowImport;
pub use error::ImportError;
pub use report::{ImportCount, ImportNote, ImportReport};
