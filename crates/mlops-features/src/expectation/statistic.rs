//! A figure of a whole column lies in a range.

use std::ops::Bound;

use mlops_core::Value;
use serde::{Deserialize, Serialize};

use super::{
    check::{Check, Context, Outcome, whole},
    distinct::counts,
    limit::{Interval, Limit},
    live::Live,
    moments::Moments,
    quantile::{numbers, quantile},
    row_count::count,
    values::Values,
};
use crate::Result;

/// A figure of a column, over its values that are not null.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Statistic {
    /// The arithmetic mean.
    Mean,
    /// The middle value, or the mean of the two.
    Median,
    /// The value below which a share of all values lies, in `0.0..=1.0`; linear between neighbours, as numpy's default.
    Quantile(f64),
    /// The standard deviation of a sample, divided by one less than the count.
    Deviation,
    /// The sum.
    Sum,
    /// The least value.
    Min,
    /// The greatest value.
    Max,
    /// The number of distinct values, of any type.
    DistinctCount,
    /// Distinct values by values that are not null, of any type.
    #[doc(alias = "proportion of unique values")]
    DistinctShare,
    /// Nulls by rows, of any type.
    NullShare,
}

impl Statistic {
    fn name(self) -> String {
        match self {
            Self::Mean => "the mean of".to_owned(),
            Self::Median => "the median of".to_owned(),
            Self::Quantile(q) => format!("the {q} quantile of"),
            Self::Deviation => "the standard deviation of".to_owned(),
            Self::Sum => "the sum of".to_owned(),
            Self::Min => "the least".to_owned(),
            Self::Max => "the greatest".to_owned(),
            Self::DistinctCount => "the number of distinct".to_owned(),
            Self::DistinctShare => "the share of distinct".to_owned(),
            Self::NullShare => "the share of nulls in".to_owned(),
        }
    }
}

/// See [`Expectation::statistic_within`](super::Expectation::statistic_within).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StatisticRange {
    pub(super) column: String,
    pub(super) of: Statistic,
    pub(super) lower: Bound<Limit>,
    pub(super) upper: Bound<Limit>,
}

impl Check for StatisticRange {
    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn words(&self) -> String {
        let subject = format!("{} `{}`", self.of.name(), self.column);
        self.interval().words(&subject)
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        let interval = self.interval();
        if !interval.is_possible() {
            return Err(context.invalid("the range is empty"));
        }
        if let Statistic::Quantile(q) = self.of
            && !(0.0..=1.0).contains(&q)
        {
            return Err(context.invalid(format!("the quantile is {q}, not in 0..=1")));
        }
        let Some(value) = self.value(context)? else {
            return Ok(whole(false, "no value", None));
        };
        let passed = match &value {
            Value::Int(i) => interval.contains_whole((*i).into()),
            other => interval.contains(other.as_f64().unwrap_or(f64::NAN)),
        };
        let observed = match &value {
            Value::Int(i) => i.to_string(),
            other => other.as_f64().unwrap_or(f64::NAN).to_string(),
        };
        Ok(whole(passed, observed, Some(value)))
    }

    fn effort(&self) -> u32 {
        match self.of {
            Statistic::Median | Statistic::Quantile(_) => 10,
            Statistic::DistinctCount | Statistic::DistinctShare => 40,
            _ => 4,
        }
    }
}

impl StatisticRange {
    fn interval(&self) -> Interval {
        Interval {
            lower: self.lower,
            upper: self.upper,
        }
    }

    /// The figure; `None` if there is no value to take it of.
    fn value(&self, context: &Context<'_>) -> Result<Option<Value>> {
        let (values, live) = context.values(&self.column)?;
        match self.of {
            Statistic::DistinctCount => Ok(Some(count(self.distinct(context, &live)?))),
            Statistic::DistinctShare => {
                let distinct = self.distinct(context, &live)? as f64;
                Ok((live.count() > 0).then(|| Value::Float(distinct / live.count() as f64)))
            }
            Statistic::NullShare => {
                let rows = context.rows().count();
                let nulls = (rows - live.count()) as f64;
                Ok((rows > 0).then(|| Value::Float(nulls / rows as f64)))
            }
            Statistic::Median => self.quantile(context, &values, &live, 0.5),
            Statistic::Quantile(q) => self.quantile(context, &values, &live, q),
            of => {
                let moments = Moments::of(&values, &live)
                    .ok_or_else(|| context.wrong_type(&self.column, "a number"))?;
                let figure = match of {
                    Statistic::Mean => moments.mean,
                    Statistic::Sum => moments.sum,
                    Statistic::Min => moments.min,
                    Statistic::Max => moments.max,
                    _ => moments.deviation(),
                };
                Ok((moments.count > 0).then_some(Value::Float(figure)))
            }
        }
    }

    fn distinct(&self, context: &Context<'_>, live: &Live) -> Result<usize> {
        let distinct = context.distinct(&self.column)?;
        Ok(counts(&distinct, live).iter().filter(|n| **n > 0).count())
    }

    fn quantile(
        &self,
        context: &Context<'_>,
        values: &Values,
        live: &Live,
        q: f64,
    ) -> Result<Option<Value>> {
        let numbers =
            numbers(values, live).ok_or_else(|| context.wrong_type(&self.column, "a number"))?;
        Ok(quantile(numbers, q).map(Value::Float))
    }
}
