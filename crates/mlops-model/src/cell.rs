//! One view on values, whether they come from a row or from an Arrow column.
//!
//! Checks and encoders read [`Cell`]s alone, so a batch and a row cannot be treated differently.

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, LargeStringArray,
        StringArray,
    },
    compute,
    datatypes::DataType,
};
use mlops_core::Value;

use crate::{Error, Input, InputKind, Result};

/// The largest whole number such that it and all below it are exact real numbers.
pub(crate) const EXACT: u64 = 1 << 53;

/// A value without its memory.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'a> {
    Missing,
    Number(f64),
    Int(i64),
    Bool(bool),
    Text(&'a str),
}

impl<'a> Cell<'a> {
    /// The cell of a value; `None` for a time, a list or a map, which no model reads.
    pub(crate) fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::Missing,
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) => Self::Int(*value),
            Value::Float(value) => Self::Number(*value),
            Value::Str(value) => Self::Text(value),
            Value::Time(_) | Value::List(_) | Value::Map(_) => return None,
        })
    }

    /// The number that a numeric encoder reads; NaN if there is none.
    pub(crate) fn number(self) -> f64 {
        match self {
            Self::Number(value) => value,
            #[expect(
                clippy::cast_precision_loss,
                reason = "the signature refuses what is not exact"
            )]
            Self::Int(value) => value as f64,
            Self::Bool(value) => f64::from(u8::from(value)),
            Self::Missing | Self::Text(_) => f64::NAN,
        }
    }
}

/// One column of a batch, its type resolved once.
#[derive(Debug)]
pub(crate) enum Cells {
    Number(Float64Array),
    Int(Int64Array),
    Bool(BooleanArray),
    Text(StringArray),
    LargeText(LargeStringArray),
}

impl Cells {
    /// Takes a column whose type an input of this kind accepts.
    pub(crate) fn bind(input: &Input, column: &ArrayRef) -> Result<Self> {
        let accepted = match InputKind::of(column.data_type()) {
            Some(kind) => {
                kind == input.kind || (input.kind == InputKind::Float && kind == InputKind::Int)
            }
            // a column of nulls only is what a source makes of an empty one
            None => *column.data_type() == DataType::Null,
        };
        if !accepted {
            return Err(Error::WrongType {
                column: input.name.clone(),
                row: None,
                expected: input.kind,
                found: format!("a column of {}", column.data_type()),
            });
        }
        Ok(match column.data_type() {
            DataType::Float64 => Self::Number(column.as_primitive().clone()),
            DataType::Float32 => {
                Self::Number(cast(column, &DataType::Float64)?.as_primitive().clone())
            }
            DataType::Int64 => Self::Int(column.as_primitive().clone()),
            DataType::Boolean => Self::Bool(column.as_boolean().clone()),
            DataType::Utf8 => Self::Text(column.as_string().clone()),
            DataType::LargeUtf8 => Self::LargeText(column.as_string().clone()),
            DataType::Null => Self::Int(Int64Array::new_null(column.len())),
            _ => Self::Int(cast(column, &DataType::Int64)?.as_primitive().clone()),
        })
    }

    /// The numbers of a column of real numbers that are all there.
    pub(crate) fn numbers(&self) -> Option<&[f64]> {
        match self {
            Self::Number(a) if a.null_count() == 0 => Some(a.values()),
            _ => None,
        }
    }

    /// Whether a column holds values without null, all of them finite and exact, so that no input of its kind
    /// refuses any.
    pub(crate) fn is_plain(&self) -> bool {
        match self {
            Self::Number(a) => a.null_count() == 0 && a.values().iter().all(|x| x.is_finite()),
            Self::Int(a) => {
                let exact = |x: &i64| x.unsigned_abs() <= EXACT;
                a.null_count() == 0 && a.values().iter().all(exact)
            }
            Self::Bool(a) => a.null_count() == 0,
            Self::Text(a) => a.null_count() == 0,
            Self::LargeText(a) => a.null_count() == 0,
        }
    }

    /// The cell in one row.
    pub(crate) fn get(&self, row: usize) -> Cell<'_> {
        match self {
            Self::Number(a) if a.is_valid(row) => Cell::Number(a.value(row)),
            Self::Int(a) if a.is_valid(row) => Cell::Int(a.value(row)),
            Self::Bool(a) if a.is_valid(row) => Cell::Bool(a.value(row)),
            Self::Text(a) if a.is_valid(row) => Cell::Text(a.value(row)),
            Self::LargeText(a) if a.is_valid(row) => Cell::Text(a.value(row)),
            _ => Cell::Missing,
        }
    }
}

fn cast(column: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    compute::cast(column, to).map_err(|source| {
        Error::Core(mlops_core::Error::Arrow {
            action: "widen a column",
            source,
        })
    })
}
