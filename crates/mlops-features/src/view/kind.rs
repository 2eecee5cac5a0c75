//! The small choices of a view, and what the values of a field are for the functions that read them.

use arrow::datatypes::DataType;
use mlops_core::EventTime;
use serde::{Deserialize, Serialize};

/// Whether an event stamped exactly at the instant of the question is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Boundary {
    /// It is seen: `ts <= t`, as in Feast. Windows are `t - w < ts <= t`.
    #[default]
    Inclusive,
    /// It is not seen: `ts < t`, as in Chronon. Windows are `t - w <= ts < t`.
    Exclusive,
}

impl Boundary {
    pub(crate) fn sees(self, stamp: i64, at: i64) -> bool {
        match self {
            Self::Inclusive => stamp <= at,
            Self::Exclusive => stamp < at,
        }
    }
}

/// Whether rows that became known after the instant of the question are hidden from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cutoff {
    /// Only the event time decides; the created time breaks ties.
    #[default]
    EventTime,
    /// The created time must pass the same [`Boundary`] as the event time; a row without one is hidden.
    /// Backfilled rows then do not leak into training sets.
    CreatedTime,
}

/// How a field's values are held and computed with; a field's [`data_type`](crate::Field::data_type) says how they
/// come in and go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// True or false.
    Bool,
    /// Whole numbers, 64 bits: integers of any width, durations in their unit, decimals in units of their last
    /// digit.
    Int,
    /// Real numbers, 64 bits.
    Float,
    /// Texts; also bytes, as hexadecimal text.
    Str,
    /// Instants; also days, as their midnight in UTC.
    Time,
}

impl FieldKind {
    /// The kind of an Arrow column, if a field can hold it.
    pub fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Boolean => Some(Self::Bool),
            t if t.is_integer() => Some(Self::Int),
            // a decimal with a negative scale has no text of its own
            DataType::Duration(_) | DataType::Decimal128(_, 0..) => Some(Self::Int),
            DataType::Float32 | DataType::Float64 => Some(Self::Float),
            t if t.is_string() => Some(Self::Str),
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(1..) => Some(Self::Str),
            DataType::Timestamp(_, _) | DataType::Date32 | DataType::Date64 => Some(Self::Time),
            _ => None,
        }
    }

    /// The Arrow type of a column of this kind at its widest.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Str => DataType::Utf8,
            Self::Time => EventTime::data_type(),
        }
    }
}
