//! Experiments, runs and registered models of ours, made again on a server of MLflow's REST API.
//!
//! A server gives runs and logged models identities of its own. Each carries ours in the tag `mlops.id`, by which it
//! is found again: an export that was cut off goes on where it ended, and a second one logs nothing twice. How
//! requests travel is the caller's business ([`MlflowServer`]), so that no HTTP client comes with this crate.

mod driver;
mod error;
mod experiments;
mod logged_models;
mod models;
mod report;
mod runs;
mod server;

pub(crate) use driver::{escaped, proxied};
pub use error::ExportError;
pub use report::ExportReport;
pub use server::{MlflowRefusal, MlflowRequest, MlflowServer, MlflowVerb};
