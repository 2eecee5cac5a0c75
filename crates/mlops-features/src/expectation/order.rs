//! Numbers or instants rise or fall from row to row, over the table or for each entity.

use serde::{Deserialize, Serialize};

use super::{
    check::{Check, Context, Outcome, list, rows},
    group::group,
    intern::intern,
    live::Live,
    values::{Real, Values, each_whole},
};
use crate::Result;

/// Which way values go from row to row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Each value is above all before it.
    Increasing,
    /// No value is below one before it.
    NonDecreasing,
    /// Each value is below all before it.
    Decreasing,
    /// No value is above one before it.
    NonIncreasing,
}

impl Direction {
    /// The rule over the whole table.
    pub(super) fn order(self, column: String) -> Order {
        Order {
            column,
            strict: matches!(self, Self::Increasing | Self::Decreasing),
            falling: matches!(self, Self::Decreasing | Self::NonIncreasing),
            per: Vec::new(),
        }
    }
}

/// See [`Expectation::increasing`](super::Expectation::increasing).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    pub(super) column: String,
    pub(super) strict: bool,
    /// Whether values fall and not rise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) falling: bool,
    /// The columns that tell apart what is ordered on its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) per: Vec<String>,
}

impl Order {
    /// The rows that do not go beyond the furthest value before them.
    fn back<T: PartialOrd + Copy>(
        &self,
        value: impl Fn(usize) -> T,
        live: &Live,
        groups: Option<&[u32]>,
    ) -> Vec<u32> {
        let count = groups.map_or(1, |codes| codes.iter().max().map_or(1, |c| *c as usize + 1));
        let mut furthest: Vec<Option<T>> = vec![None; count];
        live.bad_at(|row| {
            let value = value(row);
            let furthest = &mut furthest[groups.map_or(0, |codes| codes[row] as usize)];
            let holds = match furthest {
                // NaN stands in no order
                None => value.partial_cmp(&value).is_some(),
                Some(f) => match (self.falling, self.strict) {
                    (false, true) => value > *f,
                    (false, false) => value >= *f,
                    (true, true) => value < *f,
                    (true, false) => value <= *f,
                },
            };
            if holds {
                *furthest = Some(value);
            }
            holds
        })
    }
}

impl Check for Order {
    fn columns(&self) -> Vec<&str> {
        let per = self.per.iter().map(String::as_str);
        [self.column.as_str()].into_iter().chain(per).collect()
    }

    fn words(&self) -> String {
        let how = match (self.falling, self.strict) {
            (false, true) => "rises from row to row",
            (false, false) => "never falls",
            (true, true) => "falls from row to row",
            (true, false) => "never rises",
        };
        let per = if self.per.is_empty() {
            String::new()
        } else {
            format!(" for each {}", list(&self.per, " with "))
        };
        format!("`{}` {how}{per}", self.column)
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        let (values, live) = context.values(&self.column)?;
        let groups = if self.per.is_empty() {
            None
        } else {
            let keys = group(context, &self.per)?;
            let all = 0..u32::try_from(keys.len()).expect("a table has at most 2^32 - 1 rows");
            let same = |_, _| true;
            Some(intern(keys.len(), all, |row| keys[row], same, |row| keys[row]).codes)
        };
        let groups = groups.as_deref();
        let bad = match &values {
            Values::Whole(whole) => {
                each_whole!(whole, values => self.back(|row| values[row], &live, groups))
            }
            Values::Real(Real::F32(values)) => self.back(|row| values[row], &live, groups),
            Values::Real(Real::F64(values)) => self.back(|row| values[row], &live, groups),
            Values::Time(micros) => self.back(|row| micros[row], &live, groups),
            _ => return Err(context.wrong_type(&self.column, "a number or an instant")),
        };
        let observed = format!("{} steps back", bad.len());
        Ok(rows(&live, bad, observed))
    }

    fn effort(&self) -> u32 {
        if self.per.is_empty() { 2 } else { 40 }
    }
}
