//! Entity keys: the typed, composite identity that features are joined on.
//!
//! Keys compare by type and value, column by column, so `("1", "23")` and `("12", "3")` are two keys
//! and `1` is not `"1"`. A null key equals nothing and is therefore no key at all.

use std::fmt;

use arrow::{array::ArrayRef, datatypes::DataType};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Value};

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
}

impl fmt::Display for KeyPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Str(value) => write!(f, "{value:?}"),
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
impl From<bool> for KeyPart {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl KeyPart {
    /// The part as a value.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Str(value) => Value::Str(value.clone()),
        }
    }

    /// The part of a key that a value makes; `None` for null and for what cannot be a key.
    pub fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self::Bool(value)),
            Value::Int(value) => Some(Self::Int(value)),
            Value::Str(value) => Some(Self::Str(value)),
            Value::Null | Value::Float(_) | Value::Time(_) | Value::List(_) | Value::Map(_) => None,
        }
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
    /// [`Error::TypeMismatch`] if a column is not a whole number, text or boolean.
    pub fn from_arrays(names: &[&str], columns: &[ArrayRef], row: usize) -> Result<Option<Self>> {
        let mut parts = Vec::with_capacity(columns.len());
        for (name, column) in names.iter().zip(columns) {
            match Value::from_array(name, column, row)? {
                Value::Null => return Ok(None),
                value => {
                    let mismatch = || Error::TypeMismatch {
                        column: (*name).to_owned(),
                        expected: DataType::Int64,
                        found: column.data_type().clone(),
                    };
                    parts.push(KeyPart::from_value(value).ok_or_else(mismatch)?);
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_read_alike_are_not_the_same() {
        let key = |a: &str, b: &str| EntityKey::new([a.into(), b.into()]);
        assert_ne!(key("1", "23"), key("12", "3"));
        assert_ne!(EntityKey::from(1), EntityKey::from("1"));
        assert_eq!(key("a", "b").to_string(), r#""a", "b""#);
    }
}
