//! The expectations on rows, as they are written down.

use std::ops::RangeBounds;

use mlops_core::{EventTime, Value};

use super::{
    Comparison, Expectation, Limit, Nulls,
    length::Length,
    limit::Interval,
    not_future::NotFuture,
    not_null::NotNull,
    null::Null,
    order::{Direction, Order},
    pair::Pair,
    part::{Part, Place},
    pattern::Pattern,
    range::Range,
    reference::Reference,
    set::{Set, plain},
    sum::Sum,
    time_range::TimeRange,
    unique::Unique,
    z_score::ZScore,
};

/// Rules on rows.
impl Expectation {
    /// Every row has a value in the column.
    pub fn not_null(column: impl Into<String>) -> Self {
        NotNull {
            column: column.into(),
        }
        .into()
    }

    /// No row has a value in the column.
    pub fn null(column: impl Into<String>) -> Self {
        Null {
            column: column.into(),
        }
        .into()
    }

    /// Numbers lie in `min..=max`; NaN does not. Whole bounds are compared with whole numbers exactly.
    pub fn between(
        column: impl Into<String>,
        min: impl Into<Limit>,
        max: impl Into<Limit>,
    ) -> Self {
        let (min, max): (Limit, Limit) = (min.into(), max.into());
        Self::range(column.into(), Interval::new::<Limit>(&(min..=max)))
    }

    /// Numbers lie in a range with open, closed or no bounds; NaN lies in none.
    ///
    /// ```
    /// use std::ops::Bound;
    /// use mlops_features::Expectation;
    ///
    /// let above_zero = (Bound::Excluded(0.0), Bound::Unbounded);
    /// assert_eq!(Expectation::within("price", above_zero).words(), "`price` is above 0");
    /// ```
    pub fn within(column: impl Into<String>, range: impl RangeBounds<f64>) -> Self {
        Self::range(column.into(), Interval::new(&range))
    }

    /// The same with whole bounds.
    pub fn whole_within(column: impl Into<String>, range: impl RangeBounds<i64>) -> Self {
        Self::range(column.into(), Interval::new(&range))
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
        Self::pattern(column.into(), pattern.into(), true)
    }

    /// Texts contain no match of the regular expression.
    pub fn not_matches(column: impl Into<String>, pattern: impl Into<String>) -> Self {
        Self::pattern(column.into(), pattern.into(), false)
    }

    /// Texts start with the given one.
    pub fn starts_with(column: impl Into<String>, part: impl Into<String>) -> Self {
        Self::part(column.into(), Place::Start, part.into())
    }

    /// Texts end with the given one.
    pub fn ends_with(column: impl Into<String>, part: impl Into<String>) -> Self {
        Self::part(column.into(), Place::End, part.into())
    }

    /// Texts contain the given one.
    pub fn contains(column: impl Into<String>, part: impl Into<String>) -> Self {
        Self::part(column.into(), Place::Anywhere, part.into())
    }

    /// Texts have `min..=max` characters (Unicode scalar values).
    pub fn length_between(column: impl Into<String>, min: usize, max: usize) -> Self {
        Length {
            column: column.into(),
            min,
            max,
        }
        .into()
    }

    /// No two rows agree in all of these columns.
    ///
    /// The first of several such rows stands, the later ones break the rule. A null agrees with a null, zero with
    /// negative zero and NaN with NaN; a row that is null in all of the columns is skipped.
    pub fn unique<C: Into<String>>(columns: impl IntoIterator<Item = C>) -> Self {
        Unique {
            columns: columns.into_iter().map(Into::into).collect(),
        }
        .into()
    }

    /// Numbers or instants rise from row to row. A row that does not exceed all rows before it breaks
    /// the rule.
    pub fn increasing(column: impl Into<String>) -> Self {
        Direction::Increasing.order(column.into()).into()
    }

    /// Numbers or instants never fall from row to row. A row that is below an earlier one breaks the rule.
    pub fn non_decreasing(column: impl Into<String>) -> Self {
        Direction::NonDecreasing.order(column.into()).into()
    }

    /// Numbers or instants fall from row to row. A row that does not stay below all rows before it breaks the rule.
    pub fn decreasing(column: impl Into<String>) -> Self {
        Direction::Decreasing.order(column.into()).into()
    }

    /// Numbers or instants never rise from row to row. A row that is above an earlier one breaks the rule.
    pub fn non_increasing(column: impl Into<String>) -> Self {
        Direction::NonIncreasing.order(column.into()).into()
    }

    /// Numbers or instants are in order among the rows that agree in the key columns, not over the whole table: a meter
    /// never runs backwards, though there are many meters. A null key is a key like any other.
    ///
    /// ```
    /// use mlops_features::{Direction, Expectation};
    ///
    /// let meter = Expectation::ordered_for_each(["meter"], "reading", Direction::NonDecreasing);
    /// assert_eq!(meter.words(), "`reading` never falls for each `meter`");
    /// ```
    #[doc(alias = "monotone")]
    pub fn ordered_for_each<C: Into<String>>(
        keys: impl IntoIterator<Item = C>,
        column: impl Into<String>,
        direction: Direction,
    ) -> Self {
        Order {
            per: keys.into_iter().map(Into::into).collect(),
            ..direction.order(column.into())
        }
        .into()
    }

    /// Instants lie in `from..=until`.
    pub fn time_between(column: impl Into<String>, from: EventTime, until: EventTime) -> Self {
        Self::times(column.into(), Some(from), Some(until))
    }

    /// No instant is later.
    pub fn not_after(column: impl Into<String>, limit: EventTime) -> Self {
        Self::times(column.into(), None, Some(limit))
    }

    /// No instant is earlier.
    pub fn not_before(column: impl Into<String>, limit: EventTime) -> Self {
        Self::times(column.into(), Some(limit), None)
    }

    /// No instant is later than the one that the check is made at, see [`Inspection::as_of`](crate::Inspection::as_of).
    pub fn not_in_future(column: impl Into<String>) -> Self {
        NotFuture {
            column: column.into(),
        }
        .into()
    }

    /// The columns of a row compare so: numbers of any width with each other, and texts, instants or booleans with
    /// their like.
    ///
    /// ```
    /// use mlops_features::{Comparison, Expectation, Nulls};
    ///
    /// let trip = Expectation::compare("pickup", Comparison::LessOrEqual, "drop_off", Nulls::Skip);
    /// assert_eq!(trip.words(), "`pickup` ≤ `drop_off`");
    /// ```
    pub fn compare(
        left: impl Into<String>,
        is: Comparison,
        right: impl Into<String>,
        nulls: Nulls,
    ) -> Self {
        Pair {
            left: left.into(),
            is,
            right: right.into(),
            nulls,
        }
        .into()
    }

    /// The columns of a row add up to the total, give or take the tolerance. A row with a null is skipped.
    pub fn sums_to<C: Into<String>>(
        columns: impl IntoIterator<Item = C>,
        total: f64,
        tolerance: f64,
    ) -> Self {
        Sum {
            columns: columns.into_iter().map(Into::into).collect(),
            total,
            tolerance,
        }
        .into()
    }

    /// Numbers lie at most `limit` standard deviations of the sample away from their mean.
    pub fn z_score_within(column: impl Into<String>, limit: f64) -> Self {
        ZScore {
            column: column.into(),
            limit,
        }
        .into()
    }

    /// Values occur in a column of another table, given by [`Inspection::table`](crate::Inspection::table).
    #[doc(alias = "foreign key")]
    pub fn references(
        column: impl Into<String>,
        table: impl Into<String>,
        other: impl Into<String>,
    ) -> Self {
        Self::references_all([column], table, [other])
    }

    /// The values of several columns occur together in a row of another table. A row with a null is skipped.
    pub fn references_all<C: Into<String>, O: Into<String>>(
        columns: impl IntoIterator<Item = C>,
        table: impl Into<String>,
        others: impl IntoIterator<Item = O>,
    ) -> Self {
        Reference {
            columns: columns.into_iter().map(Into::into).collect(),
            table: table.into(),
            other: others.into_iter().map(Into::into).collect(),
        }
        .into()
    }

    fn range(column: String, Interval { lower, upper }: Interval) -> Self {
        Range {
            column,
            lower,
            upper,
        }
        .into()
    }

    fn set<V: Into<Value>>(
        column: String,
        values: impl IntoIterator<Item = V>,
        allowed: bool,
    ) -> Self {
        Set {
            column,
            values: values.into_iter().map(|v| plain(v.into())).collect(),
            allowed,
        }
        .into()
    }

    fn pattern(column: String, pattern: String, allowed: bool) -> Self {
        Pattern {
            column,
            regex: pattern,
            allowed,
        }
        .into()
    }

    fn part(column: String, place: Place, part: String) -> Self {
        Part {
            column,
            place,
            text: part,
        }
        .into()
    }

    fn times(column: String, not_before: Option<EventTime>, not_after: Option<EventTime>) -> Self {
        TimeRange {
            column,
            not_before,
            not_after,
        }
        .into()
    }
}
