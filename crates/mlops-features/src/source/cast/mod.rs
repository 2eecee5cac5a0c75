//! Typed columns to the table's types: widened without loss, or rejected value by value.
//!
//! A type that can never become what the schema asks for is an error of the whole source; a single value
//! that does not fit (a fraction in a whole column, 2^60 in a float column) is a fault of its row.

mod numbers;
mod times;

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, new_null_array},
    compute,
    datatypes::DataType,
};

use self::{
    numbers::{booleans, floats, ints},
    times::times,
};
use super::{
    Parse,
    columns::{ColumnBuilder, NullTokens, Stop},
    rejection::Fault,
    schema::{Reading, SourceColumn},
};
use crate::{Error, Result};

/// A column in the table's type; rows with a fault hold null.
pub(super) struct Cast {
    pub(super) array: ArrayRef,
    pub(super) bad: Vec<(usize, Fault)>,
}

/// Casts one column of a batch.
pub(super) fn cast(source_name: &str, spec: &SourceColumn, array: &ArrayRef) -> Result<Cast> {
    let array = plain(array)?;
    let mut bad = Vec::new();
    let converted = if *array.data_type() == DataType::Null {
        Some(new_null_array(spec.column.data_type(), array.len()))
    } else if is_text(array.data_type()) {
        Some(from_text(source_name, spec, &array, &mut bad)?)
    } else {
        match &spec.reading {
            Reading::Plain(Parse::Int) => ints(spec, &array, &mut bad)?,
            Reading::Plain(Parse::Float) => floats(spec, &array, &mut bad)?,
            Reading::Plain(Parse::Bool) => booleans(&array, &mut bad)?,
            Reading::Plain(Parse::Str | Parse::Trimmed) => {
                let whole = array.data_type().is_integer();
                whole.then(|| to(&array, &DataType::Utf8)).transpose()?
            }
            Reading::Time(format) => {
                let naive = matches!(
                    array.data_type(),
                    DataType::Timestamp(_, None) | DataType::Date32 | DataType::Date64
                );
                if naive && format.zone().is_none() {
                    return Err(Error::UnstatedZone {
                        source_name: source_name.to_owned(),
                        column: spec.source.clone(),
                    });
                }
                times(format, &array, &mut bad)?
            }
        }
    };
    let Some(converted) = converted else {
        return Err(Error::ColumnType {
            source_name: source_name.to_owned(),
            column: spec.source.clone(),
            found: array.data_type().clone(),
            wanted: spec.reading.wanted(),
        });
    };
    if !spec.column.is_nullable() && converted.null_count() > 0 {
        // a value that is null because of a fault has that fault already, and the first one counts
        let missing = (0..converted.len()).filter(|row| converted.is_null(*row));
        bad.extend(missing.map(|row| (row, Fault::missing())));
    }
    Ok(Cast {
        array: converted,
        bad,
    })
}

/// The values of a dictionary, one for each row; texts share their bytes. Other columns are left as they are.
pub(super) fn plain(array: &ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Dictionary(_, values) if is_text(values) => to(array, &DataType::Utf8View),
        DataType::Dictionary(_, values) => to(array, values),
        _ => Ok(Arc::clone(array)),
    }
}

/// The bytes that the texts of a column have when each is written out.
pub(crate) fn text_bytes(array: &ArrayRef) -> u64 {
    let span = |first: usize, last: usize| (last - first) as u64;
    match array.data_type() {
        DataType::Utf8 => {
            let offsets = array.as_string::<i32>().offsets();
            let at = |offset: i32| usize::try_from(offset).expect("offsets are never negative");
            span(at(offsets[0]), at(offsets[array.len()]))
        }
        DataType::LargeUtf8 => {
            let offsets = array.as_string::<i64>().offsets();
            let at = |offset: i64| usize::try_from(offset).expect("offsets are never negative");
            span(at(offsets[0]), at(offsets[array.len()]))
        }
        DataType::Utf8View => lengths(array.as_string_view().views()),
        DataType::BinaryView => lengths(array.as_binary_view().views()),
        _ => 0,
    }
}

/// The length of a text stands in the lower half of its view.
fn lengths(views: &[u128]) -> u64 {
    let lengths = views
        .iter()
        .map(|view| u64::try_from(view & 0xffff_ffff).expect("32 bits"));
    lengths.fold(0, u64::saturating_add)
}

fn is_text(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

fn to(array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    compute::cast(array, data_type).map_err(Error::arrow("widen a column"))
}

/// Texts are read as a CSV file's are.
fn from_text(
    source_name: &str,
    spec: &SourceColumn,
    array: &ArrayRef,
    bad: &mut Vec<(usize, Fault)>,
) -> Result<ArrayRef> {
    let texts = to(array, &DataType::Utf8View)?;
    let mut builder = ColumnBuilder::new(spec);
    let no_tokens = NullTokens::default();
    for (row, text) in texts.as_string_view().iter().enumerate() {
        match builder.push(text.unwrap_or_default().as_bytes(), &no_tokens) {
            Ok(()) => {}
            Err(Stop::Fault(fault)) => {
                bad.push((row, fault));
                builder.push_null();
            }
            Err(Stop::Full) => {
                return Err(Error::ColumnTooLarge {
                    source_name: source_name.to_owned(),
                    column: spec.source.clone(),
                });
            }
        }
    }
    Ok(builder.finish())
}

/// Converts value by value; a fault leaves a null.
fn convert<T: ArrowPrimitiveType, U: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    bad: &mut Vec<(usize, Fault)>,
    change: impl Fn(T::Native) -> Result<Option<U::Native>, Fault>,
) -> PrimitiveArray<U> {
    let values = array.iter().enumerate().map(|(row, value)| {
        change(value?).unwrap_or_else(|fault| {
            bad.push((row, fault));
            None
        })
    });
    values.collect()
}

#[cfg(test)]
mod tests;
