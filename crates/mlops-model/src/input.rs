//! One input of a model: what kind of values it holds, and which of them it reads.

use std::fmt;

use arrow::datatypes::DataType;
use mlops_core::Value;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    cell::{Cell, EXACT},
    limit,
};

/// What kind of values an input holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum InputKind {
    /// Real numbers; whole numbers up to 2^53 are accepted too.
    Float,
    /// Whole numbers.
    Int,
    /// True or false.
    Bool,
    /// Texts.
    Str,
    /// Lists of real numbers in order, of one number at least; whole numbers up to 2^53 are accepted too.
    Floats {
        /// The most numbers of a list.
        longest: usize,
    },
    /// Lists of whole numbers in order, of one number at least.
    Ints {
        /// The most numbers of a list.
        longest: usize,
    },
}

impl InputKind {
    /// The kind that reads an Arrow column of single values, or `None` if no model reads such a column. A list
    /// has no kind by itself, because its column does not say how long it may be.
    pub fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Float32 | DataType::Float64 => Some(Self::Float),
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32 => Some(Self::Int),
            DataType::Boolean => Some(Self::Bool),
            DataType::Utf8 | DataType::LargeUtf8 => Some(Self::Str),
            _ => None,
        }
    }

    /// Of lists, the kind of a number in one and the most numbers; `None` for single values.
    pub fn list(self) -> Option<(Self, usize)> {
        match self {
            Self::Floats { longest } => Some((Self::Float, longest)),
            Self::Ints { longest } => Some((Self::Int, longest)),
            Self::Float | Self::Int | Self::Bool | Self::Str => None,
        }
    }
}

impl fmt::Display for InputKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Float => f.write_str("a real number"),
            Self::Int => f.write_str("a whole number"),
            Self::Bool => f.write_str("a boolean"),
            Self::Str => f.write_str("a text"),
            Self::Floats { longest } => write!(f, "a list of 1 to {longest} real numbers"),
            Self::Ints { longest } => write!(f, "a list of 1 to {longest} whole numbers"),
        }
    }
}

/// One input of a model.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The column's name.
    pub name: String,
    /// The kind of its values.
    pub kind: InputKind,
    /// Whether null is allowed; of a list, whether a number in it may be. The list itself is always given.
    pub nullable: bool,
}

impl Input {
    /// An input that is never null.
    pub fn new(name: impl Into<String>, kind: InputKind) -> Self {
        Self {
            name: name.into(),
            kind,
            nullable: false,
        }
    }

    /// The same input, and null is allowed.
    #[must_use]
    pub fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }
}

impl limit::Weigh for Input {
    fn weigh(&self) -> usize {
        1
    }
}

/// Checks a value of a row against its input.
pub(crate) fn check_value(input: &Input, value: &Value) -> Result<()> {
    match Cell::of(value) {
        Some(cell) => check_cell(input, cell),
        None if matches!(value, Value::Map(_)) => Err(wrong_type(input, "a map")),
        None => Err(wrong_type(input, "a time")),
    }
}

/// Checks a cell against its input.
pub(crate) fn check_cell(input: &Input, cell: Cell<'_>) -> Result<()> {
    let column = || input.name.clone();
    if let Some((kind, longest)) = input.kind.list() {
        return check_list(input, kind, longest, cell);
    }
    match (input.kind, cell) {
        (InputKind::Float, Cell::Number(value)) if value.is_infinite() => Err(Error::NotFinite {
            column: column(),
            row: None,
            value,
        }),
        (_, Cell::Missing) => null(input),
        (InputKind::Float, Cell::Number(value)) if value.is_nan() => null(input),
        // a model computes in real numbers, so a whole input is held to the same bound
        (InputKind::Float | InputKind::Int, Cell::Int(value)) if value.unsigned_abs() > EXACT => {
            Err(Error::Inexact {
                column: column(),
                row: None,
                value,
            })
        }
        (InputKind::Float, Cell::Number(_) | Cell::Int(_))
        | (InputKind::Int, Cell::Int(_))
        | (InputKind::Bool, Cell::Bool(_))
        | (InputKind::Str, Cell::Text(_)) => Ok(()),
        (_, Cell::Number(_)) => Err(wrong_type(input, "a real number")),
        (_, Cell::Int(_)) => Err(wrong_type(input, "a whole number")),
        (_, Cell::Bool(_)) => Err(wrong_type(input, "a boolean")),
        (_, Cell::Text(_)) => Err(wrong_type(input, "a text")),
        (_, Cell::List(_)) => Err(wrong_type(input, "a list")),
    }
}

/// Checks a list against its input, given the kind of its numbers.
fn check_list(input: &Input, kind: InputKind, longest: usize, cell: Cell<'_>) -> Result<()> {
    let list = match cell {
        Cell::List(list) => list,
        Cell::Missing => {
            return Err(Error::NullInput {
                column: input.name.clone(),
                row: None,
            });
        }
        Cell::Number(_) => return Err(wrong_type(input, "a real number")),
        Cell::Int(_) => return Err(wrong_type(input, "a whole number")),
        Cell::Bool(_) => return Err(wrong_type(input, "a boolean")),
        Cell::Text(_) => return Err(wrong_type(input, "a text")),
    };
    let invalid = |reason: String| {
        Err(Error::InvalidList {
            column: input.name.clone(),
            row: None,
            reason,
        })
    };
    if list.len() == 0 {
        return invalid("it is empty".to_owned());
    }
    if list.len() > longest {
        let reason = format!("it has {} numbers, at most {longest} are read", list.len());
        return invalid(reason);
    }
    for at in 0..list.len() {
        let wrong = match (kind, list.get(at)) {
            (_, Some(Cell::Missing)) if input.nullable => continue,
            (_, Some(Cell::Missing)) => "null, and the input is not nullable".to_owned(),
            (InputKind::Float, Some(Cell::Number(x))) if x.is_nan() && !input.nullable => {
                "null, and the input is not nullable".to_owned()
            }
            (InputKind::Float, Some(Cell::Number(x))) if x.is_infinite() => format!("{x}"),
            (_, Some(Cell::Int(x))) if x.unsigned_abs() > EXACT => {
                format!("{x}; beyond 2^53 it would be rounded")
            }
            (_, Some(Cell::Int(_))) | (InputKind::Float, Some(Cell::Number(_))) => continue,
            (_, Some(Cell::Number(_))) => "a real number".to_owned(),
            (_, Some(Cell::Bool(_))) => "a boolean".to_owned(),
            (_, Some(Cell::Text(_))) => "a text".to_owned(),
            (_, Some(Cell::List(_)) | None) => "no single value".to_owned(),
        };
        return invalid(format!("number {at} is {wrong}"));
    }
    Ok(())
}

fn null(input: &Input) -> Result<()> {
    if input.nullable {
        return Ok(());
    }
    Err(Error::NullInput {
        column: input.name.clone(),
        row: None,
    })
}

fn wrong_type(input: &Input, found: &str) -> Error {
    Error::WrongType {
        column: input.name.clone(),
        row: None,
        expected: input.kind,
        found: found.to_owned(),
    }
}
