//! An instant lies in a range; the usual catch is an event of the future.

use arrow::compute::{max, min};
use mlops_core::EventTime;
use serde::{Deserialize, Serialize};

use super::check::{Check, Context, Outcome, bad_rows, rows};
use crate::Result;

/// See [`Expectation::time_between`](super::Expectation::time_between).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
        let from = self.not_before.unwrap_or(EventTime::MIN);
        let until = self.not_after.unwrap_or(EventTime::MAX);
        if from > until {
            return Err(context.invalid("the range is empty"));
        }
        let instants = context.instants(&self.column)?;
        let range = from.micros()..=until.micros();
        let bad = bad_rows(&instants, |micros| range.contains(&micros));
        let observed = match (min(&instants), max(&instants)) {
            (Some(first), Some(last)) => format!("{} to {}", time(first), time(last)),
            _ => "no instant".to_owned(),
        };
        Ok(rows(&instants, bad, observed))
    }
}

fn time(micros: i64) -> EventTime {
    EventTime::from_micros(micros)
}
