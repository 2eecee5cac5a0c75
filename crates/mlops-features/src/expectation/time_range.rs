//! An instant lies in a range; the usual catch is an event of the future.

use mlops_core::EventTime;
use serde::{Deserialize, Serialize};

use super::{
    check::{Check, Context, Outcome, rows},
    live::Live,
};
use crate::Result;

/// See [`Expectation::time_between`](super::Expectation::time_between).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeRange {
    pub(super) column: String,
    pub(super) not_before: Option<EventTime>,
    pub(super) not_after: Option<EventTime>,
}

impl Check for TimeRange {
    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn words(&self) -> String {
        let from = self.not_before.map(|t| format!("before {t}"));
        let until = self.not_after.map(|t| format!("after {t}"));
        let both: Vec<String> = from.into_iter().chain(until).collect();
        format!("`{}` is not {}", self.column, both.join(" or "))
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        // an instant past what can be printed is still past a bound, and within none
        let from = self.not_before.map_or(i64::MIN, EventTime::micros);
        let until = self.not_after.map_or(i64::MAX, EventTime::micros);
        if from > until {
            return Err(context.invalid("the range is empty"));
        }
        let (instants, live) = context.instants(&self.column)?;
        let bad = live.bad(&instants, |t| from <= t && t <= until);
        let observed = extent(&instants, &live);
        Ok(rows(&live, bad, observed))
    }
}

/// The first and the last instant, in words.
pub(super) fn extent(instants: &[i64], live: &Live) -> String {
    let (first, last, _) = live.extent(instants, i64::MAX, i64::MIN);
    let time = EventTime::from_micros;
    if live.count() == 0 {
        "no instant".to_owned()
    } else {
        format!("{} to {}", time(first), time(last))
    }
}
