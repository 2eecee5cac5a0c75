//! The newest instant is new enough: freshness, without asking a clock.

use mlops_core::{EventTime, Span};
use serde::{Deserialize, Serialize};

use super::check::{Check, Context, Outcome, whole};
use crate::Result;

/// See [`Expectation::newest_not_before`](super::Expectation::newest_not_before).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Newest {
    pub(super) column: String,
    pub(super) not_before: EventTime,
}

/// See [`Expectation::fresh_within`](super::Expectation::fresh_within).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fresh {
    pub(super) column: String,
    pub(super) within: Span,
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
        let newest = newest(context, &self.column)?;
        Ok(told(
            newest,
            newest.is_some_and(|newest| newest >= self.not_before),
        ))
    }
}

impl Check for Fresh {
    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn words(&self) -> String {
        format!(
            "the newest `{}` is at most {} old",
            self.column, self.within
        )
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        let now = context.as_of()?;
        let newest = newest(context, &self.column)?;
        // one of the future says nothing about how fresh the data is
        let fresh = newest.is_some_and(|newest| newest <= now && newest >= now - self.within);
        Ok(told(newest, fresh))
    }
}

fn newest(context: &Context<'_>, column: &str) -> Result<Option<EventTime>> {
    let (instants, live) = context.instants(column)?;
    let (_, last, _) = live.extent(&instants, i64::MAX, i64::MIN);
    Ok((live.count() > 0).then(|| EventTime::from_micros(last)))
}

fn told(newest: Option<EventTime>, passed: bool) -> Outcome {
    let observed = newest.map_or("no instant".to_owned(), |newest| newest.to_string());
    // a time reads back from JSON as its text, so it is one here
    whole(passed, observed.clone(), newest.map(|_| observed.into()))
}
