//! Arrow columns as numbers or texts, whatever their width.

use arrow::{
    array::{Array, ArrayRef, AsArray, Float64Array, StringArray},
    compute::cast,
    datatypes::{DataType, Float64Type},
};

use super::ColumnKind;
use crate::{Error, Result};

/// A column ready to be counted.
pub(crate) enum Cells {
    Numbers(Float64Array),
    Texts(StringArray),
}

/// What a column of a type is by nature; `None` if it has no distribution here.
pub(super) fn natural_kind(data_type: &DataType) -> Option<ColumnKind> {
    match data_type {
        t if t.is_integer() => Some(ColumnKind::Numeric),
        DataType::Float32 | DataType::Float64 => Some(ColumnKind::Numeric),
        DataType::Boolean | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            Some(ColumnKind::Categorical)
        }
        DataType::Dictionary(_, value) => {
            natural_kind(value).filter(|kind| *kind == ColumnKind::Categorical)
        }
        _ => None,
    }
}

/// The column as the kind that its profile has.
pub(crate) fn cells(name: &str, array: &ArrayRef, kind: ColumnKind) -> Result<Cells> {
    let found = array.data_type();
    let natural = natural_kind(found).ok_or_else(|| Error::UnsupportedColumn {
        column: name.to_owned(),
        found: found.clone(),
    })?;
    // whole numbers may be labels; nothing else changes its kind
    if natural != kind && !(kind == ColumnKind::Categorical && found.is_integer()) {
        return Err(Error::WrongValue {
            column: name.to_owned(),
            expected: kind.as_str(),
            found: found.to_string(),
        });
    }
    let target = match kind {
        ColumnKind::Numeric => DataType::Float64,
        ColumnKind::Categorical => DataType::Utf8,
    };
    let converted = cast(array, &target).map_err(|source| mlops_core::Error::Arrow {
        action: "convert a column",
        source,
    })?;
    Ok(match kind {
        ColumnKind::Numeric => Cells::Numbers(converted.as_primitive::<Float64Type>().clone()),
        ColumnKind::Categorical => Cells::Texts(converted.as_string::<i32>().clone()),
    })
}

impl Cells {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Numbers(array) => array.len(),
            Self::Texts(array) => array.len(),
        }
    }
}
