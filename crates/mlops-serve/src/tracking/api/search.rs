//! Searches: filters, orders and pages, read from a request and handed to the registry.

use mlops_registry::{ExperimentRecord, LoggedModel, RunRecord};

use crate::tracking::{
    failure::{Code, Failure, Outcome},
    route::Call,
};

/// A page of results.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) next: Option<String>,
}
fn later() -> Failure {
    Failure::new(Code::NotImplemented, "later")
}
pub(super) fn experiments(_call: &Call<'_>) -> Outcome<Page<ExperimentRecord>> {
    Err(later())
}
pub(super) fn runs(_call: &Call<'_>) -> Outcome<Page<RunRecord>> {
    Err(later())
}
pub(super) fn logged_models(_call: &Call<'_>) -> Outcome<Page<LoggedModel>> {
    Err(later())
}
