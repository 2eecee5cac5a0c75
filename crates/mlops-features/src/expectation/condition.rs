//! Which rows an expectation is about.

use std::ops::Bound;

use arrow::buffer::BooleanBuffer;
use mlops_core::Value;
use serde::{Deserialize, Serialize};

use super::{
    check::Context,
    comparison::Comparison,
    limit::{Interval, Limit},
    live::Live,
    set::{instant, named, outside, plain},
    values::Values,
};
use crate::Result;

/// A filter on rows by one column. A null meets none but [`Condition::is_null`].
///
/// ```
/// use mlops_features::{Condition, Expectation};
///
/// let expectation = Expectation::not_null("customs_code").when(Condition::not_in("country", ["UK", "IE"]));
/// assert_eq!(expectation.words(), "`customs_code` is not null, where `country` is none of \"UK\", \"IE\"");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    column: String,
    is: Test,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Test {
    Equal(Value),
    NotEqual(Value),
    Less(Value),
    LessOrEqual(Value),
    Greater(Value),
    GreaterOrEqual(Value),
    In(Vec<Value>),
    NotIn(Vec<Value>),
    Null(bool),
}

impl Condition {
    /// The column compares so with the value.
    pub fn new(column: impl Into<String>, is: Comparison, value: impl Into<Value>) -> Self {
        let value = plain(value.into());
        let test = match is {
            Comparison::Equal => Test::Equal(value),
            Comparison::NotEqual => Test::NotEqual(value),
            Comparison::Less => Test::Less(value),
            Comparison::LessOrEqual => Test::LessOrEqual(value),
            Comparison::Greater => Test::Greater(value),
            Comparison::GreaterOrEqual => Test::GreaterOrEqual(value),
        };
        Self {
            column: column.into(),
            is: test,
        }
    }

    /// The column has the value.
    pub fn equal(column: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::new(column, Comparison::Equal, value)
    }

    /// The column has one of the values.
    pub fn is_in<V: Into<Value>>(
        column: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self {
            column: column.into(),
            is: Test::In(values.into_iter().map(|v| plain(v.into())).collect()),
        }
    }

    /// The column has a value that is none of these.
    pub fn not_in<V: Into<Value>>(
        column: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self {
            column: column.into(),
            is: Test::NotIn(values.into_iter().map(|v| plain(v.into())).collect()),
        }
    }

    /// The column has no value.
    pub fn is_null(column: impl Into<String>) -> Self {
        Self {
            column: column.into(),
            is: Test::Null(true),
        }
    }

    /// The column has a value.
    pub fn is_not_null(column: impl Into<String>) -> Self {
        Self {
            column: column.into(),
            is: Test::Null(false),
        }
    }

    /// The condition in words.
    pub fn words(&self) -> String {
        let column = &self.column;
        match &self.is {
            Test::In(values) => format!("`{column}` is one of {}", named(values)),
            Test::NotIn(values) => format!("`{column}` is none of {}", named(values)),
            Test::Null(true) => format!("`{column}` is null"),
            Test::Null(false) => format!("`{column}` is not null"),
            test => {
                let (is, value) = test.compared().unwrap_or((Comparison::Equal, &Value::Null));
                format!("`{column}` {} {}", is.sign(), super::frequent::text(value))
            }
        }
    }

    /// The rows that meet the condition.
    pub(super) fn rows(&self, context: &Context<'_>) -> Result<BooleanBuffer> {
        let array = context.column(&self.column)?;
        let all = Live::new(context.table.rows(), None);
        let (values, live) = (Values::of(array)?, all.clone().with_values(array));
        let member = |listed: &[Value], allowed| {
            let bad = outside(context, &self.column, (&values, &live), listed, allowed)?;
            Ok(live.without(&bad))
        };
        match &self.is {
            Test::Null(false) => Ok(live.without(&[])),
            Test::Null(true) => Ok(!&live.without(&[])),
            Test::In(listed) => member(listed, true),
            Test::NotIn(listed) => member(listed, false),
            test => {
                let (is, value) = test.compared().unwrap_or((Comparison::Equal, &Value::Null));
                self.compared(context, &values, &live, is, value)
            }
        }
    }

    /// The rows whose value stands in a relation to another.
    fn compared(
        &self,
        context: &Context<'_>,
        values: &Values,
        live: &Live,
        is: Comparison,
        value: &Value,
    ) -> Result<BooleanBuffer> {
        let wrong = || context.wrong_type(&self.column, "the kind of the value in its condition");
        let bad = match (values, value) {
            (Values::Text(texts), Value::Str(text)) => {
                context.bad_texts(&self.column, texts, live, |t| {
                    is.holds(Some(t.cmp(text.as_str())))
                })?
            }
            (Values::Bool(bits), Value::Bool(b)) => {
                live.bad_at(|row| is.holds(Some(bits.value(row).cmp(b))))
            }
            (Values::Time(micros), value) => {
                let at = instant(value).ok_or_else(wrong)?.micros();
                live.bad(micros, |t| is.holds(Some(t.cmp(&at))))
            }
            (_, Value::Int(i)) => numbers(values, live, is, Limit::Int(*i)).ok_or_else(wrong)?,
            (_, Value::Float(x)) => {
                numbers(values, live, is, Limit::Float(*x)).ok_or_else(wrong)?
            }
            _ => return Err(wrong()),
        };
        Ok(live.without(&bad))
    }
}

impl Test {
    fn compared(&self) -> Option<(Comparison, &Value)> {
        Some(match self {
            Self::Equal(value) => (Comparison::Equal, value),
            Self::NotEqual(value) => (Comparison::NotEqual, value),
            Self::Less(value) => (Comparison::Less, value),
            Self::LessOrEqual(value) => (Comparison::LessOrEqual, value),
            Self::Greater(value) => (Comparison::Greater, value),
            Self::GreaterOrEqual(value) => (Comparison::GreaterOrEqual, value),
            Self::In(_) | Self::NotIn(_) | Self::Null(_) => return None,
        })
    }
}

/// The rows of a numeric column that do not stand in the relation.
fn numbers(values: &Values, live: &Live, is: Comparison, number: Limit) -> Option<Vec<u32>> {
    use Bound::{Excluded, Included, Unbounded};
    let (lower, upper) = match is {
        Comparison::Equal | Comparison::NotEqual => (Included(number), Included(number)),
        Comparison::Less => (Unbounded, Excluded(number)),
        Comparison::LessOrEqual => (Unbounded, Included(number)),
        Comparison::Greater => (Excluded(number), Unbounded),
        Comparison::GreaterOrEqual => (Included(number), Unbounded),
    };
    let outside = Interval { lower, upper }.outside(values, live)?;
    if is != Comparison::NotEqual {
        return Some(outside);
    }
    // what is not outside is equal
    let equal = live.without(&outside);
    Some(equal.set_indices_u32().collect())
}
