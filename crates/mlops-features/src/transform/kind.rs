//! The five types that expressions compute with, and a single value of one.

use std::borrow::Cow;

use arrow::{array::ArrayRef, datatypes::DataType};
use mlops_core::{EventTime, Value};

use crate::{Error, Result, view};

/// What an expression holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Bool,
    Int,
    Float,
    Text,
    Time,
}

impl Kind {
    /// The kind of a column that expressions read: whole numbers and durations, real numbers and texts of any
    /// width, days as their midnight in UTC, times in any unit.
    pub(crate) fn of_input(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Boolean => Some(Self::Bool),
            t if t.is_integer() => Some(Self::Int),
            DataType::Duration(_) => Some(Self::Int),
            DataType::Float32 | DataType::Float64 => Some(Self::Float),
            t if t.is_string() => Some(Self::Text),
            DataType::Timestamp(_, _) | DataType::Date32 | DataType::Date64 => Some(Self::Time),
            _ => None,
        }
    }

    /// The kind of a column that expressions make.
    pub(crate) fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Boolean => Some(Self::Bool),
            DataType::Int64 => Some(Self::Int),
            DataType::Float64 => Some(Self::Float),
            DataType::Utf8 => Some(Self::Text),
            time if *time == EventTime::data_type() => Some(Self::Time),
            _ => None,
        }
    }

    /// The Arrow type of a column of this kind.
    pub(crate) fn data_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Text => DataType::Utf8,
            Self::Time => EventTime::data_type(),
        }
    }

    /// The name that error texts use.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bool => "Boolean",
            Self::Int => "Int64",
            Self::Float => "Float64",
            Self::Text => "Utf8",
            Self::Time => "Timestamp",
        }
    }
}

/// The column of an input as expressions hold it.
///
/// # Errors
/// [`Error::TransformInput`] with the row of a value that does not fit.
pub(crate) fn plain(name: &str, array: &ArrayRef) -> Result<ArrayRef> {
    let data_type = array.data_type();
    if Kind::of(data_type).is_some() || Kind::of_input(data_type).is_none() {
        return Ok(ArrayRef::clone(array));
    }
    view::store(array, data_type)?.map_err(|unfit| Error::TransformInput {
        transform: "expressions".to_owned(),
        column: name.to_owned(),
        expected: "a value of its kind".to_owned(),
        found: format!(
            "one that does not fit in row {}: {}",
            unfit.row, unfit.reason
        ),
    })
}

/// An instant in microseconds, so that no kernel takes it for a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Instant(pub(crate) i64);

/// One value while a row is computed; texts are borrowed as long as they can be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Time(Instant),
    Text(Cow<'a, str>),
}

impl<'a> Cell<'a> {
    /// The value as a cell; `None` for a value that expressions do not compute with.
    pub(crate) fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) => Self::Int(*value),
            Value::Float(value) => Self::Float(*value),
            Value::Time(value) => Self::Time(Instant(value.micros())),
            Value::Str(value) => Self::Text(Cow::Borrowed(value)),
            _ => return None,
        })
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// What it holds, or `None` for null.
    pub(crate) fn kind(&self) -> Option<Kind> {
        match self {
            Self::Null => None,
            Self::Bool(_) => Some(Kind::Bool),
            Self::Int(_) => Some(Kind::Int),
            Self::Float(_) => Some(Kind::Float),
            Self::Time(_) => Some(Kind::Time),
            Self::Text(_) => Some(Kind::Text),
        }
    }

    /// The cell with its text borrowed from this one.
    pub(crate) fn borrowed(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Bool(value) => Cell::Bool(*value),
            Self::Int(value) => Cell::Int(*value),
            Self::Float(value) => Cell::Float(*value),
            Self::Time(value) => Cell::Time(*value),
            Self::Text(text) => Cell::Text(Cow::Borrowed(text)),
        }
    }

    /// The value that leaves the engine: every NaN is the one quiet NaN.
    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Float(value) => Value::Float(canonical(value)),
            Self::Time(Instant(value)) => Value::Time(EventTime::from_micros(value)),
            Self::Text(text) => Value::Str(text.into_owned()),
        }
    }

    /// The cell without a tie to anything.
    pub(crate) fn into_owned(self) -> Cell<'static> {
        match self {
            Self::Null => Cell::Null,
            Self::Bool(value) => Cell::Bool(value),
            Self::Int(value) => Cell::Int(value),
            Self::Float(value) => Cell::Float(value),
            Self::Time(value) => Cell::Time(value),
            Self::Text(text) => Cell::Text(Cow::Owned(text.into_owned())),
        }
    }
}

/// The same number, with one bit pattern for every NaN: which one an operation gives is left open by
/// IEEE 754, and equal to the bit is what both paths must be.
pub(crate) fn canonical(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value }
}
