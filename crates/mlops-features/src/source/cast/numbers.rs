//! Numbers and booleans of every width, exactly or not at all.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray},
    datatypes::{DataType, Float64Type, Int64Type, UInt64Type},
};

use super::{
    super::{
        cell,
        rejection::{Fault, RejectionKind},
        schema::SourceColumn,
    },
    convert, to,
};
use crate::Result;

pub(super) fn ints(
    spec: &SourceColumn,
    array: &ArrayRef,
    bad: &mut Vec<(usize, Fault)>,
) -> Result<Option<ArrayRef>> {
    let too_large = || Fault::new(RejectionKind::OutOfRange, "it does not fit 64 bits");
    Ok(Some(match array.data_type() {
        DataType::UInt64 => {
            let source = array.as_primitive::<UInt64Type>();
            Arc::new(convert::<_, Int64Type>(source, bad, |value| {
                i64::try_from(value).map(Some).map_err(|_| too_large())
            }))
        }
        t if t.is_integer() => to(array, &DataType::Int64)?,
        t if t.is_floating() => {
            let wide = to(array, &DataType::Float64)?;
            let source = wide.as_primitive::<Float64Type>();
            Arc::new(convert::<_, Int64Type>(source, bad, |value| {
                let Some(value) = finite(spec, value)? else {
                    return Ok(None);
                };
                if value.fract() != 0.0 {
                    return Err(Fault::new(
                        RejectionKind::NotWhole,
                        "it is not a whole number",
                    ));
                }
                whole(value).map(Some).ok_or_else(too_large)
            }))
        }
        _ => return Ok(None),
    }))
}

/// A whole float as an integer, if it fits.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the range is checked in the line above"
)]
fn whole(value: f64) -> Option<i64> {
    let limit = 2_f64.powi(63);
    (-limit..limit).contains(&value).then_some(value as i64)
}

pub(super) fn floats(
    spec: &SourceColumn,
    array: &ArrayRef,
    bad: &mut Vec<(usize, Fault)>,
) -> Result<Option<ArrayRef>> {
    let inexact = || {
        Fault::new(
            RejectionKind::OutOfRange,
            "a 64-bit float cannot hold it exactly",
        )
    };
    Ok(Some(match array.data_type() {
        DataType::Int64 => {
            let source = array.as_primitive::<Int64Type>();
            Arc::new(convert::<_, Float64Type>(source, bad, |value| {
                let wide = value as f64;
                if whole(wide) == Some(value) {
                    Ok(Some(wide))
                } else {
                    Err(inexact())
                }
            }))
        }
        DataType::UInt64 => {
            let source = array.as_primitive::<UInt64Type>();
            Arc::new(convert::<_, Float64Type>(source, bad, |value| {
                let exact = value == 0
                    || 64 - value.leading_zeros() - value.trailing_zeros() <= f64::MANTISSA_DIGITS;
                if exact {
                    Ok(Some(value as f64))
                } else {
                    Err(inexact())
                }
            }))
        }
        t if t.is_integer() => to(array, &DataType::Float64)?,
        t if t.is_floating() || t.is_decimal() => {
            let wide = to(array, &DataType::Float64)?;
            let source = wide.as_primitive::<Float64Type>();
            Arc::new(convert::<_, Float64Type>(source, bad, |value| {
                finite(spec, value)
            }))
        }
        _ => return Ok(None),
    }))
}

fn finite(spec: &SourceColumn, value: f64) -> Result<Option<f64>, Fault> {
    if value.is_nan() && spec.nan_as_null {
        return Ok(None);
    }
    if value.is_finite() {
        Ok(Some(value))
    } else {
        Err(cell::not_finite())
    }
}

pub(super) fn booleans(
    array: &ArrayRef,
    bad: &mut Vec<(usize, Fault)>,
) -> Result<Option<ArrayRef>> {
    Ok(match array.data_type() {
        DataType::Boolean => Some(Arc::clone(array)),
        t if t.is_integer() && *t != DataType::UInt64 => {
            let wide = to(array, &DataType::Int64)?;
            let source = wide.as_primitive::<Int64Type>();
            let values = source.iter().enumerate().map(|(row, value)| match value? {
                0 => Some(false),
                1 => Some(true),
                _ => {
                    let reason = "it is neither 0 nor 1";
                    bad.push((row, Fault::new(RejectionKind::NotBool, reason)));
                    None
                }
            });
            Some(Arc::new(values.collect::<BooleanArray>()))
        }
        _ => None,
    })
}
