//! Entity keys as dense ids: each column has its codes, and pairs of codes have codes again.
//!
//! No key is glued together or built row by row, and a row of a view is dropped at its first part that no
//! spine row has.

use arrow::{
    array::{Array, ArrayRef, AsArray, BinaryArray, Int64Array, StringArray},
    compute::cast,
    datatypes::{DataType, Float64Type, Int64Type, UInt64Type},
};

use super::{
    cells::Origin,
    infer::is_whole,
    table::{BytesTable, IntTable, NONE},
};
use crate::{Error, Result};

/// How a key column is compared: two columns are equal in kind or are not compared at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyKind {
    Int,
    Text,
    Bool,
    Date,
    Binary,
}

impl KeyKind {
    /// The kind of a column of this type, if it can be a part of a key.
    ///
    /// Reals are taken for whole numbers, value by value: a column of whole numbers with nulls is often
    /// written as reals.
    pub(super) fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Dictionary(_, values) => Self::of(values),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Self::Text),
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Some(Self::Binary),
            DataType::Boolean => Some(Self::Bool),
            DataType::Date32 => Some(Self::Date),
            DataType::Float32 | DataType::Float64 => Some(Self::Int),
            whole if whole.is_integer() => Some(Self::Int),
            _ => None,
        }
    }

    /// The kind in words, for an error.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Int => "a whole number of 64 bits",
            Self::Text => "a text",
            Self::Bool => "a boolean",
            Self::Date => "a date",
            Self::Binary => "bytes",
        }
    }

    /// The values of a column in the form in which they are compared.
    ///
    /// # Errors
    /// [`Error::BadCell`] for a value that the kind does not have, [`Error::ColumnType`] for another type.
    pub(super) fn read(self, array: &ArrayRef, origin: &Origin<'_>) -> Result<KeyColumn> {
        let to = |data_type: &DataType| {
            if array.data_type() == data_type {
                return Ok(ArrayRef::clone(array));
            }
            cast(array, data_type).map_err(Error::arrow("read a key column"))
        };
        if let DataType::Dictionary(_, values) = array.data_type() {
            return self.read(&to(values)?, origin);
        }
        let found = Self::of(array.data_type());
        let text = found == Some(Self::Text);
        match self {
            Self::Int if text => whole_texts(to(&DataType::Utf8)?.as_string(), origin),
            Self::Int => match array.data_type() {
                DataType::UInt64 => bounded(array.as_primitive::<UInt64Type>(), origin),
                DataType::Float32 | DataType::Float64 => {
                    whole_reals(to(&DataType::Float64)?.as_primitive(), origin)
                }
                whole if whole.is_integer() => Ok(KeyColumn::Int(
                    to(&DataType::Int64)?.as_primitive::<Int64Type>().clone(),
                )),
                other => Err(origin.wrong_type(other, self.words())),
            },
            Self::Text if text => Ok(KeyColumn::Bytes(
                to(&DataType::Utf8)?.as_string::<i32>().clone().into(),
            )),
            Self::Bool if text => {
                parsed(
                    to(&DataType::Utf8)?.as_string(),
                    self,
                    origin,
                    |text| match text.to_ascii_lowercase().as_str() {
                        "true" => Some(1),
                        "false" => Some(0),
                        _ => None,
                    },
                )
            }
            Self::Date if text => parsed(to(&DataType::Utf8)?.as_string(), self, origin, |text| {
                let date: jiff::civil::Date = text.parse().ok()?;
                let epoch = jiff::civil::date(1970, 1, 1);
                Some(i64::from((date - epoch).get_days()))
            }),
            Self::Bool if found == Some(Self::Bool) => Ok(KeyColumn::Int(
                to(&DataType::Int64)?.as_primitive::<Int64Type>().clone(),
            )),
            Self::Date if found == Some(Self::Date) => Ok(KeyColumn::Int(
                to(&DataType::Int32)
                    .and_then(|days| {
                        cast(&days, &DataType::Int64).map_err(Error::arrow("read a key column"))
                    })?
                    .as_primitive::<Int64Type>()
                    .clone(),
            )),
            Self::Binary if found == Some(Self::Binary) => {
                Ok(KeyColumn::Bytes(to(&DataType::Binary)?.as_binary().clone()))
            }
            _ => Err(origin.wrong_type(array.data_type(), self.words())),
        }
    }
}

/// Whole numbers of a text column in which another text is no error: it equals no key.
pub(super) fn loosely_whole(array: &ArrayRef) -> Result<KeyColumn> {
    let texts = cast(array, &DataType::Utf8).map_err(Error::arrow("read a key column"))?;
    let texts = texts.as_string::<i32>().iter().map(|text| {
        let digits = text?.strip_suffix(".0").or(text)?;
        is_whole(digits).then(|| digits.parse().ok())?
    });
    Ok(KeyColumn::Int(texts.collect()))
}

/// A piece of one key column.
#[derive(Debug, Clone)]
pub(super) enum KeyColumn {
    Int(Int64Array),
    /// Texts as well, which are equal if their bytes are.
    Bytes(BinaryArray),
}

fn bounded(values: &arrow::array::UInt64Array, origin: &Origin<'_>) -> Result<KeyColumn> {
    let mut whole = Vec::with_capacity(values.len());
    for (row, value) in values.iter().enumerate() {
        whole.push(match value {
            None => None,
            Some(value) => Some(
                i64::try_from(value)
                    .map_err(|_| origin.bad(row, &value.to_string(), KeyKind::Int.words()))?,
            ),
        });
    }
    Ok(KeyColumn::Int(Int64Array::from(whole)))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "checked to be a whole number below 2^53"
)]
fn whole_reals(
    values: &arrow::array::PrimitiveArray<Float64Type>,
    origin: &Origin<'_>,
) -> Result<KeyColumn> {
    let mut whole = Vec::with_capacity(values.len());
    for (row, value) in values.iter().enumerate() {
        whole.push(match value {
            Some(value) if value.is_nan() => None,
            Some(value) if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 => {
                Some(value as i64)
            }
            Some(value) => return Err(origin.bad(row, &value.to_string(), KeyKind::Int.words())),
            None => None,
        });
    }
    Ok(KeyColumn::Int(Int64Array::from(whole)))
}

fn whole_texts(texts: &StringArray, origin: &Origin<'_>) -> Result<KeyColumn> {
    parsed(texts, KeyKind::Int, origin, |text| {
        let digits = text.strip_suffix(".0").unwrap_or(text);
        is_whole(digits).then(|| digits.parse().ok())?
    })
}

fn parsed(
    texts: &StringArray,
    kind: KeyKind,
    origin: &Origin<'_>,
    read: impl Fn(&str) -> Option<i64>,
) -> Result<KeyColumn> {
    let mut values = Vec::with_capacity(texts.len());
    for (row, text) in texts.iter().enumerate() {
        values.push(match text {
            None | Some("") => None,
            Some(text) => Some(read(text).ok_or_else(|| origin.bad(row, text, kind.words()))?),
        });
    }
    Ok(KeyColumn::Int(Int64Array::from(values)))
}

#[derive(Debug)]
enum ColumnTable {
    Int(IntTable),
    Bytes(BytesTable),
}

/// The keys of a spine: an id for each.
#[derive(Debug)]
pub(super) struct KeyIndex {
    columns: Vec<ColumnTable>,
    /// The id of the columns so far with the code of the next, packed into one number.
    pairs: Vec<IntTable>,
}

impl KeyIndex {
    pub(super) fn new(kinds: &[KeyKind]) -> Self {
        let column = |kind: &KeyKind| match kind {
            KeyKind::Text | KeyKind::Binary => ColumnTable::Bytes(BytesTable::new()),
            _ => ColumnTable::Int(IntTable::new()),
        };
        Self {
            columns: kinds.iter().map(column).collect(),
            pairs: (1..kinds.len()).map(|_| IntTable::new()).collect(),
        }
    }

    /// The ids of a piece of the spine, new ones for new keys; [`NONE`] where a part is null.
    pub(super) fn insert(&mut self, columns: &[KeyColumn], ids: &mut [u32]) {
        ids.fill(0);
        for (at, (column, table)) in columns.iter().zip(&mut self.columns).enumerate() {
            let pairs = at.checked_sub(1).map(|at| &mut self.pairs[at]);
            match (column, table) {
                (KeyColumn::Int(values), ColumnTable::Int(table)) => {
                    combine(
                        ids,
                        pairs,
                        |t, v| t.insert(v),
                        |row| code(values.is_valid(row), || table.insert(values.value(row))),
                    );
                }
                (KeyColumn::Bytes(values), ColumnTable::Bytes(table)) => {
                    combine(
                        ids,
                        pairs,
                        |t, v| t.insert(v),
                        |row| code(values.is_valid(row), || table.insert(values.value(row))),
                    );
                }
                _ => unreachable!("a column is read in the kind of its table"),
            }
        }
    }

    /// Ends the building.
    pub(super) fn seal(&mut self) {
        for table in &mut self.columns {
            if let ColumnTable::Int(table) = table {
                table.seal();
            }
        }
    }

    /// The ids of a piece of a view; [`NONE`] where a part is null or no spine row has the key.
    pub(super) fn lookup(&self, columns: &[KeyColumn], ids: &mut [u32]) {
        ids.fill(0);
        for (at, (column, table)) in columns.iter().zip(&self.columns).enumerate() {
            let pairs = at.checked_sub(1).map(|at| &self.pairs[at]);
            match (column, table) {
                (KeyColumn::Int(values), ColumnTable::Int(table)) if values.null_count() == 0 => {
                    let values = values.values();
                    combine(ids, pairs, |t, v| t.get(v), |row| table.get(values[row]));
                }
                (KeyColumn::Int(values), ColumnTable::Int(table)) => {
                    combine(
                        ids,
                        pairs,
                        |t, v| t.get(v),
                        |row| code(values.is_valid(row), || table.get(values.value(row))),
                    );
                }
                (KeyColumn::Bytes(values), ColumnTable::Bytes(table)) => {
                    combine(
                        ids,
                        pairs,
                        |t, v| t.get(v),
                        |row| code(values.is_valid(row), || table.get(values.value(row))),
                    );
                }
                _ => unreachable!("a column is read in the kind of its table"),
            }
        }
    }

    /// The number of ids given.
    pub(super) fn len(&self) -> usize {
        match (self.pairs.last(), self.columns.first()) {
            (Some(pairs), _) => pairs.len() as usize,
            (None, Some(ColumnTable::Int(table))) => table.len() as usize,
            (None, Some(ColumnTable::Bytes(table))) => table.len() as usize,
            // without key columns all rows share one id
            (None, None) => 1,
        }
    }
}

fn code(valid: bool, code: impl FnOnce() -> u32) -> u32 {
    if valid { code() } else { NONE }
}

/// Adds the codes of one more column to the ids.
fn combine<T>(
    ids: &mut [u32],
    mut pairs: Option<T>,
    mut pair: impl FnMut(&mut T, i64) -> u32,
    mut code: impl FnMut(usize) -> u32,
) {
    match &mut pairs {
        None => ids
            .iter_mut()
            .enumerate()
            .for_each(|(row, id)| *id = code(row)),
        Some(pairs) => {
            for (row, id) in ids.iter_mut().enumerate() {
                if *id == NONE {
                    continue;
                }
                *id = match code(row) {
                    NONE => NONE,
                    code => pair(pairs, (i64::from(*id) << 32) | i64::from(code)),
                };
            }
        }
    }
}
