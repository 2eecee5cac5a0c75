//! The types of key columns: by what they mean, not by their width or encoding.

use arrow::datatypes::DataType;
use mlops_core::{Date, KeyPart, Uuid, Value};
use serde::Serialize;

/// The type of one key column. Columns of one type join whatever their width or encoding: an `Int32` key
/// meets an `Int64` one, and never a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeyType {
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A text.
    Str,
    /// A UUID.
    Uuid,
    /// A calendar day.
    Date,
}

impl KeyType {
    /// The key type that an Arrow column has, if it can be a key.
    pub fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Boolean => Some(Self::Bool),
            t if t.is_integer() => Some(Self::Int),
            t if t.is_string() => Some(Self::Str),
            DataType::FixedSizeBinary(16) => Some(Self::Uuid),
            DataType::Date32 => Some(Self::Date),
            _ => None,
        }
    }

    /// The Arrow type that a column of such keys has unless another width or encoding is stated.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int => DataType::Int64,
            Self::Str => DataType::Utf8,
            Self::Uuid => DataType::FixedSizeBinary(16),
            Self::Date => DataType::Date32,
        }
    }

    /// Whether a part of a key has this type.
    pub fn fits(self, part: &KeyPart) -> bool {
        matches!(
            (self, part),
            (Self::Bool, KeyPart::Bool(_))
                | (Self::Int, KeyPart::Int(_))
                | (Self::Str, KeyPart::Str(_))
                | (Self::Uuid, KeyPart::Uuid(_))
                | (Self::Date, KeyPart::Date(_))
        )
    }

    /// The part of a key that a value makes under this type, if it does: a UUID and a day are read from their
    /// texts, nothing else is converted.
    pub fn part(self, value: &Value) -> Option<KeyPart> {
        let part = match (self, value) {
            (Self::Uuid, Value::Str(text)) => KeyPart::Uuid(Uuid::parse(text).ok()?),
            (Self::Date, Value::Str(text)) => KeyPart::Date(Date::parse(text).ok()?),
            (_, value) => KeyPart::from_value(value.clone())?,
        };
        self.fits(&part).then_some(part)
    }

    /// Whether keys of this type can be read from such a column: also a UUID from its text.
    pub(crate) fn reads(self, data_type: &DataType) -> bool {
        Self::of(data_type) == Some(self) || (self == Self::Uuid && data_type.is_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_becomes_a_key_of_its_type_only() {
        let uuid = "550e8400-e29b-41d4-a716-446655440000";
        let check = |kind: KeyType, value: Value, fits: bool| {
            let part = kind.part(&value);
            assert_eq!(part.is_some(), fits, "{kind:?} {value:?}");
            assert!(part.is_none_or(|part| kind.fits(&part)));
        };
        check(KeyType::Int, 1.into(), true);
        check(KeyType::Int, "1".into(), false);
        check(KeyType::Str, "1".into(), true);
        check(KeyType::Str, uuid.into(), true);
        check(KeyType::Uuid, uuid.into(), true);
        check(KeyType::Uuid, "1".into(), false);
        check(KeyType::Date, "2011-07-01".into(), true);
        check(KeyType::Date, 15_156.into(), false);
        check(KeyType::Bool, Value::Null, false);
    }
}
