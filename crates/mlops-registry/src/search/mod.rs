//! Search: MLflow's filters and orderings, read exactly and answered from indexes.
//!
//! ```text
//! text ─Scanner▶ words ─grammar▶ Clause… ─▶ Tree ─candidates▶ rows ─select▶ a page and its token
//!                                             └───subject▶ the same over values in memory
//! ```
//!
//! Runs are searched in the database. Experiments, registered models and versions are few and are
//! searched as values: whoever has such values implements [`Subject`] and calls [`page_of`].

mod candidates;
mod clause;
mod column;
mod experiments;
mod grammar;
mod group;
mod logged_models;
mod models;
mod order;
mod pattern;
mod query;
mod rows;
mod runs;
mod scan;
mod select;
mod subject;
#[cfg(test)]
mod tests;
pub(crate) mod token;

pub use experiments::ExperimentSearch;
pub use grammar::{Filter, Searchable};
pub use group::{Aggregate, Group, GroupQuery};
pub use logged_models::{DatasetFilter, LoggedModelSearch, ModelOrdering};
pub use models::ModelSearch;
pub use order::Ordered;
pub use query::{Condition, RunQuery};
pub use runs::RunSearch;
pub use subject::{Attribute, Subject, page_of};

/// A page of results.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The results, in order.
    pub items: Vec<T>,
    /// What to ask for next, if there is more.
    pub next: Option<String>,
}
