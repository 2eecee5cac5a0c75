//! The newest instant is new enough: freshness, without asking a clock.

use arrow::compute::max;
use mlops_core::EventTime;
use serde::{Deserialize, Serialize};

use super::check::{Check, Context, Outcome};
use crate::Result;

/// See [`Expectation::newest_not_before`](super::Expectation::newest_not_before).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Newest {
    pub(super) column: String,
    pub(super) not_before: EventTime,
}

impl Check for Newest {
    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn words(&self) -> String {
        format!(
            "the newest `{}` is not before {}",
            self.column, self.not_before
        )
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        let newest = max(&context.instants(&self.column)?).map(EventTime::from_micros);
        Ok(Outcome::Table {
            passed: newest.is_some_and(|newest| newest >= self.not_before),
            observed: newest.map_or("no instant".to_owned(), |newest| newest.to_string()),
        })
    }
}
