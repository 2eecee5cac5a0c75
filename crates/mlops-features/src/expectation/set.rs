//! A value is one of a list, or none of it.

use mlops_core::{EventTime, Value};
use serde::{Deserialize, Serialize};

use super::{
    check::{Check, Context, Outcome, rows},
    distinct::{float_key, whole_key},
    frequent::{frequent, text},
    intern::KeySet,
    live::Live,
    values::{Integer, Real, Values, each_whole},
};
use crate::Result;

/// How many unexpected values are named.
const NAMED: usize = 5;
/// Up to so many listed values are compared one by one, which vectorises.
const FEW: usize = 8;

/// See [`Expectation::in_set`](super::Expectation::in_set).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Set {
    pub(super) column: String,
    pub(super) values: Vec<Value>,
    pub(super) allowed: bool,
}

impl Check for Set {
    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn words(&self) -> String {
        let relation = if self.allowed { "one of" } else { "none of" };
        format!("`{}` is {relation} {}", self.column, named(&self.values))
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        if self.values.is_empty() {
            return Err(context.invalid("the list is empty"));
        }
        let (values, live) = context.values(&self.column)?;
        let bad = outside(
            context,
            &self.column,
            (&values, &live),
            &self.values,
            self.allowed,
        )?;
        let observed = unexpected(context, &self.column, &bad)?;
        Ok(rows(&live, bad, observed))
    }

    fn effort(&self) -> u32 {
        5
    }
}

/// The first listed values, in words.
pub(super) fn named(values: &[Value]) -> String {
    let named: Vec<String> = values.iter().take(NAMED).map(text).collect();
    let more = if values.len() > NAMED { ", …" } else { "" };
    format!("{}{more}", named.join(", "))
}

/// The rows of a column whose membership in a list is not as `allowed` says.
pub(super) fn outside(
    context: &Context<'_>,
    column: &str,
    (values, live): (&Values, &Live),
    listed: &[Value],
    allowed: bool,
) -> Result<Vec<u32>> {
    let wrong = || context.wrong_type(column, "the kind of the listed values");
    Ok(match values {
        Values::Text(texts) => {
            let mut set = KeySet::new();
            for value in listed {
                set.insert_text(value.as_str().ok_or_else(wrong)?);
            }
            context.bad_texts(column, texts, live, |t| set.contains_text(t) == allowed)?
        }
        Values::Bool(bits) => {
            let listed = all(listed, |v| match v {
                Value::Bool(b) => Some(*b),
                _ => None,
            });
            let listed = listed.ok_or_else(wrong)?;
            live.bad_at(|row| listed.contains(&bits.value(row)) == allowed)
        }
        Values::Whole(whole) => {
            let listed = all(listed, |v| match v {
                Value::Int(i) => Some(*i),
                _ => None,
            });
            let listed = listed.ok_or_else(wrong)?;
            each_whole!(whole, values => outside_whole(values, live, &listed, allowed))
        }
        Values::Real(real) => {
            let listed = all(listed, |v| match v {
                Value::Int(_) | Value::Float(_) => v.as_f64(),
                _ => None,
            });
            let listed: Vec<f64> = listed.ok_or_else(wrong)?;
            if !listed.iter().all(|v| v.is_finite()) {
                // nothing equals NaN, and JSON has neither it nor infinity
                return Err(context.invalid("a listed number is not finite"));
            }
            outside_real(real, live, &listed, allowed)
        }
        Values::Time(micros) => {
            let listed = all(listed, |v| instant(v).map(EventTime::micros)).ok_or_else(wrong)?;
            outside_whole(micros, live, &listed, allowed)
        }
        Values::Other => {
            return Err(context.wrong_type(column, "a text, a boolean, a number or an instant"));
        }
    })
}

/// A listed instant, which is a text in JSON.
pub(super) fn instant(value: &Value) -> Option<EventTime> {
    match value {
        Value::Time(time) => Some(*time),
        value => EventTime::parse(value.as_str()?).ok(),
    }
}

/// A value as JSON gives it back: an instant as its text.
pub(super) fn plain(value: Value) -> Value {
    match value {
        Value::Time(time) => Value::Str(time.to_string()),
        value => value,
    }
}

fn all<'a, T>(values: &'a [Value], of: impl Fn(&'a Value) -> Option<T>) -> Option<Vec<T>> {
    values.iter().map(of).collect()
}

fn outside_whole<T: Integer>(values: &[T], live: &Live, listed: &[i64], allowed: bool) -> Vec<u32> {
    if listed.len() <= FEW {
        // one that does not fit the column is equal to nothing in it
        let fit = listed.iter().filter_map(|v| T::try_from((*v).into()).ok());
        return outside_few(values, live, &fit.collect::<Vec<T>>(), allowed);
    }
    let mut set = KeySet::new();
    for value in listed {
        set.insert(whole_key((*value).into()));
    }
    let fits = |v: T| i64::try_from(v.into()).is_ok();
    live.bad(values, |v| {
        (fits(v) && set.contains(whole_key(v.into()))) == allowed
    })
}

fn outside_real(real: &Real, live: &Live, listed: &[f64], allowed: bool) -> Vec<u32> {
    if listed.len() <= FEW {
        return match real {
            Real::F32(_) => outside_few(&real.wide(), live, listed, allowed),
            Real::F64(values) => outside_few(values, live, listed, allowed),
        };
    }
    let mut set = KeySet::new();
    for value in listed {
        set.insert(float_key(*value));
    }
    live.bad(&real.wide(), |v| set.contains(float_key(v)) == allowed)
}

/// Against up to eight values, whose number is known when this is compiled.
fn outside_few<T: Copy + PartialEq>(
    values: &[T],
    live: &Live,
    listed: &[T],
    allowed: bool,
) -> Vec<u32> {
    match listed.len() {
        0 => live.bad(values, |_| !allowed),
        1 => outside_some::<T, 1>(values, live, listed, allowed),
        2 => outside_some::<T, 2>(values, live, listed, allowed),
        3 | 4 => outside_some::<T, 4>(values, live, listed, allowed),
        _ => outside_some::<T, FEW>(values, live, listed, allowed),
    }
}

fn outside_some<T: Copy + PartialEq, const N: usize>(
    values: &[T],
    live: &Live,
    listed: &[T],
    allowed: bool,
) -> Vec<u32> {
    // the last one again where there are fewer
    let listed: [T; N] = std::array::from_fn(|at| listed[at.min(listed.len() - 1)]);
    // no early exit, so that eight rows are compared at a time
    live.bad(values, |v| {
        let found = listed
            .iter()
            .fold(0_u8, |found, one| found | u8::from(*one == v));
        (found != 0) == allowed
    })
}

/// The unexpected values that are most frequent, with their counts.
fn unexpected(context: &Context<'_>, column: &str, bad: &[u32]) -> Result<String> {
    let (distinct, most) = frequent(context.column(column)?, bad, NAMED)?;
    let named: Vec<String> = most
        .into_iter()
        .map(|(value, count)| format!("{value} × {count}"))
        .collect();
    let list = if named.is_empty() {
        String::new()
    } else {
        format!(": {}", named.join(", "))
    };
    Ok(format!("{distinct} unexpected values{list}"))
}
