//! Entity keys: the typed, composite identity that features are joined on.
//!
//! Keys compare by type and value, column by column, so `("1", "23")` and `("12", "3")` are two keys
//! and `1` is not `"1"`. A null key equals nothing and is therefore no key at all.

use std::fmt;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{DataType, Date32Type},
};
use serde::{Deserialize, Serialize};

use crate::{Date, Error, Result, Uuid, Value};

/// One part of an entity key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeyPart {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text.
    Str(String),
    /// A universally unique identifier; in JSON `{"uuid": "550e8400-…"}`, so that it is no text.
    Uuid(#[serde(with = "uuid_form")] Uuid),
    /// A calendar day; in JSON `{"date": "2011-07-01"}`, so that it is no text.
    Date(#[serde(with = "date_form")] Date),
}

impl fmt::Display for KeyPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Str(value) => write!(f, "{value:?}"),
            Self::Uuid(value) => write!(f, "{value}"),
            Self::Date(value) => write!(f, "{value}"),
        }
    }
}

impl From<i64> for KeyPart {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<&str> for KeyPart {
    fn from(value: &str) -> Self {
        Self::Str(value.to_owned())
    }
}
impl From<String> for KeyPart {
    fn from(value: String) -> Self {
        Self::Str(value)
    }
}
impl From<Uuid> for KeyPart {
    fn from(value: Uuid) -> Self {
        Self::Uuid(value)
    }
}
impl From<Date> for KeyPart {
    fn from(value: Date) -> Self {
        Self::Date(value)
    }
}
impl From<bool> for KeyPart {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl KeyPart {
    /// The part as a value; an identifier or a day becomes its text.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Str(value) => Value::Str(value.clone()),
            Self::Uuid(value) => Value::Str(value.to_string()),
            Self::Date(value) => Value::Str(value.to_string()),
        }
    }

    /// The part of a key that a value makes; `None` for null and for what cannot be a key.
    ///
    /// A text stays a text, also where it reads as an identifier or a day: only who knows the key's type can
    /// tell.
    pub fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self::Bool(value)),
            Value::Int(value) => Some(Self::Int(value)),
            Value::Str(value) => Some(Self::Str(value)),
            _ => None,
        }
    }

    /// The part of a key in one row of an Arrow column: whole numbers of any width, texts, booleans, 16 bytes
    /// as an identifier, `Date32` as a day; `None` for null.
    ///
    /// # Errors
    /// [`Error::TypeMismatch`] if the column's type cannot be a key, [`Error::Unrepresentable`] if the value
    /// is out of range.
    pub fn from_array(column: &str, array: &ArrayRef, row: usize) -> Result<Option<Self>> {
        if array.is_null(row) {
            return Ok(None);
        }
        let mismatch = || Error::TypeMismatch {
            column: column.to_owned(),
            expected: DataType::Int64,
            found: array.data_type().clone(),
        };
        let part = match array.data_type() {
            DataType::FixedSizeBinary(16) => {
                let bytes = array.as_fixed_size_binary().value(row);
                Self::Uuid(Uuid::from_bytes(bytes.try_into().expect("16 bytes")))
            }
            DataType::Date32 => {
                let days = array.as_primitive::<Date32Type>().value(row);
                let day = Date::from_days(days).ok_or_else(|| Error::Unrepresentable {
                    column: column.to_owned(),
                    row,
                    reason: "it lies outside the years -9999 to 9999",
                })?;
                Self::Date(day)
            }
            t if t.is_integer() || t.is_string() || *t == DataType::Boolean => {
                Self::from_value(Value::from_array(column, array, row)?).ok_or_else(mismatch)?
            }
            _ => return Err(mismatch()),
        };
        Ok(Some(part))
    }
}

/// The identity of one entity: its key columns in the order of the entity's definition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntityKey(Vec<KeyPart>);

impl EntityKey {
    /// A key of several parts. No parts is the key of a view without entities.
    pub fn new(parts: impl IntoIterator<Item = KeyPart>) -> Self {
        Self(parts.into_iter().collect())
    }

    /// The parts in order.
    pub fn parts(&self) -> &[KeyPart] {
        &self.0
    }

    /// The key in one row of the key columns, or `None` if a part of it is null.
    ///
    /// # Errors
    /// Those of [`KeyPart::from_array`].
    pub fn from_arrays(names: &[&str], columns: &[ArrayRef], row: usize) -> Result<Option<Self>> {
        let mut parts = Vec::with_capacity(columns.len());
        for (name, column) in names.iter().zip(columns) {
            match KeyPart::from_array(name, column, row)? {
                None => return Ok(None),
                Some(part) => parts.push(part),
            }
        }
        Ok(Some(Self(parts)))
    }
}

impl<T: Into<KeyPart>> From<T> for EntityKey {
    fn from(part: T) -> Self {
        Self(vec![part.into()])
    }
}

impl fmt::Display for EntityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{part}")?;
        }
        Ok(())
    }
}

macro_rules! forms {
    ($($module:ident, $field:ident: $type:ident;)*) => {$(
        /// An object with one field, so that the part is told from a text.
        mod $module {
            use serde::{Deserialize, Deserializer, Serialize, Serializer};

            use crate::$type;

            #[derive(Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            struct Form {
                $field: $type,
            }

            pub(super) fn serialize<S: Serializer>(value: &$type, to: S) -> Result<S::Ok, S::Error> {
                Form { $field: *value }.serialize(to)
            }

            pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<$type, D::Error> {
                Ok(Form::deserialize(from)?.$field)
            }
        }
    )*};
}
forms! {
    uuid_form, uuid: Uuid;
    date_form, date: Date;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_read_alike_are_not_the_same() {
        let key = |a: &str, b: &str| EntityKey::new([a.into(), b.into()]);
        assert_ne!(key("1", "23"), key("12", "3"));
        assert_ne!(EntityKey::from(1), EntityKey::from("1"));
        assert_eq!(key("a", "b").to_string(), r#""a", "b""#);

        let id = Uuid::parse("550e8400-e29b-41d4-a716-446655440000").unwrap();
        let day = Date::parse("2011-07-01").unwrap();
        let parts: [KeyPart; 6] = [
            id.into(),
            id.to_string().into(),
            day.into(),
            day.to_string().into(),
            i64::from(day.days()).into(),
            true.into(),
        ];
        for (i, part) in parts.iter().enumerate() {
            for other in &parts[..i] {
                assert_ne!(part, other);
                assert_ne!(part.to_string(), other.to_string());
            }
        }
        let key = EntityKey::new(parts);
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<EntityKey>(&json).unwrap(), key);
    }
}
