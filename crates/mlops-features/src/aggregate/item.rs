//! One value of one field, borrowed, and what makes two of them equal or ordered.

use mlops_core::{EventTime, Value};

/// A value of a field of an event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Item<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(&'a str),
    Time(i64),
}

/// A whole-number sum left 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overflow;

impl<'a> Item<'a> {
    /// A value as an item; lists and maps are no values of fields.
    pub(crate) fn of(value: &'a Value) -> Self {
        match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) => Self::Int(*value),
            Value::Float(value) => Self::Float(*value),
            Value::Str(value) => Self::Str(value),
            Value::Time(value) => Self::Time(value.micros()),
            Value::Null | Value::List(_) | Value::Map(_) => Self::Null,
        }
    }

    pub(crate) fn is_null(self) -> bool {
        self == Self::Null
    }

    pub(crate) fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Float(value) => Value::Float(value),
            Self::Str(value) => Value::Str(value.to_owned()),
            Self::Time(value) => Value::Time(EventTime::from_micros(value)),
        }
    }

    /// Bits that are the same for equal values; `None` for texts, which have none.
    pub(crate) fn bits(self) -> Option<u64> {
        match self {
            Self::Null | Self::Str(_) => None,
            Self::Bool(value) => Some(value.into()),
            Self::Int(value) | Self::Time(value) => Some(value.cast_unsigned()),
            Self::Float(value) => Some(identity(value)),
        }
    }

    /// The text of a category; `None` for null and for kinds that make no categories.
    pub(crate) fn category(self) -> Option<String> {
        match self {
            Self::Bool(value) => Some(value.to_string()),
            Self::Int(value) => Some(value.to_string()),
            Self::Str(value) => Some(value.to_owned()),
            Self::Null | Self::Float(_) | Self::Time(_) => None,
        }
    }
}

/// Bits that are the same for equal reals: one zero, one NaN.
pub(crate) fn identity(value: f64) -> u64 {
    if value.is_nan() {
        f64::NAN.to_bits()
    } else {
        (value + 0.0).to_bits()
    }
}

/// A whole number that is ordered as the real is: `-0.0` just below `0.0`.
pub(crate) fn order_key(value: f64) -> i64 {
    let bits = value.to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

/// The real of an order key.
pub(crate) fn from_order_key(key: i64) -> f64 {
    f64::from_bits((key ^ ((key >> 63).cast_unsigned() >> 1).cast_signed()).cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_as_reals_are_and_zero_counts_once() {
        let rising = [
            f64::NEG_INFINITY,
            -1.5,
            -0.0,
            0.0,
            f64::MIN_POSITIVE,
            3.0,
            f64::INFINITY,
        ];
        for pair in rising.windows(2) {
            assert!(order_key(pair[0]) < order_key(pair[1]), "{pair:?}");
        }
        for value in rising {
            assert_eq!(from_order_key(order_key(value)).to_bits(), value.to_bits());
        }
        assert_eq!(identity(0.0), identity(-0.0));
        assert_eq!(identity(f64::NAN), identity(-f64::NAN));
        assert_ne!(identity(0.0), identity(f64::MIN_POSITIVE));
    }
}
