//! The expectations on a table as a whole, as they are written down.

use std::ops::RangeBounds;

use arrow::datatypes::DataType;
use mlops_core::{EventTime, Span, Value};

use super::{
    Distance, Expectation, Kind, Limit, SetRelation, Shares, Statistic,
    columns::{ColumnCount, ColumnExists, Columns, Relation},
    distinct_set::{DistinctSet, MostFrequent},
    distribution::Distribution,
    limit::Interval,
    newest::{Fresh, Newest},
    of_type::{OfKind, OfType},
    row_count::{RowCount, SameRowCount},
    set::plain,
    statistic::StatisticRange,
};

/// Rules on the table as a whole.
impl Expectation {
    /// The newest instant of the table is not earlier: the data is fresh.
    pub fn newest_not_before(column: impl Into<String>, limit: EventTime) -> Self {
        Newest {
            column: column.into(),
            not_before: limit,
        }
        .into()
    }

    /// The newest instant lies at most a span before the one that the check is made at, and not after it; see
    /// [`Inspection::as_of`](crate::Inspection::as_of).
    #[doc(alias = "freshness")]
    pub fn fresh_within(column: impl Into<String>, within: Span) -> Self {
        Fresh {
            column: column.into(),
            within,
        }
        .into()
    }

    /// The table has `min..=max` rows.
    pub fn row_count_between(min: u64, max: u64) -> Self {
        RowCount { min, max }.into()
    }

    /// The table has so many rows.
    pub fn row_count(rows: u64) -> Self {
        Self::row_count_between(rows, rows)
    }

    /// The table has as many rows as another, given by [`Inspection::table`](crate::Inspection::table).
    pub fn row_count_equals_table(table: impl Into<String>) -> Self {
        SameRowCount {
            table: table.into(),
        }
        .into()
    }

    /// There is a column of that name.
    pub fn column_exists(column: impl Into<String>) -> Self {
        ColumnExists {
            column: column.into(),
            at: None,
        }
        .into()
    }

    /// There is a column of that name at a position, counted from 0.
    pub fn column_at(column: impl Into<String>, at: usize) -> Self {
        ColumnExists {
            column: column.into(),
            at: Some(at),
        }
        .into()
    }

    /// The table has these columns and no others, in any order.
    pub fn columns_are<C: Into<String>>(columns: impl IntoIterator<Item = C>) -> Self {
        Self::columns_as(columns, Relation::Same)
    }

    /// The table has these columns and no others, in this order.
    pub fn columns_in_order<C: Into<String>>(columns: impl IntoIterator<Item = C>) -> Self {
        Self::columns_as(columns, Relation::Ordered)
    }

    /// The table has these columns, and perhaps others.
    pub fn columns_include<C: Into<String>>(columns: impl IntoIterator<Item = C>) -> Self {
        Self::columns_as(columns, Relation::Include)
    }

    /// The table has `min..=max` columns.
    pub fn column_count_between(min: usize, max: usize) -> Self {
        ColumnCount { min, max }.into()
    }

    /// A column has exactly this Arrow type.
    pub fn of_type(column: impl Into<String>, data_type: &DataType) -> Self {
        Self::of_types(column, [data_type])
    }

    /// A column has one of these Arrow types.
    pub fn of_types<'a>(
        column: impl Into<String>,
        types: impl IntoIterator<Item = &'a DataType>,
    ) -> Self {
        OfType {
            column: column.into(),
            types: types.into_iter().map(ToString::to_string).collect(),
        }
        .into()
    }

    /// A column holds values of a kind, in whatever width.
    pub fn of_kind(column: impl Into<String>, kind: Kind) -> Self {
        OfKind {
            column: column.into(),
            kind,
        }
        .into()
    }

    /// A figure of a column lies in a range.
    ///
    /// ```
    /// use mlops_features::{Expectation, Statistic};
    ///
    /// let mean = Expectation::statistic_within("age", Statistic::Mean, 30.0..50.0);
    /// assert_eq!(mean.words(), "the mean of `age` is at least 30 and below 50");
    /// ```
    pub fn statistic_within(
        column: impl Into<String>,
        of: Statistic,
        range: impl RangeBounds<f64>,
    ) -> Self {
        Self::statistic(column.into(), of, Interval::new(&range))
    }

    /// The mean lies in `min..=max`.
    pub fn mean_between(
        column: impl Into<String>,
        min: impl Into<Limit>,
        max: impl Into<Limit>,
    ) -> Self {
        Self::statistic_between(column.into(), Statistic::Mean, min, max)
    }

    /// The median lies in `min..=max`.
    pub fn median_between(
        column: impl Into<String>,
        min: impl Into<Limit>,
        max: impl Into<Limit>,
    ) -> Self {
        Self::statistic_between(column.into(), Statistic::Median, min, max)
    }

    /// A quantile, such as 0.95, lies in `min..=max`.
    pub fn quantile_between(
        column: impl Into<String>,
        quantile: f64,
        min: impl Into<Limit>,
        max: impl Into<Limit>,
    ) -> Self {
        Self::statistic_between(column.into(), Statistic::Quantile(quantile), min, max)
    }

    /// The standard deviation of the sample lies in `min..=max`.
    pub fn deviation_between(
        column: impl Into<String>,
        min: impl Into<Limit>,
        max: impl Into<Limit>,
    ) -> Self {
        Self::statistic_between(column.into(), Statistic::Deviation, min, max)
    }

    /// The sum lies in `min..=max`.
    pub fn sum_between(
        column: impl Into<String>,
        min: impl Into<Limit>,
        max: impl Into<Limit>,
    ) -> Self {
        Self::statistic_between(column.into(), Statistic::Sum, min, max)
    }

    /// The least value lies in `min..=max`.
    pub fn min_between(
        column: impl Into<String>,
        min: impl Into<Limit>,
        max: impl Into<Limit>,
    ) -> Self {
        Self::statistic_between(column.into(), Statistic::Min, min, max)
    }

    /// The greatest value lies in `min..=max`.
    pub fn max_between(
        column: impl Into<String>,
        min: impl Into<Limit>,
        max: impl Into<Limit>,
    ) -> Self {
        Self::statistic_between(column.into(), Statistic::Max, min, max)
    }

    /// The column has `min..=max` distinct values, nulls apart.
    pub fn distinct_count_between(column: impl Into<String>, min: u32, max: u32) -> Self {
        Self::statistic_between(column.into(), Statistic::DistinctCount, min, max)
    }

    /// Distinct values make up a share in `min..=max` of the values that are not null.
    pub fn distinct_share_between(column: impl Into<String>, min: f64, max: f64) -> Self {
        Self::statistic_between(column.into(), Statistic::DistinctShare, min, max)
    }

    /// Nulls make up a share in `min..=max` of the rows.
    pub fn null_share_between(column: impl Into<String>, min: f64, max: f64) -> Self {
        Self::statistic_between(column.into(), Statistic::NullShare, min, max)
    }

    /// The distinct values of a column stand so to those listed.
    pub fn distinct_values<V: Into<Value>>(
        column: impl Into<String>,
        relation: SetRelation,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        DistinctSet {
            column: column.into(),
            relation,
            values: values.into_iter().map(|v| plain(v.into())).collect(),
        }
        .into()
    }

    /// The most frequent value is one of those listed; of several that are equally frequent, each is.
    pub fn most_frequent_in<V: Into<Value>>(
        column: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        MostFrequent {
            column: column.into(),
            values: values.into_iter().map(|v| plain(v.into())).collect(),
        }
        .into()
    }

    /// The values are spread as a stored partition says, up to a distance.
    pub fn distribution(
        column: impl Into<String>,
        shares: Shares,
        distance: Distance,
        limit: f64,
    ) -> Self {
        Distribution {
            column: column.into(),
            shares,
            distance,
            limit,
        }
        .into()
    }

    fn statistic_between(
        column: String,
        of: Statistic,
        min: impl Into<Limit>,
        max: impl Into<Limit>,
    ) -> Self {
        let (min, max): (Limit, Limit) = (min.into(), max.into());
        Self::statistic(column, of, Interval::new::<Limit>(&(min..=max)))
    }

    fn statistic(column: String, of: Statistic, Interval { lower, upper }: Interval) -> Self {
        StatisticRange {
            column,
            of,
            lower,
            upper,
        }
        .into()
    }

    fn columns_as<C: Into<String>>(
        columns: impl IntoIterator<Item = C>,
        relation: Relation,
    ) -> Self {
        Columns {
            columns: columns.into_iter().map(Into::into).collect(),
            relation,
        }
        .into()
    }
}
