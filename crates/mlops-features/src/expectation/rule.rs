//! An expectation: a rule, how much of the table must keep it, and what its failure means.

use std::ops::RangeBounds;

use mlops_core::{EventTime, Value};
use serde::{Deserialize, Serialize};

use super::{
    check::{Check, Context, Outcome},
    length::Length,
    newest::Newest,
    not_null::NotNull,
    order::Order,
    pattern::Pattern,
    range::Range,
    row_count::RowCount,
    set::Set,
    time_range::TimeRange,
    unique::Unique,
};
use crate::Result;

/// What a failure means.
#[doc(alias = "severity")]
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// The contract is broken, and rows that break the rule are quarantined.
    #[default]
    Error,
    /// It is reported, and the rows stay.
    Warn,
}

/// One thing that must hold for a table, or for each of its rows.
///
/// Rules on rows skip nulls, apart from [`Expectation::not_null`]. An expectation that cannot be checked
/// (an empty range, a pattern that does not compile) is an error when it is used.
///
/// ```
/// use mlops_features::Expectation;
///
/// let price = Expectation::within("unit_price", 0.0..).mostly(0.99);
/// assert_eq!(price.words(), "`unit_price` is at least 0, in 99 % of rows");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    rule: Rule,
    mostly: f64,
    on_failure: OnFailure,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Rule {
    NotNull(NotNull),
    Range(Range),
    Set(Set),
    Pattern(Pattern),
    Length(Length),
    Unique(Unique),
    Order(Order),
    TimeRange(TimeRange),
    Newest(Newest),
    RowCount(RowCount),
}

impl Expectation {
    /// Every row has a value in the column.
    pub fn not_null(column: impl Into<String>) -> Self {
        Self::of(Rule::NotNull(NotNull {
            column: column.into(),
        }))
    }

    /// Numbers lie in `min..=max`; NaN does not.
    pub fn between(column: impl Into<String>, min: f64, max: f64) -> Self {
        Self::within(column, min..=max)
    }

    /// Numbers lie in a range, which may be open on either side: `0.0..`, `..=1.0`. NaN lies in none.
    pub fn within(column: impl Into<String>, range: impl RangeBounds<f64>) -> Self {
        Self::of(Rule::Range(Range {
            column: column.into(),
            lower: range.start_bound().cloned(),
            upper: range.end_bound().cloned(),
        }))
    }

    /// Values are among those listed, which must be of the column's kind.
    pub fn in_set<V: Into<Value>>(
        column: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self::set(column.into(), values, true)
    }

    /// Values are not among those listed, which must be of the column's kind.
    pub fn not_in_set<V: Into<Value>>(
        column: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self::set(column.into(), values, false)
    }

    /// Texts contain a match of the regular expression; anchor it with `^…$` to match all of the text.
    pub fn matches(column: impl Into<String>, pattern: impl Into<String>) -> Self {
        Self::of(Rule::Pattern(Pattern {
            column: column.into(),
            pattern: pattern.into(),
        }))
    }

    /// Texts have `min..=max` characters (Unicode scalar values).
    pub fn length_between(column: impl Into<String>, min: usize, max: usize) -> Self {
        Self::of(Rule::Length(Length {
            column: column.into(),
            min,
            max,
        }))
    }

    /// No two rows agree in all of these columns.
    ///
    /// The first of several such rows stands, the later ones break the rule. A null agrees with a null; a
    /// row that is null in all of the columns is skipped.
    pub fn unique<C: Into<String>>(columns: impl IntoIterator<Item = C>) -> Self {
        Self::of(Rule::Unique(Unique {
            columns: columns.into_iter().map(Into::into).collect(),
        }))
    }

    /// Numbers or instants rise from row to row. A row that does not exceed all rows before it breaks
    /// the rule.
    pub fn increasing(column: impl Into<String>) -> Self {
        Self::of(Rule::Order(Order {
            column: column.into(),
            strict: true,
        }))
    }

    /// Numbers or instants never fall from row to row. A row that is below an earlier one breaks the rule.
    pub fn non_decreasing(column: impl Into<String>) -> Self {
        Self::of(Rule::Order(Order {
            column: column.into(),
            strict: false,
        }))
    }

    /// Instants lie in `from..=until`.
    pub fn time_between(column: impl Into<String>, from: EventTime, until: EventTime) -> Self {
        Self::times(column.into(), Some(from), Some(until))
    }

    /// No instant is later: with the present as the limit, no event is of the future.
    pub fn not_after(column: impl Into<String>, limit: EventTime) -> Self {
        Self::times(column.into(), None, Some(limit))
    }

    /// No instant is earlier.
    pub fn not_before(column: impl Into<String>, limit: EventTime) -> Self {
        Self::times(column.into(), Some(limit), None)
    }

    /// The newest instant of the table is not earlier: the data is fresh. A rule on the whole table.
    pub fn newest_not_before(column: impl Into<String>, limit: EventTime) -> Self {
        Self::of(Rule::Newest(Newest {
            column: column.into(),
            not_before: limit,
        }))
    }

    /// The table has `min..=max` rows. A rule on the whole table.
    pub fn row_count_between(min: u64, max: u64) -> Self {
        Self::of(Rule::RowCount(RowCount { min, max }))
    }

    /// The share of checked rows, in `0.0..=1.0`, that must keep the rule; all of them unless said otherwise.
    ///
    /// It decides whether the contract is kept. Single rows that break the rule are quarantined all the same.
    #[must_use]
    pub fn mostly(mut self, share: f64) -> Self {
        self.mostly = share;
        self
    }

    /// A failure is reported, does not break the contract and quarantines no row.
    #[must_use]
    pub fn warn(mut self) -> Self {
        self.on_failure = OnFailure::Warn;
        self
    }

    /// The expectation in words, for people.
    pub fn words(&self) -> String {
        let rule = self.check_of().words();
        if self.mostly < 1.0 {
            // 0.07 * 100 is not quite 7
            format!("{rule}, in {} % of rows", (self.mostly * 1e6).round() / 1e4)
        } else {
            rule
        }
    }

    /// The columns that it reads.
    pub fn columns(&self) -> Vec<&str> {
        self.check_of().columns()
    }

    /// What a failure means.
    pub fn on_failure(&self) -> OnFailure {
        self.on_failure
    }

    pub(crate) fn mostly_share(&self) -> f64 {
        self.mostly
    }

    pub(crate) fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        if !(0.0..=1.0).contains(&self.mostly) {
            return Err(context.invalid(format!("`mostly` is {}, not in 0..=1", self.mostly)));
        }
        self.check_of().check(context)
    }

    fn of(rule: Rule) -> Self {
        Self {
            rule,
            mostly: 1.0,
            on_failure: OnFailure::default(),
        }
    }

    fn set<V: Into<Value>>(
        column: String,
        values: impl IntoIterator<Item = V>,
        allowed: bool,
    ) -> Self {
        Self::of(Rule::Set(Set {
            column,
            values: values.into_iter().map(Into::into).collect(),
            allowed,
        }))
    }

    fn times(column: String, not_before: Option<EventTime>, not_after: Option<EventTime>) -> Self {
        Self::of(Rule::TimeRange(TimeRange {
            column,
            not_before,
            not_after,
        }))
    }

    fn check_of(&self) -> &dyn Check {
        match &self.rule {
            Rule::NotNull(rule) => rule,
            Rule::Range(rule) => rule,
            Rule::Set(rule) => rule,
            Rule::Pattern(rule) => rule,
            Rule::Length(rule) => rule,
            Rule::Unique(rule) => rule,
            Rule::Order(rule) => rule,
            Rule::TimeRange(rule) => rule,
            Rule::Newest(rule) => rule,
            Rule::RowCount(rule) => rule,
        }
    }
}
