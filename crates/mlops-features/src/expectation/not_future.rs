//! No instant is later than the one that the check is made at.

use serde::{Deserialize, Serialize};

use super::{
    check::{Check, Context, Outcome, rows},
    time_range::extent,
};
use crate::Result;

/// See [`Expectation::not_in_future`](super::Expectation::not_in_future).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NotFuture {
    pub(super) column: String,
}

impl Check for NotFuture {
    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn words(&self) -> String {
        format!("`{}` is not in the future", self.column)
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        let now = context.as_of()?.micros();
        let (instants, live) = context.instants(&self.column)?;
        let bad = live.bad(&instants, |t| t <= now);
        let observed = extent(&instants, &live);
        Ok(rows(&live, bad, observed))
    }
}
