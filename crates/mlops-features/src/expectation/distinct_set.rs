//! The distinct values of a column are a set, lie in it or hold all of it; or its most frequent one does.

use std::collections::BTreeSet;

use mlops_core::Value;
use serde::{Deserialize, Serialize};

use super::{
    check::{Check, Context, Outcome, whole},
    distinct::counts,
    frequent::{shown, text},
    set::{instant, named, outside},
    values::Values,
};
use crate::Result;

/// How many values are named.
const NAMED: usize = 5;

/// How the distinct values of a column stand to a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetRelation {
    /// Every value is in the set, and the set has no other.
    Equal,
    /// Every value is in the set.
    Within,
    /// Every member of the set appears.
    Contain,
}

/// See [`Expectation::distinct_values`](super::Expectation::distinct_values).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DistinctSet {
    pub(super) column: String,
    pub(super) relation: SetRelation,
    pub(super) values: Vec<Value>,
}

/// See [`Expectation::most_frequent_in`](super::Expectation::most_frequent_in).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MostFrequent {
    pub(super) column: String,
    pub(super) values: Vec<Value>,
}

/// The first row of each distinct value, whether it is in the set, and how often it appears.
fn tested(
    context: &Context<'_>,
    column: &str,
    listed: &[Value],
) -> Result<Vec<(usize, bool, u64)>> {
    if listed.is_empty() {
        return Err(context.invalid("the list is empty"));
    }
    let (values, live) = context.values(column)?;
    let distinct = context.distinct(column)?;
    let outside: BTreeSet<u32> = outside(context, column, (&values, &live), listed, true)?
        .into_iter()
        .map(|row| distinct.codes[row as usize])
        .collect();
    let counts = counts(&distinct, &live);
    Ok((0_u32..)
        .zip(distinct.firsts.iter().zip(counts))
        .filter(|(_, (_, count))| *count > 0)
        .map(|(code, (row, count))| (*row as usize, !outside.contains(&code), count))
        .collect())
}

/// A value in words that are equal where the values are, in the kind of the column.
pub(super) fn member(values: &Values, value: &Value) -> String {
    match values {
        // zero is one value, and whole numbers may be listed for a column of reals
        Values::Real(_) => (value.as_f64().unwrap_or(f64::NAN) + 0.0).to_string(),
        Values::Time(_) => instant(value).map(|t| t.to_string()).unwrap_or_default(),
        _ => text(value),
    }
}

impl Check for DistinctSet {
    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn words(&self) -> String {
        let relation = match self.relation {
            SetRelation::Equal => "are",
            SetRelation::Within => "are among",
            SetRelation::Contain => "include",
        };
        let listed = named(&self.values);
        format!("the values of `{}` {relation} {listed}", self.column)
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        let tested = tested(context, &self.column, &self.values)?;
        let array = context.column(&self.column)?;
        let inside = tested.iter().filter(|(_, inside, _)| *inside).count();
        let outside: Vec<String> = tested
            .iter()
            .filter(|(_, inside, _)| !inside)
            .take(NAMED)
            .map(|(row, ..)| shown(array, *row))
            .collect();
        let kind = Values::of(array)?;
        let members: BTreeSet<String> = self.values.iter().map(|v| member(&kind, v)).collect();
        let members = members.len();
        let all = inside == members;
        let passed = match self.relation {
            SetRelation::Equal => all && outside.is_empty(),
            SetRelation::Within => outside.is_empty(),
            SetRelation::Contain => all,
        };
        let mut observed = format!("{inside} of {members} appear");
        let others = tested.len() - inside;
        if others > 0 {
            observed = format!("{observed}, and {others} others: {}", outside.join(", "));
        }
        let distinct = super::row_count::count(tested.len());
        Ok(whole(passed, observed, Some(distinct)))
    }

    fn effort(&self) -> u32 {
        20
    }
}

impl Check for MostFrequent {
    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn words(&self) -> String {
        let listed = named(&self.values);
        format!("the most frequent `{}` is one of {listed}", self.column)
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        let tested = tested(context, &self.column, &self.values)?;
        let array = context.column(&self.column)?;
        let most = tested.iter().map(|(_, _, count)| *count).max();
        let tied: Vec<&(usize, bool, u64)> = tested
            .iter()
            .filter(|(_, _, count)| Some(*count) == most)
            .collect();
        let passed = !tied.is_empty() && tied.iter().all(|(_, inside, _)| *inside);
        let shown: Vec<String> = tied
            .iter()
            .take(NAMED)
            .map(|(row, _, count)| format!("{} × {count}", shown(array, *row)))
            .collect();
        let observed = match &shown[..] {
            [] => "no value".to_owned(),
            some => some.join(", "),
        };
        let value = shown.first().map(|text| Value::Str(text.clone()));
        Ok(whole(passed, observed, value))
    }

    fn effort(&self) -> u32 {
        20
    }
}
