//! Single values: what a request carries, what a feature lookup answers, what a model reads.

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{
        DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
        TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type,
    },
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::{Error, EventTime, Result, cell};

/// One value of a row. The JSON form is the plain one: `null`, `true`, `17850`, `0.5`, `"UK"`;
/// a time is its RFC 3339 text and reads back as text. A list is an array, a map by text an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(untagged)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A real number; NaN stays NaN and is not the same as null.
    Float(f64),
    /// A text.
    Str(String),
    /// An instant.
    Time(EventTime),
    /// Several values in order: a feature over the newest events.
    List(Vec<Value>),
    /// A value for each category: a feature by category.
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// The value as a number: booleans are 0 and 1; all that is no number is `None`.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Bool(b) => Some(f64::from(*b)),
            Self::Int(i) => Some(*i as f64),
            Self::Float(f) => Some(*f),
            Self::Null | Self::Str(_) | Self::Time(_) | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// The value as text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Whether there is no value.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The value in one row of an Arrow column.
    ///
    /// A day is its midnight in UTC, a time without a zone is meant in UTC, a duration is the count of its unit,
    /// a decimal its exact text, and bytes are hexadecimal text.
    ///
    /// # Errors
    /// [`Error::TypeMismatch`](crate::Error::TypeMismatch) if the column's type has no such value,
    /// [`Error::Unrepresentable`](crate::Error::Unrepresentable) if this one would lose something.
    pub fn from_array(column: &str, array: &ArrayRef, row: usize) -> Result<Self> {
        if array.is_null(row) {
            return Ok(Self::Null);
        }
        Ok(match array.data_type() {
            DataType::Boolean => Self::Bool(array.as_boolean().value(row)),
            DataType::Int8 => Self::Int(array.as_primitive::<Int8Type>().value(row).into()),
            DataType::Int16 => Self::Int(array.as_primitive::<Int16Type>().value(row).into()),
            DataType::Int32 => Self::Int(array.as_primitive::<Int32Type>().value(row).into()),
            DataType::Int64 => Self::Int(array.as_primitive::<Int64Type>().value(row)),
            DataType::UInt8 => Self::Int(array.as_primitive::<UInt8Type>().value(row).into()),
            DataType::UInt16 => Self::Int(array.as_primitive::<UInt16Type>().value(row).into()),
            DataType::UInt32 => Self::Int(array.as_primitive::<UInt32Type>().value(row).into()),
            DataType::Float32 => Self::Float(array.as_primitive::<Float32Type>().value(row).into()),
            DataType::Float64 => Self::Float(array.as_primitive::<Float64Type>().value(row)),
            DataType::Utf8 => Self::Str(array.as_string::<i32>().value(row).to_owned()),
            DataType::LargeUtf8 => Self::Str(array.as_string::<i64>().value(row).to_owned()),
            t if *t == EventTime::data_type() => Self::Time(EventTime::from_micros(
                array.as_primitive::<TimestampMicrosecondType>().value(row),
            )),
            DataType::List(_) => {
                let items = array.as_list::<i32>().value(row);
                Self::List(Self::all(column, &items)?)
            }
            DataType::Map(..) => {
                let entries = array.as_map().value(row);
                let names = entries.column(0).as_string_opt::<i32>();
                let names = names.ok_or_else(|| mismatch(column, array.data_type()))?;
                let values = Self::all(column, entries.column(1))?;
                let names = names.iter().map(|name| name.unwrap_or_default().to_owned());
                Self::Map(names.zip(values).collect())
            }
            _ => cell::read(column, array, row)?,
        })
    }

    /// The values of all rows of a column.
    fn all(column: &str, array: &ArrayRef) -> Result<Vec<Self>> {
        (0..array.len())
            .map(|row| Self::from_array(column, array, row))
            .collect()
    }
}

fn mismatch(column: &str, found: &DataType) -> Error {
    Error::TypeMismatch {
        column: column.to_owned(),
        expected: DataType::Utf8,
        found: found.clone(),
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Str(value.to_owned())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Str(value)
    }
}
impl From<EventTime> for Value {
    fn from(value: EventTime) -> Self {
        Self::Time(value)
    }
}
impl From<Vec<Value>> for Value {
    fn from(values: Vec<Value>) -> Self {
        Self::List(values)
    }
}
impl From<BTreeMap<String, Value>> for Value {
    fn from(values: BTreeMap<String, Value>) -> Self {
        Self::Map(values)
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_the_plain_form() {
        let values = vec![
            Value::Null,
            true.into(),
            17_850.into(),
            0.5.into(),
            "United Kingdom".into(),
            vec![Value::Int(1), Value::Null].into(),
            BTreeMap::from([("IE".to_owned(), Value::Float(2.5))]).into(),
        ];
        let json = serde_json::to_string(&values).unwrap();
        assert_eq!(
            json,
            r#"[null,true,17850,0.5,"United Kingdom",[1,null],{"IE":2.5}]"#
        );
        assert_eq!(serde_json::from_str::<Vec<Value>>(&json).unwrap(), values);
    }
}
