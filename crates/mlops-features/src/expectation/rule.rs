//! An expectation: a rule, on which rows, how much of the table must keep it, and what its failure means.

use serde::{Deserialize, Serialize};

use super::{
    check::{Check, Context, Outcome},
    columns::{ColumnCount, ColumnExists, Columns},
    condition::Condition,
    distinct_set::{DistinctSet, MostFrequent},
    distribution::Distribution,
    length::Length,
    newest::{Fresh, Newest},
    not_future::NotFuture,
    not_null::NotNull,
    null::Null,
    of_type::{OfKind, OfType},
    order::Order,
    pair::Pair,
    part::Part,
    pattern::Pattern,
    range::Range,
    reference::Reference,
    row_count::{RowCount, SameRowCount},
    set::Set,
    statistic::StatisticRange,
    sum::Sum,
    time_range::TimeRange,
    unique::Unique,
    z_score::ZScore,
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
/// Rules on rows skip nulls, apart from [`Expectation::not_null`] and [`Expectation::null`]. An expectation that cannot
/// be checked (an empty range, a pattern that does not compile) is an error when it is used.
///
/// ```
/// use mlops_features::{Condition, Expectation};
///
/// let price = Expectation::within("unit_price", 0.0..).mostly(0.99);
/// assert_eq!(price.words(), "`unit_price` is at least 0, in 99 % of rows");
///
/// let sold = Expectation::within("quantity", 1.0..).when(Condition::equal("kind", "sale")).warn();
/// assert_eq!(sold.words(), "`quantity` is at least 1, where `kind` = \"sale\"");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    rule: Rule,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    when: Vec<Condition>,
    #[serde(default = "all")]
    mostly: f64,
    #[serde(default)]
    on_failure: OnFailure,
}

fn all() -> f64 {
    1.0
}

/// Declares the rules, and the way from each to its check.
macro_rules! rules {
    ($($rule:ident),* $(,)?) => {
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Rule {
            $($rule($rule),)*
        }

        impl Rule {
            fn check(&self) -> &dyn Check {
                match self {
                    $(Self::$rule(rule) => rule,)*
                }
            }
        }

        $(impl From<$rule> for Expectation {
            fn from(rule: $rule) -> Self {
                Self {
                    rule: Rule::$rule(rule),
                    when: Vec::new(),
                    mostly: 1.0,
                    on_failure: OnFailure::default(),
                }
            }
        })*
    };
}

rules!(
    NotNull,
    Null,
    Range,
    Set,
    Pattern,
    Part,
    Length,
    Unique,
    Order,
    TimeRange,
    NotFuture,
    Pair,
    Sum,
    ZScore,
    Reference,
    Newest,
    Fresh,
    RowCount,
    SameRowCount,
    ColumnExists,
    Columns,
    ColumnCount,
    OfType,
    OfKind,
    StatisticRange,
    DistinctSet,
    MostFrequent,
    Distribution,
);

impl Expectation {
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

    /// Only rows that meet the condition count; of several, all must be met.
    #[doc(alias = "row_condition")]
    #[must_use]
    pub fn when(mut self, condition: Condition) -> Self {
        self.when.push(condition);
        self
    }

    /// The expectation in words, for people.
    pub fn words(&self) -> String {
        let mut words = self.rule.check().words();
        for (i, condition) in self.when.iter().enumerate() {
            let before = if i == 0 { ", where" } else { " and" };
            words = format!("{words}{before} {}", condition.words());
        }
        if self.mostly < 1.0 {
            // 0.07 * 100 is not quite 7
            let percent = (self.mostly * 1e6).round() / 1e4;
            words = format!("{words}, in {percent} % of rows");
        }
        words
    }

    /// The columns that it reads, apart from those of its conditions.
    pub fn columns(&self) -> Vec<&str> {
        self.rule.check().columns()
    }

    /// What a failure means.
    pub fn on_failure(&self) -> OnFailure {
        self.on_failure
    }

    pub(crate) fn mostly_share(&self) -> f64 {
        self.mostly
    }

    /// How much work it is, for the order in which threads take it up.
    pub(crate) fn effort(&self) -> u32 {
        self.rule.check().effort()
    }

    /// Tries the rule, and tells on how many rows.
    pub(crate) fn check(&self, mut context: Context<'_>) -> Result<(Outcome, usize)> {
        if !(0.0..=1.0).contains(&self.mostly) {
            return Err(context.invalid(format!("`mostly` is {}, not in 0..=1", self.mostly)));
        }
        let rule = self.rule.check();
        if !self.when.is_empty() && !rule.reads_rows() {
            return Err(context.invalid("it is not about rows, so that it takes no condition"));
        }
        for condition in &self.when {
            let rows = condition.rows(&context)?;
            context.when = Some(match context.when {
                Some(earlier) => &earlier & &rows,
                None => rows,
            });
        }
        let rows = context.rows().count();
        Ok((rule.check(&context)?, rows))
    }
}
