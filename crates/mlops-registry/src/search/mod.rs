//! Search: MLflow's filters and orderings, read exactly and answered from indexes.

pub(crate) mod token;
