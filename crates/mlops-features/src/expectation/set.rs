//! A value is one of a list, or none of it.

use std::collections::{BTreeMap, BTreeSet};

use arrow::{
    array::{Array, AsArray},
    datatypes::{DataType, Int64Type},
};
use mlops_core::Value;
use serde::{Deserialize, Serialize};

use super::check::{Check, Context, Outcome, bad_rows, cast, rows};
use crate::Result;

/// How many unexpected values are named.
const NAMED: usize = 5;

/// See [`Expectation::in_set`](super::Expectation::in_set).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Set {
    pub(super) column: String,
    pub(super) values: Vec<Value>,
    pub(super) allowed: bool,
}

impl Set {
    /// The values as one kind, or nothing if they are not all of it.
    fn all<'a, T>(&'a self, of: impl Fn(&'a Value) -> Option<T>) -> Option<Vec<T>> {
        self.values.iter().map(of).collect()
    }
}

impl Check for Set {
    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn words(&self) -> String {
        let named: Vec<String> = self.values.iter().take(NAMED).map(text).collect();
        let more = if self.values.len() > NAMED {
            ", …"
        } else {
            ""
        };
        let relation = if self.allowed { "one of" } else { "none of" };
        format!("`{}` is {relation} {}{more}", self.column, named.join(", "))
    }

    fn check(&self, context: &Context<'_>) -> Result<Outcome> {
        if self.values.is_empty() {
            return Err(context.invalid("the list is empty"));
        }
        let array = context.column(&self.column)?;
        let wrong = |wanted| context.wrong_type(&self.column, wanted);
        let bad = match array.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                let texts = context.texts(&self.column)?;
                let set: BTreeSet<&str> = self
                    .all(Value::as_str)
                    .ok_or_else(|| wrong("the kind of the listed values"))?
                    .into_iter()
                    .collect();
                bad_rows(&texts, |text| set.contains(text) == self.allowed)
            }
            DataType::Boolean => {
                let set = self.all(|v| {
                    if let Value::Bool(b) = v {
                        Some(*b)
                    } else {
                        None
                    }
                });
                let set = set.ok_or_else(|| wrong("the kind of the listed values"))?;
                bad_rows(array.as_boolean(), |flag| {
                    set.contains(&flag) == self.allowed
                })
            }
            t if t.is_integer() && *t != DataType::UInt64 => {
                let set = self.all(|v| {
                    if let Value::Int(i) = v {
                        Some(*i)
                    } else {
                        None
                    }
                });
                let set: BTreeSet<i64> = set
                    .ok_or_else(|| wrong("the kind of the listed values"))?
                    .into_iter()
                    .collect();
                let numbers = cast(array, &DataType::Int64)?;
                let numbers = numbers.as_primitive::<Int64Type>();
                bad_rows(numbers, |number| set.contains(&number) == self.allowed)
            }
            t if t.is_floating() => {
                let set = self.all(|v| {
                    if v.as_str().is_none() {
                        v.as_f64()
                    } else {
                        None
                    }
                });
                let set = set.ok_or_else(|| wrong("the kind of the listed values"))?;
                let numbers = context.numbers(&self.column)?;
                bad_rows(&numbers, |number| set.contains(&number) == self.allowed)
            }
            _ => return Err(wrong("a text, a boolean or a number")),
        };
        let observed = unexpected(context, &self.column, &bad)?;
        Ok(rows(array, bad, observed))
    }
}

/// The unexpected values that are most frequent, with their counts.
fn unexpected(context: &Context<'_>, column: &str, bad: &[u32]) -> Result<String> {
    let array = context.column(column)?;
    let mut counts = BTreeMap::<String, usize>::new();
    for row in bad {
        let value = Value::from_array(column, array, *row as usize)?;
        *counts.entry(text(&value)).or_default() += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let distinct = counts.len();
    let named: Vec<String> = counts
        .into_iter()
        .take(NAMED)
        .map(|(value, count)| format!("{value} × {count}"))
        .collect();
    let list = if named.is_empty() {
        String::new()
    } else {
        format!(": {}", named.join(", "))
    };
    Ok(format!("{distinct} unexpected values{list}"))
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Float(f) => f.to_string(),
        Value::Str(s) => format!("{s:?}"),
        Value::Time(t) => t.to_string(),
        Value::List(_) | Value::Map(_) => serde_json::to_string(value).unwrap_or_default(),
    }
}
