//! Sections of a report, one for each part of the loop, to be put on one [`Page`](mlops_report::Page).

#[cfg(feature = "train")]
mod models;
mod monitoring;
mod quality;
mod registry;

#[cfg(feature = "train")]
pub use models::models;
pub use monitoring::{drift_details, monitoring};
pub use quality::{contract, rejections};
pub use registry::registry_history;
