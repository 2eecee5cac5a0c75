//! The values of a column by what can be asked of them: whole numbers stay whole, in the width they have.

use arrow::{
    array::{Array, ArrayRef, AsArray, LargeStringArray, StringArray, StringViewArray},
    buffer::{BooleanBuffer, ScalarBuffer},
    compute,
    datatypes::{
        DataType, Date32Type, Date64Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
        Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
        TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
        UInt64Type,
    },
};

use crate::{Error, Result};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A column by kind.
#[derive(Debug, Clone)]
pub(super) enum Values {
    Bool(BooleanBuffer),
    Whole(Whole),
    Real(Real),
    Text(Text),
    /// Microseconds since 1970 in UTC.
    Time(ScalarBuffer<i64>),
    /// Bytes, durations and all else that only equality is asked of.
    Other,
}

/// Whole numbers in the width of the column.
#[derive(Debug, Clone)]
pub(super) enum Whole {
    I8(ScalarBuffer<i8>),
    I16(ScalarBuffer<i16>),
    I32(ScalarBuffer<i32>),
    I64(ScalarBuffer<i64>),
    U8(ScalarBuffer<u8>),
    U16(ScalarBuffer<u16>),
    U32(ScalarBuffer<u32>),
    U64(ScalarBuffer<u64>),
}

/// Real numbers; decimals are read as the nearest of them.
#[derive(Debug, Clone)]
pub(super) enum Real {
    F32(ScalarBuffer<f32>),
    F64(ScalarBuffer<f64>),
}

/// Texts in the layout of the column.
#[derive(Debug, Clone)]
pub(super) enum Text {
    Small(StringArray),
    Large(LargeStringArray),
    View(StringViewArray),
}

/// Runs one expression over whole numbers of any width.
macro_rules! each_whole {
    ($whole:expr, $values:ident => $body:expr) => {
        match $whole {
            $crate::expectation::values::Whole::I8($values) => $body,
            $crate::expectation::values::Whole::I16($values) => $body,
            $crate::expectation::values::Whole::I32($values) => $body,
            $crate::expectation::values::Whole::I64($values) => $body,
            $crate::expectation::values::Whole::U8($values) => $body,
            $crate::expectation::values::Whole::U16($values) => $body,
            $crate::expectation::values::Whole::U32($values) => $body,
            $crate::expectation::values::Whole::U64($values) => $body,
        }
    };
}

/// Runs one expression over texts of any layout.
macro_rules! each_text {
    ($text:expr, $values:ident => $body:expr) => {
        match $text {
            $crate::expectation::values::Text::Small($values) => $body,
            $crate::expectation::values::Text::Large($values) => $body,
            $crate::expectation::values::Text::View($values) => $body,
        }
    };
}

pub(super) use {each_text, each_whole};

/// A width of whole numbers.
pub(super) trait Integer: Copy + Ord + Into<i128> + TryFrom<i128> {
    const LEAST: Self;
    const MOST: Self;
}

macro_rules! integers {
    ($($t:ty),*) => {$(
        impl Integer for $t {
            const LEAST: Self = <$t>::MIN;
            const MOST: Self = <$t>::MAX;
        }
    )*};
}

integers!(i8, i16, i32, i64, u8, u16, u32, u64);

impl Values {
    pub(super) fn of(array: &ArrayRef) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::Boolean => Self::Bool(array.as_boolean().values().clone()),
            DataType::Int8 => {
                Self::Whole(Whole::I8(array.as_primitive::<Int8Type>().values().clone()))
            }
            DataType::Int16 => Self::Whole(Whole::I16(
                array.as_primitive::<Int16Type>().values().clone(),
            )),
            DataType::Int32 => Self::Whole(Whole::I32(
                array.as_primitive::<Int32Type>().values().clone(),
            )),
            DataType::Int64 => Self::Whole(Whole::I64(
                array.as_primitive::<Int64Type>().values().clone(),
            )),
            DataType::UInt8 => Self::Whole(Whole::U8(
                array.as_primitive::<UInt8Type>().values().clone(),
            )),
            DataType::UInt16 => Self::Whole(Whole::U16(
                array.as_primitive::<UInt16Type>().values().clone(),
            )),
            DataType::UInt32 => Self::Whole(Whole::U32(
                array.as_primitive::<UInt32Type>().values().clone(),
            )),
            DataType::UInt64 => Self::Whole(Whole::U64(
                array.as_primitive::<UInt64Type>().values().clone(),
            )),
            DataType::Float16 => {
                let array = cast(array, &DataType::Float32)?;
                Self::Real(Real::F32(
                    array.as_primitive::<Float32Type>().values().clone(),
                ))
            }
            DataType::Float32 => Self::Real(Real::F32(
                array.as_primitive::<Float32Type>().values().clone(),
            )),
            DataType::Float64 => Self::Real(Real::F64(
                array.as_primitive::<Float64Type>().values().clone(),
            )),
            t if t.is_decimal() => {
                let array = cast(array, &DataType::Float64)?;
                Self::Real(Real::F64(
                    array.as_primitive::<Float64Type>().values().clone(),
                ))
            }
            DataType::Utf8 => Self::Text(Text::Small(array.as_string().clone())),
            DataType::LargeUtf8 => Self::Text(Text::Large(array.as_string().clone())),
            DataType::Utf8View => Self::Text(Text::View(array.as_string_view().clone())),
            DataType::Dictionary(_, values) if is_text(values) => Self::Text(Text::View(
                cast(array, &DataType::Utf8View)?.as_string_view().clone(),
            )),
            DataType::Timestamp(unit, Some(_)) => Self::Time(instants(array, *unit)),
            DataType::Date32 => {
                let days = array.as_primitive::<Date32Type>().values().iter();
                Self::Time(days.map(|d| i64::from(*d) * MICROS_PER_DAY).collect())
            }
            DataType::Date64 => {
                let millis = array.as_primitive::<Date64Type>().values().iter();
                Self::Time(millis.map(|v| v.saturating_mul(1_000)).collect())
            }
            _ => Self::Other,
        })
    }
}

impl Real {
    /// The values as 64-bit floats, copied if they are shorter.
    pub(super) fn wide(&self) -> ScalarBuffer<f64> {
        match self {
            Self::F32(values) => values.iter().map(|v| f64::from(*v)).collect(),
            Self::F64(values) => values.clone(),
        }
    }
}

impl Text {
    pub(super) fn value(&self, row: usize) -> &str {
        each_text!(self, texts => texts.value(row))
    }
}

/// Whether a column of the type holds texts.
pub(super) fn is_text(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

/// Instants of any unit as microseconds, rounded towards the past and clamped where they do not fit.
fn instants(array: &ArrayRef, unit: TimeUnit) -> ScalarBuffer<i64> {
    let scaled = |values: &[i64], by: i64| values.iter().map(|v| v.saturating_mul(by)).collect();
    match unit {
        TimeUnit::Second => scaled(
            array.as_primitive::<TimestampSecondType>().values(),
            1_000_000,
        ),
        TimeUnit::Millisecond => scaled(
            array.as_primitive::<TimestampMillisecondType>().values(),
            1_000,
        ),
        TimeUnit::Microsecond => array
            .as_primitive::<TimestampMicrosecondType>()
            .values()
            .clone(),
        TimeUnit::Nanosecond => {
            let values = array.as_primitive::<TimestampNanosecondType>().values();
            values.iter().map(|v| v.div_euclid(1_000)).collect()
        }
    }
}

pub(super) fn cast(array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    compute::cast(array, data_type).map_err(Error::arrow("read a column for a contract"))
}
