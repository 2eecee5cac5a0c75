//! One view on values, whether they come from a row or from an Arrow column.
//!
//! Checks and encoders read [`Cell`]s alone, so a batch and a row cannot be treated differently.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, LargeStringArray,
        ListArray, StringArray,
    },
    compute,
    datatypes::{DataType, Field},
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
    List(List<'a>),
}

/// The values of a list without their memory.
#[derive(Debug, Clone, Copy)]
pub(crate) enum List<'a> {
    Values(&'a [Value]),
    /// A slice of an array, by its start and its length.
    Numbers(&'a Float64Array, usize, usize),
    Ints(&'a Int64Array, usize, usize),
}

impl<'a> List<'a> {
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Values(values) => values.len(),
            Self::Numbers(_, _, len) | Self::Ints(_, _, len) => len,
        }
    }

    /// The cell at a place of the list; `None` for a value that no model reads.
    pub(crate) fn get(self, at: usize) -> Option<Cell<'a>> {
        match self {
            Self::Values(values) => Cell::of(&values[at]),
            Self::Numbers(array, start, _) => Some(if array.is_valid(start + at) {
                Cell::Number(array.value(start + at))
            } else {
                Cell::Missing
            }),
            Self::Ints(array, start, _) => Some(if array.is_valid(start + at) {
                Cell::Int(array.value(start + at))
            } else {
                Cell::Missing
            }),
        }
    }
}

impl<'a> Cell<'a> {
    /// The cell of a value; `None` for a time or a map, which no model reads.
    pub(crate) fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::Missing,
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) => Self::Int(*value),
            Value::Float(value) => Self::Number(*value),
            Value::Str(value) => Self::Text(value),
            Value::List(values) => Self::List(List::Values(values)),
            Value::Time(_) | Value::Map(_) => return None,
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
            Self::Missing | Self::Text(_) | Self::List(_) => f64::NAN,
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
    /// The lists, and the values of all of them.
    NumberLists(ListArray, Float64Array),
    IntLists(ListArray, Int64Array),
}

impl Cells {
    /// Takes a column whose type an input of this kind accepts.
    pub(crate) fn bind(input: &Input, column: &ArrayRef) -> Result<Self> {
        if let Some((kind, _)) = input.kind.list() {
            return Self::bind_lists(input, kind, column);
        }
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

    /// Takes a column of lists whose numbers are of this kind.
    fn bind_lists(input: &Input, kind: InputKind, column: &ArrayRef) -> Result<Self> {
        let found = match column.data_type() {
            DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
                InputKind::of(item.data_type())
            }
            // a column of nulls only; each row is refused by name
            DataType::Null => return Ok(Self::Int(Int64Array::new_null(column.len()))),
            _ => None,
        };
        let inner = match (kind, found) {
            (_, Some(InputKind::Int)) => DataType::Int64,
            (InputKind::Float, Some(InputKind::Float)) => DataType::Float64,
            _ => {
                return Err(Error::WrongType {
                    column: input.name.clone(),
                    row: None,
                    expected: input.kind,
                    found: format!("a column of {}", column.data_type()),
                });
            }
        };
        let real = inner == DataType::Float64;
        let lists = cast(
            column,
            &DataType::List(Arc::new(Field::new_list_field(inner, true))),
        )?;
        let lists: ListArray = lists.as_list().clone();
        Ok(if real {
            let values = lists.values().as_primitive().clone();
            Self::NumberLists(lists, values)
        } else {
            let values = lists.values().as_primitive().clone();
            Self::IntLists(lists, values)
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
            // each list is looked through
            Self::NumberLists(..) | Self::IntLists(..) => false,
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
            Self::NumberLists(lists, values) if lists.is_valid(row) => {
                let (start, len) = place(lists, row);
                Cell::List(List::Numbers(values, start, len))
            }
            Self::IntLists(lists, values) if lists.is_valid(row) => {
                let (start, len) = place(lists, row);
                Cell::List(List::Ints(values, start, len))
            }
            _ => Cell::Missing,
        }
    }
}

/// Where the list of a row starts among all values, and how long it is.
fn place(lists: &ListArray, row: usize) -> (usize, usize) {
    let offset = |at: usize| {
        usize::try_from(lists.value_offsets()[at]).expect("arrow's offsets are not below 0")
    };
    (offset(row), offset(row + 1) - offset(row))
}

fn cast(column: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    compute::cast(column, to).map_err(|source| {
        Error::Core(mlops_core::Error::Arrow {
            action: "widen a column",
            source,
        })
    })
}
